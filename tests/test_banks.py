"""Names of banks from the Federal Reserve's directory: both forms of the file, broken ones, and what it costs."""

import json
import os
import tracemalloc

import pytest

from splynx_ippay.base.errors import ConfigError
from splynx_ippay.credentials.banks import RoutingDirectory, tidy


def record(routing, name, filler="     "):
    return (f"{routing}O0000000001112226000000000{name:<36}{'1 INVENTED STREET':<36}{'NOWHERE':<20}XX000000000000000000011"
            f"{filler}")


@pytest.fixture
def put(tmp_path):
    """Write the file; the directory that reads it."""
    path = tmp_path / "fedach"

    def _put(text):
        path.write_text(text, encoding="utf-8")
        return RoutingDirectory(str(path))
    return _put


def test_records_of_155_characters_are_read():
    assert len(record("111000025", "X")) == 155


def test_a_listed_number_has_a_name_and_another_has_none(put):
    banks = put(record("111000025", "SANDBOX BANK, NA") + "\n" + record("011401533", "OTHER FCU", filler="") + "\n\n")
    assert banks.find_name("111000025") == "Sandbox Bank, NA"
    assert banks.find_name("011401533") == "Other FCU"
    for unlisted in ("000000000", "999999999", "021000021", "", "11100002", "x11000025", "１１１０００２５５"):
        assert banks.find_name(unlisted) == ""


@pytest.mark.parametrize("wrap", [
    lambda rows: {"fedACHParticipants": {"response": {"code": 200}, "fedACHParticipants": rows}},
    lambda rows: {"fedACHParticipants": rows},
    lambda rows: rows,
])
def test_the_same_list_as_json_is_read_too(put, wrap):
    rows = [{"routingNumber": "111000025", "customerName": "SANDBOX BANK  ", "officeCode": "O"}]
    assert put("\ufeff" + json.dumps(wrap(rows))).find_name("111000025") == "Sandbox Bank"


def test_without_a_file_there_is_nobody_to_ask():
    banks = RoutingDirectory("")
    assert banks.find_name("111000025") is None
    banks.examine()


@pytest.mark.parametrize(("text", "words"), [
    ("", "lists no bank"),
    ("hello\n", "line 1 of the routing directory"),
    (record("111000025", "A BANK") + "\n" + record("111000025", "A BANK")[:-20], "line 2 of the routing directory"),
    (record("111000025", ""), "line 1 "),
    (record("11100002X", "A BANK"), "line 1 "),
    ("{", "is no JSON"),
    ("[" * 100_000, "is no JSON"),
    ("{}", "holds no list"),
    ('{"fedACHParticipants": [7]}', "holds no list"),
    ('{"fedACHParticipants": []}', "lists no bank"),
    ('[{"routingNumber": "1", "customerName": "A"}]', "entry 1 "),
    ('[{"routingNumber": "111000025"}]', "entry 1 "),
])
def test_a_broken_file_is_named_and_costs_the_names_only(put, text, words):
    banks = put(text)
    assert banks.find_name("111000025") is None
    with pytest.raises(ConfigError, match=words):
        banks.examine()


def test_a_file_that_cannot_be_read_costs_the_names_only(tmp_path):
    banks = RoutingDirectory(str(tmp_path / "none"))
    assert banks.find_name("111000025") is None
    with pytest.raises(ConfigError, match="cannot be read"):
        banks.examine()
    (tmp_path / "latin").write_bytes(record("111000025", "BANK").encode() + b"\xe9")
    with pytest.raises(ConfigError, match="UnicodeDecodeError"):
        RoutingDirectory(str(tmp_path / "latin")).examine()


def test_a_file_that_is_far_too_large_is_not_read(tmp_path):
    with (tmp_path / "large").open("wb") as file:
        file.truncate(33 * 1024 * 1024)
    with pytest.raises(ConfigError, match="larger than 32 MB"):
        RoutingDirectory(str(tmp_path / "large")).examine()


def test_a_newer_file_is_read_by_itself_and_a_broken_one_once(put, tmp_path, caplog):
    banks = put(record("111000025", "OLD BANK"))
    assert banks.find_name("111000025") == "Old Bank"
    put("broken and longer than before")
    assert [banks.find_name("111000025") for _ in range(3)] == [None] * 3
    assert len([entry for entry in caplog.records if "line 1" in entry.getMessage()]) == 1
    put(record("111000025", "NEWER BANK"))
    os.utime(tmp_path / "fedach", (1, 1))
    assert banks.find_name("111000025") == "Newer Bank"


@pytest.mark.parametrize(("shouted", "shown"), [
    ("WELLS FARGO BANK NA (ARIZONA)", "Wells Fargo Bank NA (Arizona)"), ("JPMORGAN CHASE BANK, NA", "JPMorgan Chase Bank, NA"),
    ("BANK OF THE WEST", "Bank of the West"), ("THE FIRST NATIONAL", "The First National"), ("PNC BANK, N.A.", "PNC Bank, N.A."),
    ("TD BANK", "TD Bank"), ("HSBC BANK USA", "HSBC Bank USA"), ("Ally Bank  of  X", "Ally Bank of X"),
])
def test_a_shouted_name_is_written_as_people_write_it(shouted, shown):
    assert tidy(shouted) == shown


def test_twenty_thousand_banks_cost_little_memory(tmp_path, record_property):
    path = tmp_path / "fedach"
    path.write_text("\n".join(record(f"{number:09d}", f"BANK NUMBER {number // 2}") for number in range(1, 20_001)))
    banks = RoutingDirectory(str(path))
    tracemalloc.start()
    assert banks.find_name("000020000") == "Bank Number 10000"
    kept, _peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    record_property("numbers", f"names of banks: {path.stat().st_size:,} bytes of file, {kept:,} bytes of memory for 20,000")
    assert kept < 2_500_000
