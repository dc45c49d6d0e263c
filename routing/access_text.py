"""Accesses as text: for the privacy officer a line each, for the patient who looked, when, why and from where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from routing.facilities.opening import TIME_ZONE
from routing.vocabulary import Text

ROLE_NAMES: Mapping[str, Text] = {
    "triagist": Text(nl="triagist", en="triagist"),
    "ambulance": Text(nl="ambulancezorg", en="ambulance care"),
    "facility": Text(nl="medewerker van een zorglocatie", en="staff of a place of care"),
    "medical_manager": Text(nl="medisch manager", en="medical manager"),
    "auditor": Text(nl="toezichthouder", en="auditor"),
    "operator": Text(nl="beheerder", en="operator"),
}
"""What a patient reads for a role."""

_HEAD = Text(
    nl="Wie uw gegevens zag of veranderde, het nieuwste eerst. De organisatie die erbij staat weet wie een id heeft.",
    en="Who saw or changed your data, the newest first. The organisation that is named knows who is behind an id.",
)
_NOBODY = Text(nl="Er is niets vastgelegd onder dit nummer.", en="Nothing is recorded under this number.")
_REFUSED = Text(nl="geweigerd", en="refused")
_FAILED = Text(nl="niet gelukt", en="did not succeed")
_UNKNOWN = Text(nl="organisatie niet bekend", en="organisation not known")
_BY = Text(nl="door", en="by")
_FOR = Text(nl="namens", en="on behalf of")
_MORE = Text(nl="Er is meer: --cursor {}", en="There is more: --cursor {}")


def patient_text(view: Mapping[str, Any], language: str) -> str:
    """`patient_view` as text in `language` (nl or en)."""
    if not view["accesses"]:
        return _in(_NOBODY, language) + "\n"
    lines = [_in(_HEAD, language), ""]
    for access in view["accesses"]:
        lines += [*_for_patient(access, language), ""]
    return "\n".join([*lines, *_more(view, language)]).rstrip("\n") + "\n"


def _for_patient(access: Mapping[str, Any], language: str) -> Iterator[str]:
    ended = {"refused": _REFUSED, "failed": _FAILED}.get(access["outcome"])
    said = f" ({_in(ended, language)})" if ended is not None else ""
    yield f"{_moment(access['at'])}  {access['what'][language]}{said}, {access['why'][language]}"
    who = [access["organisation"] or _in(_UNKNOWN, language)]
    who += [_in(ROLE_NAMES[role], language) for role in access["roles"] if role in ROLE_NAMES]
    if access["user"] is not None:
        who.append(f"{_in(_BY, language)} {access['user']}")
    if access["responsible"] is not None:
        who.append(f"{_in(_FOR, language)} {access['responsible']}")
    yield "    " + ", ".join(who)


def accesses_text(found: Mapping[str, Any]) -> str:
    """A page of `accesses` as text, for who keeps watch: a line each, and the next page."""
    lines = [_line(access) for access in found["accesses"]] or ["no access fits"]
    return "\n".join([*lines, *_more(found, "en")]) + "\n"


def _line(access: Mapping[str, Any]) -> str:
    user = access["user"]
    who = user["user"] or user["key"] or access["source"]["system"]
    behalf = f" for {user['responsible']}" if user["responsible"] is not None else ""
    of = f" ({user['organisation']})" if user["organisation"] is not None else ""
    found = f", {access['found']} found" if access["found"] is not None else ""
    about = _about(access["subjects"])
    return f"{_moment(access['at'])}  {access['event']:<18} {access['outcome']:<8} {who}{of}{behalf}{found}{about}"


def _about(subjects: Iterable[Mapping[str, Any]]) -> str:
    named = [f"{subject['patient'] or '-'}/{subject['decision'] or '-'}" for subject in subjects]
    if len(named) > 1:
        return f"; {named[0]} and {len(named) - 1} more"
    return f"; {named[0]}" if named else ""


def _more(found: Mapping[str, Any], language: str) -> list[str]:
    return [_in(_MORE, language).format(found["next"])] if found["next"] is not None else []


def _moment(text: str) -> str:
    return f"{datetime.fromisoformat(text).astimezone(TIME_ZONE):%Y-%m-%d %H:%M:%S}"


def _in(text: Text, language: str) -> str:
    return text.wire()[language]
