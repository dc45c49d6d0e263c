"""How soon a page of the desk is seen in a real browser: `python -m tests.browser.first_paint`.

Starts a server and Chromium on this machine, opens each page again and again as somebody who signed in, and prints the
median and the 95th percentile of the first contentful paint, in milliseconds from the beginning of the navigation.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.conftest import CHROMIUM, EVERYBODY, QUIET, serving, sign_in

PAINT = """new Promise((told) => new PerformanceObserver((list) => {
  for (const entry of list.getEntriesByName("first-contentful-paint")) told(entry.startTime);
}).observe({ type: "paint", buffered: true }))"""


def measure(paths: list[str], times: int) -> dict[str, dict[str, float]]:
    """Path -> `{p50_ms, p95_ms}` of `times` visits, after one that does not count."""
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as served, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        context = browser.new_context(base_url=served.url, viewport={"width": 1280, "height": 720})
        sign_in(context, EVERYBODY)
        page = context.new_page()
        for path in paths:
            took = []
            for number in range(times + 1):
                page.goto(path)
                seen = page.evaluate(PAINT)
                if number:
                    took.append(seen)
            in_order = sorted(took)
            at = {name: in_order[math.ceil(part * times) - 1] for name, part in (("p50_ms", 0.5), ("p95_ms", 0.95))}
            found[path] = {name: round(value, 1) for name, value in at.items()}
        browser.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="*", default=["/desk", "/desk/cases/new"], help="which pages")
    parser.add_argument("--times", type=int, default=20, help="how often each is opened (default: 20)")
    arguments = parser.parse_args()
    print(json.dumps(measure(arguments.paths, arguments.times), indent=2))  # noqa: T201


if __name__ == "__main__":
    main()
