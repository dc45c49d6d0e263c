"""Writes a decision as plain text for somebody at a terminal: what, where, why, why not nearer, what to ask next."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from routing.facilities.opening import TIME_ZONE
from routing.vocabulary import Language, Vocabulary

WIDTH = 88
MOST_ALTERNATIVES = 3
MOST_RULED_OUT = 5
MOST_QUESTIONS = 5

_WORDS: Mapping[str, tuple[str, str]] = {
    "urgency": ("URGENTIE", "URGENCY"),
    "conditions": ("DENK AAN", "THINK OF"),
    "dispatch": ("AMBULANCE", "AMBULANCE"),
    "needs": ("NODIG", "NEEDED"),
    "recommendation": ("ADVIES", "ADVICE"),
    "alternatives": ("ANDERS", "OR ELSE"),
    "ruled_out": ("DICHTERBIJ, MAAR NIET", "NEARER, BUT NOT"),
    "open_questions": ("VRAAG NOG", "ASK NEXT"),
    "warnings": ("LET OP", "NOTE"),
    "now": ("nu", "now"),
    "within": ("binnen {} minuten", "within {} minutes"),
    "next_day": ("de volgende werkdag", "the next working day"),
    "suspected": ("vermoeden", "suspected"),
    "possible": ("mogelijk", "possible"),
    "required": ("vereist", "required"),
    "preferred": ("bij voorkeur", "preferred"),
    "mmt": ("met mobiel medisch team", "with mobile medical team"),
    "travel": ("{} min ({} tot {})", "{} min ({} to {})"),
    "arrival": ("aankomst {}", "arrival {}"),
    "before": ("vóór het rijden: {}", "before the drive: {}"),
    "underway": ("al onderweg: alleen het rijden telt", "on the way: the drive alone counts"),
    "response": ("{} min tot de ambulance er is", "{} min until the ambulance is there"),
    "on_scene": ("{} min ter plaatse", "{} min at the scene"),
    "leaving": ("{} min tot vertrek", "{} min until leaving"),
    "call_to_arrival": ("melding tot aankomst", "call to arrival"),
    "first_contact_to_arrival": ("eerste contact tot aankomst", "first contact to arrival"),
    "last_seen_well_to_arrival": ("laatst goed gezien tot aankomst", "last seen well to arrival"),
    "onset_to_arrival": ("begin van de klachten tot aankomst", "onset to arrival"),
    "teams": ("MOBIEL MEDISCH TEAM", "MOBILE MEDICAL TEAM"),
    "at_scene": ("bij de patiënt voor vertrek", "with the patient before leaving"),
    "on_the_way": ("rendez-vous onderweg", "rendezvous on the way"),
    "not_before_arrival": ("niet vóór aankomst", "not before arrival"),
    "no_place": ("geen plek in de gegevens", "no place in the directory"),
    "more": ("en nog {}", "and {} more"),
    "certain": ("zeker", "certain"),
    "sensitive": ("gevoelig voor onzekere gegevens", "sensitive to uncertain data"),
    "call_first": ("bel eerst", "call first"),
    "packaged": ("die zijn meegeleverd", "as packaged"),
    "rules": ("Regels {}, plaatsen {}, reistijden {}.", "Rules {}, places {}, travel times {}."),
}


def decision_text(decision: Mapping[str, Any], words: Vocabulary, language: Language) -> str:
    """`decision` (as the contract describes it) as lines of at most 88 characters."""
    return "\n".join(_Page(words, language).lines(decision)) + "\n"


class _Page:
    """The words of one language, and the parts of the page in their order."""

    def __init__(self, words: Vocabulary, language: Language) -> None:
        self.vocabulary, self.language = words, language

    def say(self, word: str, *values: Any) -> str:
        return _WORDS[word][("nl", "en").index(self.language)].format(*values)

    def text(self, text: Mapping[str, str]) -> str:
        return text[self.language]

    def lines(self, decision: Mapping[str, Any]) -> Iterator[str]:
        yield from self.urgency(decision["urgency"])
        yield from self.part("conditions", map(self.condition, decision["conditions"]))
        yield from self.part("dispatch", self.dispatch(decision["dispatch"]))
        yield from self.part("teams", map(self.team, (decision.get("mmt") or {}).get("teams", ())))
        yield from self.part("needs", map(self.need, decision["needs"]))
        yield from self.recommendation(decision)
        yield from self.some("alternatives", [self.short(each) for each in decision["alternatives"]], MOST_ALTERNATIVES)
        yield from self.some("ruled_out", self.nearer(decision), MOST_RULED_OUT)
        questions = [[self.text(each["question"])] for each in decision["open_questions"]]
        yield from self.some("open_questions", questions, MOST_QUESTIONS, decision["open_questions_left"])
        yield from self.part("warnings", ([self.text(each["text"])] for each in decision["warnings"]))
        made = decision["provenance"]
        rules = f"{made['ruleset']['name']} {made['ruleset']['version']}"
        places = made["directory_revision"] or self.say("packaged")
        yield from ("", self.say("rules", rules, places, made["travel"]))

    # -- parts

    def urgency(self, urgency: Mapping[str, Any]) -> Iterator[str]:
        minutes = urgency["deadline_minutes"]
        when = self.say("next_day") if minutes is None else self.say("within", minutes) if minutes else self.say("now")
        label = self.text(self.vocabulary.urgencies[urgency["level"]].label.wire())
        yield f"{self.say('urgency')}  {urgency['level']}  {label} ({when})"
        for reason in urgency["reasons"]:
            yield from self.bullet([self.reason(reason)])

    def condition(self, condition: Mapping[str, Any]) -> list[str]:
        head = f"{self.text(condition['label'])} ({self.say(condition['status'])})"
        return [head, *(self.reason(reason) for reason in condition["reasons"])]

    def dispatch(self, dispatch: Mapping[str, Any] | None) -> Iterator[list[str]]:
        if dispatch is None or not (dispatch["ambulance"] or dispatch["mmt"]):
            return
        label = ""
        if dispatch["ambulance"]:
            label = (
                f"{dispatch['ambulance']}: {self.text(self.vocabulary.dispatches[dispatch['ambulance']].label.wire())}"
            )
        head = ", ".join(part for part in (label, self.say("mmt") if dispatch["mmt"] else "") if part)
        yield [head, *(self.reason(reason) for reason in dispatch["reasons"])]

    def team(self, team: Mapping[str, Any]) -> list[str]:
        flight = self.say("travel", team["minutes"], team["low"], team["high"])
        return [f"{team['station']['name']}: {flight}, {self.say(team['meets'])}"]

    def need(self, need: Mapping[str, Any]) -> list[str]:
        head = f"{self.text(need['label'])} ({self.say(need['strength'])})"
        if need["within"]:
            head = f"{head}, {self.say('within', need['within']['minutes'])}"
        return [head, *(self.reason(reason) for reason in need["reasons"])]

    def recommendation(self, decision: Mapping[str, Any]) -> Iterator[str]:
        best, confidence = decision["recommendation"], decision["confidence"]
        if best is None:
            return
        because = [self.text(reason["text"]) for reason in confidence["because"]]
        yield from ("", f"{self.say('recommendation')}  {self.place(best['facility'])}")
        yield from _wrapped("  ", self.way(best))
        if (before := self.before(decision.get("way"))) and best["travel"] is not None:
            yield from _wrapped("  ", before)
        for clock in best.get("clocks", ()):
            travel = self.say("travel", clock["minutes"], clock["low"], clock["high"])
            yield from _wrapped("  ", f"{self.say(clock['id'])}: {travel}")
        for text in self.texts(best["reasons"]):
            yield from self.bullet([text])
        yield from self.bullet([f"{self.say(confidence['badge'])}: {' '.join(because)}".rstrip(": ")])

    def short(self, candidate: Mapping[str, Any]) -> list[str]:
        return [f"{candidate['rank']}. {self.place(candidate['facility'])}, {self.way(candidate)}"]

    def nearer(self, decision: Mapping[str, Any]) -> list[list[str]]:
        best = decision["recommendation"]
        if best is None or best["travel"] is None:
            return []
        limit = best["travel"]["minutes"]
        places = [place for place in decision["ruled_out"] if place["travel"]["minutes"] < limit]
        # what nearly fits first: nobody wonders why a nursing home is no place for a heart attack
        places.sort(key=lambda place: (len(place["failed"]), place["travel"]["minutes"], place["facility"]["id"]))
        return [
            [f"{self.place(place['facility'])}, {self.way(place)}", *self.texts(place["failed"])] for place in places
        ]

    # -- pieces

    def reason(self, reason: Mapping[str, Any]) -> str:
        reference = reason["reference"]
        source = ", ".join(part for part in (reference["title"], reference["section"]) if part) if reference else ""
        about = "; ".join(part for part in (reason["rule"].rpartition("/")[2], source) if part)
        return f"{self.text(reason['text'])} [{about}]"

    def texts(self, reasons: Iterable[Mapping[str, Any]]) -> list[str]:
        return [self.text(reason["text"]) for reason in reasons]

    def place(self, facility: Mapping[str, Any]) -> str:
        kind = self.vocabulary.facility_kinds.get(facility["kind"])
        label = facility.get("label")
        name = self.text(label) if label else str(facility["name"])
        about = [self.text(kind.label.wire())] if kind else []
        if facility["id"] is None:
            about = [self.say("no_place")]
        if facility["city"] and facility["city"] not in name:
            about.append(facility["city"])
        return f"{name} ({', '.join(about)})"

    def way(self, place: Mapping[str, Any]) -> str:
        travel = place["travel"]
        if travel is None:
            return ""
        way = self.say("travel", travel["minutes"], travel["low"], travel["high"])
        if place.get("arrival_at"):
            arrival = datetime.fromisoformat(place["arrival_at"]).astimezone(TIME_ZONE)
            way = f"{way}, {self.say('arrival', arrival.strftime('%H:%M'))}"
        return way

    def before(self, way: Mapping[str, Any] | None) -> str:
        """What passes before the drive; older rules do not say."""
        if way is None:
            return ""
        if way["on_the_way"]:
            return self.say("underway")
        parts = [self.say(each["id"], each["minutes"]) for each in way["before_leaving"] if each["minutes"]]
        return self.say("before", ", ".join(parts)) if parts else ""

    # -- shape

    def part(self, title: str, entries: Iterable[Sequence[str]]) -> Iterator[str]:
        for number, entry in enumerate(entries):
            if number == 0:
                yield from ("", self.say(title))
            yield from self.bullet(entry)

    def some(self, title: str, entries: Sequence[Sequence[str]], most: int, unnamed: int = 0) -> Iterator[str]:
        yield from self.part(title, entries[:most])
        if left := max(0, len(entries) - most) + unnamed:
            yield f"  {self.say('more', left)}"

    def bullet(self, texts: Sequence[str]) -> Iterator[str]:
        yield from _wrapped("  - ", texts[0])
        for text in texts[1:]:
            yield from _wrapped("    ", text)


def _wrapped(indent: str, text: str) -> Iterator[str]:
    if text:
        yield from textwrap.wrap(
            text, WIDTH, initial_indent=indent, subsequent_indent=" " * len(indent), break_on_hyphens=False
        )
