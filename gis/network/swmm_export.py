"""The network, or a traced part of it, as a model for EPA SWMM, with a list of what was assumed.

The file runs as it is (dynamic wave, SI units). Nothing that is missing is filled silently: each
object's description names the values that were assumed, the header counts them, and an import of
the file does not take them for records (:mod:`gis.network.swmm_import`).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from gis.attributes import Language, Text
from gis.db.roles import Pool
from gis.errors import NotFoundError
from gis.exchange.refusals import neutralize_formula
from gis.kinds.sewer_pipe import PipeSystem
from gis.network.asking import Ask
from gis.network.swmm_levels import Depths, Levels, find_depths, find_levels
from gis.network.swmm_names import make_names
from gis.network.swmm_outfalls import Outfalls, find_outfalls
from gis.network.swmm_part import Part, choose_walk, read_part, require_levels
from gis.network.swmm_rules import Assumption, Assumptions, SwmmRules, load_rules
from gis.network.swmm_sections import Flows, Sections, find_flows, find_sections
from gis.network.trace import Direction


@dataclass(frozen=True, slots=True)
class Model:
    """Everything a model's file says, by number of pipe and node."""

    part: Part
    node_names: list[str]
    pipe_names: list[str]
    lengths: np.ndarray[tuple[int], np.dtype[np.float64]]
    levels: Levels
    depths: Depths
    sections: Sections
    outfalls: Outfalls
    flows: Flows
    rules: SwmmRules
    assumptions: tuple[Assumption, ...]
    as_of: datetime | None = None

    def name_of(self) -> dict[str, str]:
        """Name in the model by id."""
        ids = [*self.part.nodes["id"], *self.part.pipes["id"]]
        return dict(zip(ids, [*self.node_names, *self.pipe_names], strict=True))

    def as_inp(self) -> str:
        """The text of the .inp file."""
        from gis.network.swmm_write import write_model

        return write_model(self)

    def mapping_csv(self) -> str:
        """Name in the model, kind, id, code and name of the register (CSV with BOM)."""
        part = self.part
        kinds = [kind if isinstance(kind, str) else "" for kind in part.nodes["kind"]]
        nodes = zip(self.node_names, kinds, part.nodes["id"], part.nodes["code"],
                    part.nodes["name"], strict=True)  # fmt: skip
        pipes = zip(self.pipe_names, ["sewer_pipe"] * len(part.pipes), part.pipes["id"],
                    part.pipes["code"], part.pipes["name"], strict=True)  # fmt: skip
        return _as_csv(("swmm", "kind", "id", "code", "name"), [*nodes, *pipes])

    def assumptions_csv(self, language: Language) -> str:
        """One row for each object something was assumed of (CSV with BOM)."""
        names = self.name_of()
        rows = [
            (assumption.rule, assumption.text.get(language), names.get(identifier, ""), identifier)
            for assumption in self.assumptions
            for identifier in assumption.ids
        ]
        return _as_csv(("rule", "assumption", "swmm", "id"), rows)


def _as_csv(head: tuple[str, ...], rows: Sequence[tuple[object, ...]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(head)
    for row in rows:
        writer.writerow(
            [neutralize_formula(cell if isinstance(cell, str) else None) for cell in row]
        )
    return "\ufeff" + out.getvalue()


def export_swmm(
    ask: Ask,
    start: str | None = None,
    direction: Direction = Direction.UP,
    *,
    pool: Pool = Pool.STAFF,
    system: PipeSystem | None = None,
    as_of: datetime | None = None,
    planned: bool = False,
) -> Model:
    """A model of what a trace from ``start`` finds; of the whole network where it is None.

    Pipes out of use are left out, and those not built yet unless ``planned``. Raises
    ForbiddenError for a reader who may not see inverts; NotFoundError, GoneError for the start,
    and where nothing is left to model.
    """
    require_levels(pool)
    whole = read_part(ask, choose_walk(ask, start, direction, system=system, as_of=as_of))
    assumed = Assumptions(load_rules())
    part = _choose_pipes(whole, planned=planned, assumed=assumed)
    figures = assumed.rules.figures
    drawn = part.pipes["length_m"].to_numpy(dtype=float)
    lengths = np.maximum(drawn, figures.least_length_m)
    least = f"{figures.least_length_m:g}"
    assumed.add("short", part.pipes, drawn < figures.least_length_m, least=least)
    assumed.add("flow_backward", part.pipes, part.pipes["is_backward"].to_numpy(dtype=bool))
    pressure = (part.pipes["pressure"] == "pressure").to_numpy(dtype=bool)
    assumed.add("pressure_as_gravity", part.pipes, pressure)
    assumed.add("virtual_node", part.nodes, part.nodes["kind"].isna().to_numpy())
    levels = find_levels(part, lengths, assumed)
    assumed.add("uphill", part.pipes, levels.outlet > levels.inlet + 5e-4)
    sections = find_sections(part, assumed)
    return Model(
        part=part,
        node_names=make_names(part.nodes["id"], part.nodes["code"], "N"),
        pipe_names=make_names(part.pipes["id"], part.pipes["code"], "P"),
        lengths=lengths,
        levels=levels,
        depths=find_depths(part, levels, sections.height, assumed),
        sections=sections,
        outfalls=find_outfalls(part, levels.invert, assumed),
        flows=find_flows(part, assumed),
        rules=assumed.rules,
        assumptions=assumed.listed(),
        as_of=as_of,
    )


_UNBUILT = ("planned", "designed", "under_construction")
_UNUSED = ("suspended", "abandoned", "removed")


def _choose_pipes(whole: Part, *, planned: bool, assumed: Assumptions) -> Part:
    """The pipes that carry water, and their nodes renumbered."""
    pipes = whole.pipes
    unused = pipes["service_state"].isin(_UNUSED).to_numpy()
    unbuilt = pipes["progress"].isin(_UNBUILT).to_numpy() & ~unused & (not planned)
    loop = (whole.source == whole.target) & ~unused & ~unbuilt
    for rule, where in (("not_in_use", unused), ("not_built", unbuilt), ("self_loop", loop)):
        assumed.add(rule, pipes, where)
    kept = ~(unused | unbuilt | loop)
    if not kept.any():
        raise NotFoundError(
            Text(
                zh="此处的 {count} 段管道均未建成、停用或成环,没有可建模的管段",
                en="all {count} pipes here are not built, out of use or loops: none to model",
            ).format(count=len(pipes))
        )
    used = np.zeros(len(whole.nodes), dtype=bool)
    used[whole.source[kept]] = used[whole.target[kept]] = True
    number = np.cumsum(used) - 1
    chosen = pipes[kept].reset_index(drop=True)
    chosen["upper"], chosen["lower"] = number[whole.source[kept]], number[whole.target[kept]]
    users = whole.users[used[whole.users["node"].to_numpy(dtype=np.intp)]]
    return Part(
        chosen,
        whole.nodes[used].reset_index(drop=True),
        whole.lines[kept],
        whole.points[used],
        users.assign(node=number[users["node"].to_numpy(dtype=np.intp)]),
    )
