"""Runs the Twig code of dashboard entry points, in Jinja's sandbox, with the context the host documents.

Only what both engines share works; code that fails shows its error in its own panel and breaks nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

if TYPE_CHECKING:
    from splynx_ippay_sandbox.host.registry import EntryPoint
    from splynx_ippay_sandbox.host.state import HostState
    from splynx_ippay_sandbox.host.table import Row

_TWIG = ImmutableSandboxedEnvironment(autoescape=True)


class Loader:
    """What ``loader`` is in the code: the documents of the logged-in customer, oldest first, deleted ones left out."""

    def __init__(self, state: HostState, customer_id: int) -> None:
        self._state = state
        self._customer_id = customer_id

    def getInvoices(self) -> list[Row]:  # noqa: N802 - the host's own name
        """Return the customer's invoices."""
        rows = self._state.invoices.where(customer_id=self._customer_id, deleted="0")
        return [self._state.invoices.show(row) for row in rows]

    def getRequests(self) -> list[Row]:  # noqa: N802 - the host's own name
        """Return the customer's proforma invoices."""
        rows = self._state.requests.where(customer_id=self._customer_id, deleted="0")
        return [self._state.requests.show(row) for row in rows]


class App:
    """What ``App`` is in the code."""

    def __init__(self, state: HostState) -> None:
        self._symbol = state.currency["symbol"]

    def financeFormat(self, value: float | str, with_currency: bool = False) -> str:  # noqa: FBT001, FBT002, N802 - the host's own signature
        """Write an amount with two decimals, and the currency sign behind it if asked."""
        text = f"{float(value):.2f}"
        return f"{text} {self._symbol}" if with_currency else text


def render(state: HostState, point: EntryPoint, customer: Row) -> Markup:
    """Return the HTML of one dashboard entry point."""
    context = {
        "customer": state.customers.show(customer), "loader": Loader(state, customer["id"]), "App": App(state),
    }
    try:
        return Markup(_TWIG.from_string(point.code).render(context))  # noqa: S704 - the engine escapes; the code is an administrator's
    except (TemplateError, TypeError, ValueError) as error:
        return Markup('<p class="alert alert-danger">{}</p>').format(f"Entry point {point.name}: {escape(error)}")
