"""Shows what can be asked and said: the facts, complaints, capabilities and conditions."""

from __future__ import annotations

from flask import Blueprint, Response

from api.auth import world
from api.body import tagged
from routing import service

vocabulary = Blueprint("vocabulary", __name__, url_prefix="/v1/vocabulary")


@vocabulary.get("")
def read() -> Response:
    """The whole vocabulary; the ETag changes when a word does."""
    words = service.vocabulary(world())
    return tagged(words, words["digest"])
