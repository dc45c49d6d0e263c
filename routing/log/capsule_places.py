"""The places of a capsule: those that mattered with all that was known of them, all others by their digests."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from routing.facilities.directory import Directory, read_directory
from routing.facilities.facts import combined, digest_of_facts, place_digests, place_facts
from routing.facilities.profile import capability_table
from routing.geography import Places, Point
from routing.log.capsule_form import PlacesForm
from routing.log.journey_form import way_in
from routing.log.record import result_of, travel_of
from routing.rules.ruleset import Ruleset
from routing.travel import Travel
from routing.vocabulary import Vocabulary
from routing.way import driven


@dataclass(frozen=True, slots=True)
class KnownPlaces:
    """The places of a capsule."""

    form: PlacesForm

    def digest(self) -> str:
        """The digest over all of them, as it stands in the log. Raises what reading another shape raises."""
        known = {key: digest_of_facts(facts.model_dump()) for key, facts in self.form.facts.items()}
        if known.keys() & self.form.others.keys():
            raise ValueError("a place stands there twice")
        if any(facts.profile["id"] != key for key, facts in self.form.facts.items()):
            raise ValueError("a place stands there under another id")
        return combined(self.form.holidays, {**self.form.others, **known})

    def directory(self, words: Vocabulary, record: Mapping[str, Any]) -> Directory:
        """The directory as far as it is known. Raises BadInput."""
        facts = self.form.facts
        document = {
            "reference_date": "2000-01",
            "holidays": self.form.holidays,
            "facilities": [each.profile for each in facts.values()],
            "status": {key: each.status for key, each in facts.items() if each.status},
        }
        return read_directory(document, capability_table(words), record["directory"]["revision"])

    def times(self, record: Mapping[str, Any]) -> tuple[tuple[Travel, ...], tuple[Travel, ...]] | None:
        """The times of travel that counted then: to the places that are known, and to the others; None if the record
        does not say. Raises ValueError if they are not as many as the places."""
        if (recorded := travel_of(record)) is None:
            return None
        both = sorted((*self.form.facts, *self.form.others))
        pairs = [(key in self.form.facts, travel) for key, travel in zip(both, recorded, strict=True)]
        return tuple(each for known, each in pairs if known), tuple(each for known, each in pairs if not known)

    def travel(self, record: Mapping[str, Any]) -> Callable[[Point, Places, datetime], tuple[Travel, ...]] | None:
        """The times that counted then, to the places that are known; None: worked out anew."""
        times = self.times(record)
        return None if times is None else lambda _origin, _places, _at: times[0]

    def suffice(self, record: Mapping[str, Any], again: Mapping[str, Any], rules: Ruleset) -> bool:
        """Whether no other place could have changed the answer, so that `again` is what all places together give: none
        of them was within reach by the times in `record`, and nobody had to look further than that."""
        if not self.form.others:
            return True
        result = result_of(again)
        reach = rules.logistics.reach_minutes[result["urgency"]["level"]]
        times = self.times(record)
        if times is None or any(travel.minutes <= reach for travel in driven(way_in(result), times[1])):
            return False
        required = [need["capability"] for need in result["needs"] if need["strength"] == "required"]
        if required and not any(rules.vocabulary.capabilities[capability].place for capability in required):
            return True
        near = result["recommendation"]["travel"]
        looked_further = any(warning["rule"] == f"{rules.name}/selection/fallback" for warning in result["warnings"])
        return near is not None and near["minutes"] <= reach and not looked_further


def told_places(directory: Directory, wanted: Collection[str]) -> dict[str, Any]:
    """The places of a capsule in which all is told of those that are `wanted`."""
    digests = place_digests(directory)
    return {
        "holidays": [day.isoformat() for day in sorted(directory.holidays)],
        "facts": {key: place_facts(directory, directory.by_id[key]) for key in sorted(wanted)},
        "others": {key: digest for key, digest in digests.items() if key not in wanted},
    }


def near_places(record: Mapping[str, Any], directory: Directory) -> set[str]:
    """The places that stand in the record, and those in whose buildings they are."""
    result = record["result"]
    named: Iterable[Any] = (result["recommendation"], *result["alternatives"], *result["ruled_out"])
    todo = [each["facility"]["id"] for each in named if each["facility"]["id"] is not None]
    # those of which only the distance is told may lie beyond reach
    todo += [team["station"]["id"] for team in (result.get("mmt") or {}).get("teams", ())]
    todo += filter(None, [record["case"].get("on_the_way", {}).get("heading_to")])
    found: set[str] = set()
    while todo:
        if (key := todo.pop()) in directory.by_id and key not in found:
            found.add(key)
            if (building := directory.by_id[key].located_at) is not None:
                todo.append(building)
    return found
