"""The marker the catalogue extractor looks for."""

from __future__ import annotations


def N_(text: str) -> str:  # noqa: N802 - the conventional name of the marker
    """Mark a text for translation; it is translated where it is shown."""
    return text
