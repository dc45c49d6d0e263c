"""Asks another server once, and waits no longer than was said, also for one that sends a byte now and then."""

from __future__ import annotations

import http.client
import threading

from routing.dialling import Line, connected, plainly
from routing.travel.engines import NoAnswer, Question

ANSWER_MOST = 1_048_576
"""A longer answer is none, in bytes: times to a hundred places take about 20 kB."""

REFUSED = (400, 404, 413, 422)
"""What an engine answers that works, and does not take this question."""


def exchange(asked: Question, seconds: float) -> bytes:
    """The body of the answer. Raises NoAnswer, after `seconds` at the latest, whatever keeps the other side busy: also
    looking up its name."""
    line, ended = Line(), list[bytes | NoAnswer]()

    def talk() -> None:
        try:
            ended.append(_answer(asked, seconds, line))
        except NoAnswer as error:
            ended.append(error)
        except (OSError, http.client.HTTPException, ValueError) as error:
            ended.append(_late(seconds) if isinstance(error, TimeoutError) else NoAnswer(plainly(error)))
        finally:
            if line.socket is not None:
                line.socket.close()

    talking = threading.Thread(target=talk, name="road engine", daemon=True)
    talking.start()
    talking.join(seconds)
    if talking.is_alive() or not ended:
        line.end()
        raise _late(seconds)
    found = ended[0]
    if isinstance(found, NoAnswer):
        raise found
    return found


def _late(seconds: float) -> NoAnswer:
    return NoAnswer(f"no answer within {seconds:.3g} seconds", late=True)


def _answer(asked: Question, seconds: float, line: Line) -> bytes:
    connection, target = connected(asked.url, seconds, line)
    connection.request(
        "GET" if asked.body is None else "POST", target, asked.body, {**asked.headers, "Connection": "close"}
    )
    answer = connection.getresponse()
    with answer:
        if answer.status != 200:
            raise NoAnswer(f"it answered {answer.status}", refused=answer.status in REFUSED)
        body = answer.read(ANSWER_MOST + 1)
        if len(body) > ANSWER_MOST:
            raise NoAnswer(f"its answer is longer than {ANSWER_MOST:,} bytes")
        if line.cut or answer.length not in (None, 0):
            raise NoAnswer("its answer ends in the middle")
    return body
