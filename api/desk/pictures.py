"""Plots by pygal as SVG with nothing in it that runs, and pygal without what it leaves behind in the process."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cache
from typing import Any
from xml.etree import ElementTree

Chart = Any
"""A chart of pygal, which says nothing about its types."""


@cache
def _library() -> Any:
    """pygal, from the first picture on: a server that draws none does without its memory."""
    import pygal

    # pygal puts in a finder for plugins with maps, of a form that Python 3.12 does not know any more and of which 3.11
    # warns at every import that follows; there are no such plugins here
    sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__name__ != "PluginImportFixer"]
    for prefix, address in (("", "http://www.w3.org/2000/svg"), ("xlink", "http://www.w3.org/1999/xlink")):
        ElementTree.register_namespace(prefix, address)
    return pygal


def xy(look: Mapping[str, Any], **options: Any) -> Chart:
    """A chart of points over time, which looks as `look` says (the words of pygal's `Style`)."""
    return _library().XY(style=_library().style.Style(**look), **options)


def bar(look: Mapping[str, Any], **options: Any) -> Chart:
    """A chart of upright bars."""
    return _library().Bar(style=_library().style.Style(**look), **options)


def bar_across(look: Mapping[str, Any], **options: Any) -> Chart:
    """A chart of bars that lie."""
    return _library().HorizontalBar(style=_library().style.Style(**look), **options)


LOOK = {
    "background": "#ffffff",
    "plot_background": "#ffffff",
    "foreground": "#1b1f24",
    "foreground_strong": "#1b1f24",
    "foreground_subtle": "#4b5563",
    "font_family": "Noto Sans, Segoe UI, Arial, sans-serif",
    "opacity": "1",
    "opacity_hover": "1",
    "transition": "0s",
}
"""What all plots look like: as the pages around them."""


def svg(chart: Chart) -> bytes:
    """The picture of `chart`, without the script that pygal puts into it."""
    root = chart.render_tree()
    for parent in list(root.iter()):
        for child in [each for each in parent if str(each.tag).endswith("script")]:
            parent.remove(child)
    found: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return found
