"""The catalogues as the tests read them, and their compiled forms as the application does."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "splynx_ippay" / "translations"
LANGUAGES = ("fr", "es")


def catalogue_of(language, folder=FOLDER):
    """The catalogue of a language, read anew."""
    with (folder / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=language)


@pytest.fixture(scope="session", autouse=True)
def compiled():
    """The .mo files are those of the .po files, also where nobody ran ``make translations``; renamed into place."""
    for language in LANGUAGES:
        target = FOLDER / language / "LC_MESSAGES" / "messages.mo"
        if target.exists() and target.stat().st_mtime > target.with_suffix(".po").stat().st_mtime:
            continue
        with tempfile.NamedTemporaryFile(dir=target.parent, suffix=".part", delete=False) as draft:
            write_mo(draft, catalogue_of(language))
        Path(draft.name).replace(target)


@pytest.fixture(params=LANGUAGES)
def language(request):
    """Each language beside English."""
    return request.param


@pytest.fixture
def catalogue(language):
    """Its catalogue."""
    return catalogue_of(language)


@pytest.fixture
def rows(catalogue):
    """(msgids, msgstrs) of each entry, both as tuples: one for a plain entry, one a form for a plural."""
    def forms(value):
        return tuple(value) if isinstance(value, (list, tuple)) else (value,)

    return [(forms(message.id), forms(message.string)) for message in catalogue if message.id]
