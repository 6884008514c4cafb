"""The history of each table's versions as a picture: what was registered, decided and served, and by whom."""

from collections.abc import Iterator, Sequence
from typing import Literal

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from helpers import display
from helpers.plots.figures import BLACK, BLUE, GREEN, GREY, LIGHT, VERMILION, WIDEST, shown, styled

__all__ = ["NOWHERE", "Kind", "timeline"]
__dir__ = __all__.copy

Kind = Literal[
    "registered", "approved", "rejected", "serves", "out of service", "not served", "refused by the gate"
]
NOWHERE = "no version"  # the lane of models that the gate refused, which never became versions
DECIDED = {"approved": ("^", GREEN), "rejected": ("X", VERMILION)}
REFUSED = ("not served", "refused by the gate")
ALIVE = ("serves", "waits")  # how a version stands that may serve, or come to
MOST = 14  # things that happened to a table, the last ones
LANE, HEAD = 0.48, 1.0  # inches: a version's height, and that of a table's title and times
END = 1.9  # room at the right, in events, for how each version stands


@styled
def timeline(events: pd.DataFrame) -> Sequence[Axes]:
    """Draw a lane for each version of each table, from its registration on, thick where it serves.

    Events stand in their order and at equal distances, because seconds and weeks would not fit on one axis.

    Args:
        events: a row for each thing that happened, of data set (the index), at, version, what (of `Kind`),
            by, why; oldest first.
    """
    names = list(dict.fromkeys(events.index))
    if not names:
        display.say(events.attrs["instead"])
        return []
    tables = [events.loc[[name]].tail(MOST).reset_index(drop=True) for name in names]
    heights = [HEAD + LANE * len(_lanes(table)) for table in tables]
    figure, grid = plt.subplots(
        len(names), 1, figsize=(WIDEST, sum(heights) + 0.5), height_ratios=heights, squeeze=False
    )
    for axes, name, table in zip(grid[:, 0], names, tables, strict=True):
        _draw(axes, name, table)
    figure.legend(handles=list(_keys()), loc="outside lower center", ncols=4, frameon=False)
    alt = " ".join(_sentence(name, table) for name, table in zip(names, tables, strict=True))
    return shown(figure, f"Timelines of versions. {alt}")


def _draw(axes: Axes, name: str, table: pd.DataFrame) -> None:
    lanes, last = _lanes(table), len(table) - 0.5
    for place, lane in enumerate(lanes):
        own = table[_lane_of(table) == lane]
        if lane != NOWHERE:
            axes.plot([own.index[0], last], [place, place], color=LIGHT, linewidth=2, zorder=1)
            word, colour = _stands(table, lane)
            axes.text(last + 0.1, place, word, color=colour, va="center", fontweight="bold")
        for begin, end in _served(table, lane):
            axes.plot([begin, end], [place, place], color=BLUE, linewidth=9, solid_capstyle="butt", zorder=2)
        for at, event in own.iterrows():
            _mark(axes, float(at), place, event)
    axes.set_yticks(range(len(lanes)), [lane if lane == NOWHERE else f"version {lane}" for lane in lanes])
    axes.set_ylim(len(lanes) - 0.35, -0.75)
    axes.set_xlim(-0.5, len(table) - 0.5 + END)
    axes.set_title(name, loc="left", fontweight="bold")
    axes.set_xticks(*_times(table))
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False)
    axes.spines[["left", "right", "top"]].set_visible(False)


def _mark(axes: Axes, at: float, place: int, event: pd.Series) -> None:
    what = event["what"]
    style = {"markersize": 9, "zorder": 4, "linestyle": "", "clip_on": False}
    beside = {"textcoords": "offset points", "va": "center"}
    if what == "registered":
        axes.plot(at, place, "o", color=BLACK, markerfacecolor="white", **style)
    elif what in DECIDED:
        marker, colour = DECIDED[what]
        axes.plot(at, place, marker, color=colour, markeredgecolor="white", **{**style, "markersize": 12})
        axes.annotate(f"by {event['by']}", (at, place), (0, 15), ha="center", color=colour, **beside)
    elif what in REFUSED:
        axes.plot(at, place, "x", color=VERMILION, markeredgewidth=3, **style)
        axes.annotate(what, (at, place), (10, 0), ha="left", color=VERMILION, **beside)


def _keys() -> Iterator[Line2D]:
    """The legend: what the marks mean."""
    mark = {"color": "none", "markersize": 9}
    hollow = {"marker": "o", "markerfacecolor": "white", "markeredgecolor": BLACK}
    yield Line2D([], [], label="registered", **hollow, **mark)
    for what, (marker, colour) in DECIDED.items():
        yield Line2D([], [], label=what, marker=marker, markerfacecolor=colour, **mark)
    yield Line2D([], [], color=BLUE, linewidth=9, label="in service")


def _lanes(table: pd.DataFrame) -> list[object]:
    """The versions in their order, and the lane of refused models if there are any."""
    lanes = set(_lane_of(table))
    return [*sorted(lanes - {NOWHERE}), *(lanes & {NOWHERE})]


def _lane_of(table: pd.DataFrame) -> pd.Series:
    return table["version"].map(lambda version: NOWHERE if pd.isna(version) else int(version)).astype(object)


def _served(table: pd.DataFrame, version: object) -> Iterator[tuple[float, float]]:
    """From which event to which one a version served; one that still serves does so up to the end."""
    begin: float | None = None
    for at, event in table.iterrows():
        starts = event["what"] == "serves" and event["version"] == version
        if begin is not None and event["what"] in ("serves", "out of service") and not starts:
            yield begin, float(at)
            begin = None
        if starts and begin is None:
            begin = float(at)
    if begin is not None:
        yield begin, len(table) - 0.5


def _stands(table: pd.DataFrame, version: object) -> tuple[str, str]:
    """How a version stands at the end, and the colour of that."""
    own = table[table["version"] == version]
    decided = [what for what in own["what"] if what in DECIDED or what == "not served"]
    if any(end == len(table) - 0.5 for _, end in _served(table, version)):
        return ALIVE[0], BLUE
    if not decided:
        return ALIVE[1], BLACK
    return {"approved": ("approved before", GREY)}.get(decided[-1], (decided[-1], VERMILION))


def _times(table: pd.DataFrame) -> tuple[list[int], list[str]]:
    """Where on the axis the day changes, or within one day the minute, and what it says there."""
    moments = [at.to_pydatetime().astimezone() for at in table["at"]]
    days = len({at.date() for at in moments}) > 1
    words = [f"{at:%d %b}" if days else f"{at:%H:%M}" for at in moments]
    places = [at for at, word in enumerate(words) if at == 0 or word != words[at - 1]]
    return places, [words[at] for at in places]


def _sentence(name: str, table: pd.DataFrame) -> str:
    """What a person would see of one table."""
    parts = []
    for lane in _lanes(table):
        own = table[_lane_of(table) == lane]
        if lane == NOWHERE:
            parts.append(f"{len(own)} model{'s were' if len(own) > 1 else ' was'} refused by the gate")
            continue
        told = [
            f"{event['what']} by {event['by']}" if event["what"] in DECIDED else str(event["what"])
            for _, event in own.iterrows()
            if event["what"] not in ("serves", "registered")
        ]
        stands, _ = _stands(table, lane)
        parts.append(f"version {lane}: {', '.join([*told, *([stands] if stands in ALIVE else [])])}")
    return f"{name}: {'; '.join(parts)}."
