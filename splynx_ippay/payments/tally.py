"""Rows one by one: one that makes us fail stops no other, and the job is told at the end how many there were.

Must never hide a failure: each is in the log with its row, and their number fails the job, which is then repeated soon.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from splynx_ippay.base.errors import RowsFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger(__name__)


class Tally:
    """How many rows of one tick failed unexpectedly; ``rows`` says what they are, for staff."""

    def __init__(self, rows: str) -> None:
        self._rows, self._seen, self._failed = rows, 0, 0

    @contextmanager
    def each(self, row: object) -> Iterator[None]:
        """One row; whatever it raises is logged and counted."""
        self._seen += 1
        try:
            yield
        except Exception:
            log.exception("%s: %s failed unexpectedly; the others have their turn", self._rows, row)
            self._failed += 1

    def count(self) -> None:
        """One failure that the caller has logged already."""
        self._failed += 1

    def end(self) -> None:
        """Raise RowsFailed when there was one."""
        if self._failed:
            raise RowsFailed(f"{self._failed} of {self._seen} {self._rows} failed unexpectedly and have another turn later; "
                             "the worker's log says why")
