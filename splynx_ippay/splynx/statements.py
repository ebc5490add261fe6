"""Payment statements: the journal of attempts that staff see in the host. Owns their paths and fields.

Must never be taken for the truth about money: the attempt in our own database is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from splynx_ippay.splynx.records import StatementRecord, read_new_id

if TYPE_CHECKING:
    from datetime import date

    from splynx_ippay.base.money import Money
    from splynx_ippay.splynx.answers import Record
    from splynx_ippay.splynx.client import SplynxClient

STATEMENTS = "admin/finance/bank-statements"
STATEMENT_RECORDS = "admin/finance/bank-statements-records"
_FEW, _MANY = 20, 500


class Statements:
    """The host's payment statements, one call a method. May raise HostUnavailable and HostRejected."""

    def __init__(self, client: SplynxClient) -> None:
        self.client = client

    def find_statement(self, title: str) -> int | None:
        """Find a payment statement by its exact title; of several the first."""
        rows = self.client.get_rows(
            STATEMENTS, {"main_attributes": {"title": title}, "order": {"id": "ASC"}, "limit": _FEW})
        return min((read_new_id(row) for row in rows if row.get("title") == title), default=None)

    def create_statement(self, title: str) -> int:
        """Create a payment statement and return its id."""
        return read_new_id(self.client.post(STATEMENTS, {"title": title, "status": "success"}))

    def post_statement_record(self, statement_id: int, *, customer_id: int, amount: Money, payment_date: date,
                              comment: str) -> int:
        """Add a new record to a statement and return its id."""
        return read_new_id(self.client.post(STATEMENT_RECORDS, {
            "bank_statements_process_id": statement_id, "amount": str(amount.decimal()), "status": "new",
            "customer_id": customer_id, "payment_date": payment_date.isoformat(), "comment": comment}))

    def put_statement_record(self, record_id: int, *, customer_id: int, amount: Money, payment_date: date,
                             status: str, payment_id: int | None = None) -> None:
        """Change a record. All but its comment is sent, since the host may take what is left out for empty."""
        body: Record = {"customer_id": customer_id, "amount": str(amount.decimal()), "status": status,
                        "payment_date": payment_date.isoformat()}
        if payment_id is not None:
            body["payment_id"] = payment_id
        self.client.put(f"{STATEMENT_RECORDS}/{record_id:d}", body)

    def find_statement_records(self, statement_id: int, customer_id: int) -> list[StatementRecord]:
        """Find the records of a customer in a statement, newest first."""
        wanted = {"bank_statements_process_id": statement_id, "customer_id": customer_id}
        rows = self.client.get_rows(
            STATEMENT_RECORDS, {"main_attributes": wanted, "order": {"id": "DESC"}, "limit": _MANY})
        found = map(StatementRecord.read, rows)
        return [r for r in found if r.statement_id == statement_id and r.customer_id == customer_id]
