"""Files for a spreadsheet: CSV, a piece at a time. Every one that is taken out is in the audit.

Must never hold a cell that a spreadsheet would run.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from flask import Response, request, stream_with_context

from splynx_ippay import audit, auth
from splynx_ippay.admin import access

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# With this mark spreadsheets read names in UTF-8 right.
BOM = "\ufeff"


def line(cells: Iterable[str]) -> str:
    """One line of the file."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([_harmless(cell) for cell in cells])
    return out.getvalue()


def answer(name: str, pieces: Iterator[str]) -> Response:
    """The file as a download, noted in the audit."""
    access.core().database.run(lambda session: audit.record(session, asking(), "export", name))
    response = Response(stream_with_context(pieces), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def asking() -> audit.Person:
    """The administrator asking, for the audit."""
    return audit.Person(auth.staff().actor, request.remote_addr or "")


def _harmless(cell: str) -> str:
    """A cell that a spreadsheet would run as a formula is made text (OWASP: CSV injection)."""
    return "'" + cell if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else cell
