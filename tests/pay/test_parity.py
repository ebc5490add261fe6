"""Walking through unsigned links tells nothing: the same bytes, queries and calls of the host for hit and miss."""

import re

import pytest

IDS = 200


def bare(answer):
    """The bytes without the visitor's own token (which has one length)."""
    return re.sub(rb'name="csrf_token" value="[^"]+"', b"", answer.data)


class Walker:
    """Somebody with many addresses, who measures every answer."""

    def __init__(self, app, sandbox, core, counted_queries):
        self.app, self.sandbox, self.core, self.counted = app, sandbox, core, counted_queries

    def measure(self, door, item, number):
        """(bytes of GET, bytes of the answer, number of queries, host calls by kind)."""
        visitor = self.app.test_client()
        path, headers = f"/ippay/{door}?item_id={item}", {"X-Forwarded-For": f"10.{number // 250}.{number % 250}.1"}
        self.sandbox.reset_counters()
        with self.counted(self.core) as looked:
            page = visitor.get(path, headers=headers)
        assert (len(looked), self.sandbox.counters()["host"]) == (0, {})
        token = re.search(rb'name="csrf_token" value="([^"]+)"', page.data)[1].decode()
        with self.counted(self.core) as queries:
            answer = visitor.post(path, data={"csrf_token": token}, headers=headers)
        assert answer.status_code == 200
        calls = tuple(sorted(self.sandbox.counters()["host"].items()))
        return (bare(page), len(page.data)), (bare(answer), len(answer.data)), tuple(statement.split("(")[0][:60] for statement in queries.statements), calls


@pytest.mark.parametrize("door", ["direct-pay-invoice-by-id", "direct-pay-invoice", "direct-pay-proforma-by-id", "direct-pay-proforma"])
def test_hit_and_miss_cost_and_show_the_same_over_200_ids(*, door, app, sandbox, registered_core, counted_queries, capsys):
    rows = sandbox.ledger()["host"]["invoices" if "invoice" in door else "requests"]
    known = {str(row["id"] if door.endswith("by-id") else row["number"]): row for row in rows}
    others = [str(number) for number in range(1, 999)] if door.endswith("by-id") else [f"2031{number:08d}" for number in range(999)]
    items = [*known, "0", "x", "9" * 12, "%00", *[item for item in others if item not in known]][:IDS if "invoice" in door else 40]
    walker = Walker(app, sandbox, registered_core, counted_queries)
    walker.measure(door, "0", 999)  # signing in to the host and the partners' names are remembered from here on
    measured = {item: walker.measure(door, item, number) for number, item in enumerate(items)}
    is_open = {item for item, row in known.items() if row["status"] == "not_paid" and str(row["deleted"]) == "0"}
    assert is_open
    nothing = {item: found for item, found in measured.items() if item not in is_open}
    difference = {
        "bytes of opening": len({found[0] for found in measured.values()}) - 1,
        "bytes of nothing to pay": len({found[1] for found in nothing.values()}) - 1,
        "queries": len({found[2] for found in measured.values()}) - 1,
        "host calls": len({found[3] for found in measured.values()}) - 1,
    }
    with capsys.disabled():
        print(f"\nunsigned link parity, {door}, {len(items)} ids: " + ", ".join(f"{name} {count}" for name, count in difference.items()))
    assert set(difference.values()) == {0}, {found[2:] for found in measured.values()}
