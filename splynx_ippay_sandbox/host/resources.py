"""What every API resource can do: list, show, add, change, delete a table's rows, validated and seen per caller.

Special rules of a resource are in ``finance_resources.py`` and ``customer_resources.py``; HTTP is in ``api.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from splynx_ippay_sandbox.host import fields as kinds
from splynx_ippay_sandbox.host import query as queries
from splynx_ippay_sandbox.host.errors import ApiError, Invalid
from splynx_ippay_sandbox.host.events import emit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from splynx_ippay_sandbox.host.auth import Caller
    from splynx_ippay_sandbox.host.query import Query
    from splynx_ippay_sandbox.host.state import HostState
    from splynx_ippay_sandbox.host.table import Row, Table

Body = dict[str, Any]


class Resource:
    """A table under a path of the API, with its permission controller."""

    def __init__(self, state: HostState, table: Table, controller: str, subject: str = "") -> None:
        self.state = state
        self.table = table
        self.controller = controller
        self.subject = subject

    def index(self, caller: Caller, query: Query) -> list[Row]:
        """Return every matching row the caller may see, in order."""
        return [row for row in queries.matching(self.table, query) if self.visible(caller, row)]

    def show(self, row: Row) -> Row:
        """Return the row as the API sends it."""
        return self.table.show(row)

    def get(self, caller: Caller, key: str) -> Row:
        """Return the row of this id; raise ApiError 404."""
        row = self.table.find(int(key)) if key.isascii() and key.isdigit() else None
        if row is None or not self.visible(caller, row):
            raise ApiError(404, "Object not found.", "not_found")
        return row

    def add(self, caller: Caller, body: Body) -> Row:
        """Validate and insert; return the new row."""
        values = self.read(body, new=True)
        self.check(values, None)
        row = self.create(values)
        if not self.visible(caller, row):
            self.table.remove(row)
            raise ApiError(403, "You have no access to this customer or partner.", "forbidden")
        self.tell("create", row)
        return row

    def change(self, row: Row, body: Body) -> None:
        """Validate and change the given fields; fields not sent stay."""
        values = self.read(body, new=False)
        self.check({**row, **values}, row)
        self.modify(row, values)
        self.tell("edit", row, values)

    def delete(self, row: Row) -> None:
        """Delete: a flag where the table has one, else the row goes."""
        if "deleted" in self.table.columns:
            self.table.update(row, {"deleted": "1"})
        else:
            self.table.remove(row)
        self.tell("delete", row)

    def create(self, values: Body) -> Row:
        """Insert the row and do what follows from it."""
        return self.table.insert(values)

    def modify(self, row: Row, values: Body) -> None:
        """Change the row and do what follows from it."""
        self.table.update(row, values)

    def check(self, values: Body, old: Row | None) -> None:
        """Check rules between fields; raise Invalid. ``old`` is None for a new row."""

    def tell(self, action: str, row: Row, changed: Body | None = None) -> None:
        """Send the event of a change, if this resource has events."""
        if self.subject:
            emit(self.state, self.subject, action, self.show(row), changed)

    def read(self, body: Body, *, new: bool) -> Body:
        """Read the writable fields of a body; unknown ones are ignored as the host does; raise Invalid with all problems."""
        values: Body = {}
        problems: list[tuple[str, str]] = []
        for name, column in self.table.columns.items():
            if not column.writable:
                continue
            if name not in body or (column.required and body[name] in ("", None)):
                if column.required and (new or name in body):
                    problems.append((name, f"{_label(name)} cannot be blank."))
                continue
            try:
                values[name] = kinds.read(column, body[name])
            except ValueError as error:
                problems.append((name, f"{_label(name)} {error}"))
        if problems:
            raise Invalid(problems)
        return values

    def visible(self, caller: Caller, row: Row) -> bool:
        """Tell whether this caller may see the row: customers see their own, a partner's key its customers'."""
        owner = row.get("customer_id", row["id"] if self.table is self.state.customers else None)
        if caller.kind == "customer":
            return owner == caller.id
        if caller.key is None or not caller.key.partner_id or owner is None:
            return True
        customer = self.state.customers.find(owner)
        return customer is not None and customer["partner_id"] == caller.key.partner_id

    def schema(self) -> dict[str, Any]:
        """Return the fields for OPTIONS."""
        attributes = [
            {
                "name": name, "type": column.kind, "title": _label(name), "required": column.required,
                "readonly": not column.writable, **({"values": list(column.choices)} if column.choices else {}),
            }
            for name, column in self.table.columns.items()
        ]
        return {"attributes": attributes, "additional_attributes": []}


def require(table: Table, values: Mapping[str, Any], field: str, problems: list[tuple[str, str]]) -> Row | None:
    """Return the row a field points to, or note that there is none."""
    row = table.find(values[field])
    if row is None or row.get("deleted") == "1":
        problems.append((field, f"{_label(field)} is invalid."))
        return None
    return row


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize()
