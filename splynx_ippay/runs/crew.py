"""The threads that charge the items of one run. Owns the window of charges under way and the records of their endings.

Keeps the item's row and the run's state current in one transaction a turn of the loop. Must never touch an item
without a lease, and never hold a transaction while a charge is under way.
"""

from __future__ import annotations

import logging
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import exists, select, update

from splynx_ippay.base import clock
from splynx_ippay.base.errors import AddOnError, IllegalTransition, Stopped
from splynx_ippay.base.money import Money
from splynx_ippay.credentials import Method
from splynx_ippay.payments import charge
from splynx_ippay.payments.models import CustomerNote, Door, State
from splynx_ippay.payments.orders import Item, Order, SavedMethod
from splynx_ippay.runs import backups, claims
from splynx_ippay.runs.endings import Ending, ending_of
from splynx_ippay.runs.models import ItemState, Run, RunItem, RunState

if TYPE_CHECKING:
    import threading
    from concurrent.futures import Future

    from sqlalchemy.orm import Session

    from splynx_ippay.payments.core import Core

_LOG = logging.getLogger(__name__)
# The gateway could not be reached so often in a row: the rest would fare no better.
UNSENT_IN_A_ROW = 3


def charge_leased(core: Core, item: RunItem) -> Ending:
    """Charge an item this worker holds the lease of; every error becomes an ending."""
    if item.method_id is None:
        return Ending(ItemState.DRIFTED, "no_method")
    if item.turn == backups.SECOND and not core.settings.flag("backup_method"):
        return Ending(ItemState.DRIFTED, "backup_off")
    order = Order(
        door=Door.RUN, customer_id=item.customer_id, partner_id=item.partner_id,
        items=(_debt_of(item),),
        source=SavedMethod(item.method_id), submission_key=f"run-{item.run_id}-{item.id}", actor=f"run {item.run_id}",
        origin="RECURRING", in_intent=partial(_take, item))
    try:
        attempt = charge.take(core, order)
    except AddOnError as error:
        return ending_of(error)
    except Exception as error:  # noqa: BLE001 - an item must not end the thread without a record
        # A fault of ours, or the database: nobody knows what else it would do, so the run stops for a person to look.
        _LOG.exception("run %s item %s", item.run_id, item.id)
        return Ending(ItemState.READY, "host_away", halt=f"internal error ({type(error).__name__}); see the log")
    if attempt.state == State.ABANDONED:
        return Ending(ItemState.DONE, "never_sent", unsent=True)
    return Ending()


def _debt_of(item: RunItem) -> Item:
    amount = Money(item.amount_cents, item.currency)
    if item.document == "balance":
        return Item("balance", None, "", amount)
    return Item("invoice", item.document_id, item.number, amount)


def _take(item: RunItem, session: Session, attempt_id: int) -> None:
    """In the intent's transaction: the item is ours, and nobody stopped the customer's automatic charging meanwhile."""
    note = session.get(CustomerNote, item.customer_id)
    if note is not None and note.no_auto:
        raise Stopped("customer_stopped", note.reason)
    if item.turn == backups.SECOND:
        method = session.get(Method, item.method_id)
        if method is None or method.backup_at is None:
            raise Stopped("backup_off", f"{item.method_label} is not the backup method any more")
    taken = session.execute(update(RunItem).where(RunItem.id == item.id, RunItem.attempt_id.is_(None))
                            .values(attempt_id=attempt_id))
    if taken.rowcount != 1:  # type: ignore[attr-defined]  # the result of an UPDATE has one
        raise IllegalTransition(f"run item {item.id} has an attempt already")


def record(session: Session, endings: dict[int, Ending]) -> None:
    """Write how items left their turn; one that was not charged is free again unless it has an attempt."""
    back = [item_id for item_id, ending in endings.items() if ending.state == ItemState.READY]
    rows = [{"id": item_id, "state": ending.state, "reason": ending.reason, "detail": ending.detail,
             "lease_until": None, "lease_holder": ""}
            for item_id, ending in endings.items() if ending.state != ItemState.READY]
    if rows:
        session.execute(update(RunItem), rows)
        backups.follow_items(session, [item_id for item_id, ending in endings.items() if ending.state == ItemState.DONE])
    if back:
        claims.free(session, back)
        reason = next(ending.reason for ending in endings.values() if ending.state == ItemState.READY)
        session.execute(update(RunItem).where(RunItem.id.in_(back), RunItem.attempt_id.is_not(None))
                        .values(state=ItemState.DONE, reason=reason))


def halt(session: Session, run_id: int, words: str) -> None:
    """Stop a running run; its unfinished items stay as they are."""
    session.execute(update(Run).where(Run.id == run_id, Run.state == RunState.RUNNING)
                    .values(state=RunState.STOPPED, stop_reason=words[:200]))


def finish(session: Session, run_id: int) -> bool:
    """Close a running run in which no item waits or is under way; tells whether it did."""
    claims.adopt(session, run_id)
    open_items = exists().where(RunItem.run_id == run_id, RunItem.state == ItemState.READY)
    if session.scalar(select(open_items)) or backups.follow_run(session, run_id):
        return False
    closed = session.execute(update(Run).where(Run.id == run_id, Run.state == RunState.RUNNING, ~open_items)
                             .values(state=RunState.FINISHED, finished_at=clock.now()))
    return bool(closed.rowcount)  # type: ignore[attr-defined]  # the result of an UPDATE has one


@dataclass
class Crew:
    """One execution of one run by one process. Several processes may work on the same run: leases keep them apart."""

    core: Core
    run_id: int
    holder: str
    window: int
    stopping: threading.Event
    unsent: int = 0
    under_way: dict[Future[Ending], int] = field(default_factory=dict)

    def work(self) -> None:
        """Charge until nothing is free, the run was stopped, or this process is to end."""
        self.core.database.run(lambda session: claims.take_over(session, self.run_id, self.core))
        endings: dict[int, Ending] = {}
        with ThreadPoolExecutor(self.window, thread_name_prefix=f"run-{self.run_id}") as pool:
            while True:
                done = endings
                words = self._judge(done)
                items = self.core.database.run(lambda session, done=done, words=words: self._turn(session, done, words))  # type: ignore[misc]  # a lambda's defaults cannot be typed
                for item in items:
                    self.under_way[pool.submit(charge_leased, self.core, item)] = item.id
                if not self.under_way:
                    return
                finished, _ = wait(self.under_way, return_when=FIRST_COMPLETED)
                endings = {self.under_way.pop(future): future.result() for future in finished}

    def _judge(self, endings: dict[int, Ending]) -> str:
        """Why the run must stop now, "" when it need not."""
        for ending in endings.values():
            self.unsent = self.unsent + 1 if ending.unsent else 0
            if ending.halt:
                return ending.halt
        if self.unsent >= UNSENT_IN_A_ROW:
            return "the gateway could not be reached several times in a row; nothing was sent"
        return ""

    def _turn(self, session: Session, endings: dict[int, Ending], words: str) -> list[RunItem]:
        """Record what ended, stop the run if there is a reason, and claim as many items as are free to start."""
        if endings:
            record(session, endings)
        if words:
            halt(session, self.run_id, words)
        running = session.scalar(select(Run.state).where(Run.id == self.run_id)) == RunState.RUNNING
        if not running or self.stopping.is_set():
            return []
        items = claims.claim(session, self.run_id, self.holder, self.window - len(self.under_way))
        if not items and not self.under_way:
            finish(session, self.run_id)
        return items
