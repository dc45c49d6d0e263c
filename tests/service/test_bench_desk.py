"""The measurement of the desk: it signs in, fills in a case, and says what each of three things took."""

from __future__ import annotations

from pathlib import Path

from routing import bench_desk
from routing.settings import Settings
from tests.fixtures_ruleset import few_rules


def test_a_whole_measurement_gives_its_ratios(tmp_path: Path) -> None:
    settings = Settings(database_url=f"sqlite:///{tmp_path}/beside.sqlite3", rulesets=few_rules(tmp_path / "rules"))
    told: list[str] = []
    found = bench_desk.measure(settings, requests=3, progress=told.append)
    assert len(told) == 2
    for what in ("api", "preview", "page"):
        assert 0 < found[f"{what}_p50_ms"] <= found[f"{what}_p95_ms"]
    assert found["preview_ratio_to_api"] == round(found["preview_p50_ms"] / found["api_p50_ms"], 2)
