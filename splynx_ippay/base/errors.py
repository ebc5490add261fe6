"""Every error the add-on raises on purpose. A declined payment is a value, not an error.

    AddOnError
    ├── ConfigError          the installer must act: a setting is missing, wrong or unsafe
    ├── BadInput             the person must act: one field, one sentence that says what to do
    │   └── BadInputs        several fields of one form
    ├── GatewayError
    │   ├── NeverSent        proven by position: no byte of the request left this machine
    │   ├── OutcomeUnknown   bytes may have left, no clear answer: reconciliation owns it now
    │   └── GatewayRefused   a clear answer that is neither yes nor a decline (set-up, format)
    ├── HostError
    │   ├── HostUnavailable  no clear answer from Splynx; a POST may have been carried out
    │   └── HostRejected     Splynx answered, and said no
    ├── IllegalTransition    the row was not in the state, or not in the version, it was read in
    ├── RowsFailed           some rows of a background job made us fail; the others were done
    ├── AlreadyOpen          another attempt holds this debt
    ├── AmountChanged        what is due is not what the person agreed to; nothing was sent
    ├── FeeChanged           the card fee is not what the payer was shown; nothing was sent
    ├── Stopped              charging is stopped for this terminal, or this payer has to wait
    └── LinkError            a payment link that opens nothing
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from splynx_ippay.base.money import Money


class AddOnError(Exception):
    """Base of every error raised on purpose; its text is safe to log and never holds a secret."""


class ConfigError(AddOnError):
    """A setting is missing, wrong or unsafe; the text names the setting and the mend."""


class BadInput(AddOnError):
    """One field of a form or command cannot be accepted.

    ``field`` is the form field's name, ``message`` a whole sentence (an untranslated msgid) for the person,
    ``params`` its %(name)s values.
    """

    def __init__(self, field: str, message: str, **params: object) -> None:
        super().__init__(f"{field}: {message % params if params else message}")
        self.field, self.message, self.params = field, message, params


class BadInputs(BadInput):
    """Several fields of one form; ``all`` holds every mistake in the order of the form. Reads as the first of them."""

    def __init__(self, mistakes: Sequence[BadInput]) -> None:
        first = mistakes[0]
        super().__init__(first.field, first.message, **first.params)
        self.all = tuple(mistakes)


class GatewayError(AddOnError):
    """Something between us and IPpay."""


class NeverSent(GatewayError):
    """No byte of the request was handed to the connection: trying again is safe."""


class OutcomeUnknown(GatewayError):
    """The request may have arrived; only an enquiry or the reports may tell. Never send it again."""


class GatewayRefused(GatewayError):
    """A clear refusal that is about set-up or format, not about the payer. ``code`` is the ActionCode, if any."""

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code


class HostError(AddOnError):
    """Something between us and Splynx."""


class HostUnavailable(HostError):
    """No clear answer; ``sent`` tells whether the request may have been carried out."""

    def __init__(self, message: str, *, sent: bool = True) -> None:
        super().__init__(message)
        self.sent = sent


class HostRejected(HostError):
    """Splynx answered with an error. ``status`` is the HTTP status, ``problems`` its texts by field ("" for none)."""

    def __init__(self, status: int, problems: list[tuple[str, str]]) -> None:
        super().__init__(f"Splynx answered {status}: " + "; ".join(f"{f}: {m}" if f else m for f, m in problems))
        self.status, self.problems = status, problems


class IllegalTransition(AddOnError):
    """The compare-and-set touched no row: somebody else moved it, or the table of states forbids the step."""


class RowsFailed(AddOnError):
    """Some rows of a background job made us fail; the others were done."""


class AlreadyOpen(AddOnError):
    """Another attempt holds a key of this debt; the person is told which door and since when."""

    def __init__(self, target: str, *, door: str, since: datetime, attempt_id: int) -> None:
        super().__init__(f"{target} is already being paid by {door} since {since:%Y-%m-%d %H:%M} UTC")
        self.target, self.door, self.since, self.attempt_id = target, door, since, attempt_id


class AmountChanged(AddOnError):
    """The debt is not what it was when the person agreed. ``due`` is chargeable now (zero: nothing to pay)."""

    def __init__(self, due: Money, *, reason: str = "") -> None:
        super().__init__(reason or f"the amount due is now {due}")
        self.due, self.reason = due, reason


class FeeChanged(AddOnError):
    """The card fee is not what the payer was shown, so nothing is sent. ``fee`` is what a card pays on ``amount`` now."""

    def __init__(self, amount: Money, fee: Money) -> None:
        super().__init__(f"the card fee for {amount} is now {fee}")
        self.amount, self.fee = amount, fee

    @property
    def total(self) -> Money:
        """What the card would be charged now."""
        return self.amount + self.fee


class Stopped(AddOnError):
    """Charging must wait.

    ``reason`` is one of breaker, limit, crowd, quarantine, foreign, switched_off, customer_stopped, invoice_pending.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class LinkError(AddOnError):
    """The link opens nothing; ``reason`` is one of invalid, expired, revoked, replaced, gone."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"link {reason}")
        self.reason = reason
