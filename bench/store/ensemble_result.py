"""What is kept of how an ensemble came about, so that the report only has to print it. Units are in names."""

from __future__ import annotations

from bench.config.base import Frozen


class LeftOut(Frozen):
    """A run that was no candidate, and why."""

    run_id: str
    reason: str


class GreedyStep(Frozen):
    """The ensemble after one more pick of greedy selection.

    Costs are those of all different members so far; None where one is not known.
    """

    picked: str  # run_id
    members: int  # different ones
    macro_f1: float  # on the images that it was fitted on, all of validation
    macro_f1_held_out: float  # of as many picks on some folds, on the others
    log_loss: float
    ms_per_image: float | None = None
    train_seconds: float | None = None


class GreedyPath(Frozen):
    """Every pick of greedy selection; the ensemble is made of the first `kept`."""

    steps: tuple[GreedyStep, ...]
    kept: int


class CascadePoint(Frozen):
    """One way to run a cascade: an image goes on to the next stage while its confidence is below the threshold."""

    stages: tuple[str, ...]  # run_ids, in the order in which they are run
    threshold: float
    reach: tuple[float, ...]  # share of the validation images that each stage is run on
    ms_per_image: float  # used on average on the validation images
    macro_f1: float  # on the images that it was fitted on


class CascadePath(Frozen):
    """The cascade that was chosen, and all than which none tried was both cheaper and better, by rising cost."""

    chosen: CascadePoint
    front: tuple[CascadePoint, ...]


class Pair(Frozen):
    """How differently two members err on the validation images."""

    one: str
    other: str
    disagreement: float  # share of images on which they predict different classes
    double_fault: float  # share of images on which both are wrong
    q: float | None = None  # Yule's Q of their hits; None where neither or both always err


class Diversity(Frozen):
    """Means over all pairs of members, and the pairs of those that weigh most."""

    disagreement: float
    double_fault: float
    q: float | None = None
    pairs: tuple[Pair, ...]


class ClassChange(Frozen):
    """F1 of one class, by the best single run and by the ensemble, both cross-fitted; means over repeats."""

    name: str
    images: int  # of it in validation
    before: float
    after: float


class ClassChanges(Frozen):
    """The classes whose F1 changes most, and how many rise and fall in all."""

    fixed: tuple[ClassChange, ...]
    broken: tuple[ClassChange, ...]
    risen: int
    fallen: int


class Sharpness(Frozen):
    """How far probabilities can be believed."""

    log_loss: float
    brier: float
    calibration_error: float  # expected calibration error, 15 bins of equal width


class Bin(Frozen):
    """Images of about one confidence."""

    confidence: float  # mean of the highest probability
    accuracy: float
    images: int


class Calibration(Frozen):
    """Of held-out probabilities, before and after one temperature, itself cross-fitted."""

    temperature: float  # above 1: the probabilities were too sure
    before: Sharpness
    after: Sharpness
    bins_before: tuple[Bin, ...]
    bins_after: tuple[Bin, ...]


class Member(Frozen):
    """A run inside an ensemble, tied to the very predictions that were combined."""

    run_id: str
    weight: float
    val_digest: str


class Combination(Frozen):
    """How an ensemble was made, scored and priced."""

    method: str
    members: tuple[Member, ...]
    candidates: tuple[str, ...]
    fit_score: float
    cross_fitted: float
    cross_fitted_low: float | None = None  # interval of the cross-fitted score
    cross_fitted_high: float | None = None
    best_single: str
    best_single_cross_fitted: float | None = None  # "take the best single run", cross-fitted on the same folds
    gain: float | None = None  # cross-fitted score minus that of the best single run
    gain_low: float | None = None  # its paired interval
    gain_high: float | None = None
    members_train_seconds: float | None = None
    candidates_train_seconds: float | None = None
    max_cost_ms: float | None = None  # what all members together may take per image; None: any time
    left_out: tuple[LeftOut, ...] = ()
    exponents: tuple[float, ...] | None = None  # of the members' probabilities, where they are no weights
    prior_shift: tuple[float, ...] | None = None  # taken off the log-probabilities of the classes; None: nothing
    greedy: GreedyPath | None = None
    cascade: CascadePath | None = None
    diversity: Diversity | None = None  # None: one member alone
    class_changes: ClassChanges | None = None
    calibration: Calibration | None = None
