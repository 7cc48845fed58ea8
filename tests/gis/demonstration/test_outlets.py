"""Every network of the county ends at a plant or an outfall, and its pipes say so."""

from collections import Counter

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from sqlalchemy import text

from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from gis.demonstration.county import County
from tests.gis.demonstration.conftest import ask
from tests.gis.demonstration.test_county import GRID_SCALE

NETWORKS = 19
"""Nine towns with storm and sanitary sewers apart, an old quarter with combined ones."""
ROUNDING_M = 0.01


def current(county: County, kind: str) -> gpd.GeoDataFrame:
    return county.frames[kind].drop_duplicates("id", keep="last").set_index("code")


def test_each_network_reaches_a_facility_of_its_own(loaded: PooledDatabase, county: County) -> None:
    """Followed upstream in the database, each facility drains what the generator says."""
    found = ask(
        loaded,
        "WITH RECURSIVE up (outlet, node, length_m) AS ("
        " SELECT f.code, p.up_node, p.length_m FROM core.sewage_facility f"
        " JOIN core.sewer_pipe p ON p.down_node = f.code UNION ALL"
        " SELECT up.outlet, p.up_node, p.length_m FROM up"
        " JOIN core.sewer_pipe p ON p.down_node = up.node)"
        " SELECT outlet, sum(length_m) FROM up GROUP BY 1",
    )
    told = county.oracle["network"]["outlets"]
    assert len(told) == NETWORKS
    assert found == pytest.approx(told, rel=2 * GRID_SCALE)
    assert min(found.values()) > 1000
    total = sum(county.oracle["pipe_m_by_system"].values())
    assert sum(told.values()) + county.oracle["network"]["m_to_nowhere"] == pytest.approx(total)


def test_only_loose_ends_part_the_networks(loaded: PooledDatabase, county: County) -> None:
    """A loose end cuts off what drains to it; a misconnection only moves it to another network."""
    with loaded.read(Pool.JOBS) as connection:
        pipes = connection.execute(text("SELECT up_node, down_node FROM core.sewer_pipe")).all()
        nodes = (
            connection.execute(
                text(
                    "SELECT code FROM core.sewer_manhole UNION ALL SELECT code FROM"
                    " core.sewage_facility WHERE facility_type <> 'pumping_station'"
                )
            )
            .scalars()
            .all()
        )
    beside: dict[str, set[str]] = {node: set() for node in nodes}
    for up, down in pipes:
        if down is not None:
            beside[up].add(down)
            beside[down].add(up)
    parts = 0
    while beside:
        parts, open_nodes = parts + 1, [next(iter(beside))]
        while open_nodes:
            open_nodes += beside.pop(open_nodes.pop(), ())
    loose = county.oracle["faults"]["loose_end"]
    assert parts == county.oracle["network"]["components"] == NETWORKS + len(loose)


def test_storm_water_ends_at_outfalls_and_sewage_at_plants(county: County) -> None:
    pipes, facilities = current(county, "sewer_pipe"), current(county, "sewage_facility")
    last = pipes[pipes["down_node"].isin(facilities.index)]
    kinds = facilities["facility_type"].reindex(last["down_node"]).to_numpy()
    pairs = set(zip(last["system"], kinds, strict=True))
    assert pairs == {
        ("storm", "outfall"), ("combined", "outfall"), ("sanitary", "treatment_plant"),
    }  # fmt: skip
    assert len(last) == NETWORKS
    bottoms = facilities["bottom_m"].reindex(last["down_node"]).to_numpy()
    above = last["down_invert_m"].to_numpy() - bottoms
    assert ((above > 0.2) & (above < 0.4)).all()
    water = facilities.loc[facilities["facility_type"] == "outfall", "receiving_water"]
    assert water.notna().all()
    assert (water == "云屏河").sum() == 2  # the seat and its old quarter lie at the river


def test_pipes_begin_and_end_at_the_nodes_they_name(county: County) -> None:
    pipes = current(county, "sewer_pipe").to_crs(4542)
    nodes = pd.concat(
        [current(county, kind).to_crs(4542).geometry for kind in ("sewer_manhole",
                                                                  "sewage_facility")]
    )  # fmt: skip
    assert nodes.index.is_unique
    assert pipes.index.is_unique
    for column, at in (("up_node", 0), ("down_node", -1)):
        named = pipes[pipes[column].notna()]
        away = shapely.distance(
            shapely.get_point(named.geometry.to_numpy(), at),
            nodes.reindex(named[column]).to_numpy(),
        )
        assert away.max() < ROUNDING_M, column


def test_a_main_down_the_hillside_has_drop_manholes(county: County) -> None:
    manholes, pipes = current(county, "sewer_manhole"), current(county, "sewer_pipe")
    drops = manholes[manholes["manhole_type"] == "drop"]
    mains = pipes[pipes["down_node"].isin(drops.index)]
    arriving = mains.set_index("down_node")["down_invert_m"].reindex(drops.index)
    leaving = pipes.set_index("up_node")["up_invert_m"].reindex(drops.index)
    assert len(drops) > 50
    assert (arriving - leaving).between(0.5, 3.0).all()
    assert (drops["ground_m"] - arriving).min() > 2.0  # a DN 2000 still lies under the ground


def test_the_planted_misconnections_are_where_systems_meet_wrongly(
    loaded: PooledDatabase, county: County
) -> None:
    """As the database sees them: a pipe of one system that ends in a manhole of another."""
    with loaded.read(Pool.JOBS) as connection:
        rows = connection.execute(
            text(
                "WITH RECURSIVE wrong AS (SELECT p.code, p.up_node, p.system, m.system AS other"
                " FROM core.sewer_pipe p JOIN core.sewer_manhole m ON m.code = p.down_node"
                " WHERE m.system <> p.system),"
                " up (code, node, length_m) AS (SELECT w.code, w.up_node, p.length_m FROM wrong w"
                " JOIN core.sewer_pipe p ON p.code = w.code UNION ALL"
                " SELECT up.code, p.up_node, p.length_m FROM up"
                " JOIN core.sewer_pipe p ON p.down_node = up.node)"
                " SELECT w.code, w.system, w.other, sum(up.length_m) FROM wrong w"
                " JOIN up USING (code) GROUP BY 1, 2, 3"
            )
        ).all()
    found = {code: (own, other, float(length)) for code, own, other, length in rows}
    told = {row["pipe"]: row for row in county.oracle["misconnections"]}
    assert found.keys() == told.keys()
    for code, (own, other, length) in found.items():
        assert (own, other) == (told[code]["from"], told[code]["to"])
        assert length == pytest.approx(told[code]["upstream_m"], rel=2 * GRID_SCALE)
    planted = [row for row in told.values() if row["planted"]]
    pairs = Counter((row["from"], row["to"], round(row["upstream_m"])) for row in planted)
    # Pipes of 24 m: three, two, four, two, three and three of them.
    assert pairs == {
        ("sanitary", "storm", 72): 1, ("sanitary", "storm", 48): 1,
        ("storm", "sanitary", 96): 1, ("storm", "sanitary", 48): 1,
        ("combined", "storm", 72): 1, ("combined", "sanitary", 72): 1,
    }  # fmt: skip
    moved = {row["pipe"] for row in told.values() if not row["planted"]}
    assert moved == set(county.oracle["faults"]["misconnection"])
