"""The account updater: what the banks of saved cards told is applied once, and never turned back."""

from datetime import timedelta

import pytest

from splynx_ippay import credentials
from splynx_ippay.base import clock
from splynx_ippay.base.crypto import KeyBox
from splynx_ippay.payments import updater
from splynx_ippay.payments.core import Core
from splynx_ippay.payments.models import State

NEW_NUMBER = "4000300020001000"


@pytest.fixture
def card(desk):
    return desk.saved_card(exp_month=1, exp_year=2027)


@pytest.fixture
def tell(desk, sandbox):
    """A row in the gateway's feed, and the daily job after it; how many cards it changed."""
    def _tell(code, *, later=timedelta(days=1), **wish):
        sandbox.control("POST", "updates", {"token_last4": "1111", "response_code": code, "exp": "01/30"} | wish)
        sandbox.jump(seconds=int(later.total_seconds()))
        return updater.tick(desk.core)
    return _tell


def history(core, customer_id=1):
    with core.database.read() as session:
        return [(update.code, update.before, update.after) for update in credentials.updates_of(session, customer_id)]


def token_of(core, method):
    return core.box.decrypt(method.token_cipher)


def test_a_new_expiry_is_taken_over_with_its_token_and_told_once(desk, card, tell, sandbox):
    before = clock.now()
    assert tell("E") == 1
    changed = desk.method(card.id)
    assert (changed.exp_month, changed.exp_year, changed.last_four, changed.status) == (1, 2030, "1111", "active")
    assert token_of(desk.core, changed) != token_of(desk.core, card)
    assert history(desk.core) == [("E", "Visa •••• 1111 01/27", "Visa •••• 1111 01/30")]
    with desk.core.database.read() as session:
        [update] = credentials.updates_of(session, 1)
    assert abs(update.told_at - before) < timedelta(minutes=1)
    assert update.applied_at > update.told_at + timedelta(hours=23)
    sandbox.jump(days=1)
    assert updater.tick(desk.core) == 0  # the day is read again, and says nothing new
    assert len(history(desk.core)) == 1
    assert desk.pay(changed, desk.invoice()).state == State.APPROVED


def test_an_expiry_under_the_same_token_is_taken_over_too(desk, card, tell):
    assert tell("E", same_token=True) == 1
    changed = desk.method(card.id)
    assert (changed.exp_year, token_of(desk.core, changed)) == (2030, token_of(desk.core, card))


def test_a_new_number_replaces_token_brand_and_last_four(desk, card, tell):
    assert tell("A", new_number="5555555555554444") == 1
    changed = desk.method(card.id)
    assert (changed.brand, changed.last_four, changed.exp_year) == ("Mastercard", "4444", 2030)
    assert token_of(desk.core, changed).endswith("4444")
    assert history(desk.core) == [("A", "Visa •••• 1111 01/27", "Mastercard •••• 4444 01/30")]


@pytest.mark.parametrize(("code", "words"), [("C", "closed"), ("Q", "contact the cardholder")])
def test_a_closed_card_is_not_used_any_more_and_another_becomes_the_default(desk, card, tell, code, words):
    account = desk.saved_bank()
    assert tell(code) == 1
    closed = desk.method(card.id)
    assert (closed.status, closed.is_default, desk.method(account.id).is_default) == ("disabled", False, True)
    assert words in closed.reason
    assert history(desk.core) == [(code, "Visa •••• 1111 01/27", "")]


def test_a_row_that_says_nothing_new_changes_nothing(desk, card, tell):
    assert tell("V") == 0
    assert desk.method(card.id).exp_year == 2027
    assert history(desk.core) == []


def test_an_older_row_that_comes_late_never_shortens_a_card(desk, card, tell, sandbox):
    sandbox.jump(days=5)
    assert tell("E", same_token=True) == 1
    assert tell("E", same_token=True, exp="06/28", days_ago=3) == 0
    assert (desk.method(card.id).exp_month, desk.method(card.id).exp_year) == (1, 2030)
    assert tell("A", new_number=NEW_NUMBER, exp="06/28", days_ago=3) == 1  # the number is news all the same
    changed = desk.method(card.id)
    assert (changed.last_four, changed.exp_month, changed.exp_year) == ("1000", 1, 2030)


def test_a_row_from_before_the_card_was_saved_is_not_about_it(desk, card, tell):
    assert tell("C", days_ago=2) == 0
    assert desk.method(card.id).status == "active"


def test_two_changes_on_one_day_follow_each_other(desk, card, tell, sandbox):
    sandbox.control("POST", "updates", {"token_last4": "1111", "response_code": "A", "new_number": NEW_NUMBER, "exp": "01/29"})
    sandbox.jump(seconds=60)
    assert tell("C", token_last4="1000") == 2
    assert [code for code, _before, _after in history(desk.core)] == ["C", "A"]
    assert desk.method(card.id).status == "disabled"


