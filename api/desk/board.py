"""The board: what goes on at places now, the worst first, kept up to date while one looks."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g, request

from api.auth import world
from api.desk.page import page
from api.desk.region_words import region_choices
from routing import place_board

pages = Blueprint("board", __name__)

NAME_MOST = 80
ROWS_MOST = 150
"""So many rows are shown, the worst: a page that is asked for each second must stay small."""

FILTERS = ("region", "unit", "kind", "capability")


@pages.get("/places")
def list_all() -> Response:
    """The board, with what one can choose places by."""
    own = sorted(g.asker.facilities or ()) if "facility" in g.asker.roles else []
    return page("board.html", **_asked(), regions=region_choices(place_board.choices(world())), own=own)


@pages.get("/places-now")
def now() -> Response:
    """What goes on now, for a board that is open: the part of the page that changes."""
    return page("board_rows.html", **_asked())


def _asked() -> dict[str, Any]:
    """What is asked for, and the board of that. Who searches by name wants to find a silent place as well."""
    chosen = {name: request.args.get(name) or None for name in FILTERS}
    name = request.args.get("name", "").strip()[:NAME_MOST]
    silent = bool(name) or "silent" in request.args
    found = place_board.board(world(), **chosen, name=name, also_silent=silent)
    more = len(found["rows"][ROWS_MOST:])
    counted = {name: sum(row[name] is not None for row in found["rows"]) for name in ("stop", "closed")}
    found["rows"] = found["rows"][:ROWS_MOST]
    return {
        "found": found,
        "more": more,
        "counted": counted,
        "asked": {**chosen, "name": name, "silent": "silent" in request.args},
    }
