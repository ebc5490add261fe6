"""Signed links: what opens, what does not and why, and that a forged one never does."""

from datetime import timedelta

import pytest
from cryptography.fernet import Fernet

from splynx_ippay import links
from splynx_ippay.base.crypto import KeyBox
from splynx_ippay.base.errors import LinkError


@pytest.fixture
def box():
    return KeyBox([("k1", Fernet.generate_key().decode())])


def create(database, box, valid_for=timedelta(days=90), document_id=8812):
    return database.run(lambda session: links.create(
        session, box, document="invoice", document_id=document_id, created_by="staff 1", valid_for=valid_for))


def reason(database, box, token):
    with database.read() as session, pytest.raises(LinkError) as caught:
        links.find(session, box, token)
    return caught.value.reason


def test_a_link_opens_its_document(database, box):
    token = create(database, box)
    with database.read() as session:
        link = links.find(session, box, token)
    assert (link.document, link.document_id, link.created_by) == ("invoice", 8812, "staff 1")


def test_a_link_without_an_end_never_expires(database, box):
    with database.read() as session:
        assert links.find(session, box, create(database, box, None)).expires_at is None


def test_a_forged_link_is_invalid_whatever_is_changed(database, box):
    token = create(database, box)
    code, _, signature = token.rpartition(".")
    stranger = KeyBox([("k2", Fernet.generate_key().decode())])
    for forged in ("", ".", code, f"{code}.", f".{signature}", f"{code}x.{signature}", f"{code}.{signature[:-1]}",
                   f"{code}.{signature}0", f"{code}.{stranger.sign('payment link', code)}", "é.é", "x" * 5000,
                   f"nocode.{box.sign('payment link', 'nocode')}", f"{code}.{box.sign('another purpose', code)}"):
        assert reason(database, box, forged) == "invalid"


def test_an_expired_link_says_so(database, box):
    assert reason(database, box, create(database, box, timedelta(seconds=-1))) == "expired"


def test_a_revoked_link_opens_nothing(database, box):
    token = create(database, box)
    database.run(lambda session: links.revoke(session, box, token, by="staff 2"))
    assert reason(database, box, token) == "revoked"


def test_a_link_survives_a_new_key_on_top(database, box):
    old = Fernet.generate_key().decode()
    token = create(database, KeyBox([("k1", old)]))
    with database.read() as session:
        assert links.find(session, KeyBox([("k2", Fernet.generate_key().decode()), ("k1", old)]), token)


def test_no_two_links_are_alike(database, box):
    assert len({create(database, box, document_id=number) for number in range(50)}) == 50
