"""Who asks, and what each role may do: what is not named here is allowed to nobody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

ROLES = ("triagist", "ambulance", "facility", "medical_manager", "auditor", "operator")

RIGHTS: Mapping[str, frozenset[str]] = {
    "decide": frozenset({"triagist", "ambulance"}),
    "preview": frozenset({"triagist", "ambulance"}),
    "outcome": frozenset({"triagist", "ambulance", "facility"}),
    "choose_destination": frozenset({"triagist", "ambulance"}),
    "answer_for_place": frozenset({"facility"}),
    "read_reports": frozenset({"auditor", "medical_manager"}),
    "replay": frozenset({"triagist", "ambulance", "auditor"}),
    "read_decisions": frozenset({"triagist", "ambulance", "auditor"}),
    "export": frozenset({"auditor"}),
    "read_log": frozenset(ROLES),
    "read_access_log": frozenset({"auditor"}),
    "export_access_log": frozenset({"auditor"}),
    "erase": frozenset({"operator"}),
    "read_figures": frozenset({"medical_manager", "auditor", "operator"}),
    "read_metrics": frozenset({"auditor", "operator"}),
    "read_facilities": frozenset(ROLES),
    "write_facility": frozenset({"facility", "operator"}),
    "report_status": frozenset({"facility", "operator"}),
    "feed": frozenset({"facility", "operator"}),
    "remove_facility": frozenset({"operator"}),
    "read_vocabulary": frozenset(ROLES),
    "read_rulesets": frozenset(ROLES),
    "try_rules": frozenset({"medical_manager", "auditor"}),
    "try_rules_on_decision": frozenset({"auditor"}),
    "read_publishing": frozenset({"medical_manager", "auditor", "operator"}),
    "publish_rules": frozenset({"medical_manager"}),
    "own_session": frozenset(ROLES),
}
"""Action -> the roles that may do it; an action that is not in the table is allowed to nobody."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: the API key, by its id and label, with its roles. `facilities` are the ids of the places of which it is
    the key; None is no limit. `organisation` is whose key it is. Whoever sits at the server itself has no key: then the
    id is empty.

    `ends_at` is when what the asker showed stops being valid, if it does. `by_itself`: nobody asks, the server does it.
    `session` is the session of a person who signed in: then `key_id` is that of all who sign in that way, and `user` is
    proven.

    The rest is for the log of accesses: who sits at the client and on whose behalf (ids that only the client can
    resolve), by which call or command (`source`), and the id of the request."""

    key_id: str
    label: str
    roles: frozenset[str]
    facilities: frozenset[str] | None = None
    organisation: str | None = None
    user: str | None = None
    responsible: str | None = None
    source: str | None = None
    request_id: str | None = None
    ends_at: datetime | None = None
    by_itself: bool = False
    session: str | None = None

    @property
    def apart(self) -> str:
        """By what the requests of this asker are told from those of others."""
        return self.key_id if self.session is None else f"{self.key_id} {self.user}"

    def may(self, action: str) -> bool:
        """Whether one of the asker's roles allows `action` (see RIGHTS)."""
        return not self.roles.isdisjoint(RIGHTS.get(action, frozenset()))

    def speaks_for(self, facility_id: str) -> bool:
        """Whether the asker may change what is known of this place: a place only its own record, an operator any."""
        if "operator" in self.roles and self.facilities is None:
            return True
        return self.facilities is not None and facility_id in self.facilities


def who(asker: Asker | None) -> dict[str, Any]:
    """Who asked, as it stands in records and in the log: a key, its organisation and roles; never a person."""
    if asker is None:
        return {}
    return {"key": asker.key_id, "organisation": asker.organisation, "roles": sorted(asker.roles)}


NO_ORGANISATION = ""
"""The organisation of who names none."""


def organisations_seen(asker: Asker, shared: Iterable[frozenset[str]] | None) -> frozenset[str] | None:
    """The organisations whose decisions `asker` may see and continue; None is all of them. `shared` are the groups that
    see each other's, None where nobody is kept apart. Whoever is in no group sees those of the own organisation alone,
    and an auditor, who watches over all, sees all."""
    if shared is None or "auditor" in asker.roles:
        return None
    own = NO_ORGANISATION if asker.organisation is None else asker.organisation
    return frozenset({own}).union(*(group for group in shared if own in group))
