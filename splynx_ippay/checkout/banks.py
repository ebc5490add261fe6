"""The names of banks on pages, and the address a form asks while a routing number is typed.

Who may know which bank a number belongs to: everybody, the Federal Reserve publishes it. So the address is open, costs
neither a query nor a call, and knows nothing of who asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import abort, current_app
from flask_babel import gettext as _

if TYPE_CHECKING:
    from flask import Flask
    from flask.typing import ResponseReturnValue

    from splynx_ippay.credentials import Method
    from splynx_ippay.payments.core import Core

_DIGITS = 9


def init_app(app: Flask) -> None:
    """Give templates ``bank_name`` and ``knows_banks``, and answer under /ippay/banks/<routing number>."""
    app.jinja_env.globals.update(bank_name=name_of, knows_banks=knows_banks)
    app.add_url_rule("/ippay/banks/<routing>", "banks", _answer)


def find_name(routing: str) -> str | None:
    """The bank's name; "" where the directory does not list it, None where there is no directory."""
    core: Core = current_app.extensions["core"]
    return core.banks.find_name(routing)


def name_of(routing: str) -> str:
    """The bank's name, "" where it is not known."""
    return find_name(routing) or ""


def knows_banks() -> bool:
    """Whether there is a directory to ask."""
    return find_name("") is not None


def label(method: Method) -> str:
    """How people know a method, in their language: "Visa •••• 4242", "Wells Fargo •••• 6789"."""
    if method.instrument == "card":
        return f"{method.brand or _('Card')} •••• {method.last_four}"
    return f"{name_of(method.routing) or _('Bank account')} •••• {method.last_four}"


def label_with_expiry(method: Method) -> str:
    """The label where one of several is chosen, for two cards may share their last digits: "Visa •••• 4242, 12/2030"."""
    expiry = f", {method.exp_month:02d}/{method.exp_year}" if method.exp_month else ""
    return label(method) + expiry


def saved(routing: str) -> str:
    """What is said after a bank account was saved: where it is, or gently that its number is in no list."""
    name = find_name(routing)
    if name:
        return _("The bank account at %(bank)s was saved. Nothing was charged.", bank=name)
    if name == "":
        return _("The bank account was saved. Nothing was charged. Our list of banks does not show its routing number: please "
                 "compare it with one of your checks.")
    return _("The bank account was saved. Nothing was charged.")


def _answer(routing: str) -> ResponseReturnValue:
    if len(routing) != _DIGITS or not (routing.isascii() and routing.isdigit()):
        abort(404)
    return {"name": name_of(routing)}
