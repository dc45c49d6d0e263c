"""How the patient travels, the clocks on arrival and the medical teams, in the words of a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from api.desk.evidence import value_of
from api.desk.place_words import place_of
from api.desk.words import moment, t

Json = Mapping[str, Any]


def before_leaving(decision: Json) -> str:
    """What passes before the drive begins; empty where the rules say nothing of it."""
    way = decision.get("way")
    if way is None:
        return ""
    if way["on_the_way"]:
        return t("Al onderweg: de reistijd telt vanaf waar de patiënt nu is.", "On the way: counted from here.")
    said = {
        "response": t("tot de ambulance er is", "until the ambulance is there"),
        "on_scene": t("ter plaatse", "at the scene"),
        "leaving": t("tot vertrek", "until leaving"),
    }
    parts = ", ".join(f"{each['minutes']} min {said[each['id']]}" for each in way["before_leaving"])
    how = value_of("transport", way["transport"]) if way["transport"] else t("vervoer onbekend", "transport unknown")
    return t(f"Vóór het rijden ({how}): {parts}.", f"Before the drive ({how}): {parts}.")


def on_arrival(candidate: Json) -> list[str]:
    """The minutes on each clock when the patient arrives, one line a clock of which the start is known."""
    said = {
        "call_to_arrival": t("melding", "call"),
        "first_contact_to_arrival": t("eerste contact", "first contact"),
        "last_seen_well_to_arrival": t("laatst goed gezien", "last seen well"),
        "onset_to_arrival": t("begin van de klachten", "onset"),
    }
    to = t("aankomst", "arrival")
    return [
        f"{said[each['id']]} → {to}: {each['minutes']} min ({each['low']}–{each['high']})"
        for each in candidate.get("clocks") or ()
    ]


def teams(decision: Json) -> list[str]:
    """The mobile medical teams and where each would meet the patient, the nearest first."""
    said = {
        "at_scene": t("bij de patiënt voor vertrek", "with the patient before leaving"),
        "on_the_way": t("rendez-vous onderweg", "rendezvous on the way"),
        "not_before_arrival": t("niet vóór aankomst", "not before arrival"),
    }
    return [
        f"{each['station']['name']}: {each['minutes']} min ({each['low']}–{each['high']}), {said[each['meets']]}"
        for each in (decision.get("mmt") or {}).get("teams", ())
    ]


def on_the_way(case: Json) -> Iterator[tuple[str, str]]:
    """What was given of a patient who is on the way, as lines of a page."""
    way = case.get("on_the_way")
    if way is None:
        return
    parts = []
    if "since" in way:
        parts.append(t(f"sinds {moment(way['since'])}", f"since {moment(way['since'])}"))
    if "heading_to" in way:
        parts.append(t(f"naar {place_of(way['heading_to'])}", f"to {place_of(way['heading_to'])}"))
    if "heading" in way:
        parts.append(t(f"koers {way['heading']:g} graden", f"heading {way['heading']:g} degrees"))
    yield t("al onderweg", "on the way"), ", ".join(parts) or t("ja", "yes")
