"""Settings that all processes share, and the one table of default ports.

Each process has a frozen model of its own that extends `Settings`; it is read once where the process starts and handed
on as an argument. Refuses to read `.env` by itself (what counts is the environment), and to print secrets.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


def _groups_unless_told(given: dict[str, Any]) -> int:
    return min(8, int(given.get("shards", 8)))


PORTS: Mapping[str, int] = MappingProxyType(
    {
        "api": 8700,
        "ingest": 8711,
        "gateway": 8712,
        "dispatch": 8713,
        "maintain": 8714,
        "simulator": 8715,
        "demo": 8720,
        "mqtt_chips": 18830,
        "mqtt_platform": 18831,
        "mqtt_tls": 18883,
    }
)
"""Where everything listens unless told otherwise; the processes' own numbers are their doors. 0 = a free port."""


class Settings(BaseSettings):
    """What every process reads from WELDGATE_... in the environment."""

    model_config = SettingsConfigDict(env_prefix="WELDGATE_", frozen=True, extra="ignore", hide_input_in_errors=True)

    database_url: SecretStr | None = Field(
        default=None, description="An existing PostgreSQL (postgresql://...); without it the embedded one is used"
    )
    mqtt_url: SecretStr | None = Field(
        default=None, description="An existing broker (mqtt://user:password@host:port); without it one is started"
    )
    door_port: int | None = Field(
        default=None, ge=0, le=65535, description="Port of /live, /ready, /metrics; 0 = a free one, unset = the table's"
    )
    shards: int = Field(
        default=64, ge=1, le=256, description="Into how many streams the work is divided; fixed for life"
    )
    groups: int = Field(
        default_factory=_groups_unless_told,
        ge=1,
        le=256,
        description="In so many groups ingest leases and reads the shards; at most one a shard",
    )
    log_json: bool = Field(default=False, description="Logs as one JSON object a line (production) instead of text")

    @model_validator(mode="after")
    def _every_group_has_a_shard(self) -> Self:
        if self.groups > self.shards:
            raise ValueError(f"groups: {self.groups} groups cannot be made of {self.shards} shards")
        return self
