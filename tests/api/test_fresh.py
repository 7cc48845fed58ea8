"""A tile fetched after a commit shows the commit, always; a long import stops nobody."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest
from sqlalchemy import create_engine, make_url, text

from gis import store
from gis.db.cluster import Cluster
from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from tests.api.county import LAT, LON, fill_county, make_frames
from tests.api.tiling import read_layer, tile_at
from tests.conftest import CloneDatabase

PROJECT = Path(__file__).resolve().parents[2]
COMMITS = 240


@contextmanager
def serve_apart(urls: dict[Pool, str], folder: Path) -> Iterator[httpx.Client]:
    """A server in another process, and a client of it."""
    command = [sys.executable, "-m", "tests.api.serve_process"]
    words = json.dumps({pool.value: url for pool, url in urls.items()})
    process = subprocess.Popen(
        [*command, words, str(folder)], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        port = int(process.stdout.readline())
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            for _ in range(200):
                try:
                    client.get("/conformance").raise_for_status()
                    break
                except httpx.TransportError:
                    time.sleep(0.05)
            yield client
    finally:
        process.terminate()
        assert process.wait(15) is not None
        process.stdout.close()


@pytest.fixture(scope="module")
def own_county(
    cluster: Cluster, clone_database: CloneDatabase
) -> Iterator[tuple[PooledDatabase, dict[Pool, str]]]:
    """A county these tests may change."""
    name = clone_database()
    urls = {pool: cluster.url(pool.role, name) for pool in Pool}
    db = PooledDatabase(urls)
    fill_county(db)
    yield db, urls
    db.close()


def rename_pipe(db: PooledDatabase, name: str, *, code: str = "WS-00000") -> None:
    with db.write(actor="editor", reason="rename") as connection:
        connection.execute(
            text("UPDATE core.sewer_pipe SET name = :name WHERE code = :code"),
            {"name": name, "code": code},
        )


def test_every_tile_after_a_commit_shows_it_from_both_of_two_servers(
    own_county: tuple[PooledDatabase, dict[Pool, str]], tmp_path: Path
) -> None:
    db, urls = own_county
    row, column = tile_at(16, LON + 0.0004, LAT)
    path = f"/tiles/WebMercatorQuad/16/{row}/{column}?collections=sewer_pipe,road"
    with ExitStack() as stack:
        clients = [stack.enter_context(serve_apart(urls, tmp_path)) for _ in range(2)]
        tags = [client.get(path).headers["etag"] for client in clients]
        for count in range(COMMITS):
            rename_pipe(db, f"name {count}")
            for which in (count % 2, 1 - count % 2):
                answer = clients[which].get(path, headers={"If-None-Match": tags[which]})
                assert answer.status_code == 200, f"commit {count} was answered by a 304"
                shown = {f["code"]: f for f in read_layer(answer, "sewer_pipe")}
                assert shown["WS-00000"]["name"] == f"name {count}"
                tags[which] = answer.headers["etag"]
        assert tags[0] == tags[1]
        for client in clients:
            again = client.get(path, headers={"If-None-Match": tags[0]})
            assert again.status_code == 304


def test_readers_among_writers_never_see_an_older_state_than_before(
    own_county: tuple[PooledDatabase, dict[Pool, str]], tmp_path: Path
) -> None:
    """Four readers, one writer: a reader sees at least what was committed before it asked."""
    db, urls = own_county
    row, column = tile_at(16, LON + 0.0104, LAT)
    path = f"/collections/sewer_pipe/tiles/WebMercatorQuad/16/{row}/{column}"
    committed = 0
    stale: list[tuple[int, int]] = []
    ended = threading.Event()
    rename_pipe(db, "0", code="WS-00010")

    def read(client: httpx.Client) -> int:
        count = 0
        while not ended.is_set():
            before = committed
            shown = {f["code"]: f for f in read_layer(client.get(path), "sewer_pipe")}
            if int(shown["WS-00010"]["name"]) < before:
                stale.append((before, int(shown["WS-00010"]["name"])))
            count += 1
        return count

    with serve_apart(urls, tmp_path) as client:
        readers = [threading.Thread(target=read, args=(client,)) for _ in range(4)]
        for reader in readers:
            reader.start()
        for number in range(1, 151):
            rename_pipe(db, str(number), code="WS-00010")
            committed = number
        ended.set()
        for reader in readers:
            reader.join()
    assert stale == []


def test_a_long_import_blocks_no_other_edit_and_shows_nothing_half(
    own_county: tuple[PooledDatabase, dict[Pool, str]], tmp_path: Path
) -> None:
    db, urls = own_county
    row, column = tile_at(16, LON + 0.0204, LAT)
    path = f"/collections/sewer_pipe/tiles/WebMercatorQuad/16/{row}/{column}"
    imported = make_frames()["sewer_pipe"].iloc[1000:1200].copy()
    imported["note"] = "imported"
    with serve_apart(urls, tmp_path) as client:
        client.get(path)
        with db.write(actor="batch", reason="import", pool=Pool.JOBS) as connection:
            counts = store.load_rows(connection, "sewer_pipe", imported)
            assert counts.changed == 200
            for number in range(5):
                began = time.perf_counter()
                rename_pipe(db, f"while importing {number}", code="WS-00020")
                assert time.perf_counter() - began < 1
                shown = {f["code"]: f for f in read_layer(client.get(path), "sewer_pipe")}
                assert shown["WS-00020"]["name"] == f"while importing {number}"
            query = {"note": "imported", "limit": "1"}
            items = "/collections/sewer_pipe/items"
            assert client.get(items, params=query).json()["numberMatched"] == 0
        assert client.get(items, params=query).json()["numberMatched"] == 200


def test_live_pages_hear_of_a_change_at_once(
    own_county: tuple[PooledDatabase, dict[Pool, str]], tmp_path: Path
) -> None:
    db, urls = own_county
    with (
        serve_apart(urls, tmp_path) as client,
        client.stream("GET", "/events", timeout=10) as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.iter_lines()
        assert next(lines) == "retry: 3000"
        assert next(lines) == ""
        began = time.perf_counter()
        rename_pipe(db, "heard")
        identifier, content = next(lines), next(lines)
        assert time.perf_counter() - began < 3
        versions = identifier.removeprefix("id: ")
        assert content == f"data: {versions}"
    owner = make_url(urls[Pool.STAFF]).set(drivername="postgresql")
    with psycopg.connect(owner.render_as_string(hide_password=False)) as connection:
        rows = connection.execute("SELECT kind, version FROM core.collection_version").fetchall()
    known = {kind: str(version) for kind, version in rows}
    assert known["sewer_pipe"] in versions.split(".")


def test_a_tile_is_judged_again_when_the_server_has_cut_the_connection(
    own_county: tuple[PooledDatabase, dict[Pool, str]], cluster: Cluster, tmp_path: Path
) -> None:
    db, urls = own_county
    row, column = tile_at(16, LON + 0.0304, LAT)
    path = f"/collections/sewer_pipe/tiles/WebMercatorQuad/16/{row}/{column}"
    name = make_url(urls[Pool.STAFF]).database
    superuser = create_engine(cluster.superuser_url(name))
    with serve_apart(urls, tmp_path) as client:
        for number in range(3):
            tag = client.get(path).headers["etag"]
            with superuser.connect() as connection:
                cut = connection.exec_driver_sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name LIKE 'infratrack_read_%%' AND state = 'idle'"
                    " AND query LIKE '%%collection_version%%' AND datname = current_database()"
                ).all()
            assert cut
            headers = {"If-None-Match": tag}
            assert client.get(path, headers=headers).status_code == 304
            rename_pipe(db, f"cut {number}", code="WS-00030")
            assert client.get(path, headers=headers).status_code == 200
    superuser.dispose()
