"""What this server sends by itself to the systems of places, as the OpenAPI document says it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.operations import SENT
from routing.webhooks.content import MEDIA_TYPE

SENT_HEADERS: Mapping[str, str] = {
    "webhook-id": "The id of the event, the same whenever it is sent again.",
    "webhook-timestamp": "When it was sent, in seconds since 1970. Refuse what is older than five minutes.",
    "webhook-signature": "`v1,` and the HMAC-SHA256 of id, timestamp and body in base64; with two secrets two of them.",
}
"""Headers of what is sent (Standard Webhooks) -> what they say."""


def sent_operation() -> dict[str, Any]:
    """The operation that a receiver has at its own address."""
    models = [{"$ref": f"#/components/schemas/{model.__name__}"} for model in SENT]
    again = "Not taken: it is sent again until it is too late, and not before `Retry-After` if that is said."
    return {
        "operationId": "webhooks_pre_alert",
        "tags": ["decisions"],
        "summary": "A patient comes to a place of care, or does not come after all",
        "description": "Sent to the systems that an operator subscribed (`WEGWIJS_WEBHOOKS`), at least once, and in "
        "order for each decision. Signed after Standard Webhooks: check the signature before anything else.",
        "parameters": [
            {"name": name, "in": "header", "description": what, "required": True, "schema": {"type": "string"}}
            for name, what in SENT_HEADERS.items()
        ],
        "requestBody": {"required": True, "content": {MEDIA_TYPE: {"schema": {"oneOf": models}}}},
        "responses": {
            "2XX": {"description": "Taken; a body is not read. Answer as soon as it is kept, within the time-out."},
            "410": {"description": "Nothing is wanted any more: the subscription stops until an operator goes on."},
            "default": {"description": again},
        },
    }
