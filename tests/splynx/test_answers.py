"""What an answer means: success codes, the shapes of errors, and JSON of the wrong kind."""

import pytest

from splynx_ippay.base.errors import HostRejected, HostUnavailable
from splynx_ippay.splynx.answers import problems_of
from splynx_ippay.splynx.wire import Answer

HTML = {"Content-Type": "text/html; charset=utf-8"}


@pytest.mark.parametrize(("status", "sent"), [(429, False), (408, True), (500, True), (502, True), (503, True), (200, True)])
def test_what_is_no_clear_answer_to_a_post(client, small, status, sent):
    small.answers = [(status, {"id": 7})]
    with pytest.raises(HostUnavailable) as caught:
        client.post("x", {})
    assert caught.value.sent is sent
    assert str(status) in str(caught.value)
    assert len(small.calls) == 1


@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 422])
def test_a_clear_no_is_a_rejection(client, small, status):
    small.answers = [(status, {"error": {"code": status, "message": "No."}})]
    with pytest.raises(HostRejected) as caught:
        client.post("x", {})
    assert (caught.value.status, caught.value.problems) == (status, [("", "No.")])


@pytest.mark.parametrize(("call", "status"), [
    (lambda c: c.get("x/1"), 200), (lambda c: c.post("x", {}), 201), (lambda c: c.put("x/1", {}), 202),
    (lambda c: c.delete("x/1"), 204)])
def test_each_verb_has_exactly_one_success_code(client, small, call, status):
    small.answers = [(status, {"id": 1}, {"X-Total-Count": "3"})]
    call(client)
    small.answers = [(203, {"id": 1}, {"X-Total-Count": "3"})]
    with pytest.raises(HostUnavailable, match="203"):
        call(client)


@pytest.mark.parametrize(("body", "headers"), [
    (b"<html>", HTML), (b"\n <!DOCTYPE html>", {}), (b"", {}), (b"nonsense", {}), (b"[1,", {}), (b'[{"id": NaN}]', {}),
    (b"[" * 200_000, {}), (b"\xff\xfe", {}), (b'{"id": 1}', {}), (b"[1]", {}), (b"null", {})])
def test_what_is_no_list_of_records_is_no_answer(client, small, body, headers):
    small.answers = [(200, body, headers)]
    with pytest.raises(HostUnavailable):
        client.get_rows("x")


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"1", b"true"])
def test_what_is_no_record_is_no_answer(client, small, body):
    small.answers = [(201, body)]
    with pytest.raises(HostUnavailable) as caught:
        client.post("x", {})
    assert caught.value.sent


def test_a_web_page_in_place_of_a_refusal_is_no_word_of_splynx(client, small):
    small.answers = [(404, b"<html>nginx</html>", HTML)]
    with pytest.raises(HostUnavailable, match="web page"):
        client.get("x/1")


@pytest.mark.parametrize(("body", "problems"), [
    (b'[{"field":"amount","message":"must be a number."},{"field":"date","message":"is missing"}]',
     [("amount", "must be a number."), ("date", "is missing")]),
    (b'{"error":{"code":403,"internal_code":"x","message":"Forbidden"}}', [("", "Forbidden")]),
    (b'{"message":"Not here","code":0}', [("", "Not here")]),
    (b'{"error":"plain word"}', [("", "plain word")]),
    (b'{"error":[{"field":"a","message":"b"}]}', [("a", "b")]),
    (b'{"error":"Bad Request","message":"the longer text"}', [("", "the longer text")]),
    (b'["first", "second"]', [("", "first"), ("", "second")]),
    (b"just text\nin lines", [("", "just text in lines")]),
    (b"", [("", "Unprocessable Entity")]),
    (b"null", [("", "Unprocessable Entity")]),
    (b"{}", [("", "Unprocessable Entity")]),
    (b'{"message":"card 4111111111111111 of invoice 202201000409"}', [("", "card [number] of invoice 202201000409")]),
])
def test_problems_are_read_from_every_shape(body, problems):
    assert problems_of(Answer(422, {}, body)) == problems


def test_problems_are_few_and_short():
    many = problems_of(Answer(422, {}, b"[" + b",".join([b'"%s"' % (b"x" * 999)] * 50) + b"]"))
    assert len(many) == 20
    assert all(len(text) == 200 for _, text in many)


def test_a_status_without_a_name_still_has_a_text():
    assert problems_of(Answer(499, {}, b"")) == [("", "no reason given")]


def test_lists_and_operators_are_written_as_php_does(client, small):
    small.answers = [(200, [])]
    client.get_rows("x", {"main_attributes": {"id": ["IN", [1, 2]], "status": "not_paid", "d": ("BETWEEN", "a", "b")},
                          "order": {"id": "ASC"}, "limit": 5})
    assert small.calls[0]["query"] == {
        "main_attributes[id][0]": "IN", "main_attributes[id][1][0]": "1", "main_attributes[id][1][1]": "2",
        "main_attributes[status]": "not_paid", "main_attributes[d][0]": "BETWEEN", "main_attributes[d][1]": "a",
        "main_attributes[d][2]": "b", "order[id]": "ASC", "limit": "5"}
