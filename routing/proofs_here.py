"""Which proofs lie beside the rules that are installed here, and whether each is still about exactly these rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from routing import service
from routing.errors import BadData, NotFound
from routing.proving import kept
from routing.proving.proof_file import ProofFile, ProvedIn
from routing.proving.properties import FILE, Properties, Property
from routing.rules.ruleset import Ruleset
from routing.rules_here import installed_folders
from routing.vocabulary import Text
from routing.world import World

VERDICTS = ("proved", "refuted", "undecided")

NOTHING_STATED = Text(nl="er zijn geen eigenschappen meer vastgelegd", en="no properties are stated any more")
NOT_READ = Text(nl="het bestand met het bewijs kan niet worden gelezen", en="the file of the proof cannot be read")
PROPERTIES_NOT_READ = Text(
    nl="het bestand met de eigenschappen kan niet worden gelezen", en="the file of properties cannot be read"
)


@dataclass(frozen=True, slots=True)
class KeptProof:
    """The proof beside `ruleset`. `stale` says why it proves nothing of these rules; None if it is about exactly these.
    `file` is None where it cannot be read, and then it is stale."""

    ruleset: Ruleset
    file: ProofFile | None
    properties: Properties | None
    stale: Text | None


def proof(world: World, digest: str) -> dict[str, Any]:
    """The proof of the installed ruleset with this digest, as `shown` gives it. Raises NotFound, also where no proof
    lies beside that version, BadData, BadRecord, StoreUnavailable."""
    for folder, rules in installed_folders(world):
        if rules.digest == digest and (found := _kept(world, folder, rules)) is not None:
            return shown(found)
    known = service.ruleset(world, digest)
    raise NotFound("proof beside the ruleset", f"{known['name']}/{known['version']}")


def proof_of(world: World, rules: Ruleset) -> KeptProof | None:
    """The proof beside an installed ruleset; None if there is none. Raises BadData."""
    folders = (folder for folder, one in installed_folders(world) if one.digest == rules.digest)
    return next((found for folder in folders if (found := _kept(world, folder, rules)) is not None), None)


def with_proofs(world: World, found: Mapping[str, Any]) -> dict[str, Any]:
    """The rulesets of `service.rulesets`, each with `proof`: `{proved, refuted, undecided, stale}`, or None."""
    proofs = {rules.digest: proof_of(world, rules) for _, rules in installed_folders(world)}
    listed = [{**each, "proof": _summary(proofs.get(each["digest"]))} for each in found["rulesets"]]
    return {"rulesets": listed}


def _summary(found: KeptProof | None) -> dict[str, Any] | None:
    return {**counts(found), "stale": found.stale is not None} if found is not None else None


def counts(found: KeptProof) -> dict[str, int]:
    """How many properties have each verdict. Of a stale proof all are undecided."""
    properties = found.file.properties if found.file is not None else []
    verdicts = [one.verdict if found.stale is None else "undecided" for one in properties]
    return {verdict: sum(one == verdict for one in verdicts) for verdict in VERDICTS}


def shown(found: KeptProof) -> dict[str, Any]:
    """`found` for a reader: `{ruleset, stale, why_stale, vocabulary, properties_digest, solver, counts, properties,
    tested}`. What a stale proof said is never a verdict of these rules: each property is undecided then, and
    `verdict_then` is what was said of the rules of which it was made."""
    file, why = found.file, found.stale
    stated = {one.id: one for one in found.properties.properties} if found.properties and why is None else {}
    return {
        "ruleset": {"name": found.ruleset.name, "version": found.ruleset.version, "digest": found.ruleset.digest},
        "stale": why is not None,
        "why_stale": why.wire() if why is not None else None,
        "proved_of": file.ruleset.model_dump() if file is not None else None,
        "vocabulary": file.vocabulary if file is not None else None,
        "properties_digest": file.properties_digest if file is not None else None,
        "solver": file.solver if file is not None else None,
        "counts": counts(found),
        "properties": [_property(one, stated.get(one.id), why) for one in file.properties] if file is not None else [],
        "tested": [one.model_dump() for one in file.tested] if file is not None else [],
    }


def _property(one: ProvedIn, stated: Property | None, why_stale: Text | None) -> dict[str, Any]:
    return {
        "id": one.id,
        "text": one.text.model_dump(),
        "why": stated.entry.why if stated is not None else None,
        "review": stated.entry.review if stated is not None else None,
        "verdict": one.verdict if why_stale is None else "undecided",
        "verdict_then": one.verdict if why_stale is not None else None,
        "how": one.how,
        "seconds": one.seconds,
        "asked": one.asked,
        "counterexamples": [case.model_dump() for case in one.shown_by],
        "failing": one.failing,
        "undecided": one.undecided,
        "listed": one.listed,
        "exceptions": _exceptions(one, stated),
        "rests_on": one.rests_on,
    }


def _exceptions(one: ProvedIn, stated: Property | None) -> list[dict[str, Any]]:
    said = {each.entry.id: each.entry for each in stated.exemptions} if stated is not None else {}
    return [
        {"id": name, "why": entry.why if entry else None, "review": entry.review if entry else None}
        for name, entry in ((name, said.get(name)) for name in one.excepted)
    ]


# -- read -------------------------------------------------------------------------------------------------------------


def _kept(world: World, folder: Path, rules: Ruleset) -> KeptProof | None:
    """The proof in `folder`; it is read anew when it or a file of properties changed."""
    if not (folder / kept.PROOF).is_file():
        return None
    files = (folder / kept.PROOF, *sorted(folder.resolve().parent.glob(f"*/{FILE}")))
    seen = tuple((str(path), found.st_mtime_ns, found.st_size) for path in files if (found := path.stat()))
    return world.memory.once(("proof", rules.digest, seen), lambda: _read(folder, rules))


def _read(folder: Path, rules: Ruleset) -> KeptProof:
    try:
        file = ProofFile.model_validate(kept.proof_beside(folder))
    except (BadData, ValidationError):
        return KeptProof(rules, None, None, NOT_READ)
    try:
        properties = kept.properties_for(folder, rules)
    except BadData:
        return KeptProof(rules, file, None, PROPERTIES_NOT_READ)
    if properties is None:
        return KeptProof(rules, file, None, NOTHING_STATED)
    return KeptProof(rules, file, properties, kept.stale(file.model_dump(), rules, properties))
