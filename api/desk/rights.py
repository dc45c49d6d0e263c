"""What each page of the desk is: which right it needs, and what is noted of it. What stands nowhere here nobody may."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Page:
    """One endpoint of the desk: the action (see `routing.rights.RIGHTS`) that it performs, and the event that is noted
    of it in the log of accesses; None where it shows nothing that is kept about patients."""

    action: str
    event: str | None = None


PAGES: Mapping[str, Page] = {
    "door.home": Page("own_session"),
    "door.sign_out": Page("own_session"),
    "door.stay": Page("own_session"),
    "case.new": Page("decide", "read"),
    "case.form": Page("decide"),
    "case.change": Page("decide", "create"),
    "answer.read": Page("read_decisions", "read"),
    "answer.record": Page("outcome", "correct"),
    "answer.sheet": Page("read_decisions", "read"),
    "answer.timeline": Page("read_decisions", "read"),
    "answer.reception": Page("answer_for_place"),
    "cases.search": Page("read_decisions", "search"),
    "maps.decision": Page("read_decisions", "read"),
    "board.list_all": Page("read_facilities"),
    "board.now": Page("read_facilities"),
    "place.read": Page("read_facilities"),
    "place.plot": Page("read_facilities"),
    "place.report": Page("report_status"),
    "rules.overview": Page("read_rulesets"),
    "rules.read": Page("read_rulesets"),
    "rules.entry": Page("read_rulesets"),
    "rules.coverage": Page("try_rules"),
    "rule_trials.form": Page("try_rules"),
    "rule_trials.pasted": Page("try_rules"),
    "rule_trials.decision": Page("try_rules_on_decision", "replay"),
    "publishing.overview": Page("read_publishing"),
    "publishing.propose": Page("publish_rules"),
    "publishing.agree": Page("publish_rules"),
    "publishing.withdraw": Page("publish_rules"),
    "publishing.record": Page("publish_rules"),
    "figures.overview": Page("read_figures"),
    "figures.plot": Page("read_figures"),
    "figures.download": Page("read_figures"),
    "figures.norms": Page("read_figures"),
    "figures.overrules": Page("read_reports"),
    "audit.index": Page("export"),
    "audit.decision": Page("export", "read"),
    "audit.record": Page("export", "read"),
    "audit.rules": Page("export", "read"),
    "audit.replay": Page("replay", "replay"),
    "audit.suppose": Page("export", "replay"),
    "audit.proof": Page("export", "verify"),
    "audit.capsule": Page("export", "export"),
    "comparing.form": Page("export"),
    "comparing.compare": Page("export", "replay"),
    "comparing.plot": Page("export"),
    "accesses.index": Page("read_access_log", "read_access_log"),
    "accesses.search": Page("read_access_log", "read_access_log"),
    "accesses.patient": Page("read_access_log", "read_access_log"),
    "accesses.export": Page("export_access_log", "export_access_log"),
}
"""Endpoint -> what it is. An endpoint that is neither here nor in `OPEN` is for nobody."""

OPEN = frozenset({"static", "door.sign_in", "door.let_in", "door.password", "door.set_password", "door.language"})
"""Endpoints for whoever has not signed in: they show nothing but themselves."""

BY_THE_PAGE: frozenset[str] = frozenset({"board.now"})
"""Endpoints that a page asks by itself, also with nobody before it: they do not make a session last."""
