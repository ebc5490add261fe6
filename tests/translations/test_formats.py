"""Amounts, days and times as each language writes them."""

import time
from datetime import UTC, date, datetime

import pytest

from splynx_ippay.base.money import Money
from splynx_ippay.checkout import formats

NBSP, THIN = "\u00a0", "\u202f"


@pytest.fixture
def written(app, settings_of, core):
    """written(language, filter, value): what the filter of the templates writes."""
    def write(language, name, value):
        settings_of(core, language=language)
        with app.test_request_context():
            return app.jinja_env.filters[name](value)

    return write


@pytest.fixture
def in_utc(monkeypatch):
    """The server stands in UTC."""
    with monkeypatch.context() as place:
        place.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(("language", "cents", "currency", "text"), [
    ("en", 104500, "USD", "$1,045.00"), ("fr", 104500, "USD", f"1{THIN}045,00{NBSP}$US"), ("es", 104500, "USD", "US$1,045.00"),
    ("en", 5, "USD", "$0.05"), ("fr", 5, "USD", f"0,05{NBSP}$US"), ("es", 5, "USD", "US$0.05"),
    ("en", 1234500, "EUR", "€12,345.00"), ("fr", 1234500, "EUR", f"12{THIN}345,00{NBSP}€"), ("es", 1234500, "EUR", "EUR12,345.00"),
    ("fr", -1500, "USD", f"-15,00{NBSP}$US"), ("es", -1500, "USD", "-US$15.00"),
])
def test_amounts_show_their_currency_beyond_doubt(written, language, cents, currency, text):
    assert written(language, "money", Money(cents, currency)) == text


@pytest.mark.parametrize(("language", "text"), [
    ("en", "February 3, 2026"), ("fr", "3 février 2026"), ("es", "3 de febrero de 2026")])
def test_days_are_written_out(written, language, text):
    assert written(language, "day", date(2026, 2, 3)) == text


@pytest.mark.parametrize(("language", "text"), [
    ("en", f"February 3, 2026, 2:07{NBSP}PM"), ("fr", "3 février 2026, 14:07"), ("es", f"3 de febrero de 2026, 2:07{NBSP}p.m.")])
def test_times_are_written_with_their_zone(written, language, text, in_utc):
    assert written(language, "moment", datetime(2026, 2, 3, 14, 7, tzinfo=UTC)) == f"{text} UTC"


def test_a_language_nobody_offers_is_english(written):
    assert written("tlh", "money", Money(1500, "USD")) == "$15.00"


def test_the_browsers_wish_does_not_change_the_language(app, settings_of, core):
    """The setting decides (docs/decisions/0019): receipts and consents are in the language the provider chose."""
    settings_of(core, language="es")
    with app.test_request_context(headers={"Accept-Language": "fr-FR,fr;q=0.9"}):
        assert formats.language() == "es"


@pytest.mark.parametrize(("language", "planned", "text"), [
    ("en", 1, "0 of 1 invoice"), ("en", 2, "0 of 2 invoices"), ("en", 0, "0 of 0 invoices"),
    ("fr", 1, "0 facture sur 1"), ("fr", 2, "0 factures sur 2"), ("fr", 0, "0 facture sur 0"),
    ("es", 1, "0 de 1 factura"), ("es", 2, "0 de 2 facturas"), ("es", 0, "0 de 0 facturas")])
def test_plurals_follow_the_language(app, settings_of, core, language, planned, text):
    settings_of(core, language=language)
    with app.test_request_context():
        template = app.jinja_env.from_string('{{ ngettext("%(done)s of %(num)s invoice", "%(done)s of %(num)s invoices", n, done=0) }}')
        assert template.render(n=planned) == text
