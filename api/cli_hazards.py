"""The command that looks after the field log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.markup import escape

from api.cli_words import Session, both, find_actor, out
from gis.attributes import Text
from gis.db.roles import Pool
from gis.errors import ConflictError
from gis.hazards.devices import BrokenChain, find_broken_chains
from gis.hazards.rebuild import Difference, check, rebuild
from gis.hazards.seal import find_broken_seals, read_daily_root, seal_events

_SOUND = Text(zh="记录与推算一致", en="everything that follows from the log agrees with it")
_DIFFERS = Text(zh="{table}:{count} 行与记录不符", en="{table}: {count} rows differ from the log")
_MENDED = Text(zh="{table}:已按记录重写 {count} 行", en="{table}: {count} rows written anew")
_SEALED = Text(zh="已封存第 {block} 块({events} 条)", en="sealed block {block} ({events} records)")
_NOTHING = Text(zh="没有新记录需要封存", en="nothing new to seal")
_CHAIN = Text(
    zh="chain_broken:设备 {device}({people})有 {count} 条记录与前一条不相衔接,编号 {numbers}",
    en="chain_broken: {count} records of device {device} ({people}) do not follow the one before,"
    " numbers {numbers}",
)
_ROOT = Text(zh="{day} 日根:{root}", en="root of {day}: {root}")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "log",
        help=both(
            "检查外业记录:推算一致、封存完好、当日根",
            "Look at the field log: does all that follows agree, are the seals whole",
        ),
        epilog="python3 -m gis log --seal",
    )(log)


def log(
    context: typer.Context,
    mend: Annotated[
        bool, typer.Option("--rebuild", help=both("重写不一致的行", "Write anew what differs"))
    ] = False,
    seal: Annotated[
        bool, typer.Option("--seal", help=both("先封存新记录", "Seal new records first"))
    ] = False,
) -> None:
    """Check, mend and seal."""
    session: Session = context.obj
    language = session.language
    with (
        session.open() as installation,
        installation.db.write(actor=find_actor(), reason="field log", pool=Pool.JOBS) as connection,
    ):
        if seal:
            block = seal_events(connection)
            words = _SEALED.format(block=block.number, events=block.events) if block else _NOTHING
            out.print(escape(words.get(language)))
        broken = find_broken_seals(connection)
        found = rebuild(connection) if mend else check(connection)
        chains = find_broken_chains(connection)
        zone = session.settings.timezone
        today = datetime.now(ZoneInfo(zone)).date()
        root = read_daily_root(connection, today, zone=zone)
    _tell(session, found, mended=mend)
    _tell_chains(session, chains)
    _tell_root(session, today, root)
    if broken:
        raise ConflictError(
            Text(
                zh="封存已被破坏,块号:{blocks}。请用备份核对",
                en="seals are broken, blocks {blocks}: compare with a backup",
            ).format(blocks=", ".join(map(str, broken[:20])))
        )
    if found and not mend:
        raise typer.Exit(1)


def _tell(session: Session, found: list[Difference], *, mended: bool) -> None:
    if not found:
        out.print(escape(_SOUND.get(session.language)))
    for difference in found:
        words = (_MENDED if mended else _DIFFERS).format(
            table=difference.table, count=len(difference.rows)
        )
        out.print(escape(words.get(session.language)))


def _tell_chains(session: Session, chains: Sequence[BrokenChain]) -> None:
    for chain in chains:
        words = _CHAIN.format(
            device=chain.device_id,
            people=", ".join(chain.people),
            count=chain.count,
            numbers=", ".join(map(str, chain.numbers)),
        )
        out.print(escape(words.get(session.language)))


def _tell_root(session: Session, day: date, root: str | None) -> None:
    if root:
        out.print(escape(_ROOT.format(day=day, root=root).get(session.language)))
