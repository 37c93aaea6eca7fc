"""What an alert says: with the number, in the clock of the place, in both languages, and less where evidence is missing."""

import re
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from weld.core.catalogue import ALERTS
from weld.core.sentence import Told, sentence, why

AT = datetime(2026, 11, 23, 0, 31, 4, tzinfo=UTC)  # 08:31:04 in Anyang
LASTED = timedelta(minutes=4, seconds=12)
MEASURED = {"boot": 3, "seq": 128, "peak_a": 131.4, "contact": "open", "rules_version": 1}
REFUSED = {"refusal": "r", "reasons": ["no_certificate", "machine_offline"], "live_on": []}


def told(code: str, evidence: dict[str, Any], lasted: timedelta = LASTED, **words: Any) -> Told:
    usual: dict[str, Any] = {"occurrences": 1, "historical": False, "zone": ZoneInfo("Asia/Shanghai")}
    return Told(code, evidence, AT, AT + lasted, **(usual | words))


@pytest.mark.parametrize(
    ("alert", "zh", "en"),
    [
        (
            told("D01", MEASURED),
            "机器上锁，却有 131 A 焊接电流，持续 4 分 12 秒。",
            "Locked, yet 131 A of welding current for 4 min 12 s.",
        ),
        (told("D01", {}, timedelta(0)), "机器上锁，却有焊接电流。", "Locked, yet there is welding current."),
        (
            told("E02", MEASURED | {"contact": "closed"}, timedelta(seconds=9)),
            "没有开机许可，却在焊，电流 131 A，持续 9 秒。",
            "Welding without a permission at 131 A for 9 s.",
        ),
        (
            told("B02", MEASURED, timedelta(minutes=12)),
            "许可到期后还在焊：08:31 到 08:43，电流 131 A。",
            "Still welding after the permission ended: 08:31 to 08:43 at 131 A.",
        ),
        (
            told("B02", {}, timedelta(seconds=2)),
            "许可到期后还在焊：08:31。",
            "Still welding after the permission ended: 08:31.",
        ),
        (
            told("D05", {"boot": 3, "seq": 128, "at_ms": 1}),
            "芯片第 3 次启动的第 128 条消息来了两份，内容不一样。",
            "Message 128 of the chip's boot 3 came twice with different content.",
        ),
        (
            told("D06", {"last_heard_ms": int(AT.timestamp() * 1000), "arc_ms_30d": 43_500_000}),
            "11-23 08:31 之后没有消息，那之前 30 天焊了 12 小时 5 分。",
            "Silent since 11-23 08:31, after 12 h 5 min of arc in 30 days.",
        ),
        (
            told("A01", REFUSED),
            "没查到他的焊接作业证，扫码没开成。",
            "No welding certificate of theirs was found; one start was stopped.",
        ),
        (
            told("A01", REFUSED, occurrences=3),
            "没查到他的焊接作业证，扫码 3 次，都没开成。",
            "No welding certificate of theirs was found; 3 starts were stopped.",
        ),
        (
            told("A03", REFUSED | {"reasons": ["review_overdue"]}),
            "该复审没复审，扫码没开成。",
            "The re-examination is overdue; one start was stopped.",
        ),
        (
            told("A09", REFUSED | {"live_on": ["410502A000000002060", "410502A0000001745X"]}),
            "同一张证正在尾号 2060、745X 开着机，又扫了这一台。",
            "The certificate is in use on machine …2060, …745X and scanned this one too.",
        ),
        (
            told("A02", {"unlock": "u", "days_left": 45}),
            "焊接作业证再过 45 天到期或该复审。",
            "A welding certificate ends or is due for re-examination in 45 days.",
        ),
        (
            told("A04", REFUSED | {"reasons": ["certificate_expired", "certificate_revoked"]}),
            "发证机关已撤销这张证，扫码没开成。",
            "The issuer has revoked the certificate; one start was stopped.",
        ),
        (
            told("A03", {"unlock": "u", "ending": "after_arc", "reasons": ["certificate_expired"]}),
            "证已过期；正在作业，已安排停弧后上锁。",
            "The certificate has expired; the machine in use was ordered to lock once the arc ends.",
        ),
        (
            told("A05", {"unlock": "u", "ending": "at_once", "reasons": ["certificate_suspected_fake"]}),
            "证的真假要核对；正在作业，已安排马上上锁。",
            "The certificate needs checking against the original; the machine in use was ordered to lock at once.",
        ),
        (
            told("A08", {"unlock": "u", "reasons": ["off_post"]}),
            "离开焊接岗位满六个月，这次照常开机。",
            "Six months or more away from welding; the machine was started all the same.",
        ),
        (
            told("O01", {"chips": 2000, "online_before": 1240, "online_now": 310}),
            "930 台同时失联，在线从 1,240 台降到 310 台。",
            "930 machines went offline at once: 310 of 1,240 are left.",
        ),
    ],
)
def test_what_happened_with_its_number(alert: Told, zh: str, en: str) -> None:
    assert (sentence(alert).zh, sentence(alert).en) == (zh, en)


def test_the_clock_is_that_of_the_place() -> None:
    assert "05:31" in sentence(told("B02", {}, timedelta(0), zone=ZoneInfo("Asia/Karachi"))).zh


def test_long_spans_are_said_in_hours() -> None:
    assert "持续 1 小时 41 分" in sentence(told("D01", {}, timedelta(hours=1, minutes=41, seconds=5))).zh
    assert "持续 2 小时。" in sentence(told("D01", {}, timedelta(hours=2))).zh
    assert "持续 3 分。" in sentence(told("D01", {}, timedelta(minutes=3))).zh


ODD: list[dict[str, Any]] = [
    {},
    dict.fromkeys((*MEASURED, *REFUSED, "last_heard_ms", "arc_ms_30d", "at_ms")),
    {"peak_a": "x", "reasons": "x", "live_on": 5, "last_heard_ms": "x", "arc_ms_30d": True, "boot": 1},
    {"peak_a": True, "reasons": ["surprise", 4], "live_on": ["A"]},
]


@pytest.mark.parametrize(("code", "evidence"), list(product((*ALERTS, "H01"), ODD)))
def test_odd_evidence_says_less_and_never_fails(code: str, evidence: dict[str, Any]) -> None:
    for alert in (told(code, evidence), told(code, evidence, timedelta(0), historical=True, occurrences=7)):
        for said in (sentence(alert), why(alert)):
            assert said.zh.endswith("。")
            assert said.en.endswith(".")
            assert not re.search(r"None|True|null|！|!|严禁|必须|违法|您|用户", said.zh + said.en)
            assert "  " not in said.zh + said.en


@pytest.mark.parametrize("code", ALERTS)
def test_every_alert_says_why_it_matters_and_what_is_done(code: str) -> None:
    found = why(told(code, MEASURED))
    assert len(found.zh) > 15
    assert found.zh.count("。") >= 2
    past = why(told(code, MEASURED, historical=True))
    assert "不响铃" in past.zh
    assert "上锁" not in past.zh  # nothing was ordered of the machine
