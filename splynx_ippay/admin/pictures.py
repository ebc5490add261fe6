"""Pictures made here as SVG: bars across and columns over time. No script, no library, no style in the page.

Each has a title and a text for who does not see it; the table beside it holds the same numbers. Must never hold a word
that was not escaped (Markup does that), nor say something the table does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask_babel import gettext
from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH = 360  # about a phone, so that words are not scaled down there
_WORDS, _BAR, _GAP = 20, 12, 6
_TALL, _FOOT = 120, 20
_LABELS = 5  # under columns: more would run into each other
_WIDE_ENOUGH = 6
_LETTERS = 52  # of words above a bar; the table has all of them


@dataclass(frozen=True)
class Part:
    """One bar or column. ``weight`` is its length, ``words`` what stands at it; ``sign`` is good, bad, wait or off."""

    label: str
    weight: int
    words: str
    sign: str = "good"


def bars(name: str, title: str, text: str, parts: Sequence[Part]) -> Markup:
    """Bars across, each under its words, the longest as wide as the picture."""
    most, row = max((part.weight for part in parts), default=0), _WORDS + _BAR + _GAP
    shapes = []
    for number, part in enumerate(parts):
        shapes.append(Markup('<text class="label" x="0" y="{y}">{words}</text>').format(
            y=number * row + _WORDS - 5, words=_short(part)))
        shapes.append(_rect(0, number * row + _WORDS, max(2, part.weight * WIDTH // most) if part.weight else 0, _BAR, part))
    return _frame(name, title, text, max(1, len(parts)) * row, shapes)


def columns(name: str, title: str, text: str, parts: Sequence[Part]) -> Markup:
    """Columns over time, the first on the left, with a label under every few."""
    most = max((part.weight for part in parts), default=0)
    step = WIDTH / max(1, len(parts))
    every = -(-len(parts) // _LABELS) if parts else 1
    shapes = [Markup('<line class="ground" x1="0" y1="{y}" x2="{x}" y2="{y}"/>').format(x=WIDTH, y=_TALL)]
    for number, part in enumerate(parts):
        tall = max(2, part.weight * (_TALL - 8) // most) if part.weight else 0
        x = round(number * step)
        shapes.append(_rect(x + 1, _TALL - tall, max(1, round(step) - (2 if step > _WIDE_ENOUGH else 1)), tall, part))
        if number % every == 0:
            shapes.append(Markup('<text class="label" x="{x}" y="{y}">{words}</text>').format(x=x, y=_TALL + _FOOT - 6, words=part.label))
    return _frame(name, title, text, _TALL + _FOOT, shapes)


def _short(part: Part) -> str:
    kept = max(0, _LETTERS - len(part.words))
    return _named(part.label if len(part.label) <= kept else part.label[:kept] + "…", part.words)


def _named(label: str, words: str) -> str:
    """A label and what stands at it; some languages part the colon from the label."""
    return f"{gettext('%(label)s:', label=label)} {words}"


def _rect(x: int, y: int, width: int, height: int, part: Part) -> Markup:
    """A shape with what it stands for, which browsers show when it is pointed at."""
    return Markup('<rect class="fill-{sign}" x="{x}" y="{y}" width="{width}" height="{height}"><title>{words}</title></rect>').format(
        sign=part.sign, x=x, y=y, width=max(0, width), height=height, words=_named(part.label, part.words))


def _frame(name: str, title: str, text: str, height: int, shapes: Sequence[Markup]) -> Markup:
    return Markup('<svg class="picture" viewBox="0 0 {width} {height}" role="img" aria-labelledby="{name}-title {name}-text" '
                  'xmlns="http://www.w3.org/2000/svg"><title id="{name}-title">{title}</title><desc id="{name}-text">{text}</desc>{shapes}</svg>'
                  ).format(width=WIDTH, height=height, name=name, title=title, text=text, shapes=Markup("").join(shapes))
