"""Writes the outline under the map anew from Natural Earth: python -m tests.structure.write_outline COUNTRIES LAKES.

COUNTRIES and LAKES are `ne_10m_admin_0_countries` and `ne_10m_lakes` of Natural Earth as GeoJSON (`ogr2ogr -f GeoJSON`
makes that of the shapefiles). What lies outside BOX is cut off, rings that are too small to be seen are left out, and
positions are rounded to four decimals, about ten metres: the outline itself is right to about a kilometre.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from routing.travel.postcode import centroid

OUTLINE = Path(__file__).parents[2] / "api" / "desk" / "static" / "geo" / "outline.json"

BOX = (2.3, 50.2, 8.2, 54.0)
"""West, south, east and north of what is kept, in degrees."""

HERE = "Netherlands"
SMALLEST = 0.0002
"""Rings that cover less (in square degrees; about 1.5 square kilometres) are left out."""

TOWNS = {
    "Amsterdam": "1012", "Rotterdam": "3011", "Den Haag": "2511", "Utrecht": "3511", "Eindhoven": "5611",
    "Groningen": "9711", "Leeuwarden": "8911", "Assen": "9401", "Zwolle": "8011", "Enschede": "7511",
    "Arnhem": "6811", "Nijmegen": "6511", "Den Bosch": "5211", "Tilburg": "5038", "Breda": "4811",
    "Middelburg": "4331", "Maastricht": "6211", "Venlo": "5911", "Lelystad": "8232", "Alkmaar": "1811",
    "Den Helder": "1781", "Terneuzen": "4531", "Emmen": "7811", "Leiden": "2311", "Amersfoort": "3811",
}  # fmt: skip
"""Towns by which one finds the way on a map without roads, each by a postcode in its middle."""

Position = tuple[float, float]


def outline(countries: Iterable[Any], lakes: Iterable[Any]) -> dict[str, Any]:
    """The outline as one GeoJSON document; each feature says which `part` it is: near, here, water or town."""
    features = [
        _shape("here" if _name(each) == HERE else "near", rings) for each in countries if (rings := _rings(each))
    ]
    features += [_shape("water", rings) for each in lakes if (rings := _rings(each))]
    features.sort(key=lambda feature: ("near", "here", "water").index(feature["properties"]["part"]))
    towns = [
        {
            "type": "Feature",
            "properties": {"part": "town", "name": name},
            "geometry": {"type": "Point", "coordinates": [round(degree, 4) for degree in reversed(centroid(postcode))]},
        }
        for name, postcode in TOWNS.items()
    ]
    return {"type": "FeatureCollection", "source": "Natural Earth 1:10m", "features": [*features, *towns]}


def _name(feature: Any) -> str:
    properties = {key.lower(): value for key, value in feature["properties"].items()}
    return str(properties.get("admin"))


def _shape(part: str, rings: list[list[list[Position]]]) -> dict[str, Any]:
    geometry = {"type": "MultiPolygon", "coordinates": rings}
    return {"type": "Feature", "properties": {"part": part}, "geometry": geometry}


def _rings(feature: Any) -> list[list[list[Position]]]:
    """The polygons of a feature, cut to the box."""
    geometry = feature["geometry"]
    polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    found = []
    for polygon in polygons:
        cut = [ring for ring in map(_cut, polygon) if len(ring) > 3 and _area(ring) > SMALLEST]
        if cut:
            found.append([[(round(x, 4), round(y, 4)) for x, y in ring] for ring in cut])
    return found


def _cut(ring: Any) -> list[Position]:
    """A ring without what lies outside the box (Sutherland and Hodgman): one side after the other."""
    found: list[Position] = [(point[0], point[1]) for point in ring]
    for axis, limit, sign in ((0, BOX[0], 1), (1, BOX[1], 1), (0, BOX[2], -1), (1, BOX[3], -1)):
        found = list(_one_side(found, axis, limit, sign))
    return [*found, found[0]] if found and found[0] != found[-1] else found


def _one_side(ring: list[Position], axis: int, limit: float, sign: int) -> Iterator[Position]:
    for before, here in zip(ring[-1:] + ring[:-1], ring, strict=True):
        was_in, is_in = (sign * (point[axis] - limit) >= 0 for point in (before, here))
        if was_in != is_in:
            part = (limit - before[axis]) / (here[axis] - before[axis])
            yield before[0] + part * (here[0] - before[0]), before[1] + part * (here[1] - before[1])
        if is_in:
            yield here


def _area(ring: list[Position]) -> float:
    pairs = pairwise(ring)
    return abs(sum(x * next_y - next_x * y for (x, y), (next_x, next_y) in pairs)) / 2


def main() -> None:
    """Read the two files that are named, and write the outline."""
    countries, lakes = (json.loads(Path(name).read_text("utf-8"))["features"] for name in sys.argv[1:3])
    OUTLINE.parent.mkdir(exist_ok=True)
    OUTLINE.write_text(json.dumps(outline(countries, lakes), separators=(",", ":")) + "\n", "utf-8")


if __name__ == "__main__":
    main()
