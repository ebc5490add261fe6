"""Saved methods and the forms they come from: every field, every refusal, defaults, and what is forgotten."""

import pytest

from splynx_ippay import credentials
from splynx_ippay.base import clock
from splynx_ippay.base.errors import BadInput
from splynx_ippay.credentials import BankForm, CardForm, Method


def card_form(**changes):
    return CardForm(**{"number": "4111 1111 1111 1111", "expiry": "12/34", "holder": "  Pat   Doe ", "cvv": "123",
                       "postal_code": "84058"} | changes)


def bank_form(**changes):
    return BankForm(**{"routing": "111000025", "account": "000-123 4567", "account_again": "0001234567",
                       "kind": "CHECKING", "holder": "Pat Doe", "authorized": True} | changes)


def refusal(form, **options):
    with pytest.raises(BadInput) as caught:
        form.read(**options)
    return caught.value


def test_a_card_form_is_read_as_people_type_it():
    card = card_form().read(need_cvv=True)
    assert (card.number, card.exp_month, card.exp_year, card.holder) == ("4111111111111111", 12, 2034, "Pat Doe")


@pytest.mark.parametrize(("number", "brand"), [
    ("4111111111111111", "Visa"), ("4222222222222", "Visa"), ("5555555555554444", "Mastercard"),
    ("2223003122003222", "Mastercard"), ("2720990000000007", "Mastercard"), ("378282246310005", "American Express"), ("6011111111111117", "Discover"),
    ("30569309025904", "Diners Club"), ("3530111333300000", "JCB"), ("9999999999999995", ""), ("1234567890123452", "")])
def test_brands_are_known_by_their_first_digits(number, brand):
    assert credentials.brand_of(number) == brand


@pytest.mark.parametrize(("field", "value"), [
    ("number", ""), ("number", "411111111111"), ("number", "4111111111111112"), ("number", "４１１１１１１１１１１１１１１１"),
    ("number", "4111111111111111x"), ("number", "9999999999999995"), ("number", "4" * 20),
    ("expiry", ""), ("expiry", "13/34"), ("expiry", "00/34"), ("expiry", "12/19"), ("expiry", "1334"), ("expiry", "12/90"),
    ("expiry", "１２/34"), ("holder", ""), ("holder", "   "), ("holder", "x" * 61), ("holder", "4111111111111111"),
    ("cvv", ""), ("cvv", "12"), ("cvv", "1234"), ("cvv", "abc"), ("cvv", "１２３"), ("postal_code", "!"), ("postal_code", "x" * 20)])
def test_a_card_field_that_is_wrong_is_named(field, value):
    error = refusal(card_form(**{field: value}), need_cvv=True)
    assert error.field == field
    assert error.message.endswith(".")
    assert value not in error.message or not value


@pytest.mark.parametrize("expiry", ["12/34", "12-34", "12 / 34", "12/2034", "1/34"])
def test_an_expiry_may_be_written_in_several_ways(expiry):
    assert card_form(expiry=expiry).read(need_cvv=True).exp_year == 2034


def test_the_current_month_is_still_good_and_the_last_one_is_not():
    now = clock.now()
    assert card_form(expiry=f"{now.month:02d}/{now.year % 100:02d}").read(need_cvv=True)
    month, year = (now.month - 1, now.year) if now.month > 1 else (12, now.year - 1)
    assert "expired" in refusal(card_form(expiry=f"{month:02d}/{year % 100:02d}"), need_cvv=True).message


def test_cvv_and_postal_code_are_asked_for_where_they_are_needed():
    assert card_form(cvv="").read(need_cvv=False).cvv == ""
    assert refusal(card_form(cvv="1"), need_cvv=False).field == "cvv"
    assert refusal(card_form(postal_code=""), need_cvv=True, need_postal_code=True).field == "postal_code"
    assert card_form(postal_code="").read(need_cvv=True).postal_code == ""
    amex = card_form(number="378282246310005", cvv="123")
    assert "4 digits" in str(refusal(amex, need_cvv=True))
    assert card_form(number="378282246310005", cvv="1234").read(need_cvv=True)


def test_a_bank_form_is_read_as_people_type_it():
    account = bank_form().read(pays=True)
    assert (account.routing, account.account, account.kind) == ("111000025", "0001234567", "CHECKING")


@pytest.mark.parametrize(("field", "value"), [
    ("routing", ""), ("routing", "111000026"), ("routing", "11100002"), ("routing", "１１１０００025"),
    ("account", ""), ("account", "123"), ("account", "1" * 18), ("account", "12a45"), ("account_again", "0001234568"),
    ("account_again", ""), ("kind", ""), ("kind", "MONEYBOX"), ("holder", ""), ("holder", "Pat 4111"), ("authorized", False)])
