"""What somebody filled in about a place, as reports of the interface, and what is wrong with it beside its field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from api.auth import world
from api.desk.words import t, text
from routing.errors import Fault
from routing.facilities.opening import TIME_ZONE
from routing.facilities.reporting import FURTHEST_END, MOST, MOST_BEDS
from routing.facilities.status import BED_COUNTS

NUMBERS = ("crowding", "waiting_minutes", "offload_minutes")
SAID: Mapping[str, bool | None] = {"yes": True, "no": False, "unknown": None}
"""What can be chosen for a stop and for being open; nothing chosen is nothing reported."""

ENDS_IN = (30, 60, 120, 240, 480)
"""After how many minutes a stop is expected to end, to choose from."""

DIGITS_MOST = 9


@dataclass(frozen=True, slots=True)
class Filled:
    """A form that was filled in: the reports in it, the field that each of them is about, and what is wrong already."""

    reports: tuple[Mapping[str, Any], ...]
    fields: tuple[str, ...]
    faults: Mapping[str, str]


def read_form(form: Mapping[str, str], now: datetime) -> Filled:
    """The form, as reports that were seen `now`."""
    faults: dict[str, str] = {}
    head = {"unit": form.get("unit", ""), "observed_at": now.isoformat()}
    found: dict[str, dict[str, Any]] = {}
    for kind in ("stop", "open"):
        if form.get(kind) in SAID:
            found[kind] = {**head, "kind": kind, "value": SAID[form[kind]]}
    if "stop" in found:
        found["stop"] |= _about_the_stop(form, now, found["stop"]["value"], faults)
    for kind in NUMBERS:
        if (number := _number(form, kind, faults)) is not None:
            found[kind] = {**head, "kind": kind, "value": number}
    counts = {name: number for name in BED_COUNTS if (number := _number(form, name, faults)) is not None}
    if counts:
        bed = {"bed": form["bed"]} if form.get("bed") else {}
        found["beds"] = {**head, "kind": "beds", "value": counts, **bed}
    if not found and not faults:
        faults["form"] = t(
            "Vul in wat u wilt melden: ten minste één ding.", "Fill in what you want to report: one thing at least."
        )
    return Filled(tuple(found.values()), tuple(found), faults)


def _about_the_stop(
    form: Mapping[str, str], now: datetime, value: bool | None, faults: dict[str, str]
) -> dict[str, str]:
    reason = {"reason": form["reason"]} if form.get("reason") else {}
    end = _end(form, now, faults)
    return {**reason, **({"expected_end": end.isoformat()} if end is not None and value is True else {})}


def _end(form: Mapping[str, str], now: datetime, faults: dict[str, str]) -> datetime | None:
    """When the stop should be over: in a while, or at a moment on the Dutch clock."""
    within, at = form.get("ends_in", ""), form.get("ends_at", "")
    if within and at:
        faults["ends_at"] = t("Kies een duur of een tijdstip, niet allebei.", "Choose a duration or a time, not both.")
    elif within in map(str, ENDS_IN):
        return now + timedelta(minutes=int(within))
    elif at:
        try:
            return datetime.fromisoformat(at).replace(tzinfo=TIME_ZONE)
        except ValueError:
            faults["ends_at"] = t("Dit is geen datum met een tijd.", "This is no date with a time.")
    return None


def _number(form: Mapping[str, str], name: str, faults: dict[str, str]) -> int | None:
    given = form.get(name, "").strip()
    if not given:
        return None
    if given.isascii() and given.isdigit() and len(given) <= DIGITS_MOST:
        return int(given)
    faults[name] = _not_a_number(name)
    return None


def _not_a_number(name: str) -> str:
    most = MOST_BEDS if name in BED_COUNTS else MOST[name]  # type: ignore[index]
    return t(f"Vul een heel getal in van 0 tot {most}.", f"Fill in a whole number from 0 to {most}.")


# -- what is wrong ----------------------------------------------------------------------------------------------------


def said_of(faults: tuple[Fault, ...], filled: Filled) -> dict[str, str]:
    """The faults of the reports, beside the fields that they are about: field -> what is wrong, and what is right."""
    found: dict[str, str] = {}
    for fault in faults:
        number, _, part = fault.field.partition(".")
        about = filled.fields[int(number)] if number.isdigit() and int(number) < len(filled.fields) else "form"
        field = _field(about, part)
        found.setdefault(field, _words(field, fault))
    return found


def _field(about: str, part: str) -> str:
    if part in ("unit", "reason", "bed"):
        return part
    if part == "expected_end":
        return "ends_at"
    if about == "beds":
        count = part.removeprefix("value.")
        return count if count in BED_COUNTS else "total"
    return about


def _words(field: str, fault: Fault) -> str:
    if fault.code == "out_of_range" and (field in BED_COUNTS or field in NUMBERS):
        return _not_a_number(field)
    if fault.code == "bed_of_another_unit":
        bed = world().words.bed_kinds[str(fault.value)]
        unit = text(world().words.stop_kinds[bed.unit].label)
        return t(
            f"Dit soort bed hoort bij: {unit}. Kies dat onderdeel.", f"This bed belongs to: {unit}. Choose that unit."
        )
    days = FURTHEST_END.days
    words = {
        "impossible_count": ("Dit zijn er meer dan er kunnen zijn. Kijk de getallen na.", "More than there can be."),
        "ends_before_it_begins": ("Dit tijdstip is al voorbij.", "This time has passed already."),
        "too_far_ahead": (f"Dit is meer dan {days} dagen vooruit.", f"This is more than {days} days ahead."),
        "unknown_unit": ("Kies een onderdeel uit de lijst.", "Choose a unit of the list."),
        "unknown_reason": ("Kies een reden uit de lijst.", "Choose a reason of the list."),
        "unknown_bed": ("Kies een soort bed uit de lijst.", "Choose a kind of bed of the list."),
    }
    return t(
        *words.get(fault.code, ("Dit kan niet zo worden gemeld. Kijk het na.", "This cannot be reported like this."))
    )
