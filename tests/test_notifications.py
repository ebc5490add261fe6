"""Mails are written in the person's language and handed to the server that the settings name."""

import logging

import pytest

from splynx_ippay import notifications
from splynx_ippay.base.errors import ConfigError
from splynx_ippay.base.settings import SETTINGS

VALUES = {"name": "Zoë <b>", "code": "012345", "what": "invoice #7", "minutes": 10, "merchant": "North & Sons"}


@pytest.fixture
def mail_core(core, sandbox, settings_of):
    settings_of(core, smtp_host=sandbox.facts["smtp_host"], smtp_port=sandbox.facts["smtp_port"], smtp_tls="none",
                smtp_from="North <pay@north.example>")
    return core


def caught(sandbox):
    return sandbox.control("GET", "mails")["mails"]


def test_a_code_mail_is_what_it_was(mail_core, sandbox):
    mail = notifications.render("code", "zoe@home.example", "en", **VALUES)
    assert mail.subject == "Your code to pay with your saved card or account"
    assert mail.text == """Hello Zoë <b>,

Somebody wants to pay invoice #7 with what you have saved. If that is you, enter this code on the page:

    012345

It is valid for 10 minutes.

If it was not you, do nothing: without the code nothing can be charged. Give it to nobody; we never ask for it.

North & Sons
"""
    assert "<p>Hello Zoë &lt;b&gt;,</p>" in mail.html
    assert "<p><strong>012345</strong></p>" in mail.html
    notifications.send(mail_core.settings, mail)
    [kept] = caught(sandbox)
    assert (kept["from"], kept["to"], kept["subject"], kept["language"]) == ("pay@north.example", "zoe@home.example", mail.subject, "en")
    assert "Zoë <b>" in kept["text"]
    assert kept["tls"] is False


@pytest.mark.parametrize("language", ["en", "fr", "es", "xx"])
def test_every_language_writes_every_part_and_keeps_the_values(language):
    mail = notifications.render("code", "zoe@home.example", language, **VALUES)
    for part in (mail.text, mail.html):
        assert "012345" in part
        assert "%(" not in part
    assert f'lang="{language}"' in mail.html
    assert "\n" not in mail.subject


def test_a_login_is_used_and_never_shown(mail_core, sandbox, settings_of, caplog):
    settings_of(mail_core, smtp_user="postman", smtp_password="stamp-7781")
    with caplog.at_level(logging.INFO):
        notifications.send(mail_core.settings, notifications.render("code", "zoe@home.example", "en", **VALUES))
    assert caught(sandbox)[0]["login"] == "postman"
    assert "z***@h***.example" in caplog.text
    for secret in ("zoe@home.example", "012345", "stamp-7781"):
        assert secret not in caplog.text


def test_starttls_and_the_certificate_are_insisted_on(tmp_path, start_sandbox, core, settings_of):
    mail = notifications.render("code", "zoe@home.example", "en", **VALUES)
    with start_sandbox(tmp_path / "tls", "--tls") as box:
        settings_of(core, smtp_host="127.0.0.1", smtp_port=box.facts["smtp_port"], smtp_tls="starttls", smtp_from="pay@north.example",
                    smtp_user="postman", smtp_password="stamp")
        with pytest.raises(notifications.NotDelivered, match="SSLCertVerificationError"):
            notifications.send(core.settings, mail)
        assert caught(box) == []
        notifications.send(core.settings, mail, ca_file=box.facts["ca_file"])
        assert (caught(box)[0]["tls"], caught(box)[0]["login"]) == (True, "postman")


@pytest.mark.parametrize(("change", "kind"), [
    ({"smtp_port": "9"}, "ConnectionRefusedError"), ({"smtp_tls": "starttls"}, "SMTPNotSupportedError"),
    ({"smtp_tls": "tls"}, "SSLError"),
])
def test_a_mail_server_that_does_not_take_it_is_named_and_nobody_else(mail_core, settings_of, sandbox, *, change, kind):
    settings_of(mail_core, **change)
    with pytest.raises(notifications.NotDelivered, match=kind) as refused:
        notifications.send(mail_core.settings, notifications.render("code", "zoe@home.example", "en", **VALUES))
    assert "zoe" not in str(refused.value)
    assert caught(sandbox) == []


def test_a_refused_mailbox_and_a_port_that_is_none_are_told(mail_core, settings_of):
    with pytest.raises(notifications.NotDelivered, match="SMTPRecipientsRefused"):
        notifications.send(mail_core.settings, notifications.render("code", "zoe@refused.example", "en", **VALUES))
    settings_of(mail_core, smtp_port="many")
    with pytest.raises(ConfigError, match="Port of the mail server"):
        notifications.send(mail_core.settings, notifications.render("code", "zoe@home.example", "en", **VALUES))


@pytest.mark.parametrize(("host", "sender", "can"), [
    ("mail.example", "pay@north.example", True), ("", "pay@north.example", False), ("mail.example", "", False), ("mail.example", "north", False),
])
def test_codes_are_offered_only_with_a_server_and_a_sender(core, settings_of, *, host, sender, can):
    settings_of(core, smtp_host=host, smtp_from=sender)
    assert notifications.can_send(core.settings) is can


@pytest.mark.parametrize(("text", "address"), [
    ("a@b.example", "a@b.example"), ("A B <a@b.example>", "a@b.example"), ("nobody, a@b.example; c@d.example", "a@b.example"),
    ("", ""), ("nobody", ""), ("a@b", ""), ("@b.example", ""), ("a@.", ""), ("a b@c.example", ""), ("a@b.example\r\nBcc: x@y.example", ""),
    ("ä@b.example", ""), ("a" * 250 + "@b.example", ""),
])
def test_the_first_usable_address_of_a_field_is_taken(*, text, address):
    assert notifications.address_in(text) == address


@pytest.mark.parametrize(("address", "shown"), [("anna@mail.example", "a***@m***.example"), ("a@b.co.example", "a***@b***.example"), ("", "")])
def test_an_address_is_shown_masked(*, address, shown):
    assert notifications.masked(address) == shown


def test_the_password_of_the_mail_server_is_a_secret_in_the_table():
    assert next(setting for setting in SETTINGS if setting.key == "smtp_password").secret
