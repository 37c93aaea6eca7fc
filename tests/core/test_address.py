"""Where webhooks may go. The attempts are those of the books on server-side request forgery."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weld.core.address import Address, Entry, parse, permits
from weld.core.fault import Fault


def an_address(url: str) -> Address:
    address = parse(url)
    assert isinstance(address, Address)
    return address


def allowed(*entries: str) -> tuple[Entry, ...]:
    return tuple(Entry.parse(entry) for entry in entries)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://hooks.example.cn/a/b?c=d", Address("https", "hooks.example.cn", 443, "/a/b?c=d")),
        ("http://10.20.1.2:8080", Address("http", "10.20.1.2", 8080, "/")),
        ("https://HOOKS.Example.cn.:8443/", Address("https", "hooks.example.cn", 8443, "/")),
        ("https://[fd00::1]:8443/x", Address("https", "fd00::1", 8443, "/x")),
    ],
)
def test_an_address_is_taken_apart(url: str, address: Address) -> None:
    assert parse(url) == address


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("", "characters"),
        ("https://a b/", "characters"),
        ("https://焊码通.cn/", "characters"),
        ("https://good.cn\\@evil.cn/", "characters"),
        ("https://good.cn\r\nX: y", "characters"),
        ("ftp://good.cn/", "scheme"),
        ("file:///etc/passwd", "scheme"),
        ("//good.cn/", "scheme"),
        ("https://user@good.cn/", "userinfo"),
        ("https://user:password@good.cn/", "userinfo"),
        ("https://good.cn:443@169.254.169.254/", "userinfo"),
        ("https://good.cn/#evil", "fragment"),
        ("https:///path", "host"),
        ("https://-good.cn/", "host"),
        ("https://good..cn/", "host"),
        ("https://[fe80::1%25eth0]/", "host"),
        ("https://good.cn:0/", "host"),
        ("https://good.cn:99999/", "port"),
        ("https://[::1/", "port"),
    ],
)
def test_a_strange_address_is_refused(url: str, code: str) -> None:
    fault = parse(url)
    assert isinstance(fault, Fault)
    assert fault.code == code


@given(st.text())
def test_reading_an_address_never_fails(text: str) -> None:
    parse(text)
    parse(f"https://{text}/")


@given(st.ip_addresses())
def test_an_empty_list_allows_nothing(resolved: object) -> None:
    assert not permits((), an_address("https://hooks.example.cn/"), ip_address(str(resolved)))


@pytest.mark.parametrize(
    ("entries", "url", "resolved", "verdict"),
    [
        (("10.20.0.0/16",), "https://team.anyang.cn/", "10.20.3.4", True),
        (("10.20.0.0/16",), "https://team.anyang.cn/", "10.21.3.4", False),
        (("10.20.0.0/16:8443",), "https://10.20.0.1:8443/", "10.20.0.1", True),
        (("10.20.0.0/16:8443",), "https://10.20.0.1/", "10.20.0.1", False),
        (("hooks.example.cn",), "https://hooks.example.cn/", "8.8.8.8", True),
        (("hooks.example.cn",), "https://hooks.example.cn/", "10.0.0.1", False),
        (("hooks.example.cn",), "https://hooks.example.cn/", "127.0.0.1", False),
        (("hooks.example.cn",), "https://evil.hooks.example.cn/", "8.8.8.8", False),
        (("hooks.example.cn:8443",), "https://hooks.example.cn/", "8.8.8.8", False),
        (("hooks.example.cn", "10.20.0.0/16"), "https://hooks.example.cn/", "10.20.0.9", True),
        (("127.0.0.0/8",), "http://127.0.0.1:9/", "127.0.0.1", True),
        (("0.0.0.0/0",), "http://127.0.0.1:9/", "127.0.0.1", False),
        (("0.0.0.0/0",), "http://10.0.0.1/", "10.0.0.1", True),
        (("0.0.0.0/0", "169.254.0.0/16"), "http://169.254.169.254/", "169.254.169.254", False),
        (("100.64.0.0/10",), "http://100.100.100.200/", "100.100.100.200", False),
        (("0.0.0.0/0",), "http://0/", "0.0.0.0", False),
        (("0.0.0.0/0",), "http://224.0.0.1/", "224.0.0.1", False),
        (("10.0.0.0/8", "::/0"), "http://[::ffff:10.0.0.1]/", "::ffff:10.0.0.1", False),
        (("::/0",), "http://[64:ff9b::a9fe:a9fe]/", "64:ff9b::a9fe:a9fe", False),
        (("::/0",), "http://[2002:a9fe:a9fe::1]/", "2002:a9fe:a9fe::1", False),
        (("::/0",), "http://[fe80::1]/", "fe80::1", False),
        (("::/0",), "http://[::1]/", "::1", False),
        (("::1",), "http://[::1]/", "::1", True),
        (("[fd00::/8]:443",), "https://[fd12::1]/", "fd12::1", True),
        (("fd00::/8",), "https://10.0.0.1/", "10.0.0.1", False),
    ],
)
def test_the_list_decides_over_what_the_name_resolved_to(
    entries: tuple[str, ...], url: str, resolved: str, verdict: bool
) -> None:
    assert permits(allowed(*entries), an_address(url), ip_address(resolved)) is verdict


@pytest.mark.parametrize("text", ["", "10.0.0.1/8", "10.0.0", "a/b", "a:b", "a:0", "a:70000", "[::1", "*.cn", "a b"])
def test_a_line_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"port must be|is no network"):
        Entry.parse(text)
