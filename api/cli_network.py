"""The command that looks at the topology of the sewer network, and settles it anew."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape
from sqlalchemy import create_engine

from api.cli_words import Session, both, out
from gis.attributes import Text
from gis.network.topology import TopologyCheck, check_topology, rebuild_topology


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    text = both("排水管网拓扑:核对或重建", "Topology of the sewers: check it, settle it anew")
    app.command("network", help=text, epilog="python3 -m gis network --check")(network)


def network(
    context: typer.Context,
    _check: Annotated[
        bool,
        typer.Option(
            "--check",
            help=both(
                "与全部重算的结果比对(总是进行)", "Compare with a new resolution (always done)"
            ),
        ),
    ] = False,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help=both("全部重建", "Settle every end anew"))
    ] = False,
    tolerance: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=5,
            help=both("捕捉容差(米),随即重建", "Tolerance in metres; settles all anew"),
        ),
    ] = None,
) -> None:
    """Rebuild where asked for, then check; exit 1 where the edges are not those of a rebuild."""
    session: Session = context.obj
    with session.open() as installation:
        if rebuild or tolerance is not None:
            owner = create_engine(installation.owner_url)
            with owner.begin() as connection:
                rebuild_topology(connection, tolerance_m=tolerance)
            owner.dispose()
        with installation.db.read() as connection:
            found = check_topology(connection)
    _say(session, found)
    if not found.is_sound:
        raise typer.Exit(1)


_COUNTED = Text(
    zh="{pipes} 根管段,容差 {tolerance:g} 米,待处理 {dirty}",
    en="{pipes} pipes, tolerance {tolerance:g} m, {dirty} to be settled",
)
_SOUND = Text(zh="与全部重算的结果一致", en="the same as a new resolution of all of them")
_DIFFERS = Text(zh="{count} 根与重算结果不同:", en="{count} differ from a new resolution:")


def _say(session: Session, found: TopologyCheck) -> None:
    counted = _COUNTED.format(pipes=found.pipes, tolerance=found.tolerance_m, dirty=found.dirty)
    verdict = _SOUND if found.is_sound else _DIFFERS.format(count=len(found.wrong))
    for words in (counted, verdict):
        out.print(escape(words.get(session.language)))
    for identifier in found.wrong[:20]:
        out.print(identifier)
