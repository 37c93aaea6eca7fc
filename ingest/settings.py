"""Settings of the ingest process, read once where it starts."""

from pydantic import Field

from weld.kit.settings import Settings


class IngestSettings(Settings):
    """What ingest needs beside the common settings."""

    batch_messages: int = Field(default=4000, ge=1, le=20_000, description="Most messages in one transaction")
    gather_ms: float = Field(
        default=20.0, ge=0, le=1000, description="How long a busy worker lets a batch gather; a quiet one does not wait"
    )
    lanes: int = Field(
        default=2, ge=1, le=16, description="Transactions at once, each with a connection and its part of the groups"
    )
    inbox_messages: int = Field(default=20_000, ge=1, description="Above this many waiting messages reading stops")
    lease_s: float = Field(default=5.0, gt=0.5, description="How long a group stays ours without a renewal")
    ingest_clock_off_max_s: float = Field(
        default=2.0,
        gt=0,
        description="More off the database's clock, and a worker goes by its own steady time and takes no groups",
    )
    stored_after_s: float = Field(
        default=30.0, ge=0.1, le=50, description="At most one `stored` per chip in this time (P13)"
    )
    stored_a_second: int = Field(
        default=1000, ge=1, description="Most `stored` a worker says in a second: each costs a signature"
    )
    resend_after_s: float = Field(
        default=5.0, gt=0, description="How long a gap may fill by itself before we ask (P14)"
    )
    heartbeat_s: int = Field(default=300, ge=10, description="Heartbeat interval told to chips at boot (P5)")
    watch_every_s: float = Field(
        default=5.0, gt=0, description="How often overdue grants and silent chips are looked for"
    )
