"""What the files of a ruleset look like: nothing unknown, nothing missing, a reason and a reference everywhere."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from routing.rules.rule import SourceState, Status, Strength
from routing.rules.selection import Order
from routing.vocabulary import ReportKind, Strict, Text

Clock = Literal["called_at", "first_contact_at", "last_known_well_at", "onset_at"]
MINUTES_MOST = 100_000
Minutes = Annotated[int, Field(ge=0, le=MINUTES_MOST)]


class ReferenceEntry(Strict):
    """Where something comes from: a key of `references` and the section there."""

    source: str
    section: str | None = None


class SourceEntry(Strict):
    """A source, and whether it was read itself."""

    title: str
    href: str
    read: SourceState


class DefaultEntry(Strict):
    """The cautious urgency when no rule says one."""

    level: str
    text: Text
    why: str


class Head(Strict):
    """`ruleset.yaml`."""

    format: Literal[1, 2, 3, 4] = 1
    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    title: Text
    effective_from: str
    owner: str
    default_urgency: DefaultEntry
    topics: tuple[str, ...]
    references: dict[str, SourceEntry]


class ParameterEntry(Strict):
    """A named threshold; a region may choose another value within `region_may_choose`, both ends included."""

    value: float
    unit: str
    label: Text
    reference: ReferenceEntry
    why: str
    region_may_choose: tuple[float, float] | None = None


class AgreementEntry(Strict):
    """What was agreed about how care is organised, as the value of a fact with `given: agreement`."""

    value: bool | float | str
    reference: ReferenceEntry
    why: str
    region_may_choose: bool = False


class NormEntry(Strict):
    """A time in which a need must be met."""

    minutes: Minutes
    clock_start: Clock
    clock_end: Literal["arrival"]
    legal_status: str
    label: Text
    reference: ReferenceEntry
    why: str


class DeadlineEntry(Strict):
    """Within how many minutes care must begin."""

    minutes: Minutes | None
    reference: ReferenceEntry
    why: str


class MinutesEntry(Strict):
    """An assumed number of minutes."""

    value: Minutes
    reference: ReferenceEntry
    why: str


class AcceptedEntry(Strict):
    """Who accepted a rule or a number, and when."""

    by: str = Field(min_length=1)
    on: str


class AssumedEntry(Strict):
    """An assumed number in its unit, and whether a clinician accepted it."""

    value: float = Field(ge=0, le=MINUTES_MOST)
    unit: str
    reference: ReferenceEntry
    why: str = Field(min_length=1)
    review: Literal["pending"] | AcceptedEntry


class HelicopterEntry(Strict):
    """What is assumed about the helicopter of a mobile medical team. Nothing is decided by it."""

    start_minutes: AssumedEntry
    cruise_km_h: AssumedEntry
    landing_minutes: AssumedEntry
    margin: AssumedEntry


class LogisticsEntry(Strict):
    """What is assumed about ambulances and other ways to travel, and how far places are looked for."""

    response_minutes: dict[str, MinutesEntry]
    on_scene_minutes: MinutesEntry
    urgency_factor: dict[str, AssumedEntry] | None = None
    leaving_minutes: dict[str, AssumedEntry] | None = None
    helicopter: HelicopterEntry | None = None
    reach_minutes: dict[str, MinutesEntry]


class ParametersFile(Strict):
    """`parameters.yaml`."""

    parameters: dict[str, ParameterEntry]
    agreements: dict[str, AgreementEntry] = Field(default_factory=dict)
    norms: dict[str, NormEntry]
    deadlines: dict[str, DeadlineEntry]
    logistics: LogisticsEntry


class DerivedEntry(Strict):
    """A number computed from facts."""

    unit: str
    range: tuple[float, float]
    formula: dict[str, Any]
    label: Text
    reference: ReferenceEntry
    why: str


class DerivedFile(Strict):
    """`derived.yaml`."""

    derived: dict[str, DerivedEntry]


class BandEntry(Strict):
    """Points for a range of numbers."""

    points: int
    upto: float | None = None
    below: float | None = None


class ItemEntry(Strict):
    """One row of a score."""

    fact: str
    bands: tuple[BandEntry, ...] = ()
    values: dict[str, int] | None = None
    only_if: Any = None
    unless: Any = None


class ScoreFile(Strict):
    """A file in `scores/`."""

    id: str
    label: Text
    range: tuple[float, float]
    items: tuple[ItemEntry, ...]
    reference: ReferenceEntry
    why: str
    not_for: Any = None
    assumed_false: tuple[str, ...] = ()


class ConclusionEntry(Strict):
    """A condition that a rule concludes."""

    code: str
    status: Status


class NeedEntry(Strict):
    """A capability that a rule asks for."""

    capability: str
    strength: Strength
    within: str | None = None
    bypass_limit: str | None = None


class DispatchEntry(Strict):
    """What a rule says about the ambulance."""

    ambulance: str | None = None
    mmt: bool | None = None


class ThenEntry(Strict):
    """What a rule concludes."""

    urgency: str | None = None
    condition: ConclusionEntry | None = None
    needs: tuple[NeedEntry, ...] = ()
    dispatch: DispatchEntry | None = None
    warning: bool = False


class RuleEntry(Strict):
    """A rule."""

    id: str = Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")
    when: Any
    then: ThenEntry
    text: Text
    reference: ReferenceEntry
    why: str = Field(min_length=1)
    review: Literal["pending"] | AcceptedEntry


class ChosenParameter(Strict):
    """The value that a region chose for a parameter."""

    value: float
    reference: ReferenceEntry
    why: str = Field(min_length=1)


class ChosenAgreement(Strict):
    """The value that a region chose for an agreement."""

    value: bool | float | str
    reference: ReferenceEntry
    why: str = Field(min_length=1)


class OverlayFile(Strict):
    """`overlay.yaml`: what a region chose where the national rules leave the choice to it."""

    region: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    title: Text
    effective_from: str
    owner: str
    ruleset: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    ruleset_versions: tuple[Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")], ...] = Field(min_length=1)
    review: Literal["pending"] | AcceptedEntry
    references: dict[str, SourceEntry]
    parameters: dict[str, ChosenParameter] = Field(default_factory=dict)
    agreements: dict[str, ChosenAgreement] = Field(default_factory=dict)


class TopicFile(Strict):
    """A file of rules."""

    topic: Text
    rules: tuple[RuleEntry, ...]


class DetourEntry(Strict):
    """Minutes that a preference is worth."""

    minutes: Minutes
    reference: ReferenceEntry
    why: str


class NobodyEntry(Strict):
    """The answer when nobody can take the patient."""

    kind: str
    name: Text
    text: Text


class FallbackEntry(Strict):
    """The cautious way out."""

    capability: str
    nobody: NobodyEntry


class TemplateEntry(Strict):
    """The words for one criterion."""

    text: Text
    change: Text | None = None


class SomePatientsEntry(Strict):
    """Facts that are asked first of some patients, or need not be asked of them."""

    facts: tuple[str, ...] = Field(min_length=1)
    when: Any
    why: str = Field(min_length=1)


class QuestionsEntry(Strict):
    """How many open questions an answer holds, and which are asked first, or not at all, of whom."""

    most: Annotated[int, Field(ge=1, le=1000)]
    reference: ReferenceEntry
    why: str
    asked_first: tuple[SomePatientsEntry, ...] = ()
    asked_first_in_order: bool = False
    not_asked: tuple[SomePatientsEntry, ...] = ()


class InsteadEntry(Strict):
    """Care without a place that takes over from a place in office hours."""

    capability: str
    urgency_from: str
    reference: ReferenceEntry
    why: str


class GoesAnywayEntry(Strict):
    """Whom a stop does not hold back."""

    urgency: str
    time_critical: Literal[True]
    conditions: tuple[str, ...] = ()


class StopsEntry(Strict):
    """What a stop means, per urgency and condition."""

    agreed: str
    goes_anyway: GoesAnywayEntry
    prefers_without: str
    extra_minutes: str
    longest_minutes: str
    units: dict[str, tuple[str, ...]]
    reference: ReferenceEntry
    why: str


class StatusEntry(Strict):
    """How far what places report is relied on; names of parameters in minutes, and of an agreement."""

    fresh_minutes: dict[ReportKind, str]
    ended_shown_minutes: str
    herd_guard: str
    reservation_minutes: str
    reference: ReferenceEntry
    why: str


class SearchEntry(Strict):
    """How many places are looked at."""

    able_most: int = Field(ge=1)
    others_most: int = Field(ge=1)
    reference: ReferenceEntry
    why: str


class SelectionFile(Strict):
    """`selection.yaml`."""

    give_way: tuple[str, ...]
    order: tuple[Order, ...]
    preferred_detour: DetourEntry
    known_there_detour: DetourEntry
    known_there_from: str
    open_questions: QuestionsEntry
    in_office_hours: dict[str, InsteadEntry] = Field(default_factory=dict)
    fallback: FallbackEntry
    stops: StopsEntry | None = None
    status: StatusEntry | None = None
    search: SearchEntry | None = None
    texts: dict[str, TemplateEntry]
