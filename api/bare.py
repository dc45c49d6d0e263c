"""A bare server, to measure Wegwijs beside: it validates a case, commits a row and answers, and decides nothing."""

from __future__ import annotations

import os
from typing import Any

from flask import Flask, Response, request
from pydantic import BaseModel, ConfigDict

from routing.store import database, scratch


class Case(BaseModel):
    """The shape of a case, as much of it as any application would check."""

    model_config = ConfigDict(extra="forbid")

    reference: str | None = None
    channel: str | None = None
    called_at: str | None = None
    first_contact_at: str | None = None
    assessed_at: str | None = None
    patient: dict[str, int | str | None]
    location: dict[str, float | str | None]
    complaint: str | None = None
    observations: dict[str, bool | int | float | str | None] = {}
    transport: str | None = None
    on_the_way: dict[str, float | str | None] | None = None
    known_at: list[str] = []
    region: str | None = None
    note: str | None = None
    supersedes: str | None = None


def create_bare() -> Flask:
    """The application: its answers and rows are as large as `BARE_ANSWER_BYTES` and `BARE_ROW_BYTES` say."""
    app = Flask(__name__, static_folder=None)
    engine = database.open_engine(os.environ["BARE_DATABASE_URL"])
    app.extensions["engine"] = engine
    answer = b'"' + b"x" * (int(os.environ["BARE_ANSWER_BYTES"]) - 2) + b'"'
    row = os.urandom(int(os.environ["BARE_ROW_BYTES"]))

    def create() -> Response:
        Case.model_validate_json(request.get_data())
        with database.writing(engine) as connection:
            scratch.add_bare_row(connection, row)
        return Response(answer, 201, content_type="application/json")

    def here() -> dict[str, Any]:
        return {"status": "here"}

    app.add_url_rule("/v1/decisions", view_func=create, methods=["POST"])
    app.add_url_rule("/", view_func=here)
    return app
