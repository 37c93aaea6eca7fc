"""Where a request comes from, as limits count it and as people see it in the list of their sign-ins.

Refuses single addresses of IPv6: whoever has one has a whole /64.
"""

from ipaddress import IPv6Address, ip_address, ip_network
from typing import NamedTuple

from fastapi import Request

from weld.core import browser

_NOWHERE = "::"


class Place(NamedTuple):
    """An address and a browser's short name."""

    address: str
    browser: str


def place_of(request: Request) -> Place:
    """The place of this request."""
    host = request.client.host if request.client else _NOWHERE
    return Place(_counted(host), browser.named(request.headers.get("user-agent", "")))


def _counted(host: str) -> str:
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return _NOWHERE
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ip_network((address, 64), strict=False))
