"""The whole county: built from a seed, loaded in one transaction, its figures written down."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from geoalchemy2.shape import from_shape
from shapely import Polygon
from sqlalchemy import Connection, insert, select, text

from gis import store
from gis.attributes import Text
from gis.db import tables
from gis.db.handle import Database
from gis.db.roles import Pool
from gis.demonstration.campaign_sites import make_flood_points, make_land_plots
from gis.demonstration.desilting import Season as Desilting
from gis.demonstration.desilting import load_desilting, plan_desilting
from gis.demonstration.evidence import count_evidence, gather_evidence, store_evidence
from gis.demonstration.flood_season import Season, load_season, make_season
from gis.demonstration.lives import unfold
from gis.demonstration.misconnections import plant_branches
from gis.demonstration.oracle import write_down
from gis.demonstration.outlets import make_mains
from gis.demonstration.plan import (
    COUNTY_CODE,
    COUNTY_NAME,
    SURVEYED,
    Floats,
    make_identities,
    make_towns,
    spread_of,
    to_storage,
)
from gis.demonstration.projects import (
    Project,
    link_assets,
    lives_by_key,
    make_projects,
    plan_projects,
    works_key,
)
from gis.demonstration.rounds import count_rounds, load_records, make_rounds
from gis.demonstration.sewers import TRUNK, make_network
from gis.demonstration.sites import (
    make_built_up,
    make_facilities,
    make_gas_sites,
    make_parks,
    make_people,
    make_villages,
)
from gis.demonstration.streets import Street, make_streets
from gis.demonstration.units import Units, make_units
from gis.demonstration.works import make_hazards
from gis.errors import ConflictError
from gis.evidence.files import EvidenceFiles
from gis.geometry import STORAGE_SRID, as_geometries
from gis.hazards.record import load_events
from gis.kinds import KINDS

Progress = Callable[[Text, float], None]
SOURCE = "demonstration"
BUILT = ("sewer_pipe", "sewer_manhole", "road", "pocket_park", "sewage_facility")
"""Kinds the bureau builds: their assets have a progress."""


@dataclass(frozen=True, slots=True)
class County:
    """Rows of versions by kind (lon/lat), hazard events, and the figures that must come out."""

    code: str
    name: Text
    made_from: dict[str, float]
    """Seed and scale."""
    extent: Polygon
    frames: dict[str, gpd.GeoDataFrame]
    events: list[dict[str, Any]]  # Any: values of an event
    records: tuple[dict[str, Any], ...]  # Any: values of a record
    """Campaigns and visits: what is on record beside the steps of hazards."""
    evidence: dict[str, tuple[str, bytes]]
    """Medium and bytes of the files the events promise, by their SHA-256."""
    links: pd.DataFrame
    """Rows of ``core.project_asset``."""
    season: Season
    desilting: Desilting
    oracle: dict[str, Any]  # Any: JSON


def build_county(seed: int = 1, scale: float = 1.0) -> County:
    """Build the county; the same seed and scale give the same county, to the byte."""
    rng = np.random.default_rng(seed)
    towns = make_towns(rng, scale)
    units = make_units(rng, towns, spread_of(scale))
    streets = make_streets(rng, towns)
    network = make_network(rng, towns)
    additions = [make_mains(seed, towns, network), plant_branches(seed, towns[0], network)]
    assets = {
        "sewer_pipe": _with_works(network.pipes),
        "sewer_manhole": _with_works(network.manholes),
        "road": _road_frame(streets),
        "pocket_park": make_parks(rng, towns),
        "sewage_facility": make_facilities(towns),
        "gas_site": make_gas_sites(rng, streets, towns).assign(works=None),
        "traditional_village": make_villages(rng, units, towns),
        "population": make_people(rng, towns, units).assign(works=None),
        "built_up_area": make_built_up(towns).assign(works=None),
        "admin_unit": _unit_frame(units).assign(works=None),
    }
    assets = {kind: f.assign(id=make_identities(rng, len(f))) for kind, f in assets.items()}
    keys = pd.concat([f["works"] for f in assets.values()]).dropna().unique()
    projects = plan_projects(rng, towns, list(keys))
    versions = {kind: _unfold_works(kind, f, projects) for kind, f in assets.items()}
    versions["project"] = make_projects(rng, projects, _places_of_works(assets))
    versions["flood_point"] = make_flood_points(seed, towns)
    versions["land_plot"] = make_land_plots(seed, towns)
    season = make_season(seed, versions)
    versions["land_plot"] = season.plots
    links = link_assets(projects, {kind: (f["id"], f["works"]) for kind, f in assets.items()})
    last = {k: f.drop_duplicates("id", keep="last") for k, f in versions.items()}
    events = make_hazards(rng, last["gas_site"], last["sewer_manhole"], last["traditional_village"])
    _place_events(events)
    rounds = make_rounds(seed, last, towns[0].township)
    steps, album = gather_evidence(seed, rounds.cases)
    events += steps
    _add_sewers(versions, last, additions)
    oracle: dict[str, Any] = {"seed": seed, "scale": scale} | write_down(
        versions, last, events=events, links=links, faults=network.faults
    )
    oracle |= count_rounds(rounds) | count_evidence(rounds.cases, album)
    known = {code for codes in network.faults.values() for code in codes}
    desilting = plan_desilting(seed, towns[0].township, last["sewer_pipe"], known)
    oracle |= {"flood_season": season.figures, "desilting": desilting.figures}
    county = next(u.area for u in units.units if u.level == "county")
    return County(
        code=COUNTY_CODE,
        name=Text(zh=COUNTY_NAME[0], en=COUNTY_NAME[1]),
        made_from={"seed": seed, "scale": scale},
        extent=shapely.Polygon(to_storage(as_geometries([county.geoms[0]]))[0].exterior),
        frames={kind: _as_stored(kind, frame) for kind, frame in versions.items()},
        events=events,
        records=rounds.records,
        evidence=album.files,
        links=links,
        season=season,
        desilting=desilting,
        oracle=oracle,
    )


def _add_sewers(
    versions: dict[str, pd.DataFrame],
    last: dict[str, pd.DataFrame],
    additions: list[tuple[pd.DataFrame, pd.DataFrame]],
) -> None:
    """Put manholes and pipes beside those under the streets; they were there before the survey."""
    for kind, *added in zip(("sewer_manhole", "sewer_pipe"), *additions, strict=True):
        more = [_unfold_works(kind, frame, []) for frame in added]
        versions[kind] = pd.concat([versions[kind], *more], ignore_index=True)
        last[kind] = versions[kind].drop_duplicates("id", keep="last")


def _road_frame(streets: list[Street]) -> pd.DataFrame:
    """Roads; those of a town's grid can be works, a street at a time."""
    own = [s.code[2].isdigit() for s in streets]
    return pd.DataFrame(
        {
            "code": [s.code for s in streets],
            "name": [s.name for s in streets],
            "road_class": [s.road_class for s in streets],
            "right_of_way_m": [s.width_m for s in streets],
            "carriageway_width_m": [round(s.width_m * 0.6, 1) for s in streets],
            "township": [s.township or None for s in streets],
            "works": [
                works_key("road", s.town, s.batch) if mine else None
                for s, mine in zip(streets, own, strict=True)
            ],
            "geometry": as_geometries(s.line for s in streets),
        }
    )


