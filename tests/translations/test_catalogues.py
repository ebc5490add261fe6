"""The catalogues hold every text of the code, once, translated, with the same placeholders."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from .conftest import FOLDER, ROOT, catalogue_of

# Words that are the same in both languages.
SAME = {
    "fr": {"Actions", "Code", "Date", "IPpay", "Logo", "Plan", "Production", "Question", "STARTTLS", "Splynx", "Tables", "Terminal", "Test", "Total"},
    "es": {"%(label)s:", "IPpay", "Plan", "STARTTLS", "Splynx", "Terminal", "Total", "no"},
}
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")


def test_make_catalogues_finds_nothing_new_and_nothing_gone(language, tmp_path):
    copy = tmp_path / "translations"
    shutil.copytree(FOLDER, copy, ignore=shutil.ignore_patterns("*.mo", "*.part"))
    subprocess.run(["make", "--silent", "--old-file", ".venv/ready", "catalogues", f"CATALOGUES={copy}",
                    f"BIN={Path(sys.executable).parent}"], cwd=ROOT, check=True, timeout=120)
    known, now = ({(message.context, message.id) for message in catalogue_of(language, folder)} for folder in (FOLDER, copy))
    assert sorted(map(str, now - known)) == [], "run `make catalogues`, then translate"
    assert sorted(map(str, known - now)) == [], "run `make catalogues`"


def test_nothing_is_fuzzy_empty_or_left_over(catalogue, rows):
    assert [message.id for message in catalogue if message.fuzzy and message.id] == []
    assert [ids for ids, texts in rows if not all(text.strip() for text in texts)] == []
    assert list(catalogue.obsolete) == []


def test_every_plural_has_all_forms_of_the_language(catalogue, rows):
    assert [ids for ids, texts in rows if len(ids) > 1 and len(texts) != catalogue.num_plurals] == []
    assert any(len(ids) > 1 for ids, _ in rows)


def test_placeholders_are_the_same(rows):
    for ids, texts in rows:
        for form, text in enumerate(texts):
            assert sorted(PLACEHOLDER.findall(text)) == sorted(PLACEHOLDER.findall(ids[min(form, len(ids) - 1)])), text
            assert "%" not in PLACEHOLDER.sub("", text).replace("%%", ""), text


def test_every_text_is_translated(language, rows):
    assert {ids[0] for ids, texts in rows if ids[0] == texts[0]} == SAME[language]


def test_sentences_end_as_the_english_ones_do(rows):
    for ids, texts in rows:
        for text in texts:
            assert (text[-1:] in tuple(".!?:,")) == (ids[0][-1] in ".!?:,"), text  # a greeting ends in a colon in Spanish
            assert text == " ".join(text.split(" ")).strip(), text


def test_translations_hold_no_markup(rows):
    """Templates put translations into pages as they are."""
    for ids, texts in rows:
        assert not set('<>&"') & set("".join(texts)) - set("".join(ids)), texts


def test_people_are_addressed_formally(language, rows):
    informal = {"fr": r"\b(tu|toi|ton|ta|tes)\b", "es": r"\b(tú|ti|tu|tus|puedes|tienes|quieres)\b"}[language]
    assert [texts for _, texts in rows if any(re.search(informal, text, re.IGNORECASE) for text in texts)] == []


def test_french_marks_do_not_leave_their_words(language, rows):
    if language == "fr":
        wrong = re.compile(r"(?<=[^\s\u00a0:;!?])[;!?](?=\s|$)| [:;!?»]|« |(?<=\w)'(?=\w)")
        assert [text for _, texts in rows for text in texts if wrong.search(text)] == []


def test_spanish_questions_and_exclamations_open(language, rows):
    if language == "es":
        assert [text for _, texts in rows for text in texts
                if text.count("?") != text.count("¿") or text.count("!") != text.count("¡")] == []


def test_terms_of_the_trade_are_the_ones_banks_use(language, catalogue):
    term = {"fr": "numéro d’acheminement (routing number)", "es": "número de ruta (routing number)"}[language]
    debit = {"fr": "prélèvement bancaire", "es": "débito bancario"}[language]
    for message in catalogue:
        text = str(message.string).lower()
        if "routing number" in str(message.id).lower():
            assert term in text, text
        if "bank debit" in str(message.id).lower() and "settle" not in str(message.id) and "returned" not in str(message.id).lower():
            assert debit in text or debit.replace(" ", "s ") + "s" in text, text
