"""The bodies of our webhooks (Standard Webhooks 1.0.0): what an enforcement team's own system receives.

Thin and without personal data: who welded is asked for over the API, where it is audited. Receivers deduplicate by the
header `webhook-id`. Refuses to sign: dispatch does.
"""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

MAX_BODY_BYTES = 20_000
"""Standard Webhooks: below 20 KB."""


class AlertData(BaseModel):
    """An alert as it stood when the fact was sent on. Fields may be added; receivers ignore those that they do not know."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    alert: UUID
    code: Annotated[str, Field(pattern=r"^[A-HO][0-9]{2}$")]
    level: Annotated[int, Field(ge=1, le=4, description="1 red (act now) to 4 blue (notice)")]
    name_zh: str
    name_en: str
    plate: str | None = Field(description="None where no machine is bound to the chip")
    chip: str | None
    division: str | None
    enterprise: UUID | None
    session: UUID | None
    since: AwareDatetime
    raised_at: AwareDatetime
    live: bool = Field(description="False where the platform learnt of it late")
    late_by_ms: Annotated[int, Field(ge=0)]
    occurrences: Annotated[int, Field(ge=1)]
    evidence: dict[str, Any] = Field(description="What was measured; keys depend on the code")
    evidence_cut: bool = Field(default=False, description="The evidence was too long: ask the API for it")
    closed_at: AwareDatetime | None = None
    outcome: Literal["confirmed", "false_alarm", "test", "other"] | None = None


class AlertWebhook(BaseModel):
    """The whole body."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    type: Literal["alert.opened", "alert.closed"]
    timestamp: AwareDatetime = Field(description="When it happened")
    data: AlertData