def _with_works(sewers: pd.DataFrame) -> pd.DataFrame:
    """Pipes and manholes of one street are built together; trunks were there before."""
    pairs = zip(sewers["town"], sewers["batch"], strict=True)
    keys = [None if batch == TRUNK else works_key("sewer", town, batch) for town, batch in pairs]
    return sewers.drop(columns=["town", "batch"]).assign(works=pd.Series(keys, dtype=object))


def _unfold_works(kind: str, frame: pd.DataFrame, projects: list[Project]) -> pd.DataFrame:
    """Versions of a kind: new works live with their project, what was there before stands."""
    known = lives_by_key(projects)
    found = [known.get(key) for key in frame["works"]]
    new = [pair if pair and pair[1].work == "new" else None for pair in found]
    own = frame.drop(columns="works")
    if kind not in BUILT:
        return own.assign(valid_from=SURVEYED)
    own["project_code"] = [pair[0].code if pair else None for pair in new]
    return unfold(own, [pair[1].life if pair else None for pair in new])


def _places_of_works(assets: dict[str, pd.DataFrame]) -> dict[str, Floats]:
    """Middles of the assets of each works' key, metres."""
    both = pd.concat([f[["works", "geometry"]] for f in assets.values()]).dropna()
    box = shapely.bounds(both["geometry"].to_numpy())
    middles = (box[:, :2] + box[:, 2:]) / 2
    rows = both.groupby("works", sort=False).indices
    return {str(key): middles[at] for key, at in rows.items()}


