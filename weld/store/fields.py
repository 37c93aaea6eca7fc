"""The names that personal fields and secrets are sealed and indexed under. Refuses to be changed: old values would not open."""

from typing import Final

WORKER_NAME: Final = "worker.name"
WORKER_IDENTITY: Final = "worker.identity"
WORKER_PHONE: Final = "worker.phone"
CERTIFICATE_NUMBER: Final = "certificate.number"
ENDPOINT_SECRET: Final = "endpoint.secret"  # noqa: S105 - the name of a field, not a secret
OFFICER_TOTP: Final = "officer.totp"
OFFICER_LOGIN: Final = "officer.login"
IMPORT_PART: Final = "import.part"
IMPORT_ROWS: Final = "import.rows"
