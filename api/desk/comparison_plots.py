"""Draws what a comparison found, as SVG from numbers that stand in an address: a page shows it as an image."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask import url_for

from api.desk.pictures import LOOK, bar, bar_across, svg
from api.desk.words import t
from routing.errors import NotFound
from routing.flips import BUCKETS
from routing.vocabulary import URGENCIES

Triples = Sequence[tuple[str, int, int]]

PLACES_MOST = 12
_NUMBER = re.compile(r"[0-9]{1,7}")
_FLIP = re.compile(r"(U[0-5]):(U[0-5]):([0-9]{1,7})")
_PLACE = re.compile(r"([a-z0-9]+(?:-[a-z0-9]+)*):([0-9]{1,7}):([0-9]{1,7})")

_STYLE: Mapping[str, Any] = {
    **LOOK, "colors": ("#8a95a3", "#5f97d6"),
    "label_font_size": 12, "major_label_font_size": 12, "legend_font_size": 13, "value_font_size": 12,
}  # fmt: skip

_LOOKS: Mapping[str, Any] = {
    "js": (),
    "disable_xml_declaration": True,
    "explicit_size": True,
    "print_values": True,
    "print_zeroes": False,
    "legend_at_bottom": True,
    "no_data_text": "-",
}


def bucket_label(low: int | None, high: int | None) -> str:
    """So many minutes longer or shorter, as one reads it."""
    if low is None:
        return t(f"meer dan {-(high or 0) - 1} korter", f"more than {-(high or 0) - 1} shorter")
    if high is None:
        return t(f"meer dan {low - 1} langer", f"more than {low - 1} longer")
    if low == high == 0:
        return t("gelijk", "the same")
    if high < 0:
        return t(f"{-high}–{-low} korter", f"{-high}–{-low} shorter")
    return t(f"{low}–{high} langer", f"{low}–{high} longer")


def minutes_rows(histogram: Sequence[Mapping[str, Any]]) -> list[tuple[str, int]]:
    """The same numbers as a table."""
    return [(bucket_label(each["from"], each["to"]), each["n"]) for each in histogram]


def minutes_address(histogram: Sequence[Mapping[str, Any]]) -> str:
    """Where the plot of these minutes is."""
    return url_for("comparing.plot", plot="minutes", n=[each["n"] for each in histogram])


def inflow_address(places: Triples) -> str:
    """Where the plot of these places is: id, how many then, how many now."""
    return url_for("comparing.plot", plot="inflow", n=[f"{place}:{then}:{now}" for place, then, now in places])


def urgency_flips(matrix: Mapping[str, Mapping[str, int]]) -> list[tuple[str, str, int]]:
    """What of a matrix of urgencies changes: what it was, what it would be, how many; the most urgent of then first."""
    return sorted((then, now, n) for then, row in matrix.items() for now, n in row.items() if then != now and n)


def urgency_address(flips: Sequence[tuple[str, str, int]]) -> str:
    """Where the plot of these changes is."""
    return url_for("comparing.plot", plot="urgency", n=[f"{then}:{now}:{n}" for then, now, n in flips])


def _urgency(given: Sequence[str], _names: Mapping[str, str]) -> bytes:
    found = [_FLIP.fullmatch(each) for each in given[: len(URGENCIES) ** 2]]
    flips = [(f"{each[1]} \u2192 {each[2]}", int(each[3])) for each in found if each is not None]
    if not flips:
        raise NotFound("plot", "urgency")
    chart = bar_across(_STYLE, **_LOOKS, width=820, height=90 + 30 * len(flips), show_legend=False)
    chart.x_labels = [name for name, _ in reversed(flips)]
    chart.add(t("beslissingen", "decisions"), [n for _, n in reversed(flips)])
    return svg(chart)


def _minutes(given: Sequence[str], _names: Mapping[str, str]) -> bytes:
    if len(given) != len(BUCKETS) or not all(map(_NUMBER.fullmatch, given)):
        raise NotFound("plot", "minutes")
    chart = bar(_STYLE, **_LOOKS, width=820, height=320, show_legend=False, x_label_rotation=25)
    chart.x_labels = [bucket_label(low, high) for low, high in BUCKETS]
    chart.add(t("beslissingen", "decisions"), list(map(int, given)))
    return svg(chart)


def _inflow(given: Sequence[str], names: Mapping[str, str]) -> bytes:
    found = [_PLACE.fullmatch(each) for each in given[:PLACES_MOST]]
    places = [(names[each[1]], int(each[2]), int(each[3])) for each in found if each is not None and each[1] in names]
    if not places:
        raise NotFound("plot", "inflow")
    chart = bar_across(_STYLE, **_LOOKS, width=820, height=120 + 44 * len(places))
    chart.x_labels = [name for name, _, _ in reversed(places)]
    chart.add(t("toen", "then"), [then for _, then, _ in reversed(places)])
    chart.add(t("met deze regels", "by these rules"), [now for _, _, now in reversed(places)])
    return svg(chart)


PLOTS: Mapping[str, Callable[[Sequence[str], Mapping[str, str]], bytes]] = {
    "urgency": _urgency,
    "minutes": _minutes,
    "inflow": _inflow,
}
"""Name of a plot -> what draws it of the numbers in its address and the names of places."""
