"""Coverage of sites in a period: what was visited, what proves it, what nobody has been in.

A visit covers its site when it got in, was made at the site (its code scanned, or a position
within 50 m or twice its accuracy, whichever is more) and answered every line of its checklist
that applies to the type of the site.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pandas as pd
from sqlalchemy import Connection

from gis.db.tables import CORE
from gis.hazards.forms import list_forms, read_form
from gis.hazards.sites import site_kinds
from gis.hazards.visit_figures import VISIT_COLUMNS, SiteCoverage, count_coverage, list_sites
from gis.kinds import get_kind
from gis.kinds.hazard import HazardCategory
from gis.queries import Parameters

NEAR_M = 50.0
"""Least radius in which a visit is at its site: fences and courtyards, and phones' errors."""
METRES_PER_DEGREE = 111_195.0
"""Of a great circle of 6,371 km; good to 0.6 %, far better than the positions."""
_PLACES = ("lon", "lat", "accuracy_m", "west", "south", "east", "north")
_READ = (*VISIT_COLUMNS, "is_complete", "is_scanned", *_PLACES)


def cover_sites(
    connection: Connection,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    categories: Iterable[HazardCategory] | None = None,
    township: str | None = None,
) -> list[SiteCoverage]:
    """Coverage by category of the visits from ``start`` until before ``end`` (aware moments), of
    the sites that are to be visited now; of one township where one is given."""
    wanted = tuple(categories) if categories is not None else tuple(HazardCategory)
    sites = list_sites(connection, [c for c in wanted if c in site_kinds()], township=township)
    visits = read_visits(connection, start=start, end=end, categories=wanted, township=township)
    return count_coverage(sites, visits)


def read_visits(
    connection: Connection,
    *,
    start: datetime | None,
    end: datetime | None,
    categories: Sequence[HazardCategory],
    township: str | None = None,
) -> pd.DataFrame:
    """Visits of a period, in one statement: the columns :func:`count_coverage` asks for, and
    ``is_valid``."""
    parameters: Parameters = {
        "start": start,
        "end": end,
        "categories": [c.value for c in categories],
        "township": township,
        "forms": orjson.dumps(_expected_answers()).decode(),
        "newest": orjson.dumps(_newest_forms()).decode(),
    }
    rows = connection.exec_driver_sql(_VISITS.format(sites=_sites_sql()), parameters).all()
    frame = pd.DataFrame([tuple(row) for row in rows], columns=list(_READ))
    return frame.assign(is_valid=_judge_place(frame) & frame["is_complete"].to_numpy(bool))


def name_sites(connection: Connection, sites: Iterable[str]) -> dict[str, str]:
    """Codes of assets by identifier (text); none for what is no asset of ours."""
    rows = connection.exec_driver_sql(
        f"SELECT id::text, code FROM {CORE}.asset WHERE id::text = ANY(%(sites)s)",
        {"sites": list(sites)},
    )
    return {row[0]: row[1] for row in rows}


_VISITS = (
    "SELECT v.asset_id::text, v.category, v.result, v.at, v.team,"
    " NOT EXISTS (SELECT 1 FROM jsonb_to_recordset(%(forms)s::jsonb ->"
    " coalesce(e.form, %(newest)s::jsonb ->> v.category)) AS x(item text, applies_to jsonb)"
    " WHERE (s.type IS NULL OR x.applies_to = '[]' OR x.applies_to ? s.type)"
    " AND NOT v.checklist @> jsonb_build_array(jsonb_build_object('item', x.item))),"
    " coalesce(e.asset_choice = 'scan', false), ST_X(e.geom_raw), ST_Y(e.geom_raw), e.accuracy_m,"
    " s.west, s.south, s.east, s.north"
    f" FROM {CORE}.visit v JOIN {CORE}.event e ON e.id = v.event_id"
    " LEFT JOIN LATERAL ({sites}) s ON true"
    " WHERE v.category = ANY(%(categories)s)"
    " AND (%(start)s::timestamptz IS NULL OR v.at >= %(start)s)"
    " AND (%(end)s::timestamptz IS NULL OR v.at < %(end)s)"
    " AND (%(township)s::text IS NULL OR coalesce(s.township, v.township) = %(township)s)"
)


def _sites_sql() -> str:
    """The site of a visit ``v``, whatever its kind: its type, township and box."""
    return " UNION ALL ".join(
        f"SELECT {'f.site_type' if 'site_type' in get_kind(kind).model_fields else 'NULL'} AS type,"
        " f.township, ST_XMin(f.geometry) AS west, ST_YMin(f.geometry) AS south,"
        " ST_XMax(f.geometry) AS east, ST_YMax(f.geometry) AS north"
        f" FROM {CORE}.{kind} f WHERE f.id = v.asset_id"
        for kind in sorted(set(site_kinds().values()))
    )


def _expected_answers() -> Mapping[str, Any]:  # Any: JSON
    """Per name of a form the items it asks, and the types of site each applies to."""
    return {
        name: [
            {"item": line["item"], "applies_to": line["applies_to"]}
            for line in read_form(name)["checklist"]
        ]
        for name in list_forms()
    }


def _newest_forms() -> Mapping[str, str]:
    """Per category the form a visit that names none is held against."""
    return {name.partition("@")[0]: name for name in list_forms()}


def _judge_place(visits: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Whether each visit was made at its site; without a position only a scanned code proves it."""
    lon, lat, accuracy, west, south, east, north = visits[list(_PLACES)].to_numpy(np.float64).T
    aside = np.maximum(np.maximum(west - lon, lon - east), 0) * np.cos(np.radians(lat))
    above = np.maximum(np.maximum(south - lat, lat - north), 0)
    reach = np.maximum(NEAR_M, 2 * np.nan_to_num(accuracy))
    is_near = METRES_PER_DEGREE * np.hypot(aside, above) <= reach
    is_proven: npt.NDArray[np.bool_] = visits["asset_id"].notna().to_numpy() & (
        is_near | visits["is_scanned"].to_numpy(bool)
    )
    return is_proven
