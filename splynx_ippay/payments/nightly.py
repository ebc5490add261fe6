"""The nightly question of the books: do keys, states and history agree? Findings are shown until they are gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from splynx_ippay.base.errors import AddOnError
from splynx_ippay.payments import findings, reconcile, seals

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from splynx_ippay.payments.core import Core

_SHOWN = 50


def tick(core: Core) -> int:
    """Look at everything and keep what was found; returns how many. Raises AddOnError, so that the job shows as failed too."""
    history = seals.verify(core)
    with core.database.read() as reading:  # over everything there ever was: nobody's payment may wait for it
        books = {words: words for words in reconcile.nobody_owns(reading)[:_SHOWN]}

    def _keep(session: Session) -> list[str]:
        findings.replace(session, findings.BOOKS, books)
        findings.replace(session, findings.HISTORY, dict(list(history.items())[:_SHOWN]))
        return [row.words for row in findings.open_of(session, findings.BOOKS, findings.HISTORY)]

    found = core.database.run(_keep)
    if found:
        raise AddOnError(f"{len(found)} disagreement(s) in the books, the first: {found[0]}")
    return 0
