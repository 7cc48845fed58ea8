"""A week of citizens' requests of St. Louis as hazards: the published figures come out.

Published with the file (its notes): 1,554 rows, 13 of them exact copies, 22 repeat an earlier
request id, 518 closed after the date promised, 48 without coordinates, statuses in mixed case,
'NA' for missing. Everything else expected here is counted in the raw rows, without the figures.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import geopandas as gpd
import pandas as pd
import pytest
from pyproj import Transformer
from shapely import Point
from sqlalchemy import text

from gis.hazards.cohort import Dimension, Question, find_rows
from gis.hazards.figures import Part, compute_figures
from gis.hazards.record import find_drift, import_hazards
from gis.kinds.hazard import Hazard
from tests.conftest import OneTransaction

NAME = "requests_stlouis_csb/csb_requests_2018_01.csv"
CHICAGO = ZoneInfo("America/Chicago")
EXPORTED = datetime(2019, 1, 10, tzinfo=UTC)
"""After the last moment in the file (9 January 2019)."""
STATES = {
    "CLOSED": "closed",
    "CANCEL": "dismissed",
    "ON HOLD": "deferred",
    "NEW": "registered",
    "INSPECT": "notified",
    "LETTER": "notified",
    "SCHEDULED": "rectifying",
    "DISPTCH": "rectifying",
    "FIELDCRW": "rectifying",
}
Row = dict[str, str]
Load = Callable[[bool], list[dict[str, Any]]]


def moment(value: str) -> datetime | None:
    """The file's local clock, or nothing: a missing date stays missing."""
    if value == "NA":
        return None
    return datetime.fromisoformat(value).replace(tzinfo=CHICAGO)


def category(problem: str) -> str:
    words = problem.casefold()
    if any(w in words for w in ("sewer", "wtr", "water", "inlet")):
        return "sewer"
    if any(w in words for w in ("pothole", "street", "light", "sign", "rt of way")):
        return "road"
    return "other"


@pytest.fixture(scope="module")
def rows(real_folder: Path) -> list[Row]:
    with (real_folder / NAME).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def find_places(rows: list[Row]) -> list[tuple[Point, bool]]:
    """A point of each row (feet of the state plane -> lon/lat), and whether it is its own.

    What has no coordinates lies at the middle of its neighbourhood, of the city without one.
    """
    to_degrees = Transformer.from_crs("ESRI:102696", "EPSG:4490", always_xy=True)
    frame = pd.DataFrame(rows)[["neighborhood", "srx", "sry"]]
    for name in ("srx", "sry"):
        frame[name] = pd.to_numeric(frame[name].replace("NA", None))
    own = frame["srx"].notna()
    for name in ("srx", "sry"):
        middle = frame.groupby("neighborhood")[name].transform("mean")
        frame[name] = frame[name].fillna(middle).fillna(frame[name].mean())
    lon, lat = to_degrees.transform(frame["srx"].to_numpy(), frame["sry"].to_numpy())
    return [(Point(x, y), bool(o)) for x, y, o in zip(lon, lat, own, strict=True)]


def as_hazards(rows: list[Row], *, merge: bool) -> gpd.GeoDataFrame:
    """Rows of the register; ``merge``: a repeated request id is a duplicate of the first."""
    seen: dict[str, int] = {}
    records, points = [], []
    for row, (place, is_own) in zip(rows, find_places(rows), strict=True):
        key = row["requestid"]
        seen[key] = seen.get(key, 0) + 1
        code = key if seen[key] == 1 else f"{key}-{seen[key]}"
        state = STATES[row["status"].upper()]
        repeated = merge and seen[key] > 1
        due = moment(row["prjcompletedate"])
        record = {
            "code": code,
            "source": "csb",
            "source_code": code,
            "state": "duplicate" if repeated else state,
            "survivor": key if repeated else None,
            "severity": "general_b",
            "category": category(row["problemcode"]),
            "origin": "hotline",
            "description": row["description"][:2000],
            "duty_holder": row["submitto"].strip(" ,"),
            "found_at": moment(row["datetimeinit"]),
            "due_at": due,
            "original_due_at": due,
            "closed_at": moment(row["datetimeclosed"]),
            "is_open": not repeated and state not in ("closed", "dismissed"),
            "missing": {} if is_own else {"geometry": "no coordinates in the source"},
        }
        records.append(Hazard.model_validate(record).model_dump(mode="json"))
        points.append(place)
    return gpd.GeoDataFrame(records, geometry=points, crs=4490)


def load(db: OneTransaction, rows: list[Row], *, merge: bool) -> Part:
    with db.write(actor="test", reason="St. Louis") as connection:
        frame = as_hazards(rows, merge=merge)
        counts = import_hazards(connection, frame, stated_at=EXPORTED)
        assert counts.added == len(rows)
        again = import_hazards(connection, frame, stated_at=EXPORTED)
        assert (again.added, again.changed, again.unchanged) == (0, 0, len(rows))
        assert find_drift(connection) == []
        (part,) = compute_figures(connection, Question(), now=EXPORTED)
    return part


