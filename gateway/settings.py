"""Settings of the gateway process, read once where it starts."""

from pydantic import Field

from weld.kit.settings import Settings


class GatewaySettings(Settings):
    """What the gateway needs beside the common settings."""

    poll_s: float = Field(default=1.0, gt=0, description="How often the queue is looked at without a hint")
    send_again_s: float = Field(default=5.0, gt=0, description="Without an answer for so long the same bytes go again")
    batch_commands: int = Field(default=50, ge=1, le=1000, description="Most commands taken at once")
