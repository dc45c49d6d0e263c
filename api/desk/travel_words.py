"""By which way of reckoning travel times were found, in words beside its name."""

from __future__ import annotations

from collections.abc import Mapping

from api.desk.words import t
from routing.travel import silent_in

_METHODS: Mapping[str, tuple[str, str]] = {
    "skeleton-nl": ("schatting over de Nederlandse hoofdwegen", "estimate over the Dutch main roads"),
    "straight-line-nl": ("schatting in rechte lijn", "estimate in a straight line"),
    "helicopter-nl": ("schatting van de vliegtijd", "estimate of the flying time"),
    "matrix": ("tabel van reistijden over de weg", "table of travel times by road"),
    "openrouteservice": ("routeserver", "road engine"),
    "osrm": ("routeserver", "road engine"),
    "valhalla": ("routeserver", "road engine"),
}
"""Name of a method, without its version -> what it is."""


def methods_words(methods: str) -> str:
    """Several methods, as a decision names them: `skeleton-nl/1, osrm/1`."""
    return ", ".join(map(method_word, methods.split(", ")))


def method_word(method: str) -> str:
    """What a method is, with its name; also one that stands in for an engine that did not answer."""
    if (silent := silent_in(method)) is not None:
        instead, engine = method_word(silent.instead), silent.engine
        return t(f"{instead}, want {engine} gaf geen antwoord", f"{instead}, for {engine} did not answer")
    known = _METHODS.get(method.partition("/")[0])
    return f"{t(*known)} ({method})" if known is not None else method
