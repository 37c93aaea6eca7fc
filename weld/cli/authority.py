"""The small certificate authority of an installation: the broker's certificate, chips' certificates, and what a chip pins.

Lies in `installation/authority`: `ca.pem` and `ca.key`, made where nothing is. A larger authority puts `ca.pem`, `server.pem` and
`server.key` there and keeps its own key: then the broker gets those, and chips get theirs from that authority. Refuses to
make a chip's key: it never leaves the chip.
"""

import json
import sys
from base64 import b64encode
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway import identity
from weld.cli.homes import make_folder, write_private
from weld.cli.installation import public_key, signing_key
from weld.cli.mosquitto import TlsFiles

# The broker's certificate is made anew when it has less than this left: chips that find an old one stay outside.
_RENEWED_BEFORE = timedelta(days=90)


def broker_files(folder: Path, hosts: Iterable[str], now: datetime) -> TlsFiles:
    """What the listener for chips shows and believes; RuntimeError where another authority's files are not complete."""
    make_folder(folder, None)
    if not (folder / "ca.pem").exists():
        _make(folder, now)
    if not (folder / "ca.key").exists():
        return _given(folder)
    ca, names = _own(folder), sorted(set(hosts))
    if not _is_good(folder, ca, names, now):
        issued = identity.issue_server(ca, now, names)
        write_private(folder / "server.key", issued.key)
        write_private(folder / "server.pem", issued.certificate)
    return _given(folder)


def certify(prepared: Path, chip: str, public_key_file: Path, days: int) -> int:
    """`weldgate certify`: prints what this chip is given at enrolment as one JSON object; 1 where it cannot be made."""
    try:
        given = given_to(
            prepared / "installation", chip, public_key_file.read_bytes(), datetime.now(UTC), timedelta(days=days)
        )
    except (RuntimeError, ValueError, OSError) as error:
        print(f"weldgate: {error}", file=sys.stderr)
        return 1
    print(json.dumps(given))
    return 0


def given_to(installation: Path, chip: str, public: bytes, now: datetime, lifetime: timedelta) -> Mapping[str, object]:
    """A chip's certificate for its own key (PEM, EC P-256), the authority, and the keys that it pins by use and key id."""
    if not (installation / "authority" / "ca.key").exists():
        raise RuntimeError(f"{installation} holds no authority of ours: `weldgate prepare` makes one")
    ca = _own(installation / "authority")
    certificate = identity.certify_chip(ca, chip, public, now, lifetime)
    return {
        "chip": chip,
        "certificate": certificate.decode(),
        "authority": ca.certificate.decode(),
        **{use: _pinned(installation / f"{use}.pem") for use in ("permit", "service")},
    }


def _pinned(file: Path) -> Mapping[str, str]:
    """A public key as chips take it: 32 bytes in base64, by its id."""
    raw = public_key(file).public_bytes(Encoding.Raw, PublicFormat.Raw)
    return {signing_key(file).kid: b64encode(raw).decode()}


def _make(folder: Path, now: datetime) -> None:
    made = identity.make_ca(now, "weldgate CA")
    write_private(folder / "ca.key", made.key)
    write_private(folder / "ca.pem", made.certificate)  # last: from now on the authority is there


def _own(folder: Path) -> identity.Issued:
    return identity.Issued((folder / "ca.pem").read_bytes(), (folder / "ca.key").read_bytes())


def _given(folder: Path) -> TlsFiles:
    try:
        return TlsFiles(*((folder / name).read_bytes() for name in ("ca.pem", "server.pem", "server.key")))
    except FileNotFoundError as error:
        raise RuntimeError(f"{error.filename} is missing: an authority without ca.key brings its own files") from None


def _is_good(folder: Path, ca: identity.Issued, hosts: list[str], now: datetime) -> bool:
    """Whether the broker's certificate is this authority's, for these names, and has time left."""
    if not (folder / "server.pem").exists() or not (folder / "server.key").exists():
        return False
    shown = x509.load_pem_x509_certificate((folder / "server.pem").read_bytes())
    named = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    issuer = x509.load_pem_x509_certificate(ca.certificate)
    is_ours = shown.issuer == issuer.subject and _signed(shown, issuer)
    return (
        is_ours
        and sorted(str(name.value) for name in named) == hosts
        and shown.not_valid_after_utc - now > _RENEWED_BEFORE
    )


def _signed(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except Exception:  # noqa: BLE001 - whatever is wrong with it, it is not ours
        return False
    return True
