"""What a browser without JavaScript sees of a page: forms with their fields, links, frames, words.

Reads HTML with the standard library only. Never guesses: a form or a field that is not on the page cannot be used.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

_SILENT = frozenset({"script", "style", "template", "title", "head"})
_BLOCKS = frozenset({"p", "div", "tr", "li", "h1", "h2", "h3", "dt", "dd", "td", "th", "br", "section", "header"})


class PageError(AssertionError):
    """The page does not have what a person would need to go on; the text says what it has instead."""


@dataclass
class Field:
    """One control of a form: what it sends now, and what it could send."""

    name: str
    kind: str
    value: str = ""
    checked: bool = False
    options: list[str] = field(default_factory=list)
    chosen: list[str] = field(default_factory=list)
    label: str = ""

    def sends(self) -> list[tuple[str, str]]:
        """What a browser would send for it, untouched."""
        if self.kind in {"checkbox", "radio"}:
            return [(self.name, self.value)] if self.checked else []
        if self.kind == "select":
            return [(self.name, value) for value in self.chosen or self.options[:1]]
        if self.kind == "multiple":
            return [(self.name, value) for value in self.chosen]
        return [(self.name, self.value)]


@dataclass
class Form:
    """A form: where it goes and what is in it."""

    action: str
    method: str
    fields: list[Field] = field(default_factory=list)
    buttons: list[Field] = field(default_factory=list)

    def names(self) -> list[str]:
        """The names of its controls, once each."""
        return list(dict.fromkeys(control.name for control in self.fields))

    def values(self, wishes: Mapping[str, Any], *, button: str | None = None) -> list[tuple[str, str]]:
        """What is sent when a person fills in ``wishes`` and presses ``button`` (its text, name or value).

        A wish is a text, a list (several choices) or True/False (a tick). Raises PageError for a control that is not
        there and for a choice that is not offered.
        """
        if missing := [name for name in wishes if name not in self.names()]:
            raise PageError(f"the form {self.action} has no field {missing[0]!r}; it has {', '.join(self.names())}")
        sent: list[tuple[str, str]] = []
        for name in self.names():
            controls = [control for control in self.fields if control.name == name]
            sent += _fill(name, controls, wishes[name]) if name in wishes else [
                pair for control in controls for pair in control.sends()]
        pressed = self._button(button)
        if pressed is not None and pressed.name:
            sent.append((pressed.name, pressed.value))
        return sent

    def _button(self, wanted: str | None) -> Field | None:
        if wanted is None:
            return self.buttons[0] if self.buttons else None
        for control in self.buttons:
            if wanted in (control.name, control.value) or wanted.lower() in control.label.lower():
                return control
        raise PageError(f"the form {self.action} has no button {wanted!r}; it has "
                        + ", ".join(repr(control.label or control.value) for control in self.buttons))


def _fill(name: str, controls: list[Field], wish: Any) -> list[tuple[str, str]]:
    """The pairs sent for the controls of one name after a person set them."""
    kind = controls[0].kind
    wanted = [str(one) for one in wish] if isinstance(wish, list | tuple) else [str(wish)]
    if kind == "checkbox" and isinstance(wish, bool):
        return [(name, controls[0].value)] if wish else []
    if kind in {"checkbox", "radio"}:
        offered = [control.value for control in controls]
    elif kind in {"select", "multiple"}:
        offered = controls[0].options
    else:
        # Several text fields of one name (a card's holder, an account's holder): the wishes fill them in their order.
        kept = [control.value for control in controls]
        return [(name, value) for value in wanted[:len(kept)] + kept[len(wanted):]]
    if strange := [value for value in wanted if value not in offered]:
        raise PageError(f"{name!r} offers {', '.join(map(repr, offered))}, not {strange[0]!r}")
    return [(name, value) for value in wanted]


@dataclass
class Link:
    """A link: where it goes, what it says, and its data- attributes and class."""

    href: str
    words: str = ""
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass
class Sight:
    """Everything of a page that this module reads."""

    title: str = ""
    words: str = ""
    forms: list[Form] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    frames: list[str] = field(default_factory=list)
    refresh: str | None = None


def read(html: str, url: str) -> Sight:
    """Read a page that was fetched from ``url``; addresses in it become absolute."""
    reader = _Reader(url)
    reader.feed(html)
    reader.close()
    reader.sight.words = "\n".join(line for line in (" ".join(raw.split()) for raw in "".join(reader.text).split("\n"))
                                   if line)
    return reader.sight


class _Reader(HTMLParser):
    """Walks a page once and fills a Sight."""

    def __init__(self, url: str) -> None:
        super().__init__(convert_charrefs=True)
        self.url, self.sight, self.text = url, Sight(), []  # type: str, Sight, list[str]
        self._silent: list[str] = []
        self._form: Form | None = None
        self._by_id: dict[str, Form] = {}
        self._select: Field | None = None
        self._option: list[str] | None = None
        self._textarea: Field | None = None
        self._button: Field | None = None
        self._link: Link | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open whatever the tag opens."""
        seen = {name: value or "" for name, value in attrs}
        if tag in _SILENT:
            self._silent.append(tag)
        if tag in _BLOCKS:
            self.text.append("\n")
        opener = getattr(self, f"_open_{tag}", None)
        if opener is not None:
            opener(seen)

    def handle_endtag(self, tag: str) -> None:
        """Close whatever the tag closes."""
        if tag in self._silent:
            while self._silent and self._silent.pop() != tag:
                pass
        if tag in _BLOCKS:
            self.text.append("\n")
        closer = {"form": "_form", "select": "_select", "textarea": "_textarea", "button": "_button", "a": "_link"}
        if tag in closer:
            setattr(self, closer[tag], None)

    def handle_data(self, data: str) -> None:
        """Words, for the page and for whatever is open."""
        if "title" in self._silent:
            self.sight.title += data
        if self._textarea is not None:
            self._textarea.value += data
        for open_thing in (self._button, self._link):
            if isinstance(open_thing, Field):
                open_thing.label = f"{open_thing.label} {data.strip()}".strip()
            elif open_thing is not None:
                open_thing.words = f"{open_thing.words} {data.strip()}".strip()
        if not self._silent and self._select is None:
            self.text.append(data)

    def _open_form(self, seen: dict[str, str]) -> None:
        self._form = Form(urljoin(self.url, seen.get("action") or self.url), seen.get("method", "get").lower())
        if "id" in seen:
            self._by_id[seen["id"]] = self._form
        self.sight.forms.append(self._form)

    def _owner(self, seen: dict[str, str]) -> Form | None:
        return self._by_id.get(seen["form"]) if "form" in seen else self._form

    def _open_input(self, seen: dict[str, str]) -> None:
        form, kind = self._owner(seen), seen.get("type", "text").lower()
        if form is None or "disabled" in seen:
            return
        control = Field(seen.get("name", ""), kind, seen.get("value", "on" if kind in {"checkbox", "radio"} else ""),
                        checked="checked" in seen, label=seen.get("value", ""))
        if kind in {"submit", "image"}:
            form.buttons.append(control)
        elif control.name and kind not in {"button", "reset", "file"}:
            form.fields.append(control)

    def _open_button(self, seen: dict[str, str]) -> None:
        form = self._owner(seen)
        if form is None or "disabled" in seen or seen.get("type", "submit").lower() != "submit":
            return
        self._button = Field(seen.get("name", ""), "submit", seen.get("value", ""), label=seen.get("aria-label", ""))
        form.buttons.append(self._button)

    def _open_select(self, seen: dict[str, str]) -> None:
        form = self._owner(seen)
        self._select = Field(seen.get("name", ""), "multiple" if "multiple" in seen else "select")
        if form is not None and self._select.name and "disabled" not in seen:
            form.fields.append(self._select)

    def _open_option(self, seen: dict[str, str]) -> None:
        if self._select is not None and "disabled" not in seen:
            self._select.options.append(seen.get("value", ""))
            if "selected" in seen:
                self._select.chosen.append(seen.get("value", ""))

    def _open_textarea(self, seen: dict[str, str]) -> None:
        form = self._owner(seen)
        if form is not None and "name" in seen and "disabled" not in seen:
            self._textarea = Field(seen["name"], "textarea")
            form.fields.append(self._textarea)

    def _open_a(self, seen: dict[str, str]) -> None:
        if "href" in seen:
            self._link = Link(urljoin(self.url, seen["href"]), seen.get("aria-label", "") or seen.get("title", ""), seen)
            self.sight.links.append(self._link)

    def _open_iframe(self, seen: dict[str, str]) -> None:
        if "src" in seen:
            self.sight.frames.append(urljoin(self.url, seen["src"]))

    def _open_meta(self, seen: dict[str, str]) -> None:
        if seen.get("http-equiv", "").lower() == "refresh":
            target = seen.get("content", "").partition("url=")[2].strip("'\" ")
            self.sight.refresh = urljoin(self.url, target) if target else self.url


def path_of(url: str) -> str:
    """The path of an address with its query."""
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")
