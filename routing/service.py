"""What one can ask of Wegwijs: each function is one question, answered in full or refused with a reason."""

from __future__ import annotations

import logging
from collections.abc import Callable, Container, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from routing import repeats
from routing.access_log import note, noted, refused, uuid_of
from routing.api_keys import authenticate as authenticate
from routing.api_keys import create_key as create_key
from routing.api_keys import has_keys as has_keys
from routing.case import parse_case
from routing.decision import Decision
from routing.directory_here import add_packaged, as_stored, directory_of
from routing.directory_here import newest_directory as newest_directory
from routing.errors import (
    BadData,
    BadInput,
    BadRecord,
    EngineFault,
    KeysUnusable,
    NotFound,
    NotPublished,
    StoreUnavailable,
    WegwijsError,
    bad_input,
    shown,
)
from routing.facilities.directory import Directory
from routing.facilities.profile import Facility
from routing.facilities.status import units_with_beds
from routing.feeding.health import feed_ages
from routing.keyring import Keyring
from routing.keys_here import LOGS, checked_keyring, prepare_keys
from routing.log.access import Subject
from routing.log.canonical import plain
from routing.log.record import answer, answer_as_made, make_record
from routing.log.replay import replay as replay_record
from routing.log.sealing import pseudonym
from routing.log_here import add, adopt, make_ready
from routing.packaged import directory_document
from routing.rights import NO_ORGANISATION, ROLES, Asker, who
from routing.rules.building import ruleset_from_source
from routing.rules.ruleset import Ruleset
from routing.rules_here import check_rules as check_rules
from routing.rules_here import deciding_now, evaluators_of, installed_rulesets, regional_rulesets
from routing.rules_here import in_force as in_force
from routing.rules_here import in_force_in as in_force_in
from routing.sequencer import log_health
from routing.shared_decisions import organisations_of, shared_record
from routing.store import database, decision_search, decisions, keys, reservations, rule_index, sources
from routing.travel_here import decide_at_once, decide_here, status_of
from routing.travel_here import travel_of as travel_of
from routing.vocabulary import URGENCIES, Vocabulary, vocabulary_from_source
from routing.webhooks import outbox
from routing.webhooks.health import webhook_ages
from routing.world import World as World
from routing.world import close_world as close_world
from routing.world import open_world as open_world
from routing.world import world_in_child as world_in_child

log = logging.getLogger("wegwijs.service")

PACKAGED = "packaged"
"""The source of a directory that came with Wegwijs."""


# -- the world --------------------------------------------------------------------------------------------------------


def upgrade(world: World) -> None:
    """Bring the database up to date: tables, the packaged directory, the bootstrap key, the keys of the log, and what
    stood in no log yet. Safe to run at once from several processes. Raises StoreUnavailable, BadRecord."""
    now = world.clock()
    document = directory_document()
    with database.writing(world.engine) as connection:
        database.lock_upgrades(connection)
        database.migrate(connection)
        add_packaged(connection, document, PACKAGED, world.words, now)
        if world.settings.bootstrap_key is not None:
            key = keys.Key(uuid7(), "bootstrap", frozenset(ROLES))
            keys.set_bootstrap_key(connection, key, world.settings.bootstrap_key.get_secret_value(), now)
        prepare_keys(world, connection, now)
        adopt(world, connection, now)


def live() -> tuple[bool, dict[str, Any]]:
    """Whether the process runs at all."""
    return True, {"status": "live"}


