"""A long answer is small on the way for whoever can read that, and the same to the byte once it is read."""

from __future__ import annotations

import gzip

import pytest

from tests.api.conftest import STEMI, Send

GZIP = {"Accept-Encoding": "gzip, deflate"}


def test_a_decision_is_a_tenth_on_the_way_and_the_same_once_it_is_read(send: Send) -> None:
    made = send("POST", "/v1/decisions", json=STEMI).get_json()
    plain = send("GET", f"/v1/decisions/{made['id']}", role="triagist")
    small = send("GET", f"/v1/decisions/{made['id']}", role="triagist", headers=GZIP)
    assert small.headers["Content-Encoding"] == "gzip"
    assert int(small.headers["Content-Length"]) == len(small.data) < len(plain.data) / 10
    assert gzip.decompress(small.data) == plain.data
    assert "Content-Encoding" not in plain.headers
    assert plain.headers["Vary"] == small.headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize("accepted", ["identity", "br", "gzip;q=0", "*;q=0", ""])
def test_who_cannot_read_it_gets_it_as_it_is(send: Send, accepted: str) -> None:
    answer = send("POST", "/v1/decisions/preview", json=STEMI, headers={"Accept-Encoding": accepted})
    assert "Content-Encoding" not in answer.headers
    assert answer.get_json()["urgency"]["level"] == "U1"


def test_short_answers_those_with_a_tag_and_problems_are_sent_as_they_are(send: Send) -> None:
    short = send("GET", "/v1/decisions?limit=1", role="auditor", headers=GZIP)
    tagged = send("GET", "/v1/vocabulary", role="auditor", headers=GZIP)
    wrong = send("POST", "/v1/decisions", json={"patient": {f"x{n}": n for n in range(500)}}, headers=GZIP)
    assert "ETag" in tagged.headers and len(tagged.data) > 4096
    assert wrong.status_code == 422 and len(wrong.data) > 4096
    for answer in (short, tagged, wrong):
        assert "Content-Encoding" not in answer.headers
