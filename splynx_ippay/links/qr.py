"""A link as a QR code, for invoices on paper and for a telephone held to a screen.

Owns size and error correction. Holds the link and nothing else: no amount, no name.
"""

from __future__ import annotations

import io
from functools import lru_cache

import segno

# Level M mends 15 % of the code (ISO/IEC 18004): enough for a fold or a stamp, and the modules stay large.
_LEVEL = "m"
_SCALE = 8  # pixels a module: sharp at 3 cm on paper
_QUIET = 4  # modules of white around it, as ISO/IEC 18004 wants


@lru_cache(maxsize=256)
def png(address: str) -> bytes:
    """The picture for mails and PDF invoices."""
    return _drawn(address, "png")


@lru_cache(maxsize=256)
def svg(address: str) -> bytes:
    """The picture for a page."""
    return _drawn(address, "svg")


def _drawn(address: str, kind: str) -> bytes:
    out = io.BytesIO()
    # The white is drawn too: on a dark page a code without it cannot be read.
    segno.make(address, error=_LEVEL, micro=False).save(out, kind=kind, scale=_SCALE, border=_QUIET, light="white")
    return out.getvalue()
