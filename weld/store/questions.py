"""The questions that must be answered at once however large the store is, each by its name: what `weldgate bench store` measures.

Each runs in a transaction that has a scope (weld.store.connect.scoped) and costs what its answer costs. Refuses to hold any of
them: they stand with what they are about.
"""

from weld.store.alerts import Wanted as WantedAlerts
from weld.store.alerts import waiting as alert_queue
from weld.store.curves import current_curve
from weld.store.history import timeline_year
from weld.store.sessions import Wanted as WantedSessions
from weld.store.sessions import search as sessions
from weld.store.totals import connection_rate, division_month

ASK = {
    "timeline_year": timeline_year,
    "current_curve": current_curve,
    "sessions": sessions,
    "alert_queue": alert_queue,
    "division_month": division_month,
    "connection_rate": connection_rate,
}
NAMES = tuple(ASK)

__all__ = [
    "ASK",
    "NAMES",
    "WantedAlerts",
    "WantedSessions",
    "alert_queue",
    "connection_rate",
    "current_curve",
    "division_month",
    "sessions",
    "timeline_year",
]
