"""Resumable uploads over HTTP: the protocol, its refusals, and what is handed out again."""

from __future__ import annotations

import pytest

from tests.api.conftest import Serve, Served
from tests.api.tus import upload
from tests.gis.evidence.photos import make_jpeg, sha256


@pytest.fixture(scope="module")
def taking(serve_as: Serve) -> Served:
    """A server as the office has it."""
    return serve_as()


def test_a_photo_sent_in_pieces_is_stored_byte_for_byte(taking: Served) -> None:
    photo = make_jpeg(1)
    done = upload(taking.client, photo, chunk=50_000)
    assert done.answer.status_code == 204
    assert done.answer.headers["upload-offset"] == str(len(photo))
    got = taking.client.get(f"/evidence/{sha256(photo)}")
    assert got.content == photo
    small = taking.client.get(f"/evidence/{sha256(photo)}?size=thumb")
    assert small.status_code == 200, small.text
    assert small.content.startswith(b"\xff\xd8\xff")