def ready(world: World) -> tuple[bool, dict[str, Any]]:
    """Whether decisions can be made and logged now: `{"status", "directory_revision", "ruleset", "engine", "feeds",
    "webhooks", "log", "travel", "fault"}`; a feed or a pre-alert that is late does not keep anybody from deciding, nor
    does a road engine that does not answer.
    Builds the evaluators, so that the first case need not wait. Tells nothing about the network around the server."""
    found: dict[str, Any] = {
        "status": "not ready",
        "directory_revision": None,
        "ruleset": None,
        "engine": False,
        "feeds": [],
        "webhooks": [],
        "log": None,
        "travel": None,
    }
    try:
        rules = in_force(world, world.clock())
        found["ruleset"] = {"name": rules.name, "version": rules.version, "digest": rules.digest}
        found["engine"] = evaluators_of(world, rules).engine is not None
        check_rules(world)
        directory = newest_directory(world)
        found["directory_revision"] = directory.revision
        found["travel"] = status_of(travel_of(world), directory)
        found["feeds"] = feed_ages(world)
        found["webhooks"] = webhook_ages(world)
        health = log_health(world)
        found["log"] = {name: health[name] for name in ("size", "waiting_seconds")}
    except EngineFault:
        return False, {**found, "fault": "the rule engine cannot take these rules"}
    except KeysUnusable:
        return False, {**found, "fault": "the file of keys is not there, or is not that of this log"}
    except StoreUnavailable:
        return False, {**found, "fault": "the database cannot be used, or was not upgraded"}
    except NotPublished:
        return False, {**found, "fault": "published.yaml lets no rules decide, or does not fit the rules here"}
    except (BadData, BadInput, BadRecord):
        return False, {**found, "fault": "the rules or the directory cannot be read"}
    return True, {**found, "status": "ready", "fault": None}


def translate_rules(world: World) -> None:
    """Translate the rules that decide now, also in regions, for both evaluators, so that processes which are forked off
    need not. The rule engine itself is not asked; what it cannot take `ready` says. Raises BadData."""
    with suppress(EngineFault):
        for rules in (in_force(world, world.clock()), *regional_rulesets(world)):
            evaluators_of(world, rules)


def warm_up(world: World, example: Mapping[str, Any]) -> None:
    """Work out of the rules what is worked out only once, by deciding about an `example` that nobody sees, so that the
    first patient need not wait. What stands in the way of that keeps nobody from starting: `ready` says it."""
    if ready(world)[0]:
        try:
            preview(world, example)
        except WegwijsError as error:
            log.warning("the first case was not tried at the start: %s", type(error).__name__)


def watched(world: World) -> dict[str, Any]:
    """What a machine watches: `{"feeds", "webhooks", "logs": [{"log", "size", "waiting", "waiting_seconds"}],
    "directory_revision"}`. Raises StoreUnavailable, KeysUnusable."""
    logs = [log_health(world, each) for each in LOGS]
    ages = {"feeds": feed_ages(world), "webhooks": webhook_ages(world)}
    return {**ages, "logs": logs, "directory_revision": newest_directory(world).revision}


def watch_connections(world: World, taken: Callable[[], None], given_back: Callable[[], None]) -> None:
    """Call `taken` whenever a connection to the database comes into use, and `given_back` when it is free again."""
    database.watch_connections(world.engine, taken, given_back)


# -- deciding ---------------------------------------------------------------------------------------------------------


def decide(
    world: World,
    body: Mapping[str, Any],
    asker: Asker,
    key: str | None = None,
    count: Callable[[Mapping[str, Any]], None] | None = None,
    sent: Any = None,
) -> dict[str, Any]:
    """Decide on the case in `body` and log it; the whole decision of the contract, which is committed before it is
    returned. `body` may hold `supersedes` (id of an earlier decision). What was decided under the same `key` is
    answered again, and that is noted as reading; `sent` is what the client sent, where `body` was made of that. `count`
    is told of what was decided now. Raises BadInput, InFlight, KeyReused, Erased, StoreUnavailable."""
    request = repeats.once(world, asker, key, "decide", body if sent is None else sent)

    def carry_out() -> dict[str, Any]:
        made = _decide(world, body, asker)
        with world.part("record"):
            _append(world, made, asker, request)
        answered = answer_as_made(made.record)
        if count is not None:
            count(answered)
        return answered

    return repeats.answered_once(world, request, carry_out, lambda found: decision(world, str(found), asker))


def preview(world: World, body: Mapping[str, Any], asker: Asker | None = None) -> dict[str, Any]:
    """What `decide` would answer to `asker`, not logged: `id` is null. A road engine is not asked: whoever types would
    ask it at every key, and tell it each time where the patient is. Raises BadInput, StoreUnavailable."""
    return {**answer_as_made(_decide(world, body, asker, logged=False).record), "id": None}


@dataclass(frozen=True, slots=True)
class _Made:
    """A decision that nobody has seen yet: its record, with which rules, the place that it recommends, and the place
    and units that it soft-reserves."""

    record: Mapping[str, Any]
    rules: Ruleset
    decided_at: datetime
    place: Facility | None
    reserving: tuple[str, tuple[str, ...]] | None


