"""Figures over many decisions, as plots, as tables and to download: nothing of a single patient stands in them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask import Blueprint, Response, request

from api.auth import world
from api.desk.evidence import condition_label
from api.desk.moments import midnight
from api.desk.page import page
from api.desk.plots import Count, Series, bars
from api.desk.words import t, text
from routing import figures as counting
from routing.directory_here import newest_directory
from routing.errors import BadInput, NotFound, bad_input
from routing.facilities.opening import TIME_ZONE
from routing.norm_figures import ADVISED, ARRIVED, NormRow, norms_met
from routing.overrules import FEW
from routing.reports import NAMED_MOST
from routing.reports import overrules as count_overrules
from routing.rules_here import in_force
from routing.stop_figures import stop_hours
from routing.store.figures import Span
from routing.vocabulary import URGENCIES

pages = Blueprint("figures", __name__)

DAYS = 31
"""The period, if nobody says which."""

DAYS_MOST = 3_660

PLOTTED_MOST = 20
"""So many bars stand in a plot; the table has them all."""

NORMS_MOST = 1_000
"""Each decision of the period is opened for the norms; more keep others waiting for too long."""

OVERRULES_MOST = 20_000


@dataclass(frozen=True, slots=True)
class Period:
    """Days of the calendar here, both included."""

    first: date
    last: date

    @property
    def begin(self) -> datetime:
        """The moment at which it begins."""
        return midnight(self.first)

    @property
    def end(self) -> datetime:
        """The moment at which it is over."""
        return midnight(self.last + timedelta(days=1))

    @property
    def span(self) -> Span:
        """The same as moments."""
        return Span(self.begin, self.end)


@dataclass(frozen=True, slots=True)
class Figure:
    """One plot with its numbers: what it is called, what its first column is, its labels and what is counted."""

    what: str
    title: str
    column: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    across: bool = False

    @property
    def head(self) -> list[str]:
        """The heads of the columns."""
        return [self.column, *(each.name for each in self.series)]

    @property
    def rows(self) -> list[list[Any]]:
        """The numbers, row by row; what is too few to tell says so."""
        columns = [each.values for each in self.series]
        return [[label, *map(_shown, values)] for label, *values in zip(self.labels, *columns, strict=True)]


@pages.get("/figures")
def overview() -> Response:
    """How many decisions there were, by what they were about and when; and when emergency departments had stops."""
    period = _period()
    total = counting.total(world(), period.span)
    found, left_out = [], []
    for what, make in FIGURES.items():
        try:
            found.append(make(period))
        except BadInput:
            left_out.append(what)
    return page("figures.html", period=period, total=total, figures=found, left_out=left_out, most=PLOTTED_MOST)


@pages.get("/figures/<what>.svg")
def plot(what: str) -> Response:
    """One of these as a plot."""
    found = _figure(what)
    series = [Series(each.name, each.values[:PLOTTED_MOST] if found.across else each.values) for each in found.series]
    labels = found.labels[:PLOTTED_MOST] if found.across else found.labels
    nothing = t("Nog niets te zien", "Nothing to see yet")
    return Response(bars(labels, series, across=found.across, nothing=nothing), mimetype="image/svg+xml")


@pages.get("/figures/<what>.csv")
def download(what: str) -> Response:
    """The numbers of one of these, for a spreadsheet."""
    found = _figure(what)
    return _csv(what, [found.head, *found.rows])


@pages.get("/figures/norms")
def norms() -> Response:
    """Which norms were met, as far as decisions and outcomes tell."""
    period = _period()
    try:
        rows, damaged = norms_met(world(), period.begin, period.end, NORMS_MOST)
    except BadInput:
        return page("figures_too_many.html", 422, period=period, here="figures.norms", most=NORMS_MOST)
    return page(
        "norms.html",
        period=period,
        norms=[_norm(row) for row in rows if row.minutes is not None],
        direct=[_norm(row) for row in rows if row.minutes is None],
        damaged=(len(damaged), [str(each) for each in damaged[:NAMED_MOST]]),
        advised=_advised_words(),
        arrived=_arrived_words(),
        advised_keys=ADVISED,
        arrived_keys=ARRIVED,
    )


@pages.get("/figures/overrules")
def overrules() -> Response:
    """Which rules were overridden, and how often."""
    period = _period()
    try:
        found = count_overrules(world(), since=period.begin, until=period.end, most=OVERRULES_MOST)
    except BadInput:
        return page("figures_too_many.html", 422, period=period, here="figures.overrules", most=OVERRULES_MOST)
    rows = [row for row in found["rules"] if row["overridden"]]
    damaged = found["damaged"], found["damaged_ids"]
    return page(
        "overrules.html", period=period, found=found, rows=rows, least=found["least_for_a_share"], damaged=damaged
    )


# -- the period -------------------------------------------------------------------------------------------------------


def _period() -> Period:
    today = world().clock().astimezone(TIME_ZONE).date()
    last = _day("until") or today
    first = _day("since") or last - timedelta(days=DAYS - 1)
    if first > last or (last - first).days > DAYS_MOST:
        raise bad_input("since", "contradiction", "is no day before the last day", first.isoformat(), "an earlier day")
    return Period(first, last)


def _day(name: str) -> date | None:
    given = request.args.get(name, "")
    if not given:
        return None
    try:
        found = date.fromisoformat(given)
    except ValueError:
        found = date.min
    if not 2000 <= found.year <= 2200:
        raise bad_input(name, "not_a_date", "is not a day", given, "a day like 2026-11-29")
    return found


# -- each of them -----------------------------------------------------------------------------------------------------


def _figure(what: str) -> Figure:
    if what not in FIGURES:
        raise NotFound("figure", what)
    return FIGURES[what](_period())


def _counted(what: str, period: Period) -> list[tuple[Any, Count]]:
    return [(row.values[0], row.n) for row in counting.part(world(), (what,), period.span)]


def _most_first(found: list[tuple[Any, Count]]) -> list[tuple[Any, Count]]:
    return sorted(found, key=lambda each: -(each[1] or 0))


def _of(what: str, title: str, column: str, found: list[tuple[str, Count]], *, across: bool = False) -> Figure:
    labels, values = tuple(label for label, _ in found), tuple(n for _, n in found)
    return Figure(what, title, column, labels, (Series(t("Beslissingen", "Decisions"), values),), across)


def _urgency(period: Period) -> Figure:
    title, column = t("Naar urgentie", "By urgency"), t("Urgentie", "Urgency")
    found = dict(_counted("urgency", period))
    return _of("urgency", title, column, [(level, found.get(level, 0)) for level in URGENCIES])


def _condition(period: Period) -> Figure:
    found = [(condition_label(code), n) for code, n in _counted("condition", period)]
    title, column = t("Naar aandoening", "By condition"), t("Aandoening", "Condition")
    return _of("condition", title, column, _most_first(found), across=True)


def _facility(period: Period) -> Figure:
    places = newest_directory(world()).by_id
    nowhere = t("geen plek uit de lijst", "no place of the directory")
    found = [
        (nowhere if each is None else places[each].name if each in places else each, n)
        for each, n in _counted("facility", period)
    ]
    title, column = t("Naar geadviseerde plek", "By advised place"), t("Plek", "Place")
    return _of("facility", title, column, _most_first(found), across=True)


def _channel(period: Period) -> Figure:
    choices = world().words.choices("channel")
    unknown = t("niet gezegd", "not said")
    found = [
        (unknown if each is None else text(choices[each]) if each in choices else each, n)
        for each, n in _counted("channel", period)
    ]
    title, column = t("Naar wie het vroeg", "By who asked"), t("Kanaal", "Channel")
    return _of("channel", title, column, _most_first(found), across=True)


def _by_day(period: Period) -> Figure:
    counted = dict(counting.days(world(), period.span))
    count = min((period.last - period.first).days + 1, DAYS_MOST)
    days = [period.first + timedelta(days=number) for number in range(count)]
    found: list[tuple[str, Count]] = [(f"{day:%d-%m-%Y}", counted.get(day.isoformat(), 0)) for day in days]
    return _of("day", t("Per dag", "Each day"), t("Dag", "Day"), found)


def _stops(period: Period) -> Figure:
    found = stop_hours(world(), period.begin, period.end)
    labels = tuple(f"{hour:02d}" for hour in range(24))
    series = (
        Series(t("Weekdagen", "Weekdays"), found.weekdays),
        Series(t("Weekenddagen", "Days of a weekend"), found.weekend),
    )
    title = t("SEH-stops naar uur van de dag", "Stops of emergency departments by hour of the day")
    return Figure("stops", title, t("Uur", "Hour"), labels, series)


FIGURES: Mapping[str, Callable[[Period], Figure]] = {
    "urgency": _urgency,
    "channel": _channel,
    "condition": _condition,
    "facility": _facility,
    "day": _by_day,
    "stops": _stops,
}
"""What is shown, in its order."""


def _shown(n: Count) -> str | int:
    return t(f"minder dan {FEW}", f"fewer than {FEW}") if n is None else n


def _csv(what: str, rows: list[list[Any]]) -> Response:
    written = io.StringIO()
    csv.writer(written, delimiter=";").writerows([[_harmless(each) for each in row] for row in rows])
    response = Response(written.getvalue().encode("utf-8-sig"), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="wegwijs-{what}.csv"'
    return response


def _harmless(value: Any) -> Any:
    # a spreadsheet would calculate what begins like a formula
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


# -- norms ------------------------------------------------------------------------------------------------------------


def _norm(row: NormRow) -> dict[str, Any]:
    rules = in_force(world(), world().clock())
    label = row.id
    if row.id in rules.norms:
        label = text(rules.norms[row.id].label)
    elif row.minutes is None:
        label = text(rules.vocabulary.capabilities[row.id].label)
    told = {"id": row.id, "label": label, "minutes": row.minutes, "decisions": row.decisions}
    advised, arrived = ({key: _shown(n) for key, n in part.items()} for part in (row.advised, row.arrived))
    return {**told, "advised": advised, "arrived": arrived}


def _advised_words() -> dict[str, str]:
    return {
        "met": t("gehaald", "met"),
        "not_met": t("niet gehaald", "not met"),
        "uncertain": t("onzeker", "not sure"),
        "no_place": t("niet te zeggen", "cannot be said"),
    }


def _arrived_words() -> dict[str, str]:
    return {
        "within": t("binnen de tijd", "within the time"),
        "late": t("later", "later"),
        "elsewhere": t("elders aangekomen", "arrived elsewhere"),
        "place_unknown": t("plek niet bekend", "place not known"),
        "clock_unknown": t("begin niet bekend", "start not known"),
        "not_recorded": t("niet vastgelegd", "not recorded"),
    }
