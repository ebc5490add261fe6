"""The program system/script/addon, and the files it writes."""

import json
from pathlib import Path

import pytest

from splynx_ippay_sandbox.host import addon_files

MODULE = {"name": "some_addon", "title": "Some Add-On", "path": "/var/www/splynx/addons/some"}


def folder(box, name="some"):
    return Path(box.ready["state_dir"]) / "splynx" / "addons" / name


def declare(path, blocks):
    (path / "config").mkdir(parents=True, exist_ok=True)
    (path / "config" / "config.json").write_text(json.dumps({"path": "some_addon", "blocks": blocks}), encoding="utf-8")


def test_an_api_key_is_added_once_and_can_do_nothing_at_first(cli, box):
    key_id = cli("add-or-get-api-key", title="Some")
    assert key_id.isdigit()
    assert cli("add-or-get-api-key", title="Some") == key_id
    key, secret = cli("get-api-key-and-secret", id=key_id).split(",")
    assert len(key) == len(secret) == 32
    kept = box.world.host.state.registry.find_key(key)
    assert not kept.allows("admin\\finance\\Invoices", "index")


def test_permissions_are_set_one_controller_and_action_a_call(cli, box, key_with):
    key_id = cli("add-or-get-api-key", title="Some")
    cli("set-api-key-permission", id=key_id, controller="api\\admin\\finance\\Payments", action="add", rule="allow")
    kept = box.world.host.state.registry.keys[int(key_id)]
    assert kept.allows("admin\\finance\\Payments", "add")
    assert not kept.allows("admin\\finance\\Payments", "index")
    cli("set-api-key-permission", id=key_id, controller="api\\admin\\finance\\Payments", action="add", rule="deny")
    assert not kept.allows("admin\\finance\\Payments", "add")


def test_the_white_list_and_the_deletion_of_a_key(cli, box):
    key_id = cli("add-or-get-api-key", title="Some")
    cli("api-key-white-list", id=key_id, list="127.0.0.1,10.0.0.0/8")
    assert box.world.host.state.registry.keys[int(key_id)].addresses == ("127.0.0.1", "10.0.0.0/8")
    cli("delete-api-key", id=key_id)
    assert cli("get-api-key-and-secret", check=False, id=key_id).returncode == 1
    assert cli("delete-api-key", check=False, id=1).returncode == 1


def test_everything_is_added_once(cli, box):
    for command, options in (
        ("add-or-get-module", MODULE),
        ("add-or-get-payment-account", {"title": "Ippay", "fields": "a,b"}),
        ("add-or-get-payment-method", {"name": "Some method"}),
        ("add-or-get-additional-field", {"main_module": "admins", "name": "x", "title": "X", "type": "boolean", "required": 0, "is_add": 1}),
    ):
        first = cli(command, **options)
        assert first.isdigit()
        assert int(first) > 0
        assert cli(command, **options) == first
    registry = box.world.host.state.registry
    assert registry.modules["some_addon"].path == MODULE["path"]
    assert registry.account_kinds[2] == {"title": "Ippay", "fields": ["a", "b"]}


