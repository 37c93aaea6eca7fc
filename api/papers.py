"""A certificate as it leaves: masked, with how it stands today. The one place where its number is opened.

Refuses to decide how it stands: weld.core.certificate does.
"""

from datetime import date

from schemas import http
from weld.core import certificate, mask
from weld.core.certificate import CertificateRules
from weld.store import fields
from weld.store.vault import Vault
from weld.store.workers import CertificateRow, PaperRow


def held(row: CertificateRow | PaperRow) -> certificate.Certificate:
    """The row as the rules see it."""
    return certificate.Certificate(
        row.id, row.kind, row.category, row.item, row.valid_from, row.valid_to, row.review_due, row.status
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
