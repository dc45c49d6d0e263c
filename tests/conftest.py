"""Options of the test run."""

from __future__ import annotations

import secrets

import pytest
from hypothesis import HealthCheck, settings

# how long an example takes says something about the machine, not about what is tested
settings.register_profile("wegwijs", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("wegwijs")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("wegwijs")
    group.addoption("--differential-cases", type=int, default=20_000, help="random cases for the two evaluators")
    group.addoption("--differential-seed", type=int, default=None, help="first seed, to repeat a failure")


def pytest_configure(config: pytest.Config) -> None:
    if config.option.differential_seed is None:
        config.option.differential_seed = secrets.randbelow(10**9)


def pytest_report_header(config: pytest.Config) -> str:
    return f"differential test: --differential-seed {config.option.differential_seed}"
