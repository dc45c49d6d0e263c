"""The policy variants of norms, as scenarios to compare. They never take part in a decision: nothing that decides
imports this module, and the norms of a decision stand in its ruleset."""

from __future__ import annotations

import importlib.resources
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from routing.errors import BadData
from routing.rules.shapes import ReferenceEntry, SourceEntry
from routing.vocabulary import Strict, Text, parse_as
from routing.yamlfile import read

LegalStatus = Literal["in_force", "agreed", "example", "proposal", "mitigation", "finding", "none"]


class VariantNorm(Strict):
    """One norm of a variant. `value` is None where none was set; `clock_start` and `clock_end` belong to a time."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    text: Text
    comparator: Literal["<=", ">="] | None
    value: float | None
    unit: str | None
    clock_start: Literal["called_at"] | None
    clock_end: Literal["arrival", "ambulance_arrival"] | None
    legal_status: LegalStatus
    reference: ReferenceEntry

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.value is not None and (self.unit is None or self.comparator is None):
            raise ValueError("a value needs `unit` and `comparator`")
        if (self.unit == "min" and self.value is not None) != (self.clock_start is not None):
            raise ValueError("a number of minutes, and nothing else, has `clock_start`")
        if (self.clock_start is None) != (self.clock_end is None):
            raise ValueError("a clock has a start and an end")
        return self


class NormVariant(Strict):
    """A variant: `variant-0` is current policy, the others are scenarios."""

    variant: str = Field(pattern=r"^variant-\d$")
    title: Text
    status: Text
    references: dict[str, SourceEntry]
    norms: tuple[VariantNorm, ...]

    @model_validator(mode="after")
    def _sourced(self) -> Self:
        ids = [norm.id for norm in self.norms]
        if twice := sorted({name for name in ids if ids.count(name) > 1}):
            raise ValueError(f"the norms {', '.join(twice)} stand here twice")
        cited = {norm.reference.source for norm in self.norms}
        if cited != set(self.references):
            raise ValueError(f"references and what is cited differ: {', '.join(sorted(cited ^ set(self.references)))}")
        return self


def read_norm_variants(root: Path | None = None) -> tuple[NormVariant, ...]:
    """The variants in `norms/` under `root` (None: what comes with Wegwijs), in order. Raises BadData."""
    base = root if root is not None else Path(str(importlib.resources.files("rulesets")))
    found = []
    for path in sorted((base / "norms").glob("*.yaml")):
        file = read(path, f"norms/{path.name}")
        variant = parse_as(NormVariant, file)
        if variant.variant != path.stem:
            raise BadData((file.finding(("variant",), f"the file of `{variant.variant}` is `{variant.variant}.yaml`"),))
        found.append(variant)
    return tuple(found)
