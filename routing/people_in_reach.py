"""How many people live within so many minutes of a place that can do something, round the clock, and where they do not.

People are those of the postcode areas (CBS, 2018), each area as a whole at its middle.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from routing.errors import bad_input
from routing.facilities.directory import Directory
from routing.geography import Places, Point, places_at
from routing.travel import Travel
from routing.travel.areas import areas
from routing.travel.postcode import centroid

Minutes = Callable[[Point, Places, datetime], tuple[Travel, ...]]


class AreaInReach(NamedTuple):
    """A postcode area, its people, and the nearest place: its id and the minutes to it, with what passes before."""

    pc4: str
    people: int
    nearest: str
    minutes: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class InReach:
    """The areas, and the shares of all people that are surely within the limit (the end of the interval is), within it
    by the estimate, and perhaps within it (the beginning is)."""

    capability: str
    limit_minutes: int
    lead_minutes: int
    places: int
    people: int
    surely: float
    within: float
    perhaps: float
    areas: tuple[AreaInReach, ...]

    @property
    def beyond(self) -> tuple[AreaInReach, ...]:
        """The areas beyond the limit by the estimate, the most people first."""
        beyond = (area for area in self.areas if area.minutes > self.limit_minutes and area.people)
        return tuple(sorted(beyond, key=lambda area: (-area.people, area.pc4)))


def people_in_reach(
    directory: Directory, capability: str, limit_minutes: int, minutes: Minutes, at: datetime, lead_minutes: int = 0
) -> InReach:
    """Reckon it for who leaves at `at`; `lead_minutes` pass before the drive begins. Raises BadInput if no place has
    `capability` round the clock."""
    able = [
        place
        for place in directory.facilities
        if place.capabilities.get(capability) and place.opening_for(capability).pattern == "always"
    ]
    if not able:
        raise bad_input("capability", "unknown", "no place of the directory has this round the clock", capability)
    places = places_at((place.lat, place.lon) for place in able)
    found = tuple(
        _area(pc4, area.people, able_ids, minutes(centroid(pc4), places, at), lead_minutes)
        for able_ids in [[place.id for place in able]]
        for pc4, area in areas().items()
    )
    people = sum(area.people for area in found)

    def share(of: Callable[[AreaInReach], int]) -> float:
        return sum(area.people for area in found if of(area) <= limit_minutes) / people

    shares = (share(lambda area: area.high), share(lambda area: area.minutes), share(lambda area: area.low))
    return InReach(capability, limit_minutes, lead_minutes, len(able), people, *shares, found)


def _area(pc4: str, people: int, ids: list[str], times: tuple[Travel, ...], lead: int) -> AreaInReach:
    number = min(range(len(times)), key=lambda one: (times[one].minutes, ids[one]))
    soonest, latest = min(travel.low for travel in times), min(travel.high for travel in times)
    return AreaInReach(pc4, people, ids[number], times[number].minutes + lead, soonest + lead, latest + lead)


# -- a picture

BANDS: Mapping[str, tuple[str, str]] = {
    "surely": ("#2a7fb8", "surely within"),
    "within": ("#8cc1e0", "within by the estimate"),
    "perhaps": ("#f2a541", "perhaps within"),
    "beyond": ("#b3261e", "beyond"),
}
"""How sure it is -> colour and words. The colours differ in lightness too."""

_PIXELS_PER_DEGREE = 150
_SOUTH, _NORTH, _WEST, _EAST = 50.72, 53.58, 3.30, 7.28
_NARROW = 0.61  # a degree of longitude is so much of a degree of latitude at 52.2 degrees north


def picture(found: InReach, title: str) -> str:
    """A map as SVG: a dot for the middle of every postcode area where people live, by how sure it is that they are
    within the limit."""
    dots: dict[str, list[str]] = {band: [] for band in BANDS}
    for area in found.areas:
        if area.people:
            lat, lon = centroid(area.pc4)
            x = round((lon - _WEST) * _NARROW * _PIXELS_PER_DEGREE)
            dots[_band(area, found.limit_minutes)].append(f"M{x} {round((_NORTH - lat) * _PIXELS_PER_DEGREE)}h0")
    wide = round((_EAST - _WEST) * _NARROW * _PIXELS_PER_DEGREE)
    high = round((_NORTH - _SOUTH) * _PIXELS_PER_DEGREE)
    paths = "".join(
        f'<path d="{"".join(marks)}" stroke="{BANDS[band][0]}"><title>{BANDS[band][1]}</title></path>\n'
        for band, marks in dots.items()
    )
    legend = "".join(
        f'<circle cx="16" cy="{50 + 20 * number}" r="5" fill="{colour}"/>'
        f'<text x="28" y="{54 + 20 * number}">{words}</text>\n'
        for number, (colour, words) in enumerate(BANDS.values())
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" role="img" aria-label="{title}">\n'
        f'<rect width="100%" height="100%" fill="#fff"/>\n<g font-family="sans-serif" font-size="13" fill="#222">\n'
        f'<text x="12" y="26" font-size="16">{title}</text>\n{legend}</g>\n'
        f'<g fill="none" stroke-width="4" stroke-linecap="round">\n{paths}</g>\n</svg>\n'
    )


def _band(area: AreaInReach, limit: int) -> str:
    if area.high <= limit:
        return "surely"
    if area.minutes <= limit:
        return "within"
    return "perhaps" if area.low <= limit else "beyond"
