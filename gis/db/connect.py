"""Open the database the settings name: the embedded cluster, or a server by URL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import create_engine

from gis.attributes import Text
from gis.db.cluster import Cluster
from gis.db.handle import PooledDatabase
from gis.db.roles import OWNER, Pool
from gis.db.setup import create_database, migrate, prepare_database
from gis.errors import SetupError
from gis.settings import Settings

DATABASE = "infratrack"


@dataclass(frozen=True, slots=True)
class Installation:
    """An open database: its handle, the owner's URL, and the cluster when it is our own."""

    db: PooledDatabase
    urls: dict[Pool, str]
    owner_url: str
    cluster: Cluster | None
    close: Callable[[], None] = field(repr=False)


def open_installation(settings: Settings, *, upgrade: bool = True) -> Installation:
    """Start (if embedded), create and migrate the database, and connect every role to it."""
    if settings.database_url is not None:
        return _open_server(settings, upgrade=upgrade)
    cluster = Cluster(settings.state_folder)
    cluster.ensure()
    owner_url = cluster.url(OWNER, DATABASE)
    if upgrade:
        create_database(cluster.superuser_url(), DATABASE)
        _prepare_and_migrate(cluster.superuser_url(DATABASE), owner_url)
    urls = {pool: cluster.url(pool.role, DATABASE) for pool in Pool}
    db = PooledDatabase(urls, pool_size=settings.pool_size, require_room=cluster.require_room)

    def close() -> None:
        db.close()
        cluster.release()

    return Installation(db=db, urls=urls, owner_url=owner_url, cluster=cluster, close=close)


def _prepare_and_migrate(superuser_url: str, owner_url: str) -> None:
    superuser = create_engine(superuser_url)
    with superuser.begin() as connection:
        prepare_database(connection)
    superuser.dispose()
    owner = create_engine(owner_url)
    migrate(owner)
    owner.dispose()


def _open_server(settings: Settings, *, upgrade: bool) -> Installation:
    urls: dict[Pool, str] = {pool: getattr(settings, f"database_url_{pool.value}") for pool in Pool}
    missing = [f"GIS_DATABASE_URL_{pool.value.upper()}" for pool, url in urls.items() if not url]
    if missing or settings.database_url is None:
        raise SetupError(
            Text(
                zh="使用外部数据库时还需设置 {missing}(每个登录角色一个)",
                en="with a server database also set {missing} (one per login role)",
            ).format(missing=", ".join(missing)),
            missing=missing,
        )
    if upgrade:
        owner = create_engine(settings.database_url)
        migrate(owner)
        owner.dispose()
    db = PooledDatabase(urls, pool_size=settings.pool_size)
    return Installation(
        db=db, urls=urls, owner_url=settings.database_url, cluster=None, close=db.close
    )
