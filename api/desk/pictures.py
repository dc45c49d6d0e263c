"""Plots by pygal as SVG with nothing in it that runs, and pygal without what it leaves behind in the process."""

from __future__ import annotations

import sys
from typing import Any
from xml.etree import ElementTree

import pygal
from pygal.style import Style as Style

# pygal puts in a finder for plugins with maps, of a form that Python 3.12 does not know any more and of which 3.11
# warns at every import that follows; there are no such plugins here
sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__name__ != "PluginImportFixer"]

Chart = Any
"""A chart of pygal, which says nothing about its types."""

xy = pygal.XY


def svg(chart: Chart) -> bytes:
    """The picture of `chart`, without the script that pygal puts into it."""
    root = chart.render_tree()
    for parent in list(root.iter()):
        for child in [each for each in parent if str(each.tag).endswith("script")]:
            parent.remove(child)
    found: bytes = ElementTree.tostring(root, encoding="utf-8")
    return found
