"""Options of the test run."""

from __future__ import annotations

import gc
import secrets
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests import once
from tests.patience import wait_longer

# how long an example takes says something about the machine, not about what is tested; a test that names other health
# checks must name this one too. Examples are new ones in each run: what fails is shown, and is a fault.
settings.register_profile("wegwijs", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("wegwijs")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("wegwijs")
    group.addoption("--differential-cases", type=int, default=20_000, help="random cases for the two evaluators")
    group.addoption("--differential-seed", type=int, default=None, help="first seed, to repeat a failure")


def pytest_configure(config: pytest.Config) -> None:
    if config.option.differential_seed is None:
        config.option.differential_seed = secrets.randbelow(10**9)
    wait_longer()  # that this machine is busy with other tests must not look like a database that is
    gc.set_threshold(50_000, 20, 20)  # what is read and built stays, and to look through it again and again costs much


def pytest_collection_finish() -> None:
    gc.freeze()


def pytest_report_header(config: pytest.Config) -> str:
    return f"differential test: --differential-seed {config.option.differential_seed}"


@pytest.fixture(scope="session", autouse=True)
def _read_once() -> Iterator[None]:
    """All worlds and commands of this process share the packaged rules and their evaluators."""
    with once.in_all_modules():
        yield
