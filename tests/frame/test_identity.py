"""The small certificate authority: what it issues, and what it does not."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway import identity

NOW = datetime(2026, 11, 22, tzinfo=UTC)
CA = identity.make_ca(NOW)


def _public(key: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def test_a_chips_certificate_carries_its_name_for_a_year_and_lets_it_be_a_client_only() -> None:
    certificate = x509.load_pem_x509_certificate(identity.issue_chip(CA, "CHIP00000001", NOW).certificate)
    assert [name.value for name in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == ["CHIP00000001"]
    assert certificate.not_valid_after_utc == NOW + timedelta(days=365)
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(CA.certificate))


def test_a_chip_may_keep_its_own_key() -> None:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    certificate = x509.load_pem_x509_certificate(identity.certify_chip(CA, "CHIP00000001", _public(key), NOW))
    assert certificate.public_key() == key


@pytest.mark.parametrize("name", ["CHIP001", "A" * 33, "CHIP00000+", "CHIP/00001", "chip00000001", "ingest-0a", ""])
def test_a_name_that_could_mean_more_than_one_chip_gets_no_certificate(name: str) -> None:
    with pytest.raises(ValueError, match="not a chip id"):
        identity.issue_chip(CA, name, NOW)


@pytest.mark.parametrize(
    "key", [ec.generate_private_key(ec.SECP384R1()).public_key(), ed25519.Ed25519PrivateKey.generate().public_key()]
)
def test_a_key_of_another_kind_gets_no_certificate(
    key: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey,
) -> None:
    with pytest.raises(ValueError, match="P-256"):
        identity.certify_chip(CA, "CHIP00000001", _public(key), NOW)


def test_the_list_names_the_revoked_and_nobody_else() -> None:
    gone, here = (identity.issue_chip(CA, f"CHIP0000000{number}", NOW).certificate for number in (1, 2))
    revoked = x509.load_pem_x509_crl(identity.revoke(CA, [gone], NOW))
    serials = [x509.load_pem_x509_certificate(each).serial_number for each in (gone, here)]
    assert [revoked.get_revoked_certificate_by_serial_number(serial) is None for serial in serials] == [False, True]


def test_a_key_does_not_show_itself() -> None:
    assert "PRIVATE" not in repr(CA)
