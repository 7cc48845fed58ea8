"""The network over the API: GeoJSON ready to draw, fresh, refused with words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import httpx
import pytest

from api.app import create_app
from gis.db.cluster import Cluster
from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from gis.network.inspections import (
    Inspection,
    Observation,
    match_inspections,
    record_inspections,
)
from gis.settings import Settings
from tests.api.conftest import run_server
from tests.api.crowd import Crowd
from tests.conftest import CloneDatabase
from tests.gis.network.drawn import draw


@pytest.fixture(scope="module")
def network(
    cluster: Cluster, clone_database: CloneDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[httpx.Client, PooledDatabase]]:
    """A client of a server over the drawn network, as staff."""
    name = clone_database()
    urls = {pool: cluster.url(pool.role, name) for pool in Pool}
    db = PooledDatabase(urls)
    with db.write(actor="t", reason="t") as connection:
        draw(connection)
    settings = Settings(state_folder=tmp_path_factory.mktemp("state"))
    app = create_app(urls, settings)
    with run_server(app) as base, httpx.Client(base_url=base, timeout=20) as client:
        yield client, db
    db.close()


@pytest.fixture(scope="module")
def drawn(crowd: Crowd) -> Crowd:
    """People of a bureau that has the drawn network."""
    with crowd.db.write(actor="t", reason="t") as connection:
        draw(connection)
    return crowd


@pytest.fixture
def client(network: tuple[httpx.Client, PooledDatabase]) -> httpx.Client:
    return network[0]


def test_a_trace_is_a_feature_collection(client: httpx.Client) -> None:
    answer = client.get("/network/trace?from=C&direction=up&people=true")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/geo+json"
    document = answer.json()
    assert document["type"] == "FeatureCollection"
    assert document["summary"]["pipes"] == 7
    assert document["people"]["people"] == 150
    held = {"If-None-Match": answer.headers["etag"]}
    assert (
        client.get("/network/trace?from=C&direction=up&people=true", headers=held).status_code
        == 304
    )


@pytest.mark.parametrize(
    ("question", "status", "zh"),
    [
        ("from=10", 410, "拆除"),
        ("from=nowhere", 404, "没有"),
        ("", 400, "不可缺少"),
        ("from=C&direction=sideways", 400, "up, down, both"),
        ("from=C&people=1", 400, "true"),
        ("from=C&depth=3", 400, "未知参数"),
    ],
)
def test_what_cannot_be_traced_is_refused_with_words(
    client: httpx.Client, question: str, status: int, zh: str
) -> None:
    answer = client.get(f"/network/trace?{question}&lang=zh".replace("?&", "?"))
    assert answer.status_code == status
    assert zh in answer.json()["detail"]


def test_a_way_is_drawn_in_order(client: httpx.Client) -> None:
    document = client.get("/network/path?from=A&to=OUT").json()
    assert document["along"] == "flow"
    assert document["length_m"] == pytest.approx(120, abs=0.3)
    assert [s["forward"] for s in document["way"]] == [True] * 4
    assert document["summary"]["crossed"]["planned"] == 1
    assert client.get("/network/path?from=A&to=F").status_code == 404
    nearest = client.get("/network/downstream?from=E&goal=manhole").json()
    assert len(nearest["way"]) == 1


def test_a_profile_is_json_or_a_drawing(client: httpx.Client) -> None:
    profile = client.get("/network/profile?from=A").json()  # down to the outfall
    assert [s["code"] for s in profile["stations"]] == ["A", "B", "C", "D", "OUT"]
    assert profile["reaches"][0]["start_invert_m"] == 100.0
    drawing = client.get("/network/profile?from=A&to=D&f=svg&lang=en")
    assert drawing.headers["content-type"].startswith("image/svg+xml")
    assert drawing.text.startswith("<svg") or "<svg" in drawing.text[:200]
    assert client.get("/network/profile?from=A&f=pdf").status_code == 400
    assert client.get("/network/profile?from=A&to=G").status_code == 404


def test_a_profile_shows_inspections_at_once_and_only_to_who_may_read_them(drawn: Crowd) -> None:
    officer = drawn.log_in("officer")
    asked = "/network/profile?from=A&to=B"
    before = officer.get(asked)
    assert before.json()["reaches"][0]["inspected_on"] is None
    run = Inspection("A", "B", date(2026, 6, 1), observations=(Observation(10.0, "CJ", 2, 20.0),))
    with drawn.db.write(actor="t", reason="t") as connection:
        record_inspections(connection, [run], source="t")
        match_inspections(connection)
    # No pipe changed, and what was kept is no longer true all the same.
    after = officer.get(asked, headers={"If-None-Match": before.headers["etag"]})
    assert after.status_code == 200
    (reach,) = after.json()["reaches"]
    # Grade 2 is 30 to 40 % of 300 mm
    (silt,) = reach["silt"]
    assert (silt["least_m"], silt["most_m"], reach["silt_on"]) == (0.09, 0.12, "2026-06-01")
    assert [(d["code"], d["grade"]) for d in reach["defects"]] == [("CJ", 2)]
    assert "CJ2" in officer.get(f"{asked}&f=svg").text
    assert "CJ2" not in officer.get(f"{asked}&f=svg&as-of=2026-05-31").text
    (kept,) = drawn.log_in("planner").get(asked).json()["reaches"]  # reads runs, and no levels
    assert (kept["start_invert_m"], kept["silt_m"]) == (None, reach["silt_m"])
    assert drawn.log_in("audit_officer").get(asked).status_code == 404


def test_what_follows_from_the_graph_is_answered(client: httpx.Client) -> None:
    area = client.get("/network/catchment?from=C&people=true").json()
    assert area["people"]["people"] == 150
    assert area["features"][0]["geometry"]["type"] in ("Polygon", "MultiPolygon")
    blocked = client.get("/network/isolate?from=3").json()
    assert (blocked["summary"]["pipes"], blocked["diverted"]["pipes"]) == (7, 0)
    assert client.get("/network/isolate?from=C").status_code == 400
    assert client.get("/network/components?limit=1").json()["count"] == 2
    assert client.get("/network/topology").json()["dirty"] == 0


def test_misconnections_are_listed_and_only_people_record(client: httpx.Client) -> None:
    listed = client.get("/network/misconnections").json()
    assert listed["count"] == 1
    here = f"/network/misconnections/{listed['features'][0]['id']}"
    assert client.get(here).json()["records"] == []
    assert client.get(f"{here}/records").json() == {"records": []}
    assert client.get("/network/misconnections/x").status_code == 404
    headers = {"X-Infratrack": "1"}
    assert client.post(f"{here}/records", json={"note": "x"}, headers=headers).status_code == 401


def test_an_inspector_records_what_was_measured(drawn: Crowd) -> None:
    inspector = drawn.log_in("inspector")
    listed = inspector.get("/network/misconnections").json()["features"]
    here = f"/network/misconnections/{listed[0]['id']}"
    sent = {"nh3_n_mg_per_l": 12.5, "sampled_by": "李四", "sampled_on": "2026-06-01"}
    assert inspector.post(f"{here}/records", json=sent).status_code == 201
    assert inspector.post(f"{here}/records", json={"nh3": 1}).status_code == 400
    (record,) = inspector.get(here).json()["records"]
    assert (record["nh3_n_mg_per_l"], record["recorded_by"]) == (12.5, "inspector")


def test_a_record_under_an_id_that_is_taken_is_a_conflict(drawn: Crowd) -> None:
    inspector = drawn.log_in("inspector")
    listed = inspector.get("/network/misconnections").json()["features"]
    here = f"/network/misconnections/{listed[0]['id']}/records"
    own = "019a0000-0000-7000-8000-000000000001"
    assert inspector.post(here, json={"id": own, "note": "a"}).status_code == 201
    assert inspector.post(here, json={"id": own, "note": "a"}).status_code == 201
    assert inspector.post(here, json={"id": own, "note": "b"}).status_code == 409
    assert inspector.post(here, json={"note": "a\u0000"}).status_code == 400


def test_a_way_to_where_it_begins_is_no_gap(client: httpx.Client) -> None:
    way = client.get("/network/path?from=B&to=B").json()
    assert (way["way"], way["length_m"], way["features"]) == ([], 0.0, [])
    profile = client.get("/network/profile?from=B&to=B").json()
    assert (profile["stations"], profile["length_m"]) == ([], 0.0)
    assert "<svg" in client.get("/network/profile?from=B&to=B&f=svg").text[:200]


def test_a_model_is_for_who_may_export_and_sees_inverts(drawn: Crowd) -> None:
    officer = drawn.log_in("officer")
    answer = officer.get("/network/swmm?from=C&direction=up")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["content-disposition"] == 'attachment; filename="C.inp"'
    assert "[CONDUITS]" in answer.text
    held = {"If-None-Match": answer.headers["etag"]}
    assert officer.get("/network/swmm?from=C&direction=up", headers=held).status_code == 304
    assert officer.get("/network/swmm?from=C&planned=1").status_code == 400
    assert officer.get("/network/swmm").status_code == 400
    assert drawn.log_in("planner").get("/network/swmm?from=C").status_code == 403
    assert drawn.log_in("inspector").get("/network/swmm?from=C").status_code == 403
    assert drawn.visitor().get("/network/swmm?from=C").status_code == 401