def test_a_bank_field_that_is_wrong_is_named(field, value):
    error = refusal(bank_form(**{field: value}), pays=True)
    assert error.field == field
    assert error.message.endswith(".")


def test_no_form_shows_what_was_typed():
    assert (repr(card_form()), repr(bank_form())) == ("CardForm(…)", "BankForm(…)")
    assert "4111111111111111" not in repr(card_form().read(need_cvv=True))
    assert "0001234567" not in repr(bank_form().read(pays=True))


# -- saved methods -----------------------------------------------------------------------------------------------------

def add(database, customer_id=1, **changes):
    now = clock.now()
    method = Method(**{"customer_id": customer_id, "partner_id": 1, "terminal_id": "T", "environment": "test",
                       "token_cipher": "k1:x", "instrument": "card", "brand": "Visa", "last_four": "1111", "holder": "Pat",
                       "exp_month": 12, "exp_year": 2034, "is_default": False, "status": "active", "created_at": now,
                       "changed_at": now} | changes)
    return database.run(lambda session: credentials.save(session, method)).id


def defaults(database, customer_id=1):
    with database.read() as session:
        return [method.id for method in credentials.all_methods_of(session, customer_id) if method.is_default]


def test_the_first_method_is_the_default_until_another_is_made_it(database):
    first, second = add(database), add(database)
    assert defaults(database) == [first]
    third = add(database, is_default=True)
    assert defaults(database) == [third]
    database.run(lambda session: credentials.make_default(session, second, 1))
    assert defaults(database) == [second]
    with database.read() as session:
        usable = credentials.methods_of(session, 1, terminal_id="T", environment="test")
        assert [method.id for method in usable] == [second, third, first]


def test_a_removed_method_forgets_its_token_and_the_newest_takes_its_place(database):
    first, second = add(database), add(database)
    gone = database.run(lambda session: credentials.remove(session, first, 1))
    assert (gone.status, gone.token_cipher) == ("removed", "")
    assert defaults(database) == [second]
    database.run(lambda session: credentials.remove(session, second, 1))
    assert defaults(database) == []
    with pytest.raises(BadInput):
        database.run(lambda session: credentials.remove(session, second, 1))


def test_removing_another_than_the_default_keeps_the_default(database):
    first, second = add(database), add(database)
    database.run(lambda session: credentials.remove(session, second, 1))
    assert defaults(database) == [first]


@pytest.mark.parametrize("act", [credentials.get_own_method, credentials.make_default, credentials.remove])
def test_nobody_touches_another_customers_method(database, act):
    method = add(database, customer_id=2)
    with pytest.raises(BadInput) as caught:
        database.run(lambda session: act(session, method, 1))
    assert caught.value.field == "method"


def test_a_disabled_method_is_shown_with_its_reason_and_not_offered(database):
    method = add(database)
    database.run(lambda session: credentials.disable(session, method, "the bank said no"))
    with database.read() as session:
        assert credentials.methods_of(session, 1, terminal_id="T", environment="test") == []
        [shown] = credentials.all_methods_of(session, 1)
        assert (shown.status, shown.reason) == ("disabled", "the bank said no")
        with pytest.raises(BadInput):
            credentials.get_own_method(session, method, 1)
    assert database.run(lambda session: credentials.remove(session, method, 1)).status == "removed"


def test_methods_of_another_terminal_are_not_offered(database):
    add(database, terminal_id="OTHER")
    add(database, environment="production")
    with database.read() as session:
        assert credentials.methods_of(session, 1, terminal_id="T", environment="test") == []


def test_people_know_a_method_by_brand_and_last_four():
    assert Method(brand="Visa", last_four="1111", instrument="card").label == "Visa •••• 1111"
    assert Method(brand="", last_four="1111", instrument="card").label == "Card •••• 1111"
    assert Method(brand="", last_four="6789", instrument="bank").label == "Bank account •••• 6789"


def test_a_card_is_expired_when_its_last_month_is_over():
    now = clock.now()
    assert not Method(exp_month=now.month, exp_year=now.year).is_expired()
    assert Method(exp_month=12, exp_year=now.year - 1).is_expired()
    assert not Method(exp_month=None, exp_year=None).is_expired()


def test_a_removed_default_is_followed_only_by_a_method_that_can_be_charged():
    def method(number, **changes):
        facts = {"id": number, "status": "active", "terminal_id": "T1", "environment": "test"} | changes
        return credentials.Method(**facts)

    gone = method(1)
    usable = method(2)
    assert credentials.next_default(gone, [gone, usable, method(3, exp_month=1, exp_year=2020), method(4, terminal_id="T2"),
                                           method(5, status="disabled")]) is usable
    assert credentials.next_default(gone, [gone, method(3, exp_month=1, exp_year=2020)]) is None
