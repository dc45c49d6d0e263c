"""When a request is there in full, and when nobody waits for it any longer."""

from __future__ import annotations

import resource
import socket
from collections.abc import Iterator
from contextlib import suppress
from types import SimpleNamespace

import pytest

from routing import connections
from routing.connections import (
    BODY_COLLECTED,
    CONNECTIONS_MOST,
    FILES_KEPT,
    Arriving,
    Paced,
    connections_most,
    is_gone,
    unread,
)
from routing.serving import close_door
from tests.patience import await_true

HEAD = b"POST /v1/decisions HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of a connection: ours, which does not block, and that of the client."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        ours, _ = listener.accept()
    ours.setblocking(False)
    with client, ours:
        yield ours, client


def pieces(text: bytes, size: int) -> list[bytes]:
    return [text[start : start + size] for start in range(0, len(text), size)]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1_000])
@pytest.mark.parametrize(
    "text",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
        HEAD + b"Content-Length: 0\r\n\r\n",
        HEAD + b"Content-Length: 12\r\n\r\n0123456789ab",
        HEAD + b"content-LENGTH:12 \r\nX: y\r\n\r\n0123\r\n\r\n4567",
        HEAD + b"Content-Length: twelve\r\n\r\n",
        HEAD + b"X-Content-Length: 12\r\n\r\n",
    ],
)
def test_a_request_gets_a_thread_when_its_last_byte_is_there_and_not_before(text: bytes, size: int) -> None:
    arriving = Arriving(until=0.0)
    seen = [arriving.add(piece) for piece in pieces(text, size)]
    assert seen == [False] * (len(seen) - 1) + [True]
    assert not arriving.by_thread
    assert bytes(arriving.said) == text.lstrip(b"\r\n")


@pytest.mark.parametrize(
    "line", [f"Content-Length: {BODY_COLLECTED + 1}", "Transfer-Encoding: chunked", "Expect: 100-continue"]
)
def test_what_cannot_be_collected_is_read_by_a_thread_once_its_head_is_there(line: str) -> None:
    arriving = Arriving(until=0.0)
    assert not arriving.add(HEAD + line.encode())
    assert arriving.add(b"\r\n\r\n")
    assert arriving.by_thread


def test_what_comes_too_slowly_is_given_up(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, client = pair
    ours.setblocking(True)
    now = [100.0]
    monkeypatch.setattr(connections, "time", SimpleNamespace(monotonic=lambda: now[0]))
    paced = Paced(ours)
    for _ in range(60):  # a good pace is never too slow
        client.sendall(b"x" * 2_000)
        now[0] += 2
        assert paced.chunk(2_000)
    now[0] += 200
    client.sendall(b"x")
    with pytest.raises(TimeoutError):
        paced.chunk()


def test_a_client_that_went_away_is_known_from_one_that_is_silent(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, client = pair
    assert not is_gone(ours)
    client.sendall(b"x")
    assert not is_gone(ours)
    ours.recv(1)
    client.close()
    assert is_gone(ours)


def test_answers_that_nobody_reads_are_counted(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, client = pair
    assert unread(ours) == 0
    sent = 0
    with pytest.raises(BlockingIOError):
        while True:
            sent += ours.send(b"x" * 100_000)
    behind = unread(ours)
    assert 0 < behind <= sent
    client.settimeout(0.05)  # all of it may be here before the system has counted that

    def all_read() -> bool:
        with suppress(TimeoutError):
            assert client.recv(1_000_000)
        return unread(ours) == 0

    await_true(all_read, "what was sent to be read")


@pytest.mark.parametrize(
    ("files", "most"),
    [
        (1_024, 1_024 - FILES_KEPT),
        (20_000, CONNECTIONS_MOST),
        (100, 64),
        (resource.RLIM_INFINITY, CONNECTIONS_MOST),
    ],
)
def test_a_process_takes_no_more_connections_than_it_may_open_files(
    files: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (files, files))
    assert connections_most() == most


def test_whoever_began_to_connect_comes_in_and_nobody_new_begins_once_the_door_is_closed() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=8) as door:
        early = [socket.create_connection(door.getsockname()) for _ in range(3)]
        close_door(door)
        late = socket.socket()
        late.settimeout(0.5)
        with pytest.raises(TimeoutError):  # not refused, and not reset: it tries again a second later
            late.connect(door.getsockname())
        for each in early:
            each.sendall(b"asked")
            inside, _ = door.accept()
            assert inside.recv(5) == b"asked"
            inside.sendall(b"told")
            assert each.recv(4) == b"told"
            inside.close()
    for each in (*early, late):
        each.close()
