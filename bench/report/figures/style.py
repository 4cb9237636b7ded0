"""The style of figures: independent of the user's matplotlibrc, in colours safe for the colour-blind."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 160  # a Git host shows a page about 900 pixels wide: sharp there and on screens of twice the density
INK, FAINT = "#222222", "#8a8a8a"

# Okabe and Ito's palette without its yellow, which white paper swallows.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#7F5A3C")
BLUE, VERMILION = _COLOURS[:2]
COLOURS = len(_COLOURS)
_MARKERS = ("o", "s", "^", "D", "v", "P")
_STYLE: Any = {
    "font.family": "DejaVu Sans",  # shipped with matplotlib, so that figures are the same everywhere
    "font.size": 9.5,
    "text.parse_math": False,  # a dollar in a name is a dollar
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.7,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "legend.frameon": False,
    "figure.dpi": DPI,
}


@contextmanager
def house_style() -> Iterator[None]:
    """Draw in our style, then restore the user's."""
    import matplotlib

    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # a name in a script the font lacks is drawn as boxes
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of so many inches. Not pyplot's: that costs a second and keeps global state."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure


def save(figure: Figure, file: Path | IO[bytes], texts: Mapping[str, str] | None = None) -> None:
    """Write a PNG with these texts and no date or software version."""
    figure.savefig(file, format="png", metadata={"Software": None, **(texts or {})})


def caption(name: str, longest: int = 44) -> str:
    """A name on one line, cut to fit into the picture."""
    text = " ".join(name.split())
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def colours(names: Iterable[str]) -> dict[str, str]:
    """A colour for each name, the same for the same set of names; those beyond `COLOURS` begin again."""
    return {name: _COLOURS[place % len(_COLOURS)] for place, name in enumerate(sorted(set(names)))}


def markers(sizes: Iterable[float]) -> dict[float, str]:
    """A marker for each size, smallest first."""
    return {size: _MARKERS[place % len(_MARKERS)] for place, size in enumerate(sorted(set(sizes)))}


def plain_log_axis(axes: Axes, axis: str, decades: float) -> None:
    """A logarithmic axis of so many decades, labelled 1, 2, 5, 10, not in powers of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

    getattr(axes, f"set_{axis}scale")("log")
    chosen = axes.xaxis if axis == "x" else axes.yaxis
    chosen.set_major_locator(LogLocator(base=10, subs=_ticks(decades)))
    chosen.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    chosen.set_minor_locator(NullLocator())
    chosen.set_minor_formatter(NullFormatter())


def _ticks(decades: float) -> tuple[float, ...]:
    """Labels per decade that do not overlap."""
    return (1.0, 2.0, 5.0) if decades < 2 else (1.0, 3.0) if decades < 3 else (1.0,)
