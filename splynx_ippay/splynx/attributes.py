"""Additional fields of the host's documents: what an add-on may write beside an invoice or a proforma invoice.

Owns their paths and the walk over unpaid documents. Must never change a field of the host's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from splynx_ippay.base.errors import HostUnavailable
from splynx_ippay.splynx.records import NOT_PAID
from splynx_ippay.splynx.values import read_flag, read_id, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from splynx_ippay.splynx.answers import Record
    from splynx_ippay.splynx.client import SplynxClient

INVOICES = "admin/finance/invoices"
PROFORMAS = "admin/finance/requests"
_PATHS = {"invoice": INVOICES, "proforma": PROFORMAS}
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Attributed:
    """An unpaid document and what stands in one of its additional fields ("" for nothing)."""

    id: int
    value: str


class Attributes:
    """The additional fields. May raise HostUnavailable and HostRejected."""

    client: SplynxClient

    def put_additional_attributes(self, document: str, document_id: int, values: Mapping[str, str]) -> None:
        """Write additional fields of an ``invoice`` or ``proforma``, one call; the other fields stay."""
        self.client.put(f"{_PATHS[document]}/{document_id:d}", {"additional_attributes": dict(values)})

    def unpaid_attribute_pages(self, document: str, name: str, since: date, page_size: int = _PAGE) -> Iterator[list[Attributed]]:
        """Yield the unpaid documents made since a day with one additional field, by id, at one call a page."""
        last = 0
        while True:
            wanted: dict[str, object] = {"status": NOT_PAID, "date_created": [">=", since.isoformat()], "id": [">", last]}
            rows, total = self.client.get_page(_PATHS[document], {"main_attributes": wanted, "order": {"id": "ASC"}, "limit": page_size})
            ids = [read_id(row, "id") for row in rows]
            if ids != sorted(set(ids)) or (ids and ids[0] <= last):
                raise HostUnavailable("Splynx does not sort or filter documents by id; no link was written from this list.")
            page = [Attributed(read_id(row, "id"), value_of(row, name) or "") for row in rows if _is_unpaid(row)]
            if page:
                yield page
            if not rows or (total is not None and total <= len(rows) < page_size):
                return
            last = ids[-1]


def value_of(row: Record, name: str) -> str | None:
    """One additional field of a record; None where the record does not tell (an empty list stands for no fields)."""
    fields = row.get("additional_attributes")
    if not isinstance(fields, dict) or name not in fields:
        return None
    return read_text(fields, name)


def _is_unpaid(row: Record) -> bool:
    return read_text(row, "status") == NOT_PAID and not read_flag(row, "deleted")
