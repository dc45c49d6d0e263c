"""The figures about the log are there, on both databases; how large they are is nothing a test can promise."""

from __future__ import annotations

from datetime import datetime

from routing import bench_log
from routing.settings import Settings
from tests.service.conftest import SORE_THROAT, STEMI

AT = datetime.fromisoformat("2026-11-18T14:00:00+01:00")


def test_all_figures_are_there(database_url: str) -> None:
    said: list[str] = []
    cases = [(STEMI, AT), (SORE_THROAT, AT)]
    found = bench_log.measure(
        Settings(database_url=database_url), cases, entries=300, decisions=6, progress=said.append
    )
    assert {"verify_entries_per_s", "append_cpu_us", "replay_decisions_per_s_per_core"} <= found.keys()
    assert (found["entries"], found["decisions"]) == (300, 6)
    assert found["database"] == database_url.partition("+")[0].partition(":")[0]
    assert found["replays_different"] == 0
    differences = {"append_cpu_us", "append_ratio_to_bare_row", "append_ratio_to_decide", "commit_cpu_us"}
    may_be_nothing = {"replays_different", "replay_rss_growth_mb", "verify_rss_growth_mb", *differences}
    assert all(value > 0 for name, value in found.items() if name not in {"database", *may_be_nothing})
    assert said[-1].startswith("326 entries verified")
