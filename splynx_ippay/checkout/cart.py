"""Several documents in one payment. Owns which are picked and how much of each; the sum shown is the sum charged.

Must never decide what is due: it takes what ``payments.due`` says, and the core reads it again when the button is pressed.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from splynx_ippay.base.errors import BadInput, BadInputs, ConfigError
from splynx_ippay.base.marks import N_
from splynx_ippay.base.money import Money
from splynx_ippay.checkout.offers import StaleForm
from splynx_ippay.payments.orders import Document, Item, new_submission_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from werkzeug.datastructures import MultiDict

    from splynx_ippay.base.crypto import KeyBox
    from splynx_ippay.payments.core import Core
    from splynx_ippay.payments.due import Debt

# Each document is read again from Splynx before the one sale; all must fit the time an intent may wait.
MOST_AT_ONCE = 30
ALL = "all"


@dataclass(frozen=True)
class Pick:
    """One document and how much of it. A top-up line is what a person pays beyond the documents."""

    document: Document
    document_id: int | None
    number: str
    cents: int
    is_part: bool = False


@dataclass(frozen=True)
class Cart:
    """What one press pays, sealed into the form as a single offer is."""

    customer_id: int
    partner_id: int
    currency: str
    picks: tuple[Pick, ...]
    submission_key: str
    card_fee_cents: int = 0  # what the page showed as the fee of a card

    document = "several"

    @classmethod
    def of_form(cls, box: KeyBox, form: Mapping[str, str]) -> Cart:
        """Read the note of a form. Raises StaleForm when it is not one of ours, or the form around it was changed."""
        try:
            note = json.loads(box.decrypt(form.get("offer", "")))
            cart = cls(**note | {"picks": tuple(Pick(**pick) for pick in note["picks"])})
        except (ConfigError, ValueError, TypeError, KeyError):
            raise StaleForm("the form's sealed note cannot be read") from None
        if form.get("submission_key") != cart.submission_key or form.get("amount_cents") != str(cart.due_cents):
            raise StaleForm("the form is not the one of its note")
        return cart

    def seal(self, box: KeyBox) -> str:
        """The note for the form."""
        return box.encrypt(json.dumps(asdict(self)))

    @property
    def due_cents(self) -> int:
        """The sum of all lines."""
        return sum(pick.cents for pick in self.picks)

    @property
    def due(self) -> Money:
        """What the person is asked to pay."""
        return Money(self.due_cents, self.currency)

    @property
    def pays(self) -> Money:
        """What is paid when the button is pressed, without a fee."""
        return self.due

    @property
    def card_fee(self) -> Money:
        """What the page showed as the fee of a card."""
        return Money(self.card_fee_cents, self.currency)

    def amount(self, pick: Pick) -> Money:
        """One line's share."""
        return Money(pick.cents, self.currency)

    def items(self) -> tuple[Item, ...]:
        """What the core is asked to take, in the order shown."""
        return tuple(Item(pick.document, pick.document_id, pick.number, self.amount(pick), is_part=pick.is_part)
                     for pick in self.picks)


@dataclass(frozen=True)
class PartRules:
    """The settings about payments of a part."""

    is_allowed: bool
    minimum: Money
    smallest_payment: Money

    @classmethod
    def of(cls, core: Core, currency: str) -> PartRules:
        """The settings as they are now."""
        return cls(core.settings.flag("part_payments"), core.settings.money("part_minimum", currency),
                   core.settings.money("minimum_amount", currency))

    def fit(self, document: str, due: Money) -> bool:
        """Whether a part of this debt may be paid."""
        return self.is_allowed and document == "invoice" and self.minimum < due

    def read(self, due: Money, typed: str, *, field: str = "amount") -> Money:
        """How much of a debt a person wants to pay: all of it, or a part. Raises BadInput."""
        amount = Money.parse(typed, due.currency, field=field)
        if due < amount:
            raise BadInput(field, N_("Only %(due)s is due. Please enter no more than that."), due=due)
        if amount != due and amount < self.minimum:
            raise BadInput(field, N_("The smallest part that can be paid is %(amount)s."), amount=self.minimum)
        if amount != due and due - amount < self.smallest_payment:
            raise BadInput(field, N_("Only %(rest)s would be left, too little for a payment of its own. Please pay %(due)s."),
                           rest=due - amount, due=due)
        return amount


def key_of(document: str, document_id: int | None) -> str:
    """How a form names a document: ``invoice-8812``."""
    return f"{document}-{document_id}"


def payable(debts: Iterable[Debt]) -> list[Debt]:
    """The debts that may be picked: nobody pays them already. Oldest first, at most ``MOST_AT_ONCE``."""
    return [debt for debt in debts if debt.held is None and debt.due][:MOST_AT_ONCE]


def read_picks(form: MultiDict[str, str], debts: Sequence[Debt], rules: PartRules) -> tuple[Pick, ...]:
    """What a form or an address picks of the debts: ticks with a sum each, or one amount for the oldest.

    Raises BadInputs with every mistake at once; nothing picked is a mistake. A document that is not open any more is
    left out: the page that follows shows what is paid.
    """
    open_now = payable(debts)
    if rules.is_allowed and form.get("lump", "").strip():
        return spread(Money.parse(form["lump"], rules.minimum.currency, field="lump"), open_now, rules)
    wanted = set(form.getlist("pick"))
    picks: list[Pick] = []
    mistakes: list[BadInput] = []
    for debt in open_now:
        name = key_of(debt.document, debt.document_id)
        if name not in wanted and ALL not in wanted:
            continue
        typed = form.get(f"sum-{name}", "").strip() if rules.fit(debt.document, debt.due) else ""
        try:
            picks.append(_pick(debt, rules.read(debt.due, typed, field=f"sum-{name}") if typed else debt.due))
        except BadInput as error:
            mistakes.append(error)
    if mistakes:
        raise BadInputs(mistakes)
    if not picks:
        raise BadInput("pick", N_("Choose what you want to pay."))
    return tuple(picks)


def spread(amount: Money, debts: Iterable[Debt], rules: PartRules) -> tuple[Pick, ...]:
    """One amount over the debts, oldest first; of the last invoice a part. What is left becomes money on the account.

    A document that the rest does not pay whole, and of which no part can be paid, is passed over; of a part so much is
    left that it can be paid later.
    """
    left, picks = amount, []
    for debt in debts:
        share = min(left, debt.due)
        if share != debt.due and debt.due - share < rules.smallest_payment:
            share = debt.due - min(debt.due, rules.smallest_payment)
        if share and (share == debt.due or (rules.fit(debt.document, debt.due) and rules.minimum <= share)):
            picks.append(_pick(debt, share))
            left = left - share
    if left:
        picks.append(Pick("topup", None, "", left.cents))
    return tuple(picks)


def cart_of(picks: tuple[Pick, ...], customer_id: int, partner_id: int, currency: str) -> Cart:
    """A cart with a fresh key."""
    return Cart(customer_id, partner_id, currency, picks, new_submission_key())


def _pick(debt: Debt, amount: Money) -> Pick:
    document: Document = "invoice" if debt.document == "invoice" else "proforma"
    return Pick(document, debt.document_id, debt.number, amount.cents, is_part=amount != debt.due)
