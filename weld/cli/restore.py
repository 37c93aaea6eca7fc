"""`weldgate restore FOLDER`: a backup back into the store, loaded beside it, verified, settled, and only then in its place.

Until the last step the store that is there is not touched; a restore that fails or is interrupted leaves it as it was. Without
a folder: the store that another tool put back is verified and settled where it stands. Refuses damaged files, other keys, a
store that is in use, and to put aside one with anything in it unless told to.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from os import environ
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from weld.cli import anchors, backup_manifest, homes, postgres_clients
from weld.cli import audit as auditing
from weld.cli.backup import ended_in_order, names_of
from weld.cli.backup_manifest import DUMP, BackupError, Manifest
from weld.cli.installation import Installation, public_key
from weld.cli.postgres_clients import ClientError, now_and_then, say
from weld.cli.stack import Stack
from weld.core.chain import Link
from weld.store import audit, fields, partitions, settle, setup, verify
from weld.store.audit import Trace
from weld.store.migrate import migrate, migrations
from weld.store.vault import Vault, VaultError

_FAILURES = (BackupError, ClientError, RuntimeError, ValueError, OSError, psycopg.Error)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the person wants."""

    folder: Path | None
    replace: bool = False
    deliver: bool = False
    keys_lost: bool = False
    jobs: int = 2


@dataclass(frozen=True, slots=True)
class Target:
    """Where to: a server whose owner we are for this, the database's name, and the secrets of this installation."""

    server_url: str
    database: str
    installation: Installation
    anchors: Path

    @property
    def beside(self) -> "Target":
        """Where the backup is loaded and looked at before anybody may enter."""
        return replace(self, database=f"{self.database}_restoring")

    @property
    def url(self) -> str:
        """The database as the server's owner."""
        return setup.database_url(self.server_url, self.database)


@dataclass(frozen=True, slots=True)
class Anchored:
    """The anchors at hand: those that the chain must meet, and those of rows that were lost."""

    known: dict[int, bytes]
    beyond: list[Path]


def run(asked: Asked) -> int:
    """Restore, or settle; 0 and one JSON object on stdout, 1 and why nothing was changed."""
    try:
        with ended_in_order():
            told = _settled_here(asked) if asked.folder is None else _restored(asked, asked.folder.absolute())
    except KeyboardInterrupt:
        say("interrupted: the store is as it was")
        return 130
    except _FAILURES as error:
        say(f"not restored, the store is as it was: {error}")
        return 1
    print(json.dumps(told))
    return 0


def _restored(asked: Asked, folder: Path) -> dict[str, object]:
    manifest = backup_manifest.read(folder)
    with Stack.main(prepares=False, needs_broker=False) as stack:
        target = Target(stack.server_url, stack.database, stack.installation, stack.anchors)
        return put_back(target, folder, manifest, asked, datetime.now(UTC))


def put_back(target: Target, folder: Path, manifest: Manifest, asked: Asked, now: datetime) -> dict[str, object]:
    """The backup into the store; what was done."""
    look_before(target, manifest, asked)
    say(f"checking the files of {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC")
    backup_manifest.check(folder, manifest, lambda _: None)
    beside = target.beside
    try:
        _load(beside, folder, manifest, asked.jobs)
        anchored = _verify(beside, manifest, asked)
        settled = _go_on(beside, manifest, asked, now)
        aside = _swap(beside, target, asked, now)
    finally:
        setup.remove_database(target.server_url, beside.database)
    _open(target, now)
    _set_aside(anchored.beyond, target.anchors, now)
    _farewell(manifest, settled, aside)
    rows = sum(table.rows for table in manifest.survey.tables.values())
    head = {"seq": manifest.survey.head.seq, "hash": manifest.survey.head.hash.hex()}
    told = {"database": target.database, "made_at": manifest.made_at.isoformat(), "rows": rows, "audit": head}
    return told | {"settled": settled, "set_aside": aside, "verified": True}


# -- before


def look_before(target: Target, manifest: Manifest, asked: Asked) -> None:
    """BackupError where it cannot or must not be done; nothing was touched."""
    known = {one.number: one.hash for one in migrations()}
    if any(known.get(number) != digest for number, digest in manifest.survey.versions.items()):
        raise BackupError(f"it has schema {max(manifest.survey.versions)}, which this program does not know: update it")
    if not asked.keys_lost:
        _look_at_keys(target, manifest)
    if not setup.is_there(target.server_url, target.database):
        return
    if present := setup.visitors(target.server_url, target.database):
        raise BackupError(f"stop these first: {', '.join(sorted(set(present)))}")
    if not asked.replace and _is_used(target):
        raise BackupError(f"the database {target.database} is not empty: --replace sets it aside under another name")