def _unit_frame(units: Units) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "code": [u.code for u in units.units],
            "name": [u.name for u in units.units],
            "level": [u.level for u in units.units],
            "parent_code": [u.parent for u in units.units],
            "geometry": as_geometries(u.area for u in units.units),
        }
    )


def _as_stored(kind: str, frame: pd.DataFrame) -> gpd.GeoDataFrame:
    defaults: dict[str, Any] = {"source": SOURCE, "source_code": frame["code"]}  # Any: columns
    for name, info in KINDS[kind].model_fields.items():
        if (
            name not in frame
            and name not in defaults
            and isinstance(info.default, str | bool | int)
        ):
            defaults[name] = getattr(info.default, "value", info.default)
    stored = frame.assign(**defaults, geometry=to_storage(as_geometries(frame["geometry"])))
    return gpd.GeoDataFrame(stored, geometry="geometry", crs=STORAGE_SRID)


def _place_events(events: list[dict[str, Any]]) -> None:  # Any: values of an event
    first = [e for e in events if e["type"] == "found"]
    xy = shapely.get_coordinates(to_storage(as_geometries(e["payload"]["point"] for e in first)))
    for event, (lon, lat) in zip(first, xy, strict=True):
        point = {"lon": float(lon), "lat": float(lat)}
        payload = {k: v for k, v in event["payload"].items() if k != "point"}
        event["payload"] = payload | point


def load_county(
    db: Database,
    county: County,
    *,
    actor: str,
    progress: Progress,
    files: EvidenceFiles | None = None,
) -> dict[str, int]:
    """Load the county in one transaction; rows per kind. The same county again changes nothing.

    Its evidence goes into ``files`` before, so that no record promises what has not arrived;
    without ``files`` the events promise what never comes. Another county's data in the database
    is a ConflictError.
    """
    with db.read(Pool.JOBS) as connection:
        is_there = _is_there(connection, county)
    if files is not None and not is_there:
        progress(Text(zh="存入证据", en="Storing evidence"), 0.05)
        store_evidence(db, files, county.evidence | county.desilting.files, actor=actor)
    reason = "demonstration county, seed {seed}, scale {scale:g}".format(**county.made_from)
    with db.write(actor=actor, reason=reason, pool=Pool.JOBS) as connection:
        if _is_there(connection, county):
            return dict(county.oracle["counts"])
        connection.execute(
            insert(tables.county).values(
                code=county.code,
                name_zh=county.name.zh,
                name_en=county.name.en,
                extent=from_shape(county.extent, srid=STORAGE_SRID),
                demonstration=county.made_from,
            )
        )
        for n, (kind, frame) in enumerate(county.frames.items()):
            progress(
                Text(zh="载入{zh}", en="Loading: {en}").format(**KINDS[kind].label.as_dict()),
                0.1 + 0.8 * n / len(county.frames),
            )
            store.load_versions(connection, kind, frame)
        progress(Text(zh="载入隐患", en="Loading hazards"), 0.95)
        load_records(connection, county.records)
        load_events(connection, county.events)
        load_season(connection, county.season)
        load_desilting(connection, county.desilting)
        _load_links(connection, county.links)
    progress(Text(zh="演示县已载入", en="The county is loaded"), 1.0)
    return dict(county.oracle["counts"])


def _is_there(connection: Connection, county: County) -> bool:
    """Whether this very county is in the database; another one is a ConflictError."""
    here = tables.county.c
    found = connection.execute(select(here.code, here.demonstration)).all()
    if found and [tuple(row) for row in found] != [(county.code, county.made_from)]:
        raise ConflictError(
            Text(
                zh="数据库中已有另一个县({code}):演示县只载入空库",
                en="another county ({code}) is in the database: the demonstration county"
                " goes into an empty one",
            ).format(code=found[0].code)
        )
    return bool(found)


def _load_links(connection: Connection, links: pd.DataFrame) -> None:
    table = tables.project_asset
    names = ", ".join(links.columns)
    store.copy_to_stage(connection, table, links)
    connection.execute(
        text(f"INSERT INTO {table} ({names}) SELECT {names} FROM stage_{table.name}")
    )
    connection.execute(text(f"DROP TABLE stage_{table.name}"))


def write_oracle(county: County, path: Path) -> None:
    """The county's figures as JSON beside it."""
    path.write_text(json.dumps(county.oracle, ensure_ascii=False, indent=1), encoding="utf-8")
