"""What an import of divisions is to change: the published lists against the register, as a plan that the store carries out.

The first list is the master. The second is compared with it, and has what no polygon shows: townships and development zones.
A code that the register has stays what it is until its list says otherwise: another name makes a new version, a code that is
gone from its list ends, one that came back begins again. Refuses to end what a person entered, to move a division under another
parent, and to delete.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, NamedTuple

from weld.core import division

Kind = Literal["only_first", "only_second", "only_here", "name", "parent", "no_parent"]
List = Literal["first", "second"]


class Named(NamedTuple):
    """An entry of a published list; the code is `division.normal`."""

    code: str
    name_zh: str
    name_en: str


@dataclass(frozen=True, slots=True)
class Held:
    """A division as the register has it, its code without filling zeros. `listed` None: a person entered it, no list knows it."""

    code: str
    name_zh: str
    name_en: str
    parent: str | None
    path: str
    since: date | None = None
    until: date | None = None
    listed: List | None = None


class Difference(NamedTuple):
    """What lists and register do not agree about. Nothing is done; a person may want to look at it."""

    kind: Kind
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Lists:
    """The published lists. `townships`: also enter what only the second has, townships and development zones."""

    first: Sequence[Named]
    second: Sequence[Named] = ()
    townships: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """`added`: new rows, parents first. `changed`: rows as they are from now on. `past`: what changed codes meant until then."""

    added: Sequence[Held]
    changed: Sequence[Held]
    past: Sequence[Held]
    differences: Sequence[Difference]

    @property
    def ended(self) -> list[str]:
        """The codes that are valid no longer."""
        return [row.code for row in self.changed if row.until is not None]


def plan(lists: Lists, register: Iterable[Held], day: date) -> Plan:
    """What makes the register agree with the lists from this day on; hand in its rows of the provinces that the lists are of.

    What the first import of a province enters is valid since ever: no list says since when. ValueError where the register is
    ahead of the day.
    """
    held = {row.code: row for row in register}
    _refuse_the_past(held.values(), day)
    wanted = _wanted(lists, held)
    added, orphans = _added(wanted, held, day)
    pairs = [(row, _after(row, wanted.get(row.code), lists, day)) for row in held.values()]
    changed = [after for before, after in pairs if after != before]
    past = [_ended(before, day) for before, after in pairs if before.since not in (after.since, day)]
    differences = [*orphans, *_between_lists(lists), *_of_register(wanted, held)]
    return Plan(added, changed, past, sorted(differences))


def _refuse_the_past(held: Iterable[Held], day: date) -> None:
    latest = max((each for row in held for each in (row.since, row.until) if each is not None), default=day)
    if latest > day:
        raise ValueError(f"the register says already what holds from {latest} on: that is later than {day}")


def _wanted(lists: Lists, held: Mapping[str, Held]) -> dict[str, tuple[Named, List]]:
    """All that is to be valid, by code, parents first. A code that the first list gave up does not live on in the second."""
    found: dict[str, tuple[Named, List]] = {division.short(one.code): (one, "first") for one in lists.first}
    for one in lists.second if lists.townships else ():
        code = division.short(one.code)
        of_first = code in held and held[code].listed == "first"
        if code not in found and not of_first and division.code_fault(one.code) is None:
            found[code] = (one, "second")
    return dict(sorted(found.items(), key=lambda item: (len(division.lineage(item[1][0].code)), item[0])))


def _added(
    wanted: Mapping[str, tuple[Named, List]], held: Mapping[str, Held], day: date
) -> tuple[list[Held], list[Difference]]:
    known, orphans = dict(held), []
    begun = {(row.code[:2], row.listed) for row in held.values()}
    for code, (one, listed) in wanted.items():
        above = _above(one.code, known)
        if code in held:
            continue
        if above is None and division.level(one.code) != "province":
            orphans.append(
                Difference("no_parent", code, f"{one.name_zh}: what it belongs to is not there, so it was left out")
            )
            continue
        parent, path = (None, code) if above is None else (above.code, f"{above.path}/{code}")
        since = day if (code[:2], listed) in begun else None
        known[code] = Held(code, one.name_zh, one.name_en, parent, path, since, None, listed)
    return [row for code, row in known.items() if code not in held], orphans


def _above(code: str, known: Mapping[str, Held]) -> Held | None:
    """The division right above, or where the lists have none (710001, 810101) the province; never so for a township."""
    above = division.lineage(code)[-2::-1]
    return next((known[up] for up in map(division.short, above[:1] if len(code) > 6 else above) if up in known), None)


def _after(row: Held, entry: tuple[Named, List] | None, lists: Lists, day: date) -> Held:
    """The row as it is after the import."""
    if entry is not None:
        one, listed = entry
        if row.until is not None or row.name_zh != one.name_zh:
            row = replace(row, name_zh=one.name_zh, name_en=one.name_en, since=day, until=None)
        return replace(row, listed=listed)
    gone = row.listed == "first" or (row.listed == "second" and lists.townships)
    return _ended(row, day) if gone else row


def _ended(row: Held, day: date) -> Held:
    return row if row.until is not None else replace(row, until=day)


def _between_lists(lists: Lists) -> Iterable[Difference]:
    """Where the lists differ above the township; headings of the second are no divisions."""
    if not lists.second:
        return
    first = {one.code: one.name_zh for one in lists.first}
    second = {one.code: one.name_zh for one in lists.second if len(one.code) == 6 and not division.is_heading(one.code)}
    for code, name in first.items():
        if code not in second:
            yield Difference("only_first", division.short(code), name)
        elif second[code] != name:
            yield Difference("name", division.short(code), f"{name}; the second list: {second[code]}")
    yield from (Difference("only_second", division.short(code), second[code]) for code in second if code not in first)


def _of_register(wanted: Mapping[str, tuple[Named, List]], held: Mapping[str, Held]) -> Iterable[Difference]:
    for code, row in held.items():
        if code not in wanted:
            if row.listed is None:
                yield Difference("only_here", code, f"{row.name_zh}: entered by a person, in no list, and kept")
            continue
        above = _above(wanted[code][0].code, held)
        if above is not None and above.code != row.parent:
            yield Difference(
                "parent", code, f"{row.name_zh} stands under {row.parent}, by its code under {above.code}; kept"
            )
