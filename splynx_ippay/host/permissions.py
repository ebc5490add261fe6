r"""What our API key may do in Splynx, and nothing more: one row a controller, with the reason.

Must not grow without a caller in ``splynx``. Controllers and actions are those an add-on of the host declares
(``api\admin\...``; docs/WIRE.md). Credit notes are not among them: we post none. Transactions are
needed for the card fee alone; a key's permissions are given at registration, before anybody has switched a fee on.
"""

from __future__ import annotations

from dataclasses import dataclass

PREFIX = "api\\"


@dataclass(frozen=True, slots=True)
class Permission:
    """One controller with the actions we need and why."""

    controller: str
    actions: tuple[str, ...]
    why: str


PERMISSIONS: tuple[Permission, ...] = (
    Permission(r"admin\customers\Customer", ("index", "view"), "who pays, of which partner, with which address"),
    Permission(r"admin\customers\CustomerBilling", ("view",), "the balance on the top-up page"),
    Permission(r"admin\customers\CustomerPaymentAccounts", ("index", "view", "update", "delete"),
               "staff see last four and expiry of the default method"),
    Permission(r"admin\finance\Invoices", ("index", "view", "update"), "what is due; pending while a debit is under way"),
    Permission(r"admin\finance\Requests", ("index", "view", "update"), "the same for proforma invoices"),
    Permission(r"admin\finance\Payments", ("index", "view", "add", "delete"),
               "book a payment once, find it again, undo a returned one"),
    Permission(r"admin\finance\Transactions", ("index", "view", "add", "delete"),
               "charge a card fee once, find it again, take it back; unused while the fee is off"),
    Permission(r"admin\finance\TransactionCategories", ("index",), "the category of the card fee"),
    Permission(r"admin\finance\PaymentMethods", ("index",), "the selects of the settings"),
    Permission(r"admin\finance\BankStatements", ("index", "view", "add"), "the journal staff know: its groups"),
    Permission(r"admin\finance\BankStatementsRecords", ("index", "view", "add", "update"), "and its rows"),
    Permission(r"admin\administration\Partners", ("index", "view"), "one terminal a partner"),
    Permission(r"admin\administration\Administrators", ("view",), "the role and the partner of staff"),
    Permission(r"admin\administration\Locations", ("index", "view"), "a filter of the Charge page"),
)


def pairs() -> list[tuple[str, str]]:
    """Every (controller, action) we need, the controller as the host's permission list names it."""
    return [(permission.controller, action) for permission in PERMISSIONS for action in permission.actions]


def missing(granted: dict[str, object]) -> list[str]:
    r"""What is not allowed in the host's answer to our sign-in, as ``admin\finance\Payments add``.

    ``granted`` maps a controller (with or without the ``api\`` prefix) to its actions, each "allow" or "deny".
    """
    rules = {name.removeprefix(PREFIX): actions for name, actions in granted.items()}
    absent = []
    for controller, action in pairs():
        actions = rules.get(controller)
        if not isinstance(actions, dict) or actions.get(action) != "allow":
            absent.append(f"{controller} {action}")
    return absent
