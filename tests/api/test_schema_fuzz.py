"""Requests made from the OpenAPI document: whatever is sent, no server error."""

from __future__ import annotations

from tests.api.crowd import Crowd
from tests.api.schema_fuzz import run


def test_no_request_the_document_allows_or_forbids_is_a_server_error(own_crowd: Crowd) -> None:
    tally = run(own_crowd, examples=6, seed=20261124)
    assert tally.sent > 500
    assert tally.statuses["officer 2xx"] > 50
    assert sorted(set(tally.failures)) == []
