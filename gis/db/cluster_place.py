"""Where the embedded cluster lives and who runs it: folders, account, binaries, socket, locks."""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import stat
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from gis.attributes import Text
from gis.errors import SetupError

PROGRAMS = Path("/usr/lib/postgresql")
EXTENSIONS = Path("/usr/share/postgresql")
ROOT_STATE = Path("/var/lib/infratrack")
SERVER_ACCOUNT = "postgres"  # Debian's; PostgreSQL refuses to run as root
SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_BYTES = 107  # sockaddr_un.sun_path holds 108 with its final NUL
# flock is per host (or not kept at all) on these, and the lock is what keeps two servers apart
REMOTE_FILESYSTEMS = frozenset(
    [
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "afs",
        "ceph",
        "glusterfs",
        "fuse.sshfs",
        "fuse.glusterfs",
        "lustre",
    ]
)


@dataclass(frozen=True, slots=True)
class Account:
    """The operating system's user the server runs as."""

    name: str
    uid: int
    gid: int


def find_account(uid: int) -> Account:
    """The account of ``uid``; SetupError for root and for a number without a name."""
    if uid == 0:
        raise SetupError(
            Text(
                zh="PostgreSQL 不能以 root 运行,而数据库文件夹属于 root。请换一个状态文件夹"
                "(GIS_STATE_FOLDER)。",
                en="PostgreSQL refuses to run as root, and the database folder belongs to root. "
                "Choose another state folder (GIS_STATE_FOLDER).",
            )
        )
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise SetupError(
            Text(
                zh="用户号 {uid} 在本机没有名字(/etc/passwd),PostgreSQL 需要它。",
                en="User number {uid} has no name on this machine (/etc/passwd); "
                "PostgreSQL needs one.",
            ).format(uid=uid)
        ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def find_server_account() -> Account:
    """Who shall own a new cluster: ourselves, or Debian's server account when we are root."""
    if os.geteuid() != 0:
        return find_account(os.geteuid())
    try:
        return find_account(pwd.getpwnam(SERVER_ACCOUNT).pw_uid)
    except KeyError:
        raise SetupError(
            Text(
                zh="没有系统用户 {name};请安装 postgresql-15 软件包。",
                en="There is no system user {name}; install the package postgresql-15.",
            ).format(name=SERVER_ACCOUNT)
        ) from None


def can_enter(folder: Path, account: Account) -> bool:
    """Whether ``account`` can reach ``folder``; asked of the kernel, so ACLs count too."""
    if os.geteuid() != 0:
        return os.access(folder, os.W_OK | os.X_OK)
    question = subprocess.run(
        ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)],
        user=account.uid,
        group=account.gid,
        extra_groups=[],
        cwd="/",
        capture_output=True,
        check=False,
    )
    return question.returncode == 0


def choose_place(state_folder: Path) -> Path:
    """The cluster's own folder: inside the state folder, else where its account can reach.

    A folder that exists wins, so the answer never changes once there is a database.
    """
    state = state_folder.resolve()
    inside, elsewhere = state / "postgres", _place_elsewhere(state)
    for place in (inside, elsewhere):
        if os.path.lexists(place):
            return place
    account = find_server_account()
    try:
        if not state.exists():
            state.mkdir(parents=True)
            state.chmod(0o711)  # a strict umask must not lock the server's account out
        return inside if can_enter(state, account) else elsewhere
    except PermissionError:
        return elsewhere


def _place_elsewhere(state: Path) -> Path:
    name = "cluster-" + _short_hash(state)
    if os.geteuid() == 0:
        return ROOT_STATE / name
    return Path(pwd.getpwuid(os.geteuid()).pw_dir, ".local/state/infratrack", name)


def _short_hash(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]


def prepare_place(place: Path) -> Account:
    """Make the cluster's folder if missing (0700, owned by the server's account).

    Returns the account the server runs as: the folder's owner. Raises SetupError when that is
    not for us to use.
    """
    refuse_remote(place)
    if not os.path.lexists(place):
        _create_private(place, find_server_account())
    facts = os.lstat(place)
    if not stat.S_ISDIR(facts.st_mode):
        raise SetupError(
            Text(
                zh="{place} 不是文件夹(或是符号链接)。",
                en="{place} is not a folder (or a link).",
            ).format(place=place)
        )
    if os.geteuid() not in (0, facts.st_uid):
        raise refuse_owner(place, facts.st_uid)
    return find_account(facts.st_uid)


