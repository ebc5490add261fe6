"""The shape of the code: sizes, names, what must not stand in a file."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LONGEST_MODULE, LONGEST_FUNCTION = 300, 60
FORBIDDEN_NAMES = {"utils", "helpers", "services", "interfaces", "common"}


def tracked():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in listed.split("\0") if name and (ROOT / name).is_file()]


FILES = tracked()
SOURCES = [name for name in FILES if name.endswith(".py") and not name.startswith("tests/") and "/migrations/" not in name]
TESTS = [name for name in FILES if name.startswith("tests/") and Path(name).name.startswith("test_") and name.endswith(".py")]


def parse(name):
    return ast.parse((ROOT / name).read_text(encoding="utf-8"))


def test_no_module_is_too_long_to_be_read_at_one_go():
    assert [name for name in SOURCES if len((ROOT / name).read_text(encoding="utf-8").splitlines()) > LONGEST_MODULE] == []


def test_no_function_is_too_long_to_be_held_in_mind():
    long = [f"{name}: {node.name}" for name in SOURCES for node in ast.walk(parse(name))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and node.end_lineno - node.lineno + 1 > LONGEST_FUNCTION]
    assert long == []


def test_every_module_says_what_it_owns():
    assert [name for name in SOURCES if not ast.get_docstring(parse(name)) and (ROOT / name).stat().st_size] == []


def test_no_module_has_a_name_that_means_nothing():
    assert [name for name in SOURCES if FORBIDDEN_NAMES & set(Path(name).with_suffix("").parts)] == []


def test_no_exception_is_swallowed_whole():
    swallowed = [f"{name}:{node.lineno}" for name in SOURCES for node in ast.walk(parse(name))
                 if isinstance(node, ast.ExceptHandler)
                 and (node.type is None or getattr(node.type, "id", "") in {"Exception", "BaseException"})
                 and all(isinstance(statement, ast.Pass) for statement in node.body)]
    assert swallowed == []


def test_money_is_never_a_float():
    below = [name for name in SOURCES if name.startswith(("splynx_ippay/payments/", "splynx_ippay/runs/", "splynx_ippay/base/money"))]
    casts = [f"{name}:{node.lineno}" for name in below for node in ast.walk(parse(name))
             if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "float"]
    assert casts == []
    assert below


@pytest.mark.parametrize("name", TESTS)
def test_the_names_of_tests_are_sentences(name):
    names = [node.name for node in ast.walk(parse(name)) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
    assert [test for test in names if len(test.split("_")) < 4] == []


def test_nothing_is_left_for_later():
    marks = re.compile(r"\b(TO" r"DO|FIX" r"ME|NotImplemented" r"Error)\b|pytest\.mark\.(skip|xfail)|pytest\.skip\(")
    found = [f"{name}:{number}" for name in SOURCES + TESTS
             for number, line in enumerate((ROOT / name).read_text(encoding="utf-8").splitlines(), 1) if marks.search(line)]
    assert found == []


def test_no_file_names_the_machine_it_was_written_on():
    homes = {str(ROOT), f"{Path.home()}/"} - {"/"}
    found = []
    for name in FILES:
        content = (ROOT / name).read_bytes()
        found += [f"{name}: {home}" for home in homes if home.encode() in content]
    assert found == []
