"""A small made-up town for stacks that live for one story: divisions, an enterprise, machines, workers, an endpoint, a key.

Everything in it is invented; the check digits are right, because the registers refuse anything else. Used by smoke, replay and
tests; refuses to be seeded anywhere but in a throw-away stack, for its secrets are made here and its people do not exist.
"""

import secrets
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from weld.core import plate

DIVISION = "410502"
CREDIT_CODE = "91410502MA00000072"
ISSUER = "河南省应急管理厅"


@dataclass(frozen=True, slots=True)
class Person:
    """An invented worker; the phone is how he signs in."""

    name: str
    identity: str
    phone: str

    @property
    def certificate_number(self) -> str:
        """T and the identity number."""
        return f"T{self.identity}"


LICENSED = Person("张示例", "410502199001010014", "19900000001")
EXPIRED = Person("李样本", "410502198505050023", "19900000002")


@dataclass(frozen=True, slots=True)
class Town:
    """The made-up town with `machines` machines, each with its chip."""

    machines: int = 3
    shards: int = 64
    longest_s: int | None = None
    buttons: frozenset[int] = frozenset()  # machines that ask for somebody at the machine
    webhook_url: str | None = None
    webhook_secret: str = ""
    officer_key: str = field(default_factory=lambda: "wgk_" + secrets.token_urlsafe(32))

    def plate(self, number: int) -> str:
        """The plate of machine 0, 1, ..."""
        return plate.make(DIVISION, "A", number + 1)

    def chip(self, number: int) -> str:
        """The chip of machine 0, 1, ..."""
        return f"WGTOWN{number:06d}"

    def shard(self, number: int) -> str:
        """Its shard, spread evenly."""
        return f"{number % self.shards:02x}"

    def seed(self) -> dict[str, Any]:
        """The town as a seed file holds it."""
        return {
            "divisions": [
                {"code": "41", "name_zh": "河南省", "name_en": "Henan"},
                {"code": "4105", "name_zh": "安阳市", "name_en": "Anyang", "parent": "41"},
                {"code": DIVISION, "name_zh": "文峰区", "name_en": "Wenfeng", "parent": "4105"},
            ],
            "enterprises": [{"name": "安阳示例钢构有限公司", "credit_code": CREDIT_CODE, "division": DIVISION}],
            "chips": [
                {"chip": self.chip(n), "model": "WG-REF", "shard": self.shard(n), "profile": 0}
                for n in range(self.machines)
            ],
            "machines": [self._machine(n) for n in range(self.machines)],
            "workers": [self._worker(person) for person in (LICENSED, EXPIRED)],
            "certificates": [
                self._certificate(LICENSED, from_days=-400, to_days=1700),
                self._certificate(EXPIRED, from_days=-2300, to_days=-110),
            ],
            "endpoints": self._endpoints(),
            "officer_keys": [self._key()],
        }

    def _machine(self, number: int) -> dict[str, Any]:
        return {
            "plate": self.plate(number),
            "division": DIVISION,
            "enterprise": CREDIT_CODE,
            "maker": "示例焊机厂",
            "model": "ZX7-315",
            "serial": f"SN-{number:06d}",
            "rated_a": 315.0,
            "longest_s": self.longest_s,
            "presence": "button" if number in self.buttons else "none",
            "chip": self.chip(number),
        }

    def _worker(self, person: Person) -> dict[str, Any]:
        return {
            "name": person.name,
            "identity": person.identity,
            "phone": person.phone,
            "division": DIVISION,
            "enterprise": CREDIT_CODE,
        }

    def _certificate(self, person: Person, from_days: int, to_days: int) -> dict[str, Any]:
        today = datetime.now(UTC).date()
        return {
            "kind": "operation",
            "identity": person.identity,
            "number": person.certificate_number,
            "category": "焊接与热切割作业",
            "item": "熔化焊接与热切割作业",
            "valid_from": (today + timedelta(days=from_days)).isoformat(),
            "valid_to": (today + timedelta(days=to_days)).isoformat(),
            "review_due": (today + timedelta(days=to_days)).isoformat(),
            "issuer": ISSUER,
        }

    def _endpoints(self) -> list[dict[str, Any]]:
        if self.webhook_url is None:
            return []
        where = {"name": "文峰区执法队", "url": self.webhook_url, "division": DIVISION}
        return [{**where, "secret": self.webhook_secret or make_webhook_secret()}]

    def _key(self) -> dict[str, Any]:
        rights = [
            "alerts:read", "alerts:act", "machines:read", "machines:lock", "sessions:read", "quarantine:read", "deliveries:read",
        ]  # fmt: skip
        return {
            "name": f"值班 {uuid4().hex[:6]}",
            "scope": "platform",
            "rights": rights,
            "expires_at": (datetime.now(UTC) + timedelta(days=2)).isoformat(),
            "secret": self.officer_key,
        }


def make_webhook_secret() -> str:
    """A secret as Standard Webhooks has them."""
    return "whsec_" + b64encode(secrets.token_bytes(32)).decode()


def personal(person: Person) -> tuple[str, ...]:
    """What must stand in no log, no topic and no address."""
    return person.identity, person.phone, person.certificate_number, person.name
