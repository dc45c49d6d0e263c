"""Plots of figures as SVG: bars with what they stand for, in the colours of the desk, without any script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.desk.pictures import LOOK, bar, bar_across, svg

WIDTH = 620
"""In pixels, about as wide as it is shown, so that its words are as large as those around it."""

LABELS_MOST = 24
"""Of more labels below a plot only some five are written, as they would lie over each other."""

COLOURS = ("#154273", "#b34700", "#1d6b37")

STYLE: Mapping[str, Any] = {
    **LOOK,
    "colors": COLOURS,
    "label_font_size": 14,
    "major_label_font_size": 14,
    "value_font_size": 13,
    "value_label_font_size": 13,
    "legend_font_size": 15,
    "value_colors": ("#1b1f24",) * len(COLOURS),
}

Count = int | None
"""How many; None where it is too few to tell, which no bar stands for."""


@dataclass(frozen=True, slots=True)
class Series:
    """What is counted, and how many of each label."""

    name: str
    values: tuple[Count, ...]


def bars(labels: Sequence[str], series: Sequence[Series], *, across: bool, nothing: str) -> bytes:
    """An SVG with a bar for each label, and beside each other for each of `series`; `across` where the labels are long.
    `nothing` is written where there is nothing to show."""
    kind = bar_across if across else bar
    count = len(labels) * len(series)
    chart = kind(
        STYLE,
        width=WIDTH,
        height=max(180, 60 + 26 * count) if across else 300,
        show_legend=len(series) > 1,
        legend_at_bottom=True,
        print_values=True,
        print_values_position="top",
        value_formatter=lambda value: f"{value:g}" if value else "",
        margin=12,
        no_data_text=nothing,
        js=(),
        pretty_print=False,
        order_min=0,
        include_x_axis=True,
        truncate_label=40,
        show_minor_x_labels=across or len(labels) <= LABELS_MOST,
        x_labels_major_every=-(-len(labels) // 5) if not across and len(labels) > LABELS_MOST else None,
    )
    # the first of a list stands at the top of a page, and pygal begins at the bottom
    order = slice(None, None, -1) if across else slice(None)
    chart.x_labels = list(labels)[order]
    for each in series:
        chart.add(each.name, list(each.values)[order])
    return svg(chart)
