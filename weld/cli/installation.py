"""What belongs to one installation and must stay: passwords of roles and broker users, signing keys, the vault's keys.

Files of mode 0600 in one folder of mode 0700 (`.weldgate/secrets` of the clone, or a folder of a throw-away stack). Made once,
never overwritten, never printed. Refuses to be read by a process that needs only one of them: processes are handed their own.
"""

import json
import secrets
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from gateway.broker import PLATFORM_USERS
from schemas.signed import PinnedKeys, SigningKey
from weld.cli.homes import make_folder, write_private
from weld.store.setup import ROLES
from weld.store.vault import Vault


class Installation:
    """The secrets of one installation, made where they are missing."""

    def __init__(self, folder: Path) -> None:
        self.folder = make_folder(folder, None)
        self.roles = self._passwords("roles.json", ROLES)
        self.broker = self._passwords("broker.json", PLATFORM_USERS)
        for name in ("permit", "service", "audit"):
            self._make_key(name)
        self.vault_folder = folder / "vault"
        if not self.vault_folder.exists():
            Vault.create(self.vault_folder)

    @property
    def vault(self) -> Vault:
        """For the api and for seed."""
        return Vault.load(self.vault_folder)

    def key_file(self, name: str) -> Path:
        """The private key `permit`, `service` or `audit`."""
        return self.folder / f"{name}.pem"

    def pinned(self) -> PinnedKeys:
        """What a chip of this installation is given at enrolment."""
        permit, service = (signing_key(self.key_file(name)) for name in ("permit", "service"))
        return PinnedKeys(
            {permit.kid: public_key(self.key_file("permit"))}, {service.kid: public_key(self.key_file("service"))}
        )

    def _passwords(self, name: str, users: tuple[str, ...]) -> Mapping[str, str]:
        file = self.folder / name
        known: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
        missing = {user: secrets.token_urlsafe(24) for user in users if user not in known}
        if missing:
            write_private(file, json.dumps(known | missing))
        return known | missing

    def _make_key(self, name: str) -> None:
        if not self.key_file(name).exists():
            pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            write_private(self.key_file(name), pem.decode())


def signing_key(file: Path) -> SigningKey:
    """The key in a file, with an id that follows from its public half."""
    private = private_key(file)
    return SigningKey(key_id(private), private)


def key_id(private: Ed25519PrivateKey) -> str:
    """The id of a key pair: follows from its public half, so that it cannot be mistaken."""
    return sha256(private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]


def private_key(file: Path) -> Ed25519PrivateKey:
    """The key in a file."""
    return cast("Ed25519PrivateKey", load_pem_private_key(file.read_bytes(), None))


def public_key(file: Path) -> Ed25519PublicKey:
    """The public half of the key in a file."""
    return private_key(file).public_key()
