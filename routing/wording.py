"""Turns the texts of a ruleset's selection into reasons: the braces filled with numbers and with labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from routing.rules.rule import FactValue, Reference
from routing.rules.ruleset import Ruleset
from routing.rules.selection import Template
from routing.triage import Reason
from routing.vocabulary import Text

LABELLED = {"capability", "norm", "unit"}
"""Words that are ids, for which the reader gets the label."""

OUR_TEXTS: Mapping[str, Template] = {
    "no_area_near": Template(
        Text(
            "Bij deze plek ligt geen Nederlandse postcode: op het water of over de grens? De reistijden gelden vanaf "
            "het naaste land, over de Nederlandse hoofdwegen. Controleer plaats en tijd.",
            "No Dutch postcode lies near this position: on the water or abroad? The travel times are from the nearest "
            "land, over the Dutch main roads. Check position and time.",
        )
    ),
    "road_engine_silent": Template(
        Text(
            "De routeserver ({engine}) gaf geen antwoord. De reistijden zijn ruwer geschat ({instead}).",
            "The road engine ({engine}) did not answer. The travel times are rougher estimates ({instead}).",
        )
    ),
}
"""Texts about Wegwijs itself, which no ruleset holds: what they speak of came up after rulesets were published."""

NOTHING: Mapping[str, FactValue] = {}


@dataclass(frozen=True, slots=True)
class Wording:
    """The texts of one ruleset. Reasons that say the same of every place are made once and kept for the decision."""

    ruleset: Ruleset
    _kept: dict[tuple[str, str], tuple[Reason, Text | None]] = field(default_factory=dict)

    def reason(self, text: str, words: Mapping[str, FactValue] = NOTHING, reference: Reference | None = None) -> Reason:
        """The reason made of the selection text `text`; `words` fill its braces and are what was seen."""
        return self.said(text, words, reference)[0]

    def said(
        self, text: str, words: Mapping[str, FactValue] = NOTHING, reference: Reference | None = None
    ) -> tuple[Reason, Text | None]:
        """The reason, and what would change it (None: nothing that could be said)."""
        if words and (len(words) > 1 or "capability" not in words):
            return self._made(text, words, reference)
        key = (text, str(words.get("capability", "")))
        if (found := self._kept.get(key)) is None:
            found = self._kept[key] = self._made(text, words, reference)
        return found

    def _made(
        self, text: str, words: Mapping[str, FactValue], reference: Reference | None
    ) -> tuple[Reason, Text | None]:
        template = self.ruleset.selection.texts.get(text) or OUR_TEXTS[text]
        found = Reason(f"{self.ruleset.name}/selection/{text}", self.filled(template.text, words), words, reference)
        return found, None if template.change is None else self.filled(template.change, words)

    def filled(self, text: Text, words: Mapping[str, FactValue]) -> Text:
        """`text` with its braces filled; a capability or norm by its label."""
        if not words:
            return text
        if not LABELLED & words.keys():
            return Text(text.nl.format_map(words), text.en.format_map(words))
        return Text(text.nl.format_map(self._labels(words, "nl")), text.en.format_map(self._labels(words, "en")))

    def _labels(self, words: Mapping[str, FactValue], language: Literal["nl", "en"]) -> dict[str, object]:
        found: dict[str, object] = dict(words)
        if isinstance(capability := words.get("capability"), str):
            found["capability"] = getattr(self.ruleset.vocabulary.capabilities[capability].label, language)
        if isinstance(norm := words.get("norm"), str):
            found["norm"] = getattr(self.ruleset.norms[norm].label, language)
        if isinstance(unit := words.get("unit"), str):
            found["unit"] = getattr(self.ruleset.vocabulary.stop_kinds[unit].label, language)
        return found
