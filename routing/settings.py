"""The few things that an operator sets from outside: where records are kept, where to listen, which rules to use."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from routing.errors import BadInput, Fault
from routing.other_servers import refused_address

PREFIX = "WEGWIJS_"


def is_line(text: str) -> bool:
    """Whether this can be the name of an organisation: 1 to 100 characters on one line."""
    return 1 <= len(text.strip()) <= 100 and text.isprintable()


def data_folder() -> Path:
    """The folder in which this user's programs keep their data, for Wegwijs (it need not exist yet)."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "wegwijs"


def _default_url() -> str:
    return f"sqlite:///{data_folder() / 'wegwijs.sqlite3'}"


class Settings(BaseSettings):
    """All settings; each is read from the environment as `WEGWIJS_` and its name in capitals."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", env_ignore_empty=True)

    database_url: str = Field(
        default_factory=_default_url,
        repr=False,
        description="SQLAlchemy URL of the database: `sqlite:////path/to/file.sqlite3` or `postgresql://user@host/name`.",
    )
    keys: Path | None = Field(
        default=None,
        description="File of the secret keys that sign the log and seal records; made at the first start. If not set: "
        "`wegwijs.keys` beside the SQLite file, or in your data folder.",
    )
    host: str = Field(default="127.0.0.1", description="Address on which `wegwijs serve` listens.")
    port: int = Field(
        default=8000, ge=0, le=65535, description="Port on which `wegwijs serve` listens; 0 takes a free one."
    )
    bootstrap_key: SecretStr | None = Field(default=None, description="An API key with every role, for a first start.")
    issuers: Path | None = Field(default=None, description="File that says whose tokens are believed, and how.")
    rulesets: Path | None = Field(default=None, description="Folder of rulesets to use instead of the packaged ones.")
    only_published: bool = Field(
        default=False,
        description="Whether only rulesets decide that `published.yaml` beside them names with the digest of their "
        "files. What is installed and not published can be tried, and never decides.",
    )
    desk_publishes: bool = Field(
        default=False,
        description="Whether this server itself adds a ruleset to `published.yaml` when a second person agrees at the "
        "desk. It must be able to write in the folder of rulesets, which `WEGWIJS_RULESETS` names.",
    )
    workers: int | None = Field(
        default=None, ge=1, le=64, description="Number of server processes; 1 on SQLite and 2 on PostgreSQL if not set."
    )
    feeds: Path | None = Field(default=None, description="File that says which feeds `wegwijs feeds run` pulls.")
    feed_limit: int = Field(default=268_435_456, ge=1_024, description="Largest feed that is read, in bytes.")
    feed_maps: Path | None = Field(default=None, description="Folder of mappings of fields for feeds: `NAME.yaml`.")
    webhooks: Path | None = Field(
        default=None, description="File that says which systems of places are told of patients that come."
    )
    body_limit: int = Field(default=262_144, ge=1_024, description="Largest request body that is accepted, in bytes.")
    rate_limit: int = Field(
        default=200,
        ge=0,
        le=1_000_000,
        description="How many requests a second an API key may make at each process, on average; 0 is no limit. "
        "Deciding is never refused for it.",
    )
    public_url: str | None = Field(
        default=None,
        description="Where browsers and other software find this server: `https://wegwijs.example.nl`. If not set "
        "people can sign in only on the machine itself, and links in cards and in FHIR are as the request says.",
    )
    session_hours: int = Field(
        default=8, ge=1, le=24, description="How many hours a person who signed in stays so at the most."
    )
    session_idle_minutes: int = Field(
        default=30, ge=2, le=480, description="After how many minutes without a request a session ends."
    )
    proxies: int = Field(
        default=0,
        ge=0,
        le=10,
        description="How many servers before this one add to `X-Forwarded-For`: tries to sign in are counted by the "
        "address of the browser.",
    )
    decisions_shared: Annotated[tuple[frozenset[str], ...] | None, NoDecode] = Field(
        default=None,
        description="Which organisations see and continue each other's decisions, as JSON: "
        '`[["ZCC Midden", "RAV Utrecht"], ["HAP Zuid"]]`. One that stands in no group sees its own alone, auditors see '
        "all. If not set, whoever may read decisions reads those of all.",
    )
    public_capacity: bool = Field(
        default=False, description="Whether anybody may see, without a key, how busy places are."
    )

    cds_origins: str | None = Field(
        default=None,
        description="Origins of pages that may call CDS Hooks from a browser, with spaces between: "
        "`https://epd.example.nl`.",
    )

    map_tiles: str | None = Field(
        default=None,
        description="Address of tiles to lay under the map of the desk: "
        "`https://tiles.example.nl/{z}/{x}/{y}.png`. Without it the map is an outline, and nothing is asked elsewhere.",
    )
    map_tiles_attribution: str | None = Field(
        default=None, max_length=200, description="Whose tiles these are, as their licence asks to be said on the map."
    )

    travel_matrix: Path | None = Field(
        default=None,
        description="File of travel times that `wegwijs travel build` made; needs the extra `matrix`.",
    )
    road_engine: Literal["osrm", "valhalla", "openrouteservice"] | None = Field(
        default=None, description="Kind of road engine that is asked for the travel times to the best places."
    )
    road_engine_url: str | None = Field(
        default=None,
        description="Where it is: `https://osrm.example.nl`. It is told where patients are, and nothing else of them.",
    )
    road_engine_key: SecretStr | None = Field(
        default=None, description="What is sent to it as the header `Authorization`, if it wants that."
    )
    road_engine_timeout_ms: int = Field(
        default=1_000, ge=50, le=10_000, description="How long a decision waits for it at the most, in milliseconds."
    )
    road_engine_places: int = Field(
        default=15,
        ge=1,
        le=50,
        description="Of how many of the best places it is asked, beside those that might be the best.",
    )

    telemetry_url: str | None = Field(
        default=None,
        description="Address of a collector of OpenTelemetry (OTLP over HTTP) that is told how long requests took: "
        "`http://127.0.0.1:4318/v1/traces`.",
    )

    @field_validator("decisions_shared", mode="before")
    @classmethod
    def _groups(cls, given: Any) -> Any:
        if not isinstance(given, str):
            return given
        groups: Any = None
        with suppress(ValueError, RecursionError):
            groups = json.loads(given)
        if not isinstance(groups, list) or not all(
            isinstance(group, list) and group and all(isinstance(name, str) and is_line(name) for name in group)
            for group in groups
        ):
            raise ValueError('must be lists of names in a list, as JSON: [["ZCC Midden", "RAV Utrecht"], ["HAP Zuid"]]')
        return tuple(frozenset(name.strip() for name in group) for group in groups)

    @field_validator("map_tiles")
    @classmethod
    def _tiles(cls, url: str | None) -> str | None:
        if url is None:
            return None
        if not re.fullmatch(r"https?://[a-z0-9.\-]+(:[0-9]{1,5})?/[A-Za-z0-9{}/._~@=&?%+-]*", url):
            raise ValueError(
                "must be an address like https://tiles.example.nl/{z}/{x}/{y}.png, the name in small letters"
            )
        if sorted(re.findall(r"\{[^{}]*\}", url)) != ["{x}", "{y}", "{z}"] or re.sub(r"\{[xyz]\}", "", url).count("{"):
            raise ValueError("must hold {z}, {x} and {y} once each, and nothing else between braces")
        return url

    @field_validator("telemetry_url")
    @classmethod
    def _collector(cls, url: str | None) -> str | None:
        if url is not None and not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", url):
            raise ValueError("must be an address like http://127.0.0.1:4318/v1/traces, without a name or password")
        if url is not None and (find_spec("opentelemetry") is None or find_spec("opentelemetry.exporter") is None):
            raise ValueError("needs packages that are not installed: pip install 'wegwijs[telemetry]'")
        return url

    @field_validator("desk_publishes")
    @classmethod
    def _in_a_folder_of_its_own(cls, publishes: bool, info: ValidationInfo) -> bool:
        if publishes and info.data.get("rulesets") is None:
            raise ValueError("needs WEGWIJS_RULESETS: nothing is written where the software is installed")
        return publishes

    @field_validator("cds_origins")
    @classmethod
    def _are_origins(cls, origins: str | None) -> str | None:
        for origin in (origins or "").split():
            if not re.fullmatch(r"https?://[a-z0-9.\-]+(:[0-9]{1,5})?", origin):
                raise ValueError("must be origins like https://epd.example.nl: no path, no `*`, in small letters")
        return origins

    @field_validator("database_url")
    @classmethod
    def _supported(cls, url: str) -> str:
        scheme, _, rest = url.partition("://")
        if scheme in ("postgres", "postgresql"):
            return f"postgresql+psycopg://{rest}"
        if scheme not in ("sqlite", "sqlite+pysqlite", "postgresql+psycopg"):
            raise ValueError("must begin with sqlite:/// or postgresql://")
        if scheme.startswith("sqlite") and rest.lstrip("/") in ("", ":memory:"):
            raise ValueError("must name a file: a database in memory would lose the log")
        return url

    @field_validator("road_engine_url")
    @classmethod
    def _an_engine(cls, url: str | None) -> str | None:
        if url is None:
            return None
        if reason := refused_address(url, allow_http=False):
            words = reason.partition(" (or")[0].replace("`url` ", "").replace("; use `headers`", "")
            raise ValueError(f"{words}, except on this machine" if "https" in words else words)
        if not re.fullmatch(r"https?://[^\s?#@]+", url):
            raise ValueError("must be an address like https://osrm.example.nl, without a question mark in it")
        return url.rstrip("/")

    @field_validator("public_url")
    @classmethod
    def _an_origin(cls, url: str | None) -> str | None:
        if url is None:
            return None
        origin = url.removesuffix("/").removesuffix(":443")  # as a browser writes it
        if reason := refused_address(origin, allow_http=False):
            raise ValueError(reason.partition(" (or")[0].replace("`url` ", ""))
        if not re.fullmatch(r"https?://[a-z0-9.:\[\]-]+", origin):
            raise ValueError("must be only `https://` and the name of the server, in small letters, without a path")
        return origin

    @property
    def map_tiles_origin(self) -> str | None:
        """From where the map fetches tiles, if it does: all that a browser has to allow."""
        return "/".join(self.map_tiles.split("/", 3)[:3]) if self.map_tiles is not None else None

    @property
    def embedded(self) -> bool:
        """Whether the database is a SQLite file on this machine."""
        return self.database_url.startswith("sqlite")

    @property
    def keys_file(self) -> Path:
        """Where the secret keys lie."""
        if self.keys is not None:
            return self.keys
        file = self.database_url.partition(":///")[2].partition("?")[0] if self.embedded else ""
        return (Path(file).parent if file else data_folder()) / "wegwijs.keys"

    @property
    def worker_count(self) -> int:
        """How many server processes run: more than one writer on SQLite makes them wait for each other."""
        return self.workers or (1 if self.embedded else 2)


def shown_url(url: str) -> str:
    """The address of a database without the secrets in it: the password, and whatever follows a question mark."""
    address, _, query = url.partition("?")
    scheme, separator, rest = address.partition("://")
    user, at, place = rest.rpartition("@")
    who = f"{user.partition(':')[0]}:***" if ":" in user else user
    return f"{scheme}{separator}{who}{at}{place}{'?***' if query else ''}"


def read_settings(**given: Any) -> Settings:
    """The settings of this environment, with those in `given` before them. Raises BadInput that names every variable
    that is wrong."""
    try:
        return Settings(**given)
    except ValidationError as error:
        raise BadInput(tuple(_fault(problem) for problem in error.errors(include_url=False))) from error


def _fault(problem: object) -> Fault:
    assert isinstance(problem, Mapping)
    name = PREFIX + "_".join(str(part) for part in problem["loc"]).upper()
    message = str(problem["msg"]).removeprefix("Value error, ")
    # the value itself is not shown: an address may hold a password
    return Fault(field=name, code="bad_setting", message=message)


def unknown_variables(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Variables of `environment` that look like settings of Wegwijs but are none (a typing mistake, mostly)."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    return tuple(
        sorted(name for name in environment if name.startswith(PREFIX) and name not in known and "_TEST_" not in name)
    )
