"""What stands in the menu: the pages that whoever signed in may see, with a line about each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import request, url_for

from api.desk import guard
from api.desk.rights import PAGES
from api.desk.words import text
from routing.vocabulary import Text

MENU: Mapping[str, tuple[Text, Text]] = {
    "case.new": (
        Text("Nieuwe casus", "New case"),
        Text("Iemand is ziek: hoe dringend, en waar naartoe?", "Somebody is ill: how urgent, and where to?"),
    ),
    "cases.search": (
        Text(nl="Casussen", en="Cases"),
        Text(nl="Zoek een beslissing terug, en wat ervan werd.", en="Find a decision again, and what became of it."),
    ),
    "answer.reception": (
        Text(nl="Voormelding beantwoorden", en="Answer a pre-alert"),
        Text(
            nl="Zeg of u de patiënt verwacht, of dat die er is.",
            en="Say whether you expect the patient, or that they are there.",
        ),
    ),
    "board.list_all": (
        Text(nl="Plekken", en="Places"),
        Text(nl="Stops, drukte, bedden en wachttijden van nu", en="Stops, crowding, beds and waiting times of now"),
    ),
    "rules.overview": (
        Text("Regels", "Rules"),
        Text("Lezen, proberen en publiceren.", "To read, to try and to publish."),
    ),
    "figures.overview": (
        Text("Cijfers", "Figures"),
        Text("Beslissingen, normen, stops en waar wordt afgeweken.", "Decisions, norms, stops and what is overridden."),
    ),
    "audit.index": (
        Text(nl="Audit", en="Audit"),
        Text(
            nl="Een beslissing nagaan: bewijs, narekenen, andere regels.",
            en="Judge a decision: proof, replay, other rules.",
        ),
    ),
    "accesses.index": (
        Text(nl="Toegangslog", en="Accesses"),
        Text(nl="Wie wanneer wat zag of deed, en waarom.", en="Who saw or did what, when and why."),
    ),
}
"""Endpoint -> its label and a line about it, in the order of the menu."""


AREAS: Mapping[str, str] = {
    "answer": "cases.search",
    "maps": "cases.search",
    "place": "board.list_all",
    "rule_trials": "rules.overview",
    "publishing": "rules.overview",
    "comparing": "audit.index",
}
"""Blueprint without an entry of its own -> the entry of the menu under which its pages are found."""


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of the menu."""

    address: str
    label: str
    about: str
    here: bool


def menu() -> list[Item]:
    """The entries for whoever asks for this page; that of the area in which the page lies is `here`."""
    here = _here()
    return [
        Item(url_for(endpoint), text(label), text(about), endpoint == here)
        for endpoint, (label, about) in MENU.items()
        if guard.may(PAGES[endpoint].action)
    ]


def _here() -> str | None:
    if request.endpoint in MENU:
        return request.endpoint
    blueprint = request.blueprint or ""
    of_blueprint = (endpoint for endpoint in MENU if endpoint.partition(".")[0] == blueprint)
    return AREAS.get(blueprint) or next(of_blueprint, None)
