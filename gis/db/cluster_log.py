"""The embedded server's logs, and why it did not start, in both languages."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gis.attributes import Text
from gis.errors import SetupError

_LINES = 15
_TAIL_BYTES = 16_384
_HINTS = {
    "No space left on device": Text(
        zh="磁盘已满:请腾出空间后重试,已提交的数据没有丢失。",
        en="The disk is full: free some space and try again; nothing committed is lost.",
    ),
    "ermission denied": Text(
        zh="权限不足:请检查该文件夹、其中文件及上级文件夹的所有者与权限。",
        en="Permission denied: check owner and mode of the folder, its files and those above it.",
    ),
    "authentication failed": Text(
        zh="数据库正在运行,但不接受当前系统用户。",
        en="The database runs but does not accept this user of the system.",
    ),
}
_SEE_LOG = Text(zh="原因见日志末尾。", en="The end of its log says why.")


@contextmanager
def open_start_log(place: Path) -> Iterator[int]:
    """A new ``start.log`` in ``place`` as a descriptor; never through a link, never growing."""
    path = place / "start.log"
    path.unlink(missing_ok=True)
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        yield log
    finally:
        os.close(log)


def explain_failure(place: Path) -> SetupError:
    """The error of a server that did not come up: a hint and the end of its logs."""
    log = _read_logs(place)
    hint = next((hint for words, hint in _HINTS.items() if words in log), _SEE_LOG)
    return SetupError(
        Text(
            zh=f"数据库无法启动({place})。{hint.zh}\n{log}",
            en=f"The database cannot be started ({place}). {hint.en}\n{log}",
        ),
        folder=str(place),
        log=log,
    )


def _read_logs(place: Path) -> str:
    """The end of start.log and, once the server got as far as its own log, of that one.

    The server's log of an earlier start has nothing to say: it is older than start.log.
    """
    start = place / "start.log"
    began = start.stat().st_ctime if start.exists() else 0.0
    paths = [
        start,
        *(log for log in place.glob("log/*.log") if log.stat().st_mtime >= began),
    ]
    return "\n".join(line for path in paths if path.exists() for line in _read_tail(path))


def _read_tail(path: Path) -> list[str]:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        return file.read().decode(errors="replace").splitlines()[-_LINES:]
