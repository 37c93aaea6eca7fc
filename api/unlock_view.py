"""Unlocks and sessions as they leave: rows turned into bodies. Refuses to decide: where an unlock stands is core's word."""

from datetime import datetime

from schemas import http
from weld.core import unlocking
from weld.core.unlocking import Progress
from weld.store.grants import UnlockRow
from weld.store.sessions import SessionRow


def look_at(row: UnlockRow, now: datetime) -> http.Unlock:
    """One unlock as it stands now."""
    progress = _progress(row)
    return http.Unlock(
        id=row.id,
        plate=row.plate,
        state=unlocking.state(progress, now),
        presence="button" if row.presence == "button" else "none",
        checks=[http.Check(**check) for check in row.checks],
        session=row.session,
        sent_unconfirmed=unlocking.sent_unconfirmed(progress, now),
        created_at=row.created_at,
        click_before=row.click_before,
        expires_at=row.expires_at,
        closed_at=row.closed_at,
        ends_at=row.ends_at or row.expires_at,
        ended_at=row.session_closed_at or row.ended_at,
        reason=row.session_end_reason or unlocking.reason(progress, now),
        arc_ms=row.arc_ms,
    )


def session(row: SessionRow) -> http.Session:
    """One session."""
    words = row._asdict()
    words["unlock"] = words.pop("grant_id")
    return http.Session(**words)


def _progress(row: UnlockRow) -> Progress:
    return Progress(
        created_at=row.created_at,
        granted=row.state == "live",
        end_reason=row.end_reason,
        armed=row.armed_at is not None,
        contact_closed=row.closed_at is not None,
        session_open=row.session_state == "open",
        command=row.command_state,
        command_reason=row.command_reason,
        click_before=row.click_before,
        sent=row.first_sent_at is not None,
    )