def test_a_card_that_two_customers_saved_is_changed_for_both_and_a_removed_one_is_not(desk, card, tell):
    # the sandbox makes one token a saving; here both rows hold the same
    with desk.core.database.read() as session:
        mark, cipher = session.get_one(credentials.Method, card.id).token_mark, card.token_cipher
    now = clock.now()
    for customer_id in (2, 3):
        desk.core.database.run(lambda session, i=customer_id: credentials.save(session, credentials.Method(
            customer_id=i, partner_id=1, terminal_id=card.terminal_id, environment="test", instrument="card",
            token_cipher=cipher, token_mark=mark, brand="Visa", last_four="1111", exp_month=1, exp_year=2027, holder="Pat",
            created_at=now, changed_at=now)))
    with desk.core.database.read() as session:
        [third] = credentials.all_methods_of(session, 3)
    desk.core.database.run(lambda session: credentials.remove(session, third.id, 3))
    assert tell("E") == 2
    assert len(history(desk.core, 2)) == 1
    assert history(desk.core, 3) == []


def test_a_card_is_found_after_its_key_was_rotated(desk, card, tell):
    lines = desk.core.deployment.key_file.read_text(encoding="ascii")
    other = desk.core.deployment.key_file.with_name("other")
    KeyBox.create(other)
    desk.core.deployment.key_file.write_text(other.read_text(encoding="ascii").replace("k", "n", 1) + lines, encoding="ascii")
    rotated = Core(deployment=desk.core.deployment, settings=desk.core.settings, database=desk.core.database,
                   box=KeyBox.load(desk.core.deployment.key_file))
    assert tell("V") == 0
    desk.sandbox.control("POST", "updates", {"token_last4": "1111", "response_code": "E", "exp": "01/30"})
    desk.sandbox.jump(days=1)
    assert updater.tick(rotated) == 1
    assert desk.method(card.id).exp_year == 2030


def test_a_pause_of_the_worker_leaves_no_day_out(desk, card, tell, sandbox):
    assert tell("V") == 0
    assert tell("E", later=timedelta(days=40)) == 1
    assert desk.method(card.id).exp_year == 2030


def test_a_feed_that_cannot_be_read_changes_nothing_and_is_read_the_next_day(desk, card, tell, sandbox):
    sandbox.fault(server="gateway", kind="garbage", match={"path": "/ippayReport/"}, times=1)
    assert tell("E") == 0
    sandbox.jump(days=1)
    assert updater.tick(desk.core) == 1


def test_without_cards_or_a_reporting_login_nothing_is_asked(desk, sandbox, settings_of):
    sandbox.reset_counters()
    assert updater.tick(desk.core) == 0
    desk.saved_card()
    settings_of(desk.core, reporting_merchant_id="")
    assert updater.tick(desk.core) == 0
    assert "getAccountUpdaterActivity" not in str(sandbox.counters())


def test_a_number_that_was_refused_for_good_does_not_stand_against_its_successor(desk, card, tell, sandbox):
    from splynx_ippay.runs import facts

    sandbox.control("POST", "answers", {"type": "SALE", "action_code": "004", "times": 1})
    assert desk.pay(card, desk.invoice()).state == State.DECLINED

    def refused():
        with desk.core.database.read() as session:
            return facts.look_up(session, [], [1]).refused
    assert list(refused()) == [card.id]
    assert tell("A", new_number=NEW_NUMBER) == 1
    assert refused() == {}


@pytest.mark.parametrize(("row", "shown"), [
    ({"masked": "5555"}, "Visa •••• 1111 01/30"),  # a number that is not six and four digits
    ({"masked": "909090XXXXXX4444"}, "Visa •••• 4444 01/30"),  # of a network we do not know
    ({"expiry": "13/30"}, "Visa •••• 1111 01/27"), ({"expiry": ""}, "Visa •••• 1111 01/27"),
])
def test_what_a_row_does_not_say_clearly_stays_as_it_was(desk, card, row, shown):
    news = credentials.News(**{
        "terminal_id": card.terminal_id, "environment": "test", "code": "A", "at": clock.now(), "expiry": "01/30",
        "old_token": token_of(desk.core, card).lower(), "new_token": "4A1B2C3D4E5F4444"} | row)
    assert desk.core.database.run(lambda session: credentials.apply(session, desk.core.box, news)) == 1
    assert history(desk.core) == [("A", "Visa •••• 1111 01/27", shown)]
    assert token_of(desk.core, desk.method(card.id)) == "4A1B2C3D4E5F4444"
    assert "4A1B" not in repr(news)
