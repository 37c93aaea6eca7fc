"""The folder of a broker that somebody else starts: configuration, access lists, hashed passwords, certificates.

The same words as for the broker of `weldgate up` (gateway/broker.py). Refuses a plain listener for chips, whatever the profile,
and to start anything: the broker is started inside this folder (`cd FOLDER && mosquitto -c mosquitto.conf`).
"""

import secrets
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import pbkdf2_hmac
from pathlib import Path

from gateway import broker
from weld.cli.homes import make_folder, write_private
from weld.cli.mosquitto import TlsFiles

# What mosquitto_passwd 2.0 writes: PBKDF2-SHA512 over 12 bytes of salt. The passwords are 24 random bytes, so that few
# rounds do.
_ROUNDS = 101
_SALT_BYTES = 12

ANYWHERE = "0.0.0.0"  # noqa: S104 - for chips, who show a certificate; inside a container, whose network is the wall


@dataclass(frozen=True)
class ContainerDoor(broker.Door):
    """A plain listener by password, on a network that only our own containers are on and that nothing is published from."""

    host: str = ANYWHERE

    def __post_init__(self) -> None:
        """Here the network is the wall, not loopback."""


def write(
    folder: Path,
    platform: broker.Door,
    tls_port: int,
    passwords: Mapping[str, str],
    tls: TlsFiles,
    limits: broker.Limits,
) -> None:
    """Everything that the broker reads; `platform` is the door for our own processes."""
    make_folder(folder, None)
    doors = broker.Broker(platform, tls=broker.TlsDoor(tls_port, ANYWHERE), limits=limits)
    files: dict[str, str | bytes] = {
        broker.CONFIGURATION_FILE: broker.configuration(doors),
        broker.CHIP_ACL_FILE: broker.chip_acl(),
        broker.PLATFORM_ACL_FILE: broker.platform_acl(),
        broker.PASSWORD_FILE: "".join(_password_line(user, word) for user, word in sorted(passwords.items())),
        "ca.pem": tls.ca,
        "server.pem": tls.certificate,
        "server.key": tls.key,
    }
    for name, content in files.items():
        write_private(folder / name, content)


def _password_line(user: str, password: str) -> str:
    salt = secrets.token_bytes(_SALT_BYTES)
    made = pbkdf2_hmac("sha512", password.encode(), salt, _ROUNDS)
    return f"{user}:$7${_ROUNDS}${b64encode(salt).decode()}${b64encode(made).decode()}\n"
