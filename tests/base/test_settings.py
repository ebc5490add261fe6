"""Settings: two homes, inheritance of partners, reload without restart, and words for everything that is wrong."""

import os

import pytest

from splynx_ippay.base.errors import ConfigError
from splynx_ippay.base.settings import BY_KEY, SETTINGS, Deployment, Settings


@pytest.fixture
def file(tmp_path):
    return tmp_path / "config" / "config.ini.php"


@pytest.fixture
def settings(file):
    return Settings(file)


def write(file, common="", default="", **partners):
    file.parent.mkdir(exist_ok=True)
    parts = ["; <?php exit(); ?>", "[common]", common, "[default_partners_settings]", default]
    for name, text in partners.items():
        parts += [f"[{name[1:]}]", text]
    fresh = file.with_name("new")
    fresh.write_text("\n".join(parts) + "\n", encoding="utf-8")
    fresh.replace(file)


def test_before_the_host_has_a_file_every_setting_has_its_default(settings):
    for setting in SETTINGS:
        assert settings.text(setting.key) == setting.default
    assert settings.terminals() == {}


def test_a_new_value_works_without_a_restart(file, settings):
    for value in ("5", "7", "9"):
        write(file, f'charges_in_flight = "{value}"')
        assert settings.integer("charges_in_flight") == int(value)
    file.unlink()
    assert settings.integer("charges_in_flight") == 5


def test_a_file_that_was_not_touched_is_not_read_again(file, settings):
    write(file, 'language = "fr"')
    assert settings.text("language") == "fr"
    stamp = file.stat()
    with file.open("r+") as same:  # the same inode, size and time: as good as untouched
        same.write(file.read_text().replace("fr", "es"))
    os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert settings.text("language") == "fr"


def test_a_partner_has_its_own_value_else_that_of_the_default_partner(file, settings):
    write(file, 'terminal_id = "OLD"', 'terminal_id = "SHARED"\ncurrency = "usd"', p2='terminal_id = "NORTH"\ncurrency = "CAD"',
          p3='currency = ""')
    assert settings.terminal(1).terminal_id == "SHARED"
    assert (settings.terminal(2).terminal_id, settings.terminal(2).currency) == ("NORTH", "CAD")
    assert settings.terminal(1).currency == "USD"
    with pytest.raises(ConfigError, match="three letters"):
        settings.terminal(3)
    assert sorted(settings.terminals()) == ["NORTH", "SHARED"]


def test_what_is_not_a_partners_is_the_same_for_all(file, settings):
    write(file, 'environment = "test"', p2='environment = "production"')
    assert settings.text("environment", 2) == "test"


def test_an_override_of_the_machine_wins_and_is_known_as_one(file):
    write(file, 'language = "fr"')
    settings = Settings(file, {"language": "es"})
    assert settings.text("language") == "es"
    assert settings.is_overridden("language")
    assert not settings.is_overridden("payment_type")


@pytest.mark.parametrize(("value", "is_on"), [("1", True), ("true", True), ("On", True), ("yes", True), ("0", False),
                                              ("", False), ("no", False), ("2", False)])
def test_a_switch_is_on_or_off(file, settings, value, is_on):
    write(file, f'sandbox_host = "{value}"')
    assert settings.flag("sandbox_host") is is_on


@pytest.mark.parametrize("value", ["many", "-1", "5.5", "１２", "1e3"])
def test_a_number_that_is_none_names_its_setting(file, settings, value):
    write(file, f'undo_days = "{value}"')
    with pytest.raises(ConfigError, match="'Delete returned payments up to' must be a whole number"):
        settings.integer("undo_days")


def test_an_empty_number_is_zero(file, settings):
    write(file, 'undo_days = ""\nmaximum_amount = ""')
    assert settings.integer("undo_days") == 0
    assert not settings.money("maximum_amount", "USD")


@pytest.mark.parametrize("value", ["many", "-1.00", "NaN", "1,5"])
def test_an_amount_that_is_none_names_its_setting(file, settings, value):
    write(file, f'minimum_amount = "{value}"')
    with pytest.raises(ConfigError, match="'Smallest payment' must be an amount"):
        settings.money("minimum_amount", "USD")


@pytest.mark.parametrize("setting", [setting for setting in SETTINGS if setting.choices], ids=lambda s: s.key)
def test_a_select_takes_its_choices_and_nothing_else(file, settings, setting):
    for name, _title in setting.choices:
        write(file, f'{setting.key} = "{name}"')
        assert settings.choice(setting.key) == name
    write(file, f'{setting.key} = "something else"')
    with pytest.raises(ConfigError) as caught:
        settings.choice(setting.key)
    assert setting.title in str(caught.value)
    assert all(name in str(caught.value) for name, _title in setting.choices)


