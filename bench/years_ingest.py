"""The ingest process as the year runs it: the same as everywhere, on the moved clock of chaos, and every commit's time kept.

The metrics have buckets; a stall shows in the one batch that was slowest. At its end it writes what each batch took, in
milliseconds, to the file that YEARS_TOOK names. Refuses to run without it: nobody gets here by mistake.
"""

import json
import os
import sys
from pathlib import Path

from bench.chaos import ingest
from ingest import counters

TOOK_FILE = "YEARS_TOOK"


class Kept:
    """In the place of a histogram: it is told the same, and keeps every value beside."""

    def __init__(self, told: object) -> None:
        self._tell = told.observe  # type: ignore[attr-defined]  # a histogram of the metrics door
        self.values: list[float] = []

    def observe(self, value: float) -> None:
        """One batch."""
        self._tell(value)
        self.values.append(round(value, 2))


def run() -> int:
    """Until told to stop."""
    file = Path(os.environ[TOOK_FILE])
    commits, lags = Kept(counters.COMMIT_MS), Kept(counters.LAG_MS)
    counters.COMMIT_MS, counters.LAG_MS = commits, lags  # type: ignore[assignment]
    code = ingest.run()
    file.write_text(json.dumps({"commit_ms": commits.values, "lag_ms": lags.values}))
    return code


if __name__ == "__main__":
    sys.exit(run())
