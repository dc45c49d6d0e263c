"""The work of one process: takes chunks of decisions, decides again about each, and hands back what it counted."""

from __future__ import annotations

import gc
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from routing.errors import NotFound, OtherSoftware, StoreUnavailable, WegwijsError
from routing.flips import summed
from routing.log.record import SOFTWARE
from routing.replaying.chunks import Chunk, chunk_record
from routing.replaying.judging import Judge, as_then, supposing
from routing.replaying.reading import records_in
from routing.replaying.supposed import Supposed, read_supposed, supposed_record
from routing.settings import Settings
from routing.world import World, close_world, open_world

PAUSES_SECONDS = (1, 3)
"""How long to wait before a chunk is tried again after the database was lost; after the last, that is the answer."""


def job(settings: Mapping[str, Any], supposed: Supposed | None) -> bytes:
    """All that a process must be told once to be able to work: settings for its world, and the rules to suppose. It may
    hold the password of the database: never show it."""
    rules = supposed_record(supposed) if supposed is not None else None
    return orjson.dumps({"settings": dict(settings), "supposed": rules, "software": SOFTWARE})


def judge_of(world: World, supposed: Supposed | None) -> Judge:
    """How every decision is judged: as it was then, or by the rules to suppose."""
    return as_then(world) if supposed is None else supposing(world, supposed)


def work(world: World, judge: Judge, chunk: Chunk) -> bytes:
    """What was found in `chunk`, as a line of JSON: `{"chunk", "counts": [[name, number]], "rows"}`. The same chunk
    gives the same bytes, whoever works on it. Raises StoreUnavailable, and NotFound if these decisions are not here."""
    counts, rows, last = summed(()), [], None
    for stored in records_in(world, chunk):
        verdict = judge(stored)
        counts.update((("decisions",), *verdict.names))
        if verdict.row is not None:
            rows.append(verdict.row)
        last = stored.id
    if last != chunk.last[1] or counts["decisions",] < chunk.size:
        raise NotFound("such decisions in the database of the process that works on", str(chunk))
    return orjson.dumps({"chunk": chunk_record(chunk), "counts": sorted(counts.items()), "rows": rows})


# -- in a process that was told a job ----------------------------------------------------------------------------------


@dataclass(slots=True)
class Desk:
    """What this process has ready for the job that it was told last."""

    job: bytes = b""
    world: World | None = None
    judge: Judge | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


_DESK = Desk()


def answer(told: bytes, chunk: Chunk, own: Callable[[Mapping[str, Any]], Settings]) -> bytes:
    """What `work` finds, or `{"stopped": why}`. `own` makes the settings of this process of those of the job."""
    try:
        # threads of one process would only wait for each other
        with _DESK.lock:
            return _patiently(told, chunk, own)
    except WegwijsError as error:
        return orjson.dumps({"stopped": str(error)})
    except Exception as error:  # noqa: BLE001 - whoever waits must be told; the text of it may be about a patient
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(frame.filename).name}:{frame.lineno}"
        return orjson.dumps({"stopped": f"unexpected {type(error).__name__} at {place}"})


def _patiently(told: bytes, chunk: Chunk, own: Callable[[Mapping[str, Any]], Settings]) -> bytes:
    for pause in (*PAUSES_SECONDS, None):
        try:
            world, judge = _ready(told, own)
            found = work(world, judge, chunk)
            _settle()
            return found  # noqa: TRY300 - the last statement of a try that is tried again
        except StoreUnavailable:
            if pause is None:
                raise
            time.sleep(pause)
    raise AssertionError("the last try answers or raises")


def _settle() -> None:
    """Rules and words, once they are built, stay: looking through them for garbage again and again takes a sixth of the
    time."""
    if not gc.get_freeze_count():
        gc.collect()
        gc.freeze()


def _ready(told: bytes, own: Callable[[Mapping[str, Any]], Settings]) -> tuple[World, Judge]:
    if _DESK.job != told or _DESK.world is None or _DESK.judge is None:
        if _DESK.world is not None:
            close_world(_DESK.world)
        _DESK.world = _DESK.judge = None
        content = orjson.loads(told)
        if content["software"] != SOFTWARE:
            raise OtherSoftware(f"here is {SOFTWARE}, and the replay was begun with {content['software']}")
        world = open_world(own(content["settings"]))
        supposed = read_supposed(content["supposed"], world.words) if content["supposed"] else None
        _DESK.world, _DESK.judge, _DESK.job = world, judge_of(world, supposed), told
    return _DESK.world, _DESK.judge