def _look_at_keys(target: Target, manifest: Manifest) -> None:
    ours = names_of(target.installation)
    wrong = [name for name in ("permit", "service", "audit") if manifest.keys.get(name, ours[name]) != ours[name]]
    wrong += [f"vault/seal-{name}.key" for name in manifest.keys.get("vault", []) if name not in ours["vault"]]
    if wrong:
        raise BackupError(
            f"{target.installation.folder} has other keys than the store was written with ({', '.join(wrong)}): put those of"
            " then in its place first, or, if they are lost for ever, go on with --keys-lost"
        )


def _is_used(target: Target) -> bool:
    with psycopg.connect(target.url, autocommit=True) as conn:
        return verify.is_used(conn)


# -- load and look


def _load(beside: Target, folder: Path, manifest: Manifest, jobs: int) -> None:
    timescaledb = manifest.engine.timescaledb
    setup.remove_database(beside.server_url, beside.database)
    setup.make_database(beside.server_url, beside.database)
    with psycopg.connect(beside.url, autocommit=True) as conn:
        server = verify.engine(conn).major
        if not settle.ready_to_load(conn, timescaledb):
            raise BackupError(f"it needs TimescaleDB {timescaledb} on the server, that version and no other")
    found = postgres_clients.clients(server, manifest.dump)
    # TimescaleDB's catalogue does not stand several at once.
    words = ["--format=directory", "--exit-on-error", f"--jobs={1 if timescaledb else jobs}", str(folder / DUMP)]
    total = len(manifest.survey.tables)
    say(f"loading {sum(table.rows for table in manifest.survey.tables.values())} rows of {total} tables")
    program = found.folder / "pg_restore"
    postgres_clients.run(
        program, beside.url, words, lambda seen: say(f"{seen} tables and partitions begun"), "processing data for"
    )
    with psycopg.connect(beside.url, autocommit=True) as conn:
        settle.loaded(conn, timescaledb)


def _verify(beside: Target, manifest: Manifest, asked: Asked) -> Anchored:
    say("comparing every table with what the backup says")
    with verify.moment(beside.url) as conn:
        same = verify.engine(conn).major == manifest.engine.major
        wrong = verify.differences(
            manifest.survey, verify.survey(conn, manifest.made_at, now_and_then()), same_major=same
        )
        closed = [] if asked.keys_lost else closed_fields(verify.sealed(conn), beside.installation.vault)
    if wrong:
        raise BackupError("the loaded store is not the one that was backed up: " + "; ".join(wrong[:5]))
    if closed:
        raise BackupError(
            f"the vault in {beside.installation.vault_folder} does not open {', '.join(closed)}: these are not the keys of"
            " then. Put those in its place, or, if they are lost for ever, go on with --keys-lost"
        )
    key_file = None if asked.keys_lost else beside.installation.key_file("audit")
    anchored = anchored_in(beside.anchors, key_file, manifest.survey.head)
    found = auditing.verify(beside.url, anchored.known)
    if found.broken is not None:
        raise BackupError(anchors.sentence(found.broken))
    return anchored


def closed_fields(samples: list[verify.Sealed], vault: Vault) -> list[str]:
    """The fields of which a vault does not open a sample, or whose index it makes otherwise."""
    closed = set()
    for one in samples:
        try:
            text = vault.open(one.field, one.id, one.sealed)
        except VaultError:
            closed.add(one.field)
            continue
        if one.blind is not None and vault.index(fields.WORKER_IDENTITY, text) != one.blind:
            closed.add(f"{one.field} (index.key)")
    return sorted(closed)


def anchored_in(folder: Path | None, key_file: Path | None, head: Link) -> Anchored:
    """The anchors of a folder, if there is a key to believe them by."""
    found = Anchored({}, [])
    if folder is None or key_file is None:
        return found
    key = public_key(key_file)
    for file in anchors.files(folder):
        link = anchors.link_of(anchors.read(file, key))
        if link.seq > head.seq:
            found.beyond.append(file)
        else:
            found.known[link.seq] = link.hash
    return found


# -- go on


def _go_on(beside: Target, manifest: Manifest, asked: Asked, now: datetime) -> dict[str, int]:
    """The schema of this program, and nothing of then under way any more."""
    owner = setup.owned_url(beside.server_url, beside.database)
    migrate(owner, say)
    detail = {"made_at": manifest.made_at.isoformat(), "audit": manifest.survey.head.seq, "keys_lost": asked.keys_lost}
    return _settle(owner, asked, detail, now)


def _settle(owner_url: str, asked: Asked, detail: dict[str, object], now: datetime) -> dict[str, int]:
    with psycopg.connect(owner_url, autocommit=True, application_name="weldgate restore") as conn:
        done = settle.settle(conn, deliver=asked.deliver)
        audit.append_now(conn, Trace(now, "command:restore", "store.restored", "store", detail | {"settled": done}))
        partitions.ensure(conn, *partitions.horizon(now))
        settle.count_statistics(conn)
    return done


