"""How soon a certificate ends, in the buckets of a desk: what to renew this month, next month, later.

By the same last day as every decision, which a re-examination may set before the end. Refuses to count what the issuer has
withdrawn or nobody has verified as something to renew.
"""

from datetime import date
from typing import Literal, get_args

from weld.core.certificate import Certificate, CertificateRules, last_day, status_by_date

Bucket = Literal["expired", "review_overdue", "within_30", "within_60", "within_90", "later", "not_in_force"]

BUCKETS: tuple[Bucket, ...] = get_args(Bucket)


def bucket(certificate: Certificate, day: date, rules: CertificateRules) -> Bucket:
    """The one bucket of this certificate on this day; the last day itself is not over."""
    if certificate.registered != "verified":
        return "not_in_force"
    by_date = status_by_date(certificate, day, rules)
    if by_date in {"expired", "review_overdue"}:
        return by_date
    left = (last_day(certificate, rules) - day).days
    if left <= 30:
        return "within_30"
    if left <= 60:
        return "within_60"
    return "within_90" if left <= 90 else "later"
