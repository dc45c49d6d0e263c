"""The names on the wire of how the server is doing."""

from __future__ import annotations

from typing import Literal

from api.schemas import Answer, RulesetName


class Live(Answer):
    """That the process runs."""

    status: Literal["live"]


class FeedAge(Answer):
    """How long ago a feed last answered well (null: never), and whether that is too long."""

    name: str
    age_seconds: int | None
    late: bool


class WebhookAge(Answer):
    """How many events wait to be told to one system, for how long, and whether that is too long; `stopped`: it said
    that it wants nothing any more."""

    name: str
    waiting: int
    waiting_seconds: float
    late: bool
    stopped: bool


class LogHealth(Answer):
    """How many entries of the log were signed, and how long the oldest one waits for that (0: none does)."""

    size: int
    waiting_seconds: float


class RoadEngineState(Answer):
    """The road engine, and whether it is asked (`closed`), left alone for a while (`open`), or to be tried again
    (`half_open`)."""

    name: str
    breaker: Literal["closed", "open", "half_open"]


class TravelState(Answer):
    """Where times of travel come from: what is known here, why a matrix is not used (null: it is, or there is none),
    how many places are not in it (null: there is none), and the road engine if there is one."""

    known: str
    fault: str | None
    missing: int | None
    engine: RoadEngineState | None


class Ready(Answer):
    """Whether decisions can be made and recorded now; `fault` says why not."""

    status: Literal["ready", "not ready"]
    directory_revision: int | None
    ruleset: RulesetName | None
    engine: bool
    feeds: list[FeedAge]
    webhooks: list[WebhookAge]
    log: LogHealth | None
    travel: TravelState | None
    fault: str | None
