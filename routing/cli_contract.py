"""The commands that print what the server is, for programs: its OpenAPI document and the JSON Schemas of its files."""

from __future__ import annotations

import argparse
import importlib
from typing import Any

from routing.errors import bad_input
from routing.terminal import FINE, add_command, show
from routing.vocabulary import read_vocabulary

OUTSIDE = "api.printed"
"""What knows the web, by its name: like the server, which gunicorn loads so, it is above us and not imported here."""


def add_contract_commands(commands: Any) -> None:
    """`wegwijs openapi` and `wegwijs schema`."""
    text = "Print the OpenAPI 3.1 document of the server, without a server: to read, or to generate a client from."
    add_command(commands, "openapi", _openapi, text, "wegwijs openapi")
    text = "Print the JSON Schema of a case, a decision or a file of rules, or the names of all schemas."
    schema = add_command(commands, "schema", _schema, text, "wegwijs schema rules")
    schema.add_argument("name", nargs="?", metavar="NAME", help="of which schema; without it, the names are printed")


def _openapi(_arguments: argparse.Namespace) -> int:
    show(importlib.import_module(OUTSIDE).printed_document(read_vocabulary()))
    return FINE


def _schema(arguments: argparse.Namespace) -> int:
    outside = importlib.import_module(OUTSIDE)
    known: dict[str, str] = outside.schema_names()
    if arguments.name is None:
        for name, what in known.items():
            print(f"{name:<14} {what}")
        return FINE
    if arguments.name not in known:
        raise bad_input("NAME", "unknown_schema", "is not a schema", arguments.name, ", ".join(known))
    show(outside.printed_schema(arguments.name, read_vocabulary()))
    return FINE
