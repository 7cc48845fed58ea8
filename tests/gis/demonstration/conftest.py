"""The demonstration county, built once and loaded once for the tests of this folder."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from gis.db.cluster import Cluster
from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from gis.demonstration.county import County, build_county, load_county
from gis.evidence.files import EvidenceFiles
from tests.conftest import CloneDatabase, connect_pools


@pytest.fixture(scope="package")
def county() -> County:
    return build_county(1, 1)


@pytest.fixture(scope="package")
def files(tmp_path_factory: pytest.TempPathFactory) -> EvidenceFiles:
    return EvidenceFiles(tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="package")
def loaded(
    cluster: Cluster, clone_database: CloneDatabase, county: County, files: EvidenceFiles
) -> Iterator[PooledDatabase]:
    database = connect_pools(cluster, clone_database())
    load_county(database, county, actor="test", progress=lambda *_: None, files=files)
    yield database
    database.close()


def ask(db: PooledDatabase, sql: str, **values: object) -> dict[str, float]:
    """Two columns as a dictionary, as the jobs role reads them."""
    with db.read(Pool.JOBS) as connection:
        return {str(k): float(v) for k, v in connection.execute(text(sql), values).all()}
