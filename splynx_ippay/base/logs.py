"""Logging. Owns the format and the last line of defence: what looks like a card or account number is struck out.

Nothing in the add-on logs card data on purpose; the filter is for what a library or a provider's text might carry.
"""

from __future__ import annotations

import logging
import re
import sys

# Nine digits and more, also with spaces or dashes between: account, routing and card numbers. Our own ids hold
# letters; a date with a time after it is left alone. Thirteen in a row are struck whatever stands beside them.
_DIGITS = re.compile(r"(?<![A-Za-z0-9])(?!\d{4}-\d\d-\d\d[ T]\d\d:)(?:\d[ -]?){8,}\d(?![A-Za-z0-9])|\d{13,}")
_SECRETS = re.compile(
    r"(?i)(sash|access_token|refresh_token|secret|password|signature|cvv2?|phpsessid|authorization)([\"']?\s*[=:>]\s*[\"']?)[^\s&;,)\"'<]+")


def redact(text: str) -> str:
    """The text without digit runs of nine and more (their last four stay) and without values of secret names."""
    text = _SECRETS.sub(r"\1\2***", text)
    return _DIGITS.sub(lambda match: "***" + re.sub(r"\D", "", match.group())[-4:], text)


class RedactingFormatter(logging.Formatter):
    """Formats a record, its exception included, and redacts the whole."""

    def format(self, record: logging.LogRecord) -> str:
        """One line (and a traceback, where there is one), redacted."""
        return redact(super().format(record))


def configure(level: str = "INFO") -> None:
    """Log to standard error, where systemd and the demo look."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(RedactingFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("urllib3").setLevel(logging.WARNING)  # it logs URLs
