"""Customers of the API: the customer, the billing settings, the payment accounts with their composite ids."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from splynx_ippay_sandbox.host.errors import ApiError, Invalid, invalid
from splynx_ippay_sandbox.host.resources import Body, Resource, require

if TYPE_CHECKING:
    from splynx_ippay_sandbox.host.auth import Caller
    from splynx_ippay_sandbox.host.table import Row

_COMPOSITE = re.compile(r"(\d{1,9})--(\d{1,9})\Z", re.ASCII)


class Customers(Resource):
    """Customers: each has a billing row from the start; the password is written and never shown."""

    def check(self, values: Body, old: Row | None) -> None:
        """Partner and location must exist; a login is used once."""
        problems: list[tuple[str, str]] = []
        require(self.state.partners, values, "partner_id", problems)
        require(self.state.locations, values, "location_id", problems)
        same = self.table.where(login=values["login"])
        if any(old is None or row["id"] != old["id"] for row in same):
            problems.append(("login", "Login has already been taken."))
        if problems:
            raise Invalid(problems)

    def create(self, values: Body) -> Row:
        """Insert with the billing row."""
        password = values.pop("password", "")
        row = self.table.insert({"date_add": self.state.today(), **values, "last_update": self.state.stamp()})
        self.state.billing.insert({"id": row["id"], "customer_id": row["id"], "partner_id": row["partner_id"]})
        self._set_password(row, password)
        return row

    def modify(self, row: Row, values: Body) -> None:
        """Change; a new password replaces the old one."""
        password = values.pop("password", "")
        self.state.passwords.pop(("customer", row["login"]), None) if password else None
        super().modify(row, {**values, "last_update": self.state.stamp()})
        self._set_password(row, password)

    def delete(self, row: Row) -> None:
        """Delete with billing and accounts; documents stay."""
        self.state.billing.remove(self.state.billing.rows[row["id"]])
        for account in self.state.accounts.where(customer_id=row["id"]):
            self.state.accounts.remove(account)
        self.state.passwords.pop(("customer", row["login"]), None)
        super().delete(row)

    def _set_password(self, row: Row, password: str) -> None:
        if password:
            self.state.passwords["customer", row["login"]] = (row["id"], password)


class Billing(Resource):
    """Billing settings: one row a customer, changed but neither added nor deleted."""

    def add(self, caller: Caller, body: Body) -> Row:  # noqa: ARG002 - one signature for every resource
        """Refuse: the row comes with the customer."""
        raise ApiError(405, "Method Not Allowed.", "method_not_allowed")

    def delete(self, row: Row) -> None:  # noqa: ARG002 - one signature for every resource
        """Refuse: the row goes with the customer."""
        raise ApiError(405, "Method Not Allowed.", "method_not_allowed")

    def check(self, values: Body, old: Row | None) -> None:  # noqa: ARG002 - one signature for every resource
        """The payment method must exist."""
        method = str(values["payment_method"])
        if not method.isdigit() or self.state.methods.find(int(method)) is None:
            raise invalid("payment_method", "Payment method is invalid.")


class PaymentAccounts(Resource):
    """Ten free fields a customer and kind of account, under ``{customer_id}--{account_id}``; PUT creates or changes."""

    def get(self, caller: Caller, key: str) -> Row:
        """Return the row of a composite id; raise ApiError 404."""
        row = self._find(*self._split(key))
        if row is None or not self.visible(caller, row):
            raise ApiError(404, "Object not found.", "not_found")
        return row

    def get_or_create(self, caller: Caller, key: str) -> Row:
        """Return the row of a composite id, made empty if the customer has none yet."""
        customer_id, account_id = self._split(key)
        row = self._find(customer_id, account_id)
        if row is None:
            row = self._create_empty(customer_id, account_id)
        if not self.visible(caller, row):
            raise ApiError(404, "Object not found.", "not_found")
        return row

    def add(self, caller: Caller, body: Body) -> Row:
        """Create from ``customer_id`` and ``account_id`` in the body."""
        key = f"{body.get('customer_id', '')}--{body.get('account_id', '')}"
        row = self.get_or_create(caller, key)
        self.change(row, body)
        return row

    def _create_empty(self, customer_id: int, account_id: int) -> Row:
        problems: list[tuple[str, str]] = []
        require(self.state.customers, {"customer_id": customer_id}, "customer_id", problems)
        if account_id not in self.state.registry.account_kinds:
            problems.append(("account_id", "Account id is invalid."))
        if problems:
            raise Invalid(problems)
        return self.table.insert({"customer_id": customer_id, "account_id": account_id})

    def _find(self, customer_id: int, account_id: int) -> Row | None:
        rows = self.table.where(customer_id=customer_id, account_id=account_id)
        return rows[0] if rows else None

    @staticmethod
    def _split(key: str) -> tuple[int, int]:
        match = _COMPOSITE.match(key)
        if match is None:
            raise ApiError(400, "The id must be {customer_id}--{account_id}.", "bad_id")
        return int(match[1]), int(match[2])


def composite(args: dict[str, Any]) -> str:
    """Return the composite id of ``?id=`` or ``?customer_id=&account_id=``, or an empty text."""
    if args.get("customer_id") and args.get("account_id"):
        return f"{args['customer_id']}--{args['account_id']}"
    return str(args.get("id", ""))
