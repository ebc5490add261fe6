"""Saving a card or bank account: exchange the details for a token, keep the token, forget the details."""

from __future__ import annotations

from typing import TYPE_CHECKING

from splynx_ippay import credentials
from splynx_ippay.base import clock
from splynx_ippay.base.errors import BadInput, GatewayRefused, OutcomeUnknown
from splynx_ippay.base.marks import N_
from splynx_ippay.credentials import Method
from splynx_ippay.ippay import messages
from splynx_ippay.ippay.messages import BankAccount, Card, Identity, new_transaction_id
from splynx_ippay.ippay.outcomes import Verdict, decline_for, judge
from splynx_ippay.payments import breaker, limits

if TYPE_CHECKING:
    from splynx_ippay.base.settings import TerminalSettings
    from splynx_ippay.payments.core import Core
    from splynx_ippay.payments.orders import Consent

NOT_ACCEPTED = {"card": N_("Cards are not accepted here."), "bank": N_("Bank accounts are not accepted here.")}


def tokenize(core: Core, terminal: TerminalSettings, details: Card | BankAccount) -> str:
    """Exchange card or bank details for a token; moves no money.

    Raises BadInput when the gateway finds a fault in the details, GatewayRefused for our own set-up (the breaker
    stops), NeverSent, OutcomeUnknown (nothing is lost: no money was moved, the person may try again), Stopped.
    """
    with core.database.read() as session:
        breaker.guard(session, terminal.terminal_id, terminal.environment)
    identity = Identity(terminal.terminal_id, terminal.password)
    request = (messages.tokenize_card(identity, details, new_transaction_id()) if isinstance(details, Card)
               else messages.tokenize_bank(identity, details, new_transaction_id()))
    try:
        reply = core.gateway(terminal.environment).send(request)
    except OutcomeUnknown as error:
        note_symptom(core, terminal, error)
        raise
    core.database.run(lambda session: breaker.count_success(session, terminal.terminal_id, terminal.environment))
    verdict = judge("TOKENIZE", reply)
    if verdict == Verdict.APPROVED:
        return reply.token
    brand = credentials.brand_of(details.number) if isinstance(details, Card) else "bank"
    words = decline_for(reply.action_code, brand, reply.err_msg)
    if verdict == Verdict.CONFIGURATION:
        reason = f"code {reply.action_code}: {words.meaning}"
        core.database.run(lambda session: breaker.stop(session, terminal.terminal_id, terminal.environment, reason))
        raise GatewayRefused(f"the gateway refuses our set-up ({reason})", reply.action_code)
    if verdict == Verdict.DECLINED:
        raise BadInput(words.field or ("number" if isinstance(details, Card) else "account"), words.customer)
    raise OutcomeUnknown("the gateway gave no clear answer about these details")


def note_symptom(core: Core, terminal: TerminalSettings, error: OutcomeUnknown) -> None:
    """Count replies that were no answer of the gateway at all."""
    symptom = getattr(error, "symptom", "")
    if symptom in {"http_status", "not_xml"}:
        core.database.run(lambda session: breaker.count_failure(
            session, terminal.terminal_id, terminal.environment, symptom))


def keep(core: Core, terminal: TerminalSettings, details: Card | BankAccount, token: str, *, customer_id: int,
         partner_id: int, consent: Consent | None, make_default: bool = False) -> Method:
    """Keep the token and what people recognise the method by."""
    now = clock.now()
    method = Method(customer_id=customer_id, partner_id=partner_id, terminal_id=terminal.terminal_id,
                    environment=terminal.environment, token_cipher=core.box.encrypt(token),
                    token_mark=credentials.mark_of(core.box, token), holder=details.holder, is_default=make_default, status="active", created_at=now, changed_at=now)
    if isinstance(details, Card):
        method.instrument, method.brand = "card", credentials.brand_of(details.number)
        method.last_four, method.postal_code = details.number[-4:], details.postal_code
        method.exp_month, method.exp_year = details.exp_month, details.exp_year
    else:
        method.instrument, method.routing, method.account_kind = "bank", details.routing, details.kind
        method.last_four = details.account[-4:]
    if consent is not None:
        method.consent_version, method.consent_text = consent.version, consent.text
        method.consent_at, method.consent_address = now, consent.address[:45]
    return core.database.run(lambda session: credentials.save(session, method))


def save(core: Core, customer_id: int, partner_id: int, details: Card | BankAccount, consent: Consent | None, *,
         make_default: bool = False) -> Method:
    """Save a method without paying. Raises BadInput, ConfigError and what ``tokenize`` raises."""
    terminal = core.settings.terminal(partner_id)
    kind = "card" if isinstance(details, Card) else "bank"
    if kind not in core.settings.instruments(terminal):
        raise BadInput("source", NOT_ACCEPTED[kind])
    core.database.run(lambda session: limits.guard_saving(session, customer_id))
    token = tokenize(core, terminal, details)
    return keep(core, terminal, details, token, customer_id=customer_id, partner_id=partner_id, consent=consent,
                make_default=make_default)