def _swap(beside: Target, target: Target, asked: Asked, now: datetime) -> str | None:
    """The loaded store takes the name; the one before is set aside, or removed where it was empty. Returns its new name."""
    _workers(beside, awake=False)
    if not setup.is_there(target.server_url, target.database):
        setup.rename_database(target.server_url, beside.database, target.database)
        return None
    aside = f"{target.database}_before_{now:%Y%m%d_%H%M%S}"
    used = _is_used(target)
    if used and not asked.replace:
        raise BackupError(f"something was entered into {target.database} meanwhile")
    _workers(target, awake=False)
    setup.rename_database(target.server_url, target.database, aside)
    try:
        setup.rename_database(target.server_url, beside.database, target.database)
    except BaseException:
        setup.rename_database(target.server_url, aside, target.database)
        _workers(target, awake=True)
        raise
    if used:
        return aside
    setup.remove_database(target.server_url, aside)
    return None


def _workers(place: Target, *, awake: bool) -> None:
    with psycopg.connect(place.url, autocommit=True) as conn:
        settle.workers(conn, awake=awake)


def _open(target: Target, now: datetime) -> None:
    """Logins again, with the passwords of this installation."""
    _workers(target, awake=True)
    setup.create_database(target.server_url, target.database, target.installation.roles)
    with psycopg.connect(setup.owned_url(target.server_url, target.database), autocommit=True) as conn:
        partitions.ensure(conn, *partitions.horizon(now))


def _set_aside(beyond: list[Path], folder: Path, now: datetime) -> None:
    """Anchors of rows that are lost: kept, but no longer where the chain is measured by them."""
    if not beyond:
        return
    place = homes.make_folder(folder / f"lost-{now:%Y%m%dT%H%M%S}", None)
    for file in beyond:
        file.rename(place / file.name)
    say(
        f"{len(beyond)} anchors are of audit rows that were lost; they are in {place} now: keep them, they say what was there"
    )


def _settled_here(asked: Asked) -> dict[str, object]:
    """The store where it stands, put back by another tool: its chain looked through, then settled."""
    now = datetime.now(UTC)
    with _here() as (url, folder, key_file):
        name = str(conninfo_to_dict(url).get("dbname"))
        if others := [who for who in setup.visitors(url, name) if who.startswith("weldgate ")]:
            raise BackupError(f"stop these first: {', '.join(sorted(set(others)))}")
        with audit.opened(url) as conn:
            head = audit.head(conn) or Link(0, bytes(32))
        anchored = anchored_in(folder, None if asked.keys_lost else key_file, head)
        found = auditing.verify(url, anchored.known)
        if found.broken is not None:
            raise BackupError(anchors.sentence(found.broken))
        settled = _settle(url, asked, {"audit": head.seq}, now)
        if folder is not None:
            _set_aside(anchored.beyond, folder, now)
    _farewell(None, settled, None)
    told = {"seq": head.seq, "hash": head.hash.hex()}
    return {"database": name, "audit": told, "settled": settled, "verified": True}


@contextmanager
def _here() -> Iterator[tuple[str, Path | None, Path | None]]:
    """The store as its owner, the anchors' folder and the key that signs them."""
    told = environ.get("WELDGATE_PROCESS_DATABASE_URL")
    if told:
        folder, key = environ.get("WELDGATE_ANCHOR_FOLDER"), environ.get("WELDGATE_KEY_FILE")
        yield told, Path(folder) if folder else None, Path(key) if key else None
        return
    with Stack.main(needs_broker=False) as stack:
        yield stack.role_url("owner"), stack.anchors, stack.installation.key_file("audit")


def _farewell(manifest: Manifest | None, settled: dict[str, int], aside: str | None) -> None:
    """What is whole, what was stopped, and what nobody can bring back."""
    when = "then" if manifest is None else f"{manifest.made_at:%Y-%m-%d %H:%M:%S} UTC"
    say(f"the store of {when} is back and verified" + (f"; the one before is the database {aside}" if aside else ""))
    say(f"not sent again: {settled['commands_expired']} commands to chips; everybody signs in anew")
    if "deliveries_held" in settled:
        held = settled["deliveries_held"], settled["facts_held"]
        say(f"not sent again: {held[0]} webhooks that waited (an officer may send them), {held[1]} facts without any")
    else:
        say(f"sent (again): {settled['deliveries_to_send_again']} webhooks that waited")
    say(f"LOST: what came after {when}. Chips forgot what they were told is stored: it shows as holes, `unreadable`")
    say(
        "do again what people did since: blocks, suspensions, revocations, accounts and keys taken back, ERASURES of persons"
    )
