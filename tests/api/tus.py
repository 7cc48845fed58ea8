"""A tus 1.0.0 client of the tests' own, as a phone's would behave."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from uuid import UUID

import httpx

from tests.gis.evidence.photos import sha256

VERSION = {"Tus-Resumable": "1.0.0"}
BYTES = {"Content-Type": "application/offset+octet-stream"}


def encode(**pairs: str) -> str:
    return ",".join(f"{k} {base64.b64encode(v.encode()).decode()}" for k, v in pairs.items())


def begin(
    client: httpx.Client,
    content: bytes,
    *,
    media: str = "image/jpeg",
    promised: str | None = None,
    event: UUID | None = None,
    **headers: str,
) -> httpx.Response:
    pairs = {"sha256": promised or sha256(content), "media": media}
    if event is not None:
        pairs["event"] = str(event)
    return client.post(
        "/uploads",
        headers={
            **VERSION,
            "Upload-Length": str(len(content)),
            "Upload-Metadata": encode(**pairs),
            **headers,
        },
    )


def tell(client: httpx.Client, where: str) -> httpx.Response:
    return client.head(where, headers=VERSION)


def send(
    client: httpx.Client, where: str, offset: int, chunk: bytes, **headers: str
) -> httpx.Response:
    sent = {**VERSION, **BYTES, "Upload-Offset": str(offset), **headers}
    return client.patch(where, content=chunk, headers=sent)


@dataclass
class Uploaded:
    """How an upload went."""

    answer: httpx.Response
    where: str = ""


def upload(
    client: httpx.Client,
    content: bytes,
    *,
    chunk: int = 1 << 20,
    media: str = "image/jpeg",
    promised: str | None = None,
) -> Uploaded:
    """Begin, send in pieces, asking where it stands whenever it is told another place."""
    begun = begin(client, content, media=media, promised=promised)
    if begun.status_code != 201:
        return Uploaded(begun)
    where, offset, answer = begun.headers["location"], int(begun.headers["upload-offset"]), begun
    while offset < len(content):
        answer = send(client, where, offset, content[offset : offset + chunk])
        if answer.status_code == 409:
            offset = int(tell(client, where).headers["upload-offset"])
        elif answer.status_code == 204:
            offset = int(answer.headers["upload-offset"])
        else:
            break
    return Uploaded(answer, where)
