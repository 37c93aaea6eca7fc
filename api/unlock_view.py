"""Unlocks and sessions as they leave: rows turned into bodies. Refuses to decide: where an unlock stands is core's word."""

from datetime import datetime

from schemas import http
from weld.core import mask, unlocking
from weld.core.unlocking import Progress
from weld.store import fields
from weld.store.grants import UnlockRow
from weld.store.sessions import SessionRow
from weld.store.vault import Vault


def look_at(row: UnlockRow, now: datetime) -> http.Unlock:
    """One unlock as it stands now."""
    progress = _progress(row)
    return http.Unlock(
        id=row.id,
        plate=row.plate,
        state=unlocking.state(progress, now),
        presence="button" if row.presence == "button" else "none",
        checks=[http.Check(**check) for check in row.checks],
        warnings=row.warnings,
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
        machine=row.machine or "",
        reported=row.reported,
        online=row.online,
        current_a=row.current_a,
        heard_at=row.heard_at,
        idle_lock_s=None,  # the chip's own setting: neither the ticket nor the chip tells it
    )


def session(row: SessionRow, vault: Vault | None = None) -> http.Session:
    """One session; the worker's name masked, where there is a vault to open it with."""
    words = row._asdict()
    words["unlock"] = words.pop("grant_id")
    sealed = words.pop("name_sealed")
    words["worker_name"] = None
    if vault is not None and sealed is not None and row.worker is not None:
        words["worker_name"] = mask.mask_name(vault.open(fields.WORKER_NAME, row.worker, sealed))
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
