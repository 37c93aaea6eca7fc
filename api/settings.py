"""What the api reads from the environment, once. Refuses passwords and keys: they come with the composition."""

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from weld.kit.settings import PORTS, Settings


class ApiSettings(Settings):
    """WELDGATE_API_...; times in the unit of the name."""

    api_host: str = Field(default="127.0.0.1", description="Where people reach the api")
    api_port: int = Field(default=PORTS["api"], ge=0, le=65535, description="0 = a free port")
    public_url: str = Field(
        default="http://127.0.0.1:8700",
        pattern=r"^https?://[^/]+$",
        description="Where people reach us; stands on every plate",
    )
    installation_name: str = Field(default="焊码通", description="The name above the screens and on plates")
    hotline: str = Field(default="", description="The number to call, on plates and pages")
    map_owner: str = Field(default="", description="Who answers for the base map; shown on every map")
    map_approval: str = Field(default="", description="The map's approval number (审图号); shown on every map")
    map_folder: Path | None = Field(
        default=None, description="The authority's own base map, file by file instead of ours"
    )
    pages_folder: Path | None = Field(default=None, description="Built pages instead of those in the package")
    demo: bool = Field(default=False, description="A demonstration: pages say so; loopback only")
    api_trusted_proxies: str = Field(
        default="", description="Addresses, with commas, of reverse proxies whose X-Forwarded-For is believed"
    )
    api_pool_size: int = Field(default=8, ge=1, le=100, description="Connections to the database")
    access_rules: Path | None = Field(
        default=None, description="A file of dated access rules instead of the shipped one"
    )
    retention: Path | None = Field(
        default=None, description="A file of dated retention rules instead of the shipped one"
    )

    api_code_lasts_s: int = Field(default=300, ge=30, le=3600, description="How long a one-time code is good")
    api_code_tries: int = Field(default=5, ge=1, le=10, description="How often a code may be tried")
    api_codes_window_s: int = Field(default=900, ge=60, le=86400, description="Over which the next two are counted")
    api_codes_per_phone: int = Field(default=5, ge=1, le=100, description="Codes for one phone in the window")
    api_codes_per_address: int = Field(
        default=60, ge=1, le=100_000, description="Codes from one address in the window; carriers share addresses"
    )
    api_code_wait_s: int = Field(
        default=30,
        ge=0,
        le=600,
        description="After two codes that nobody used the next waits so long, then twice that, ...",
    )
    sms_url: str = Field(
        default="",
        pattern=r"^(https://.+|http://(127\.0\.0\.1|localhost)[:/].*)?$",
        description="Codes go to this address (HTTP POST of JSON); without it they stand on the console",
    )
    sms_body: str = Field(
        default='{"phone": "{phone}", "text": "【焊码通】验证码 {code}，{minutes} 分钟内有效，别告诉任何人。"}',
        description="What is posted: JSON with {phone}, {code} and {minutes} in its texts",
    )
    sms_authorization_file: Path | None = Field(
        default=None, description="A file with the value of the Authorization header for it"
    )
    sms_within_s: float = Field(default=5.0, gt=0, le=60, description="It has to answer within this time")
    api_device_wait_s: int = Field(
        default=7200,
        ge=0,
        le=604800,
        description="A worker's new device starts nothing for so long, unless an old one allows it",
    )
    api_sign_in_lasts_s: int = Field(default=8 * 3600, ge=60, le=86400, description="How long a worker stays signed in")

    api_staff_sign_in_lasts_s: int = Field(
        default=8 * 3600, ge=60, le=86400, description="How long an officer stays signed in at a screen"
    )
    api_staff_idle_s: int = Field(
        default=3600, ge=60, le=86400, description="Without a request for this long: signed out"
    )
    api_staff_rotate_s: int = Field(
        default=7200, ge=60, le=86400, description="A screen gets another token this often; also at every fresh proof"
    )
    api_staff_grace_s: int = Field(
        default=15, ge=1, le=60, description="For so long the token of before is good, for requests under way"
    )
    sso_issuer: str = Field(
        default="",
        pattern=r"^(https://[^?#]+|http://(127\.0\.0\.1|localhost)(:\d+)?[^?#]*)?$",
        description="The OpenID Connect issuer of the single sign-on; without it there is none",
    )
    sso_client_id: str = Field(default="", description="Our client there")
    sso_client_secret_file: Path | None = Field(default=None, description="A file with its secret, if it has one")
    sso_name: str = Field(default="政务统一身份认证", description="What the button says")
    sso_ca_file: Path | None = Field(
        default=None, description="A file with the authorities that vouch for it, where the system's do not"
    )
    sso_within_s: float = Field(default=5.0, gt=0, le=60, description="It has to answer within this time")
    api_step_up_lasts_s: int = Field(
        default=300, ge=30, le=3600, description="How long a fresh proof counts for dangerous actions"
    )
    api_staff_wrong_window_s: int = Field(default=900, ge=60, le=86400, description="Over which the next is counted")
    api_staff_wrong_per_address: int = Field(
        default=50, ge=5, le=100_000, description="Wrong sign-ins of officers from one address in the window"
    )
    api_reveals_window_s: int = Field(default=3600, ge=60, le=86400, description="Over which the next is counted")
    api_reveals_per_officer: int = Field(
        default=20, ge=1, le=10_000, description="Numbers in full that one officer is shown in the window"
    )
    api_own_copy_within_s: int = Field(
        default=600, ge=60, le=86400, description="After a sign-in a worker may take a copy of his own data for so long"
    )

    api_live_every_s: float = Field(default=1.0, gt=0, le=60, description="How often the live stream looks for changes")
    api_figures_every_s: float = Field(default=5.0, gt=0, le=600, description="How often the figures are counted anew")
    api_streams_per_officer: int = Field(default=8, ge=1, le=100, description="Open live streams of one officer")

    api_attempts_per_minute: int = Field(default=10, ge=1, le=1000, description="Attempts to unlock of one worker")
    api_lock_lasts_s: int = Field(default=86400, ge=60, le=604800, description="A lock is sent again for this long")
    api_end_lasts_s: int = Field(default=3600, ge=60, le=86400, description="An end of a session, likewise")
    api_recheck_every_s: float = Field(
        default=5.0, gt=0, le=600, description="How often work that runs is judged again after a change of papers"
    )

    register_url: str = Field(
        default="",
        pattern=r"^(https?://[^/@?#]+(/[^?#]*)?)?$",
        description="The issuer's register over HTTP, asked about certificates by POST; empty: nobody is asked",
    )
    register_hosts: str = Field(default="", description="Hosts, with commas, that the register's address may name")
    register_key_file: Path | None = Field(default=None, description="A file with the key for the register")
    register_timeout_s: float = Field(default=5.0, gt=0, le=60, description="One question takes so long at most")
    register_keep_s: int = Field(
        default=86400,
        ge=0,
        le=86400,
        description="How long an answer may stand for one that does not come, marked as stale",
    )
    register_recheck_days: int = Field(default=7, ge=1, le=365, description="A certificate is asked about this often")
    register_every_s: float = Field(default=60.0, gt=0, le=86400, description="A round of questions so often")
    register_batch: int = Field(default=60, ge=1, le=10_000, description="Questions in one round, one after another")

    api_body_bytes: int = Field(default=64 * 1024, ge=1024, description="The largest request body")
    api_imports: bool = Field(
        default=True, description="Work on imports too; false on an api that shall serve people only"
    )
    api_import_bytes: int = Field(default=256 << 20, ge=1024, description="The largest CSV of an import")
    api_import_workbook_bytes: int = Field(
        default=64 << 20, ge=1024, description="The largest XLSX, which is read as a whole"
    )
    api_import_rows: int = Field(default=1_000_000, ge=1, description="The most rows of an import")
    api_imports_open: int = Field(
        default=20, ge=1, le=1000, description="Imports of one scope that are not at their end"
    )
    api_exports_at_once: int = Field(
        default=4, ge=1, le=100, description="Exports of records at once in one api; of one officer always one"
    )
    api_stream_poll_s: float = Field(default=2.0, gt=0, le=60, description="How often a stream looks without a hint")
    api_stream_heartbeat_s: float = Field(default=15.0, gt=0, le=60, description="A comment line when nothing happens")
    api_streams_per_worker: int = Field(default=4, ge=1, le=100, description="Open streams of one worker")
    api_clock_off_max_s: float = Field(default=2.0, gt=0, description="Further off the database's clock: not ready")
    api_stop_within_s: int = Field(default=5, ge=1, le=9, description="Open requests get this long at the end")

    @model_validator(mode="after")
    def _the_single_sign_on_is_whole(self) -> Self:
        if self.sso_issuer and not self.sso_client_id:
            raise ValueError("sso_client_id: an issuer needs a client")
        return self
