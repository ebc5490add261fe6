"""What staff see in the host of saved methods: masked, of the default, retried until told."""

import pytest
from sqlalchemy import select

from splynx_ippay import credentials
from splynx_ippay.base.errors import ConfigError
from splynx_ippay.credentials import AccountMirror
from splynx_ippay.payments import mirroring


def fields(sandbox, customer_id=1):
    rows = [row for row in sandbox.ledger()["host"]["payment_accounts"] if int(row["customer_id"]) == customer_id]
    return {key: value for row in rows for key, value in row.items() if key.startswith("field_") and value}


def row_of(core):
    with core.database.read() as session:
        return session.scalars(select(AccountMirror)).one()


def change(core, work):
    return core.database.run(work)


def test_the_default_card_and_the_bank_account_are_shown_masked(desk, core, sandbox):
    desk.saved_card()
    desk.saved_bank()
    assert mirroring.tick(core) == 1
    assert fields(sandbox) == {
        "field_2": "Pat Doe", "field_3": "1111", "field_4": "12/2034", "field_5": "84058", "field_6": "****4567",
        "field_7": "111000025", "field_8": "Pat Doe", "field_9": "Checking"}
    assert mirroring.tick(core) == 0


def test_no_field_ever_holds_a_token_or_a_number(desk, core, sandbox, settings_of):
    card, bank = desk.saved_card(), desk.saved_bank()
    settings_of(core, payment_account_fields=", ".join(
        f"field_{place}={fact}" for place, fact in enumerate(mirroring._FACTS, start=1)))
    mirroring.tick(core)
    written = " ".join(fields(sandbox).values())
    for method in (card, bank):
        assert core.box.decrypt(method.token_cipher) not in written
    assert "4111111111111111" not in written
    assert "0001234567" not in written


def test_every_change_is_told(desk, core, sandbox):
    first = desk.saved_card()
    second = desk.saved_card(number="378282246310005", cvv="1234")
    mirroring.tick(core)
    assert fields(sandbox)["field_3"] == "1111"
    change(core, lambda session: credentials.make_default(session, second.id, 1))
    mirroring.tick(core)
    assert fields(sandbox)["field_3"] == "0005"
    change(core, lambda session: credentials.set_postal_code(session, second.id, 1, "80202"))
    mirroring.tick(core)
    assert fields(sandbox)["field_5"] == "80202"
    change(core, lambda session: credentials.disable(session, second.id, "closed"))
    mirroring.tick(core)
    assert fields(sandbox)["field_3"] == "1111"
    change(core, lambda session: credentials.remove(session, first.id, 1))
    mirroring.tick(core)
    assert fields(sandbox) == {}


def test_a_host_that_is_away_is_told_later_and_a_change_meanwhile_is_not_lost(desk, core, sandbox):
    desk.saved_card()
    sandbox.fault(server="host", kind="http_status", status=500, match={"path": "customer-payment-accounts"}, times=1)
    assert mirroring.tick(core) == 0
    row = row_of(core)
    assert (row.told, row.tries) == (0, 1)
    assert row.problem
    assert mirroring.tick(core) == 0  # not yet
    sandbox.jump(seconds=121)
    assert mirroring.tick(core) == 1
    assert fields(sandbox)["field_3"] == "1111"
    assert row_of(core).problem == ""
    desk.saved_bank()
    assert mirroring.tick(core) == 1


def test_without_a_payment_account_or_a_map_nothing_is_written_and_nothing_forgotten(desk, core, sandbox, settings_of):
    desk.saved_card()
    settings_of(core, payment_account="0")
    assert mirroring.tick(core) == 0
    settings_of(core, payment_account="1", payment_account_fields="")
    assert mirroring.tick(core) == 0
    assert fields(sandbox) == {}
    settings_of(core, payment_account_fields="field_10=last_four")
    assert mirroring.tick(core) == 1
    assert fields(sandbox) == {"field_10": "1111"}


@pytest.mark.parametrize("wrong", ["field_11=last_four", "field_1=token", "field_1", "field_1=holder, field_1=brand"])
def test_a_map_that_cannot_be_read_is_named(core, settings_of, wrong):
    settings_of(core, payment_account_fields=wrong)
    with pytest.raises(ConfigError, match="Fields of the payment account"):
        mirroring.field_map(core)
