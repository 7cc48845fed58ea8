"""The embedded PostGIS cluster: initialised, started, shared and stopped by the app itself.

Which process is alive is told by flocks, never by process numbers, which mean nothing after a
reboot or in another container:

``cluster.lock``  held while somebody initialises, starts or stops the server;
``alive.lock``    inherited by the postmaster and all its children: held means a server runs;
``users.lock``    shared by every process that uses the server: the last one to leave stops it.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from gis.attributes import Text
from gis.db.cluster_config import SUPERUSER, write_config
from gis.db.cluster_files import sync_folder, take_lock
from gis.db.cluster_log import explain_failure, open_start_log
from gis.db.cluster_place import (
    SOCKET_NAME,
    Account,
    check_place,
    choose_place,
    explain_os_error,
    find_socket_folder,
    prepare_place,
    prepare_socket_folder,
    refuse_owner,
)
from gis.db.cluster_process import (
    Reply,
    ask_server,
    find_postmasters,
    list_processes,
    run_server_program,
    send_signal,
)
from gis.db.cluster_programs import find_programs, read_major
from gis.db.cluster_reserve import Reserve
from gis.errors import SetupError, StorageFullError

DATABASE = "infratrack"
_LOCK_SECONDS = 180.0  # initdb takes 0.6 s, on a busy disk 5 s
_START_SECONDS = 600.0  # replaying a long log is not a failure
_ORPHAN_SECONDS = 3.0  # a dead server's children normally go within 20 ms
_STOP_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class ClusterStatus:
    """What :meth:`Cluster.status` found; ``major`` is None before the first start."""

    state: str  # absent, stopped, starting, running, unreachable
    folder: Path
    socket_folder: Path
    major: int | None


class Cluster:
    """The private PostgreSQL server of one state folder.

    Any number of processes may use it at once: each calls :meth:`ensure` when it begins and
    :meth:`release` when it ends (or uses it as a context manager).
    """

    def __init__(self, folder: Path) -> None:
        self.folder = choose_place(folder)
        self._users: int | None = None

    def __enter__(self) -> Self:
        self.ensure()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    @property
    def data(self) -> Path:
        """PostgreSQL's data folder."""
        return self.folder / "data"

    @property
    def reserve(self) -> Reserve:
        """The room kept aside for the server's recovery."""
        return Reserve(self.data)

    @property
    def socket_folder(self) -> Path:
        """The private folder of the server's socket."""
        return find_socket_folder(self.folder)

    def ensure(self) -> None:
        """Return when the server answers: initialise and start it if need be.

        Safe to call from any number of processes at once. Raises SetupError, with the end of the
        server's log, when it cannot be brought up.
        """
        account = prepare_place(self.folder)
        try:
            self._join_users()
            if ask_server(self.socket_folder) is Reply.READY:
                return
            with self._hold_cluster_lock() as cluster_lock:
                self._bring_up(account, cluster_lock)
        except OSError as error:
            self._leave_users()
            raise explain_os_error(error, self.folder) from error
        except BaseException:
            self._leave_users()
            raise

    def release(self) -> None:
        """Say that this process no longer uses the server; the last one to say so stops it."""
        if self._users is None:
            return
        with self._hold_cluster_lock():
            self._leave_users()
            # who comes meanwhile waits for this lock, and then finds the server stopped
            alone = take_lock(self.folder / "users.lock")
            if alone is not None:
                try:
                    self._stop_server()
                finally:
                    os.close(alone)

    def stop(self) -> None:
        """Stop the server whoever uses it; nothing happens when it does not run."""
        if os.path.lexists(self.folder):
            with self._hold_cluster_lock():
                self._leave_users()
                self._stop_server()

    def status(self) -> ClusterStatus:
        """What is there now, changing nothing; SetupError when it is not ours to look at."""
        major = None
        if os.path.lexists(self.folder):
            check_place(self.folder)
            major = read_major(self.data) if self.data.exists() else None
        states = {
            Reply.READY: "running",
            Reply.STARTING: "starting",
            Reply.ABSENT: "stopped",
        }
        state = states.get(ask_server(self.socket_folder), "unreachable")
        return ClusterStatus(
            "absent" if major is None else state, self.folder, self.socket_folder, major
        )

    def require_room(self) -> None:
        """StorageFullError while the disk is too full for the log to grow: nothing is written."""
        if not self.reserve.has_room():
            raise StorageFullError(
                Text(
                    zh="磁盘空间不足({path}):可读不可写,腾出空间后自动恢复",
                    en="the disk is nearly full ({path}): reading works, writing does not until"
                    " space is freed",
                ).format(path=self.reserve.path.parent)
            )

    def url(self, role: str, database: str = DATABASE) -> str:
        """SQLAlchemy's URL for ``role``; there is no password, the system's user is checked."""
        folder = quote(str(self.socket_folder), safe="")
        return (
            f"postgresql+psycopg://{quote(role, safe='')}@/{quote(database, safe='')}?host={folder}"
        )

    def superuser_url(self, database: str = "postgres") -> str:
        """SQLAlchemy's URL for the superuser: set-up, backup and tests only."""
        return self.url(SUPERUSER, database)

    # locks

    @contextmanager
    def _hold_cluster_lock(self) -> Iterator[int]:
        lock = self._take("cluster.lock")
        try:
            yield lock
        finally:
            os.close(lock)

    def _join_users(self) -> None:
        if self._users is None:
            self._users = self._take("users.lock", shared=True)

    def _leave_users(self) -> None:
        if self._users is not None:
            os.close(self._users)
            self._users = None

    def _take(self, name: str, *, shared: bool = False) -> int:
        lock = take_lock(self.folder / name, shared=shared, seconds=_LOCK_SECONDS)
        if lock is None:
            raise SetupError(
                Text(
                    zh="另一个进程占用锁 {path} 已超过 {seconds:.0f} 秒。",
                    en="Another process has held the lock {path} for more than {seconds:.0f} s.",
                ).format(seconds=_LOCK_SECONDS, path=self.folder / name)
            )
        return lock

    # starting (all with cluster.lock held)

    def _bring_up(self, account: Account, cluster_lock: int) -> None:
        alive = self._claim_life()
        if alive is None:
            return
        try:
            programs = find_programs(self.data)
            if not os.path.lexists(self.data):
                self._initialise(programs, account, cluster_lock)
            self._check_data(account)
            self.reserve.give_up_when_full()
            self._launch(programs, account, alive)
        finally:
            os.close(alive)  # the postmaster has its own copy by now
        self._await_server()
        self.reserve.hold()

    def _claim_life(self) -> int | None:
        """Take alive.lock; None when a server that runs already got ready instead."""
        began = time.monotonic()
        absent_since: float | None = None
        while True:
            alive = take_lock(self.folder / "alive.lock")
            if alive is not None:
                return alive
            reply, now = ask_server(self.socket_folder), time.monotonic()
            if reply is Reply.READY:
                return None
            absent_since = (absent_since or now) if reply is Reply.ABSENT else None
            if absent_since is not None and now - absent_since > _ORPHAN_SECONDS:
                self._clear_orphans()
                absent_since = None
            elif reply is Reply.REFUSED or now - began > _START_SECONDS:
                raise explain_failure(self.folder)
            time.sleep(0.02)

    def _clear_orphans(self) -> None:
        """End what a dead postmaster left (a backend deep in a long computation, say)."""
        for number in (signal.SIGQUIT, signal.SIGKILL):
            orphans = list(list_processes(self.data))
            if not orphans:
                break
            send_signal(orphans, number)
            if self._await_death(1.0):
                return
        if not self._await_death(1.0):
            raise self._refuse_foreign()

    def _await_death(self, seconds: float) -> bool:
        alive = take_lock(self.folder / "alive.lock", seconds=seconds)
        if alive is None:
            return False
        os.close(alive)
        return True

    def _initialise(self, programs: Path, account: Account, cluster_lock: int) -> None:
        for leftover in self.folder.glob("init-*"):
            shutil.rmtree(leftover)  # of a starter that was killed
        made = self.folder / f"init-{os.getpid()}"
        argv = [
            str(programs / "initdb"),
            f"--pgdata={made}",
            f"--username={SUPERUSER}",
            "--auth=peer",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--data-checksums",
        ]
        with open_start_log(self.folder) as log:
            # with the lock inherited, an initdb that outlives us still keeps others away
            code = run_server_program(argv, account, output=log, pass_fds=(cluster_lock,))
        if code != 0:
            failure = explain_failure(self.folder)
            shutil.rmtree(made, ignore_errors=True)
            raise failure
        made.rename(self.data)  # initdb has synced what is inside
        sync_folder(self.folder)

    def _check_data(self, account: Account) -> None:
        facts = self.data.stat()
        if facts.st_uid != account.uid:
            raise refuse_owner(self.data, facts.st_uid)
        if facts.st_mode & 0o027:
            raise SetupError(
                Text(
                    zh="{data} 的权限过宽({mode:o}),PostgreSQL 会拒绝启动。请确认无人动过"
                    "其中的文件,然后执行:chmod 700 {data}",
                    en="The permissions of {data} are too wide ({mode:o}), PostgreSQL would "
                    "refuse it. Make sure nobody touched the files, then: chmod 700 {data}",
                ).format(data=self.data, mode=facts.st_mode & 0o777)
            )

    def _launch(self, programs: Path, account: Account, alive: int) -> None:
        socket_folder = prepare_socket_folder(self.folder, account)
        for name in (SOCKET_NAME, SOCKET_NAME + ".lock"):
            (socket_folder / name).unlink(missing_ok=True)  # alive.lock is ours: nobody's
        write_config(
            self.data,
            socket_folder=socket_folder,
            log_folder=self.folder / "log",
            account=account,
        )
        # setsid --fork: no child of ours, so no terminal's Ctrl-C and no zombie to reap
        argv = [
            "/usr/bin/setsid",
            "--fork",
            str(programs / "postgres"),
            "-D",
            str(self.data),
        ]
        stale = self._read_stale_pid()
        with open_start_log(self.folder) as log:
            run_server_program(argv, account, output=log, pass_fds=(alive,), grandparent=stale)

    def _read_stale_pid(self) -> int | None:
        """The process number a dead postmaster left; it may by now be anybody's, or a zombie's.

        The file itself stays (PostgreSQL checks the shared memory it names), except when it is
        not readable: a kill while it was being written, which PostgreSQL takes for a rival.
        """
        path = self.data / "postmaster.pid"
        try:
            return abs(int(path.read_text().splitlines()[0]))
        except FileNotFoundError:
            return None
        except (ValueError, IndexError):
            path.unlink()
            return None

    def _await_server(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            reply = ask_server(self.socket_folder)
            if reply is Reply.READY:
                return
            if reply is Reply.REFUSED or self._await_death(0.0):
                break
            time.sleep(0.005)
        raise explain_failure(self.folder)

    # stopping (with cluster.lock held)

    def _stop_server(self) -> None:
        """Fast shutdown, then immediate, then the hard way; commits are safe in all three."""
        if self._await_death(0.0):
            return
        steps = (
            (signal.SIGINT, _STOP_SECONDS),
            (signal.SIGQUIT, 5.0),
            (signal.SIGKILL, 5.0),
        )
        for number, seconds in steps:
            listed = list_processes if number is signal.SIGKILL else find_postmasters
            pids = list(listed(self.data))
            if not pids and not self._await_death(1.0):
                break
            send_signal(pids, number)
            if self._await_death(seconds):
                return
        raise self._refuse_foreign()

    def _refuse_foreign(self) -> SetupError:
        return SetupError(
            Text(
                zh="{folder} 中的数据库正由本机看不到的进程使用(另一个容器?),未作任何改动。"
                "请先在那里停止它。",
                en="The database in {folder} is in use by a process that cannot be seen or ended "
                "from here (another container?); nothing was changed. Stop it there first.",
            ).format(folder=self.folder)
        )
