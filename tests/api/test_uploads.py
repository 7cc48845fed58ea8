"""Resumable uploads over HTTP: the protocol, its refusals, and what is handed out again."""

from __future__ import annotations

import base64
import hashlib
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import create_engine, text

from api.middleware import Limits
from gis.db.cluster import Cluster
from gis.db.roles import OWNER, Pool
from tests.api.bureau import PASSWORD, Handset, PersonRole, enrol, hire
from tests.api.conftest import Serve, Served
from tests.api.tus import BYTES, VERSION, begin, encode, send, tell, upload
from tests.gis.evidence.photos import bomb_png, make_jpeg, sha256

MIB = 1 << 20
NUMBERS = iter(range(1000, 10_000))


@dataclass
class People:
    """Phones of the bureau; their tokens hold at every server over the same database."""

    officer: Handset
    inspector: Handset

    def as_officer(self, served: Served) -> Served:
        """The server, asked by the officer's phone from here on."""
        served.client.headers.update(self.officer.headers)
        return served


@pytest.fixture(scope="module")
def people(serve_as: Serve) -> People:
    """The bureau's phones."""
    served = serve_as("public")
    for role in (PersonRole.OFFICER, PersonRole.INSPECTOR, PersonRole.VIEWER):
        hire(served.db, f"uploads-{role.value}", role)
    return People(*(enrol(served.client, f"uploads-{role}") for role in ("officer", "inspector")))


@pytest.fixture(scope="module")
def taking(serve_as: Serve, people: People) -> Served:
    """A server that a case officer's phone talks to."""
    return people.as_officer(serve_as("public"))


@pytest.fixture
def photo() -> bytes:
    """A photo nobody has sent before."""
    return make_jpeg(next(NUMBERS), (800, 600))


