"""The office's endpoints: figures with their rows, the day's list, an outbox, the page."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from api.office import shell
from gis.db.cluster import Cluster
from gis.db.roles import Pool
from gis.demonstration.county import County, build_county, load_county
from gis.demonstration.plan import AS_OF
from gis.hazards.cohort import Dimension, Question
from gis.hazards.figures import compute_figures
from tests.api.crowd import Crowd, gather
from tests.conftest import CloneDatabase, connect_pools
from tests.gis.evidence.photos import make_jpeg, sha256
from tests.gis.hazards.records import Phone, id_of, photo

IDENTITIES = {
    "found": ("on_spot", "ordered", "undecided", "transferred"),
    "ordered": ("closed_in_time", "closed_late", "not_due", "overdue", "deferred"),
}
ASKED = {"as-of": AS_OF.isoformat().replace("+00:00", "Z")}


@dataclass
class Demonstration:
    """The demonstration county, served; asked as an officer."""

    county: County
    crowd: Crowd
    officer: httpx.Client


@pytest.fixture(scope="module")
def demonstration(
    cluster: Cluster, clone_database: CloneDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Demonstration]:
    name, county = clone_database(), build_county(1, 1)
    database = connect_pools(cluster, name)
    load_county(database, county, actor="test", progress=lambda *_: None)
    database.close()
    urls = {pool: cluster.url(pool.role, name) for pool in Pool}
    with gather(urls, tmp_path_factory.mktemp("demo"), county=False) as crowd:
        crowd.clock.ahead = AS_OF - datetime.now(UTC)
        yield Demonstration(county, crowd, crowd.log_in("officer"))


def read_figures(client: httpx.Client, **asked: str) -> list[dict[str, Any]]:
    answer = client.get("/hazards/figures", params=asked)
    assert answer.status_code == 200, answer.text
    parts: list[dict[str, Any]] = answer.json()["parts"]
    return parts


def values(part: dict[str, Any]) -> dict[str, float | None]:
    return {name: figure["value"] for name, figure in part["figures"].items()}


# figures


def test_the_figures_are_those_the_generator_of_the_county_knows(
    demonstration: Demonstration,
) -> None:
    (part,) = read_figures(demonstration.officer)
    counted, oracle = values(part), demonstration.county.oracle
    states = Counter(oracle["hazards_by_state"])
    for key in ("dismissed", "duplicate", "transferred", "deferred", "closed"):
        assert counted[key] == states[key], key
    assert counted["undecided"] == states["found"] + states["registered"]
    outside = states["dismissed"] + states["duplicate"]
    assert counted["found"] == oracle["counts"]["hazard"] - outside
    events = demonstration.county.events
    notified = {e["hazard_id"] for e in events if e["type"] == "notified"}
    spot = {e["hazard_id"] for e in events if e["type"] == "fixed_on_spot"} - notified
    assert counted["on_spot"] == len(spot) > 0
    late = oracle["hazards_overdue"] - _late_deferred(demonstration)
    assert counted["overdue"] == late > 0
    for whole, pieces in IDENTITIES.items():
        assert counted[whole] == sum(counted[piece] or 0 for piece in pieces)


def _late_deferred(demonstration: Demonstration) -> int:
    """Deferred ones whose review day is over: late to the oracle, deferred in the figures."""
    last = {e["hazard_id"]: e for e in demonstration.county.events}
    reviews = [e["payload"]["review_on"] for e in last.values() if e["type"] == "deferred"]
    return sum(str(day) < (AS_OF + timedelta(hours=8)).date().isoformat() for day in reviews)


def test_every_figure_is_what_the_domain_computes_and_says_what_it_divided(
    demonstration: Demonstration,
) -> None:
    by = Question(
        start=datetime(2025, 12, 31, 16, tzinfo=UTC),
        end=datetime(2026, 6, 30, 16, tzinfo=UTC),
        as_of=AS_OF,
        by=Dimension.TOWNSHIP,
    )
    period = {"from": "2026-01-01", "to": "2026-06-30", "by": "township"}
    answered = read_figures(demonstration.officer, **period, **ASKED)
    with demonstration.crowd.db.read(Pool.STAFF) as connection:
        parts = compute_figures(connection, by, now=AS_OF)
    assert [p["value"] for p in answered] == [p.value for p in parts]
    assert len(parts) > 3
    for mine, theirs in zip(answered, parts, strict=True):
        for name, figure in theirs.figures.items():
            shown = mine["figures"][name]
            assert {
                k: shown[k] for k in shown if k not in ("rows_at", "base_at")
            } == figure.as_document()
            assert shown["numerator"] is not None
            assert shown["as_of"] == AS_OF.isoformat()


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"from": "2026-01-01", "to": "2026-12-31"},
        {"category": "gas"},
        {"by": "category"},
        {"by": "unit"},
        {"by": "month", "township": "539921101"},
    ],
)
def test_the_rows_behind_a_figure_are_as_many_as_it_says(
    demonstration: Demonstration, asked: dict[str, str]
) -> None:
    for part in read_figures(demonstration.officer, **asked):
        for name, figure in part["figures"].items():
            if figure["rows_at"] is None or figure["rows"] == "returned":
                continue
            if name.startswith("overdue_days"):
                continue
            behind = demonstration.officer.get(figure["rows_at"])
            assert behind.status_code == 200, behind.text
            answer = behind.json()
            assert answer["count"] == figure["numerator"] == len(answer["hazards"]), name
            if figure["base_at"] is not None:
                base = demonstration.officer.get(figure["base_at"]).json()
                assert base["count"] == figure["denominator"] >= answer["count"], name
            if asked.get("category"):
                assert {row["category"] for row in answer["hazards"]} <= {"gas"}


def test_rows_come_the_most_pressing_first_and_no_more_than_asked_for(
    demonstration: Demonstration,
) -> None:
    answer = demonstration.officer.get("/hazards/figures/rows?key=overdue&limit=5").json()
    assert answer["count"] > 5 == len(answer["hazards"])
    dues = [row["due_at"] for row in answer["hazards"]]
    assert dues == sorted(dues)


def test_a_day_in_the_address_is_a_day_of_the_business_clock(
    demonstration: Demonstration,
) -> None:
    found = [e["at"] for e in demonstration.county.events if e["type"] == "found"]
    local = [(at + timedelta(hours=8)).date().isoformat() for at in found]
    day, _ = Counter(local).most_common(1)[0]
    (part,) = read_figures(demonstration.officer, **{"from": day, "to": day})
    counted = values(part)
    in_all = sum(counted[key] or 0 for key in ("found", "dismissed", "duplicate"))
    assert in_all == local.count(day) > 0


@pytest.mark.parametrize(
    "query",
    [
        "by=moon", "category=moon", "site=1", "from=yesterday", "from=2026-02-01&to=2026-01-01",
        "key=found", "to=2026-13-01", "unknown=1", "as-of=2026-01-01T00:00:00",
    ],
)  # fmt: skip
def test_a_question_that_makes_no_sense_is_a_400(demonstration: Demonstration, query: str) -> None:
    assert demonstration.officer.get(f"/hazards/figures?{query}").status_code == 400


@pytest.mark.parametrize(
    "query", ["", "key=moon", "key=found&part=x", "key=found&scope=some", "key=found&limit=0"]
)
def test_rows_of_no_figure_are_a_400(demonstration: Demonstration, query: str) -> None:
    assert demonstration.officer.get(f"/hazards/figures/rows?{query}").status_code == 400


@pytest.mark.parametrize("who", ["viewer", "inspector", "planner", "leader"])
def test_every_role_of_the_bureau_reads_the_same_figures(
    demonstration: Demonstration, who: str
) -> None:
    theirs = read_figures(demonstration.crowd.log_in(who), **ASKED)
    mine = read_figures(demonstration.officer, **ASKED)
    assert [values(part) for part in theirs] == [values(part) for part in mine]


# today


def test_today_lists_what_is_late_and_nearly_desk_by_desk(demonstration: Demonstration) -> None:
    answer = demonstration.officer.get("/today?days=3").json()
    now = datetime.fromisoformat(answer["now"])
    rows = [row for desk in answer["desks"] for row in desk["rows"]]
    late = [r for r in rows if r["kind"] == "hazard" and r["is_overdue"] and not r["clock"]]
    assert len(late) == demonstration.county.oracle["hazards_overdue"]
    assert {row["kind"] for row in rows} == {"hazard", "land_plot", "project"}
    for desk in answer["desks"]:
        assert {(r["section"], r["person"]) for r in desk["rows"]} == {
            (desk["section"], desk["person"])
        }
        assert desk["overdue"] == sum(r["is_overdue"] for r in desk["rows"])
    for row in rows:
        due = datetime.fromisoformat(row["due_at"])
        assert row["is_overdue"] == (due < now)
        assert due.astimezone(UTC) < now + timedelta(days=4)
    stages = {row["escalation"]["stage"] for row in late if row["escalation"]}
    assert {"late_3", "due"} & stages
    assert all(r["escalation"] is None for r in rows if r["kind"] != "hazard" or r["clock"])


def test_coverage_counts_the_countys_sites_by_category_and_names_those_left(
    demonstration: Demonstration,
) -> None:
    def ask(**asked: str) -> dict[str, dict[str, Any]]:
        answer = demonstration.officer.get("/hazards/coverage", params=asked)
        assert answer.status_code == 200, answer.text
        return {one["category"]: one for one in answer.json()["categories"]}

    whole = ask()
    last = {kind: f.drop_duplicates("id", keep="last")
            for kind, f in demonstration.county.frames.items()}  # fmt: skip
    gas = last["gas_site"]
    assert whole["gas"]["denominator"] == int((gas["operating_state"] == "open").sum())
    assert whole["village_fire"]["denominator"] == len(last["traditional_village"])
    for one in whole.values():
        assert one["numerator"] + one["left_count"] == one["denominator"]
        assert all(site["code"] for site in one["left"])
    town = gas["township"].iloc[0]
    here = ask(township=town, category="gas")
    open_here = (gas["township"] == town) & (gas["operating_state"] == "open")
    assert {c: one["denominator"] for c, one in here.items()} == {"gas": int(open_here.sum())}
    assert demonstration.officer.get("/hazards/coverage?by=site").status_code == 400


def test_figures_by_site_name_the_site(demonstration: Demonstration) -> None:
    answer = demonstration.officer.get("/hazards/figures?by=site").json()
    labels = {part["value"]: part["label"] for part in answer["parts"] if part["value"]}
    sites = demonstration.county.frames["gas_site"]
    codes = dict(zip(map(str, sites["id"]), sites["code"], strict=True))
    named = {value: label for value, label in labels.items() if value in codes}
    assert named
    assert all(codes[value] == label for value, label in named.items())


def test_more_days_ahead_show_more_and_filters_narrow(demonstration: Demonstration) -> None:
    def count(**asked: str) -> int:
        answer = demonstration.officer.get("/today", params=asked).json()
        return sum(len(desk["rows"]) for desk in answer["desks"])

    assert count(days="0") < count(days="3") <= count() < count(days="60")
    desk = demonstration.officer.get("/today").json()["desks"][0]
    assert 0 < count(section=desk["section"], person=desk["person"]) == len(desk["rows"])
    assert count(section="no such section") == 0
    for wrong in ("days=-1", "days=1000", "days=x", "when=now"):
        assert demonstration.officer.get(f"/today?{wrong}").status_code == 400


# lists


def test_a_list_is_searched_ordered_and_paged_without_a_gap(
    demonstration: Demonstration,
) -> None:
    for order, name in (("due", "due_at"), ("newest", "found_at")):
        seen, cursor = [], None
        while True:
            asked = {"order": order, "limit": "70"} | ({"cursor": cursor} if cursor else {})
            page = demonstration.officer.get("/hazards", params=asked).json()
            seen += page["hazards"]
            cursor = page["next"]
            if not cursor:
                break
        known = demonstration.county.oracle["counts"]["hazard"]
        assert len({row["id"] for row in seen}) == len(seen) == page["matched"] == known
        stamps = [datetime.fromisoformat(row[name]) for row in seen if row[name]]
        assert stamps == sorted(stamps, reverse=order == "newest")
        missing = [row[name] is None for row in seen]
        assert missing == sorted(missing)  # what has no date comes last
    code = seen[7]["code"]
    found = demonstration.officer.get("/hazards", params={"q": code[2:].lower()}).json()
    assert [row["code"] for row in found["hazards"]] == [code]
    for nothing in ("%", "_", "\\", "100%"):
        assert demonstration.officer.get("/hazards", params={"q": nothing}).json()["matched"] == 0
    for wrong in ({"q": " "}, {"q": "x" * 101}, {"order": "luck"}):
        assert demonstration.officer.get("/hazards", params=wrong).status_code == 400


# an outbox handed in


@dataclass
class Outbox:
    """A phone that never reached the server: its records and photos."""

    phone: Phone
    events: list[bytes]
    photos: list[bytes]

    def as_file(self, **changed: object) -> bytes:
        blobs = [
            {"sha256": sha256(c), "media": "image/jpeg", "base64": base64.b64encode(c).decode()}
            for c in self.photos
        ]
        document = {
            "format": "infratrack-outbox/1", "device_id": str(self.phone.id),
            "account": str(self.phone.account), "events": [e.decode() for e in self.events],
            "blobs": blobs, **changed,
        }  # fmt: skip
        return json.dumps(document, ensure_ascii=False).encode()


@pytest.fixture
def outbox(crowd: Crowd, request: pytest.FixtureRequest) -> Outbox:
    login = f"inspector-{uuid4().hex[:8]}"
    phone = Phone(account=crowd.make(login, "inspector"))
    crowd.phone(login, phone.id)
    seed = abs(hash(request.node.name)) % 1000
    photos = [make_jpeg(seed), make_jpeg(seed + 1000)]
    evidence = [photo("before_wide", photos[0]), photo("before_close", photos[1])]
    payload = {"category": "gas", "description": "软管老化"}
    found = phone.write("found", datetime.now(UTC), payload=payload, evidence=evidence)
    note = phone.write(
        "commented", datetime.now(UTC), hazard_id=id_of(found), payload={"note": "已口头告知"}
    )
    return Outbox(phone, [found, note], photos)


def hand_in(client: httpx.Client, content: bytes) -> httpx.Response:
    return client.post(
        "/sync/import", content=content, headers={"Content-Type": "application/json"}
    )


def test_an_outbox_is_taken_in_in_its_authors_name(crowd: Crowd, outbox: Outbox) -> None:
    answer = hand_in(crowd.log_in("officer"), outbox.as_file())
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert [one["outcome"] for one in told["results"]] == ["applied", "applied"]
    assert [one["missing_evidence"] for one in told["results"]] == [[], []]
    assert [one["stored"] for one in told["files"]] == [True, True]
    hazard = id_of(outbox.events[0])
    line = crowd.log_in("officer").get(f"/hazards/{hazard}/timeline").json()
    login = next(name for name, one in crowd.ids.items() if one == outbox.phone.account)
    assert [(row["type"], row["actor"]) for row in line] == [("found", login), ("commented", login)]
    assert all(piece["stored"] for piece in line[0]["evidence"])
    original = crowd.log_in("officer").get(f"/evidence/{sha256(outbox.photos[0])}")
    assert original.content == outbox.photos[0]
    assert crowd.trail(action="import_outbox", login="officer")


def test_the_same_file_again_changes_nothing(crowd: Crowd, outbox: Outbox) -> None:
    officer = crowd.log_in("officer")
    first, again = (hand_in(officer, outbox.as_file()).json() for _ in range(2))
    assert [one["number"] for one in again["results"]] == [
        one["number"] for one in first["results"]
    ]
    assert again["files"] == first["files"]


def test_what_the_phone_sends_later_after_all_is_no_second_record(
    crowd: Crowd, outbox: Outbox
) -> None:
    first = hand_in(crowd.log_in("officer"), outbox.as_file()).json()["results"][0]
    login = next(name for name, one in crowd.ids.items() if one == outbox.phone.account)
    phone = crowd.visitor(Authorization=f"Bearer {crowd.phone(login, outbox.phone.id)}")
    answer = phone.put(f"/events/{id_of(outbox.events[0])}", content=outbox.events[0])
    assert (answer.status_code, answer.json()["number"]) == (200, first["number"])


def test_a_damaged_photo_stops_nothing_else(crowd: Crowd, outbox: Outbox) -> None:
    document = json.loads(outbox.as_file())
    cut = outbox.photos[0][:-100]
    document["blobs"][0]["base64"] = base64.b64encode(cut).decode()
    document["blobs"].insert(1, {"sha256": "0" * 64, "media": "image/jpeg", "base64": "!!"})
    told = hand_in(crowd.log_in("officer"), json.dumps(document).encode()).json()
    assert [one["stored"] for one in told["files"]] == [False, False, True]
    assert all(set(one["problem"]) == {"zh", "en"} for one in told["files"][:2])
    assert [one["outcome"] for one in told["results"]] == ["applied", "applied"]
    assert told["results"][0]["missing_evidence"] == [sha256(outbox.photos[0])]


def test_a_record_of_nobody_here_is_kept_as_refused_and_the_rest_is_applied(
    crowd: Crowd, outbox: Outbox
) -> None:
    stranger = Phone(account=UUID(int=77))
    foreign = stranger.write("found", datetime.now(UTC), payload={"category": "gas"})
    outbox.events.insert(0, foreign)
    outbox.events.append(b'{"id": "nonsense"}')
    told = hand_in(crowd.log_in("officer"), outbox.as_file()).json()["results"]
    assert (told[0]["outcome"], told[0]["reason"]["rule"]) == ("refused", "unknown-device")
    assert told[0]["id"] == str(id_of(foreign))
    assert [one.get("outcome") for one in told[1:3]] == ["applied", "applied"]
    assert told[3]["problem"]["status"] == 400


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"not json", b'{"format": "other", "events": []}', b"\xff\xfe"]
)
def test_what_is_no_outbox_is_told_so(crowd: Crowd, content: bytes) -> None:
    answer = hand_in(crowd.log_in("officer"), content)
    assert answer.status_code == 400, answer.text
    assert "detail" in answer.json()


def announce(crowd: Crowd, size: int) -> int:
    """The answer to the head of a request that promises so many bytes."""
    connection = http.client.HTTPConnection(urlsplit(crowd.base).netloc, timeout=10)
    with contextlib.closing(connection):
        connection.putrequest("POST", "/sync/import")
        connection.putheader("Content-Length", str(size))
        connection.endheaders()
        return connection.getresponse().status


def test_only_an_officer_hands_files_in_and_not_without_end(crowd: Crowd, outbox: Outbox) -> None:
    for who in ("inspector", "leader", "viewer", "system_officer"):
        assert hand_in(crowd.log_in(who), outbox.as_file()).status_code == 403
    officer = crowd.log_in("officer")
    assert announce(crowd, 200 * 1024**2 + 1) == 413
    above_others = b" " * 2 * 1024**2 + outbox.as_file()
    assert hand_in(officer, above_others).status_code == 200


# the page and what it starts from


def test_the_page_sends_a_browser_to_the_login_and_comes_back(crowd: Crowd) -> None:
    visitor = crowd.visitor(Accept="text/html")
    answer = visitor.get("/office")
    assert answer.status_code == 303
    assert parse_qs(urlsplit(answer.headers["location"]).query)["next"] == ["/office"]
    page = crowd.log_in("officer").get("/office")
    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "script-src 'self'" in policy
    for address in shell.list_files():
        file = visitor.get(f"{shell.APP_URL}/{shell.office_build()}/{address}")
        if address != "tus.min.js":  # installed at set-up
            assert file.status_code == 200, address
            assert "immutable" in file.headers["cache-control"]
    assert visitor.get(f"{shell.APP_URL}/0/app.js").status_code == 404
    assert visitor.get(f"{shell.APP_URL}/{shell.office_build()}/office.html").status_code == 404


def test_scripts_import_only_files_that_are_served() -> None:
    names = set(shell.list_files())
    for path in Path(shell.FOLDER).glob("*.js"):
        source = path.read_text(encoding="utf-8")
        assert source.count("\n") <= 300, path.name
        assert "innerHTML" not in source
        for line in source.splitlines():
            if line.startswith("import "):
                assert line.split('"./')[1].rstrip('";') in names, line


def test_the_page_starts_from_who_works_there(crowd: Crowd) -> None:
    officer = crowd.log_in("officer").get("/office/start").json()
    assert officer["person"]["capacities"] == ["officer", "reinspector"]
    assert {"manage_campaigns", "import_outbox"} <= set(officer["may"])
    assert {one["login"] for one in officer["people"]} >= {"officer", "inspector", "leader"}
    assert all(set(one) == {"login", "name", "section", "roles"} for one in officer["people"])
    assert [one["name"] for one in officer["townships"]] == ["云溪镇"]
    assert officer["sites"]["gas"] == "gas_site"
    viewer = crowd.log_in("viewer").get("/office/start").json()
    assert (viewer["people"], viewer["person"]["capacities"]) == ([], [])


# one case


def test_a_case_says_whose_step_is_anothers(crowd: Crowd) -> None:
    crowd.make("both", "inspector", "officer")
    phone = Phone(account=crowd.ids["both"])
    hazard = _carry_to_submitted(crowd, phone, "both")
    mine = crowd.log_in("both").get(f"/hazards/{hazard}").json()
    assert set(mine["hints"]) == {"passed", "closed"}
    assert "both" in mine["hints"]["passed"]["en"]
    another = crowd.log_in("inspector").get(f"/hazards/{hazard}").json()
    assert "passed" in another["allowed"]["submitted"]
    assert another["hints"] == {}
    refused = phone.write(
        "passed", datetime.now(UTC), role="reinspector", hazard_id=hazard, expected_version=5,
        evidence=[photo("reinspection")],
    )  # fmt: skip
    told = crowd.log_in("both").put(f"/events/{id_of(refused)}", content=refused).json()
    assert told["outcome"] == "refused"
    assert told["reason"]["en"] == mine["hints"]["passed"]["en"]


def _carry_to_submitted(crowd: Crowd, phone: Phone, login: str) -> UUID:
    client = crowd.log_in(login)
    found = phone.write("found", datetime.now(UTC), payload={"category": "gas"})
    steps = (
        ("registered", "officer", []),
        ("notified", "officer", [photo("signature"), photo("notice")]),
        ("rectifying", "officer", []),
        ("submitted", "officer", [photo("after")]),
    )
    assert client.put(f"/events/{id_of(found)}", content=found).json()["outcome"] == "applied"
    for version, (type_, role, evidence) in enumerate(steps, 1):
        body = phone.write(
            type_, datetime.now(UTC), role=role, hazard_id=id_of(found),
            expected_version=version, evidence=evidence,
        )  # fmt: skip
        told = client.put(f"/events/{id_of(body)}", content=body).json()
        assert told["outcome"] == "applied", told
    return id_of(found)


def test_a_link_opens_its_case_by_an_address_whose_secret_is_in_the_fragment(
    crowd: Crowd,
) -> None:
    with crowd.db.read() as connection:
        hazard = connection.execute(
            text("SELECT id FROM core.hazard WHERE is_open LIMIT 1")
        ).scalar_one()
    made = crowd.log_in("officer").post("/links", json={"hazard_id": str(hazard)}).json()
    address = urlsplit(made["address"])
    assert (address.path, address.query) == ("/case", "")
    assert address.fragment == f"{hazard}/{made['token']}"
    assert made["svg"].startswith("<svg")
    assert crowd.visitor().get("/case").status_code == 200
    holder = crowd.visitor(Authorization=f"Bearer {made['token']}")
    answer = holder.get(f"/hazards/{hazard}").json()
    assert answer["hazard"]["id"] == str(hazard)
    for path in ("/hazards/figures", "/today", "/office", "/office/start", "/hazards"):
        assert holder.get(path).status_code == 403, path