@pytest.mark.parametrize("content", [b"no section here\n", b"[common\n", b"\xff\xfe\x00", b"[common]\nkey without value\n"])
def test_a_file_that_cannot_be_read_says_what_to_do(file, settings, content):
    file.parent.mkdir()
    file.write_bytes(content)
    with pytest.raises(ConfigError, match="save the add-on's settings"):
        settings.text("language")


def test_a_terminal_can_report_only_with_login_and_password(file, settings):
    for lines, can in (('reporting_merchant_id = "M"', False), ('reporting_password = "P"', False),
                       ('reporting_merchant_id = " "\nreporting_password = "P"', False),
                       ('reporting_merchant_id = "M"\nreporting_password = "P"', True)):
        write(file, "", f'terminal_id = "T"\n{lines}')
        terminal = settings.terminal(1)
        assert terminal.can_report is can
        assert settings.bank_debits_allowed(terminal) is can
        assert settings.bank_posting_policy(terminal) == ("on_settlement" if can else "after_n_days")
        assert settings.instruments(terminal) == (("card", "bank") if can else ("card",))


def test_no_secret_of_a_terminal_is_shown(file, settings):
    write(file, "", 'terminal_id = "T"\ngateway_password = "geheim1"\nreporting_password = "geheim2"')
    assert "geheim" not in repr(settings.terminal(1))


def test_every_secret_is_marked_as_one():
    assert {key for key, setting in BY_KEY.items() if setting.secret} >= {
        "api_secret", "gateway_password", "reporting_password", "smtp_password"}
    assert len(BY_KEY) == len(SETTINGS)


# -- the machine's own file --------------------------------------------------------------------------------------------

def test_the_machine_is_read_from_its_file_and_the_environment_wins(tmp_path):
    ini = tmp_path / "a.ini"
    ini.write_text("[splynx-ippay]\nlisten = 1.2.3.4:80\nkey_file = /k\n[settings]\nlanguage = fr\n")
    found = Deployment.load({"SPLYNX_IPPAY_INI": str(ini), "SPLYNX_IPPAY_LISTEN": "5.6.7.8:90",
                             "SPLYNX_IPPAY_SPOOL_DIR": "/s", "SPLYNX_IPPAY_CLOCK_FILE": "/ignored"})
    assert (found.listen, str(found.key_file), str(found.spool_dir)) == ("5.6.7.8:90", "/k", "/s")
    assert found.overrides == {"language": "fr"}
    assert Settings.of(found).text("language") == "fr"
    assert found.ini_file == ini


def test_without_a_file_the_machine_has_its_defaults(tmp_path):
    found = Deployment.load({"SPLYNX_IPPAY_INI": str(tmp_path / "none.ini")})
    assert found.database_url.startswith("sqlite:")
    assert found.gateway_url == ""


@pytest.mark.parametrize(("content", "words"), [
    ("[splynx-ippay]\ncolour = red\n", "unknown setting 'colour'"), ("[settings]\ncolour = red\n", "unknown setting 'colour'"),
    ("[splynx-ippay\n", r"a\.ini, line 1: a \[section\] is missing"), ("# x\nlisten = 1\n", r"line 2: a \[section\] is missing"),
    ("[splynx-ippay]\nlisten = 1\n\nnonsense 4111\n", "line 4: this is neither"),
    ("[splynx-ippay]\nlisten = 1\nlisten = 2\n", "line 3: listen stands there a second time"),
    ("[splynx-ippay]\n[splynx-ippay]\n", r"line 2: the section \[splynx-ippay\] stands there a second time"),
    ("[splynx-ippay]\nlog_file = \udcff\n", "must be a text in UTF-8")])
def test_a_machine_file_that_is_wrong_names_the_fault(tmp_path, content, words):
    (tmp_path / "a.ini").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError, match=words) as caught:
        Deployment.load({"SPLYNX_IPPAY_INI": str(tmp_path / "a.ini")})
    assert "4111" not in str(caught.value), "a line may hold a password"


def test_a_machine_file_that_is_not_there_is_named_with_what_is_used_instead(tmp_path):
    found = Deployment.load({"SPLYNX_IPPAY_INI": str(tmp_path / "none.ini"), "SPLYNX_IPPAY_LISTEN": "1.2.3.4:5"})
    assert f"there is no {tmp_path}/none.ini (named in SPLYNX_IPPAY_INI)" in found.missing_ini
    assert "listening on 1.2.3.4:5" in found.missing_ini
    (tmp_path / "none.ini").write_text("")
    assert found.missing_ini == ""
    assert "the usual place" in Deployment().missing_ini
