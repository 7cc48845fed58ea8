"""A network drawn by hand, whose traces can be told by looking at it.

A -1-> B -2-> C -3-> D -4-> OUT     sanitary, D-OUT planned
       B -5-> C                     beside 2, a parallel pipe
E -6-> C                            abandoned
D -7-> B                            closes a loop B C D
X -8-> C                            storm, into the sanitary sewer
F -9-> G                            apart; surveyed to flow from G to F
R -10-> A                           removed
"""

from __future__ import annotations

from uuid import UUID

from shapely import LineString, Point
from sqlalchemy import Connection

from gis import store
from gis.kinds import KINDS
from tests.gis.network.test_topology import at, settle

PLACES = {
    "A": at(0), "B": at(30), "C": at(60), "D": at(90), "OUT": at(120), "E": at(60, 30),
    "X": at(60, -30), "F": at(0, 200), "G": at(30, 200), "R": at(-30),
}  # fmt: skip
PIPES: tuple[tuple[str, str, str, dict[str, object]], ...] = (
    ("1", "A", "B", {"up_invert_m": 100.0, "down_invert_m": 99.8, "diameter_mm": 300}),
    ("2", "B", "C", {"up_invert_m": 99.8, "down_invert_m": 99.6, "diameter_mm": 400}),
    ("3", "C", "D", {"up_invert_m": 99.6, "down_invert_m": 99.9, "diameter_mm": 400}),
    ("4", "D", "OUT", {"progress": "planned"}),
    ("5", "B", "C", {"diameter_mm": 300}),
    ("6", "E", "C", {"service_state": "abandoned"}),
    ("7", "D", "B", {}),
    ("8", "X", "C", {"system": "storm"}),
    ("9", "F", "G", {"surveyed_flow": "backward"}),
    ("10", "R", "A", {"service_state": "removed"}),
)


def draw(connection: Connection) -> dict[str, UUID]:
    """Draw it; ids of nodes and pipes by their code."""

    def add(kind: str, geometry: Point | LineString, **values: object) -> UUID:
        return store.add(connection, KINDS[kind].model_validate(values), geometry)

    ids = {}
    for code, place in PLACES.items():
        if code == "OUT":
            ids[code] = add("sewage_facility", Point(place), code=code, facility_type="outfall")
        else:
            system = "storm" if code == "X" else "sanitary"
            ids[code] = add("sewer_manhole", Point(place), code=code, system=system)
    for code, up, down, values in PIPES:
        # The parallel pipe and the loop do not lie on the others.
        middle = [at(75, 20)] if code in ("5", "7") else []
        line = LineString([PLACES[up], *middle, PLACES[down]])
        named = {"code": code, "system": "sanitary", "up_node": up, "down_node": down}
        ids[code] = add("sewer_pipe", line, **(named | values))
    for code, node, people in (("U1", "A", 120.0), ("U2", "E", 30.0), ("U3", "G", 7.0)):
        add("drainage_user", Point(at(1, 5)), code=code, node=node, people=people)
    add("drainage_user", Point(at(1, 6)), code="U4", node="B")
    settle(connection)
    return ids
