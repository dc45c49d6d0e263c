"""Why a place is not advised, found by its name or town; and which place somebody means who typed a name."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.desk.place_words import place_name
from routing.facilities.directory import Directory

SHOWN_MOST = 12
NEAR_MOST = 4

Place = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WhyNot:
    """Places that are not advised: what was typed, those that fit it, how many more there are, and candidates that fit
    it too. Where nothing was typed: whether those that nearly fit are nearer than the place that is advised."""

    typed: str
    ruled_out: Sequence[Place]
    left: int
    candidates: Sequence[Place]
    nearer: bool = False


def why_not(decision: Mapping[str, Any], typed: str) -> WhyNot:
    """Where nothing was typed: the places that nearly fit, nearer ones if there are any. Otherwise every place with all
    of the words in its name or town, the nearest first."""
    if not typed.strip():
        return _nearly(decision)
    found = sorted(
        (place for place in decision["ruled_out"] if _fits(typed, place["facility"])),
        key=lambda place: (place["travel"]["minutes"], place["facility"]["id"]),
    )
    candidates = [
        place for place in (decision["recommendation"], *decision["alternatives"]) if _fits(typed, place["facility"])
    ]
    return WhyNot(typed.strip(), found[:SHOWN_MOST], max(0, len(found) - SHOWN_MOST), candidates)


def _nearly(decision: Mapping[str, Any]) -> WhyNot:
    """The places that fail in one thing alone: those nearer than the place that is advised, or where none is nearer the
    nearest. What fails in more would only stand in the way of who has to read it now."""
    travel = decision["recommendation"]["travel"]
    found = sorted(
        (place for place in decision["ruled_out"] if len(place["failed"]) == 1),
        key=lambda place: (place["travel"]["minutes"], place["facility"]["id"]),
    )
    nearer = [place for place in found if travel and place["travel"]["minutes"] < travel["minutes"]]
    return WhyNot("", (nearer or found)[:NEAR_MOST], 0, (), nearer=bool(nearer))


def plain(words: str) -> str:
    """`words` in small letters without accents."""
    split = unicodedata.normalize("NFKD", words.casefold())
    return "".join(letter for letter in split if not unicodedata.combining(letter))


def _fits(typed: str, facility: Mapping[str, Any]) -> bool:
    name = plain(place_name(facility))
    return all(word in name for word in plain(typed).replace(",", " ").split())


# -- which place is meant ---------------------------------------------------------------------------------------------


def destinations(directory: Directory) -> dict[str, str]:
    """Every place where a patient can be brought to -> what it is called, by name; no two are called the same."""
    found: dict[str, str] = {}
    for place in directory.facilities:
        if any(able is not False for able in place.capabilities.values()):
            found[place.id] = place_name({"name": place.name, "city": place.city})
    called = Counter(found.values())
    named = {key: f"{name} ({key})" if called[name] > 1 else name for key, name in found.items()}
    return dict(sorted(named.items(), key=lambda each: plain(each[1])))


def meant(typed: str, named: Mapping[str, str]) -> list[str]:
    """The ids of the places that `typed` may mean: exactly the one that is called so, or those with all of its words in
    their name."""
    wanted = plain(typed.strip())
    exact = [key for key, name in named.items() if plain(name) == wanted]
    if exact or not wanted:
        return exact
    words = wanted.replace(",", " ").split()
    return [key for key, name in named.items() if all(word in plain(name) for word in words)]
