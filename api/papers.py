"""A certificate as it leaves: masked, with how it stands today. The one place where its number is opened.

Refuses to decide how it stands: weld.core.certificate does.
"""

from datetime import date
from zoneinfo import ZoneInfo

from schemas import http
from weld.core import certificate, mask
from weld.core.certificate import CertificateRules
from weld.store import fields
from weld.store.vault import Vault
from weld.store.workers import CertificateRow, PaperRow

# A day or two more or less of a register's answer change no standing: lists need no zone of each worker.
_ZONE = "Asia/Shanghai"


def held(row: CertificateRow | PaperRow, zone: str = _ZONE) -> certificate.Certificate:
    """The row as the rules see it; the day of the register's answer is that of `zone`."""
    return certificate.Certificate(
        id=row.id,
        kind=row.kind,
        category=row.category,
        item=row.item,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        review_due=row.review_due,
        registered=row.status,
        clean_record=row.clean_record,
        checked_on=None if row.checked_at is None else row.checked_at.astimezone(ZoneInfo(zone)).date(),
    )


def shown(row: CertificateRow | PaperRow, vault: Vault, rules: CertificateRules, today: date) -> http.CertificateView:
    """What a screen gets of it."""
    paper = held(row)
    status = certificate.status(paper, today, rules)
    return http.CertificateView(
        id=row.id,
        kind=row.kind,
        number=mask.mask_identity(vault.open(fields.CERTIFICATE_NUMBER, row.id, row.number_sealed)),
        category=row.category,
        item=row.item,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        review_due=row.review_due,
        last_day=certificate.last_day(paper, rules),
        status=status,
        usable=status in certificate.USABLE,
        issuer=row.issuer,
    )
