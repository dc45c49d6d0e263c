"""What a server has on its shelf, on the wire: the words, the rulesets, the schemas and the calls."""

from __future__ import annotations

from typing import Any, Literal

from api.proof_schemas import ProofSummary
from api.schemas import Answer, Words
from routing.vocabulary import VocabularyFile


class VocabularyAnswer(Answer):
    """All words that a case may use."""

    digest: str
    vocabulary: VocabularyFile


class RulesetSummary(Answer):
    """Which ruleset it is, and whether it decides."""

    name: str
    version: str
    digest: str
    title: Words
    effective_from: str
    in_force: bool


class ListedRuleset(RulesetSummary):
    """A ruleset in a list, with what is proved of it in numbers; null where no proof lies beside it."""

    proof: ProofSummary | None


class RulesetPage(Answer):
    """The rulesets that are known here."""

    rulesets: list[ListedRuleset]


class RulesetAnswer(RulesetSummary):
    """A ruleset with all that stands in its files: file -> content. `/v1/schemas` says what each kind of file holds."""

    source: dict[str, dict[str, Any]]


class SchemaList(Answer):
    """Name of a JSON Schema -> its address."""

    schemas: dict[str, str]


class Pointer(Answer):
    """Every call of this server, as `GET /v1/decisions`."""

    name: Literal["Wegwijs"]
    calls: list[str]
