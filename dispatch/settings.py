"""Settings of the dispatch process, read once where it starts."""

from pathlib import Path

from pydantic import Field, field_validator

from weld.core.address import Entry
from weld.core.retry import Policy
from weld.kit.settings import Settings


class DispatchSettings(Settings):
    """What dispatch needs beside the common settings."""

    webhook_allow: str = Field(
        default="",
        description="Where webhooks may go, separated by commas: networks (10.20.0.0/16), hosts, either with :port; "
        "a host covers public addresses only; nothing is allowed by default",
    )
    webhook_ca_file: Path | None = Field(
        default=None,
        description="Certificates (PEM) that webhook endpoints are checked with, instead of the usual ones",
    )
    webhook_timeout_s: float = Field(default=10.0, gt=0, le=25, description="Longest time of one attempt, all told")
    webhooks_at_once: int = Field(default=128, ge=1, le=1000, description="Most attempts at the same time")
    webhooks_per_endpoint: int = Field(default=4, ge=1, le=100, description="Most of them to one endpoint")
    webhook_finish_s: float = Field(
        default=7.0, ge=0, le=8, description="How long a stopping process waits for the attempts under way"
    )
    delivery_lease_s: float = Field(default=30.0, gt=0, description="After this another process takes a delivery over")
    dispatch_poll_s: float = Field(default=2.0, gt=0, description="How often work is looked for without a hint")
    retry_delays_s: tuple[float, ...] = Field(
        default=Policy().delays_s, min_length=1, description="Waiting times after the first, second, ... failed attempt"
    )
    retry_give_up_after_s: float = Field(
        default=Policy().give_up_after_s, ge=0, description="A delivery that failed for so long is dead"
    )

    @field_validator("webhook_allow")
    @classmethod
    def _is_a_list(cls, text: str) -> str:
        _entries(text)
        return text

    @property
    def allowed(self) -> tuple[Entry, ...]:
        """The allow-list, read."""
        return _entries(self.webhook_allow)

    @property
    def policy(self) -> Policy:
        """When attempts are repeated."""
        return Policy(delays_s=self.retry_delays_s, give_up_after_s=self.retry_give_up_after_s)


def _entries(text: str) -> tuple[Entry, ...]:
    return tuple(Entry.parse(entry) for entry in text.split(",") if entry.strip())
