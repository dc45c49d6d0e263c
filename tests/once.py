"""What comes with Wegwijs is read once in a test process, and evaluators are built once for the same content.

Words and rules cannot be changed once they are read, so all worlds may share them. Only what comes in the package, or
what has the same content to the last byte, is shared; everything else is read and built as always. A test that calls
one of these functions itself gets the real one; it may take the shared one from here.
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import pytest

from routing import vocabulary, worked_cases
from routing.packaged import Desk
from routing.rules import building, evaluation, overlay
from routing.rules.evaluation import Evaluators
from routing.rules.overlay import Overlay
from routing.rules.ruleset import Ruleset
from routing.vocabulary import Vocabulary, digest_of
from routing.worked_cases import WorkedCase

Made = TypeVar("Made")

_LATEST = 24
"""How much of what is not in the package is remembered: evaluators take tens of megabytes."""

_read: dict[Hashable, Any] = {}
_latest: OrderedDict[Hashable, Any] = OrderedDict()
_PACKAGED = frozenset(building.packaged_rulesets())
_OVERLAYS = frozenset(overlay.overlay_folders())


def _forever(key: Hashable, make: Callable[[], Made]) -> Made:
    if key not in _read:
        _read[key] = make()
    found: Made = _read[key]
    return found


def _for_now(key: Hashable, make: Callable[[], Made]) -> Made:
    if key not in _latest:
        _latest[key] = make()
        if len(_latest) > _LATEST:
            _latest.popitem(last=False)
    _latest.move_to_end(key)
    found: Made = _latest[key]
    return found


def read_vocabulary(path: Path | None = None) -> Vocabulary:
    """The words that come with Wegwijs are read once."""
    return vocabulary.read_vocabulary(path) if path else _forever("words", vocabulary.read_vocabulary)


def vocabulary_from_source(source: Mapping[str, Any]) -> Vocabulary:
    """The same words are checked once."""
    return _for_now(("words", digest_of(source)), lambda: vocabulary.vocabulary_from_source(source))


def read_ruleset(folder: Path, words: Vocabulary) -> Ruleset:
    """The same files of a ruleset are read once for the same words."""
    if folder not in _PACKAGED:
        key = ("files", _content(folder), words.digest)
        return _with(words, _for_now(key, lambda: building.read_ruleset(folder, words)))
    return _with(words, _forever((folder, words.digest), lambda: building.read_ruleset(folder, words)))


def _content(folder: Path) -> Hashable:
    """All files that a reader of a ruleset looks at, to the last byte: reading YAML takes longer than all else."""
    paths = sorted(path for path in folder.rglob("*.y*ml") if path.is_file())
    named = [(path.relative_to(folder).as_posix(), path) for path in paths]
    return tuple(
        (name, sha256(path.read_bytes()).digest()) for name, path in named if name.split("/")[0] not in building.BESIDES
    )


def ruleset_from_source(source: Mapping[str, Any], words: Vocabulary) -> Ruleset:
    """The same rules are checked once for the same words."""
    key = ("rules", digest_of(source), words.digest)
    return _with(words, _for_now(key, lambda: building.ruleset_from_source(source, words)))


def _with(words: Vocabulary, rules: Ruleset) -> Ruleset:
    return rules if rules.vocabulary is words else replace(rules, vocabulary=words)


def read_overlay(folder: Path) -> Overlay:
    """The agreements that come with Wegwijs are read once."""
    if folder not in _OVERLAYS:
        return overlay.read_overlay(folder)
    return _forever(folder, lambda: overlay.read_overlay(folder))


def read_worked_cases(folder: Path, desk: Desk) -> tuple[WorkedCase, ...]:
    """The worked cases that come with Wegwijs are read once for the same rules and places: there are thousands."""
    if folder not in _PACKAGED:
        return worked_cases.read_worked_cases(folder, desk)
    key = ("cases", folder, desk.evaluators.ruleset.digest, desk.words.digest, desk.directory.digest)
    return _forever(key, lambda: worked_cases.read_worked_cases(folder, desk))


def build_evaluators(rules: Ruleset, like: Evaluators | None = None) -> Evaluators:
    """Evaluators are built once for the same rules and words; whether rules are the same is asked of the product."""
    if like is not None:
        return evaluation.build_evaluators(rules, like)
    key = ("evaluators", rules.digest, rules.vocabulary.digest)
    found = _for_now(key, lambda: evaluation.build_evaluators(rules))
    return found if found.ruleset is rules else evaluation.build_evaluators(rules, found)


_SHARED: Mapping[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    make.__name__: (getattr(module, make.__name__), make)
    for module, make in (
        (vocabulary, read_vocabulary),
        (vocabulary, vocabulary_from_source),
        (building, read_ruleset),
        (building, ruleset_from_source),
        (overlay, read_overlay),
        (worked_cases, read_worked_cases),
        (evaluation, build_evaluators),
    )
}


@contextmanager
def in_all_modules() -> Iterator[None]:
    """Every loaded module of the product uses the shared functions, except the modules that define them."""
    with pytest.MonkeyPatch.context() as patch:
        for name, module in list(sys.modules.items()):
            if name.split(".")[0] in ("routing", "api"):
                for function, (real, shared) in _SHARED.items():
                    if vars(module).get(function) is real and real.__module__ != name:
                        patch.setattr(module, function, shared)
        yield
