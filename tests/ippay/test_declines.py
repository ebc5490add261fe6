"""Words for every code: why, what now, and nothing that accuses."""

from __future__ import annotations

import re

import pytest

from splynx_ippay.ippay import decline_words
from splynx_ippay.ippay.declines import DECLINES, decline_for, find_validation

# Every code of the gateway's public tables by class; 010, 011, 085, 400, 601 and 604 are no clear no to a sale.
CLASSES = {
    "contact": "001 002 059 070 075 106 107",
    "soft": "005 006 019 028 051 061 065 080 092 100 182 750 899",
    "data": "013 054 055 071 082 101 103 104 110 117 122 125 187 188 806 905 908 909 912 913 914 917 923 924 930 931 932 "
            "933 981",
    "hard": "004 007 008 012 014 015 039 041 043 046 052 053 057 062 063 078 093 105 111 115 119 200 602 997",
    "configuration": "003 027 030 058 079 081 086 087 109 181 183 189 901 903 904 906 911 919 920 921 925 926 934 935 941 "
                     "955 956 960 961 962 996",
    "state": "021 025 076 077 084 940 942 943 958 959",
    "fate": "010 011 068 085 089 091 094 096 400 601 603 604 900 987 988 989 992 999",
}
WORDS = {name: text for name, text in vars(decline_words).items() if name.isupper()}


def test_every_code_is_in_the_table_in_its_class():
    told = {code: kind for kind, codes in CLASSES.items() for code in codes.split()}
    assert {code: row.kind for code, row in DECLINES.items()} == told


@pytest.mark.parametrize("code", [*DECLINES, "777"])
@pytest.mark.parametrize("brand", ["visa", "amex", "bank", ""])
def test_every_code_has_words_for_the_payer_and_for_staff(code, brand):
    row = decline_for(code, brand)
    assert row.customer in WORDS.values()
    assert row.meaning
    assert row.code == code
    assert not re.search(r"lost|stolen|fraud|pick.?up|suspect|suspicious|restricted", row.customer, re.IGNORECASE)
    if row.kind in {"soft", "contact", "data", "hard"}:
        assert re.search(r"Nothing was (charged|taken)", row.customer)
    if brand == "bank":
        assert "card and" not in row.customer
        assert "back of your card" not in row.customer


@pytest.mark.parametrize("code", ["004", "007", "041", "043", "059", "200", "602"])
def test_a_card_that_is_wanted_gets_neutral_words(code):
    assert decline_for(code).customer == decline_words.NOT_ALLOWED


def test_an_unknown_code_is_no_refusal():
    row = decline_for("123")
    assert (row.kind, row.customer) == ("fate", decline_words.ASKING)
    assert decline_for("").kind == "fate"


def test_american_express_has_its_code_on_the_front():
    assert decline_for("806", "visa").customer == decline_words.CVV
    assert decline_for("122", "Amex").customer == decline_words.CVV_AMEX


def test_a_bank_account_gets_bank_words():
    assert decline_for("923", "bank").customer == decline_words.ROUTING
    assert decline_for("051", "checking").customer == decline_words.BANK_NO
    assert decline_for("080", "savings").customer == decline_words.BANK_LATER
    assert decline_for("014", "ach").field == ""
    assert decline_for("925", "bank").customer == decline_words.OUR_SIDE


@pytest.mark.parametrize(("message", "field", "kind"), [
    ("Invalid card number.  ", "number", "data"), ("INVALID EXPIRATION DATE", "expiry", "data"),
    ("Invalid ABA number", "routing", "data"), ("Value must be non-zero", "", "configuration"),
    ("Invalid bank account number.", "account", "data"), ("Unknown token", "", "hard"), ("Invalid CVV2", "cvv", "data"),
    ("Invalid account number.", "account", "data"), ("Invalid zip code", "postal_code", "data")])
def test_code_900_is_told_apart_by_its_message(message, field, kind):
    row = decline_for("900", err_msg=message)
    assert (row.code, row.field, row.kind) == ("900", field, kind)


@pytest.mark.parametrize("message", ["", "Duplicate transaction", "Invalid card number but charged", "System error"])
def test_any_other_message_of_code_900_proves_nothing(message):
    assert find_validation(message) is None
    assert decline_for("900", err_msg=message).kind == "fate"
