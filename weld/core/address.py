"""Where a webhook may go: its address taken apart, and the administrator's allow-list over what it resolves to.

In an intranet private addresses are legal targets, so nothing is allowed until it is listed. A listed network covers the
addresses in it, under any name; a listed name covers public addresses only, so that whoever holds its DNS cannot turn it
inward. Link-local (cloud metadata), multicast and translated addresses never pass. Refuses to resolve names.
"""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from re import compile as pattern
from typing import Self
from urllib.parse import urlsplit

from weld.core.fault import Fault

IPAddress = IPv4Address | IPv6Address
_NAME = pattern(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*\.?")
_PRINTABLE = pattern(r"[!-~]{1,1000}")
_PORTS = {"http": 80, "https": 443}
_NEVER = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",  # reaches this very host on Linux
        "169.254.0.0/16",  # metadata of most clouds
        "100.100.100.200/32",  # metadata of Alibaba Cloud
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/128",
        "fe80::/10",
        "fd00:ec2::254/128",  # metadata of Amazon
        "ff00::/8",
        # These carry an IPv4 address inside: mapped, NAT64, Teredo, 6to4.
        "::ffff:0:0/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2001::/32",
        "2002::/16",
    )
)


@dataclass(frozen=True, slots=True)
class Address:
    """A webhook's address, taken apart; `target` is the path with the query."""

    scheme: str
    host: str
    port: int
    target: str


def parse(url: str) -> Address | Fault:
    """The parts of an http or https address without user, password or fragment; why not, otherwise."""
    if _PRINTABLE.fullmatch(url) is None or "\\" in url:
        return Fault("characters", "an address has 1 to 1000 characters of plain ASCII, without spaces")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return Fault("port", "the host or the port cannot be read")
    if parts.scheme not in _PORTS:
        return Fault("scheme", "an address begins with https:// or http://")
    if "@" in parts.netloc:
        return Fault("userinfo", "no user or password in an address: the signature says who is calling")
    if "#" in url:
        return Fault("fragment", "nothing behind a #: it would not be sent")
    host = (parts.hostname or "").rstrip(".")
    if not _is_host(host) or port == 0:
        return Fault("host", "the host is no name and no IP address")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Address(parts.scheme, host, port or _PORTS[parts.scheme], target)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the allow-list: a network or a name, at one port or at any."""

    what: IPv4Network | IPv6Network | str
    port: int | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """From `10.20.0.0/16`, `10.1.2.3:8443`, `[fd00::/8]:443`, `hooks.example.cn`; ValueError otherwise."""
        what, port = _split_port(text.strip().lower())
        if port is not None and not (port.isdigit() and 0 < int(port) < 65536):
            raise ValueError(f"{text!r}: the port must be 1 to 65535")
        number = None if port is None else int(port)
        try:
            return cls(ip_network(what), number)
        except ValueError:
            if _NAME.fullmatch(what) is None or what.replace(".", "").isdigit() or "/" in what:
                raise ValueError(f"{text!r} is no network (host bits must be 0), no address and no name") from None
        return cls(what, number)

    def covers(self, address: Address, resolved: IPAddress) -> bool:
        """True where this line allows this address at what its host resolved to."""
        if self.port is not None and self.port != address.port:
            return False
        if isinstance(self.what, str):
            return self.what == address.host and resolved.is_global
        if resolved.is_loopback and not self.what.is_loopback:
            return False  # a wide network does not mean this very machine
        return resolved.version == self.what.version and resolved in self.what


def permits(allowed: tuple[Entry, ...], address: Address, resolved: IPAddress) -> bool:
    """May we connect to this IP address for this webhook? Nothing is allowed by an empty list."""
    if any(resolved.version == network.version and resolved in network for network in _NEVER):
        return False
    return any(entry.covers(address, resolved) for entry in allowed)


def _is_host(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return _NAME.fullmatch(host) is not None
    return "%" not in host  # a zone of IPv6 names an interface of ours


def _split_port(text: str) -> tuple[str, str | None]:
    if text.startswith("[") and "]" in text:
        what, _, rest = text[1:].partition("]")
        return what, rest.removeprefix(":") or None
    if text.count(":") == 1:
        what, _, port = text.partition(":")
        return what, port
    return text, None
