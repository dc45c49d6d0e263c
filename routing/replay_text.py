"""Writes a replay as plain text: for an auditor whether anything differs, for a medical manager what would change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from routing.flips import NOWHERE
from routing.vocabulary import URGENCIES, Vocabulary

WIDTH = 88
PLACES_MOST = 15
PATHS_MOST = 5
NONE = "."
"""Stands for nobody in a table, so that the numbers that matter stand out."""

Row = Sequence[str]


def replay_text(found: Mapping[str, Any], words: Vocabulary, names: Mapping[str, str]) -> str:
    """What `replay_many` found, in lines; `names` are those of places, by their id."""
    page = _Page(words, names)
    part = page.as_then(found) if found["ruleset"] is None else page.supposing(found)
    return "\n".join([*_head(found), *part]) + "\n"


def _head(found: Mapping[str, Any]) -> Iterator[str]:
    rules = found["ruleset"]
    how = "as of then" if rules is None else f"as if {rules['name']} {rules['version']} had been in force"
    yield f"Replay of {found['decisions']:,} decisions, {how}"
    if "until" in found:
        yield f"from {found['since'] or 'the first'} to before {found['until']}"
    if rules is not None:
        yield f"rules {rules['digest']}"
    yield ""
    same, other = ("identical", "different") if rules is None else ("unchanged", "changed")
    counts = [(same, found["identical"]), (other, found["different"]), ("erased", found["erased"])]
    counts.append(("cannot be made again", found["unreadable"]))
    for name, number in counts:
        if number or name in (same, other):
            yield f"  {name:<22}{number:>12,}  {_percent(number, found['decisions'])}"
    if found.get("decisions_per_s"):
        yield f"  {found['seconds']:,} seconds, {found['decisions_per_s']:,} decisions a second"


def _percent(part: int, whole: int) -> str:
    return f"{part / whole:7.2%}" if whole else ""


class _Page:
    """The words for codes and ids, and the parts of the page."""

    def __init__(self, words: Vocabulary, names: Mapping[str, str]) -> None:
        self.words, self.names = words, names

    # -- as of then

    def as_then(self, found: Mapping[str, Any]) -> Iterator[str]:
        for row in found["differences"]:
            yield ""
            yield f"{row['id']}  {row['decided_at']}"
            if "problem" in row:
                yield f"  cannot be made again: {row['problem']}"
            for each in row["differences"][:PATHS_MOST]:
                yield from _difference(each)
            if (more := len(row["differences"]) - PATHS_MOST + row.get("left_out", 0)) > 0:
                yield f"  and {more:,} more: wegwijs replay {row['id']}"
        yield from _left_out(found)

    # -- by other rules

    def supposing(self, found: Mapping[str, Any]) -> Iterator[str]:
        flips = found["flips"]
        yield from self._regional(found)
        yield from self._urgency(flips["urgency"])
        yield from self._conditions(flips["conditions"])
        yield from _regions(flips["regions"])
        yield from self._kinds(flips["kinds"])
        yield from self._inflow(flips["inflow"])
        yield from _minutes(flips["minutes"])
        if flips["by_other_rules"]:
            yield from ("", f"{flips['by_other_rules']:,} more have the same answer by other rules.")
        yield from self._cases(found)

    def _regional(self, found: Mapping[str, Any]) -> Iterator[str]:
        for region, version in found["overlays"].items():
            yield f"  with the agreements of {region} {version}"
        for region, number in found["national_instead"].items():
            yield f"  {number:,} of {region} by the national rules (no agreements on this version)"

    def _urgency(self, matrix: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
        levels = [level for level in URGENCIES if level in matrix or any(level in row for row in matrix.values())]
        rows = [(level, *(_number(matrix.get(level, {}).get(other, 0)) for other in levels)) for level in levels]
        yield from _title("URGENCY", "rows: as it was, columns: as it would be")
        yield from _table(("", *levels), rows)
        more, less = (_flipped(matrix, compare) for compare in (int.__lt__, int.__gt__))
        yield f"  more urgent {more:,}, less urgent {less:,}"

    def _conditions(self, table: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
        rows = [
            (self._condition(code), _number(row["kept"]), _number(row["gained"]), _number(row["lost"]))
            for code, row in _gravest(table, lambda row: row["gained"] + row["lost"])
        ]
        yield from _title("CONDITIONS", "found then and now, only now, only then")
        yield from _table(("", "kept", "gained", "lost"), rows) if rows else ("  no difference",)

    def _kinds(self, matrix: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
        moved = {(then, now): n for then, row in matrix.items() for now, n in row.items() if then != now}
        rows = [
            (self._kind(then), self._kind(now), _number(n))
            for (then, now), n in sorted(moved.items(), key=lambda item: (-item[1], item[0]))
        ]
        yield from _title("KIND OF PLACE", "where it would be another")
        yield from _table(("was", "would be", "decisions"), rows) if rows else ("  no difference",)

    def _inflow(self, table: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
        moved = _gravest(table, lambda row: abs(row["now"] - row["then"]))
        rows = [
            (self._place(key), _number(row["then"]), _number(row["now"]), f"{row['now'] - row['then']:+,}")
            for key, row in moved[:PLACES_MOST]
        ]
        yield from _title("INFLOW", "patients who are advised to go there")
        yield from _table(("", "then", "now", "shift"), rows) if rows else ("  no difference",)
        if len(moved) > PLACES_MOST:
            yield f"  and {len(moved) - PLACES_MOST} places more"

    def _cases(self, found: Mapping[str, Any]) -> Iterator[str]:
        if found["changed"]:
            yield from _title("CHANGED CASES", "")
        for row in found["changed"]:
            yield from self._case(row)
        for row in found["problems"]:
            yield _cut(f"  {row['id']}  cannot be made again: {row['problem']}")
        yield from _left_out(found)

    def _case(self, row: Mapping[str, Any]) -> Iterator[str]:
        yield f"  {row['id']}  {row['decided_at'][:16].replace('T', ' ')}"
        sides = {key: (row[key]["then"], row[key]["now"]) for key in ("urgency", "conditions", "minutes")}
        places = tuple(self._place_or_kind(row["facility"][side], row["kind"][side]) for side in ("then", "now"))
        parts = [f"{then} -> {now}" for then, now in (sides["urgency"], places) if then != now]
        parts += [f"{sign} {self._condition(code)}" for sign, code in _codes(*sides["conditions"])]
        then, now = sides["minutes"]
        if None not in (then, now) and then != now:
            parts.append(f"{now - then:+} min")
        yield from (_cut(f"    {part}") for part in parts)
        for side, sign in (("only_then", "-"), ("only_now", "+")):
            for rule in row["rules"][side]:
                yield _cut(f"    rule {sign} {rule}")

    # -- words

    def _condition(self, code: str) -> str:
        found = self.words.conditions.get(code)
        return found.label.en if found else code

    def _kind(self, kind: str) -> str:
        # care that no place gives is named by the capability
        found = self.words.facility_kinds.get(kind) or self.words.capabilities.get(kind)
        return found.label.en if found else "nowhere" if kind == NOWHERE else kind

    def _place(self, key: str) -> str:
        return self.names.get(key, key)

    def _place_or_kind(self, key: str | None, kind: str) -> str:
        return self._kind(kind) if key is None else self._place(key)


def _difference(each: Mapping[str, Any]) -> Iterator[str]:
    yield f"  {each['path'] or 'the record'}"
    for side in ("then", "now"):
        yield _cut(f"    {side:<5}{'absent' if each.get('absent') == side else each[side]}")


def _codes(then: Sequence[str], now: Sequence[str]) -> Iterator[tuple[str, str]]:
    for code in sorted({*then} ^ {*now}):
        yield "+" if code in now else "-", code


def _flipped(matrix: Mapping[str, Mapping[str, int]], compare: Callable[[int, int], bool]) -> int:
    order = URGENCIES.index
    return sum(n for then, row in matrix.items() for now, n in row.items() if compare(order(now), order(then)))


def _gravest(
    table: Mapping[str, Mapping[str, int]], weight: Callable[[Mapping[str, int]], int]
) -> list[tuple[str, Mapping[str, int]]]:
    return sorted(
        ((key, row) for key, row in table.items() if weight(row)), key=lambda item: (-weight(item[1]), item[0])
    )


def _regions(table: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    rows = [
        (region, _number(row["total"]), _number(row["changed"]), _percent(row["changed"], row["total"]))
        for region, row in table.items()
    ]
    yield from _title("REGIONS", "")
    yield from _table(("", "decisions", "changed", ""), rows)


def _minutes(found: Mapping[str, Any]) -> Iterator[str]:
    yield from _title("MINUTES OF TRAVEL", f"{found['n']:,} decisions with a place both then and now")
    if not found["n"]:
        return
    lost, gained = found["lost"], found["gained"]
    yield f"  longer   {lost['n']:>9,} decisions, {lost['sum']:,} minutes in all"
    yield f"  shorter  {gained['n']:>9,} decisions, {gained['sum']:,} minutes in all"
    rows = [(side, *(_number(value) for value in found[side].values())) for side in ("then", "now")]
    yield from _table(("percent within", *(name.removeprefix("p") + "%" for name in found["then"])), rows)
    moved = [bucket for bucket in found["histogram"] if bucket["n"] and (bucket["from"], bucket["to"]) != (0, 0)]
    if moved:
        yield from _table(("minutes longer", "decisions"), [(_bucket(each), _number(each["n"])) for each in moved])


def _bucket(bucket: Mapping[str, Any]) -> str:
    low, high = bucket["from"], bucket["to"]
    if low is None:
        return f"{high:+} or less"
    return f"{low:+} or more" if high is None else f"{low:+} to {high:+}"


def _left_out(found: Mapping[str, Any]) -> Iterator[str]:
    if found["left_out"]:
        yield from ("", f"and {found['left_out']:,} more: --changed FILE writes all of them")


def _title(title: str, about: str) -> Iterator[str]:
    yield ""
    yield f"{title}  {about}".rstrip()


def _number(number: int) -> str:
    return f"{number:,}" if number else NONE


def _table(head: Row, rows: Iterable[Row]) -> Iterator[str]:
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for line in lines:
        first, *rest = (
            text.ljust(width) if _words(lines, n) else text.rjust(width)
            for n, (text, width) in enumerate(zip(line, widths, strict=True))
        )
        yield _cut("  " + "  ".join((first, *rest)).rstrip())


def _words(lines: Sequence[Row], column: int) -> bool:
    """Whether a column holds words, which stand at its left."""
    return column == 0 or any(line[column][:1].isalpha() for line in lines[1:])


def _cut(text: str) -> str:
    return text if len(text) <= WIDTH else text[: WIDTH - 1] + "…"


def one_text(found: Mapping[str, Any]) -> str:
    """The replay of one decision as of then, with every difference."""
    same = "identical to the last byte" if found["identical"] else f"{len(found['differences']):,} differences"
    lines = [f"{found['id']}: {same}", f"rules {found['ruleset']}, directory {found['directory_revision']}"]
    for each in found["differences"]:
        lines += _difference(each)
    return "\n".join(lines) + "\n"