def _decide(world: World, body: Mapping[str, Any], asker: Asker | None, *, logged: bool = True) -> _Made:
    now = world.clock().astimezone(UTC)
    with world.part("read"):
        case_body, supersedes = _without_supersedes(world, body, asker)
        directory = newest_directory(world)
        case = parse_case(case_body, world.words, now, directory.by_id)
        rules = in_force_in(world, case.region, now)
        directory = _with_reservations(world, directory, rules, now)
    with world.part("decide"):
        deciding = decide_here if logged else decide_at_once
        decided = deciding(travel_of(world), case, directory, evaluators_of(world, rules), now)
        id_, asked_by = str(uuid7()), who(asker if logged else None)
        made = make_record(decided, case, world.words, id=id_, now=now, asker=asked_by, supersedes=supersedes)
    return _Made(made, rules, now, decided.match.candidates[0].facility, _reserving(decided))


def _with_reservations(world: World, directory: Directory, rules: Ruleset, now: datetime) -> Directory:
    """`directory` with the patients who were lately advised to go to places that report how many beds are free."""
    live = rules.selection.live
    if live is None or not live.herd_guard or not directory.status:
        return directory
    since = now - timedelta(minutes=live.reservation_minutes)
    with database.reading(world.engine) as connection:
        found = reservations.recent(connection, since)
    counted = {
        facility: {unit: moments for unit, moments in units.items() if unit in reporting}
        for facility, units in found.items()
        if (reporting := units_with_beds(directory.status.get(facility, ())))
    }
    return replace(directory, reserved={facility: units for facility, units in counted.items() if units})


def _reserving(decided: Decision) -> tuple[str, tuple[str, ...]] | None:
    """The place that is recommended, and its units with beds that this patient may take up."""
    facility = decided.match.candidates[0].facility
    if facility is None:
        return None
    units = decided.units & units_with_beds(decided.match.candidates[0].status)
    return (facility.id, tuple(sorted(units))) if units else None


def _without_supersedes(world: World, body: Any, asker: Asker | None) -> tuple[Any, str | None]:
    if not isinstance(body, Mapping) or "supersedes" not in body:
        return body, None
    rest = {key: value for key, value in body.items() if key != "supersedes"}
    given = body["supersedes"]
    if given is None:
        return rest, None
    theirs = None if asker is None else organisations_of(world, asker)
    if (found := uuid_of(given)) is not None:
        with database.reading(world.engine) as connection:
            if decisions.exists(connection, found, theirs):
                return rest, str(found)
        if asker is not None and theirs is not None:
            refused(world, asker, "read", given)
    message = "there is no such decision"
    raise bad_input("supersedes", "unknown_decision", message, given, "the id of an earlier decision")


def _append(world: World, made: _Made, asker: Asker, request: repeats.Once | None) -> None:
    words, rules = made.rules.vocabulary, made.rules
    used = {rules.digest, words.digest}
    fired = _numbers(world, made)
    with database.writing(world.engine) as connection:
        repeats.claim(connection, request, made.decided_at)
        if not used <= world.kept:
            sources.keep_vocabulary(connection, words, made.decided_at)
            sources.keep_ruleset(connection, rules, made.decided_at)
        keyring = checked_keyring(world, connection)
        row = _row(made, asker, keyring, fired)
        beside = [*decisions.rows_of(row), *repeats.rows_of(request, row.id, row.id, made.decided_at)]
        beside += outbox.of_decision(world, connection, made.record, made.place, made.decided_at)
        add(connection, make_ready(keyring, "decision", made.record), made.decided_at, beside)
        if row.supersedes is not None:
            reservations.release(connection, row.supersedes)
        if made.reserving is not None:
            reservations.reserve(connection, row.id, *made.reserving, made.decided_at)
        note(connection, asker, "create", made.decided_at, subjects=[Subject(row.patient, row.id)])
    world.kept.update(used)


def _numbers(world: World, made: _Made) -> bytes:
    """The numbers of the rules that fired, as they stand with the decision."""
    known, rules = world.rule_numbers, made.rules
    names = [f"{rules.name}/{rule}" for rule in made.record["evaluators"]["fired"]]
    if not known.keys() >= set(names):
        with database.writing(world.engine) as connection:
            found = rule_index.numbers_of(connection, (f"{rules.name}/{rule.id}" for rule in rules.rules))
        known.update(found)
    return rule_index.packed(known[name] for name in names)


