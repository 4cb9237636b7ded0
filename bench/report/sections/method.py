"""Method of measurement, in short and in full, and the commands that repeat the runs."""

from __future__ import annotations

from bench.report.frame.ranking import Ranking
from bench.report.markdown import bullets, escape, fence

_COMMAND, _PRICES = "command", "prices"
_SHORT = [
    "**epoch s**: every training image once through the network; for a frozen backbone, the pass over the images plus "
    "an epoch of its head. Evaluation and checkpoints are not counted.",
    "**train s**: all epochs at the steady pace, without start-up; with saved features, their extraction in full. An "
    "ensemble is charged its members: the choice, trained again.",
]
_FULL = [
    "**Clock**: a monotonic one, read after the last step's result has come back from the device.",
    "**Epoch**: every training image once, from the first step to the last; evaluation and checkpoints are counted "
    "apart. Seconds per epoch are the median of all epochs but the first.",
    "**epoch s**: an epoch through the network. With saved features, one view's share of their extraction plus an "
    "epoch of the part that trains on them, which is **head epoch s** alone; else the measured epoch.",
    "**Training**, steady: all epochs, with saved features their extraction too, without start-up. **Start-up**: "
    "tracing, compilation, first calls and statistics of random weights; **full s** is the sum of both. Runs that "
    "shared one extraction are each charged all of it.",
    "**Costs of an ensemble**: training the choice again takes the steady seconds of its members; finding it took "
    "those of all runs, as finding the best single run did. Its inference is that of members with a weight above zero; "
    "of a cascade, the mean over images.",
    "**Macro F1**: the unweighted mean over all classes, zero for a class neither present nor predicted, from one pass "
    "over the gathered predictions of the last epoch, on validation images unless a column says test.",
    "**Cross-fitted F1** of an ensemble: every step that depends on data (choice of members, weights) is done on some "
    "folds and scored on the others. A score **in sample** is on the images of the fit, and flatters.",
    "**Differences** are paired: both sides on the same images, and on the same seeds if there are several. Those to "
    "the best run, and to the best ensemble, hold for all comparisons together (Holm); others are of 95 % each.",
]


def method(ranking: Ranking) -> list[str]:
    """The meaning of seconds and intervals, as a short list."""
    prices = ranking.inputs.about.get(_PRICES)
    priced = [f"**USD**: steady seconds at {escape(prices)}."] if prices else []
    return [bullets([*_SHORT, *priced, _inference(ranking), _intervals(ranking)])]


def method_in_full(ranking: Ranking) -> list[str]:
    """Definitions, and the facts of this machine, as a list."""
    facts = {name: value for name, value in ranking.inputs.about.items() if name != _COMMAND}
    return [bullets([*_FULL, *(f"**{escape(name)}**: {escape(value)}" for name, value in facts.items())])]


def reproduce(ranking: Ranking, *, shared_data: bool) -> list[str]:
    """The commands, as a block."""
    commands = ranking.inputs.about.get(_COMMAND, "").strip()
    rebuild = "    # rebuilds this page from the stored runs, trains nothing"
    again = f"python -m bench report{ranking.data_option(shared_data)}{rebuild}"
    return [fence("\n".join(line for line in (commands, again) if line))]


def _inference(ranking: Ranking) -> str:
    batch = ranking.fact("inference_batch")
    size = f", in batches of {batch}" if batch else ""
    return f"**ms/image**: inference{size}, warm-up left out, median over batches."


def _intervals(ranking: Ranking) -> str:
    methods = ranking.fact("macro_f1_interval_method")
    kind = f" ({escape(methods)})" if methods else ""
    repeated = (ranking.configurations["n"] > 1).any()
    seeds = "**sd** is its size" if repeated else "each configuration was trained once, so its size is not known"
    return (
        f"**Intervals**: how far a score would move with other validation images of the same kind{kind}. They exclude "
        f"seed noise: {seeds}. The best of several is best partly by luck."
    )