def _create_private(place: Path, account: Account) -> None:
    """Create by rename, so that nobody ever sees the folder with another owner or mode."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        made = tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent)  # 0700
        if os.geteuid() == 0:
            os.chown(made, account.uid, account.gid)
    except OSError as error:
        raise explain_os_error(error, place) from error
    try:
        os.rename(made, place)
    except OSError:
        os.rmdir(made)  # another starter was first
        if not os.path.lexists(place):
            raise


def refuse_owner(path: Path, uid: int) -> SetupError:
    """The error for files of another user; we never change owners ourselves."""
    try:
        owner = pwd.getpwuid(uid).pw_name
    except KeyError:
        owner = str(uid)
    return SetupError(
        Text(
            zh="{path} 属于用户 {owner}。请以该用户运行,或另设 GIS_STATE_FOLDER;"
            "本程序不会更改文件的所有者。",
            en="{path} belongs to user {owner}. Run as that user, or set GIS_STATE_FOLDER to "
            "another folder; owners of files are never changed by this program.",
        ).format(path=path, owner=owner)
    )


def explain_os_error(error: OSError, path: Path) -> SetupError:
    """A failed file operation in both languages (the kernel's words kept)."""
    return SetupError(
        Text(
            zh="无法使用 {path}:{reason}。请检查磁盘空间与权限,或另设 GIS_STATE_FOLDER。",
            en="Cannot use {path}: {reason}. Check the free space and permissions, or set "
            "GIS_STATE_FOLDER to another folder.",
        ).format(path=path, reason=error.strerror or error)
    )


def refuse_remote(place: Path) -> None:
    """Raise SetupError when ``place`` is on a network file system."""
    folder = place
    while not folder.exists():
        folder = folder.parent
    device = os.stat(folder).st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    for line in Path("/proc/self/mountinfo").read_text(errors="replace").splitlines():
        head, _, tail = line.partition(" - ")
        if head.split()[2] == number and tail.split()[0] in REMOTE_FILESYSTEMS:
            raise SetupError(
                Text(
                    zh="{place} 位于网络文件系统({kind})上,数据库在那里不安全。"
                    "请把 GIS_STATE_FOLDER 设到本机磁盘。",
                    en="{place} is on a network file system ({kind}), where a database is not "
                    "safe. Set GIS_STATE_FOLDER to a local disk.",
                ).format(place=place, kind=tail.split()[0])
            )


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


def fits_socket(folder: Path) -> bool:
    """Whether a socket in ``folder`` has a path the kernel accepts (bytes, not characters)."""
    return len(os.fsencode(folder / SOCKET_NAME)) <= SOCKET_PATH_BYTES


def find_socket_folder(place: Path) -> Path:
    """The folder of the running server's socket: inside ``place``, else the recorded one."""
    if fits_socket(place / "socket"):
        return place / "socket"
    try:
        return Path(os.fsdecode((place / "socket.path").read_bytes()))
    except OSError:
        return place / "socket"  # never started: nothing will answer there


def prepare_socket_folder(place: Path, account: Account) -> Path:
    """Make the private socket folder; in the runtime folder when ``place`` is too long."""
    if fits_socket(place / "socket"):
        return _own_folder(place / "socket", account)
    name = f"infratrack-{account.uid}-{_short_hash(place)}"
    session = Path(f"/run/user/{account.uid}")
    runtime = (
        Path("/run")
        if os.geteuid() == 0
        else session
        if session.is_dir()
        else Path("/tmp")
    )
    folder = _own_folder(runtime / name, account)
    replace_file(place / "socket.path", os.fsencode(folder), account)
    return folder


def _own_folder(folder: Path, account: Account) -> Path:
    """A 0700 folder of ``account``; somebody else's (or a link) in its place is refused."""
    if not os.path.lexists(folder):
        _create_private(folder, account)
    facts = os.lstat(folder)
    if (
        not stat.S_ISDIR(facts.st_mode)
        or facts.st_uid != account.uid
        or facts.st_mode & 0o077
    ):
        raise SetupError(
            Text(
                zh="{folder} 应是用户 {name} 的私有文件夹(0700),现在不是;请检查后删除它。",
                en="{folder} should be a private folder (0700) of user {name} and is not; "
                "look at it and remove it.",
            ).format(folder=folder, name=account.name)
        )
    return folder


def replace_file(path: Path, content: bytes, account: Account) -> None:
    """Write a file of ``account`` (0600) atomically and durably; untouched when it is equal.

    By a new file and a rename: as root we must never follow a link in another user's folder.
    """
    try:
        if not path.is_symlink() and path.read_bytes() == content:
            return
    except OSError:
        pass  # missing or unreadable: write it
    handle, made = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            if os.geteuid() == 0:
                os.fchown(file.fileno(), account.uid, account.gid)
        os.rename(made, path)
    except OSError:
        os.unlink(made)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames in ``folder`` durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def take_lock(path: Path, *, shared: bool = False, seconds: float = 0.0) -> int | None:
    """An flock on ``path`` as an open descriptor, or None when not free within ``seconds``.

    Give it up by closing it: LOCK_UN would also unlock the copies other processes inherited.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    if os.geteuid() == 0:
        os.fchown(
            handle, os.stat(path.parent).st_uid, -1
        )  # else only root could start it again
    wish = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(handle, wish)
            return handle
        except BlockingIOError:
            if time.monotonic() >= deadline:
                os.close(handle)
                return None
            time.sleep(0.01)
        except BaseException:
            os.close(handle)
            raise
