"""Personal fields and secrets at rest: AES-256-GCM per field, and a keyed index so that equal values can be found.

A sealed value opens only in the field and the row it was sealed for: swapped columns and copied rows are noticed.
Refuses to put content into errors, logs or reprs, and key files that others on the machine can read.
"""

import hashlib
import hmac
import os
import re
import secrets
import shutil
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Self
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION = 1
_KEY_BYTES = 32
_NONCE_BYTES = 12  # random: 2**32 seals under one key keep a collision below 2**-32 (NIST SP 800-38D 8.3)
_KEY_ID = re.compile(r"[a-z0-9]{1,16}\Z")
_INDEX_FILE = "index.key"
_CURRENT_FILE = "current"


class VaultError(Exception):
    """A value or a key file cannot be used; the message names the field or the file, never the content."""


class Vault:
    """The keys of one installation: `current` seals, every key of `keys` opens, `index_key` makes the blind indexes."""

    __slots__ = ("_ciphers", "_current", "_index_key")

    def __init__(self, current: str, keys: Mapping[str, bytes], index_key: bytes) -> None:
        for key_id, key in (*keys.items(), ("index", index_key)):
            if _KEY_ID.match(key_id) is None or len(key) != _KEY_BYTES:
                raise VaultError(f"the key {key_id!r} must be {_KEY_BYTES} bytes under a name of a-z and 0-9")
        if current not in keys:
            raise VaultError(f"the current key {current!r} is not among the keys")
        self._current = current
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._index_key = index_key

    def __repr__(self) -> str:
        return f"Vault(current={self._current!r}, keys={sorted(self._ciphers)})"

    @property
    def current(self) -> str:
        """The id of the key that seals."""
        return self._current

    def seal(self, field: str, row: UUID, text: str) -> bytes:
        """Version, key id, nonce and ciphertext of `text`, bound to this field of this row."""
        nonce = os.urandom(_NONCE_BYTES)
        name = self._current.encode("ascii")
        ciphertext = self._ciphers[self._current].encrypt(nonce, text.encode("utf-8"), _bound_to(field, row))
        return bytes([_VERSION, len(name)]) + name + nonce + ciphertext

    def open(self, field: str, row: UUID, sealed: bytes) -> str:
        """The text that was sealed for this field of this row; VaultError for anything else."""
        cipher = self._ciphers.get(_key_id(field, sealed))
        if cipher is None:
            raise VaultError(f"{field}: sealed with a key that this installation does not have")
        body = sealed[2 + sealed[1] :]
        try:
            return cipher.decrypt(body[:_NONCE_BYTES], body[_NONCE_BYTES:], _bound_to(field, row)).decode("utf-8")
        except (InvalidTag, ValueError):
            raise VaultError(f"{field}: does not open (another row or field, or changed bytes)") from None

    def is_current(self, field: str, sealed: bytes) -> bool:
        """False where the value should be sealed again because the keys have moved on."""
        return _key_id(field, sealed) == self._current

    def index(self, field: str, text: str) -> bytes:
        """Equal texts of one field give equal bytes, which say nothing to whoever lacks the key."""
        return hmac.digest(self._index_key, f"{field}|{_normal(text)}".encode(), hashlib.sha256)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The keys of a folder that `create` made; VaultError where a file is missing, damaged or open to others."""
        keys = {file.stem.removeprefix("seal-"): _read_key(file) for file in sorted(folder.glob("seal-*.key"))}
        current = _read(folder / _CURRENT_FILE)
        return cls(current, keys, _read_key(folder / _INDEX_FILE))

    @classmethod
    def create(cls, folder: Path) -> Self:
        """New keys in a new folder (0700, files 0600), there as a whole or not at all; VaultError where one exists."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
        fresh.mkdir(mode=0o700)
        try:
            for name in ("seal-k1.key", _INDEX_FILE):
                _write(fresh / name, secrets.token_hex(_KEY_BYTES))
            _write(fresh / _CURRENT_FILE, "k1")
            fresh.rename(folder)  # fails where the folder has something in it: keys are never overwritten
        except OSError as error:
            shutil.rmtree(fresh, ignore_errors=True)
            raise VaultError(f"{folder}: no new keys could be put there ({error.strerror})") from None
        return cls.load(folder)

    @classmethod
    def rotate(cls, folder: Path) -> Self:
        """Add a new key and make it current; the old ones stay, for what they sealed. The index key never changes."""
        cls.load(folder)
        numbers = [int(file.stem[6:]) for file in folder.glob("seal-k*.key") if file.stem[6:].isdigit()]
        key_id = f"k{max(numbers, default=0) + 1}"
        _write(folder / f"seal-{key_id}.key", secrets.token_hex(_KEY_BYTES))
        _write(folder / f".{_CURRENT_FILE}", key_id)
        (folder / f".{_CURRENT_FILE}").rename(folder / _CURRENT_FILE)
        return cls.load(folder)


def _bound_to(field: str, row: UUID) -> bytes:
    return f"{field}|{row}".encode()


def _key_id(field: str, sealed: bytes) -> str:
    if len(sealed) < 2 or sealed[0] != _VERSION:
        raise VaultError(f"{field}: not a sealed value of this version")
    return sealed[2 : 2 + sealed[1]].decode("ascii", "replace")


def _normal(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).upper().split())


def _read(file: Path) -> str:
    try:
        mode = file.stat().st_mode
        text = file.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise VaultError(f"{file}: cannot be read ({type(error).__name__})") from None
    if mode & 0o077:
        raise VaultError(f"{file}: others may read it; run `chmod 600 {file}` and consider the key known")
    return text


def _read_key(file: Path) -> bytes:
    try:
        return bytes.fromhex(_read(file))
    except ValueError:
        raise VaultError(f"{file}: not {_KEY_BYTES} bytes in hexadecimal") from None


def _write(file: Path, text: str) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.write(f"{text}\n")
        stream.flush()
        os.fsync(stream.fileno())
