"""One place: what it can do, what goes on there, what went on; and reporting it, for who speaks for the place."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g, make_response, request

from api.auth import world
from api.desk import guard, place_plots, place_words
from api.desk.maps import one_place
from api.desk.page import page, to
from api.desk.place_words import unit_word
from api.desk.status_form import ENDS_IN, read_form, said_of
from api.desk.words import moment, t, text
from api.queries import identifier
from routing import place_view, places
from routing.errors import BadInput, NotFound

pages = Blueprint("place", __name__)

DAYS = (1, 7, 30)
"""Of how many days the past can be looked at."""

HISTORY = 20
VERDICTS = ("taken", "known", "older", "damped")


@pages.get("/places/<facility_id>")
def read(facility_id: str) -> Response:
    """What is known of a place."""
    return _shown(identifier("facility", facility_id), {"unit": ""}, {})


@pages.post("/places/<facility_id>/status")
def report(facility_id: str) -> Response:
    """Report what goes on at a place, and show it again: with what was taken in, or with what is wrong."""
    place_id = identifier("facility", facility_id)
    places.facility(world(), place_id)
    places.may_change(g.asker, place_id)
    form = request.form.to_dict()
    filled = read_form(form, world().clock())
    faults = dict(filled.faults)
    if not faults:
        try:
            found = places.report_status(world(), place_id, list(filled.reports), g.asker)
        except BadInput as error:
            faults = said_of(error.faults, filled)
        else:
            counted = {name: len(found[name]) for name in VERDICTS if found[name]}
            return to("place.read", facility_id=place_id, **counted, _anchor="reported")
    return _shown(place_id, form, faults, 422)


@pages.get("/places/<facility_id>/history.svg")
def plot(facility_id: str) -> Response:
    """The past of a place as a picture: `of` says of what."""
    of = request.args.get("of", "")
    if of not in place_plots.PLOTS:
        raise NotFound("plot", of)
    past = place_view.past_of(world(), identifier("facility", facility_id), _days())
    response = make_response(place_plots.plot(past, of))
    response.content_type = "image/svg+xml"
    return response


def _days() -> int:
    given = request.args.get("days", "")
    return int(given) if given in map(str, DAYS) else DAYS[0]


def _shown(place_id: str, form: dict[str, str], faults: dict[str, str], status: int = 200) -> Response:
    profile = places.facility(world(), place_id)
    cursor = request.args.get("cursor")
    speaks = guard.may("report_status") and g.asker.speaks_for(place_id)
    past = place_view.past_of(world(), place_id, _days())
    return page(
        "place.html",
        status,
        place=profile,
        now=places.facility_status(world(), place_id)["status"],
        hours=place_view.open_now(world(), place_id),
        able=place_words.capabilities(profile),
        layers=one_place(profile),
        history=places.facility_history(world(), place_id, cursor=cursor, limit=HISTORY),
        past=past,
        plots=place_plots.drawn(past),
        plot_title=place_plots.title,
        numbers_of=numbers_of,
        days=_days(),
        all_days=DAYS,
        form={**form, "unit": form.get("unit") or _usual_unit(profile)},
        faults=faults,
        speaks=speaks,
        **(_options() if speaks else {}),
        counted={name: request.args[name] for name in VERDICTS if request.args.get(name, "").isdigit()},
    )


def _options() -> dict[str, list[tuple[str, str]]]:
    """What one can choose from in the form, as (value, word)."""
    words = world().words
    beds = [(key, f"{text(bed.label)} ({unit_word(bed.unit)})") for key, bed in words.bed_kinds.items()]
    # that a value changes too often is for the server to say
    reasons = [(key, text(each.label)) for key, each in words.status_reasons.items() if key != "flapping"]
    return {
        "unit_options": [(unit, unit_word(unit)) for unit in words.stop_kinds],
        "reason_options": reasons,
        "end_options": [(str(minutes), place_words.age(minutes)) for minutes in ENDS_IN],
        "bed_options": beds,
    }


def _usual_unit(profile: dict[str, Any]) -> str:
    """The unit of which such a place mostly reports."""
    units = list(world().words.stop_kinds)
    return next((unit for unit in units if profile["resolved"].get(unit)), units[0])


def numbers_of(past: dict[str, Any], of: str) -> list[list[str]]:
    """The numbers of a plot, a row each, the newest first."""
    if of == "stops":
        rows = [
            [
                moment(stop["begin"]),
                unit_word(stop["unit"]),
                moment(stop["end"]) if stop["end"] else t("duurt nog", "goes on"),
                place_words.reason_word(stop["reason"]),
            ]
            for stop in past["stops"]
        ]
    else:
        found = sorted((point["at"], unit, point["value"]) for unit, points in past[of].items() for point in points)
        unknown = t("niet meer bekend", "not known any more")
        rows = [[moment(at), unit_word(unit), unknown if value is None else str(value)] for at, unit, value in found]
    return rows[::-1]
