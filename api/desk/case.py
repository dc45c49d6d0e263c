"""A new case: what is asked next, what would be answered now, and the decision. What is filled in is never lost."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from flask import Blueprint, Response, g, request, url_for
from uuid_utils.compat import uuid7

from api import metrics
from api.auth import world
from api.desk import answer_words
from api.desk.case_form import (
    FACT,
    FIELDS,
    JUST_NOW,
    Form,
    Read,
    Wrong,
    first,
    form_of,
    read_form,
    without,
    written_as_now,
    written_now,
)
from api.desk.case_form import wrong_in_form as wrong_in
from api.desk.case_questions import ADDED, Questions, fact_names, questions
from api.desk.complaint_words import complaint_for_age, complaint_words
from api.desk.fact_search import fact_named, facts_meant, which
from api.desk.page import asked_by_script, page, to
from api.desk.place_search import destinations
from api.desk.region_words import regions_with_agreements
from api.desk.vital_signs import ABCDE
from api.desk.words import language, text
from routing import drafts, service
from routing.access_log import uuid_of
from routing.case_file import decision_file
from routing.directory_here import newest_directory
from routing.errors import BadInput, InFlight, NotFound
from routing.vocabulary import Text

pages = Blueprint("case", __name__)

_NO_SUCH_FACT = Text("Dit gegeven kent Wegwijs niet; kies uit de lijst.", "Not known; choose from the list.")

_MAY_BE_LEFT_OUT = ("called_at", "first_contact_at", "sex", "channel")
"""Fields without which there may be an answer all the same, beside those with a fact."""

VALUE_MOST = 300
VALUES_MOST = 500

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class State:
    """What a page of a new case shows: the fields, what could be read of them, what is wrong, and what would be
    answered, if anything can be. `left_out` says that the answer does without what is wrong."""

    form: Form
    read: Read
    wrong: tuple[Wrong, ...]
    decision: Json | None
    questions: Questions
    left_out: bool = False

    @property
    def complaint_meant(self) -> Text | None:
        """The complaint that goes with the age of the patient, where that in the form is meant for another age."""
        patient, complaint = self.read.body.get("patient") or {}, self.read.body.get("complaint")
        years = patient["age_months"] // 12 if "age_months" in patient else patient.get("age_years")
        other = complaint_for_age(complaint, years) if complaint is not None and years is not None else None
        return world().words.complaints[other].label if other is not None else None

    @property
    def wrongs(self) -> dict[str, Text]:
        """Field -> what is wrong with it."""
        return {each.field: each.message for each in self.wrong}


@pages.get("/cases/new")
def new() -> Response:
    """Begin a case; with `supersedes` from what is known of an earlier decision."""
    draft_id = uuid7()
    if earlier := request.args.get("supersedes"):
        if uuid_of(earlier) is None:
            raise NotFound("decision", earlier[:50])
        decided = decision_file(world(), earlier, g.asker)["case"]
        places = destinations(newest_directory(world()))
        form = {**form_of(decided, world().words, language(), places), "supersedes": (earlier,)}
        drafts.keep_draft(world(), draft_id, form, g.asker)
    return to("case.form", draft_id=draft_id)


@pages.get("/cases/new/<draft_id>")
def form(draft_id: str) -> Response:
    """The form of a case, with what was filled in before."""
    draft = service.as_id("draft", draft_id)
    if (made := drafts.decision_of(world(), draft, g.asker)) is not None:
        return to("answer.read", decision_id=made)
    kept = drafts.draft_of(world(), draft, g.asker)
    return _page(draft, _state(kept.content if kept is not None else _begun()))


@pages.post("/cases/new/<draft_id>")
def change(draft_id: str) -> Response:
    """Keep what is filled in, and say what would be answered; or decide, or throw it away."""
    draft = service.as_id("draft", draft_id)
    wanted, filled = request.form.get("do", "update"), _filled()
    if wanted == "discard":
        drafts.remove_draft(world(), draft, g.asker)
        return _onwards(url_for("door.home"))
    if drafts.decision_of(world(), draft, g.asker) is None:
        drafts.keep_draft(world(), draft, filled, g.asker)
    if wanted == "decide":
        return _decide(draft, filled)
    if asked_by_script():
        return _parts(_state(filled))
    if _looked_for() and (state := _state(filled)).wrongs.get("find"):  # it stands in no draft: say it now
        return _page(draft, state, 422)
    return to("case.form", draft_id=draft)


def _decide(draft_id: UUID, filled: Form) -> Response:
    state = _state(filled)
    if state.wrong or state.read.missing:
        return _again(draft_id, state)
    # sent twice it is one decision; with anything changed it is another, about the same case
    sent = state.read.body
    said = hashlib.sha256(orjson.dumps(sent, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
    made_before = drafts.decision_of(world(), draft_id, g.asker)
    body = sent if made_before is None else {**sent, "supersedes": str(made_before)}
    try:
        key = f"desk {draft_id} {said}"
        made = service.decide(world(), body, g.asker, key, metrics.count_decision, sent)
    except BadInput as error:
        return _again(draft_id, _state(filled, wrong_in(error.faults, world().words)))
    except InFlight:
        return _onwards(url_for("case.form", draft_id=draft_id, under_way=1))
    drafts.settle_draft(world(), draft_id, UUID(made["id"]), g.asker)
    return _onwards(url_for("answer.read", decision_id=made["id"], decided=1))


def _onwards(there: str) -> Response:
    if asked_by_script():
        return Response(status=204, headers={"HX-Redirect": there})
    return Response(status=303, headers={"Location": there})


def _again(draft_id: UUID, state: State) -> Response:
    """The same form, which says what stands in the way of deciding."""
    if asked_by_script():
        return _parts(state, refused=True)
    return _page(draft_id, state, 422, refused=True)


def _parts(state: State, *, refused: bool = False) -> Response:
    known: dict[str, Any] = {"state": state, "refused": refused, "names": answer_words, "field_label": field_label}
    response = page("case_parts.html", **known, abcde=ABCDE, script=True)
    if now := {name: first(state.form, name) for name in JUST_NOW if written_as_now(request.form.get(name, ""))}:
        # the page writes the minute where "nu" stands, which would move along with each answer otherwise
        response.headers["HX-Trigger"] = orjson.dumps({"wegwijs:moments": now}).decode()
    return response


def _page(draft_id: UUID, state: State, status: int = 200, *, refused: bool = False) -> Response:
    names = sorted(fact_names(world().words), key=lambda named: named[1].wire()[language()])
    known: dict[str, Any] = {
        "complaint_words": complaint_words(),
        "names": answer_words,
        "abcde": ABCDE,
        "draft_id": draft_id,
        "state": state,
        "refused": refused,
        "regions": regions_with_agreements(),
        "facts": names,
    }
    known["places"] = destinations(newest_directory(world()))
    return page("case.html", status, **known, script=False, field_label=field_label)


_LABELS: Mapping[str, Text] = {
    "complaint": Text("Klacht", "Complaint"),
    "age": Text("Leeftijd", "Age"),
    "place": Text("Plaats", "Place"),
    "called_at": Text("Melding om", "Called at"),
    "first_contact_at": Text("Eerste contact zorgverlener om", "First medical contact at"),
    "reference": Text("Kenmerk", "Reference"),
    "heading_to": Text("Op weg naar", "On the way to"),
    "way_since": Text("Vertrokken om", "Left at"),
    "find": Text("Ander gegeven", "Another fact"),
}


def field_label(name: str) -> str:
    """What a field of the form is called."""
    fact = world().words.facts.get(name.removeprefix(FACT))
    return text(_LABELS[name]) if name in _LABELS else text(fact.label) if fact is not None else name


def _begun() -> dict[str, tuple[str, ...]]:
    """What stands in a form that nobody filled in yet."""
    channel = "zorgcoordinatie" if "triagist" in g.asker.roles else "ambulance"
    return {"channel": (channel,)}


def _filled() -> dict[str, tuple[str, ...]]:
    """The fields of the form that was sent, within limits. What is looked for becomes a question, and a finding that
    one looks for is there."""
    words = world().words
    filled = {
        name: tuple(value.strip()[:VALUE_MOST] for value in values)
        for name, values in list(request.form.lists())[:VALUES_MOST]
        if name in FIELDS or name == ADDED or name.removeprefix(FACT) in words.facts
    }
    if (said := _looked_for()) and (found := fact_named(said, words)) is not None:
        if words.facts[found].type == "boolean" and not first(filled, f"{FACT}{found}"):
            filled[f"{FACT}{found}"] = ("yes",)
        filled[ADDED] = (*filled.get(ADDED, ()), found)
    filled = written_now(filled, words, world().clock())
    return {name: kept for name, values in filled.items() if (kept := tuple(value for value in values if value))}


def _looked_for() -> str:
    """The fact that somebody looks for; while it is being typed it is none yet."""
    return request.form.get("find", "").strip() if "do" in request.form else ""


def _state(filled: Form, more: tuple[Wrong, ...] = ()) -> State:
    words, now = world().words, world().clock()
    read = read_form(filled, words, language(), now, destinations(newest_directory(world())))
    wrong, decision = (*read.wrong, *more), None
    left_out = any(each.field.startswith(FACT) for each in wrong)
    if not read.missing:
        decision, found = _preview(read)
        wrong, left_out = (*wrong, *found), left_out or bool(found and decision is not None)
    if (said := _looked_for()) and fact_named(said, words) is None:
        meant = [words.facts[key].label for key in facts_meant(said, words)]
        wrong = (*wrong, Wrong("find", which(meant) if meant else _NO_SUCH_FACT))
    return State(filled, read, wrong, decision, questions(filled, decision, wrong, words), left_out)


def _preview(read: Read) -> tuple[Json | None, tuple[Wrong, ...]]:
    """What would be answered, and what is wrong with the case. Without the observations that are wrong there may be an
    answer all the same: whoever is typing must see what is certain already."""
    try:
        return service.preview(world(), read.body, g.asker), ()
    except BadInput as error:
        wrong = wrong_in(error.faults, world().words)
    if all(each.field.startswith(FACT) or each.field in _MAY_BE_LEFT_OUT for each in wrong):
        try:
            return service.preview(world(), without(read, wrong), g.asker), wrong
        except BadInput as error:
            return None, (*wrong, *wrong_in(error.faults, world().words))
    return None, wrong