def test_entry_points_are_added_listed_and_removed_with_their_module(cli, box):
    cli("add-or-get-module", **MODULE)
    point = {"module": "some_addon", "name": "p1", "title": "Pay", "place": "portal", "type": "action_link", "model": "Invoices", "url": "%2Fippay%2Fpay"}
    assert cli("add-or-get-entry-point", **point) == cli("add-or-get-entry-point", **point)
    cli("add-or-get-entry-point", **{**point, "name": "p2", "enabled": "false"})
    assert cli("list-entry-points", module="some_addon").splitlines() == ["p1,1", "p2,0"]
    cli("delete-entry-point", module="some_addon", name="p2")
    assert cli("list-entry-points", module="some_addon") == "p1,1"
    cli("delete-module", name="some_addon")
    assert box.world.host.state.registry.points == {}
    assert cli("delete-module", check=False, name="some_addon").returncode == 1


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("no-such-command", {}), ("add-or-get-api-key", {}), ("get-api-key-and-secret", {"id": "abc"}),
        ("set-api-key-permission", {"id": 1, "controller": "x", "action": "fly", "rule": "allow"}),
        ("add-or-get-module", {"name": "n" * 33, "title": "t", "path": "/x"}), ("config-set", {"addon": "nobody", "key": "a"}),
        ("add-or-get-entry-point", {"module": "nobody", "name": "x", "title": "x"}), ("delete-entry-point", {"module": "a", "name": "b"}),
        ("api-key-white-list", {"id": 1, "list": "not an address"}), ("list-entry-points", {"module": "nobody"}),
    ],
)
def test_what_cannot_be_done_prints_0_and_a_sentence(cli, command, options):
    done = cli(command, check=False, **options)
    assert (done.returncode, done.stdout) == (1, "0\n")
    assert done.stderr.strip()


def test_a_word_that_is_no_option_is_refused(box):
    assert box.world.host.cli(["add-or-get-api-key", "title"])["exit"] == 1
    assert box.world.host.cli([])["exit"] == 1


def test_config_set_writes_the_documented_file(cli, box):
    declare(folder(box), {"api": {"items": {"api_key": {}}}, "per_partner_options": {"items": {"terminal_id": {}}}})
    cli("add-or-get-module", **MODULE)
    cli("config-set", addon="some_addon", key="api_key", value='a=b;c "quoted" [x]')
    cli("config-set", addon="some_addon", key="terminal_id", value="TESTTERMINAL")
    cli("config-set", addon="some_addon", key="terminal_id", value="NORTH", partner=2)
    cli("config-set", addon="some_addon", key="days", value="5")
    text = (folder(box) / "config" / "config.ini.php").read_text(encoding="utf-8")
    assert text.startswith("; <?php exit(); ?>\n")
    assert text.index("[common]") < text.index("[default_partners_settings]") < text.index("[2]")
    assert 'terminal_id = "TESTTERMINAL"' in text
    assert "\ndays = 5\n" in text
    values = addon_files.read_values(folder(box))
    assert values == {
        "common": {"api_key": 'a=b;c "quoted" [x]', "days": "5"}, "default_partners_settings": {"terminal_id": "TESTTERMINAL"},
        "2": {"terminal_id": "NORTH"},
    }
    assert cli("config-set", check=False, addon="some_addon", key="a b", value="1").returncode == 1
    assert cli("config-set", check=False, addon="some_addon", key="days", value="1", partner=9).returncode == 1


def test_a_value_cannot_smuggle_in_lines(cli, box):
    cli("add-or-get-module", **{**MODULE, "path": "/x/smuggler"})
    cli("config-set", addon="some_addon", key="title", value="one\n[common]\napi_key = stolen")
    assert addon_files.read_values(folder(box, "smuggler")) == {"common": {"title": "one [common] api_key = stolen"}}


def test_encrypted_settings_are_not_readable_in_the_file(cli, box):
    declare(folder(box, "secretive"), {"api": {"items": {"password": {"type": "encrypted"}}}})
    cli("add-or-get-module", **{**MODULE, "path": "/x/secretive"})
    cli("config-set", addon="some_addon", key="password", value="open sesame")
    hidden = addon_files.read_values(folder(box, "secretive"))["common"]["password"]
    assert "sesame" not in hidden
    assert addon_files.decrypt(box.world.host.state.settings_secret, hidden) == "open sesame"


def test_the_program_says_when_the_host_is_away(tmp_path):
    import subprocess
    import sys

    from splynx_ippay_sandbox.host import program

    path = program.install(tmp_path, "http://127.0.0.1:9")
    done = subprocess.run([sys.executable, str(path), "add-or-get-api-key"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "does not answer" in done.stderr
