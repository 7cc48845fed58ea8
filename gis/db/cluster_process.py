"""The embedded server's processes: asking the socket, finding, signalling and spawning them."""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
from collections.abc import Sequence
from enum import Enum
from pathlib import Path

from gis.db.cluster_config import SUPERUSER
from gis.db.cluster_place import SOCKET_NAME, Account, fits_socket

_PROTOCOL = 3 << 16
_TOO_MANY_CONNECTIONS = "53300"
_CANNOT_CONNECT_NOW = "57P03"  # starting up, in recovery or shutting down


class Reply(Enum):
    """What the socket says."""

    READY = "ready"
    STARTING = "starting"  # or stopping: somebody is there and asks to wait
    ABSENT = "absent"  # nobody listens
    SILENT = "silent"  # somebody listens and does not answer (overloaded, stopped by a signal)
    REFUSED = "refused"  # it runs and does not let this user in


def ask_server(socket_folder: Path) -> Reply:
    """Ask as pg_isready does, without a process: the first answer to a start-up packet."""
    if not fits_socket(socket_folder):
        return Reply.ABSENT  # never started: a server there would have recorded another folder
    words = f"user\0{SUPERUSER}\0database\0postgres\0\0".encode()
    packet = struct.pack("!ii", 8 + len(words), _PROTOCOL) + words
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(1.0)
        try:
            line.connect(os.fspath(socket_folder / SOCKET_NAME))
            line.sendall(packet)
            answer = line.recv(4096)
        except (FileNotFoundError, ConnectionError):
            return Reply.ABSENT
        except PermissionError:
            return Reply.REFUSED
        except (TimeoutError, BlockingIOError):
            return Reply.SILENT
    return _read_answer(answer)


def _read_answer(answer: bytes) -> Reply:
    if answer[:1] == b"R":
        return Reply.READY
    if answer[:1] != b"E":
        return Reply.ABSENT  # closed without a word: the postmaster died while we asked
    fields = {field[:1]: field[1:].decode(errors="replace") for field in answer[5:].split(b"\0")}
    code = fields.get(b"C", "")
    if code == _CANNOT_CONNECT_NOW:
        return Reply.STARTING
    return Reply.READY if code == _TOO_MANY_CONNECTIONS else Reply.REFUSED


def list_processes(data: Path) -> dict[int, int]:
    """Processes whose working folder is ``data`` with their parents: all of one server's."""
    found: dict[int, int] = {}
    if Path("/proc/self").readlink() != Path(str(os.getpid())):
        return found  # /proc is of another PID namespace: its numbers are not ours to signal
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if (entry / "cwd").readlink() != data:
                continue
            # the name in parentheses may hold anything; the parent follows the last one
            found[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # gone meanwhile, or somebody else's
    return found


def find_postmasters(data: Path) -> list[int]:
    """The top processes of the server on ``data``; orphaned backends count as top."""
    processes = list_processes(data)
    return [pid for pid, parent in processes.items() if parent not in processes]


def send_signal(pids: Sequence[int], number: signal.Signals) -> None:
    """Signal each process that is still there."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def run_server_program(
    argv: Sequence[str],
    account: Account,
    *,
    output: int,
    pass_fds: Sequence[int],
    grandparent: int | None = None,
) -> int:
    """Run a program of the server as ``account`` and return its exit code.

    Its output goes to the descriptor ``output``, never to a pipe: a postmaster would inherit the
    pipe and keep the reader waiting for ever. ``grandparent`` is a process number the postmaster
    shall not take for a rival (PG_GRANDPARENT_PID).
    """
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    if grandparent is not None:
        environment["PG_GRANDPARENT_PID"] = str(grandparent)
    as_root = os.geteuid() == 0
    process = subprocess.run(  # noqa: S603 - a program of PostgreSQL, no shell
        list(argv),
        user=account.uid if as_root else None,
        group=account.gid if as_root else None,
        extra_groups=[] if as_root else None,
        umask=0o077,
        cwd="/",
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        pass_fds=tuple(pass_fds),
        check=False,
    )
    return process.returncode
