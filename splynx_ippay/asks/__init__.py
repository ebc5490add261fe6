"""Asking customers by mail to mend what they have saved: after a failed payment, for a ZIP code, before a card expires.

Every ask is one row, written with the mail it makes owed, and its stage is UNIQUE for ever: a press, a job and a second
worker that mean the same thing send one mail. Must never ask whom nothing is expected of, nor anybody to pay what may be
taken once more by itself.
"""

from __future__ import annotations

from splynx_ippay.asks.book import PAUSE, is_pausing, last_asks
from splynx_ippay.asks.models import Ask

__all__ = ["PAUSE", "Ask", "is_pausing", "last_asks"]
