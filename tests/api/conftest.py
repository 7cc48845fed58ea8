"""A served application over a database of its own, with a small county in it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from starlette.routing import BaseRoute

from api.app import create_app
from api.middleware import Guard, Limits
from api.serve import claim_port, make_server
from api.tls import Tls
from gis.db.cluster import Cluster
from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from gis.settings import Settings
from tests.api.county import fill_county
from tests.conftest import CloneDatabase

if TYPE_CHECKING:
    from tests.api.crowd import Crowd


@dataclass
class Served:
    """A running server: its address, a client for it, its application and its database."""

    base: str
    client: httpx.Client
    app: Guard
    db: PooledDatabase
    urls: dict[Pool, str] = field(repr=False)


@contextmanager
def run_server(app: Guard, tls: Tls | None = None) -> Iterator[str]:
    """Serve ``app`` by uvicorn on a free port, as ``serve`` does; gives its address."""
    listener = claim_port(0)
    server = make_server(app, tls)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(15)
        assert not thread.is_alive(), "the server did not stop"


Serve = Callable[..., Served]


@pytest.fixture(scope="session")
def served_database(
    cluster: Cluster, clone_database: CloneDatabase
) -> Iterator[tuple[PooledDatabase, dict[Pool, str]]]:
    """A database holding the small county; tests of this folder only read it."""
    name = clone_database()
    urls = {pool: cluster.url(pool.role, name) for pool in Pool}
    db = PooledDatabase(urls)
    fill_county(db)
    yield db, urls
    db.close()


@pytest.fixture(scope="session")
def serve_as(
    served_database: tuple[PooledDatabase, dict[Pool, str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Serve]:
    """Starts a server over the small county; ``reader``, ``routes`` and ``limits`` as asked."""
    db, urls = served_database
    with ExitStack() as stack:

        def start(
            reader: str = "staff",
            *,
            routes: Iterable[BaseRoute] = (),
            limits: Limits | None = None,
            state_folder: Path | None = None,
        ) -> Served:
            folder = state_folder or tmp_path_factory.mktemp("state")
            settings = Settings(reader=reader, state_folder=folder, pool_size=4)
            app = create_app(urls, settings, extra_routes=routes, limits=limits or Limits())
            base = stack.enter_context(run_server(app))
            client = stack.enter_context(httpx.Client(base_url=base, timeout=20))
            return Served(base, client, app, db, urls)

        yield start


@pytest.fixture(scope="session")
def served(serve_as: Serve) -> Served:
    """The small county as staff sees it."""
    return serve_as()


@pytest.fixture(scope="session")
def client(served: Served) -> httpx.Client:
    """A client of :func:`served`."""
    return served.client


@pytest.fixture(scope="session")
def crowd(
    cluster: Cluster, clone_database: CloneDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Crowd]:
    """A served bureau with somebody of every role; tests make what they change themselves."""
    from tests.api.crowd import gather

    name = clone_database()
    urls = {pool: cluster.url(pool.role, name) for pool in Pool}
    with gather(urls, tmp_path_factory.mktemp("crowd")) as crowd:
        yield crowd


@pytest.fixture
def own_crowd(cluster: Cluster, clone_database: CloneDatabase, tmp_path: Path) -> Iterator[Crowd]:
    """A crowd whose clock and throttle a test may move."""
    from tests.api.crowd import gather

    name = clone_database()
    urls = {pool: cluster.url(pool.role, name) for pool in Pool}
    with gather(urls, tmp_path) as crowd:
        yield crowd
