"""PostgreSQL's own programs (pg_dump, pg_restore, psql), run on a database of ours."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg.conninfo import make_conninfo
from sqlalchemy import make_url

from gis.attributes import Text
from gis.db.connect import Installation
from gis.errors import InfratrackError, SetupError, StorageFullError

_FOLDERS = Path("/usr/lib/postgresql")


def find_program(name: str, major: int) -> Path:
    """A program of the server's major version, else the nearest newer one; SetupError.

    An older pg_dump refuses a newer server; a much newer one writes what it cannot read back.
    """
    majors = sorted(
        int(path.parent.parent.name)
        for path in _FOLDERS.glob(f"*/bin/{name}")
        if path.parent.parent.name.isdigit()
    )
    for found in majors:
        if found >= major:
            return _FOLDERS / str(found) / "bin" / name
    raise SetupError(
        Text(
            zh="缺少 {name}(PostgreSQL {major}):请安装 postgresql-client-{major}",
            en="{name} of PostgreSQL {major} is missing: install postgresql-client-{major}",
        ).format(name=name, major=major)
    )


def run_program(
    installation: Installation, name: str, *arguments: str, major: int, connect: bool = True
) -> None:
    """Run a program as the owner of the installation's database; its last words are the error's.

    The password, if there is one, goes through a file only we can read, not the command line.
    """
    program = str(find_program(name, major))
    with _name_database(installation.owner_url) as database:
        where = (f"--dbname={database}",) if connect else ()
        done = subprocess.run(  # noqa: S603  a program we found, our own arguments, no shell
            [program, *arguments, *where],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    if done.returncode != 0:
        raise _explain(name, done.stderr)


@contextmanager
def _name_database(url: str) -> Iterator[str]:
    parts = make_url(url)
    words = {
        "host": parts.host,
        "port": parts.port,
        "user": parts.username,
        "dbname": parts.database,
        **parts.query,
    }
    given = {name: str(value) for name, value in words.items() if value is not None}
    if not parts.password:
        yield make_conninfo("", **given)
        return
    with tempfile.NamedTemporaryFile("w", suffix=".pgpass") as secret:  # made 0600
        password = str(parts.password).replace("\\", "\\\\").replace(":", "\\:")
        secret.write(f"*:*:*:*:{password}\n")
        secret.flush()
        yield make_conninfo("", **given, passfile=secret.name)


def _explain(name: str, complaint: str) -> InfratrackError:
    last = " ".join(complaint.strip().splitlines()[-4:])[-600:]
    if "No space left" in complaint or "could not extend file" in complaint:
        return StorageFullError(
            Text(zh="磁盘已满,{name} 停止:{last}", en="the disk is full, {name} stopped: {last}")
            .format(name=name, last=last)
        )  # fmt: skip
    return SetupError(
        Text(zh="{name} 失败:{last}", en="{name} failed: {last}").format(name=name, last=last)
    )
