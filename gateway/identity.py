"""Who a chip is: a small certificate authority that issues, certifies and revokes (security profile 3).

Pure functions from values to PEM; the time is handed in. Serves tests, trials and small installations; a large one
signs with its own authority in the same form: subject CN = chip id, EC P-256, client authentication only.
Refuses a chip id outside [A-Z0-9]{8,32}: `/`, `+` and `#` in a name would change the meaning of access patterns.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_CHIP_ID = re.compile(r"[A-Z0-9]{8,32}")

# Clocks differ: a certificate is good from shortly before the moment of its making.
_CLOCKS_DIFFER_BY = timedelta(minutes=5)

_YEAR = timedelta(days=365)


@dataclass(frozen=True)
class Issued:
    """A certificate and its private key, both PEM. The key belongs in a file of mode 0600 and nowhere else."""

    certificate: bytes
    key: bytes

    def __repr__(self) -> str:
        return "Issued(certificate=..., key=...)"  # a key must not reach a log by way of repr


def make_ca(now: datetime, name: str = "weldgate test CA", lifetime: timedelta = 10 * _YEAR) -> Issued:
    """A new authority that signs its own certificate; it may issue certificates and revocation lists only."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        _builder(now, lifetime, _name(name), _name(name), key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
    )
    return Issued(_pem(builder.sign(key, hashes.SHA256())), _key_pem(key))


def issue_server(
    ca: Issued, now: datetime, hosts: Iterable[str] = ("localhost", "127.0.0.1"), lifetime: timedelta = _YEAR
) -> Issued:
    """The broker's certificate for these host names and addresses."""
    names = list(hosts)
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        _builder(now, lifetime, _name(names[0]), _issuer(ca), key.public_key())
        .add_extension(x509.SubjectAlternativeName([_host(name) for name in names]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    )
    return Issued(_sign(ca, builder), _key_pem(key))


def issue_chip(ca: Issued, chip_id: str, now: datetime, lifetime: timedelta = _YEAR) -> Issued:
    """A new key and its certificate for a chip that cannot make its own key (tests, simulators)."""
    key = ec.generate_private_key(ec.SECP256R1())
    return Issued(_certify(ca, chip_id, key.public_key(), now, lifetime), _key_pem(key))


def certify_chip(ca: Issued, chip_id: str, public_key: bytes, now: datetime, lifetime: timedelta = _YEAR) -> bytes:
    """The certificate for a chip's own key (PEM, EC P-256), which never leaves the chip."""
    key = serialization.load_pem_public_key(public_key)
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("a chip's key must be EC P-256")  # noqa: TRY004 - a key of another kind is a wrong value
    return _certify(ca, chip_id, key, now, lifetime)


def revoke(
    ca: Issued, certificates: Iterable[bytes], now: datetime, next_update: timedelta = timedelta(days=30)
) -> bytes:
    """The list of everything revoked so far; brokers refuse *every* client once `next_update` has passed."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(_issuer(ca))
        .last_update(now - _CLOCKS_DIFFER_BY)
        .next_update(now + next_update)
    )
    for certificate in certificates:
        serial = x509.load_pem_x509_certificate(certificate).serial_number
        gone = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now).build()
        builder = builder.add_revoked_certificate(gone)
    return builder.sign(_private_key(ca), hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _certify(ca: Issued, chip_id: str, key: ec.EllipticCurvePublicKey, now: datetime, lifetime: timedelta) -> bytes:
    if not _CHIP_ID.fullmatch(chip_id):
        raise ValueError(f"not a chip id: {chip_id!r}")
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
    builder = _builder(now, lifetime, _name(chip_id), _issuer(ca), key)
    return _sign(ca, builder.add_extension(usage, critical=True))


def _builder(
    now: datetime, lifetime: timedelta, subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCKS_DIFFER_BY)
        .not_valid_after(now + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _sign(ca: Issued, builder: x509.CertificateBuilder) -> bytes:
    """Finish a certificate that is not an authority's."""
    key = _private_key(ca)
    finished = (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
    )
    return _pem(finished.sign(key, hashes.SHA256()))


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _host(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _issuer(ca: Issued) -> x509.Name:
    return x509.load_pem_x509_certificate(ca.certificate).subject


def _private_key(ca: Issued) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(ca.key, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("the authority's key must be an EC key")
    return key


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
