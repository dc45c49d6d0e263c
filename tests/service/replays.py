"""Many decisions for replays: some are made, the others are copies of them under ids of their own."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from uuid_utils.compat import uuid7

from routing import places, service
from routing.keys_here import keyring_of
from routing.log_here import add, make_ready
from routing.replaying.run import VARIES, Progress
from routing.rights import Asker
from routing.store import database, decision_search, decisions
from routing.world import World
from tests.service.conftest import SORE_THROAT, STEMI, Clock, kept_record
from tests.service.test_decisions import STROKE

CASES: tuple[dict[str, Any], ...] = (
    STEMI,
    SORE_THROAT,
    STROKE,
    {**STEMI, "location": {"postcode": "9712"}},
    {**SORE_THROAT, "region": "elsewhere"},
)
OPERATOR = Asker("", "test", frozenset({"operator"}))


def fill(world: World, asker: Asker, clock: Clock, copies: int) -> list[str]:
    """Decide about all of CASES, with reports of places in between, and add so many copies of each at the same moment;
    the ids of what was decided."""
    made = []
    for number, case in enumerate(CASES):
        stop = {"unit": "seh", "kind": "stop", "value": number % 2 == 0, "observed_at": clock.now.isoformat()}
        places.report_status(world, "umc-utrecht", stop, OPERATOR)
        made.append(service.decide(world, case, asker)["id"])
        clock.forward(minutes=3)
    for decision_id in made:
        copy(world, decision_id, copies)
    return made


def copy(world: World, decision_id: str, copies: int) -> None:
    """Add so many copies of a decision, which differ in their id alone."""
    record = kept_record(world, decision_id)
    with database.reading(world.engine) as connection:
        found = decision_search.page(connection, decision_search.Search(), None, 1_000)
        (row,) = [row for row in found.rows if str(row.id) == decision_id]
    with database.writing(world.engine) as connection:
        for _ in range(copies):
            another = uuid7()
            ready = make_ready(keyring_of(world), "decision", {**record, "id": str(another)})
            add(connection, ready, row.decided_at)
            decisions.append(connection, replace(row, id=another))


def stricter(folder: Path) -> Path:
    """A ruleset to come, in `folder`: a heart attack on the ECG is of the highest urgency, and another rule says so."""
    made = folder / "stricter"
    shutil.copytree(Path(str(files("rulesets"))) / "acute-nl" / "1.2.0", made)
    heart = made / "conditions" / "stemi-acs.yaml"
    text = (
        heart.read_text("utf-8").replace("urgency: U1", "urgency: U0").replace("id: stemi-onset-unknown", "id: stemi")
    )
    heart.write_text(text, "utf-8")
    head = made / "ruleset.yaml"
    head.write_text(head.read_text("utf-8").replace("version: 1.2.0", "version: 1.9.0", 1), "utf-8")
    shutil.rmtree(made / "cases")
    return made


def lasting(found: Mapping[str, Any]) -> dict[str, Any]:
    """What must be the same, however and by whom it was worked out."""
    return {key: value for key, value in found.items() if key not in VARIES}


def quietly(_: Progress) -> None:
    """Tell nobody."""