def _row(made: _Made, asker: Asker, keyring: Keyring, fired: bytes) -> decisions.Row:
    record, result = made.record, made.record["result"]
    recommended, reference = result["recommendation"], record["case"].get("reference")
    return decisions.Row(
        id=UUID(record["id"]),
        decided_at=made.decided_at,
        urgency=URGENCIES.index(result["urgency"]["level"]),
        conditions={condition["code"]: condition["status"] for condition in result["conditions"]},
        facility_id=recommended["facility"]["id"] if recommended else None,
        channel=record["case"].get("channel"),
        ruleset_digest=made.rules.digest,
        vocabulary_digest=made.rules.vocabulary.digest,
        directory_revision=record["directory"]["revision"],
        supersedes=UUID(record["supersedes"]) if record["supersedes"] else None,
        key_id=UUID(asker.key_id),
        patient=pseudonym(keyring.naming, reference) if reference is not None else None,
        rules=fired,
        organisation=NO_ORGANISATION if asker.organisation is None else asker.organisation,
    )


# -- the log ----------------------------------------------------------------------------------------------------------


def decision(world: World, decision_id: str, asker: Asker) -> dict[str, Any]:
    """A logged decision, exactly as it was answered; that `asker` read it is noted. Raises NotFound, Erased, BadRecord,
    StoreUnavailable."""
    return answer(plain(record_of(world, decision_id, asker, "read")))


def record_of(world: World, decision_id: str, asker: Asker, event: str) -> bytes:
    """The canonical record of a logged decision, which `asker` needs for `event`: that is noted. Raises NotFound,
    Erased, BadRecord, StoreUnavailable."""
    found = as_id("decision", decision_id)
    return noted(world, asker, event, found, lambda connection: shared_record(world, connection, found, asker))


def as_id(what: str, text: str) -> UUID:
    """`text` as the id of a `what`. Raises NotFound if it cannot be one."""
    if (found := uuid_of(text)) is None:
        raise NotFound(what, str(shown(text)))
    return found


def search(
    world: World,
    asker: Asker,
    *,
    urgency: str | None = None,
    facility: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
    **asked: Any,
) -> dict[str, Any]:
    """Logged decisions, newest first: `{"decisions": [summary], "next": cursor or None}`; a summary is `{id,
    decided_at, urgency, conditions: [code], facility, channel, supersedes, outcome, reason, erased}`. What else can be
    `asked` are the members of `decision_search.Search`; times carry an offset. A page may hold fewer than `limit` and
    yet have a `next`. What `asker` searched by and what was found, also if that is nothing, is noted. Raises BadInput
    (also for a cursor that this function did not give), StoreUnavailable."""
    if urgency is not None and urgency not in URGENCIES:
        raise bad_input("urgency", "unknown_value", "is not an urgency", urgency, ", ".join(URGENCIES))
    level = URGENCIES.index(urgency) if urgency is not None else None
    theirs = organisations_of(world, asker)
    wanted = decision_search.Search(urgency=level, facility_id=facility, organisations=theirs, **asked)
    after = decision_search.position(cursor) if cursor is not None else None
    criteria = _coded(world, wanted)
    with database.writing(world.engine) as connection:
        rows, more = decision_search.page(connection, wanted, after, limit)
        about = [Subject(row.patient, row.id) for row in rows]
        note(connection, asker, "search", world.clock(), subjects=about, found=len(about), criteria=criteria)
    return {
        "decisions": [_summary(row) for row in rows],
        "next": decision_search.cursor(more) if more is not None else None,
    }


def _coded(world: World, wanted: decision_search.Search) -> dict[str, str | None]:
    """What was searched by; a value that is no code of ours may be anything, and is left out."""
    given = {
        "since": wanted.since.isoformat() if wanted.since else None,
        "until": wanted.until.isoformat() if wanted.until else None,
        "urgency": URGENCIES[wanted.urgency] if wanted.urgency is not None else None,
        "condition": wanted.condition,
        "facility": wanted.facility_id,
        "rule": wanted.rule,
        "outcome": wanted.outcome,
        "reason": wanted.reason,
        "channel": wanted.channel,
        "ruleset": wanted.ruleset,
    }
    words = world.words
    codes: dict[str, Container[str]] = {
        "condition": words.conditions,
        "facility": newest_directory(world).by_id,
        "reason": words.override_reasons,
        "channel": words.facts["channel"].values,
        "rule": (),
    }
    return {
        name: value if name not in codes or value in codes[name] else None
        for name, value in given.items()
        if value is not None
    }


