"""The figures above the map, counted under the caller's scope.

A start is a session that was opened under a permission; a refused one is a stored refusal, named by its first reason. Days are
days of Asia/Shanghai, whatever the divisions' zones: one screen has one midnight. Refuses to remember: each asking counts.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from api.parts import Parts
from schemas import live
from weld.core import look as looks
from weld.core.reasons import REASONS
from weld.core.standing import EXPIRING
from weld.store import access_rules, figures
from weld.store.connect import Conn
from weld.store.figures import KindYears, Span, WorkerCounts

_ZONE = ZoneInfo("Asia/Shanghai")
_DAY = timedelta(days=1)


async def count(conn: Conn, parts: Parts, now: datetime) -> live.Figures:
    """All figures as they stand now."""
    span = _span(now)
    machines = await figures.machines(conn, looks.words("arcing"))
    workers = await _workers(conn, parts, now)
    sessions = await figures.sessions(conn, span)
    by_hour = await figures.starts_by_hour(conn, span)
    refused = await figures.refusals(conn, span)
    alerts = await figures.alerts(conn)
    return live.Figures(
        at=now,
        machines=machines.machines,
        chipped=machines.chipped,
        online=machines.online,
        open_sessions=sessions.open,
        arcing=machines.arcing,
        workers=workers.workers,
        workers_usable=workers.usable,
        workers_expiring=workers.expiring,
        starts_today=sum(today for today, _ in by_hour.values()),
        starts_same_time_yesterday=await figures.starts_between(conn, span.yesterday, span.same_time),
        refused_today=sum(today for today, _ in refused.values()),
        refused_same_time_yesterday=sum(before for _, before in refused.values()),
        alerts_open=sum(level for level, _ in alerts.values()),
        levels=[_level(number, *alerts.get(number, (0, 0))) for number in (1, 2, 3, 4)],
        stopped=_stopped({code: today for code, (today, _) in refused.items() if today}),
        hours=[_hour(number, *by_hour.get(number, (0, 0))) for number in range(24)],
        known_ms_today=sessions.known_ms,
        contact_ms_today=sessions.contact_ms,
    )


def _span(now: datetime) -> Span:
    midnight = now.astimezone(_ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    return Span(midnight, midnight + _DAY, midnight - _DAY, now - _DAY, midnight - 7 * _DAY, _ZONE.key)


async def _workers(conn: Conn, parts: Parts, now: datetime) -> WorkerCounts:
    today = now.astimezone(_ZONE).date()
    kinds = access_rules.in_force(parts.rules, today).certificates.kinds
    years = [KindYears(kind, rules.valid_years, rules.review_years) for kind, rules in kinds.items()]
    return await figures.workers(conn, today, today + EXPIRING, years)


def _level(level: int, found: int, unsigned: int) -> live.Level:
    return live.Level(level=level, open=found, unsigned=unsigned)


def _hour(hour: int, today: int, week_ago: int) -> live.Hour:
    return live.Hour(hour=hour, today=today, week_ago=week_ago)


def _stopped(counts: dict[str, int]) -> list[live.Stopped]:
    """Reasons with their texts, the most frequent first."""
    found = []
    for code, times in sorted(counts.items(), key=lambda one: (-one[1], one[0])):
        text = REASONS[code].text if code in REASONS else None
        zh, en = (text.zh, text.en) if text else (code, code)
        found.append(live.Stopped(code=code, text_zh=zh, text_en=en, count=times))
    return found