def kind_of(answer: httpx.Response) -> str:
    """The kind of a problem."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return str(answer.json()["type"].removeprefix("urn:infratrack:problem:"))


def problem(answer: httpx.Response) -> str:
    """The kind of a problem; every answer of the protocol carries its version."""
    assert answer.headers["tus-resumable"] == "1.0.0"
    return kind_of(answer)


def test_a_photo_sent_in_pieces_is_stored_byte_for_byte(taking: Served, photo: bytes) -> None:
    done = upload(taking.client, photo, chunk=10_000)
    assert done.answer.status_code == 204
    assert done.answer.headers["upload-offset"] == str(len(photo))
    got = taking.client.get(f"/evidence/{sha256(photo)}")
    assert got.content == photo


def test_the_log_says_once_that_a_photo_has_come(taking: Served, photo: bytes) -> None:
    for _ in range(2):
        upload(taking.client, photo)
    with taking.db.read(Pool.STAFF) as connection:
        said = connection.execute(
            text("SELECT actor, payload FROM core.event WHERE payload->>'sha256' = :name"),
            {"name": sha256(photo)},
        ).all()
    payload = {"sha256": sha256(photo), "bytes": len(photo), "media": "image/jpeg"}
    assert [tuple(row) for row in said] == [("uploads-officer", payload)]


def test_options_tell_what_the_server_can_do_without_a_version(taking: Served) -> None:
    for path in ("/uploads", f"/uploads/{uuid4()}"):
        answer = taking.client.options(path)
        assert answer.status_code == 204
        assert answer.headers["tus-version"] == "1.0.0"
        assert answer.headers["tus-resumable"] == "1.0.0"
        assert answer.headers["tus-max-size"] == str(12 * MIB)
        assert answer.headers["tus-checksum-algorithm"] == "sha256"
        assert set(answer.headers["tus-extension"].split(",")) == {
            "creation", "creation-with-upload", "termination", "checksum", "expiration",
        }  # fmt: skip


@pytest.mark.parametrize("version", [None, "0.2.2", "1.0.1", ""])
def test_another_version_is_a_412_that_names_ours(taking: Served, version: str | None) -> None:
    headers = {} if version is None else {"Tus-Resumable": version}
    answer = taking.client.post("/uploads", headers=headers)
    assert answer.status_code == 412
    assert answer.headers["tus-version"] == "1.0.0"
    assert problem(answer) == "tus-version"


def test_an_upload_is_where_its_location_says_and_tells_how_far_it_is(
    taking: Served, photo: bytes
) -> None:
    event = uuid4()
    begun = begin(taking.client, photo, event=event)
    assert begun.status_code == 201
    assert begun.headers["upload-offset"] == "0"
    left = parsedate_to_datetime(begun.headers["upload-expires"]) - datetime.now(UTC)
    assert 6 <= left.days <= 7
    where = begun.headers["location"]
    send(taking.client, where, 0, photo[:5000])
    head = tell(taking.client, where)
    assert head.status_code == 200
    assert head.headers["upload-offset"] == "5000"
    assert head.headers["upload-length"] == str(len(photo))
    assert head.headers["cache-control"] == "no-store"
    pairs = encode(sha256=sha256(photo), media="image/jpeg", event=str(event))
    assert head.headers["upload-metadata"] == pairs


@pytest.mark.parametrize("offset", [0, 999, 1001, 10**14])
def test_a_piece_for_another_place_is_a_409_and_changes_nothing(
    taking: Served, photo: bytes, offset: int
) -> None:
    where = begin(taking.client, photo).headers["location"]
    send(taking.client, where, 0, photo[:1000])
    answer = send(taking.client, where, offset, b"x" * 10)
    assert answer.status_code == 409
    assert answer.json()["offset"] == 1000
    assert problem(answer) == "conflict"
    assert tell(taking.client, where).headers["upload-offset"] == "1000"


@pytest.mark.parametrize("offset", ["", "-1", "1.0", "1e3", "٣", "9" * 30])
def test_an_offset_that_is_no_number_is_a_400(taking: Served, photo: bytes, offset: str) -> None:
    where = begin(taking.client, photo).headers["location"]
    headers = {**VERSION, **BYTES, "Upload-Offset": offset.encode()}
    answer = taking.client.patch(where, content=b"x", headers=headers)
    assert answer.status_code == 400
    assert problem(answer) == "invalid-input"


def test_bytes_of_another_type_are_a_415(taking: Served, photo: bytes) -> None:
    where = begin(taking.client, photo).headers["location"]
    headers = {**VERSION, "Upload-Offset": "0", "Content-Type": "image/jpeg"}
    answer = taking.client.patch(where, content=photo, headers=headers)
    assert answer.status_code == 415
    assert problem(answer) == "http-415"


def test_a_piece_with_its_checksum_is_taken_and_one_with_another_is_a_460(
    taking: Served, photo: bytes
) -> None:
    def checksum(content: bytes) -> str:
        return "sha256 " + base64.b64encode(hashlib.sha256(content).digest()).decode()

    where = begin(taking.client, photo).headers["location"]
    wrong = {"Upload-Checksum": checksum(b"other")}
    answer = send(taking.client, where, 0, photo[:7000], **wrong)
    assert answer.status_code == 460
    assert problem(answer) == "checksum-mismatch"
    assert tell(taking.client, where).headers["upload-offset"] == "0"
    right = {"Upload-Checksum": checksum(photo[:7000])}
    assert send(taking.client, where, 0, photo[:7000], **right).status_code == 204
    for malformed in ("md5 abc=", "sha256", "sha256 !!!", "sha256 YWJj"):
        answer = send(taking.client, where, 7000, b"x", **{"Upload-Checksum": malformed})
        assert answer.status_code == 400
    assert send(taking.client, where, 7000, photo[7000:]).status_code == 204


def test_a_photo_may_come_with_its_beginning(taking: Served, photo: bytes) -> None:
    answer = taking.client.post(
        "/uploads",
        content=photo,
        headers={
            **VERSION, **BYTES, "Upload-Length": str(len(photo)),
            "Upload-Metadata": encode(sha256=sha256(photo), media="image/jpeg"),
        },
    )  # fmt: skip
    assert answer.status_code == 201
    assert answer.headers["upload-offset"] == str(len(photo))
    assert taking.client.get(f"/evidence/{sha256(photo)}").content == photo
    again = taking.client.post(
        "/uploads",
        content=photo[:4000],
        headers={
            **VERSION, **BYTES, "Upload-Length": str(len(photo)),
            "Upload-Metadata": encode(sha256=sha256(photo), media="image/jpeg"),
        },
    )  # fmt: skip
    assert again.status_code == 201
    assert again.headers["upload-offset"] == str(len(photo))


def test_a_photo_that_is_stored_need_not_be_sent(taking: Served, photo: bytes) -> None:
    upload(taking.client, photo)
    begun = begin(taking.client, photo)
    assert begun.headers["upload-offset"] == str(len(photo))
    late = send(taking.client, begun.headers["location"], 0, photo)
    assert late.status_code == 409  # and a client that asks then learns that it is done
    where = tell(taking.client, begun.headers["location"])
    assert where.headers["upload-offset"] == where.headers["upload-length"]


def test_after_a_lost_answer_the_client_learns_that_it_is_done(
    taking: Served, photo: bytes
) -> None:
    done = upload(taking.client, photo)
    assert tell(taking.client, done.where).headers["upload-offset"] == str(len(photo))


def test_bytes_that_are_not_the_promised_ones_may_be_begun_again(
    taking: Served, photo: bytes
) -> None:
    done = upload(taking.client, photo[:-1] + b"\x00", promised=sha256(photo))
    assert done.answer.status_code == 400
    assert problem(done.answer) == "invalid-input"
    assert done.answer.json()["rule"] == "hash-mismatch"
    assert tell(taking.client, done.where).status_code == 404
    assert upload(taking.client, photo).answer.status_code == 204


def test_an_upload_that_is_ended_is_forgotten(taking: Served, photo: bytes) -> None:
    where = begin(taking.client, photo).headers["location"]
    send(taking.client, where, 0, photo[:100])
    assert taking.client.delete(where, headers=VERSION).status_code == 204
    assert tell(taking.client, where).status_code == 404
    assert send(taking.client, where, 100, b"x").status_code == 404


def test_ending_a_finished_upload_leaves_the_evidence(taking: Served, photo: bytes) -> None:
    done = upload(taking.client, photo)
    assert taking.client.delete(done.where, headers=VERSION).status_code == 204
    assert taking.client.get(f"/evidence/{sha256(photo)}").content == photo


def test_an_expired_upload_is_a_410(taking: Served, photo: bytes, cluster: Cluster) -> None:
    where = begin(taking.client, photo).headers["location"]
    owner = create_engine(cluster.url(OWNER, str(taking.db.engines[Pool.JOBS].url.database)))
    with owner.begin() as connection:
        past = "UPDATE core.upload SET expires_at = now() - interval '1 s' WHERE id = :id"
        connection.execute(text(past), {"id": where.rpartition("/")[2]})
    owner.dispose()
    assert tell(taking.client, where).status_code == 410
    answer = send(taking.client, where, 0, photo)
    assert (answer.status_code, problem(answer)) == (410, "gone")


def talk(served: Served, *parts: bytes) -> socket.socket:
    asking = socket.create_connection(("127.0.0.1", urlsplit(served.base).port))
    asking.settimeout(30)
    for part in parts:
        asking.sendall(part)
    return asking


def start_patch(served: Served, where: str, offset: int, length: int, sent: bytes) -> socket.socket:
    return talk(
        served,
        f"PATCH {where} HTTP/1.1\r\nHost: localhost\r\nTus-Resumable: 1.0.0\r\n"
        f"Authorization: {served.client.headers['authorization']}\r\n"
        f"Content-Type: application/offset+octet-stream\r\nUpload-Offset: {offset}\r\n"
        f"Content-Length: {length}\r\n\r\n".encode(),
        sent,
    )


def wait_for_offset(served: Served, where: str, offset: int) -> None:
    until = time.monotonic() + 10
    while True:
        answer = tell(served.client, where)
        if answer.status_code == 200 and answer.headers["upload-offset"] == str(offset):
            return
        assert time.monotonic() < until, answer.headers
        time.sleep(0.02)


def test_an_upload_another_connection_holds_is_a_423(taking: Served, photo: bytes) -> None:
    where = begin(taking.client, photo).headers["location"]
    with start_patch(taking, where, 0, len(photo), photo[:1000]):
        time.sleep(0.3)
        for answer in (
            tell(taking.client, where),
            send(taking.client, where, 0, photo),
            taking.client.delete(where, headers=VERSION),
        ):
            assert answer.status_code == 423
            assert answer.headers["retry-after"] == "2"
    wait_for_offset(taking, where, 1000)


def test_what_came_before_the_client_left_is_kept(taking: Served, photo: bytes) -> None:
    where = begin(taking.client, photo).headers["location"]
    with start_patch(taking, where, 0, len(photo), photo[:12_345]):
        time.sleep(0.3)  # uvicorn drops what it has not handed on when the connection ends
    wait_for_offset(taking, where, 12_345)
    assert send(taking.client, where, 12_345, photo[12_345:]).status_code == 204


def test_a_client_that_falls_silent_is_told_and_goes_on_later(
    serve_as: Serve, people: People, photo: bytes
) -> None:
    served = people.as_officer(serve_as(limits=Limits(idle_s=0.5, total_s=10, least_rate=1)))
    where = begin(served.client, photo).headers["location"]
    with start_patch(served, where, 0, len(photo), photo[:3000]) as silent:
        answer = silent.recv(65_536)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"Tus-Resumable" in answer or b"tus-resumable" in answer
    wait_for_offset(served, where, 3000)
    assert send(served.client, where, 3000, photo[3000:]).status_code == 204


def test_a_piece_over_4_mib_is_a_413_and_other_routes_keep_their_1_mib(
    taking: Served, photo: bytes
) -> None:
    huge = photo + b"\x00" * (6 * MIB)
    where = begin(taking.client, huge).headers["location"]
    for content in (huge[: 4 * MIB + 1], (huge[at : at + MIB] for at in range(0, 6 * MIB, MIB))):
        headers = {**VERSION, **BYTES, "Upload-Offset": "0"}
        answer = taking.client.patch(where, content=content, headers=headers)
        assert answer.status_code == 413
    offset = int(tell(taking.client, where).headers["upload-offset"])
    assert offset <= 4 * MIB
    while offset < len(huge):
        answer = send(taking.client, where, offset, huge[offset : offset + 4 * MIB])
        assert answer.status_code == 204
        offset = int(answer.headers["upload-offset"])
    assert taking.client.get(f"/evidence/{sha256(huge)}").content == huge
    for path in ("/search", "/evidence/x", "/uploadsx", "/collections/road/items"):
        answer = taking.client.post(path, content=b"x" * (MIB + 1))
        assert answer.status_code == 413, path


@pytest.mark.parametrize("length", [12 * MIB + 1, 10**14])
def test_a_file_over_12_mib_is_a_413(taking: Served, length: int) -> None:
    pairs = encode(sha256="0" * 64, media="image/jpeg")
    headers = {**VERSION, "Upload-Length": str(length), "Upload-Metadata": pairs}
    assert taking.client.post("/uploads", headers=headers).status_code == 413


@pytest.mark.parametrize(
    ("length", "metadata"),
    [
        ("", encode(sha256="0" * 64, media="image/jpeg")),
        ("0", encode(sha256="0" * 64, media="image/jpeg")),
        ("-5", encode(sha256="0" * 64, media="image/jpeg")),
        ("5", ""),
        ("5", encode(sha256="0" * 64)),
        ("5", encode(media="image/jpeg")),
        ("5", encode(sha256="zz", media="image/jpeg")),
        ("5", encode(sha256="0" * 64, media="image/svg+xml")),
        ("5", encode(sha256="0" * 64, media="image/jpeg", event="no uuid")),
        ("5", "sha256 !!!,media !!!"),
        ("5", "sha256 /+8="),
        ("5", "," * 500),
    ],
)
def test_a_beginning_that_makes_no_sense_is_a_400(
    taking: Served, length: str, metadata: str
) -> None:
    headers = {**VERSION, "Upload-Length": length, "Upload-Metadata": metadata}
    answer = taking.client.post("/uploads", headers=headers)
    assert answer.status_code == 400, answer.text
    assert problem(answer) == "invalid-input"


@pytest.mark.parametrize(
    "name", ['../../x"\r\nX: y', "a.svg", "<script>alert(1)</script>", "\x00", "井盖.html"]
)
def test_a_hostile_file_name_is_of_no_consequence(taking: Served, photo: bytes, name: str) -> None:
    pairs = encode(sha256=sha256(photo), media="image/jpeg", filename=name, filetype="text/html")
    headers = {**VERSION, "Upload-Length": str(len(photo)), "Upload-Metadata": pairs}
    begun = taking.client.post("/uploads", headers=headers)
    assert begun.status_code == 201
    assert send(taking.client, begun.headers["location"], 0, photo).status_code == 204
    got = taking.client.get(f"/evidence/{sha256(photo)}")
    disposition = got.headers["content-disposition"]
    assert disposition == f'attachment; filename="{sha256(photo)[:16]}.jpg"'


@pytest.mark.parametrize(
    ("content", "media", "rule"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/jpeg", "media-mismatch"),
        (b"<!doctype html><script>alert(1)</script>", "image/png", "media-mismatch"),
        (bomb_png(18_000), "image/png", "too-many-pixels"),
        (make_jpeg(2, (64, 64)), "image/png", "media-mismatch"),
        (b"\xff\xd8\xff\xd9", "image/jpeg", "head-damaged"),
    ],
)
def test_what_is_no_photo_is_refused_with_a_reason_in_both_languages(
    taking: Served, content: bytes, media: str, rule: str
) -> None:
    for language in ("zh", "en"):
        taking.client.headers["accept-language"] = language
        done = upload(taking.client, content, media=media)
        del taking.client.headers["accept-language"]
        assert done.answer.status_code == 400
        assert done.answer.json()["rule"] == rule
        assert any(c >= "\u4e00" for c in done.answer.json()["detail"]) == (language == "zh")
    assert taking.client.get(f"/evidence/{sha256(content)}").status_code == 404


@pytest.mark.parametrize("identifier", ["x", "..%2f..%2fetc", "0" * 32, str(uuid4()), "%00"])
def test_an_upload_nobody_began_is_a_404(taking: Served, identifier: str) -> None:
    for method in ("HEAD", "PATCH", "DELETE"):
        headers = {**VERSION, **BYTES, "Upload-Offset": "0"}
        answer = taking.client.request(method, f"/uploads/{identifier}", headers=headers)
        assert answer.status_code == 404


def test_post_stands_for_a_method_that_a_proxy_does_not_let_through(
    taking: Served, photo: bytes
) -> None:
    where = begin(taking.client, photo).headers["location"]
    headers = {**VERSION, **BYTES, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
    assert taking.client.post(where, content=photo, headers=headers).status_code == 204
    assert taking.client.post(where, headers=VERSION).status_code == 405
    assert taking.client.get(where, headers=VERSION).status_code == 405


def test_twenty_phones_sending_one_photo_at_once_make_one_blob(
    taking: Served, photo: bytes
) -> None:
    def one(_number: int) -> int:
        headers = taking.client.headers
        with httpx.Client(base_url=taking.base, timeout=30, headers=headers) as client:
            for _ in range(50):
                answer = upload(client, photo, chunk=20_000).answer
                if answer.status_code != 503:
                    return answer.status_code
                time.sleep(0.1)
        return 503

    with ThreadPoolExecutor(20) as crowd:
        codes = list(crowd.map(one, range(20)))
    assert set(codes) <= {201, 204}  # 201: it was stored by then
    assert taking.client.get(f"/evidence/{sha256(photo)}").content == photo
    with taking.db.read(Pool.STAFF) as connection:
        found = "SELECT count(*) FROM core.blob WHERE sha256 = :name"
        assert connection.execute(text(found), {"name": sha256(photo)}).scalar() == 1


# handing out


def test_the_original_is_a_sealed_download(taking: Served, photo: bytes) -> None:
    polyglot = photo + b"<script>alert(1)</script>"
    upload(taking.client, polyglot)
    got = taking.client.get(f"/evidence/{sha256(polyglot)}")
    assert got.content == polyglot
    assert got.headers["content-disposition"].startswith("attachment")
    assert got.headers["x-content-type-options"] == "nosniff"
    policy = got.headers["content-security-policy"]
    assert policy == "sandbox; default-src 'none'; frame-ancestors 'none'"
    assert got.headers["cache-control"] == "private, max-age=31536000, immutable"
    etag = got.headers["etag"]
    held = taking.client.get(f"/evidence/{sha256(polyglot)}", headers={"If-None-Match": etag})
    assert (held.status_code, held.content) == (304, b"")


def test_a_picture_is_shown_inline_without_notes_or_tail(taking: Served, photo: bytes) -> None:
    polyglot = photo + b"<script>alert(1)</script>"
    upload(taking.client, polyglot)
    for size in ("thumb", "screen"):
        got = taking.client.get(f"/evidence/{sha256(polyglot)}?size={size}")
        assert got.status_code == 200
        assert got.headers["content-type"] == "image/jpeg"
        assert "content-disposition" not in got.headers
        assert got.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in got.headers["content-security-policy"]
        assert b"CANARY" not in got.content
        assert b"script" not in got.content
        assert int(got.headers["content-length"]) == len(got.content)


def test_a_picture_in_the_making_is_a_202_that_says_when_to_ask(
    taking: Served, photo: bytes
) -> None:
    upload(taking.client, photo)
    lock = taking.app.parts.deriver._at_work
    with lock:
        got = taking.client.get(f"/evidence/{sha256(photo)}?size=thumb")
    assert got.status_code == 202
    assert got.headers["retry-after"] == "2"
    assert taking.client.get(f"/evidence/{sha256(photo)}?size=thumb").status_code == 200


def test_a_damaged_photo_is_handed_out_and_its_picture_is_a_404_with_the_reason(
    taking: Served, photo: bytes
) -> None:
    torn = photo[: len(photo) // 2]
    upload(taking.client, torn)
    for _ in range(2):
        got = taking.client.get(f"/evidence/{sha256(torn)}?size=thumb&lang=en")
        assert got.status_code == 404
        assert "damaged" in got.json()["detail"]
    assert taking.client.get(f"/evidence/{sha256(torn)}").content == torn


@pytest.mark.parametrize("path", ["x", "0" * 64, "A" * 64, "..%2f..%2fstate", "0" * 63 + "g"])
def test_evidence_nobody_stored_is_a_404(taking: Served, path: str) -> None:
    for query in ("", "?size=thumb"):
        assert taking.client.get(f"/evidence/{path}{query}").status_code == 404
    assert taking.client.get(f"/evidence/{'0' * 64}?size=huge").status_code == 400
    assert taking.client.get(f"/evidence/{'0' * 64}?other=1").status_code == 400


def test_a_lost_file_is_a_404_that_says_what_to_do(taking: Served, photo: bytes) -> None:
    upload(taking.client, photo)
    taking.app.parts.files.path(sha256(photo)).unlink()
    got = taking.client.get(f"/evidence/{sha256(photo)}?lang=en")
    assert got.status_code == 404
    assert "restore a backup" in got.json()["detail"]


def ask_as(served: Served, phone: Handset | None) -> httpx.Client:
    headers = {} if phone is None else phone.headers
    return httpx.Client(base_url=served.base, timeout=20, headers=headers)


@contextmanager
def log_in(served: Served, login: str) -> Iterator[httpx.Client]:
    """A browser of the office."""
    own = {"X-Infratrack": "1", "Origin": served.base}
    with httpx.Client(base_url=served.base, timeout=20, headers=own) as browser:
        answer = browser.post("/login", data={"login": login, "password": PASSWORD})
        assert answer.status_code == 303
        yield browser


@pytest.mark.parametrize(
    ("login", "status", "kind"),
    [(None, 401, "login-required"), ("uploads-viewer", 403, "forbidden")],
)
def test_who_may_not_send_or_see_evidence_learns_nothing_of_what_is_there(
    taking: Served, photo: bytes, login: str | None, status: int, kind: str
) -> None:
    upload(taking.client, photo)
    with log_in(taking, login) if login else ask_as(taking, None) as client:
        refused = begin(client, photo)
        assert (refused.status_code, kind_of(refused)) == (status, kind)
        for query in ("", "?size=thumb"):
            got = client.get(f"/evidence/{sha256(photo)}{query}")
            unknown = client.get(f"/evidence/{'0' * 64}{query}")
            assert (got.status_code, got.content) == (status, unknown.content)
        assert client.get("/jobs/1").status_code == status


def test_an_inspector_sends_and_sees_evidence_and_no_jobs(
    taking: Served, people: People, photo: bytes
) -> None:
    with ask_as(taking, people.inspector) as field:
        assert upload(field, photo).answer.status_code == 204
        assert field.get(f"/evidence/{sha256(photo)}").content == photo
        assert field.get(f"/evidence/{sha256(photo)}?size=thumb").status_code == 200
        assert field.get("/jobs/1").status_code == 403
        assert field.delete("/jobs/1").status_code == 403


def test_an_upload_is_its_senders_alone(taking: Served, people: People, photo: bytes) -> None:
    where = begin(taking.client, photo).headers["location"]
    with ask_as(taking, people.inspector) as other:
        assert tell(other, where).status_code == 404
        assert send(other, where, 0, photo).status_code == 404
        assert other.delete(where, headers=VERSION).status_code == 404
    assert tell(taking.client, where).headers["upload-offset"] == "0"


def test_a_job_is_told_and_cancelled_by_the_officer_in_the_office(
    taking: Served, photo: bytes
) -> None:
    upload(taking.client, photo)
    with taking.db.read(Pool.JOBS) as connection:
        newest = "SELECT max(id) FROM jobs.procrastinate_jobs"
        number = connection.execute(text(newest)).scalar_one()
    assert taking.client.get(f"/jobs/{number}").status_code == 403  # a phone is not the office
    with log_in(taking, "uploads-officer") as office:
        told = office.get(f"/jobs/{number}").json()
        assert told == {
            "id": number, "task": "make_derivatives", "state": "waiting", "attempts": 0,
            "progress": 0, "result": None, "problem": None,
        }  # fmt: skip
        assert office.delete(f"/jobs/{number}").json()["state"] == "cancelled"
        assert office.get(f"/jobs/{number}").json()["state"] == "cancelled"
        for unknown in ("0", "x", "-1", "9" * 18, "9" * 30, "1e3"):
            assert office.get(f"/jobs/{unknown}").status_code == 404


@pytest.fixture
def many_halves(taking: Served) -> Iterator[list[socket.socket]]:
    opened: list[socket.socket] = []
    yield opened
    for one in opened:
        one.close()


def test_stalled_uploads_do_not_hold_up_the_others(
    taking: Served, many_halves: list[socket.socket], photo: bytes
) -> None:
    for number in range(60):
        half = make_jpeg(5000 + number, (64, 64))
        where = begin(taking.client, half).headers["location"]
        many_halves.append(start_patch(taking, where, 0, len(half), half[:100]))
    began = time.perf_counter()
    assert upload(taking.client, photo).answer.status_code == 204
    assert taking.client.get("/health").status_code == 200
    assert time.perf_counter() - began < 3
