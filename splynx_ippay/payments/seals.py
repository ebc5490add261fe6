"""The sealer: heads of all chains of events, signed, in a file outside the database. Owns that a changed past is seen.

Every line of ``seals.log`` holds the heads (attempt, seq, hash) that are new since the line before, the signature of that
line, and its own. The file is only appended to; copy it to another machine, and nobody can rewrite both.
"""

from __future__ import annotations

import json
import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from splynx_ippay.base import clock
from splynx_ippay.payments import events, mark
from splynx_ippay.payments.models import Attempt, Event, State

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy.orm import Session

    from splynx_ippay.payments.core import Core

FILE = "seals.log"
# A transaction may commit later than one with a higher event id; no transaction of ours is open that long.
SETTLE = timedelta(minutes=2)
_HEADS_A_LINE = 500
_LAST_LINE_WITHIN = 64 * 1024
_PURPOSE = "seal"


def path(core: Core) -> Path:
    """Where the seals stand."""
    return core.spool / FILE


def write(core: Core, *, settle: timedelta = SETTLE) -> int:
    """Seal every chain that grew, but for the newest two minutes; returns how many heads were written."""
    file = path(core)
    file.parent.mkdir(parents=True, exist_ok=True)
    last = _last_line(file)
    sealed, previous = (last["upto"], last["signature"]) if last else (0, "")
    with core.database.read() as session:
        upto = session.scalar(select(func.max(Event.id)).where(Event.at <= clock.now() - settle)) or 0
        if upto <= sealed:
            return 0
        heads = _heads(session, sealed, upto)
    with file.open("a", encoding="ascii") as out:
        for start in range(0, len(heads), _HEADS_A_LINE):
            part = heads[start:start + _HEADS_A_LINE]
            is_last = start + _HEADS_A_LINE >= len(heads)
            body = {"at": clock.now().isoformat(), "upto": upto if is_last else sealed, "heads": part, "previous": previous}
            previous = core.box.sign(_PURPOSE, _text(body))
            out.write(_text(body | {"signature": previous}) + "\n")
        out.flush()
        os.fsync(out.fileno())
    mark.sync_folder(file.parent)
    return len(heads)


def _heads(session: Session, after: int, upto: int) -> list[list[Any]]:
    newest = (select(Event.attempt_id, func.max(Event.seq).label("seq")).where(Event.id > after, Event.id <= upto)
              .group_by(Event.attempt_id).subquery())
    rows = session.execute(
        select(Event.attempt_id, Event.seq, Event.hash)
        .join(newest, (Event.attempt_id == newest.c.attempt_id) & (Event.seq == newest.c.seq)).order_by(Event.attempt_id))
    return [list(row) for row in rows]


def _text(body: dict[str, Any]) -> str:
    return json.dumps(body, sort_keys=True, separators=(",", ":"))


def _last_line(file: Path) -> dict[str, Any] | None:
    """The last whole seal. A fragment that a power cut left behind never was one, and is cut off.

    A last line that cannot be read was changed by somebody; sealing goes on from the beginning, ``verify`` tells.
    """
    if not file.exists():
        return None
    with file.open("r+b") as out:
        size = out.seek(0, os.SEEK_END)
        out.seek(max(0, size - _LAST_LINE_WITHIN))
        tail = out.read()
        if tail and not tail.endswith(b"\n"):
            out.truncate(size - len(tail) + tail.rfind(b"\n") + 1)
    whole = tail[:tail.rfind(b"\n") + 1].splitlines()
    try:
        found = json.loads(whole[-1])
        return {"upto": int(found["upto"]), "signature": str(found["signature"])}
    except (IndexError, ValueError, TypeError, KeyError):
        return None


def verify(core: Core) -> dict[str, str]:
    """Compute every chain again and compare it with the seals; what does not hold, in words, by place. Empty: all holds.

    The first broken row of a chain is named; the file is read up to its first broken line.
    """
    found: dict[str, str] = {}
    with core.database.read() as session:
        for chain in _chains(session):
            if words := _broken(chain):
                found[f"attempt {chain[0].attempt_id}"] = words
        found |= _unmatched(session)
        found |= _broken_seals(core, session)
    return found


def _chains(session: Session) -> Iterator[list[Event]]:
    """The events of one attempt after another, never all at once."""
    chain: list[Event] = []
    for event in session.scalars(select(Event).order_by(Event.attempt_id, Event.seq).execution_options(yield_per=1000)):
        if chain and chain[0].attempt_id != event.attempt_id:
            yield chain
            chain = []
        chain.append(event)
    if chain:
        yield chain


def _broken(chain: list[Event]) -> str:
    row = events.first_broken(chain)
    return "" if row is None else (
        f"attempt {row.attempt_id}: event {row.seq} ({row.kind}, {row.at:%Y-%m-%d %H:%M} UTC) is not what was recorded")


def _unmatched(session: Session) -> dict[str, str]:
    """Attempts whose state or amount is not what their events say: the row was changed around the setter."""
    said: dict[int, tuple[str, int | None]] = {}
    rows = session.execute(select(Event.attempt_id, Event.kind, Event.data).order_by(Event.attempt_id, Event.seq)
                           .execution_options(yield_per=1000))
    for attempt_id, kind, data in rows:
        state, cents = said.get(attempt_id, (State.INTENDED.value, None))
        said[attempt_id] = (data["to"] if kind != "booking" and "to" in data else state, data.get("amount_cents", cents))
    found = {}
    for attempt_id, state, cents in session.execute(select(Attempt.id, Attempt.state, Attempt.amount_cents)):
        expected = said.get(attempt_id, (State.INTENDED.value, cents))
        if expected[0] != state or expected[1] not in {cents, None}:
            found[f"row {attempt_id}"] = (f"attempt {attempt_id} is {state} with {cents} cents; its events say "
                                          f"{expected[0]} with {expected[1]}")
    return found


def _broken_seals(core: Core, session: Session) -> dict[str, str]:
    file = path(core)
    if not file.exists():
        return {}
    previous = ""
    with file.open(encoding="ascii", errors="replace") as lines:
        for number, line in enumerate(lines, start=1):
            body = _signed_body(core, line)
            if not line.endswith("\n"):
                return {}  # a fragment of the seal that is being written
            if body is None or body["previous"] != previous:
                return {f"seal {number}": f"line {number} of {file} is not what was sealed"}
            for attempt_id, seq, digest in body["heads"]:
                if _hash_of(session, attempt_id, seq) != digest:
                    return {f"seal {number}": f"attempt {attempt_id}: event {seq} was sealed at {body['at'][:16]} and is "
                                              "missing or another one now"}
            previous = body["signature"]
    return {}


def _signed_body(core: Core, line: str) -> dict[str, Any] | None:
    """A line of the file, with its signature; None unless any key of the key file signed exactly this."""
    try:
        body: dict[str, Any] = json.loads(line)
        bare = {key: value for key, value in body.items() if key != "signature"}
        return body if core.box.is_signed(_PURPOSE, _text(bare), body["signature"]) else None
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _hash_of(session: Session, attempt_id: int, seq: int) -> str | None:
    return session.scalar(select(Event.hash).where(Event.attempt_id == attempt_id, Event.seq == seq))


def put_away(core: Core) -> None:
    """Keep the file under another name and begin a new one: after a recovery the old seals speak of lost events."""
    file = path(core)
    if file.exists():
        file.rename(file.with_name(f"seals-until-{clock.now():%Y%m%d-%H%M%S}.log"))
        mark.sync_folder(file.parent)
