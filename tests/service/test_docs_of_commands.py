"""The reference names every command, option and setting, and nothing that does not exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from routing import cli
from routing.formats.labelled import read_labelled
from routing.settings import PREFIX, Settings, data_folder, unknown_variables
from tests.once import read_vocabulary
from tests.service.test_command_line import COMMANDS

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
COMMAND_LINE = (REFERENCE / "command-line.md").read_text("utf-8")
SETTINGS = (REFERENCE / "settings.md").read_text("utf-8")
VARIABLES = {PREFIX + name.upper() for name in Settings.model_fields}


def section(title: str) -> str:
    """The text under the heading `title`."""
    return COMMAND_LINE.partition(f"\n## `{title}`\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_and_option_is_documented(path: tuple[str, ...]) -> None:
    text = section(" ".join(("wegwijs", *path)))
    assert "```sh" in text
    options = [option for action in COMMANDS[path]._actions for option in action.option_strings]
    for option in options:
        if option not in ("-h", "--help", "--json"):
            assert option in text, option


def test_no_command_is_documented_that_does_not_exist() -> None:
    titles = re.findall(r"^## `wegwijs (.+)`$", COMMAND_LINE, re.MULTILINE)
    assert titles == [" ".join(path) for path in sorted(COMMANDS, key=lambda path: titles.index(" ".join(path)))]
    mentioned = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", COMMAND_LINE))
    known = {option for made in COMMANDS.values() for action in made._actions for option in action.option_strings}
    assert mentioned - known == {"--version"}


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_the_examples_can_be_typed(path: tuple[str, ...]) -> None:
    (block,) = re.findall(r"```sh\n(.*?)```", section(" ".join(("wegwijs", *path))), re.DOTALL)
    words = shlex.split(block.rpartition("|")[2])
    words = words[words.index("wegwijs") + 1 :]
    assert words[: len(path)] == list(path)
    cli.parser().parse_args(words)


def test_the_labelled_case_of_the_documents_is_one() -> None:
    (block,) = re.findall(r"```json\n(.*?)\n```", section("wegwijs evaluate"), re.DOTALL)
    (found,) = read_labelled([block], read_vocabulary())
    assert found.band == (1, 2)


def test_every_setting_is_documented_with_its_default() -> None:
    table = dict(re.findall(r"^\| `(WEGWIJS_\w+)` \| (.+?) \|", SETTINGS, re.MULTILINE))
    assert set(table) == VARIABLES
    assert set(re.findall(rf"{PREFIX}\w+", SETTINGS)) == VARIABLES
    for name, field in Settings.model_fields.items():
        if isinstance(field.default, int | str):
            assert f"`{field.default}`" in table[PREFIX + name.upper()]
        assert field.description


def test_a_variable_that_is_no_setting_is_noticed() -> None:
    seen = {"WEGWIJS_PORT": "1", "WEGWIJS_PROT": "1", "WEGWIJS_TEST_POSTGRES": "x", "PATH": "x"}
    assert unknown_variables(seen) == ("WEGWIJS_PROT",)


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("postgres://u@h/d", "postgresql+psycopg://u@h/d"),
        ("postgresql://u@h/d", "postgresql+psycopg://u@h/d"),
        ("sqlite:////x/y.sqlite3", "sqlite:////x/y.sqlite3"),
    ],
)
def test_addresses_of_databases(url: str, seen: str) -> None:
    settings = Settings(database_url=url)
    assert settings.database_url == seen
    assert settings.worker_count == (1 if settings.embedded else 2)
    assert url not in repr(settings)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://h/d", "", "x"])
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="database_url"):
        Settings(database_url=url)


def test_the_default_database_is_in_the_data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.delenv("WEGWIJS_DATABASE_URL", raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    assert data_folder() == tmp_path / "wegwijs"
    assert Settings().database_url == f"sqlite:///{tmp_path}/wegwijs/wegwijs.sqlite3"
