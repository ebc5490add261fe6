import json

from splynx_ippay.base.settings import BLOCKS, MODULE, SETTINGS
from splynx_ippay.host import settings_form
from splynx_ippay_sandbox.demo.browser import Browser

KNOWN_TYPES = {"string", "integer", "decimal", "boolean", "select"}


def items():
    return [(block, key, item) for block, content in settings_form.build()["blocks"].items()
            for key, item in content["items"].items()]


def test_every_setting_stands_in_the_form_exactly_once():
    assert sorted(key for _, key, _ in items()) == sorted(setting.key for setting in SETTINGS)


def test_what_may_differ_by_partner_stands_in_the_block_made_for_that():
    own = {key for block, key, _ in items() if block == settings_form.PARTNER_BLOCK}
    assert {setting.key for setting in SETTINGS if setting.per_partner} <= own


def test_the_form_uses_only_what_the_hosts_format_knows():
    form = settings_form.build()
    assert (form["path"], form["translate"]) == (MODULE, True)
    own = {s.block for s in SETTINGS if not s.per_partner} | {"pay_settings"}
    assert [block["title"] for block in form["blocks"].values()] == [title for name, title in BLOCKS.items() if name in own]
    for _, key, item in items():
        assert set(item) <= {"title", "description", "default", "type", "values", "relation"}, key
        assert item["type"] in KNOWN_TYPES
        assert not item.get("values") or item["default"] in item["values"]


def test_writing_the_form_twice_changes_nothing(tmp_path):
    assert settings_form.write(tmp_path) is True
    path = tmp_path / "config" / "config.json"
    before = path.stat().st_mtime_ns
    assert settings_form.write(tmp_path) is False
    assert path.stat().st_mtime_ns == before
    assert json.loads(path.read_text(encoding="utf-8")) == settings_form.build()
    assert [entry.name for entry in path.parent.iterdir()] == ["config.json"]


def test_the_hosts_page_shows_every_setting_by_its_title(registered_core, sandbox):
    admin = Browser(sandbox.facts["host_url"])
    admin.login("admin", sandbox.facts["staff"]["login"], sandbox.facts["staff"]["password"])
    words = admin.get(f"/admin/config/modules/{MODULE}").words
    admin.session.close()
    for setting in SETTINGS:
        assert setting.title in words, setting.key
    for block in settings_form.build()["blocks"].values():
        assert block["title"] in words
