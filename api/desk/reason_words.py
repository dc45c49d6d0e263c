"""What the words in the text of a reason about places are called where they stand below it as what was seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from api.desk.words import t

Kind = Literal["text", "number", "minutes", "years", "weeks", "method"]
Said = tuple[str, str, Kind]

STANDS_IN_TEXT = frozenset({"capability", "norm", "unit", "short", "what"})
"""Words that stand in the text of the reason already, and are ids or a whole sentence by themselves."""

_WORDS: Mapping[str, Said] = {
    "age": ("hoe oud de melding is", "how old the report is", "minutes"),
    "arrival": ("aankomst om", "arrival at", "text"),
    "coming": ("sindsdien hierheen geadviseerd", "advised to come here since", "number"),
    "count": ("aantal", "number", "number"),
    "elapsed": ("verstreken bij aankomst", "elapsed on arrival", "minutes"),
    "engine": ("routeserver", "road engine", "text"),
    "free": ("vrij volgens de melding", "free by the report", "number"),
    "heading": ("op weg naar", "on the way to", "text"),
    "high": ("hoogstens", "at most", "minutes"),
    "instead": ("geschat met", "estimated by", "method"),
    "island": ("eiland", "island", "text"),
    "limit": ("grens", "limit", "minutes"),
    "low": ("minstens", "at least", "minutes"),
    "minutes": ("reistijd", "travel time", "minutes"),
    "more": ("verschil", "difference", "minutes"),
    "name": ("plek", "place", "text"),
    "opens": ("gaat open om", "opens at", "text"),
    "other": ("reistijd daarheen", "travel time to there", "minutes"),
    "reach": ("gezocht tot", "searched up to", "minutes"),
    "region": ("regio", "region", "text"),
    "rules": ("regels", "rules", "text"),
    "since": ("stop sinds", "stop since", "text"),
    "until": ("stop telt tot", "stop counts until", "text"),
    "version": ("versie", "version", "text"),
    "weeks": ("vanaf zwangerschapsduur", "from a pregnancy of", "weeks"),
}
"""Word -> what it is called in Dutch and in English, and what its value is; the same in most texts."""

_IN_TEXT: Mapping[tuple[str, str], Said] = {
    ("direct", "limit"): ("hoogstens omrijden", "further driving at most", "minutes"),
    ("direct", "minutes"): ("zoveel dichterbij", "so much nearer", "minutes"),
    ("nearest_first", "limit"): ("hoogstens omrijden", "further driving at most", "minutes"),
    ("nearest_first", "minutes"): ("zoveel verder", "so much further", "minutes"),
    ("not_looked_at", "count"): ("aantal plekken", "number of places", "number"),
    ("pending_rules", "count"): ("aantal regels", "number of rules", "number"),
    ("too_old", "age"): ("voor patiënten jonger dan", "for patients younger than", "years"),
    ("too_young", "age"): ("voor patiënten vanaf", "for patients from the age of", "years"),
    ("turns_later", "more"): ("omkeren kost", "turning there costs", "minutes"),
    ("turns_sooner", "more"): ("zoveel korter", "so much less", "minutes"),
    ("wrong_patients", "age"): ("voor patiënten jonger dan", "for patients younger than", "years"),
}
"""Text and word -> the same, where the word means something else in this text."""

_GIVEN_UP: Mapping[str, tuple[str, str]] = {
    "gestation": ("zwangerschapsduur waarvoor de plek er is", "weeks of pregnancy that the place is for"),
    "open": ("dat de plek open is", "that the place is open"),
    "patients": ("leeftijden waarvoor de plek er is", "ages that the place is for"),
    "place": ("dat de plek zeker nog bestaat", "that the place surely exists still"),
    "referral": ("dat men zonder verwijzing terecht kan", "that one may come without a referral"),
}
"""What can be given up at a place, beside norms and capabilities."""


def said_of(text: str, word: str) -> Said | None:
    """What `word` is called in the selection text `text`, and what its value is; None for what is no word of texts."""
    return _IN_TEXT.get((text, word)) or _WORDS.get(word)


def given_up(name: str) -> str | None:
    """What was given up at a place, where it is no norm and no capability."""
    return t(*_GIVEN_UP[name]) if name in _GIVEN_UP else None


def given_up_as(position: int) -> str:
    """Which of all that may be given up it is. Ruleset positions count 2, 4, ...; one less is that of what is not known
    for certain."""
    number = (position + 1) // 2
    return t(f"nummer {number} van wat mag worden opgegeven", f"number {number} of what may be given up")