def test_every_row_counted_the_figures_are_the_published_ones(
    db: OneTransaction, rows: list[Row]
) -> None:
    assert len(rows) == 1554
    part = load(db, rows, merge=False)
    # 1,430 closed, of which 4 without a promised date and 518 after it; 84 open, 1 on hold.
    assert {key: part.count(key) for key in (
        "closed_late", "closed_in_time", "closed_without_order", "overdue", "not_due",
        "deferred", "dismissed", "duplicate", "on_spot", "transferred", "undecided", "ordered",
        "found",
    )} == {
        "closed_late": 518, "closed_in_time": 908, "closed_without_order": 4, "overdue": 84,
        "not_due": 0, "deferred": 1, "dismissed": 39, "duplicate": 0, "on_spot": 0,
        "transferred": 0, "undecided": 4, "ordered": 1511, "found": 1515,
    }  # fmt: skip
    on_time = part.figures["on_time_rate.general"]
    assert (on_time.numerator, on_time.denominator) == (908, 908 + 518 + 84)
    assert on_time.interval is None  # more than a hundred cases
    assert part.figures["on_time_rate.major"].value is None
    assert len(find_rows(db.connection, Question(), "closed_late", now=EXPORTED)) == 518


def test_repeated_requests_are_duplicates_outside_the_figures(
    db: OneTransaction, rows: list[Row]
) -> None:
    assert len({tuple(row.values()) for row in rows}) == 1554 - 13
    part = load(db, rows, merge=True)
    assert part.count("duplicate") == 22
    firsts = list({row["requestid"]: row for row in reversed(rows)}.values())
    assert len(firsts) == 1532
    # ISO moments of equal form sort as text, so this needs no clock.
    late = [r for r in firsts if r["datetimeclosed"] != "NA" != r["prjcompletedate"]
            and r["datetimeclosed"] > r["prjcompletedate"]]  # fmt: skip
    assert part.count("closed_late") == len(late) == 505
    assert part.count("found") == 1532 - part.count("dismissed")
    with db.read() as connection:
        lost = connection.execute(
            text(
                "SELECT count(*) FROM core.hazard d WHERE d.state = 'duplicate' AND NOT EXISTS"
                " (SELECT 1 FROM core.hazard s WHERE s.code = d.survivor)"
            )
        ).scalar()
    assert lost == 0


def test_times_count_the_open_requests_as_open(db: OneTransaction, rows: list[Row]) -> None:
    part = load(db, rows, merge=False)
    counted = [row for row in rows if row["status"].upper() != "CANCEL"]
    assert len(counted) == 1515
    spans = []
    for row in counted:
        start, end = moment(row["datetimeinit"]), moment(row["datetimeclosed"])
        assert start is not None
        # Different zones on both sides of summer time: compare moments, not clocks.
        span = (end.astimezone(UTC) - start.astimezone(UTC)) if end else None
        spans.append(math.inf if span is None else span.total_seconds() / 86400)
    spans.sort()
    # Every open request has been open longer than the ninetieth in a hundred took to close,
    # so the censored quantiles are plain ranks.
    figures = part.figures
    for key, share in (("rectified_median", 0.5), ("rectified_p90", 0.9)):
        rank = math.ceil(share * len(spans)) - 1
        assert spans[rank] < 300
        assert figures[f"{key}.general"].value == pytest.approx(spans[rank], abs=1e-6)
    closed = figures["rectified_median.general"]
    assert (closed.numerator, closed.denominator) == (1430, 1515)


def test_what_has_no_place_says_so_and_every_part_adds_up(
    db: OneTransaction, rows: list[Row]
) -> None:
    whole = load(db, rows, merge=False)
    with db.read() as connection:
        unplaced, inside = connection.execute(
            text(
                "SELECT count(*) FILTER (WHERE missing ? 'geometry'), count(*) FILTER (WHERE"
                " ST_X(geometry) BETWEEN -90.35 AND -90.15 AND ST_Y(geometry) BETWEEN 38.5"
                " AND 38.8) FROM core.hazard"
            )
        ).one()
        units = compute_figures(connection, Question(by=Dimension.UNIT), now=EXPORTED)
        days = compute_figures(
            connection,
            Question(start=datetime(2018, 1, 3, 6, tzinfo=UTC)),
            now=EXPORTED,
        )
    assert (unplaced, inside) == (48, 1554)
    for key in ("found", "closed_late", "overdue", "dismissed"):
        assert sum(part.count(key) for part in units) == whole.count(key)
    assert any(part.value == "WATER DIV" for part in units)
    # Six hours past midnight in Greenwich is midnight in St. Louis.
    later = [row for row in rows if row["datetimeinit"] >= "2018-01-03"]
    cancelled = [row for row in later if row["status"].upper() == "CANCEL"]
    assert days[0].count("found") == len(later) - len(cancelled)
