"""Every text a person may read is in the catalogues: taken from the code, not from a list."""

import ast
import re

import pytest

from splynx_ippay.admin import words as admin_words
from splynx_ippay.base.settings import BLOCKS, SETTINGS
from splynx_ippay.checkout import words as checkout_words
from splynx_ippay.host.checks import CHECKS
from splynx_ippay.ippay import decline_words, return_words
from splynx_ippay.ippay.declines import DECLINES, decline_for
from splynx_ippay.letters.kinds import KINDS
from splynx_ippay.letters.kinds import REASONS as MAIL_REASONS
from splynx_ippay.payments.saving import NOT_ACCEPTED
from splynx_ippay.runs.filters import PAYMENT_TYPES, STATUSES
from splynx_ippay.runs.reasons import REASONS, RESULTS

from .conftest import ROOT

PACKAGE = ROOT / "splynx_ippay"
# The installer's command speaks English only.
NOT_SHOWN = {PACKAGE / "cli.py"}
# Names that are the same in every language.
NAMES = {"IPpay", "ippay", "CSV", "Splynx"}


@pytest.fixture
def known(rows):
    """Every msgid of the language."""
    return {text for ids, _ in rows for text in ids}


def refusals():
    """Every constant sentence given to BadInput: (file, line, sentence)."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "BadInput" and path not in NOT_SHOWN:
                for part in ast.walk(node.args[1]):
                    if isinstance(part, ast.Constant) and isinstance(part.value, str):
                        yield f"{path.name}:{node.lineno}", part.value


def test_every_sentence_of_a_refused_field_is_translated(known):
    found = [(place, text) for place, text in refusals() if " " in text]
    assert len(found) > 30
    assert [(place, text) for place, text in found if text not in known] == []


def test_no_refusal_is_put_together_from_pieces():
    """A sentence made of parts cannot be translated: BadInput takes a constant, a marked constant, or a name."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "BadInput" and path not in NOT_SHOWN:
                assert not isinstance(node.args[1], (ast.JoinedStr, ast.BinOp)), f"{path}:{node.lineno}"


def test_every_decline_has_words_for_the_payer_and_for_staff(known):
    rows = [decline_for(code, brand) for code in [*DECLINES, "???"] for brand in ("Visa", "American Express", "bank")]
    assert {row.customer for row in rows} <= known
    assert {row.meaning for row in rows} <= known


@pytest.mark.parametrize("table", [
    *(value for value in vars(admin_words).values() if isinstance(value, dict) and value is not admin_words.SIGNS
      and value is not admin_words.RESULT_SIGNS and value and all(isinstance(text, str) for text in value.values())),
    REASONS, MAIL_REASONS, {name: kind.title for name, kind in KINDS.items()}, RESULTS, PAYMENT_TYPES, STATUSES, NOT_ACCEPTED, return_words.RETURNS,
    {name: text for name, text in vars(decline_words).items() if name.isupper() and isinstance(text, str)},
    {name: text for name, text in vars(checkout_words).items() if name.isupper() and isinstance(text, str)},
], ids=lambda table: next(iter(table)))
def test_every_row_of_the_tables_of_words_is_translated(table, known):
    assert [text for text in table.values() if text not in known] == []


def test_every_health_check_is_translated(known):
    for check in CHECKS:
        assert {check.title, check.wrong, check.mend} <= known, check.id


def test_every_setting_is_translated_where_our_own_page_shows_it(known):
    for setting in SETTINGS:
        assert {setting.title, setting.description} <= known, setting.key
        assert setting.key == "language" or {label for _, label in setting.choices} <= known, setting.key
    assert set(BLOCKS.values()) <= known


def bare_words(source):
    """What a template shows without asking the catalogue: texts between tags, and attributes people hear or see."""
    source = re.sub(r"\{% macro mark.*?endmacro %\}", " ", source, flags=re.DOTALL)  # writes attributes of a field
    source = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<script.*?</script>|<code.*?</code>|<!doctype[^>]*>", " ", source, flags=re.DOTALL)
    heard = re.findall(r'\b(?:aria-label|title|alt|placeholder|data-busy)="([^"]*)"', source)
    shown = re.sub(r"<[^>]*>", " ", source, flags=re.DOTALL)
    return [word for text in [shown, *heard] for word in re.findall(r"[A-Za-z]{2,}", text.replace("&middot;", " "))]


@pytest.mark.parametrize("template", sorted(PACKAGE.glob("**/templates/**/*.html")) + sorted(PACKAGE.glob("**/templates/**/*.txt")),
                         ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_template_holds_words_of_its_own(template):
    assert [word for word in bare_words(template.read_text(encoding="utf-8")) if word not in NAMES] == []


def test_scripts_hold_no_words():
    for script in (PACKAGE / "static").glob("*.js"):
        code = re.sub(r"//.*|/\*.*?\*/", "", script.read_text(encoding="utf-8"))
        texts = re.findall(r'textContent = "([^"]+)"|alert\("([^"]*)"\)', code)
        assert texts == [], script.name
