"""The audit's daily anchors: anchor-YYYY-MM-DD.json in a folder (WELDGATE_ANCHOR_FOLDER) that somebody copies off this machine.

Refuses to replace a file that is there, and to sign for a chain that does not follow from the anchor before.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from schemas import anchor as words
from schemas.anchor import Anchor, AnchorError
from weld.cli import homes
from weld.cli.installation import key_id
from weld.core.chain import START, Break, Link, ended, resume, walk
from weld.store import audit


class BrokenError(Exception):
    """The chain does not hold; `broken` says where."""

    def __init__(self, broken: Break) -> None:
        super().__init__(sentence(broken))
        self.broken = broken


@dataclass(frozen=True)
class Anchorage:
    """Where anchors go, and who signs them."""

    folder: Path
    key: Ed25519PrivateKey

    def keep(self, url: str, now: datetime) -> bool:
        """Anchor the chain, once a day (UTC); whether it was done now. What came since the last anchor is checked first."""
        file = self.folder / f"anchor-{now:%Y-%m-%d}.json"
        if file.exists():
            return False
        before = files(self.folder)
        since = link_of(read(before[-1], self.key.public_key())) if before else START
        head = _sound(url, since)
        anchor = Anchor(seq=head.seq, hash=head.hash.hex(), at=now)
        if not self.folder.exists():
            homes.make_folder(self.folder, None)
        homes.write_private(file, words.written(anchor, key_id(self.key), self.key))
        return True


def files(folder: Path) -> list[Path]:
    """All anchors of a folder, the oldest first."""
    return sorted(folder.glob("anchor-*.json"))


def read(file: Path, key: Ed25519PublicKey) -> Anchor:
    """What a file says, if this key signed it; AnchorError names the file."""
    try:
        return words.read(file.read_bytes(), key)
    except (OSError, AnchorError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise AnchorError(f"{file}: {reason}") from None


def link_of(anchor: Anchor) -> Link:
    """The place in the chain that an anchor names."""
    return Link(anchor.seq, bytes.fromhex(anchor.hash))


def sentence(broken: Break) -> str:
    """Where the chain is broken, in words."""
    return f"the audit is broken at row {broken.seq}: expected {broken.expected}, found {broken.found}"


def _sound(url: str, since: Link) -> Link:
    """The chain's end, if `since` still stands there and everything after follows from it; BrokenError otherwise."""
    with audit.opened(url) as conn:
        head = audit.head(conn)
        rows = audit.rows(conn, since.seq - 1)
        for place in resume(since, rows) if since.seq else walk(START, rows, {}):
            if isinstance(place, Break):
                raise BrokenError(place)
            since = place
    broken = ended(since, head, {})
    if broken is not None:
        raise BrokenError(broken)
    return since