def _summary(row: decisions.Row) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "decided_at": row.decided_at.isoformat(),
        "urgency": URGENCIES[row.urgency],
        "conditions": list(row.conditions),
        "facility": row.facility_id,
        "channel": row.channel,
        "supersedes": str(row.supersedes) if row.supersedes else None,
        "outcome": row.outcome,
        "reason": row.reason,
        "erased": row.erased_at is not None,
    }


def replay(world: World, decision_id: str, asker: Asker) -> dict[str, Any]:
    """Decide again with what was known then: `{"id", "identical", "differences": [{path, then, now}], "ruleset",
    "directory_revision"}`. That `asker` did is noted. Raises NotFound, Erased, BadRecord, StoreUnavailable."""
    written = record_of(world, decision_id, asker, "replay")
    record = plain(written)
    digest, revision = record["ruleset"]["digest"], record["directory"]["revision"]
    words = words_of(world, record["vocabulary"])
    evaluators = evaluators_of(world, rules_of(world, digest, words))
    found = replay_record(written, directory_of(world, revision, words), evaluators)
    return {
        "id": decision_id,
        "identical": not found,
        "differences": found,
        "ruleset": digest,
        "directory_revision": revision,
    }


# -- rules and words --------------------------------------------------------------------------------------------------


def words_of(world: World, digest: str) -> Vocabulary:
    """The vocabulary with this digest, also one of the past. Raises NotFound, BadRecord, OtherSoftware."""
    if digest == world.words.digest:
        return world.words

    def read() -> Vocabulary:
        with database.reading(world.engine) as connection:
            return as_stored(vocabulary_from_source, sources.read_vocabulary_source(connection, digest))

    return world.memory.once(("vocabulary", digest), read)


def rules_of(world: World, digest: str, words: Vocabulary) -> Ruleset:
    """The ruleset with this digest, also one of the past. Raises NotFound, BadRecord, OtherSoftware."""

    # also the ruleset of today is taken from the database here: a replay must not need the files
    def read() -> Ruleset:
        with database.reading(world.engine) as connection:
            return as_stored(ruleset_from_source, sources.read_ruleset_source(connection, digest), words)

    return world.memory.once(("ruleset", digest, words.digest), read)


def vocabulary(world: World) -> dict[str, Any]:
    """All words that a case may use: `{"digest", "vocabulary"}`."""
    return {"digest": world.words.digest, "vocabulary": dict(world.words.source)}


def rulesets(world: World) -> dict[str, Any]:
    """The rulesets here: `{"rulesets": [{name, version, digest, title, effective_from, in_force}]}`."""
    deciding = deciding_now(world)
    return {"rulesets": [_ruleset_summary(rules, deciding) for rules in installed_rulesets(world)]}


def ruleset(world: World, digest: str) -> dict[str, Any]:
    """One ruleset with its whole content (`source`: file -> content), also one that only decided in the past.
    Raises NotFound, BadRecord, StoreUnavailable."""
    deciding = deciding_now(world)
    regional = regional_rulesets(world) if deciding is not None else ()
    for rules in (*installed_rulesets(world), *regional):
        if rules.digest == digest:
            return {**_ruleset_summary(rules, deciding), "source": dict(rules.source)}
    with database.reading(world.engine) as connection:
        source = sources.read_ruleset_source(connection, digest)
    head = source["ruleset.yaml"]
    summary = {key: head[key] for key in ("name", "version", "title", "effective_from")}
    return {**summary, "digest": digest, "in_force": False, "source": source}


def _ruleset_summary(rules: Ruleset, deciding: Ruleset | None) -> dict[str, Any]:
    return {
        "name": rules.name,
        "version": rules.version,
        "digest": rules.digest,
        "title": rules.title.wire(),
        "effective_from": rules.effective_from.isoformat(),
        "in_force": deciding is not None and rules.digest == deciding.digest,
    }
