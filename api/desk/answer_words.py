"""What a decision says, in the words of a page: when clocks of norms end, what a place reported, the case as given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from api.auth import world
from api.desk import way_words
from api.desk.evidence import label, value_of
from api.desk.place_words import beds, place_of, reason_word, source_word, unit_word
from api.desk.region_words import agreements_of
from api.desk.words import moment, t, text
from routing.vocabulary import GROUPS

LOUD = ("engine_failed", "evaluators_disagree")
"""Warnings that go before all others: the calculation itself is in doubt."""

COUNTED_FOR = timedelta(hours=24)
"""So long after its end a clock still says how long ago that was."""


@dataclass(frozen=True, slots=True)
class NormClock:
    """The clock of one norm: what it is for, in how many minutes, since when and until when; None where the start is
    not known. `runs`: it still matters how much is left."""

    norm: str
    label: str
    need: str
    minutes: int
    start: str
    legal_status: str
    started_at: str | None
    ends_at: str | None
    runs: bool


def clocks(decision: Mapping[str, Any], case: Mapping[str, Any], status: str, now: datetime) -> list[NormClock]:
    """The clock of each norm of what is needed, the one that ends first at the top, those of which the start is not
    known at the end. `status` is that of the destination: where the patient is handed over no clock runs."""
    given = {**case, **case.get("observations", {})}
    found: dict[str, NormClock] = {}
    for need in decision["needs"]:
        for norm in need["all_norms"]:
            begun = given.get(norm["clock_start"])
            ends = None if begun is None else datetime.fromisoformat(begun) + timedelta(minutes=norm["minutes"])
            found[norm["norm"]] = NormClock(
                norm["norm"],
                text(norm["label"]),
                text(need["label"]),
                norm["minutes"],
                clock_start(norm["clock_start"]),
                legal_status(norm["legal_status"]),
                begun,
                ends.isoformat() if ends is not None else None,
                ends is not None and status == "active" and now - ends < COUNTED_FOR,
            )
    return sorted(found.values(), key=lambda each: (each.ends_at is None, _moment(each.ends_at), each.norm))


def _moment(at: str | None) -> float:
    return datetime.fromisoformat(at).timestamp() if at is not None else 0.0


def clock_start(name: str) -> str:
    """What the clock of a norm starts at."""
    of_case = {
        "called_at": ("de melding", "the call"),
        "first_contact_at": ("het eerste contact met een zorgverlener", "the first medical contact"),
    }
    return t(*of_case[name]) if name in of_case else label(name)


def legal_status(name: str) -> str:
    """What a norm is in law."""
    said = {
        "in_force": ("geldende norm", "norm in force"),
        "guideline": ("richtlijn", "guideline"),
        "example": ("voorbeeld, geen geldende norm", "an example, no norm in force"),
    }
    return t(*said[name]) if name in said else name


def norm_labels(decision: Mapping[str, Any]) -> dict[str, str]:
    """Each norm of what is needed -> what it is called."""
    return {norm["norm"]: text(norm["label"]) for norm in _norms(decision)}


def short_norms(decision: Mapping[str, Any]) -> dict[str, str]:
    """Each norm of what is needed -> its minutes, and since what they count."""
    return {
        norm["norm"]: t(
            f"{norm['minutes']} min na {clock_start(norm['clock_start'])}",
            f"{norm['minutes']} min of {clock_start(norm['clock_start'])}",
        )
        for norm in _norms(decision)
    }


def _norms(decision: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    return (norm for need in decision["needs"] for norm in need["all_norms"])


def warnings(decision: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What to be warned of: first that the calculation is in doubt, then what is about the patient, then the rest."""

    def weight(reason: Mapping[str, Any]) -> int:
        _, _, name = reason["rule"].rpartition("/")
        return LOUD.index(name) - len(LOUD) if name in LOUD else int("/selection/" in reason["rule"])

    return sorted(decision["warnings"], key=weight)


