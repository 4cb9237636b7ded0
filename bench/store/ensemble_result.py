"""Choice, members, scores and diagnostics of an ensemble, as the report prints them. Units are in names."""

from __future__ import annotations

from bench.config.base import Frozen


class LeftOut(Frozen):
    """A run that was not a candidate, with the reason."""

    run_id: str
    reason: str


class GreedyStep(Frozen):
    """The ensemble after one more pick of greedy selection. Costs are sums over its members; None: not known."""

    picked: str  # run_id
    members: int  # number of different members
    macro_f1: float  # on the images of the fit, all of validation
    macro_f1_held_out: float  # on folds that were not fitted on, after as many picks
    log_loss: float
    ms_per_image: float | None = None
    train_seconds: float | None = None


class GreedyPath(Frozen):
    """Every pick of greedy selection; the ensemble holds the first `kept`."""

    steps: tuple[GreedyStep, ...]
    kept: int


class CascadePoint(Frozen):
    """One way to run a cascade: an image goes on to the next stage while its confidence is below the threshold."""

    stages: tuple[str, ...]  # run_ids, in the order in which they are run
    threshold: float
    reach: tuple[float, ...]  # share of the validation images that each stage is run on
    ms_per_image: float  # used on average on the validation images
    macro_f1: float  # on the images of the fit


class CascadePath(Frozen):
    """The chosen cascade, and the Pareto front of cost and macro F1 of all that were tried, by rising cost."""

    chosen: CascadePoint
    front: tuple[CascadePoint, ...]


class Pair(Frozen):
    """Differences between the errors of two members on the validation images."""

    one: str
    other: str
    disagreement: float  # share of images on which they predict different classes
    double_fault: float  # share of images on which both are wrong
    q: float | None = None  # Yule's Q of their hits; None if neither or both always err


class Diversity(Frozen):
    """Means over all pairs of members, and the pairs of the members with the highest weights."""

    disagreement: float
    double_fault: float
    q: float | None = None
    pairs: tuple[Pair, ...]


class ClassChange(Frozen):
    """F1 of one class, by the best single run and by the ensemble, both cross-fitted; means over repeats."""

    name: str
    images: int  # validation images of the class
    before: float
    after: float


class ClassChanges(Frozen):
    """The classes whose F1 changes most, and the numbers of all that rise and fall."""

    fixed: tuple[ClassChange, ...]
    broken: tuple[ClassChange, ...]
    risen: int
    fallen: int


class Sharpness(Frozen):
    """Quality of probabilities."""

    log_loss: float | None  # None: predicted classes are known, probabilities are not
    brier: float
    calibration_error: float  # expected calibration error, 15 bins of equal width


class Bin(Frozen):
    """Images of similar confidence."""

    confidence: float  # mean of the highest probability
    accuracy: float
    images: int


class Calibration(Frozen):
    """Calibration of held-out probabilities, before and after a cross-fitted temperature."""

    temperature: float  # above 1: the probabilities were overconfident
    before: Sharpness
    after: Sharpness
    bins_before: tuple[Bin, ...]
    bins_after: tuple[Bin, ...]


class Member(Frozen):
    """A run inside an ensemble, with the digest of the predictions that were combined."""

    run_id: str
    weight: float
    val_digest: str


class Combination(Frozen):
    """Method, members, scores and costs of an ensemble."""

    method: str
    members: tuple[Member, ...]
    candidates: tuple[str, ...]
    fit_score: float  # in-sample: on the images of the fit
    cross_fitted: float
    cross_fitted_low: float | None = None  # interval of the cross-fitted score
    cross_fitted_high: float | None = None
    best_single: str
    best_single_cross_fitted: float | None = None  # "take the best single run", cross-fitted on the same folds
    gain: float | None = None  # cross-fitted score minus that of the best single run
    gain_low: float | None = None  # its paired interval
    gain_high: float | None = None
    members_train_seconds: float | None = None  # without start-up, as that of the candidates
    candidates_train_seconds: float | None = None
    max_cost_ms: float | None = None  # limit of the members' inference time per image, summed
    left_out: tuple[LeftOut, ...] = ()
    exponents: tuple[float, ...] | None = None  # of a product of the members' probabilities
    prior_shift: tuple[float, ...] | None = None  # subtracted from the log-probabilities of the classes
    greedy: GreedyPath | None = None
    cascade: CascadePath | None = None
    diversity: Diversity | None = None  # None: a single member
    class_changes: ClassChanges | None = None
    calibration: Calibration | None = None
    held_out: Sharpness | None = None  # of the held-out probabilities, means over repeats
