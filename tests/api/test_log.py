"""The log over HTTP: who may ask, what is answered, and that it says nothing of a patient."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest

from api.log_schemas import Consistency, Inclusion, LogKeys
from routing.log.capsule import verify
from routing.log.capsule_form import CapsuleForm, read_capsule
from routing.log.note import opened, read_checkpoint, read_vkey
from routing.rights import ROLES
from tests.api.conftest import STEMI, Send

NOBODY = "0190a1b2-0000-7000-8000-000000000001"
CASE: dict[str, Any] = {**STEMI, "reference": "ZCC-4711", "called_at": "2026-11-23T14:50:00+01:00"}


@pytest.fixture
def decided(ask: Send) -> str:
    """The id of a decision that was just made."""
    response = ask("POST", "/v1/decisions", "triagist", json=CASE)
    assert response.status_code == 201
    made: str = response.get_json()["id"]
    return made


def test_everybody_with_a_key_may_see_what_the_log_proves(ask: Send, decided: str) -> None:
    paths = (f"/v1/log/inclusion/{decided}", "/v1/log/keys", "/v1/log/consistency?from=1", "/v1/log/checkpoint")
    for role in ROLES:
        assert [ask("GET", path, role).status_code for path in paths] == [200] * 4
    told = " ".join(ask("GET", path, "auditor").text for path in paths)
    for mark in ("-4711", "52.09", "chest_pain", "umc-utrecht", "stemi"):
        assert mark not in told
    # two letters may stand together in a hash or a signature by chance: not as a word of their own
    urgency = re.compile(r"(?<![A-Za-z0-9+/_-])U[0-5](?![A-Za-z0-9+/=_-])")
    assert urgency.search('{"level":"U1"}')
    assert not urgency.search(told)


def test_only_an_auditor_takes_a_decision_along(ask: Send, decided: str) -> None:
    path = f"/v1/decisions/{decided}/capsule"
    assert {role: ask("GET", path, role).status_code for role in ROLES} == {
        role: 200 if role == "auditor" else 403 for role in ROLES
    }
    taken = ask("GET", "/v1/accesses?event=export", "auditor").get_json()["accesses"]
    told = [[subject["decision"] for subject in access["subjects"]] for access in taken if access["outcome"] == "ok"]
    assert told == [[decided]]


def test_nobody_without_a_key_sees_anything_of_it(own_app: Any, decided: str) -> None:
    client = own_app.test_client()
    for path in (f"log/inclusion/{decided}", "log/keys", "log/consistency?from=1", "log/checkpoint"):
        assert client.get(f"/v1/{path}").status_code == 401
    assert client.get(f"/v1/decisions/{decided}/capsule").status_code == 401


def test_answers_have_the_form_that_is_documented_and_belong_together(ask: Send, decided: str) -> None:
    inclusion = Inclusion.model_validate(ask("GET", f"/v1/log/inclusion/{decided}").get_json())
    keys = LogKeys.model_validate(ask("GET", "/v1/log/keys").get_json())
    consistency = Consistency.model_validate(ask("GET", "/v1/log/consistency?from=1&to=1").get_json())
    checkpoint = ask("GET", "/v1/log/checkpoint")
    assert checkpoint.content_type == "text/plain; charset=utf-8"
    assert inclusion.checkpoint == checkpoint.text == consistency.checkpoint
    signed = read_checkpoint(opened(checkpoint.text, [read_vkey(key.vkey) for key in keys.keys]).text)
    assert signed.size == inclusion.size == 1
    assert orjson.loads(inclusion.entry)["id"] == inclusion.id == decided


def test_a_capsule_is_a_file_that_verifies_as_it_comes(ask: Send, decided: str) -> None:
    response = ask("GET", f"/v1/decisions/{decided}/capsule", "auditor")
    assert response.headers["Content-Disposition"] == f'attachment; filename="{decided}.capsule.json"'
    assert response.headers["Cache-Control"] == "no-store"
    CapsuleForm.model_validate(response.get_json())
    assert verify(read_capsule(response.data)).verdict == "verified"


def test_what_is_withheld_is_not_sent(ask: Send, decided: str) -> None:
    response = ask(
        "GET", f"/v1/decisions/{decided}/capsule?withhold=location,reference,observations.heart_rate", "auditor"
    )
    assert response.status_code == 200
    verdict = verify(read_capsule(response.data))
    assert verdict.verdict == "verified"
    assert verdict.record is not None
    told = orjson.dumps([field for field in response.get_json()["decision"]["record"] if "path" in field]).decode()
    for mark in ("52.0907", "5.1214", "4711", '"case.observations.heart_rate"', '"case.location'):
        assert mark not in told
    assert '"case.observations.systolic_bp"' in told


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/v1/log/consistency", "from"),
        ("/v1/log/consistency?from=0", "from"),
        ("/v1/log/consistency?from=-1", "from"),
        ("/v1/log/consistency?from=1.0", "from"),
        ("/v1/log/consistency?from=99999999999999999999", "from"),
        ("/v1/log/consistency?from=2", "from"),
        ("/v1/log/consistency?from=1&to=2", "to"),
        ("/v1/log/consistency?from=1&to=0", "to"),
        ("/v1/log/consistency?from=1&from=1", "from"),
        ("/v1/log/consistency?from=1&size=1", "size"),
        ("/v1/decisions/{id}/capsule?withhold=everything", "withhold"),
        ("/v1/decisions/{id}/capsule?withhold=observations.hr", "withhold"),
        ("/v1/decisions/{id}/capsule?withhold=age,,sex", "withhold"),
        ("/v1/decisions/{id}/capsule?withhold=", "withhold"),
        ("/v1/decisions/{id}/capsule?without=age", "without"),
    ],
)
def test_a_query_that_is_wrong_is_refused_with_its_field(ask: Send, decided: str, path: str, field: str) -> None:
    ask("GET", f"/v1/log/inclusion/{decided}")
    response = ask("GET", path.format(id=decided), "auditor")
    assert response.status_code == 422
    assert field in {fault["field"] for fault in response.get_json()["errors"]}


def test_what_is_not_there_is_not_found(ask: Send) -> None:
    assert ask("GET", "/v1/log/checkpoint").status_code == 404, "nothing was recorded yet"
    for path in (f"log/inclusion/{NOBODY}", "log/inclusion/x%00", "log/inclusion/1", f"decisions/{NOBODY}/capsule"):
        assert ask("GET", f"/v1/{path}", "auditor").status_code == 404
    assert ask("GET", "/v1/log/consistency?from=1").status_code == 422


def test_an_erased_decision_has_a_capsule_that_proves_it(ask: Send, decided: str) -> None:
    erased = ask("POST", f"/v1/decisions/{decided}/erasure", "operator", json={"why": "patient_request"})
    assert erased.status_code == 200
    ask("POST", "/v1/decisions", "triagist", json=STEMI)
    response = ask("GET", f"/v1/decisions/{decided}/capsule", "auditor")
    CapsuleForm.model_validate(response.get_json())
    assert response.get_json()["decision"]["record"] is None
    assert ask("GET", f"/v1/log/inclusion/{decided}").status_code == 200
