"""`wegwijs serve` with a rule engine that goes wrong on certain cases.

It is made to here, in the program that starts the server; nothing in Wegwijs itself can be told to. Only what serves is
imported: processes that count together must know where before the library that counts is there.
"""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

from routing import cli, connections
from routing.errors import EngineFault
from routing.rules.durable import DurableEvaluator
from routing.rules.rule import Facts
from tests.patience import wait_longer

MARKS = {"fails": 121, "misses rules": 122, "names one more": 123, "crashes": 124, "hangs": 125}
"""By which systolic pressure a case is known on which the engine goes wrong like this."""

NORMAL = 120


def command(stuck_seconds: float) -> tuple[str, ...]:
    """What starts such a server, from any folder."""
    program = f"import sys; sys.path.insert(0, {str(Path(__file__).parents[2])!r}); "
    program += f"from tests.service import faulty_engine; faulty_engine.serve({stuck_seconds})"
    return sys.executable, "-c", program


def serve(stuck_seconds: float) -> None:
    """`wegwijs serve`, with an engine that goes wrong on marked cases."""
    fired = DurableEvaluator.fired

    def wrong(evaluator: DurableEvaluator, facts: Facts) -> frozenset[str]:
        marked = facts.get("systolic_bp")
        if marked == MARKS["fails"]:
            raise EngineFault("the rule engine was made to fail")
        if marked == MARKS["crashes"]:
            ctypes.string_at(0)
        if marked == MARKS["hangs"]:
            ctypes.PyDLL(None).sleep(3_600)  # keeps Python's lock, as the engine does
        found = fired(evaluator, facts)
        if marked == MARKS["misses rules"]:
            return frozenset()
        if marked == MARKS["names one more"]:
            gravest = min(evaluator._urgencies, key=lambda rule: evaluator._urgencies[rule])
            return found | {gravest}
        return found

    DurableEvaluator.fired = wrong  # type: ignore[method-assign]
    connections.STUCK_SECONDS = stuck_seconds
    wait_longer()
    sys.exit(cli.main(["serve"]))
