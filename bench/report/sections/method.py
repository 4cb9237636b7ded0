"""Method of measurement, and the commands that repeat the runs."""

from __future__ import annotations

import shlex

from bench.report.frame.ranking import Ranking
from bench.report.markdown import bullets, escape, fence

_COMMAND = "command"
_CLOCK = [
    "**Clock**: a monotonic one, read after the last step's result has come back from the device.",
    "**Epoch**: every training image once, from the first step to the last; evaluation and checkpoints are counted "
    "apart. The first epoch includes tracing and compilation, and for a frozen backbone its one pass over the images; "
    "seconds per epoch are the median of the others.",
    "**Uncached epoch**: for a frozen backbone, the pass over the training images plus an epoch of its head: the cost "
    "of an epoch without saved features, comparable with fine-tuning. Runs that shared one pass are each charged all "
    "of it.",
    "**Training total**: all epochs in full. An ensemble is charged the training of every candidate, since all had to "
    "be trained to choose among them; its inference is that of members with a weight above zero.",
    "**Macro F1**: the unweighted mean over all classes, zero for a class neither present nor predicted, from one pass "
    "over the gathered predictions of the last epoch, on validation images unless a column says test.",
    "**Cross-fitted F1** of an ensemble: every step that depends on data (choice of members, weights) is done on some "
    "folds and scored on the others. The fit F1 is scored on the images of the fit, and flatters.",
]


def method(ranking: Ranking) -> list[str]:
    """Definitions, the meaning of intervals, and the facts of this machine, as a list."""
    facts = {name: value for name, value in ranking.inputs.about.items() if name != _COMMAND}
    lines = [*_CLOCK, _inference(ranking), _intervals(ranking)]
    return [bullets([*lines, *(f"**{escape(name)}**: {escape(value)}" for name, value in facts.items())])]


def reproduce(ranking: Ranking, *, shared_data: bool) -> list[str]:
    """The commands, as a block."""
    option = f" --data {shlex.quote(ranking.fact('data'))}" if shared_data else ""
    commands = ranking.inputs.about.get(_COMMAND, "").strip()
    rebuild = f"python -m bench report{option}    # rebuilds this page from the stored runs, trains nothing"
    return [fence("\n".join(line for line in (commands, rebuild) if line))]


def _inference(ranking: Ranking) -> str:
    batch = ranking.fact("inference_batch")
    size = f", in batches of {batch}" if batch else ""
    return f"**Inference**: milliseconds per image{size}, warm-up left out, median over batches."


def _intervals(ranking: Ranking) -> str:
    methods = ranking.fact("macro_f1_interval_method")
    kind = f" ({escape(methods)})" if methods else ""
    repeated = ranking.runs["configuration"].duplicated().any()
    seeds = "see Seeds for its size" if repeated else "each configuration was trained once, so its size is not known"
    return (
        f"**Intervals**: 95 % bootstrap over the validation images{kind}. They say how far a score would move with "
        f"other images of the same kind; they exclude seed noise: {seeds}. The best of several is best partly by luck."
    )
