"""混接: every place where systems meet wrongly, as a finding with what it affects.

The cause is reported, at the node where it is; what lies downstream is not relabelled. A finding
is worked out from the network at each question, its records are kept for good: what was measured,
and how far the reform is. A finding that is gone from the network keeps its records.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import md5
from typing import Annotated, Any, Literal
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pandas as pd
import uuid_utils
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection, text

from gis.attributes import Text, Vocabulary
from gis.db.tables import CORE
from gis.errors import ConflictError, NotFoundError
from gis.network.asking import Ask
from gis.network.components import read_outfalls
from gis.network.past import Network
from gis.network.profile_questions import NODE_KINDS
from gis.network.trace import Direction
from gis.queries import Statement

Ints = npt.NDArray[np.intp]
WRONG: Mapping[tuple[str, str], Text] = {
    ("sanitary", "storm"): Text(zh="污水接入雨水", en="sanitary into storm"),
    ("storm", "sanitary"): Text(zh="雨水接入污水", en="storm into sanitary"),
    ("combined", "storm"): Text(zh="合流接入雨水", en="combined into storm"),
    ("combined", "sanitary"): Text(zh="合流接入污水", en="combined into sanitary"),
}
"""Which system may not run into which. CJJ 68-2016 3.1.4 forbids the first two (read in extracts,
not in the original); combined into a separate system is one where separation is done."""


class ReformState(Vocabulary):
    """整改状态 of a misconnection, as last recorded (domain vocabulary, unverified)."""

    FOUND = ("found", "发现", "Found")
    CONFIRMED = ("confirmed", "已核实", "Confirmed on site")
    PLANNED = ("planned", "已列入计划", "In a plan")
    UNDER_REFORM = ("under_reform", "整改中", "Under reform")
    REFORMED = ("reformed", "已整改", "Reformed")
    VERIFIED = ("verified", "已复核", "Reform verified")
    DISMISSED = ("dismissed", "非混接", "No misconnection")


Words = Annotated[str | None, Field(max_length=2000)]


class MisconnectionRecord(BaseModel):
    """What was seen, measured or done at a misconnection; the same id again changes nothing."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, str_strip_whitespace=True)

    id: UUID | None = None
    state: ReformState | None = None
    nh3_n_mg_per_l: Annotated[float | None, Field(ge=0, le=10_000)] = None
    conductivity_us_per_cm: Annotated[float | None, Field(ge=0, le=1_000_000)] = None
    has_flow: bool | None = None
    flow_l_per_s: Annotated[float | None, Field(ge=0, le=100_000)] = None
    weather: Literal["dry", "wet"] | None = None
    clarity: Annotated[str | None, Field(max_length=200)] = None
    smell: Annotated[str | None, Field(max_length=200)] = None
    sampled_by: Annotated[str | None, Field(max_length=200)] = None
    sampled_on: date | None = None
    note: Words = None


@dataclass(frozen=True, slots=True)
class Misconnection:
    """Pipes of one system that run into pipes, or a manhole, of another, at a node."""

    id: UUID
    node: UUID
    from_system: str
    to_system: str
    into: Ints
    """Numbers of the pipes that arrive."""
    out_of: Ints
    """Numbers of the pipes that leave; none where a manhole's own system is the wrong one."""


def identify(node: UUID | str, from_system: str, to_system: str) -> UUID:
    """The same place and the same fault are one finding, on any day."""
    words = f"misconnection {node} {from_system} {to_system}"
    return UUID(md5(words.encode(), usedforsecurity=False).hexdigest())


