"""A browser without JavaScript: cookies, redirects, links, frames and forms over real HTTP.

Used by the demo and by the tests. Must never post a form it did not get from a page.
"""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urljoin

import requests

from splynx_ippay_sandbox.demo import pages
from splynx_ippay_sandbox.demo.pages import Form, Link, PageError, Sight

SECONDS = 30.0


class Page:
    """A page that came back: the answer, and what a person sees of it."""

    def __init__(self, response: requests.Response) -> None:
        self.response = response
        self.url = response.url
        self.status_code = response.status_code
        self.headers = response.headers
        self.history = response.history
        self.text = response.text
        self._sight: Sight | None = None

    def __repr__(self) -> str:
        """Its address and status."""
        return f"<Page {self.status_code} {pages.path_of(self.url)}>"

    @property
    def sight(self) -> Sight:
        """What a person sees."""
        if self._sight is None:
            self._sight = pages.read(self.text, self.url)
        return self._sight

    @property
    def words(self) -> str:
        """The visible words, a line a block."""
        return self.sight.words

    @property
    def forms(self) -> list[Form]:
        """Its forms."""
        return self.sight.forms

    def form(self, action_contains: str = "", *, holding: str | None = None) -> Form:
        """The form whose address contains a text (and that has a field). Raises PageError unless there is one."""
        fits = [form for form in self.forms if action_contains in form.action
                and (holding is None or holding in form.names())]
        if not fits:
            raise PageError(f"{self!r} has no form to {action_contains!r}; it has "
                            + (", ".join(pages.path_of(form.action) for form in self.forms) or "none")
                            + f". It says: {self.words[:600]!r}")
        return fits[0]

    def link(self, contains: str) -> Link:
        """The first link whose address, words or entry point name contains a text; PageError when there is none."""
        for link in self.sight.links:
            if contains in link.href or contains in link.words or contains == link.attributes.get("data-name"):
                return link
        raise PageError(f"{self!r} has no link {contains!r}; it has "
                        + ", ".join(f"{one.words or '-'} ({pages.path_of(one.href)})" for one in self.sight.links[:40]))

    def says(self, *words: str) -> bool:
        """Whether all these words are visible."""
        return all(word.lower() in self.words.lower() for word in words)


class Browser:
    """One person's browser at one server."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["User-Agent"] = "demo browser without JavaScript"

    def get(self, address: str, **kwargs: Any) -> Page:
        """Open an address (a path of this server, or a whole one)."""
        return Page(self.session.get(urljoin(self.base_url + "/", address), timeout=SECONDS, **kwargs))

    def post(self, address: str, data: Any = None, **kwargs: Any) -> Page:
        """Post what no page offered: for tests of what must be refused."""
        return Page(self.session.post(urljoin(self.base_url + "/", address), data=data, timeout=SECONDS, **kwargs))

    def click(self, page: Page | requests.Response, contains: str) -> Page:
        """Follow a link of a page."""
        return self.get(as_page(page).link(contains).href)

    def enter_frame(self, page: Page | requests.Response) -> Page:
        """The page inside the frame of a page of the host."""
        seen = as_page(page)
        if not seen.sight.frames:
            raise PageError(f"{seen!r} has no frame. It says: {seen.words[:400]!r}")
        return self.get(seen.sight.frames[0], headers={"Referer": seen.url})

    def submit(self, response: Page | requests.Response, form_action_contains: str = "", *, button: str | None = None,
               holding: str | None = None, **fields: Any) -> Page:
        """Fill in a form of the page and send it; hidden fields and defaults are kept as a browser keeps them."""
        page = as_page(response)
        form = page.form(form_action_contains, holding=holding)
        values = form.values(fields, button=button)
        if form.method == "post":
            answer = self.session.post(form.action, data=values, timeout=SECONDS, headers={"Referer": page.url})
        else:
            answer = self.session.get(form.action, params=values, timeout=SECONDS, headers={"Referer": page.url})
        return Page(answer)

    def wait_for(self, address: str, *words: str, seconds: float = 30.0) -> Page:
        """Reload a page until it says these words; PageError with what it says when it never does."""
        ends = time.monotonic() + seconds
        while True:
            page = self.get(address)
            if page.says(*words):
                return page
            if time.monotonic() > ends:
                raise PageError(f"{page!r} does not say {', '.join(map(repr, words))} after {seconds:g} s. "
                                f"It says: {page.words[:600]!r}")
            time.sleep(0.2)

    def login(self, door: str, login: str, password: str) -> Page:
        """Log in at the host's own form: ``door`` is "portal" or "admin"."""
        page = self.submit(self.get(f"/{door}/login/"), f"/{door}/login", login=login, password=password)
        if "/login" in page.url:
            raise PageError(f"the host did not let {login} in: {page.words[:300]!r}")
        return page


def as_page(answer: Page | requests.Response) -> Page:
    """A Page of whatever came back."""
    return answer if isinstance(answer, Page) else Page(answer)
