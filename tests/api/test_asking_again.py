"""Asking again over HTTP: the same bytes for the same request, and a clear problem for another one."""

from __future__ import annotations

import pytest

from tests.api.conftest import STEMI, Send

KEY = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}


def test_the_same_request_is_answered_byte_for_byte(send: Send) -> None:
    first = send("POST", "/v1/decisions", json=STEMI, headers=KEY)
    again = send("POST", "/v1/decisions", json=STEMI, headers=KEY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.data == first.data
    assert again.headers["Location"] == first.headers["Location"] == f"/v1/decisions/{first.json['id']}"

    path, said = f"{first.headers['Location']}/outcome", {"outcome": "accepted", "by": "triagist"}
    outcomes = [send("POST", path, json=said, headers={"Idempotency-Key": "outcome"}) for _ in range(2)]
    assert [outcome.status_code for outcome in outcomes] == [201, 201]
    assert outcomes[0].data == outcomes[1].data
    assert len(send("GET", path).json["outcomes"]) == 1


def test_the_key_of_another_request_is_refused(send: Send) -> None:
    headers = {"Idempotency-Key": "another"}
    send("POST", "/v1/decisions", json=STEMI, headers=headers)
    refused = send("POST", "/v1/decisions", json={**STEMI, "complaint": None}, headers=headers)
    assert (refused.status_code, refused.json["type"]) == (422, "/problems/idempotency-key-reused")


@pytest.mark.parametrize("key", ["", "two words", "x" * 201, "Jänsen"])
def test_what_is_no_key_is_refused_and_not_repeated(send: Send, key: str) -> None:
    refused = send("POST", "/v1/decisions", json=STEMI, headers={"Idempotency-Key": key})
    assert refused.status_code == 422
    (fault,) = refused.json["errors"]
    assert (fault["field"], fault["value"]) == ("Idempotency-Key", None)
