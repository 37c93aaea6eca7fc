"""Codes of divisions (GB/T 2260, GB/T 10114 for townships): their levels, what lies above what, and from when to when they held.

Here a code has 6 digits down to a county, 9 for a township, 12 for a village; `normal` makes that of every way it is written.
The parent is not always the code with its last pair blanked: counties that a province runs itself (济源 419001) and the
districts of the four municipalities stand under headings (419000, 110100) that are no divisions. Refuses to know names, and
which codes exist: the register does.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from typing import Literal

from weld.core.fault import Fault

Level = Literal["province", "city", "county", "township", "village"]

PROVINCES = frozenset(
    str(number)
    for number in (
        *range(11, 16),
        *range(21, 24),
        *range(31, 38),
        *range(41, 47),
        *range(50, 55),
        *range(61, 66),
        *(71, 81, 82),
    )
)
_MUNICIPALITIES = frozenset({"11", "12", "31", "50"})
_LEVELS: dict[int, Level] = {9: "township", 12: "village"}


@dataclass(frozen=True, slots=True)
class Version:
    """One division under one name and parent: valid from `since` on and before `until`. None: since ever, for ever."""

    code: str
    name_zh: str
    parent: str | None
    since: date | None = None
    until: date | None = None

    def holds(self, day: date) -> bool:
        return (self.since is None or self.since <= day) and (self.until is None or day < self.until)


def normal(text: str) -> str:
    """41 and 410000000000 are 410000, 4105 is 410500, 410502001000 is 410502001; anything else stays as it is."""
    if len(text) in {2, 4}:
        return text.ljust(6, "0")
    while len(text) in {9, 12} and text.endswith("000"):
        text = text[:-3]
    return text


def code_fault(code: str) -> Fault | None:
    """Why this is no code of a division (already `normal`), or None."""
    if len(code) not in {6, 9, 12}:
        text = f"a division has 2, 4, 6, 9 or 12 digits, there are {len(code)}"
        return Fault("length", text, zh=f"区划代码应有 2、4、6、9 或 12 位，实有 {len(code)} 位")
    for position, character in enumerate(code, start=1):
        if character not in "0123456789":
            return Fault("character", f"character {position} must be a digit", position, f"位置 {position} 只能是数字")
    if code[:2] not in PROVINCES:
        return Fault("division", "characters 1 and 2 are no province", 1, "位置 1–2 不是省级代码")
    if is_heading(code[:6]):
        text = "characters 3 to 6 are a heading of the list, no division"
        return Fault("heading", text, 3, "位置 3–6 是名录里的分组，不是区划")
    return None


def is_heading(code: str) -> bool:
    """A line of the list that only groups others: what a province runs itself (..90), the districts of a municipality (..01) and
    its counties (..02)."""
    return len(code) == 6 and code.endswith("00") and _is_group(code[:2], code[2:4])


def level(code: str) -> Level:
    """Province, city, county, township or village."""
    if code[2:6] == "0000" and len(code) == 6:
        return "province"
    return _LEVELS.get(len(code)) or ("city" if code.endswith("00") else "county")


def parent(code: str) -> str | None:
    """The division right above; None above a province."""
    if len(code) > 6:
        return normal(code[:-3])
    province, city = code[:2], code[2:4]
    if level(code) == "province":
        return None
    if code.endswith("00") or _is_group(province, city):
        return f"{province}0000"
    return f"{province}{city}00"


def lineage(code: str) -> tuple[str, ...]:
    """From the province down to this one."""
    above = parent(code)
    return (*(lineage(above) if above else ()), code)


def is_within(code: str, top: str) -> bool:
    """True where this is `top` or lies below it."""
    return top in lineage(code)


def path(code: str) -> str:
    """The lineage as the register of divisions writes it, without filling zeros: 41/4105/410502, 41/419001."""
    return "/".join(short(each) for each in lineage(code))


def short(code: str) -> str:
    """The code as the register of divisions writes it, the opposite of `normal`: 41, 4105, 410502, 410502001."""
    return code[: {"province": 2, "city": 4}.get(level(code))]


def at(versions: Iterable[Version], code: str, day: date) -> Version | None:
    """What this code meant on this day."""
    return next((version for version in versions if version.code == code and version.holds(day)), None)


def overlaps(versions: Iterable[Version]) -> list[tuple[Version, Version]]:
    """Pairs that both say what one code meant on one day."""
    by_code: dict[str, list[Version]] = {}
    for version in versions:
        by_code.setdefault(version.code, []).append(version)
    return [pair for same in by_code.values() for pair in combinations(same, 2) if _meet(*pair)]


def _is_group(province: str, city: str) -> bool:
    return city == "90" or (province in _MUNICIPALITIES and city in {"01", "02"})


def _meet(one: Version, other: Version) -> bool:
    first, second = sorted((one, other), key=lambda version: version.since or date.min)
    return first.until is None or first.until > (second.since or date.min)
