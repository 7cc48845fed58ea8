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
from sqlalchemy import insert, select

from gis import store
from gis.attributes import Text
from gis.db import tables
from gis.db.handle import Database
from gis.db.roles import Pool
from gis.demonstration.campaign_sites import (
    count_campaign_sites,
    make_flood_points,
    make_land_plots,
)
from gis.demonstration.lives import Life, draw_life, unfold
from gis.demonstration.plan import (
    AS_OF,
    COUNTY_CODE,
    COUNTY_NAME,
    SURVEYED,
    make_identities,
    make_towns,
    spread_of,
    to_storage,
)
from gis.demonstration.sewers import make_network
from gis.demonstration.sites import (
    make_built_up,
    make_facilities,
    make_gas_sites,
    make_parks,
    make_people,
    make_villages,
)
from gis.demonstration.streets import make_streets
from gis.demonstration.units import Units, make_units
from gis.demonstration.works import make_hazards, make_projects
from gis.errors import ConflictError
from gis.geometry import STORAGE_SRID, as_geometries
from gis.hazards.record import load_events
from gis.kinds import KINDS

Progress = Callable[[Text, float], None]
SOURCE = "demonstration"


@dataclass(frozen=True, slots=True)
class County:
    """Rows of versions by kind (lon/lat), hazard events, and the figures that must come out."""

    code: str
    name_zh: str
    name_en: str
    seed: int
    scale: float
    extent: Polygon
    frames: dict[str, gpd.GeoDataFrame]
    events: list[dict[str, Any]]  # Any: values of an event
    oracle: dict[str, Any]  # Any: JSON


def build_county(seed: int = 1, scale: float = 1.0) -> County:
    """Build the county; the same seed and scale give the same county, to the byte."""
    rng = np.random.default_rng(seed)
    towns = make_towns(rng, scale)
    units = make_units(rng, towns, spread_of(scale))
    streets = make_streets(rng, towns)
    network = make_network(rng, towns)
    lives = _draw_lives(rng)
    roads = pd.DataFrame(
        {
            "code": [s.code for s in streets],
            "name": [s.name for s in streets],
            "road_class": [s.road_class for s in streets],
            "right_of_way_m": [s.width_m for s in streets],
            "carriageway_width_m": [round(s.width_m * 0.6, 1) for s in streets],
            "township": [s.township or None for s in streets],
            "town": [s.town for s in streets],
            "batch": [s.batch for s in streets],
            "geometry": as_geometries(s.line for s in streets),
        }
    )
    assets = {
        "sewer_pipe": network.pipes,
        "sewer_manhole": network.manholes,
        "road": roads,
        "pocket_park": make_parks(rng, towns).assign(town=0),
    }
    plain = {
        "sewage_facility": make_facilities(towns).assign(progress="accepted"),
        "gas_site": make_gas_sites(rng, streets, towns),
        "traditional_village": make_villages(rng, units),
        "population": make_people(rng, towns, units),
        "built_up_area": make_built_up(towns),
        "admin_unit": _unit_frame(units),
    }
    plane: dict[str, pd.DataFrame] = {}
    for kind, frame in assets.items():
        own = frame.assign(id=make_identities(rng, len(frame)))
        keys = zip(own["town"], own["batch"], strict=True)
        mine = [lives(kind, int(town), int(batch)) for town, batch in keys]
        # New works belong to the project of their town; what was there before belongs to none.
        codes = [f"XM{2024 + t % 3}{t + 1:03d}" for t in own["town"]]
        own["project_code"] = [c if life else None for c, life in zip(codes, mine, strict=True)]
        plane[kind] = unfold(own.drop(columns=["town", "batch"]), mine)
    for kind, frame in plain.items():
        plane[kind] = frame.assign(id=make_identities(rng, len(frame)), valid_from=SURVEYED)
    plane["project"] = make_projects(rng, towns)
    plane["flood_point"] = make_flood_points(seed, towns)
    plane["land_plot"] = make_land_plots(seed, towns)
    last = {k: f.drop_duplicates("id", keep="last") for k, f in plane.items()}
    events = make_hazards(rng, last["gas_site"], last["sewer_manhole"], last["traditional_village"])
    oracle = _write_down(seed, scale, plane, last, events, network.faults)
    _place_events(events)
    county = next(u.area for u in units.units if u.level == "county")
    return County(
        code=COUNTY_CODE,
        name_zh=COUNTY_NAME[0],
        name_en=COUNTY_NAME[1],
        seed=seed,
        scale=scale,
        extent=shapely.Polygon(to_storage(as_geometries([county.geoms[0]]))[0].exterior),
        frames={kind: _as_stored(kind, frame) for kind, frame in plane.items()},
        events=events,
        oracle=oracle,
    )


