"""Finding decisions again: by when, how urgent, what, where, by which rule, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, g, request

from api.auth import world
from api.desk.moments import moment_of
from api.desk.page import page
from api.desk.place_search import destinations, meant
from api.desk.words import t
from api.queries import DecisionQuery, checked
from routing import service
from routing.directory_here import newest_directory
from routing.errors import BadInput, Fault
from routing.rights import NO_ORGANISATION
from routing.shared_decisions import organisations_of

pages = Blueprint("cases", __name__)

FILTERS = ("since", "until", "urgency", "condition", "place", "rule", "outcome", "reason", "channel")
"""What can be asked, as the fields of the form are called."""

TYPED_MOST = 200
AT_ONCE = 25


@pages.get("/cases")
def search() -> Response:
    """Decisions, the newest first, a page at a time."""
    typed = {name: request.args.get(name, "")[:TYPED_MOST].strip() for name in (*FILTERS, "cursor")}
    named = destinations(newest_directory(world()))
    asked, faults = _asked(typed, named)
    found: dict[str, Any] = {"decisions": [], "next": None}
    if not faults:
        try:
            wanted = checked(DecisionQuery, asked).model_dump()
            found = service.search(world(), g.asker, **{**wanted, "limit": AT_ONCE})
        except BadInput as error:
            faults = {_field(each): _in_words(each) for each in error.faults}
    return page(
        "cases.html",
        422 if faults else 200,
        typed=typed,
        asking={name: value for name, value in typed.items() if value and name != "cursor"},
        faults=faults,
        found=found["decisions"],
        following=found["next"],
        places=named,
        theirs=_theirs(),
    )


def _theirs() -> list[str] | None:
    """The names of the organisations whose cases are shown; None is all."""
    found = organisations_of(world(), g.asker)
    return None if found is None else sorted(found - {NO_ORGANISATION})


def _asked(typed: Mapping[str, str], named: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """What is asked of the search, and what is wrong with what was typed, by field."""
    asked = {name: value for name, value in typed.items() if value and name not in ("since", "until", "place")}
    faults: dict[str, str] = {}
    for name in ("since", "until"):
        if not typed[name]:
            continue
        # the clock on the wall; a moment in the future is meant as it stands
        if (at := moment_of(typed[name], world().clock() + timedelta(days=36_500))) is None:
            faults[name] = t("Vul een datum en een tijd in.", "Fill in a date and a time.")
        else:
            asked[name] = at.isoformat()
    if typed["place"]:
        found = [key for key in (typed["place"],) if key in named] or meant(typed["place"], named)
        if len(found) == 1:
            asked["facility"] = found[0]
        elif found:
            faults["place"] = t(
                f"{len(found)} plekken heten ongeveer zo. Kies er een uit de lijst.",
                f"{len(found)} places are called about so. Choose one of the list.",
            )
        else:
            faults["place"] = t("Geen plek heet zo.", "No place is called so.")
    return asked, faults


def _field(fault: Fault) -> str:
    return {"facility": "place"}.get(fault.field, fault.field)


def _in_words(fault: Fault) -> str:
    said = {
        "rule": (
            "Schrijf een regel als in een reden: acute-nl/stemi-to-pci.",
            "Write a rule as in a reason: acute-nl/stemi-to-pci.",
        ),
        "since": ("Vul een datum en een tijd vanaf het jaar 2000 in.", "Fill in a date and a time from the year 2000."),
        "until": ("Vul een datum en een tijd vanaf het jaar 2000 in.", "Fill in a date and a time from the year 2000."),
        "cursor": ("Deze bladzijde is er niet meer. Zoek opnieuw.", "This page is not there any more. Search again."),
    }
    return t(*said.get(fault.field, ("Kies uit de lijst.", "Choose from the list.")))
