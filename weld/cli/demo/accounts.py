"""The one place of what exists for the demo only: accounts with fixed passwords, workers whose codes stand on a page.

`open_demo` hands them out, and refuses unless WELDGATE_DEMO=1 is set and everything listens on this machine alone: fixed
passwords on a network would be a door for everybody. Refuses to be imported by anything that runs in earnest.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict

from api.settings import ApiSettings
from weld.cli.demo.city import Papers, Worker, invented_identity
from weld.cli.demo.places import Work
from weld.core.roles import Role


class NotADemoError(RuntimeError):
    """What is for the demo only was asked for elsewhere; the message says what is in the way."""


@dataclass(frozen=True, slots=True)
class Officer:
    """An officer's account, password and second factor and all."""

    login: str
    zh: str
    en: str
    scope: str
    roles: tuple[Role, ...]
    password: str
    totp_secret: str

    def entry(self) -> dict[str, Any]:
        """As a seed file holds it."""
        return {
            "login": self.login,
            "name": self.zh,
            "scope": self.scope,
            "roles": list(self.roles),
            "password": self.password,
            "totp_secret": self.totp_secret,
        }


@dataclass(frozen=True, slots=True)
class TryOut:
    """A worker for the phone of whoever watches, and what happens when he scans."""

    worker: Worker
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Accounts:
    """What `open_demo` hands out."""

    officers: tuple[Officer, ...]
    workers: tuple[TryOut, ...]


def open_demo(settings: ApiSettings) -> Accounts:
    """The demo's accounts; NotADemoError where this is no demo, or where others could reach it."""
    if not settings.demo:
        raise NotADemoError("fixed accounts are for demonstrations only: WELDGATE_DEMO=1 is not set")
    _alone(settings.api_host, "WELDGATE_API_HOST")
    _alone(urlsplit(settings.public_url).hostname or "", "WELDGATE_PUBLIC_URL")
    if settings.database_url is not None:
        for host in _database_hosts(settings.database_url.get_secret_value()):
            _alone(host, "WELDGATE_DATABASE_URL")
    if settings.mqtt_url is not None:
        _alone(urlsplit(settings.mqtt_url.get_secret_value()).hostname or "", "WELDGATE_MQTT_URL")
    return Accounts(_OFFICERS, _WORKERS)


def _alone(host: str, setting: str) -> None:
    """NotADemoError unless only this machine can be meant."""
    try:
        alone = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        alone = False
    if not alone:
        raise NotADemoError(f"a demo must be reachable from this machine only: {setting} says {host or 'nothing'}")


def _database_hosts(url: str) -> Iterable[str]:
    """Every host that this address may lead to; a folder of sockets is this machine."""
    words = conninfo_to_dict(url)
    named = [words.get("hostaddr") or os.environ.get("PGHOSTADDR"), words.get("host") or os.environ.get("PGHOST")]
    hosts = [host for names in named if names for host in str(names).split(",")]
    return [host for host in hosts if host and not host.startswith(("/", "@"))]


_OFFICERS = (
    Officer(
        "duty", "安阳市值班员", "duty officer of the city", "division:4105",
        ("duty_officer",),
        "demo-anyang-2026", "DEMODUTYANYANGDEMODUTYANYANGDUTY",
    ),
    Officer(
        "wenfeng", "文峰区执法队", "enforcement team of Wenfeng district", "division:410502",
        ("inspector",), "demo-wenfeng-2026", "DEMOWENFENGDEMOWENFENGWENFENGWEN",
    ),
    Officer(
        "admin", "平台管理员", "administrator of the platform", "platform",
        ("division_regulator", "duty_officer", "installer"), "demo-platform-2026", "DEMOPLATFORMDEMOPLATFORMPLATFORM",
    ),
)  # fmt: skip


def _worker(number: int, name: str, papers: Papers, work: Work, zh: str, en: str) -> TryOut:
    number_of_his = invented_identity("410502", date(1990, 1, number), 960 + number)
    return TryOut(Worker(name, number_of_his, f"1990000000{number}", "410502", None, work, papers), zh, en)


_WORKERS = (
    _worker(
        1, "张样安", "good", "ordinary",
        "持证有效：能开机（特种设备除外）", "valid certificate: starts (not special equipment)",
    ),
    _worker(2, "李样康", "expired", "ordinary", "证已过期：拒绝，产生 A03", "expired: refused, alert A03"),
    _worker(3, "王样宁", "wrong_item", "ordinary", "只有压力焊项目：拒绝，产生 A01", "wrong item: refused, alert A01"),
    _worker(4, "赵样平", "expiring", "ordinary", "快到复审期：能开机，并提醒", "review due soon: starts, with a reminder"),
    _worker(
        5, "陈样建", "good", "building",
        "建筑施工证：工地的机器能开，别的不能", "building-site certificate: starts on a building site only",
    ),
    _worker(
        6, "周样特", "good", "special_equipment",
        "特种设备证：只能开特种设备的机器", "special-equipment certificate: starts that machine only",
    ),
    _worker(7, "吴样初", "none", "ordinary", "没有证：拒绝，产生 A01", "no certificate: refused, alert A01"),
)  # fmt: skip