def conditions(decision: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What is suspected, the time-critical first."""
    return sorted(decision["conditions"], key=lambda each: each["time_critical"] is None)


def deadline(urgency: Mapping[str, Any]) -> str:
    """Within what time somebody must be helped."""
    minutes = urgency["deadline_minutes"]
    if minutes is None:
        return t("de volgende werkdag", "the next working day")
    return t(f"binnen {minutes} minuten", f"within {minutes} minutes") if minutes else t("nu", "now")


def certainty(badge: str) -> str:
    """How certain advice is, and what that asks of who follows it."""
    said = {
        "certain": ("zeker.", "certain."),
        "sensitive": (
            "gevoelig: iets wat onzeker is kan het veranderen.",
            "sensitive: something unsure may change it.",
        ),
        "call_first": (
            "bel eerst: of deze plek dit kan, is niet zeker.",
            "call first: not sure that it can.",
        ),
    }
    return t(*said[badge])


# -- places -----------------------------------------------------------------------------------------------------------


def verdict(norm: Mapping[str, Any]) -> str:
    """Whether a place is in time for a norm, with the minutes to spare."""
    spare = norm["margin_minutes"]
    by = (
        t(f"{spare} min over", f"{spare} min to spare")
        if spare >= 0
        else t(f"{-spare} min te laat", f"{-spare} min late")
    )
    said = {
        "met": t("gehaald", "met"),
        "not_met": t("niet gehaald", "not met"),
        "uncertain": t("onzeker", "uncertain"),
    }[norm["verdict"]]
    if norm["clock_known"]:
        return f"{said}, {by}"
    return f"{said}: {t('begin van de klok onbekend', 'start of the clock unknown')}"


def mark(name: str) -> str:
    """A shape beside a verdict."""
    return {"met": "✓", "not_met": "✗", "uncertain": "?"}[name]


@dataclass(frozen=True, slots=True)
class Reported:
    """One live fact of a place in words: of which unit, what, from whom and how long ago. `known`: somebody said it."""

    unit: str
    said: str
    source: str
    age: str
    known: bool
    fresh: bool | None


def reported(fact: Mapping[str, Any]) -> Reported:
    """A live fact as it stands with a candidate."""
    kinds = world().words.bed_kinds
    unit = unit_word(fact["unit"])
    if fact["bed"] in kinds:
        unit = f"{unit}, {text(kinds[fact['bed']].label)}"
    known = fact["observed_at"] is not None
    return Reported(
        unit,
        _said(fact),
        source_word(fact["source"]) if fact["source"] else "",
        ago(fact["age_minutes"]),
        known,
        fact["fresh"],
    )


def _said(fact: Mapping[str, Any]) -> str:
    kind, value = fact["kind"], fact["value"]
    if value is None:
        return t("stop: onbekend", "stop: unknown") if kind == "stop" else t("onbekend", "unknown")
    if kind == "beds":
        return beds(value)
    if kind == "stop":
        return _stop(fact) if value else t("geen stop", "no stop")
    if kind == "open":
        return t("open", "open") if value else t("meldt zich gesloten", "says it is closed")
    return {
        "crowding": t(f"drukte {value} (NEDOCS)", f"crowding {value} (NEDOCS)"),
        "waiting_minutes": t(f"wachttijd {value} min", f"waiting time {value} min"),
        "offload_minutes": t(f"overdracht {value} min", f"offload {value} min"),
    }.get(kind, f"{kind} {value}")


def _stop(fact: Mapping[str, Any]) -> str:
    until = fact["expected_end"]
    ending = t(f" tot {moment(until)}", f" until {moment(until)}") if until else ""
    why = f" ({reason_word(fact['reason'])})" if fact["reason"] else ""
    return t(f"stop{ending}{why}: ontzien, niet gesloten", f"stop{ending}{why}: spare it, not closed")


def ago(minutes: int | None) -> str:
    """How long ago."""
    if minutes is None:
        return ""
    if minutes < 120:
        return t(f"{minutes} min geleden", f"{minutes} min ago")
    hours = minutes // 60
    if hours < 48:
        return t(f"{hours} uur geleden", f"{hours} h ago")
    return t(f"{hours // 24} dagen geleden", f"{hours // 24} days ago")


def criterion(each: Mapping[str, Any]) -> tuple[str, str]:
    """One criterion of the ranking: what it counts, and what it came to."""
    said = {
        "gave_way": ("waarvan is afgezien", "what was given up"),
        "unknown": ("gegevens die niet bekend zijn", "facts that are not known"),
        "norms_not_sure": ("normen die niet zeker gehaald worden", "norms that are not surely met"),
        "stopped": ("stop of geen plaats", "stop or no room"),
        "preferred_missing": ("ontbreekt van wat de voorkeur heeft", "missing of what is preferred"),
        "not_known_there": ("patiënt is daar niet bekend", "patient is not known there"),
        "minutes": ("reistijd in minuten", "travel time in minutes"),
    }
    value = each["value"]
    shown = ", ".join(map(str, value)) or "0" if isinstance(value, list) else str(value)
    return (t(*said[each["id"]]) if each["id"] in said else each["id"]), shown


def could_change(names: Sequence[str]) -> str:
    """What the answer to a question could change."""
    said = {
        "urgency": ("urgentie", "urgency"),
        "conditions": ("aandoening", "condition"),
        "needs": ("wat nodig is", "what is needed"),
        "dispatch": ("ambulance", "ambulance"),
        "warnings": ("waarschuwing", "warning"),
    }
    return ", ".join(t(*said[name]) if name in said else name for name in names)


# -- the case as it was given -----------------------------------------------------------------------------------------

GROUP_NAMES: Mapping[str, tuple[str, str]] = {
    "case": ("Melding", "Call"),
    "patient": ("Patiënt", "Patient"),
    "airway": ("Luchtweg", "Airway"),
    "breathing": ("Ademhaling", "Breathing"),
    "circulation": ("Circulatie", "Circulation"),
    "disability": ("Bewustzijn", "Disability"),
    "exposure": ("Lichaam", "Exposure"),
    "heart": ("Hart", "Heart"),
    "brain": ("Hersenen", "Brain"),
    "trauma": ("Letsel", "Injury"),
    "abdomen": ("Buik", "Abdomen"),
    "pregnancy": ("Zwangerschap", "Pregnancy"),
    "infection": ("Infectie", "Infection"),
    "mental": ("Psychisch", "Mental"),
    "other": ("Overig", "Other"),
    "history": ("Voorgeschiedenis", "History"),
}

Lines = list[tuple[str, str]]


def case_groups(case: Mapping[str, Any]) -> list[tuple[str, str, Lines]]:
    """The case as it was given: (group, its name, [(label, value)]), the call first, then in the order of ABCDE."""
    found: dict[str, Lines] = {"case": [*call_lines(case)], "patient": []}
    facts = world().words.facts
    for name, value in {**case["patient"], **case.get("observations", {})}.items():
        group = facts[name].group if name in facts else "other"
        found.setdefault(group, []).append((label(name), value_of(name, value)))
    order = ("case", "patient", *(group for group in GROUPS if group not in ("case", "patient")))
    return [(group, t(*GROUP_NAMES[group]), found[group]) for group in order if found.get(group)]


def call_lines(case: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The call as it was given; a moment that nobody gave is unknown."""
    if "reference" in case:
        yield t("kenmerk van de casus", "reference of the case"), case["reference"]
    for name in ("channel", "complaint", "transport"):
        if name in case:
            yield label(name), value_of(name, case[name])
    moments = {
        "called_at": t("gebeld", "called"),
        "first_contact_at": t("eerste contact met een zorgverlener", "first medical contact"),
        "assessed_at": t("beoordeeld", "assessed"),
    }
    for name, said in moments.items():
        yield said, moment(case[name]) if name in case else t("onbekend", "unknown")
    yield t("plaats", "location"), location(case["location"])
    if "region" in case:
        yield t("regio", "region"), agreements_of(case["region"])
    yield from way_words.on_the_way(case)
    if case.get("known_at"):
        yield t("bekend bij", "known at"), ", ".join(map(place_of, case["known_at"]))


def location(given: Mapping[str, Any]) -> str:
    """Where the patient is, as it was given."""
    point = f"{given['lat']}, {given['lon']}" if "lat" in given else ""
    return " · ".join(part for part in (given.get("postcode", ""), point) if part)
