"""Makes a page: what its templates may ask, and what went wrong as a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from flask import Flask, Response, g, make_response, redirect, render_template, request, url_for

from api.auth import world
from api.desk import guard, place_words
from api.desk.evidence import seen
from api.desk.menu import menu
from api.desk.problem_words import at_the_desk
from api.desk.region_words import agreements_of, region_word
from api.desk.rights import PAGES
from api.desk.travel_words import methods_words
from api.desk.words import clock, day, language, moment, role_word, second, t, text
from api.problem_types import TYPES
from routing.errors import Fault
from routing.rights import RIGHTS
from routing.rules.reading import unit_said

SHAPES = {"U0": "⬣", "U1": "▲", "U2": "◆", "U3": "■", "U4": "●", "U5": "○"}
"""A shape for each urgency, for who cannot see its colour."""


def register(desk: Flask) -> None:
    """Give the templates of `desk` what they may ask."""
    desk.jinja_env.trim_blocks = desk.jinja_env.lstrip_blocks = True
    desk.jinja_env.globals.update(
        t=t, text=text, language=language, clock=clock, moment=moment, second=second, day=day,
        may=guard.may, csrf=guard.csrf, menu=menu, session=guard.session, idle_seconds=guard.idle_seconds,
        seen=seen, shape=SHAPES.__getitem__, words=lambda: world().words, htmx=asked_by_script,
        place_words=place_words, place_name=place_words.place_name, place_of=place_words.place_of,
        age=place_words.age, kind_word=place_words.kind_word, unit_word=place_words.unit_word,
        reason_word=place_words.reason_word, role_word=role_word, region_word=region_word,
        agreements_of=agreements_of, methods_words=methods_words, unit_said=unit_said,
    )  # fmt: skip


def page(template: str, status: int = 200, **known: Any) -> Response:
    """The page that `templates/desk/<template>` makes of what is `known`."""
    response = make_response(render_template(f"desk/{template}", **known), status)
    response.vary.add("Cookie")
    return response


def to(endpoint: str, **values: Any) -> Response:
    """Go on to another page after a form was sent (303), so that a reload sends nothing twice."""
    return make_response(redirect(url_for(endpoint, **values), 303))


def asked_by_script() -> bool:
    """Whether a part of a page is asked for by the script of that page, and not a page by a browser."""
    return "HX-Request" in request.headers


# -- what went wrong --------------------------------------------------------------------------------------------------


def of_problem(
    name: str, detail: str, faults: tuple[Fault, ...], headers: Mapping[str, str] | None, status: int | None
) -> Response:
    """The problem `name` as a page: what it is, what to do, and where to go on. Who did not sign in goes to the door,
    and comes back from there."""
    kind = TYPES[name]
    if name == "unauthorized":
        return _to_the_door()
    title, advice = at_the_desk(name, decides=guard.may("decide"))
    known = {"kind": kind, "title": title, "advice": advice, "roles": _roles_needed() if name == "forbidden" else ()}
    known |= {"detail": _plain(detail), "faults": faults, "request_id": g.get("request_id", "")}
    if asked_by_script():  # a whole page has no place in the part of one that was asked for
        return _said_above(page("problem_part.html", status or kind.status, **known), headers)
    response = page("problem.html", status or kind.status, **known)
    response.headers.update(headers or {})
    return response


def _plain(written: str) -> str:
    """`written` without the marks of the API around its names, which a page would show as they stand."""
    return written.replace("`", "")


def _said_above(response: Response, headers: Mapping[str, str] | None = None) -> Response:
    """Let htmx put this answer where a page says what went wrong, whatever part of itself it asked for."""
    response.headers.update({**(headers or {}), "HX-Retarget": "#ended", "HX-Reswap": "innerHTML", "HX-Reselect": "p"})
    return response


def _roles_needed() -> list[str]:
    asked = PAGES.get(request.endpoint or "")
    return sorted(RIGHTS.get(asked.action, frozenset())) if asked is not None else []


def _to_the_door() -> Response:
    """Where somebody without a session goes. A script is told by a status: what it would follow it would put into the
    page."""
    if request.method == "GET" and not asked_by_script():
        return to("door.sign_in", next=_asked_address())
    back = _path_of(request.headers.get("HX-Current-URL", "")) if asked_by_script() else request.path
    response = page("ended.html", 401, back=back)
    return _said_above(response) if asked_by_script() else response


def _asked_address() -> str:
    """The address of this request, as it may stand in another."""
    asked = request.query_string.decode("ascii", "replace")
    return quote(request.path) + (f"?{asked}" if asked else "")


def _path_of(address: str) -> str:
    try:
        return urlsplit(address).path
    except ValueError:
        return ""