def _draw_lives(rng: np.random.Generator) -> Callable[[str, int, int], Life | None]:
    """Works come in batches (a street, a set of parks): a third of them is new."""
    drawn: dict[tuple[str, int, int], Life | None] = {}

    def life(kind: str, town: int, batch: int) -> Life | None:
        # Pipes and manholes of one street are built together.
        key = ("sewer" if kind.startswith("sewer") else kind, town, batch)
        if key not in drawn:
            new = rng.random() < (0.75 if kind == "pocket_park" else 0.36) and batch != 900
            drawn[key] = draw_life(rng) if new else None
        return drawn[key]

    return life


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


def _write_down(
    seed: int,
    scale: float,
    versions: dict[str, pd.DataFrame],
    last: dict[str, pd.DataFrame],
    events: list[dict[str, Any]],  # Any: values of an event
    faults: dict[str, list[str]],
) -> dict[str, Any]:  # Any: JSON
    """Every figure the generator knows, from its own plane and records, not from the database."""
    pipes, roads, parks = last["sewer_pipe"], last["road"], last["pocket_park"]
    length = pd.Series(shapely.length(pipes["geometry"].to_numpy()), index=pipes.index)
    state: dict[str, str] = {}
    due: dict[str, pd.Timestamp] = {}
    for event in events:
        state[event["hazard_id"]] = event["type"]
        if event["type"] == "extended":
            state[event["hazard_id"]] = "rectifying"
        if "due_at" in event["payload"]:
            due[event["hazard_id"]] = pd.Timestamp(event["payload"]["due_at"])
    closed = {"closed", "dismissed", "duplicate", "transferred"}
    finished = versions["sewer_pipe"]
    finished = finished[finished["progress"] == "completed"]
    year = pd.to_datetime(finished["valid_from"]).dt.year
    built = pd.Series(shapely.length(finished["geometry"].to_numpy()), index=finished.index)
    return {
        "seed": seed,
        "scale": scale,
        "as_of": AS_OF.isoformat(),
        "counts": {kind: len(frame) for kind, frame in last.items()} | {"hazard": len(state)},
        "versions": {kind: len(frame) for kind, frame in versions.items()}
        | {"hazard": len(events)},
        "pipe_m_by_system": length.groupby(pipes["system"]).sum().round(3).to_dict(),
        "pipe_m_by_progress": length.groupby(pipes["progress"]).sum().round(3).to_dict(),
        "pipe_m_completed_by_year": {
            str(k): round(float(v), 3) for k, v in built.groupby(year).sum().items()
        },
        "road_m_by_class": pd.Series(
            shapely.length(roads["geometry"].to_numpy()), index=roads.index
        )
        .groupby(roads["road_class"])
        .sum()
        .round(3)
        .to_dict(),
        "park_m2": round(float(shapely.area(parks["geometry"].to_numpy()).sum()), 3),
        "people": float(last["population"]["people"].sum()),
        "villages_by_stage": last["traditional_village"]["stage"].value_counts().to_dict(),
        "projects_total_yuan": float(last["project"]["total_investment_yuan"].sum()),
        "projects_by_stage": last["project"]["stage"].value_counts().to_dict(),
        "hazards_by_state": pd.Series(state).value_counts().to_dict(),
        "hazards_overdue": sum(
            1 for h, when in due.items() if state[h] not in closed and when < AS_OF
        ),
        "faults": faults,
        **count_campaign_sites(last),
    }


def load_county(db: Database, county: County, *, actor: str, progress: Progress) -> dict[str, int]:
    """Load the county in one transaction; rows per kind. The same county again changes nothing.

    Another county's data in the database is a ConflictError.
    """
    reason = f"demonstration county, seed {county.seed}, scale {county.scale:g}"
    with db.write(actor=actor, reason=reason, pool=Pool.JOBS) as connection:
        found = connection.execute(select(tables.county.c.code, tables.county.c.name_en)).all()
        label = f"{county.name_en} #{county.seed}/{county.scale:g}"
        if found and [tuple(row) for row in found] != [(county.code, label)]:
            raise ConflictError(
                Text(
                    zh="数据库中已有另一个县({code}):演示县只载入空库",
                    en="another county ({code}) is in the database: the demonstration county"
                    " goes into an empty one",
                ).format(code=found[0].code)
            )
        if found:
            return dict(county.oracle["counts"])
        connection.execute(
            insert(tables.county).values(
                code=county.code,
                name_zh=county.name_zh,
                name_en=label,
                extent=from_shape(county.extent, srid=STORAGE_SRID),
                is_demonstration=True,
            )
        )
        for n, (kind, frame) in enumerate(county.frames.items()):
            progress(
                Text(zh="载入{zh}", en="Loading: {en}").format(**KINDS[kind].label.as_dict()),
                0.1 + 0.8 * n / len(county.frames),
            )
            store.load_versions(connection, kind, frame)
        progress(Text(zh="载入隐患", en="Loading hazards"), 0.95)
        load_events(connection, county.events)
    progress(Text(zh="演示县已载入", en="The county is loaded"), 1.0)
    return dict(county.oracle["counts"])


def write_oracle(county: County, path: Path) -> None:
    """The county's figures as JSON beside it."""
    path.write_text(json.dumps(county.oracle, ensure_ascii=False, indent=1), encoding="utf-8")
