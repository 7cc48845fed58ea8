"""The edges the database keeps: are they what settling all of them gives, what was snapped."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from sqlalchemy import Connection, text

from gis.attributes import Text
from gis.db.tables import CORE
from gis.errors import InputError
from gis.network.resolution import read_ends, read_tolerance, resolve_ends

MOST_TOLERANCE_M = 5.0
MOST_LISTED = 100


@dataclass(frozen=True, slots=True)
class TopologyCheck:
    """How many edges there are, how many marks wait, and the pipes whose edge is wrong."""

    pipes: int
    dirty: int
    tolerance_m: float
    wrong: tuple[str, ...]

    @property
    def is_sound(self) -> bool:
        """Whether the kept edges are those of a rebuild."""
        return not self.wrong and self.dirty == 0


def check_topology(connection: Connection) -> TopologyCheck:
    """Resolve every end anew, by other code than the database's, and compare."""
    tolerance = read_tolerance(connection)
    given = read_ends(connection)
    made = resolve_ends(given, tolerance)
    count = len(given.pipes)
    expected = pd.DataFrame(
        {
            "id": given.pipes["id"],
            "is_backward": given.pipes["is_backward"],
            **{
                f"{side}_{name}": made[column].to_numpy()[k * count : (k + 1) * count]
                for k, side in enumerate(("start", "end"))
                for name, column in (("id", "node_id"), ("how", "how"))
            },
        }
    )
    kept = pd.DataFrame(
        connection.exec_driver_sql(
            "SELECT pipe_id::text, is_backward, start_id::text, start_how, end_id::text, end_how"
            f" FROM {CORE}.network_edge"
        ).all(),
        columns=list(expected.columns),
    )
    both = expected.merge(kept, on="id", how="outer", suffixes=("", "_kept"))
    same = pd.Series(True, index=both.index)
    for name in expected.columns[1:]:
        same &= both[name].astype(object) == both[f"{name}_kept"].astype(object)
    dirty = connection.exec_driver_sql(f"SELECT count(*) FROM {CORE}.network_dirty").scalar_one()
    return TopologyCheck(count, int(dirty), tolerance, tuple(sorted(both.loc[~same, "id"])))


def rebuild_topology(owner: Connection, *, tolerance_m: float | None = None) -> int:
    """Settle every edge anew, as the owner, perhaps with another tolerance; how many pipes."""
    if tolerance_m is not None and not 0 <= tolerance_m <= MOST_TOLERANCE_M:
        raise InputError(
            Text(
                zh="捕捉容差需在 0 至 {most:g} 米之间", en="a tolerance is 0 to {most:g} metres"
            ).format(most=MOST_TOLERANCE_M),
            tolerance_m=tolerance_m,
        )
    asked = text(f"SELECT {CORE}.rebuild_network(CAST(:metres AS double precision))")
    return int(owner.execute(asked, {"metres": tolerance_m}).scalar_one())
