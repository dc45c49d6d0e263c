"""Which facts the form of a new case asks, in which order, with what was answered, and what is wrong with that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.desk.case_form import FACT, Form, Wrong, allowed, answers
from api.desk.vital_signs import VITALS
from routing.vocabulary import Fact, Text, Vocabulary

MOST = 9
"""So many open questions stand in the form at once: each has a digit."""

ADDED = "added"
"""The field with the facts that somebody looked for."""

CHANGES: Mapping[str, Text] = {
    "urgency": Text("urgentie", "urgency"),
    "conditions": Text("aandoening", "condition"),
    "needs": Text("wat nodig is", "needs"),
    "dispatch": Text("ambulance", "ambulance"),
    "warnings": Text("waarschuwing", "warning"),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A fact in the form: its field, what stands in it, and what is wrong with that. `number` is its digit among the
    open questions, `could_change` what its answer could change."""

    id: str
    fact: Fact
    value: str = ""
    wrong: Text | None = None
    number: int | None = None
    could_change: tuple[Text, ...] = ()
    wanted: bool = False

    @property
    def name(self) -> str:
        """The name of its field."""
        return f"{FACT}{self.id}"

    @property
    def allowed(self) -> Text:
        """What may stand there."""
        return allowed(self.fact)


@dataclass(frozen=True, slots=True)
class Questions:
    """The facts of a form: the open ones in the order in which to ask them, the vital signs by name, and all that
    was answered."""

    open: tuple[Asked, ...]
    vitals: Mapping[str, Asked]
    known: tuple[Asked, ...]
    left: int = 0


def questions(form: Form, decision: Mapping[str, Any] | None, wrong: Iterable[Wrong], words: Vocabulary) -> Questions:
    """What `form` asks once `decision` (a preview, if there could be one) said which questions are open."""
    said, faults = answers(form, words), {each.field: each.message for each in wrong}
    opened: Sequence[Mapping[str, Any]] = decision["open_questions"] if decision is not None else ()
    wanted = {each["fact"]: tuple(CHANGES[change] for change in each["could_change"]) for each in opened}

    def asked(fact_id: str, number: int | None = None) -> Asked:
        fact, value = words.facts[fact_id], said.get(fact_id, "")
        about = (faults.get(f"{FACT}{fact_id}"), number, wanted.get(fact_id, ()), fact_id in wanted)
        return Asked(fact_id, fact, value, *about)

    added = [name for name in form.get(ADDED, ()) if name in words.facts and name not in said]
    order = [*added, *(name for name in wanted if name not in added)]
    open_ids = [name for name in order if name not in said and name not in VITALS][:MOST]
    left = int(decision["open_questions_left"]) + len(wanted) - len(open_ids) if decision is not None else 0
    return Questions(
        tuple(asked(name, number) for number, name in enumerate(open_ids, start=1)),
        {name: asked(name) for name in VITALS},
        tuple(asked(name) for name in said if name not in VITALS and words.facts[name].given == "observations"),
        left,
    )


def fact_names(words: Vocabulary) -> Iterator[tuple[str, Text]]:
    """Every observation that can be looked for, by its label."""
    return ((key, fact.label) for key, fact in words.facts.items() if fact.given == "observations")
