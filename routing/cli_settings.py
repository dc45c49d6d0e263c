"""The command `wegwijs settings`: what an operator can set, what it is set to here, and by what."""

from __future__ import annotations

import argparse
import json
import os
from typing import Any

from pydantic import SecretStr

from routing.publishing_doubts import doubts
from routing.settings import PREFIX, Settings, shown_url
from routing.terminal import FINE, add_command, add_json_option, settings_here, show

HIDDEN = "(set, not shown)"


def add_settings_command(commands: Any) -> None:
    """`wegwijs settings`."""
    text = "List every setting with its value here, where that comes from and what it means. Secrets are not shown."
    add_json_option(add_command(commands, "settings", _settings, text, "WEGWIJS_PORT=8080 wegwijs settings --json"))


def _settings(arguments: argparse.Namespace) -> int:
    settings = settings_here()
    found = [_described(settings, name) for name in Settings.model_fields]
    wondered = [each.en for each in doubts(settings)]
    if arguments.json:
        show({"settings": found, "warnings": wondered})
        return FINE
    for each in found:
        print(f"{each['variable']} = {'(not set)' if each['value'] is None else each['value']}  [{each['source']}]")
        print(f"    {each['meaning']}")
    for doubt in wondered:
        print(f"warning: {doubt}")
    return FINE


def _described(settings: Settings, name: str) -> dict[str, Any]:
    variable = PREFIX + name.upper()
    return {
        "variable": variable,
        "value": _shown(name, getattr(settings, name)),
        "source": "environment" if os.environ.get(variable) else "default",
        "meaning": Settings.model_fields[name].description,
    }


def _shown(name: str, value: Any) -> Any:
    if isinstance(value, SecretStr):
        return HIDDEN
    if name == "database_url":
        return shown_url(value)
    if name == "decisions_shared" and value is not None:
        return json.dumps([sorted(group) for group in value], ensure_ascii=False)
    return value if value is None or isinstance(value, bool | int) else str(value)
