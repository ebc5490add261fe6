"""Rows in memory with indexes; the host's whole database.

It knows nothing of HTTP and takes no lock: callers hold ``world.lock``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from splynx_ippay_sandbox.host import fields as kinds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from splynx_ippay_sandbox.host.fields import Field

Row = dict[str, Any]


class Table:
    """Rows by id, with an index for each field that is searched often."""

    def __init__(self, name: str, columns: dict[str, Field], indexed: tuple[str, ...] = ()) -> None:
        self.name = name
        self.columns = columns
        self.rows: dict[int, Row] = {}
        self._indexes: dict[str, dict[Any, dict[int, None]]] = {field: {} for field in indexed}
        self._next = 1

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows.values())

    def clear(self) -> None:
        """Forget every row; ids start at 1 again."""
        self.rows.clear()
        for index in self._indexes.values():
            index.clear()
        self._next = 1

    def insert(self, values: Row) -> Row:
        """Add a row with defaults filled in; an ``id`` in values is kept, else the next one is taken."""
        row = {"id": values.get("id") or self._next}
        for field, column in self.columns.items():
            if field != "id":
                row[field] = values[field] if field in values else _fresh(column.default)
        self._next = max(self._next, row["id"] + 1)
        self.rows[row["id"]] = row
        for field, index in self._indexes.items():
            index.setdefault(row[field], {})[row["id"]] = None
        return row

    def update(self, row: Row, changes: Row) -> None:
        """Change fields of a row and keep the indexes true."""
        for field, index in self._indexes.items():
            if field in changes and changes[field] != row[field]:
                index[row[field]].pop(row["id"], None)
                index.setdefault(changes[field], {})[row["id"]] = None
        row.update(changes)

    def remove(self, row: Row) -> None:
        """Drop a row for good."""
        del self.rows[row["id"]]
        for field, index in self._indexes.items():
            index[row[field]].pop(row["id"], None)

    def find(self, row_id: int | None) -> Row | None:
        """Return the row of that id, or None."""
        return self.rows.get(row_id) if row_id is not None else None

    def where(self, **equal: Any) -> list[Row]:
        """Return rows whose fields equal these, in the order of their ids."""
        candidates: Iterable[int] = self.rows
        for field, value in equal.items():
            if field in self._indexes:
                candidates = self._indexes[field].get(value, {})
                break
        found = (self.rows[row_id] for row_id in candidates)
        rows = [row for row in found if all(row[field] == value for field, value in equal.items())]
        return sorted(rows, key=_row_id)

    def candidates(self, field: str, values: Iterable[Any]) -> list[Row] | None:
        """Return rows having one of the values if the field is indexed, else None."""
        if field == "id":
            return [self.rows[value] for value in dict.fromkeys(values) if value in self.rows]
        index = self._indexes.get(field)
        if index is None:
            return None
        return [self.rows[row_id] for value in dict.fromkeys(values) for row_id in index.get(value, {})]

    def show(self, row: Row) -> Row:
        """Return the row as the API sends it."""
        columns = self.columns
        return {field: kinds.show(columns[field], value) for field, value in row.items() if field in columns}


def _row_id(row: Row) -> int:
    return int(row["id"])


def _fresh(default: Any) -> Any:
    return default.copy() if isinstance(default, dict | list) else default
