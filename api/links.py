"""Under which address clients reach this server, for the links in what is answered."""

from __future__ import annotations

from flask import request

from api.auth import world


def base() -> str:
    """The address of this server as its clients know it; ends in a slash."""
    address = world().settings.public_url
    return request.url_root if address is None else f"{address}/"
