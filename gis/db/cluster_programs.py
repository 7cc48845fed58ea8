"""Which PostgreSQL of this machine may run a data folder: Debian's, with PostGIS, same major."""

from __future__ import annotations

from pathlib import Path

from gis.attributes import Text
from gis.errors import SetupError

PROGRAMS = Path("/usr/lib/postgresql")
EXTENSIONS = Path("/usr/share/postgresql")


def find_programs(data: Path) -> Path:
    """The ``bin`` folder of the PostgreSQL whose major version fits ``data`` (newest when new).

    Asked of the folders, not of pg_config: libpq's may name a folder without a server.
    """
    ready = {
        int(folder.name): folder / "bin"
        for folder in PROGRAMS.glob("[0-9]*")
        if (folder / "bin/postgres").exists()
        and (EXTENSIONS / folder.name / "extension/postgis.control").exists()
    }
    if not data.exists():
        if not ready:
            raise SetupError(
                Text(
                    zh="没有找到带 PostGIS 的 PostgreSQL。请由管理员执行:"
                    "sudo apt-get install postgresql-15 postgresql-15-postgis-3",
                    en="No PostgreSQL with PostGIS was found. Ask an administrator for: "
                    "sudo apt-get install postgresql-15 postgresql-15-postgis-3",
                )
            )
        return ready[max(ready)]
    major = read_major(data)
    if major not in ready:
        raise _refuse_major(data, major, sorted(ready))
    return ready[major]


def read_major(data: Path) -> int:
    """The major version that wrote ``data`` (its PG_VERSION)."""
    try:
        return int((data / "PG_VERSION").read_text().split(".")[0])
    except (OSError, ValueError) as error:
        raise SetupError(
            Text(
                zh="{data} 不是 PostgreSQL 数据文件夹(PG_VERSION 无法读取)。未作任何改动;"
                "请移走它或从备份恢复。",
                en="{data} is not a PostgreSQL data folder (PG_VERSION cannot be read). Nothing "
                "was changed; move it away or restore a backup.",
            ).format(data=data)
        ) from error


def _refuse_major(data: Path, major: int, installed: list[int]) -> SetupError:
    names = ", ".join(map(str, installed)) or "–"
    return SetupError(
        Text(
            zh="数据库 {data} 由 PostgreSQL {major} 建立,本机有:{names}。未作任何改动。"
            "办法一:安装 postgresql-{major} 与 postgresql-{major}-postgis-3。办法二:"
            "在有 PostgreSQL {major} 的机器上执行 python3 -m gis backup,移走此文件夹,"
            "再在这里执行 python3 -m gis restore(即先转储、后恢复)。",
            en="The database {data} was made by PostgreSQL {major}; installed here: {names}. "
            "Nothing was changed. Either install postgresql-{major} and "
            "postgresql-{major}-postgis-3, or dump and restore: run python3 -m gis backup on a "
            "machine with PostgreSQL {major}, move this folder away, and run "
            "python3 -m gis restore here.",
        ).format(data=data, major=major, names=names),
        data_major=major,
        installed=installed,
    )
