"""Keys at rest: rotation, a key file that is wrong, and that nothing shows a key."""

import stat

import pytest
from cryptography.fernet import Fernet

from splynx_ippay.base.crypto import KeyBox
from splynx_ippay.base.errors import ConfigError


def box_of(path, *lines):
    path.write_text("\n".join(lines) + "\n")
    path.chmod(0o600)
    return KeyBox.load(path)


def line(name):
    return f"{name} {Fernet.generate_key().decode()}"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "keys"


def test_a_new_key_file_belongs_to_its_owner_and_is_never_overwritten(path):
    KeyBox.create(path)
    first = path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    KeyBox.create(path)
    assert path.read_text() == first
    KeyBox.create(path.parent / "deep" / "keys")
    assert KeyBox.load(path.parent / "deep" / "keys")


def test_a_token_comes_back_and_its_cipher_names_the_key(path):
    box = box_of(path, line("k1"))
    cipher = box.encrypt("4Z9ABCDEF")
    assert cipher.startswith("k1:")
    assert "4Z9ABCDEF" not in cipher
    assert box.decrypt(cipher) == "4Z9ABCDEF"
    assert box.encrypt("4Z9ABCDEF") != cipher


def test_a_new_line_on_top_encrypts_and_the_old_one_still_opens(path):
    old = line("k1")
    cipher, signature = box_of(path, old).encrypt("token"), box_of(path, old).sign("links", "invoice:1")
    both = box_of(path, line("k2"), "# the old key", "", old)
    assert both.decrypt(cipher) == "token"
    assert both.encrypt("token").startswith("k2:")
    assert both.is_signed("links", "invoice:1", signature)
    assert both.sign("links", "invoice:1") != signature


def test_a_token_of_a_lost_key_names_that_key(path):
    cipher = box_of(path, line("lost1")).encrypt("token")
    with pytest.raises(ConfigError, match=r"'lost1'.*restore the key file"):
        box_of(path, line("k2")).decrypt(cipher)
    for broken in (cipher[:-5], "lost1:", "", "no colon", "ключ:ключ"):
        with pytest.raises(ConfigError):
            box_of(path, line("k2")).decrypt(broken)


@pytest.mark.parametrize(("content", "words"), [
    ("", "holds no key"), ("# nothing\n", "holds no key"), ("k1\n", "malformed"), ("k1 a b\n", "malformed"),
    ("k1 tooshort\n", "is not a key"), ("k1 " + "!" * 44 + "\n", "is not a key")])
def test_a_key_file_that_is_wrong_says_how_to_mend_it(path, content, words):
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(ConfigError, match=words):
        KeyBox.load(path)


def test_a_key_file_that_is_missing_binary_or_open_to_everybody_is_refused(path):
    with pytest.raises(ConfigError, match="make-key"):
        KeyBox.load(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="make-key"):
        KeyBox.load(path)
    path.write_text(line("k1"))
    path.chmod(0o604)
    with pytest.raises(ConfigError, match="readable by everybody"):
        KeyBox.load(path)
    path.chmod(0o640)  # the service's group may read
    assert KeyBox.load(path)


def test_signatures_are_for_one_purpose_and_one_text(path):
    box = box_of(path, line("k1"))
    signature = box.sign("links", "invoice:1")
    assert len(signature) == 32
    assert box.is_signed("links", "invoice:1", signature)
    for purpose, text, shown in (("mail", "invoice:1", signature), ("links", "invoice:2", signature),
                                 ("links", "invoice:1", ""), ("links", "invoice:1", "é" * 32),
                                 ("links", "invoice:1", signature.upper()), ("links", "invoice:1", "\ud800")):
        assert not box.is_signed(purpose, text, shown)
    assert len(box.secret("session")) == 32
    assert box.secret("session") != box.secret("links")


def test_nothing_shows_a_key(path):
    secret = Fernet.generate_key().decode()
    box = box_of(path, f"k1 {secret}")
    assert secret not in repr(box)
    assert repr(box) == "KeyBox(current='k1', keys=1)"
    path.write_text(f"k1 {secret} extra\n")
    with pytest.raises(ConfigError) as caught:
        KeyBox.load(path)
    assert secret not in str(caught.value)
