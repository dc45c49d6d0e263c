"""Accesses of every kind, at random, for the tests of their forms."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st

from routing.log.access import EVENTS, OUTCOMES, PURPOSES, SYSTEMS, AccessEvent, Source, Subject, User
from routing.rights import ROLES

opaque = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}", fullmatch=True)
patients = st.from_regex(r"[0-9a-f]{32}", fullmatch=True)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))


def accesses() -> st.SearchStrategy[AccessEvent]:
    """Any access that can be recorded."""
    printable = st.characters(min_codepoint=32, exclude_characters="\x7f", exclude_categories=["Cs"])
    organisation = st.text(printable, max_size=100).map(str.strip).filter(bool)
    roles = st.frozensets(st.sampled_from(ROLES))
    return st.builds(
        AccessEvent,
        id=st.uuids(),
        at=moments,
        event=st.sampled_from(sorted(EVENTS)),
        outcome=st.sampled_from(OUTCOMES),
        purpose=st.sampled_from(sorted(PURPOSES)),
        user=st.builds(
            User,
            key=st.none() | st.uuids(),
            organisation=st.none() | organisation,
            roles=roles,
            user=st.none() | opaque,
            responsible=st.none() | opaque,
        ),
        source=st.builds(
            Source,
            system=st.sampled_from(SYSTEMS),
            call=st.none() | st.from_regex(r"[A-Z]{3,6} /v1/[a-z{}_/-]{0,40}", fullmatch=True),
            request_id=st.none() | opaque,
        ),
        subjects=st.lists(
            st.builds(Subject, patient=st.none() | patients, decision=st.none() | st.uuids()), max_size=5
        ).map(tuple),
        found=st.none() | st.integers(0, 10_000),
        criteria=st.dictionaries(st.from_regex(r"[a-z][a-z_]{0,30}", fullmatch=True), st.none() | opaque, max_size=4),
    )
