"""What an alert says to an officer: one sentence of what happened, with its number, and one of why it matters and what to do.

In the voice of ui/README section 5: short, calm, clock times of the place, no exclamation mark, no name of a crime, no promise
of what an authority will decide. Evidence may lack any key: the sentence then says less, never something else. Refuses names
of people.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from weld.core.law import Words


@dataclass(frozen=True, slots=True)
class Told:
    """An alert as far as its sentence needs it; `zone` is that of its division."""

    code: str
    evidence: Mapping[str, Any]
    since: datetime
    last_at: datetime
    occurrences: int
    historical: bool
    zone: tzinfo


# Nothing was ordered of the machine for these, so nothing else is promised.
_PAST = Words(
    "这是补传数据查出来的旧事，不响铃，不计时。看过再决定要不要去。",
    "Found in data that came late: it rings nowhere and has no deadline. Read it, then decide whether to go.",
)

# Reasons of refused starts, as said of somebody else.
_PAPERS: Mapping[str, Words] = {
    "no_certificate": Words("没查到他的焊接作业证", "No welding certificate of theirs was found"),
    "certificate_unverified": Words("证还没核对完", "The certificate has not been verified yet"),
    "certificate_expired": Words("证已过期", "The certificate has expired"),
    "certificate_not_yet_valid": Words("证还没到生效日期", "The certificate is not valid yet"),
    "review_overdue": Words("该复审没复审", "The re-examination is overdue"),
    "certificate_revoked": Words("发证机关已撤销这张证", "The issuer has revoked the certificate"),
    "certificate_cancelled": Words("发证机关已注销这张证", "The issuer has cancelled the certificate"),
    "certificate_suspended": Words("这张证暂停使用", "The certificate is suspended"),
    "certificate_suspected_fake": Words("证的真假要核对", "The certificate needs checking against the original"),
    "verification_stale": Words("太久没和证书库核对", "The certificate was not checked with the register for too long"),
    "wrong_item": Words("证的项目对不上这类作业", "The certificate does not cover this kind of work"),
    "wrong_domain": Words("证不能用在这类场所", "The certificate is not good for this kind of place"),
}
_PERSON: Mapping[str, Words] = {
    "under_age": Words("登记的年龄不满十八周岁", "The recorded age is below 18"),
    "over_age": Words("登记的年龄已过上限", "The recorded age is above the limit"),
    "off_post": Words("离开焊接岗位满六个月", "Six months or more away from welding"),
}
# What each alert of papers is about, of all the reasons that came together.
_ABOUT: Mapping[str, Sequence[str]] = {
    "A01": tuple(_PAPERS),
    "A03": tuple(_PAPERS),
    "A04": ("certificate_revoked", "certificate_cancelled"),
    "A05": ("certificate_suspected_fake",),
    "A06": ("wrong_item", "wrong_domain"),
    "A08": tuple(_PERSON),
}
# What becomes of work that runs when its licence is found not to hold.
_ENDINGS: Mapping[str, Words] = {
    "goes_on": Words("正在作业，到许可结束为止", "the work that runs may go on to the end of its permission"),
    "after_arc": Words("正在作业，已安排停弧后上锁", "the machine in use was ordered to lock once the arc ends"),
    "at_once": Words("正在作业，已安排马上上锁", "the machine in use was ordered to lock at once"),
}


def sentence(told: Told) -> Words:
    """What happened."""
    say = _SENTENCES.get(told.code)
    return say(told) if say else Words(f"告警 {told.code}。", f"Alert {told.code}.")


def why(told: Told) -> Words:
    """Why it matters, and what to do next."""
    if told.historical:
        return _PAST
    if str(told.evidence.get("ending")) in _ENDINGS:
        return _WHILE_WORKING
    return _WHYS.get(told.code, _ANY)


def _bypassed(told: Told) -> Words:
    amps, lasted = _amps(told), _lasted(told)
    zh, en = (f" {amps} A ", f"{amps} A of welding current") if amps else ("", "there is welding current")
    return Words(f"机器上锁，却有{zh}焊接电流{_zh(lasted, '，持续 ')}。", f"Locked, yet {en}{_en(lasted, ' for ')}.")


def _unlicensed(told: Told) -> Words:
    amps, lasted = _amps(told), _lasted(told)
    zh, en = (f"，电流 {amps} A", f" at {amps} A") if amps else ("", "")
    return Words(
        f"没有开机许可，却在焊{zh}{_zh(lasted, '，持续 ')}。",
        f"Welding without a permission{en}{_en(lasted, ' for ')}.",
    )


def _overrun(told: Told) -> Words:
    since, last = _clock(told.since, told.zone), _clock(told.last_at, told.zone)
    amps = _amps(told)
    zh, en = (f"，电流 {amps} A", f" at {amps} A") if amps else ("", "")
    if since == last:
        return Words(f"许可到期后还在焊：{since}{zh}。", f"Still welding after the permission ended: {since}{en}.")
    return Words(
        f"许可到期后还在焊：{since} 到 {last}{zh}。",
        f"Still welding after the permission ended: {since} to {last}{en}.",
    )


def _cloned(told: Told) -> Words:
    boot, seq = told.evidence.get("boot"), told.evidence.get("seq")
    if boot is None or seq is None:
        return Words(
            "芯片的同一条消息来了两份，内容不一样。", "One message of the chip came twice with different content."
        )
    return Words(
        f"芯片第 {boot} 次启动的第 {seq} 条消息来了两份，内容不一样。",
        f"Message {seq} of the chip's boot {boot} came twice with different content.",
    )


def _silent(told: Told) -> Words:
    heard = _ms(told.evidence.get("last_heard_ms")) or told.since
    moment = f"{heard.astimezone(told.zone):%m-%d %H:%M}"
    worked = _ms_of(told.evidence.get("arc_ms_30d"))
    if worked is None:
        return Words(f"{moment} 之后没有消息，那之前常用。", f"Silent since {moment}, after frequent use.")
    zh, en = _length(worked)
    return Words(
        f"{moment} 之后没有消息，那之前 30 天焊了 {zh}。", f"Silent since {moment}, after {en} of arc in 30 days."
    )


def _outage(told: Told) -> Words:
    before, now = _count(told.evidence.get("online_before")), _count(told.evidence.get("online_now"))
    if before is None or now is None:
        return Words("大量芯片同时失联。", "Many chips went offline at once.")
    return Words(
        f"{before - now:,} 台同时失联，在线从 {before:,} 台降到 {now:,} 台。",
        f"{before - now:,} machines went offline at once: {now:,} of {before:,} are left.",
    )


def _papers(told: Told) -> Words:
    """Papers or a person at a start, or in the middle of work."""
    reason = _about(told) or _NO_REASON[told.code]
    ending = _ENDINGS.get(str(told.evidence.get("ending")))
    if ending is not None:
        return Words(f"{reason.zh}；{ending.zh}。", f"{reason.en}; {ending.en}.")
    if told.evidence.get("unlock") is not None:
        return Words(f"{reason.zh}，这次照常开机。", f"{reason.en}; the machine was started all the same.")
    return _attempts(told, reason)


_NO_REASON: Mapping[str, Words] = {
    "A01": Words("没有能用的焊接作业证", "No usable welding certificate"),
    "A03": Words("证已过期或该复审没复审", "The certificate has lapsed"),
    "A04": Words("证已撤销或注销", "The certificate was revoked or cancelled"),
    "A05": Words("证的真假要核对", "The certificate needs checking against the original"),
    "A06": Words("证的项目或场所对不上", "The certificate is for another kind of work or place"),
    "A08": Words("年龄或离岗时间对不上", "Age or time off the post is outside the limits"),
}


def _reminded(told: Told) -> Words:
    days = _count(told.evidence.get("days_left"))
    if days is None:
        return Words("焊接作业证快到期或该复审了。", "A welding certificate soon ends or is due for re-examination.")
    if days == 0:
        return Words("焊接作业证今天最后一天能用。", "Today is the last day of a welding certificate.")
    return Words(
        f"焊接作业证再过 {days} 天到期或该复审。",
        f"A welding certificate ends or is due for re-examination in {days} days.",
    )


def _attempts(told: Told, reason: Words) -> Words:
    """A block says 没开成, not 失败."""
    times = told.occurrences
    en = f"{times} starts were stopped" if times > 1 else "one start was stopped"
    return Words(
        f"{reason.zh}，扫码 {times} 次，都没开成。" if times > 1 else f"{reason.zh}，扫码没开成。",
        f"{reason.en}; {en}.",
    )


def _elsewhere(told: Told) -> Words:
    tails = [str(plate)[-4:] for plate in _list(told.evidence.get("live_on"))]
    if not tails:
        return Words(
            "同一张证在别处开着机，又扫了这一台。", "The certificate is in use elsewhere and scanned this machine too."
        )
    return Words(
        f"同一张证正在尾号 {'、'.join(tails)} 开着机，又扫了这一台。",
        f"The certificate is in use on machine …{', …'.join(tails)} and scanned this one too.",
    )


_SENTENCES: Mapping[str, Callable[[Told], Words]] = {
    "A01": _papers,
    "A02": _reminded,
    "A03": _papers,
    "A04": _papers,
    "A05": _papers,
    "A06": _papers,
    "A08": _papers,
    "A09": _elsewhere,
    "B02": _overrun,
    "D01": _bypassed,
    "D05": _cloned,
    "D06": _silent,
    "E02": _unlicensed,
    "O01": _outage,
}

_ANY = Words("看证据，再决定怎么办。", "Look at the evidence, then decide.")
_WHILE_WORKING = Words(
    "人还在机器旁。先打电话给单位安全员，换持证的人接手，再核对这张证。",
    "The person is still at the machine. Call the safety officer first so that a certified welder takes over; then check the "
    "certificate.",
)
_WHYS: Mapping[str, Words] = {
    "A02": Words(
        "现在还能用。提醒他和单位安全员早点约复审或换证。",
        "It still holds. Remind the worker and the safety officer to book re-examination or renewal in time.",
    ),
    "A04": Words(
        "机器没开。请单位安全员停下他的焊接作业，有疑问找发证机关核对。",
        "The machine stayed off. Ask the safety officer to take this person off welding; the issuer answers questions.",
    ),
    "A05": Words(
        "机器没开。证书库里对不上，也可能是登记错了。到场看证原件，再找发证机关核对。",
        "The machine stayed off. It is not in the register, or was entered wrongly. Look at the original, then ask the issuer.",
    ),
    "A06": Words(
        "机器没开。证是真的，用错了地方。请单位按作业换人。",
        "The machine stayed off. The certificate is good, but not for this. Ask the enterprise for somebody with the right one.",
    ),
    "A08": Words(
        "信息可能不准。请单位安全员核对年龄和上次上岗时间，需要的先考实操。",
        "The record may be wrong. Ask the safety officer to check age and last work; a practical test may come first.",
    ),
    "A01": Words(
        "机器没开。请单位安全员换持证的人，再核对他平时怎么上岗。",
        "The machine stayed off. Ask the safety officer for a certified welder, and how this person usually works.",
    ),
    "A03": Words(
        "机器没开。请他先换证或复审，单位的其他证也看一遍。",
        "The machine stayed off. Renewal or re-examination first; look through the enterprise's other certificates.",
    ),
    "A09": Words(
        "可能借证，也可能忘了结束上一台。先问清谁在哪台机器旁。",
        "Possibly lent, possibly the other session was forgotten. Ask who stands at which machine.",
    ),
    "B02": Words(
        "没有许可的时间里没人担着看火。停弧后机器上锁，再焊要重新扫码。",
        "Nobody answers for work outside the permission. The machine locks after the arc; more work needs a new scan.",
    ),
    "D01": Words(
        "没人扫码，可能绕过芯片接了线。到场看接线和封签，问清谁在焊。",
        "Nobody scanned: possibly wired past the chip. Go and check wiring and seal, and ask who is welding.",
    ),
    "D05": Words(
        "可能有第二块一样的芯片，也可能芯片坏了。到场核对芯片编号和封签。",
        "A second chip of this name, or a faulty one. Check the chip's number and the seal on site.",
    ),
    "D06": Words(
        "没通电，还是拆了，不知道。先打电话问单位，再去看机器。",
        "Unplugged or removed: unknown. Call the enterprise first, then look at the machine.",
    ),
    "E02": Words(
        "接触器合着，没有对应的许可，不知道谁在焊。停弧后机器上锁，到场核对。",
        "The contact is closed without a permission; who welds is unknown. The machine locks after the arc; check on site.",
    ),
    "O01": Words(
        "疑似运营商或供电故障；单机失联先不报，恢复后这条自己关闭。先打电话问运营商和供电。",
        "Probably the carrier or the power; single alerts are held back, and this one closes when they return. "
        "Call the carrier and the power company first.",
    ),
}


def _about(told: Told) -> Words | None:
    """The first reason that this alert is about."""
    known = {**_PAPERS, **_PERSON}
    reasons = [str(reason) for reason in _list(told.evidence.get("reasons"))]
    return next((known[reason] for reason in reasons if reason in _ABOUT[told.code]), None)


def _amps(told: Told) -> int | None:
    """The highest current that was measured; without decimals."""
    peak = told.evidence.get("peak_a")
    return round(abs(peak)) if isinstance(peak, int | float) and not isinstance(peak, bool) else None


def _lasted(told: Told) -> Words | None:
    span = told.last_at - told.since
    return Words(*_length(span)) if span >= timedelta(seconds=1) else None


def _zh(lasted: Words | None, before: str) -> str:
    return before + lasted.zh if lasted else ""


def _en(lasted: Words | None, before: str) -> str:
    return before + lasted.en if lasted else ""


def _length(span: timedelta) -> tuple[str, str]:
    """How long: hours and minutes above one hour, minutes and seconds below."""
    seconds = int(span.total_seconds())
    hours, minutes = divmod(seconds // 60, 60)
    if hours:
        return (
            (f"{hours} 小时 {minutes} 分", f"{hours} h {minutes} min") if minutes else (f"{hours} 小时", f"{hours} h")
        )
    if not minutes:
        return f"{seconds} 秒", f"{seconds} s"
    rest = seconds % 60
    return (f"{minutes} 分 {rest} 秒", f"{minutes} min {rest} s") if rest else (f"{minutes} 分", f"{minutes} min")


def _clock(at: datetime, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%H:%M}"


def _ms(value: object) -> datetime | None:
    found = _ms_of(value)
    return None if found is None else datetime.fromtimestamp(0, UTC) + found


def _ms_of(value: object) -> timedelta | None:
    return timedelta(milliseconds=value) if isinstance(value, int) and not isinstance(value, bool) else None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else ()
