"""What the command line prints of the outside: the document and the schemas, made without a server or a database."""

from __future__ import annotations

from typing import Any

from flask import Flask

from api import add_addresses, problems
from api.json_schemas import SCHEMAS_OF_FILES, schema_named
from api.openapi import document
from routing.vocabulary import Vocabulary


def printed_document(words: Vocabulary) -> dict[str, Any]:
    """The OpenAPI document, as a server of this version gives it."""
    app = Flask("api", static_folder=None)
    problems.register(app)
    add_addresses(app)
    return document(app, words)


def schema_names() -> dict[str, str]:
    """Name of a schema -> what it is of."""
    return {name: of.what for name, of in SCHEMAS_OF_FILES.items()}


def printed_schema(name: str, words: Vocabulary) -> dict[str, Any]:
    """The schema of that name."""
    return schema_named(name, words)
