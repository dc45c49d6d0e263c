"""Holds the urgencies that Wegwijs gives against those that others gave, and beside two very simple ways of triage."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from routing.case import parse_case
from routing.formats.labelled import LabelledCase
from routing.packaged import Desk
from routing.rules.rule import FactValue, Interval
from routing.triage import triage
from routing.vocabulary import URGENCIES

_COLUMNS = ("n", "in_band", "under", "under2", "over", "U0-U1", "U2", "strict", "time_critical")
_MOST_KEYS = 30


@dataclass(frozen=True, slots=True)
class Prediction:
    """What came out for a case: urgency 0-5, the suspected national conditions, and NEWS2 (with its highest single
    item) as far as the known vital signs go; None where the score has no meaning (children, pregnancy)."""

    case: LabelledCase
    urgency: int
    time_critical: tuple[str, ...]
    news2: tuple[float, float] | None

    def wire(self) -> dict[str, Any]:
        """The prediction as a line of a file of predictions."""
        return {"id": self.case.id, "urgency": self.urgency, "time_critical": list(self.time_critical)}


def predict(desk: Desk, case: LabelledCase) -> Prediction:
    """What Wegwijs says about `case`; only its triage, because no place is asked for."""
    parsed = parse_case(case.body, desk.words, case.at)
    triaged = triage(parsed, desk.evaluators, case.at, desk.directory.holidays)
    facts = triaged.evaluation.facts
    score, highest = (_at_least(facts.get(name)) for name in ("news2", "news2.highest_item"))
    news2 = (score, highest) if score is not None and highest is not None else None
    return Prediction(case, triaged.urgency.rank, triaged.time_critical, news2)


def _at_least(value: FactValue | None) -> float | None:
    if isinstance(value, Interval):
        return value.low
    return value if isinstance(value, int | float) else None


def always_u3(_prediction: Prediction) -> int:
    """The baseline that says U3 to everybody."""
    return 3


def news2_alone(prediction: Prediction) -> int:
    """The baseline that looks at NEWS2 only: 7 or more U1, 5 or 6 or a single item of 3 U2, 1 to 4 U3, 0 U4. U3 where
    the score has no meaning."""
    if prediction.news2 is None:
        return 3
    score, highest = prediction.news2
    if score >= 7:
        return 1
    if score >= 5 or highest >= 3:
        return 2
    return 3 if score >= 1 else 4


BASELINES: dict[str, Callable[[Prediction], int]] = {"constant_u3": always_u3, "news2_alone": news2_alone}


def report(predictions: Sequence[Prediction]) -> dict[str, Any]:
    """`{"sets": {name: figures}, "pooled": figures, "baselines": {name: {"sets", "pooled"}}}`; see `figures`."""
    return {
        **_by_set(predictions, figures),
        "baselines": {
            name: _by_set(predictions, partial(_placed_by, urgency_of)) for name, urgency_of in BASELINES.items()
        },
    }


def _placed_by(urgency_of: Callable[[Prediction], int], predictions: Sequence[Prediction]) -> dict[str, Any]:
    return placed((each.case, urgency_of(each)) for each in predictions)


def _by_set(
    predictions: Sequence[Prediction], measure: Callable[[Sequence[Prediction]], dict[str, Any]]
) -> dict[str, Any]:
    names = dict.fromkeys(each.case.set for each in predictions)
    return {
        "sets": {name: measure([each for each in predictions if each.case.set == name]) for name in names},
        "pooled": measure(predictions),
    }


def figures(predictions: Sequence[Prediction]) -> dict[str, Any]:
    """Everything that is counted about `predictions`; `time_critical_found` are the expected conditions that were
    suspected, `time_critical_extra` those that were suspected and not expected."""
    found = [len(each.case.time_critical.intersection(each.time_critical)) for each in predictions]
    extra = [len(set(each.time_critical) - each.case.time_critical) for each in predictions]
    unmapped = Counter(key for each in predictions for key in each.case.unmapped)
    return {
        **placed([(each.case, each.urgency) for each in predictions]),
        "time_critical_found": sum(found),
        "time_critical_expected": sum(len(each.case.time_critical) for each in predictions),
        "time_critical_extra": sum(extra),
        "unmapped_keys": dict(unmapped.most_common()),
    }


def placed(answers: Iterable[tuple[LabelledCase, int]]) -> dict[str, Any]:
    """How many urgencies fell in the expected band, were less urgent (`under`; `under2`: by two levels or more) or more
    urgent (`over`); `strict` is the share that is exactly the level of the source, of the `strict_n` that have one;
    `urgent_share` the share that was given U0 or U1, `u2_share` U2."""
    counts = dict.fromkeys(("n", "in_band", "under", "over", "under2", "strict_n"), 0)
    exact = urgent = second = 0
    for case, urgency in answers:
        low, high = case.band
        counts["n"] += 1
        counts["in_band"] += low <= urgency <= high
        counts["under"] += urgency > high
        counts["over"] += urgency < low
        counts["under2"] += urgency >= high + 2
        counts["strict_n"] += case.target is not None
        exact += urgency == case.target
        urgent += urgency <= 1
        second += urgency == 2
    return {
        **counts,
        "strict": _share(exact, counts["strict_n"]),
        "urgent_share": _share(urgent, counts["n"]),
        "u2_share": _share(second, counts["n"]),
    }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def levels(predictions: Iterable[Prediction]) -> dict[str, int]:
    """How often each urgency was given."""
    given = Counter(each.urgency for each in predictions)
    return {level: given[rank] for rank, level in enumerate(URGENCIES)}


def as_text(report: Mapping[str, Any]) -> str:
    """`report` as a table, with the two baselines under each set and the keys that no fact stands for."""
    lines = [f"{'set':<28}" + "".join(f"{name:>14}" for name in _COLUMNS)]
    for name, found in [*report["sets"].items(), ("pooled", report["pooled"])]:
        lines.append(_row(name, found))
        for baseline, measured in report["baselines"].items():
            lines.append(_row(f"  {baseline}", measured["sets"].get(name, measured["pooled"])))
    unmapped = list(report["pooled"]["unmapped_keys"].items())
    if unmapped:
        shown = ", ".join(f"{key} ({count})" for key, count in unmapped[:_MOST_KEYS])
        rest = f" and {len(unmapped) - _MOST_KEYS} more" if len(unmapped) > _MOST_KEYS else ""
        lines += textwrap.wrap(f"Keys without a fact: {shown}{rest}", 100)
    return "\n".join(lines) + "\n"


def _row(name: str, found: Mapping[str, Any]) -> str:
    shares = [f"{found[key]} {found[key] / found['n']:4.0%}" for key in _COLUMNS[1:5]]
    urgent, second, strict = (
        "-" if found[key] is None else f"{found[key]:.0%}" for key in ("urgent_share", "u2_share", "strict")
    )
    critical = "-"
    if "time_critical_found" in found:
        critical = f"{found['time_critical_found']} of {found['time_critical_expected']}"
    return f"{name:<28}" + "".join(
        f"{value:>14}" for value in (str(found["n"]), *shares, urgent, second, strict, critical)
    )
