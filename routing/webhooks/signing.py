"""Signs what is sent after Standard Webhooks, so that a receiver knows from whom it comes and that nothing changed."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence


def signed_headers(message_id: str, timestamp: int, body: bytes, secrets: Sequence[bytes]) -> dict[str, str]:
    """The headers of a message that is sent at `timestamp` (seconds since 1970), signed with each of `secrets`."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    made = [base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode() for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{each}" for each in made),
    }
