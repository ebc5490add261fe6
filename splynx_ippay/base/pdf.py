"""HTML in, PDF out. Owns what may be read on the way: the files that are handed over, and nothing else.

Must never open an address or a path: a page that names one gets nothing for it. The library is loaded with the first PDF.
"""

from __future__ import annotations

import ctypes
import importlib.util
import threading
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

LIBRARY = "weasyprint"
# What its documentation asks of the system, by the names the loader knows, and the Debian packages that bring them.
SYSTEM_LIBRARIES = ("libpango-1.0.so.0", "libpangoft2-1.0.so.0", "libharfbuzz-subset.so.0")
INSTALL = "apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
_SITE = "https://handed-over.invalid"  # a name that leads nowhere (RFC 2606), in front of the paths of a page
_one_at_a_time = threading.Lock()  # a crowd of PDFs waits in a line instead of stopping all pages


class File(NamedTuple):
    """A file a page may use."""

    content: bytes
    mimetype: str


@lru_cache(maxsize=1)
def missing() -> tuple[str, ...]:
    """What is not installed of what PDFs need; empty when they can be made."""
    found = [] if importlib.util.find_spec(LIBRARY) else [LIBRARY]
    for name in SYSTEM_LIBRARIES:
        try:
            ctypes.CDLL(name)
        except OSError:
            found.append(name)
    return tuple(found)


def make(html: str, files: Mapping[str, File]) -> bytes:
    """The PDF of a page, tagged for screen readers; ``files`` by their paths, as the page names them."""
    with _one_at_a_time:
        return _made(html, tuple(files.items()))


@lru_cache(maxsize=16)  # whoever asks for the same one over and over again costs nothing
def _made(html: str, files: tuple[tuple[str, File], ...]) -> bytes:
    import weasyprint
    from weasyprint.urls import URLFetcher, URLFetcherResponse

    handed_over = dict(files)

    class Handed(URLFetcher):  # type: ignore[misc]
        """Reads what was handed over."""

        def fetch(self, url: str, headers: object = None) -> URLFetcherResponse:
            del headers
            file = handed_over.get(urlsplit(url).path) if url.startswith(_SITE + "/") else None
            if file is None:
                raise ValueError("this file was not handed over")
            return URLFetcherResponse(url, file.content, {"Content-Type": file.mimetype})

    made: bytes = weasyprint.HTML(string=html, base_url=_SITE, url_fetcher=Handed()).write_pdf(pdf_tags=True)
    return made