def find_misconnections(network: Network) -> list[Misconnection]:
    """Every node where a pipe runs into one of a system it may not, in the order of node ids.

    Where nothing leads on, the manhole's own system counts.
    """
    system = network.given.pipes["system"].to_numpy()
    number = pd.RangeIndex(len(system))
    arrives = pd.DataFrame({"node": network.target, "from": system, "pipe": number})
    leaves = pd.DataFrame({"node": network.source, "to": system, "pipe": number})
    own = network.given.nodes[["id", "system"]].dropna()
    at = pd.Index(network.node_ids).get_indexer(pd.Index(own["id"]))
    ends = pd.DataFrame({"node": at, "to": own["system"].to_numpy()})
    ends = ends[(ends["node"] >= 0) & ~ends["node"].isin(leaves["node"])]
    meets = (
        arrives[["node", "from"]]
        .drop_duplicates()
        .merge(pd.concat([leaves[["node", "to"]].drop_duplicates(), ends]), on="node")
    )
    wrong = [pair in WRONG for pair in zip(meets["from"], meets["to"], strict=True)]
    into = arrives.groupby(["node", "from"])["pipe"].agg(list)
    out_of = leaves.groupby(["node", "to"])["pipe"].agg(list)
    found = []
    for node, from_, to in meets[wrong].itertuples(index=False):
        identity = UUID(str(network.node_ids[node]))
        found.append(
            Misconnection(
                identify(identity, from_, to), identity, from_, to,
                np.array(into[node, from_], dtype=np.intp),
                np.array(out_of.get((node, to), []), dtype=np.intp),
            )
        )  # fmt: skip
    return sorted(found, key=lambda m: (str(m.node), m.from_system, m.to_system))


def describe(
    network: Network, found: Iterable[Misconnection], outfalls: set[str], places: pd.DataFrame
) -> list[dict[str, Any]]:  # Any: JSON
    """GeoJSON features, the longest affected length first.

    ``upstream_m`` are metres of pipe that drain through the wrong pipes, ``outfalls`` codes (or
    ids) of where the water ends.
    """
    pipes = network.given.pipes
    every = np.ones(len(pipes), dtype=bool)
    length = pipes["length_m"].to_numpy(dtype=float)
    features = []
    for one in found:
        above = network.walk(one.into, Direction.UP, every)
        below = network.walk(one.out_of, Direction.DOWN, every)
        nodes = set(network.node_ids[network.target[below]].tolist()) & outfalls
        heads = np.setdiff1d(network.source[above], network.target[above])
        at = places.loc[str(one.node)]
        features.append(
            {
                "type": "Feature",
                "id": str(one.id),
                "geometry": {"type": "Point", "coordinates": [at["lon"], at["lat"]]},
                "properties": {
                    "kind": "misconnection",
                    "node": str(one.node),
                    "node_kind": at["kind"],
                    "node_code": at["code"],
                    "from_system": one.from_system,
                    "to_system": one.to_system,
                    "words": WRONG[one.from_system, one.to_system].as_dict(),
                    "pipes_in": pipes["code"].iloc[one.into].tolist(),
                    "pipes_out": pipes["code"].iloc[one.out_of].tolist(),
                    "upstream_pipes": len(above),
                    "upstream_m": round(float(length[above].sum()), 2),
                    "sources": len(heads),
                    "outfalls": sorted(places.loc[n, "code"] or n for n in nodes),
                },
            }
        )
    return sorted(features, key=lambda f: (-f["properties"]["upstream_m"], f["id"]))


def _places(network: Network) -> pd.DataFrame:
    """Columns ``kind``, ``code``, ``lon``, ``lat`` by node id, virtual nodes at an end's place."""
    nodes = network.given.nodes
    kinds = np.array(NODE_KINDS, dtype=object)[nodes["rank"].to_numpy(dtype=int)]
    real = nodes[["id", "code"]].assign(kind=kinds, lon=nodes["x"], lat=nodes["y"])
    ends = network.given.ends
    back = network.given.pipes["is_backward"].to_numpy(dtype=bool)
    start = np.where(back, network.target, network.source)
    end = np.where(back, network.source, network.target)
    virtual = pd.DataFrame(
        {
            "id": network.node_ids[np.concatenate([start, end])],
            "kind": None,
            "code": ends["code"],
            "lon": ends["x"],
            "lat": ends["y"],
        }
    )
    both = pd.concat([real.astype(object), virtual.astype(object)])
    return both.drop_duplicates("id").set_index("id")


def list_misconnections(ask: Ask) -> dict[str, Any]:  # Any: JSON
    """Every misconnection of the present network as a FeatureCollection, with its last state."""
    network = Network.read(ask)
    found = find_misconnections(network)
    states = _read_states(ask)
    features = describe(network, found, set(read_outfalls(ask, None)), _places(network))
    for feature in features:
        state, count, last = states.get(feature["id"], (ReformState.FOUND.value, 0, None))
        feature["properties"] |= {"state": state, "records": count, "last_recorded_at": last}
    pairs = pd.Series([f"{m.from_system}-{m.to_system}" for m in found], dtype=object)
    return {
        "type": "FeatureCollection",
        "count": len(features),
        "by_systems": pairs.value_counts().sort_index().to_dict(),
        "features": features,
    }


