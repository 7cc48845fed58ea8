"""A thousand planted words are found by those who may read them, and by nobody else."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from sqlalchemy import text
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.context import application_of
from tests.api.canaries import NOBODY, READERS, Canaries, crawl, plant
from tests.api.conftest import Serve
from tests.api.crowd import Crowd


@dataclass
class Written(logging.Handler):
    """Everything the server writes into its logs."""

    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    __hash__ = logging.Handler.__hash__


@pytest.fixture(scope="module")
def log() -> Iterator[Written]:
    written = Written()
    logging.getLogger().addHandler(written)
    yield written
    logging.getLogger().removeHandler(written)


@pytest.fixture(scope="module")
def planted(log: Written, crowd: Crowd) -> Canaries:
    return plant(crowd)


def test_a_thousand_canaries_are_planted(planted: Canaries) -> None:
    assert len(planted.readers) >= 1000
    for readers in (*READERS.values(), NOBODY):
        assert sum(r == readers for r in planted.readers.values()) >= 10


def test_nobody_meets_a_canary_that_is_not_theirs_and_who_may_does(
    planted: Canaries, log: Written
) -> None:
    seen: dict[str, set[str]] = {}
    foreign = []
    for who in planted.clients:
        seen[who] = set()
        role = who.rpartition(" of ")[2]
        for asked, found in crawl(planted, who):
            seen[who] |= found
            for word in found:
                if role not in planted.readers[word]:
                    foreign.append((who, asked, planted.places.get(word, "a secret")))
    assert foreign == []
    # The crawl does look: every planted column of a kind is met by who may read it.
    columns = {p for p in planted.places.values() if p.partition(".")[2]}
    met = {planted.places[word] for word in seen["officer"]}
    assert columns - met == set()
    assert seen["anonymous"] == set()
    met = {planted.places[word] for word in seen["holder of a link"]}
    assert met == {"found description", "found duty_holder", "comment", "file"}
    everything = "\n".join(log.lines).encode()
    assert {planted.places.get(word, "a secret") for word in planted.find(everything)} == set()


async def break_down(request: Request) -> Response:
    """A statement fails as no code of ours foresaw, with what it was given in its message."""
    given = request.query_params["word"]
    with application_of(request).database.write(actor="test", reason="x") as connection:
        connection.execute(text("SELECT CAST(:word AS text) FROM no_such_table"), {"word": given})
    return Response()


def test_a_failure_nobody_foresaw_is_logged_without_the_values_it_was_given(
    serve_as: Serve, log: Written
) -> None:
    served = serve_as(routes=[Route("/break-down", break_down)])
    answer = served.client.get("/break-down", params={"word": "CNRY00C0FFEE"})
    assert answer.status_code == 500
    assert "CNRY" not in answer.text
    everything = "\n".join(log.lines)
    assert "no_such_table" in everything
    assert "CNRY00C0FFEE" not in everything
