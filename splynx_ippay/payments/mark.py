"""The high-water mark: how far this machine has seen the database, in a file outside it and outside its backup.

Owns the question whether this database may send at all. The mark goes up before a sale is
sent, so a database that lacks it is older than money that was moved: QUARANTINE until ``recovery`` has read what the
neighbours know and a person releases it. The mark never goes down.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from splynx_ippay.base import clock
from splynx_ippay.base.db import get_or_add
from splynx_ippay.base.errors import BadInput, ConfigError, Stopped
from splynx_ippay.payments.models import Event
from splynx_ippay.payments.watch_models import THE_ONE, Installation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy.orm import Session

    from splynx_ippay.payments.core import Core

log = logging.getLogger(__name__)

FILE = "high-water"
_MEND = "nothing is sent or posted. Run: splynx-ippay recover"


@dataclass(frozen=True, slots=True)
class Mark:
    """The newest event of an epoch. ``installation`` is signed with the key file; empty when the file was damaged."""

    installation: str
    epoch: int
    event_id: int
    event_hash: str

    @property
    def position(self) -> tuple[int, int]:
        """What only grows."""
        return self.epoch, self.event_id


_DAMAGED = Mark("", 0, 0, "")


@dataclass(frozen=True, slots=True)
class _Standing:
    """What the database says of itself; ``seen_hash`` is its hash of the event the mark names."""

    epoch: int | None
    quarantined_at: datetime | None
    reason: str
    seen_hash: str | None
    newest_id: int
    newest_hash: str


def guard(core: Core) -> None:
    """Raise Stopped("quarantine") unless this database holds everything that this machine has seen committed."""
    _look(core)


def advance(core: Core) -> None:
    """The same, and write down how far the database is now, on the disk. Raises ConfigError when that cannot be done."""
    mark, standing = _look(core)
    if mark.position != (standing.epoch, standing.newest_id):
        _write(core, _now(core, standing))


def why(core: Core) -> str:
    """Why nothing may be sent, in words for staff; empty when all is well. Changes nothing."""
    mark, standing = _both(core)
    return "" if _is_new(mark, standing) else _why(core, mark, standing)


def at_start(core: Core) -> None:
    """Look when a process begins: it serves pages also in quarantine, but says loudly what is the matter."""
    try:
        guard(core)
    except (Stopped, ConfigError) as error:
        log.error("%s", error)  # noqa: TRY400 - the words say it all


def quarantine(session: Session, reason: str) -> None:
    """Nothing may be sent or posted from now on, on any machine; the first reason stays."""
    row = _row(session)
    if row.quarantined_at is None:
        row.quarantined_at, row.reason, row.recovered_at, row.report = clock.now(), reason[:300], None, ""
    session.flush()


def release(core: Core, *, by: str, also: Callable[[Session], None]) -> None:
    """Begin a new epoch with this database, and in the same transaction do ``also``.

    Raises BadInput unless ``recovery`` has read everything since.
    """
    mark = read(core)

    def _release(session: Session) -> None:
        row = _row(session)
        if row.quarantined_at is None:
            raise BadInput("release", "There is nothing to release: the database is not in quarantine.")
        if row.recovered_at is None:
            raise BadInput("release", "Run splynx-ippay recover first and look at what it finds.")
        row.epoch = max(row.epoch, mark.epoch if mark else 0) + 1
        row.quarantined_at, row.reason = None, ""
        row.released_by, row.released_at = by[:80], clock.now()
        also(session)

    core.database.run(_release)
    _write(core, _now(core, _ask(core, None)))


def read(core: Core) -> Mark | None:
    """The mark of this machine; None when there is none, a mark of nobody when the file is damaged."""
    try:
        return Mark(**json.loads(_path(core).read_text(encoding="ascii")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError):
        return _DAMAGED


def _path(core: Core) -> Path:
    return core.spool / FILE


def _both(core: Core) -> tuple[Mark | None, _Standing]:
    mark = read(core)
    standing = _ask(core, mark)
    if mark is None and standing.epoch is not None:
        # Another process may just have begun: it writes its file before its row, so now the file is there, if ever.
        mark = read(core)
        standing = _ask(core, mark)
    return mark, standing


def _look(core: Core) -> tuple[Mark, _Standing]:
    mark, standing = _both(core)
    if _is_new(mark, standing):
        _write(core, Mark(core.box.sign("installation", "id"), 1, 0, ""))
        core.database.run(lambda session: _row(session, epoch=1))
        mark = read(core)
        standing = _ask(core, mark)
    reason = _why(core, mark, standing)
    if reason or mark is None:
        if standing.quarantined_at is None and mark is not None:
            core.database.run(lambda session: quarantine(session, reason))
        raise Stopped("quarantine", f"quarantine: {reason}; {_MEND}")
    return mark, standing


def _is_new(mark: Mark | None, standing: _Standing) -> bool:
    """Whether nothing was ever sent from here: a first start, or one that was cut off."""
    return standing.epoch is None and (mark is None or mark.position == (1, 0))


def _why(core: Core, mark: Mark | None, standing: _Standing) -> str:
    if standing.quarantined_at is not None:
        return standing.reason
    if mark is None:
        return (f"the file {_path(core)} is missing, so nobody can tell whether this database is an older copy. "
                "Bring the file from the machine that ran before, if the database is not a backup")
    if not core.box.is_signed("installation", "id", mark.installation):
        return (f"the file {_path(core)} is damaged or belongs to another key file. "
                "If the key file was exchanged, first bring back the one of this database")
    epoch = standing.epoch or 0
    if epoch < mark.epoch:
        return "the database is older than its last recovery"
    if epoch == mark.epoch and mark.event_id and standing.seen_hash != mark.event_hash:
        return f"the database is older than what was sent: event {mark.event_id} is not in it. Was a backup restored?"
    return ""


def _ask(core: Core, mark: Mark | None) -> _Standing:
    """One statement, so that all of it is of one moment."""
    own = select(Installation.epoch).where(Installation.id == THE_ONE)
    newest = select(Event.id).order_by(Event.id.desc()).limit(1)
    seen = select(Event.hash).where(Event.id == (mark.event_id if mark else 0))
    statement = select(
        own.scalar_subquery(), own.with_only_columns(Installation.quarantined_at).scalar_subquery(),
        own.with_only_columns(Installation.reason).scalar_subquery(), seen.scalar_subquery(),
        newest.scalar_subquery(), newest.with_only_columns(Event.hash).scalar_subquery())
    with core.database.read() as session:
        epoch, quarantined_at, reason, seen_hash, newest_id, newest_hash = session.execute(statement).one()
    return _Standing(epoch, quarantined_at, reason or "", seen_hash, newest_id or 0, newest_hash or "")


def _now(core: Core, standing: _Standing) -> Mark:
    return Mark(core.box.sign("installation", "id"), standing.epoch or 0, standing.newest_id, standing.newest_hash)


def _row(session: Session, *, epoch: int = 0) -> Installation:
    """The one row; where a backup is from before it, its epoch is 0."""
    fresh = Installation(id=THE_ONE, epoch=epoch, started_at=clock.now(), reason="", report="", released_by="")
    return get_or_add(session, fresh, THE_ONE)


def _write(core: Core, mark: Mark) -> None:
    """Replace the file whole, unless another process was faster and is further."""
    path = _path(core)
    try:
        with _locked(path):
            there = read(core)
            if there is not None and there.position >= mark.position:
                return
            draft = path.with_suffix(".part")
            with draft.open("w", encoding="ascii") as file:
                json.dump(asdict(mark), file)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
            sync_folder(path.parent)
    except OSError as error:
        raise ConfigError(f"the high-water mark {path} cannot be written ({type(error).__name__}), so nothing is sent; "
                          "let the add-on's user write in spool_dir") from None


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def sync_folder(folder: Path) -> None:
    """Make a new or replaced file survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
