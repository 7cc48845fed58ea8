"""The live map on the real API and a real PostGIS: every kind, with hostile words in it."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError
from shapely import LineString, MultiPolygon, Point, Polygon
from shapely.geometry.base import BaseGeometry

from api.app import create_app
from gis import store
from gis.attributes import Vocabulary
from gis.db.cluster import Cluster
from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from gis.geometry import GeometryType
from gis.kinds import KINDS, Record
from gis.settings import Settings
from tests.browser.conftest import Opened, OpenPage
from tests.browser.live_server import serve
from tests.conftest import CloneDatabase

LON, LAT = 99.2, 25.1
HOSTILE = '<img src=x onerror="window.hit=1"></script>${window.hit=2}'


@dataclass
class County:
    """A served database with one hostile record of every kind."""

    base: str
    database: PooledDatabase
    ids: dict[str, str]


@pytest.fixture(scope="module")
def county(cluster: Cluster, clone_database: CloneDatabase, vendor: Path) -> Iterator[County]:
    name = clone_database()
    urls = {pool: cluster.url(pool.role, name) for pool in Pool}
    database = PooledDatabase(urls)
    ids = {}
    for number, kind in enumerate(KINDS.values()):
        with database.write(actor=HOSTILE, reason=HOSTILE, pool=Pool.JOBS) as connection:
            spot = (LON + number * 0.002, LAT)
            ids[kind.kind] = str(store.add(connection, hostile_record(kind), shape(kind, *spot)))
    settings = Settings(state_folder=vendor.parent)
    with serve(create_app(urls, settings)) as base:
        yield County(base, database, ids)
    database.close()


def shape(kind: type[Record], lon: float, lat: float) -> BaseGeometry:
    if kind.geometry_type is GeometryType.LINE:
        return LineString([(lon, lat), (lon + 0.0015, lat)])
    if kind.geometry_type is GeometryType.AREA:
        corners = [(lon, lat), (lon + 0.0015, lat), (lon + 0.0015, lat + 0.0015), (lon, lat)]
        return MultiPolygon([Polygon(corners)])
    return Point(lon, lat)


def hostile_record(kind: type[Record]) -> Record:
    """A record with the hostile text wherever the kind takes free text."""
    values = {name: _fill(info.annotation) for name, info in kind.model_fields.items()}
    values |= {
        "missing": {"note": HOSTILE},
        "code": HOSTILE[:64],
        "due_at": datetime.now(UTC),
        "year": 2025,
        "plot_year": 2025,
    }
    values = {name: value for name, value in values.items() if name in kind.model_fields}
    while True:
        try:
            return kind.model_validate({n: v for n, v in values.items() if v is not None})
        except ValidationError as refusal:
            # Only what a pattern or a relation forbids is left out; free text never is.
            for problem in refusal.errors():
                assert problem["loc"], problem
                assert values.get(str(problem["loc"][0])) is not None, problem
                values[str(problem["loc"][0])] = None


def _fill(annotation: object) -> object:
    options = [annotation, *typing.get_args(annotation)]
    for option in options:
        if isinstance(option, type) and issubclass(option, Vocabulary):
            return next(iter(option))
    if datetime in options:
        return datetime(2025, 1, 2, tzinfo=UTC)
    if date in options:
        return date(2025, 1, 2)
    if str in options or any(str in typing.get_args(option) for option in options):
        return HOSTILE
    return True if bool in options else 1 if {int, float} & set(options) else None


def open_map(open_page: OpenPage, county: County, path: str, *, width: int = 1440) -> Opened:
    one = open_page(county.base, path, width=width)
    one.settle()
    return one


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("name", ["progress", "hazards"])
@pytest.mark.parametrize("width", [1440, 390])
def test_both_maps_open_without_a_complaint(
    open_page: OpenPage, county: County, name: str, lang: str, width: int
) -> None:
    one = open_map(open_page, county, f"/maps/{name}?lang={lang}", width=width)
    assert (one.foreign, one.complaints, one.refused) == ([], [], [])
    assert one.page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_hostile_words_in_every_attribute_of_a_kind_stay_words(
    open_page: OpenPage, county: County, kind: str
) -> None:
    name = "hazards" if kind == "hazard" else "progress"
    target = f"{kind}:{county.ids[kind]}"
    one = open_map(open_page, county, f"/maps/{name}#17/{LAT}/{LON}/{kind}/zh/-/{target}")
    one.page.locator("#popup .history li").first.wait_for()
    card = one.page.locator("#popup").text_content() or ""
    assert card.count(HOSTILE[:40]) >= 3
    one.page.click("#language")
    one.page.locator("#popup .history li").first.wait_for()
    assert one.page.evaluate("window.hit") is None
    assert one.page.locator("img").count() == 0
    assert (one.complaints, one.refused) == ([], [])


@pytest.mark.parametrize(
    ("name", "kind", "zoom"),
    [("hazards", "hazard", 15), ("progress", "sewer_pipe", 16), ("progress", "pocket_park", 16)],
)
def test_a_click_on_a_real_tile_opens_the_card(
    open_page: OpenPage, county: County, name: str, kind: str, zoom: int
) -> None:
    place = shape(KINDS[kind], LON + list(KINDS).index(kind) * 0.002, LAT).representative_point()
    one = open_map(open_page, county, f"/maps/{name}#{zoom}/{place.y}/{place.x}/{kind}/zh")
    one.page.locator("#map").click()
    one.page.locator("#popup .history li").first.wait_for()
    assert HOSTILE[:40] in (one.page.locator("#popup h2").text_content() or "")


def test_features_without_a_code_yet_are_not_listed_but_open_with_it(
    open_page: OpenPage, county: County
) -> None:
    """Tiles below ``named_from`` carry no code; map zoom 15 draws tiles of zoom 14."""
    assert KINDS["sewer_pipe"].zoom.named_from == 15
    number = list(KINDS).index("sewer_pipe")
    place = shape(KINDS["sewer_pipe"], LON + number * 0.002, LAT).representative_point()
    rows = {}
    for zoom in (15, 16):
        path = f"/maps/progress#{zoom}/{place.y}/{place.x}/sewer_pipe/en"
        one = open_map(open_page, county, path)
        one.page.click("#tab-list")
        rows[zoom] = one.page.locator(".list-row").count()
        if rows[zoom] == 0:
            words = one.page.locator("#list-body").text_content()
            assert words == "Zoom in to list single features"
        one.page.locator("#map").click()
        one.page.locator("#popup .history li").first.wait_for()
        assert HOSTILE[:40] in (one.page.locator("#popup h2").text_content() or "")
    assert rows == {15: 0, 16: 1}


def test_a_commit_is_announced_to_an_open_page(open_page: OpenPage, county: County) -> None:
    one = open_map(open_page, county, f"/maps/progress#16/{LAT}/{LON}/gas_site/zh")
    one.page.wait_for_timeout(500)
    before = one.page.locator("[data-layer=gas_site] ~ .count").text_content()
    record = hostile_record(KINDS["gas_site"]).model_copy(
        update={"code": "RQ-2", "source_code": "RQ-2"}
    )
    with county.database.write(actor="test", reason="new", pool=Pool.JOBS) as connection:
        store.add(connection, record, Point(LON, LAT + 0.001))
    one.page.locator("[data-notice=refreshed]").wait_for(timeout=20_000)
    after = one.page.locator("[data-layer=gas_site] ~ .count").text_content()
    assert int(after or 0) == int(before or 0) + 1


def test_the_search_of_the_api_fills_the_box(open_page: OpenPage, county: County) -> None:
    one = open_map(open_page, county, f"/maps/progress#15/{LAT}/{LON}/road/en")
    one.page.fill("#search", "onerror")
    one.page.locator("#results [role=option]").first.wait_for()
    assert one.page.locator("#results [role=option]").count() == 10
    assert one.page.evaluate("window.hit") is None
