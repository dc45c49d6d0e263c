"""The past of a place as plots: SVG that needs nothing else, with the numbers beside it on the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from api.desk.pictures import LOOK, Chart, svg, xy
from api.desk.place_words import unit_word
from api.desk.words import clock, moment, t

PLOTS = ("stops", "crowding", "beds", "waiting_minutes")

TICKS = 5

_LOOK = {
    **LOOK,
    "colors": ("#154273", "#a3190b", "#1d6b37", "#8a4b00", "#2d0a4e"),
    "label_font_size": 12,
    "major_label_font_size": 12,
    "legend_font_size": 13,
    "no_data_font_size": 16,
    "stroke_opacity": "1",
}

_FORM = {
    "js": (),
    "width": 760,
    "height": 220,
    "margin": 10,
    "dots_size": 3,
    "show_x_guides": False,
    "legend_at_bottom": True,
    "include_x_axis": True,
    "allow_interruptions": True,
    "y_labels_major_count": 4,
    "show_minor_y_labels": False,
}


def title(of: str) -> str:
    """What the plot shows."""
    names = {
        "stops": t("Stops", "Stops"),
        "crowding": t("Drukte (NEDOCS)", "Crowding (NEDOCS)"),
        "beds": t("Vrije bedden", "Free beds"),
        "waiting_minutes": t("Wachttijd (minuten)", "Waiting time (minutes)"),
    }
    return names[of]


def drawn(past: Mapping[str, Any]) -> list[str]:
    """Of what there is anything to plot."""
    return [of for of in PLOTS if past[of]]


def plot(past: Mapping[str, Any], of: str) -> bytes:
    """The plot of PLOTS that is asked for, out of `routing.place_view.past_of`."""
    begin, end = (datetime.fromisoformat(past[name]).timestamp() for name in ("since", "until"))
    ticks = [begin + (end - begin) * number / TICKS for number in range(TICKS + 1)]
    words = clock if end - begin <= 2 * 24 * 3600 else moment
    chart = xy(
        {**_LOOK, "stroke_width": "9" if of == "stops" else "2"},
        **_FORM,
        show_legend=of != "stops",  # there each line has its name beside it
        no_data_text=t("niets gemeld", "nothing reported"),
        x_labels=ticks,
        xrange=(begin, end),
        x_value_formatter=lambda seconds: words(datetime.fromtimestamp(seconds, UTC)),
    )
    if of == "stops":
        _stops(chart, past["stops"], begin, end)
    else:
        for unit, points in past[of].items():
            chart.add(unit_word(unit), [(_seconds(point["at"]), point["value"]) for point in points])
    return svg(chart)


def _stops(chart: Chart, stops: Sequence[Mapping[str, Any]], begin: float, end: float) -> None:
    """A line for each unit, at a height of its own, as long as its stop was."""
    units = list(dict.fromkeys(stop["unit"] for stop in stops))
    chart.config.y_labels = [{"value": number + 1, "label": unit_word(unit)} for number, unit in enumerate(units)]
    chart.config.range = (0, len(units) + 1)
    for number, unit in enumerate(units):
        points: list[tuple[float, int | None]] = []
        for stop in (each for each in stops if each["unit"] == unit):
            first = max(begin, _seconds(stop["begin"]))
            last = _seconds(stop["end"]) if stop["end"] is not None else end
            points += [(first, number + 1), (last, number + 1), (last, None)]
        chart.add(unit_word(unit), points, show_dots=False)


def _seconds(at: str) -> float:
    return datetime.fromisoformat(at).timestamp()
