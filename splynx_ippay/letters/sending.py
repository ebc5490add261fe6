"""The job that sends what the outbox owes. Owns when, to whom, and what a failure means.

A mail twice is worse than one less: ``sending_at`` is committed before the mail server is asked, and what was then
interrupted is never repeated. Must never write an address, a subject or a body into a row or a log, nor hold a
transaction while Splynx or the mail server is asked.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import select, update

from splynx_ippay import notifications
from splynx_ippay.base import clock
from splynx_ippay.base.errors import ConfigError, HostError, HostRejected
from splynx_ippay.letters import Overtaken
from splynx_ippay.letters.kinds import KINDS
from splynx_ippay.notifications import MailState, NotDelivered, OutboxMail
from splynx_ippay.payments import mark

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import CursorResult
    from sqlalchemy.orm import Session

    from splynx_ippay.letters.kinds import Kind
    from splynx_ippay.notifications import Mail
    from splynx_ippay.payments.core import Core

log = logging.getLogger(__name__)

_BATCH = 100
_SOON, _LATEST = timedelta(minutes=1), timedelta(hours=6)
# Longer than any conversation with a mail server lasts: each of its steps is cut off after ten seconds.
GIVEN_UP_AFTER = timedelta(minutes=15)
_GONE = 404
_LONGEST_MASKED = 48


class _Ended(Exception):
    """The mail does not go out: how it ends, and why."""

    def __init__(self, state: MailState, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.state, self.reason, self.detail = state, reason, detail


class _Later(Exception):
    """The mail has to wait. ``is_general``: so has every other one."""

    def __init__(self, reason: str, detail: str, *, is_general: bool) -> None:
        super().__init__(reason)
        self.reason, self.detail, self.is_general = reason, detail, is_general


def tick(core: Core) -> int:
    """Send what is due, oldest first; returns how many went out. Stops early when Splynx or the mail server is away.

    Raises Stopped in quarantine: an old copy of the database owes what may have gone out.
    """
    mark.guard(core)
    core.database.run(_give_up_interrupted)
    names = _Names(core)
    sent = 0
    for mail in _due(core):
        turn = _Turn(core, mail)
        try:
            sent += _send(core, turn, names)
        except _Ended as end:
            turn.end(end.state, reason=end.reason, detail=end.detail)
        except _Later as later:
            turn.postpone(later)
            if later.is_general:
                break
    return sent


def _give_up_interrupted(session: Session) -> None:
    """What was with the mail server when a worker ended may have gone out."""
    session.execute(
        update(OutboxMail).where(OutboxMail.state == MailState.SENDING, OutboxMail.sending_at < clock.now() - GIVEN_UP_AFTER)
        .values(state=MailState.UNSURE, state_at=clock.now(), reason="interrupted").execution_options(synchronize_session=False))


def _due(core: Core) -> Sequence[OutboxMail]:
    with core.database.read() as session:
        return session.scalars(select(OutboxMail).where(OutboxMail.state == MailState.DUE, OutboxMail.next_at <= clock.now())
                               .order_by(OutboxMail.next_at, OutboxMail.id).limit(_BATCH)).all()


def _send(core: Core, turn: _Turn, names: _Names) -> bool:
    """One mail, all the way; False when another worker has it. Raises _Ended and _Later."""
    mail = turn.mail
    try:
        letter = _write(core, mail, names)
    except (_Ended, _Later):
        raise
    except Exception as error:  # a fault of ours about one mail must not stop the others
        log.exception("mail %s (%s) cannot be written", mail.id, mail.kind)
        raise _Later("our_fault", type(error).__name__, is_general=False) from error
    if not turn.take():
        return False
    try:
        notifications.send(core.settings, letter, ca_file=core.deployment.ca_file, seconds=core.mail_seconds)
    except NotDelivered as error:
        log.warning("mail %s (%s): %s", mail.id, mail.kind, error)
        if error.is_unsure:
            raise _Ended(MailState.UNSURE, "interrupted", error.symptom) from None
        if error.is_final:
            raise _Ended(MailState.FAILED, "refused", error.symptom) from None
        raise _Later("not_taken", error.symptom, is_general=error.is_general) from None
    except ConfigError as error:
        log.warning("mail %s (%s): %s", mail.id, mail.kind, error)
        raise _Later("not_taken", type(error).__name__, is_general=True) from None
    turn.end(MailState.SENT, sent_to=notifications.masked(letter.to)[:_LONGEST_MASKED])
    return True


def _write(core: Core, mail: OutboxMail, names: _Names) -> Mail:
    """The mail as it goes out now. Raises _Ended and _Later."""
    kind = _kind_to_send(core, mail)
    try:
        customer = core.host.get_customer(mail.customer_id)
        merchant = names.of(customer.partner_id)
    except (HostError, ConfigError) as error:
        if isinstance(error, HostRejected) and error.status == _GONE:
            raise _Ended(MailState.FAILED, "customer_gone") from None
        log.warning("mail %s (%s): %s", mail.id, mail.kind, error)
        raise _Later("splynx_away", type(error).__name__, is_general=True) from None
    address = notifications.address_in(customer.billing_email, customer.email)
    if not address:
        raise _Ended(MailState.FAILED, "no_address")
    try:
        with core.database.read() as session:
            facts = {**kind.facts(session, mail), **kind.addresses(core, session, mail)}
    except Overtaken:
        raise _Ended(MailState.SKIPPED, "overtaken") from None
    return notifications.render(mail.kind, address, core.settings.text("language"), name=_line(customer.name),
                                merchant=merchant, contact=_line(core.settings.text("mail_contact", customer.partner_id)), **facts)


def _line(text: str) -> str:
    """On one line."""
    return " ".join(text.split())


def _kind_to_send(core: Core, mail: OutboxMail) -> Kind:
    """The row of its kind, if it is to go out at all. Raises _Ended."""
    kind = KINDS.get(mail.kind)
    if kind is None:
        raise _Ended(MailState.SKIPPED, "unknown_kind")
    if not notifications.can_send(core.settings):
        raise _Ended(MailState.SKIPPED, "no_server")
    if kind.switch and not core.settings.flag(kind.switch):
        raise _Ended(MailState.SKIPPED, "switched_off")
    if mail.created_at < clock.now() - kind.worth:
        raise _Ended(MailState.FAILED, mail.reason, mail.detail) if mail.tries else _Ended(MailState.SKIPPED, "too_old")
    return kind


class _Turn:
    """One worker's turn with one mail. Writes only while the row is as this worker left it."""

    def __init__(self, core: Core, mail: OutboxMail) -> None:
        self.mail = mail
        self._core = core
        self._is_taken = False

    def take(self) -> bool:
        """Commit that the mail server is about to be asked; False when another worker did."""
        now = clock.now()
        self._is_taken = self._write({MailState.DUE}, self.mail.tries, state=MailState.SENDING, sending_at=now, state_at=now,
                                     tries=self.mail.tries + 1)
        return self._is_taken

    def end(self, state: MailState, *, reason: str = "", detail: str = "", sent_to: str = "") -> None:
        """Record what became of it; what was given up as unsure meanwhile may yet turn out well."""
        self._put(state=state, state_at=clock.now(), reason=reason, detail=detail[:80], sent_to=sent_to)

    def postpone(self, later: _Later) -> None:
        """Try again after growing waits, as long as the mail is worth it."""
        again = clock.now() + min(_LATEST, _SOON * 2 ** min(self.mail.tries, 10))
        is_worth_it = again <= self.mail.created_at + KINDS[self.mail.kind].worth
        self._put(state=MailState.DUE if is_worth_it else MailState.FAILED, state_at=clock.now(), next_at=again,
                  tries=self.mail.tries + 1, reason=later.reason, detail=later.detail[:80])

    def _put(self, **columns: Any) -> None:
        if self._is_taken:
            self._write({MailState.SENDING, MailState.UNSURE}, self.mail.tries + 1, **columns)
        else:
            self._write({MailState.DUE}, self.mail.tries, **columns)

    def _write(self, states: set[MailState], tries_then: int, /, **columns: Any) -> bool:
        changed = update(OutboxMail).where(OutboxMail.id == self.mail.id, OutboxMail.state.in_(states), OutboxMail.tries == tries_then)
        return self._core.database.run(lambda session: cast("CursorResult[Any]", session.execute(
            changed.values(**columns).execution_options(synchronize_session=False))).rowcount == 1)


class _Names:
    """Who is paid, by partner: the name of the settings, else Splynx's, asked at most once a round."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._partners: dict[int, str] | None = None

    def of(self, partner_id: int) -> str:
        """The partner's name, "" where there is none fit for a letter. Raises HostError and ConfigError."""
        if brand := _line(self._core.settings.text("brand_name", partner_id)):
            return brand
        if self._partners is None:
            self._partners = {partner.id: partner.own_name for partner in self._core.host.partners()}
        return self._partners.get(partner_id, "")
