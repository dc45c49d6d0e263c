"""What a place is called and what is known of it, in words: hours, capabilities, reports and their age."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from api.auth import world
from api.desk.words import t, text
from routing.access_log import uuid_of
from routing.directory_here import newest_directory
from routing.facilities.crowding import crowding_band
from routing.facilities.opening import DAYS

REMARKS: Mapping[str, tuple[str, str]] = {
    "at_a_closed_hospital": ("staat op het terrein van een gesloten ziekenhuis", "stands at a closed hospital"),
    "childrens_building": (
        "zorg voor kinderen staat ook bij het kinderziekenhuis op hetzelfde terrein",
        "care for children also stands under the children's hospital on the same grounds",
    ),
    "hours_uncertain": ("openingstijden zijn onzeker", "opening hours are uncertain"),
    "may_have_moved": ("is misschien verhuisd", "may have moved"),
    "night_consultations_unknown": ("of men 's nachts terecht kan, is niet bekend", "nights are not known"),
    "office_hours_exact_times_unknown": ("open op kantooruren, tijden onbekend", "office hours, times not known"),
    "sample": ("steekproef: niet alle plekken van deze soort staan hier", "a sample: not all of this kind are here"),
}

KEY_SHOWN = 6

PRECISION: Mapping[str, tuple[str, str]] = {
    "site": ("de plek zelf", "the place itself"),
    "pc4": ("midden van het postcodegebied: de deur kan 1 tot 2 km verder zijn", "middle of the postcode area"),
    "city": ("midden van de plaats: de deur kan kilometers verder zijn", "middle of the town: may be kilometres off"),
    "airport": ("midden van het vliegveld", "middle of the airfield"),
}


# -- what it is called ------------------------------------------------------------------------------------------------


def place_name(facility: Mapping[str, Any]) -> str:
    """What a place is called, with its town."""
    name = text(facility["label"]) if facility.get("label") else str(facility["name"])
    city = facility.get("city")
    return f"{name}, {city}" if city and city not in name else name


def place_of(place: str | None) -> str:
    """What the place with this id is called, also one that is not in the directory any more."""
    if place is None:
        return t("geen plek uit de lijst", "no place of the directory")
    facility = newest_directory(world()).by_id.get(place)
    return place if facility is None else place_name({"name": facility.name, "city": facility.city})


def names_of_places() -> dict[str, str]:
    """Each place of the directory, by its id -> its name, without its town."""
    return {place.id: place.name for place in newest_directory(world()).facilities}


def contact_word(purpose: str) -> str:
    """What one calls a number of a place for."""
    return t("algemeen", "general") if purpose == "general" else unit_word(purpose)


# -- what goes on there -----------------------------------------------------------------------------------------------


def age(minutes: int) -> str:
    """How long ago: `7 min`, `3 uur`, `2 dagen`."""
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} {t('uur', 'h')}"
    return f"{minutes // 1440} {t('dagen', 'days')}"


def unit_word(unit: str) -> str:
    """What a unit of a place is called, or a whole place of which is said that it is open."""
    known = world().words.stop_kinds
    return text(known[unit].label) if unit in known else kind_word(unit)


def kind_word(kind: str) -> str:
    """What a kind of place is called."""
    known = world().words.facility_kinds
    return text(known[kind].label) if kind in known else kind


def reason_word(reason: str | None) -> str:
    """What a reason for a report is called; nothing where none was given."""
    known = world().words.status_reasons.get(reason or "")
    return text(known.label) if known is not None else reason or ""


def source_word(source: str) -> str:
    """Who a report comes from: the name that came along, or by which way without one. A key is told apart by the last
    letters of its id."""
    if source == "command line":
        return t("opdrachtregel", "command line")
    kind, _, key = source.partition(" ")
    return t(f"sleutel …{key[-KEY_SHOWN:]}", f"key …{key[-KEY_SHOWN:]}") if kind == "key" and uuid_of(key) else source


def remark_word(remark: str) -> str:
    """What else is known of a place."""
    return t(*REMARKS[remark]) if remark in REMARKS else remark.replace("_", " ")


def crowding_word(score: int) -> str:
    """How busy a NEDOCS score is."""
    return text(crowding_band(score))


def said(report: Mapping[str, Any]) -> str:
    """What is reported, with the words of its kind: a stop, an opening, a number, beds; also that it is unknown."""
    kind, value = report["kind"], report["value"]
    if value is None:
        return t("niet meer bekend", "not known any more")
    if kind == "stop":
        return t("stop", "stop") if value else t("geen stop", "no stop")
    if kind == "open":
        return t("open", "open") if value else t("gesloten", "closed")
    if kind == "crowding":
        return f"{value} ({crowding_word(value)})"
    return beds(value) if kind == "beds" else f"{value} min"


def beds(counts: Mapping[str, int]) -> str:
    """Counts of beds in words; what was not counted is left out."""
    names = {
        "available": t("vrij", "free"),
        "total": t("in totaal", "in all"),
        "staffed": t("met personeel", "staffed"),
        "occupied": t("bezet", "in use"),
    }
    return ", ".join(f"{counts[name]} {word}" for name, word in names.items() if counts.get(name) is not None)


def kind_of_report(report: Mapping[str, Any]) -> str:
    """What a report is about."""
    names = {
        "stop": t("stop", "stop"),
        "open": t("open of gesloten", "open or closed"),
        "beds": t("bedden", "beds"),
        "crowding": t("drukte (NEDOCS)", "crowding (NEDOCS)"),
        "waiting_minutes": t("wachttijd", "waiting time"),
        "offload_minutes": t("wachten bij overdracht", "waiting at handover"),
    }
    bed = world().words.bed_kinds.get(report.get("bed") or "")
    name = names.get(report["kind"], report["kind"])
    return f"{name}: {text(bed.label)}" if bed is not None else name


# -- hours and capabilities -------------------------------------------------------------------------------------------


def hours(opening: Any) -> str:
    """Opening hours, as a record writes them, in words."""
    fixed = {
        "always": t("dag en nacht", "day and night"),
        "out_of_hours": t("avond, nacht, weekend en feestdagen", "evening, night, weekend and holidays"),
        "unknown": t("niet bekend: bel eerst", "not known: phone first"),
    }
    if isinstance(opening, str):
        return fixed[opening]
    return "; ".join(f"{_days(window['days'])} {window['from']}–{window['to']}" for window in opening)


def _days(days: Sequence[str]) -> str:
    """Days in the order of the week, three and more after each other as from-to: `ma–vr, feestdag`."""
    dutch = ("ma", "di", "wo", "do", "vr", "za", "zo", "feestdag")
    english = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "holiday")
    names = [t(*pair) for pair in zip(dutch, english, strict=True)]
    runs: list[list[int]] = []
    for number in sorted(DAYS.index(day) for day in days):
        if runs and number == runs[-1][-1] + 1 and number < len(DAYS) - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    written = [[names[run[0]] + "–" + names[run[-1]]] if len(run) > 2 else [names[day] for day in run] for run in runs]
    return ", ".join(name for run in written for name in run)


def capabilities(profile: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """What a place can do: `yes`, `unknown` and `no`, each a list of `{"word", "checked"}`. What is cared for nowhere
    (`place: false`) is left out. `checked` is False where nobody held it against a source."""
    known = world().words.capabilities
    groups: dict[str, list[dict[str, Any]]] = {"yes": [], "unknown": [], "no": []}
    for capability, value in profile["resolved"].items():
        if capability in known and known[capability].place:
            group = "yes" if value else "unknown" if value is None else "no"
            checked = capability not in profile.get("unchecked", ())
            groups[group].append({"word": text(known[capability].label), "checked": checked})
    return groups