def _read_states(ask: Ask) -> dict[str, tuple[str, int, str]]:
    rows = ask(
        Statement(
            "SELECT misconnection_id::text, coalesce((array_agg(record->>'state' ORDER BY"
            " recorded_at DESC, id DESC) FILTER (WHERE record->>'state' IS NOT NULL))[1],"
            " 'found'), count(*), max(recorded_at)"
            f" FROM {CORE}.misconnection_record GROUP BY 1",
            {},
        )
    )
    return {row[0]: (row[1], int(row[2]), row[3].isoformat()) for row in rows}


def read_misconnection(ask: Ask, identifier: UUID) -> dict[str, Any]:  # Any: JSON
    """One misconnection with its records, newest first.

    ``present`` is false where the network no longer has it; NotFoundError where it never had it.
    """
    records = read_records(ask, identifier)
    listed = list_misconnections(ask)["features"]
    feature = next((f for f in listed if f["id"] == str(identifier)), None)
    if feature is None and not records:
        raise _missing()
    if feature is None:
        node, from_system, to_system = _read_meeting(ask, identifier)
        properties = {
            "kind": "misconnection", "node": str(node), "from_system": from_system,
            "to_system": to_system, "words": WRONG[from_system, to_system].as_dict(),
        }  # fmt: skip
        feature = {
            "type": "Feature", "id": str(identifier), "geometry": None, "properties": properties
        }  # fmt: skip
        return {**feature, "present": False, "records": records}
    return {**feature, "present": True, "records": records}


def _missing() -> NotFoundError:
    return NotFoundError(Text(zh="没有此混接点", en="there is no such misconnection"))


def read_records(ask: Ask, identifier: UUID) -> list[dict[str, Any]]:  # Any: JSON
    """Records of one misconnection, newest first."""
    rows = ask(
        Statement(
            "SELECT json_build_object('id', id, 'recorded_at', recorded_at, 'recorded_by',"
            f" recorded_by)::jsonb || record FROM {CORE}.misconnection_record"
            " WHERE misconnection_id = %(id)s ORDER BY recorded_at DESC, id DESC",
            {"id": identifier},
        )
    )
    return [row[0] for row in rows]


def _read_meeting(ask: Ask, identifier: UUID) -> tuple[UUID, str, str]:
    rows = ask(
        Statement(
            f"SELECT node_id, from_system, to_system FROM {CORE}.misconnection_record"
            " WHERE misconnection_id = %(id)s LIMIT 1",
            {"id": identifier},
        )
    )
    if not rows:
        raise _missing()
    return rows[0][0], rows[0][1], rows[0][2]


def add_record(
    connection: Connection, ask: Ask, identifier: UUID, record: MisconnectionRecord
) -> UUID:
    """Append a record to a misconnection of the network, or one that has records; its id.

    The same record again changes nothing; ConflictError where its id is another record's.
    """
    found = next((m for m in find_misconnections(Network.read(ask)) if m.id == identifier), None)
    if found is not None:
        meeting = found.node, found.from_system, found.to_system
    else:
        meeting = _read_meeting(ask, identifier)
    own = record.id or UUID(str(uuid_utils.uuid7()))
    connection.execute(
        text(
            f"INSERT INTO {CORE}.misconnection_record (id, misconnection_id, node_id, from_system,"
            " to_system, record) VALUES (:id, :of, :node, :from, :to, CAST(:record AS jsonb))"
            " ON CONFLICT (id) DO NOTHING"
        ),
        values := {
            "id": own, "of": identifier, "node": meeting[0], "from": meeting[1], "to": meeting[2],
            "record": record.model_dump_json(exclude_none=True, exclude={"id"}),
        },
    )  # fmt: skip
    is_same = text(
        f"SELECT misconnection_id = :of AND record = CAST(:record AS jsonb)"
        f" FROM {CORE}.misconnection_record WHERE id = :id"
    )
    if not connection.execute(is_same, values).scalar():
        raise ConflictError(
            Text(
                zh="此标识已用于另一条记录:每条记录须有自己的标识",
                en="the id is that of another record: each record needs its own",
            ),
            id=str(own),
        )
    return own
