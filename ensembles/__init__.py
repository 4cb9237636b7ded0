"""Arrays of class probabilities: scores, intervals, and ways to combine them.

`probs` is float32 (M members, N images, C classes) with rows that sum to 1, `labels` is int (N,). In five lines:

    >>> import numpy as np
    >>> from ensembles import cross_fit, make
    >>> val, test = np.random.default_rng(0).dirichlet(np.ones(3), size=(2, 4, 60)).astype("float32")  # M=4, N=60, C=3
    >>> labels = np.arange(60) % 3
    >>> top = make("top3").fit(val, labels)
    >>> top.predict_proba(test).shape
    (60, 3)
    >>> 0 < cross_fit(top, val, labels).score < 0.5  # on images held out of everything that is fitted
    True
"""

from ensembles.base import Combiner
from ensembles.blend import Blend
from ensembles.calibration import (
    PriorAdjusted,
    Reliability,
    brier,
    cross_fitted_temperature,
    fit_temperature,
    reliability,
    with_temperature,
)
from ensembles.cascade import Cascade
from ensembles.crossfit import CrossFit, cross_fit, stratified_folds
from ensembles.diversity import ClassChanges, class_changes, disagreement, double_fault, q_statistic
from ensembles.greedy import Greedy
from ensembles.mean import GeometricMean, Mean, TopK
from ensembles.metrics import accuracy, log_loss, macro_f1, per_class_f1
from ensembles.multiplicity import holm
from ensembles.registry import COMBINERS, make
from ensembles.stack import Stack
from ensembles.uncertainty import (
    Difference,
    Interval,
    macro_f1_interval,
    paired_difference,
    paired_difference_interval,
    too_few_images,
)

__all__ = [
    "COMBINERS",
    "Blend",
    "Cascade",
    "ClassChanges",
    "Combiner",
    "CrossFit",
    "Difference",
    "GeometricMean",
    "Greedy",
    "Interval",
    "Mean",
    "PriorAdjusted",
    "Reliability",
    "Stack",
    "TopK",
    "accuracy",
    "brier",
    "class_changes",
    "cross_fit",
    "cross_fitted_temperature",
    "disagreement",
    "double_fault",
    "fit_temperature",
    "holm",
    "log_loss",
    "macro_f1",
    "macro_f1_interval",
    "make",
    "paired_difference",
    "paired_difference_interval",
    "per_class_f1",
    "q_statistic",
    "reliability",
    "stratified_folds",
    "too_few_images",
    "with_temperature",
]
