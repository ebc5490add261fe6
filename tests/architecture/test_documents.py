"""What the documents promise is compared with the code: tables are taken from the code, never typed twice."""

import re
from pathlib import Path

import pytest

from splynx_ippay.base.settings import SETTINGS, Deployment
from splynx_ippay.payments.models import Booking, Door, State
from splynx_ippay.runs.models import ItemState, RunState

ROOT = Path(__file__).parents[2]


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def cells(name):
    """Every cell of every table of a document, as its row."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text(name).splitlines() if line.startswith("|")]


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.key)
def test_every_setting_is_explained_to_the_operator(setting):
    row = next((row for row in cells("docs/OPERATIONS.md") if f"`{setting.key}`" in row), None)
    assert row, f"docs/OPERATIONS.md has no row for {setting.key}"
    assert row[1] == setting.title
    assert all(name in row[3] for name, _ in setting.choices)
    assert not setting.default or setting.default in row[3]


def test_every_key_of_the_machines_own_file_is_explained():
    documented = " ".join(row[0] for row in cells("docs/OPERATIONS.md"))
    keys = set(Deployment.__dataclass_fields__) - {"overrides", "ini_file"}
    assert {key for key in keys if key not in documented} == set()


@pytest.mark.parametrize("states", [State, Booking, RunState, ItemState], ids=lambda states: states.__name__)
def test_every_state_is_in_the_architecture(states):
    named = {cell for row in cells("docs/ARCHITECTURE.md") for cell in row}
    assert {state.value for state in states} <= named


def test_the_allowed_steps_of_an_attempt_are_those_of_the_table():
    from splynx_ippay.payments.states import TRANSITIONS

    rows = {row[0]: row[2] for row in cells("docs/ARCHITECTURE.md") if len(row) == 3 and row[0] in set(State)}
    for state in State:
        if state is State.REVIEW:
            assert rows[state.value].startswith("any")
            continue
        assert set(re.split(r",\s*", rows[state.value])) == {step.value for step in TRANSITIONS[state]}, state


def test_every_door_is_named_in_the_architecture():
    assert {door.value for door in Door if door.value not in text("docs/ARCHITECTURE.md")} == set()


def test_every_way_to_what_is_looked_for_exists():
    table = text("README.md").partition("## Where is it?")[2]
    paths = re.findall(r"(?:splynx_ippay(?:_sandbox)?|docs)/[\w./-]+\.(?:py|md)", table)
    assert len(paths) > 20
    assert [path for path in paths if not (ROOT / path).is_file()] == []


def test_every_link_of_the_readme_leads_somewhere():
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text("README.md")) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("decision", sorted((ROOT / "docs/decisions").glob("*.md")), ids=lambda path: path.stem)
def test_every_decision_has_context_decision_and_consequence_on_a_few_lines(decision):
    words = decision.read_text(encoding="utf-8")
    assert [part for part in ("**Context.**", "**Decision.**", "**Consequence.**") if part not in words] == []
    assert len(words.splitlines()) <= 20


def test_decisions_are_numbered_without_a_gap():
    numbers = [int(path.name[:4]) for path in sorted((ROOT / "docs/decisions").glob("*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))


def test_every_command_is_in_the_documents():
    from splynx_ippay import cli

    commands = next(action for action in cli._parser()._actions if action.choices and not action.option_strings).choices
    documents = text("README.md") + text("docs/OPERATIONS.md")
    assert {command for command in commands if f"{command}" not in documents} == set()


def test_every_target_of_make_is_listed_by_help():
    rules = set(re.findall(r"^([a-z]+):", text("Makefile"), re.MULTILINE))
    helped = set(re.findall(r"^([a-z]+):[^#\n]*## ", text("Makefile"), re.MULTILINE))
    assert rules == helped


def test_every_job_is_explained_with_its_interval():
    from splynx_ippay.scheduler import TIMETABLE
    from splynx_ippay.tasks import TASKS

    explained = {row[0]: row[1] for row in cells("docs/OPERATIONS.md")}
    assert {name for name in TASKS if name not in explained} == set()
    assert {job.name: f"{job.every:g} s" for job in TIMETABLE} == {job.name: explained[job.name] for job in TIMETABLE}


def test_every_health_check_is_explained():
    from splynx_ippay.host.checks import CHECKS

    explained = {row[0]: row[1] for row in cells("docs/OPERATIONS.md") if len(row) == 2}
    assert [check.title for check in CHECKS if check.title not in explained] == []
    advice = {title for title, words in explained.items() if words.endswith("(advice)")}
    assert advice == {check.title for check in CHECKS if check.is_advice}


def test_every_address_is_listed_with_its_methods(core):
    from splynx_ippay.app import create_app

    listed = {}
    for row in cells("docs/ADDRESSES.md"):
        if row[0].startswith("/"):
            listed[row[0]] = {verb for verb, words in zip(("GET", "POST"), row[2:], strict=True) if words}
    served = {}
    for rule in create_app(core).url_map.iter_rules():
        served.setdefault(rule.rule, set()).update(rule.methods - {"HEAD", "OPTIONS"})
    assert listed == served


def test_every_place_in_the_host_leads_to_an_address_that_is_listed():
    from splynx_ippay.host.entry_points import ENTRY_POINTS

    addresses = {row[0] for row in cells("docs/ADDRESSES.md")}
    assert {point.url for point in ENTRY_POINTS if point.url} <= addresses
