"""Personal data in free text, and what keeps a person's data from being erased.

What people write as a reason stays in the audit for ever, so it holds no number and nothing of the person that it is about.
Refuses to repeat what it found.
"""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from weld.core.fault import Fault

# As the log refuses them (weld/kit/log.py); spaces and dashes inside are taken out first, as people write them.
_NUMBER = re.compile(r"(?<!\d)(?:\d{17}[\dXx]|(?:0086|86)?1[3-9]\d{9})(?!\d)")
_PARTED = re.compile(r"(?<=\d)[\s-]+(?=[\dXx])")


def holds_number(text: str) -> bool:
    """Whether an identity number or a mobile number stands in a text, also with spaces or dashes in it."""
    return _NUMBER.search(_PARTED.sub("", unicodedata.normalize("NFKC", text))) is not None


def reason_fault(reason: str, person: Collection[str] = ()) -> Fault | None:
    """Why a reason cannot be kept: it holds a personal number, or a name or number of the person that it is about."""
    if holds_number(reason):
        return Fault("number", "reason: no identity or phone numbers", zh="理由里不要写身份证号或手机号")
    plain = unicodedata.normalize("NFKC", reason)
    if any(word and word in plain for word in person):
        return Fault("person", "reason: not the person's name", zh="理由里不要写本人姓名")
    return None


@dataclass(frozen=True, slots=True)
class Ties:
    """What still ties a person to work: open sessions, live permits, alerts that are not closed, the last trace of work."""

    open_sessions: int
    live_grants: int
    open_alerts: int
    last_at: datetime | None


def erase_faults(ties: Ties, now: datetime, held_days: int) -> list[Fault]:
    """Everything that forbids to erase a person now; `held_days` is how long the law may still ask who it was."""
    found = []
    if ties.open_sessions:
        found.append(Fault("session", "a session of this person runs", zh="此人正在作业"))
    if ties.live_grants:
        found.append(Fault("grant", "a permission to start is open", zh="还有未结束的开机许可"))
    if ties.open_alerts:
        text = f"alerts about this person are not closed: {ties.open_alerts}"
        found.append(Fault("alert", text, zh=f"还有未办结的相关预警：{ties.open_alerts} 条"))
    until = None if ties.last_at is None else ties.last_at + timedelta(days=held_days)
    if until is not None and until > now:
        text = f"the law may ask who it was until {until.date()} ({held_days} days after the last trace of work)"
        zh = f"最近一次作业记录后 {held_days} 天内法律可能要求查明本人，到 {until.date()} 为止"
        found.append(Fault("law", text, zh=zh))
    return found
