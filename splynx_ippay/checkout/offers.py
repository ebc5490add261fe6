"""What a pay page offers. Owns the sealed note a form carries: which debt, how much, whose, and its one-use key.

The note is encrypted and authenticated with the key box, so that a press needs no second look at the host before the
core's own, and nobody can turn one debt or amount into another by editing the form.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from splynx_ippay.base.errors import AddOnError, ConfigError
from splynx_ippay.base.money import Money
from splynx_ippay.payments.orders import Document, Item, new_submission_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from splynx_ippay.base.crypto import KeyBox
    from splynx_ippay.payments.due import Debt


_BLOCK = 512  # characters: no document needs more


class StaleForm(AddOnError):
    """The form is not one of ours any more: edited, cut short, or sealed with a key that is gone."""


@dataclass(frozen=True)
class Offer:
    """One debt as the page shows it. Amounts in cents of ``currency``; a top-up has neither total nor due yet.

    ``amount_cents`` is what the person chose to pay before choosing how (0: all that is due, or typed beside the button).
    ``card_fee_cents`` is what the page showed as the fee of a card.
    """

    document: Document
    document_id: int | None
    number: str
    customer_id: int
    partner_id: int
    total_cents: int
    due_cents: int
    currency: str
    submission_key: str
    amount_cents: int = 0
    card_fee_cents: int = 0

    @classmethod
    def of_debt(cls, debt: Debt, partner_id: int) -> Offer:
        """Offer what may be charged on a debt now."""
        document: Document = "invoice" if debt.document == "invoice" else "proforma"
        return cls(document, debt.document_id, debt.number, debt.customer_id, partner_id, debt.total.cents,
                   debt.due.cents, debt.due.currency, new_submission_key())

    @classmethod
    def of_topup(cls, customer_id: int, partner_id: int, currency: str) -> Offer:
        """Offer to add money; how much is typed."""
        return cls("topup", None, "", customer_id, partner_id, 0, 0, currency, new_submission_key())

    @classmethod
    def of_form(cls, box: KeyBox, form: Mapping[str, str]) -> Offer:
        """Read the note of a form. Raises StaleForm when it is not one of ours, or the form around it was changed."""
        try:
            offer = cls(**json.loads(box.decrypt(form.get("offer", ""))))
        except (ConfigError, ValueError, TypeError):
            raise StaleForm("the form's sealed note cannot be read") from None
        if form.get("submission_key", offer.submission_key) != offer.submission_key:
            raise StaleForm("the form's key is not the one of its note")
        if offer.document != "topup" and form.get("amount_cents", str(offer.due_cents)) != str(offer.due_cents):
            raise StaleForm("the form's amount is not the one of its note")
        return offer

    def seal(self, box: KeyBox) -> str:
        """The note for the form, padded: two documents' pages do not differ in length by what is inside."""
        note = json.dumps(asdict(self))
        return box.encrypt(note.ljust(-(-len(note) // _BLOCK) * _BLOCK))

    @property
    def total(self) -> Money:
        """The whole amount of the document."""
        return Money(self.total_cents, self.currency)

    @property
    def due(self) -> Money:
        """What the person is asked to pay."""
        return Money(self.due_cents, self.currency)

    @property
    def pays(self) -> Money:
        """What is paid when the button is pressed, without a fee; zero where the amount is typed beside it."""
        return Money(self.amount_cents or self.due_cents, self.currency)

    @property
    def card_fee(self) -> Money:
        """What the page showed as the fee of a card."""
        return Money(self.card_fee_cents, self.currency)

    def again(self, due: Money | None = None, pays: Money | None = None) -> Offer:
        """The same debt with a fresh key, with a new amount where it has changed, and of it what the person chose to pay."""
        values = asdict(self) | {"submission_key": new_submission_key()}
        if due is not None:
            values |= {"due_cents": due.cents, "currency": due.currency, "amount_cents": 0}
        if pays is not None:
            values |= {"amount_cents": pays.cents if pays.cents != values["due_cents"] else 0}
        return Offer(**values)

    def item(self, amount: Money) -> Item:
        """What the core is asked to take."""
        return Item(self.document, self.document_id, self.number, amount)
