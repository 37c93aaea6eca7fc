"""Certificates and rules for the tests of the core: the shipped rules, and one sound certificate to change."""

from datetime import date
from uuid import UUID

from weld.core.certificate import Certificate
from weld.store import access_rules

RULES = access_rules.load()[-1]
TODAY = date(2026, 11, 22)

OPERATION = Certificate(
    id=UUID(int=1),
    kind="operation",
    category="焊接与热切割作业",
    item="熔化焊接与热切割作业",
    valid_from=date(2024, 5, 10),
    valid_to=date(2030, 5, 9),
    review_due=date(2027, 5, 9),
    registered="verified",
)
CONSTRUCTION = Certificate(
    id=UUID(int=2),
    kind="construction",
    category="建筑施工特种作业",
    item="建筑焊工",
    valid_from=date(2025, 3, 1),
    valid_to=date(2027, 2, 28),
    review_due=None,
    registered="verified",
)
EQUIPMENT = Certificate(
    id=UUID(int=3),
    kind="equipment",
    category="特种设备作业人员",
    item="特种设备焊接作业",
    valid_from=date(2024, 1, 1),
    valid_to=date(2027, 12, 31),
    review_due=None,
    registered="verified",
)
