"""What other rules would have changed in many decisions: a part at a time, in tables and plots."""

from __future__ import annotations

import shlex
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, Response, g, request

from api.auth import world
from api.desk import comparison_plots
from api.desk.audit import chosen_ruleset, rulesets_to_suppose
from api.desk.audit_words import kind_label
from api.desk.evidence import condition_label
from api.desk.moments import day_of, midnight
from api.desk.page import page
from api.desk.place_words import names_of_places
from api.desk.region_words import agreements_of
from api.desk.words import t
from routing import access_log
from routing.errors import NotFound
from routing.replaying.run import Wanted, suppose_part
from routing.replaying.supposed import supposed_rules
from routing.vocabulary import URGENCIES

pages = Blueprint("comparing", __name__)

DECISIONS_MOST = 1_000
SECONDS_MOST = 6.0
"""A part ends after so many decisions or seconds: a request must not hold a thread for minutes."""

CHANGED_MOST = 100
PLACES_MOST = 12

_UNDER_WAY = threading.Lock()
"""One comparison at a time in a process: whoever asks for advice at that moment goes before."""


@pages.get("/audit/compare")
def form() -> Response:
    """The form: which decisions, and by which rules."""
    return page("compare.html", **_form({}))


@pages.post("/audit/compare")
def compare() -> Response:
    """A part of the comparison, and how to go on."""
    given = {name: request.form.get(name, "").strip() for name in ("since", "until", "ruleset", "after")}
    try:
        asked = _asked(given)
    except ValueError:
        why = t(
            "Kies twee data, de eerste niet na de laatste.",
            "Choose two dates, the first not after the last.",
        )
        return page("compare.html", 422, why=why, **_form(given))
    supposed = supposed_rules(world(), chosen_ruleset())
    if not _UNDER_WAY.acquire(blocking=False):
        why = t(
            "Er loopt al een vergelijking op deze server. Probeer het over een paar seconden weer.",
            "A comparison is running on this server already. Try again in a few seconds.",
        )
        return page("compare.html", 503, why=why, **_form(given))
    try:
        access_log.begun(world(), g.asker, "replay", _criteria(asked))
        end = time.monotonic() + SECONDS_MOST
        wanted = Wanted(since=asked.since, until=asked.until, supposed=supposed, most=CHANGED_MOST)
        found = suppose_part(world(), wanted, given["after"] or None, DECISIONS_MOST, lambda: time.monotonic() > end)
    finally:
        _UNDER_WAY.release()
    return page("compare.html", **_form(given), **_shown(found, asked))


@dataclass(frozen=True, slots=True)
class _Asked:
    since: datetime | None
    until: datetime | None


def _asked(given: Mapping[str, str]) -> _Asked:
    """Dutch days, the last one included. Raises ValueError."""
    since, last = (day_of(given[name]) if given[name] else None for name in ("since", "until"))
    if since is not None and last is not None and since > last:
        raise ValueError("in the wrong order")
    return _Asked(
        midnight(since) if since is not None else None,
        midnight(last + timedelta(days=1)) if last is not None else None,
    )


def _criteria(asked: _Asked) -> dict[str, str | None]:
    given = {"since": asked.since, "until": asked.until}
    return {name: moment.isoformat() for name, moment in given.items() if moment is not None}


def _form(given: Mapping[str, str]) -> dict[str, Any]:
    return {"given": given, "rulesets": rulesets_to_suppose(), "most": DECISIONS_MOST, "seconds": round(SECONDS_MOST)}


# -- what is shown ----------------------------------------------------------------------------------------------------


def _shown(found: Mapping[str, Any], asked: _Asked) -> dict[str, Any]:
    flips = found["flips"]
    places, changes = _inflow(flips["inflow"]), comparison_plots.urgency_flips(flips["urgency"])
    return {
        "found": found,
        "command": _command(found, asked),
        "urgencies": [level for level in URGENCIES if level in flips["urgency"] or _reached(flips["urgency"], level)],
        "flipped": _flipped(flips["urgency"]),
        "urgency_changes": changes,
        "urgency_plot": comparison_plots.urgency_address(changes),
        "conditions": _conditions(flips["conditions"]),
        "conditions_same": sum(not (row["gained"] or row["lost"]) for row in flips["conditions"].values()),
        "regions": [(_region(region), row["changed"], row["total"]) for region, row in flips["regions"].items()],
        "kinds": _kinds(flips["kinds"]),
        "inflow": places,
        "inflow_plot": comparison_plots.inflow_address(places[:PLACES_MOST]),
        "minutes": flips["minutes"],
        "minutes_rows": comparison_plots.minutes_rows(flips["minutes"]["histogram"]),
        "minutes_plot": comparison_plots.minutes_address(flips["minutes"]["histogram"]),
        "names": names_of_places(),
        "condition": condition_label,
        "region": _region,
        "kind": kind_label,
    }


def _command(found: Mapping[str, Any], asked: _Asked) -> str:
    """What a whole comparison takes on the command line."""
    parts = ["wegwijs", "replay"]
    if asked.since is not None:
        parts += ["--since", asked.since.date().isoformat()]
    if asked.until is not None:
        parts += ["--until", asked.until.date().isoformat()]
    return shlex.join([*parts, "--ruleset", found["ruleset"]["digest"], "--changed", "changed.jsonl"])


def _reached(matrix: Mapping[str, Mapping[str, int]], level: str) -> bool:
    return any(level in row for row in matrix.values())


def _flipped(matrix: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """How many would be more and less urgent."""
    pairs = [(then, now, n) for then, row in matrix.items() for now, n in row.items()]
    return {
        "more": sum(n for then, now, n in pairs if URGENCIES.index(now) < URGENCIES.index(then)),
        "less": sum(n for then, now, n in pairs if URGENCIES.index(now) > URGENCIES.index(then)),
    }


def _conditions(table: Mapping[str, Mapping[str, int]]) -> list[tuple[str, int, int, int]]:
    rows = [(condition_label(code), row["kept"], row["gained"], row["lost"]) for code, row in table.items()]
    rows = [row for row in rows if row[2] or row[3]]
    return sorted(rows, key=lambda row: (-(row[2] + row[3]), row[0]))


def _region(region: str) -> str:
    return t("niet opgegeven", "not given") if region == "not given" else agreements_of(region)


def _kinds(matrix: Mapping[str, Mapping[str, int]]) -> list[tuple[str, str, int]]:
    rows = [
        (kind_label(then), kind_label(now), n) for then, row in matrix.items() for now, n in row.items() if then != now
    ]
    return sorted(rows, key=lambda row: (-row[2], row[0], row[1]))


def _inflow(table: Mapping[str, Mapping[str, int]]) -> list[tuple[str, int, int]]:
    """Place, how many were advised to go there and how many would be, the largest shift first."""
    rows = [(place, row["then"], row["now"]) for place, row in table.items() if row["then"] != row["now"]]
    return sorted(rows, key=lambda row: (-abs(row[2] - row[1]), row[0]))


# -- plots ------------------------------------------------------------------------------------------------------------


@pages.get("/audit/compare/<plot>.svg")
def plot(plot: str) -> Response:
    """A plot of the numbers that stand in its address; they are those of a table, and nothing of a patient."""
    drawn = comparison_plots.PLOTS.get(plot)
    if drawn is None:
        raise NotFound("plot", plot)
    names = names_of_places()
    return Response(drawn(request.args.getlist("n"), names), content_type="image/svg+xml")
