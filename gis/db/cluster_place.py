"""Where the embedded cluster lives and who runs it: folders, account, socket."""

from __future__ import annotations

import hashlib
import os
import pwd
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from gis.attributes import Text
from gis.db.cluster_files import replace_file
from gis.errors import SetupError

ROOT_STATE = Path("/var/lib/infratrack")
SERVER_ACCOUNT = "postgres"  # Debian's; PostgreSQL refuses to run as root
SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_BYTES = 107  # sockaddr_un.sun_path holds 108 with its final NUL
# flock is per host (or not kept at all) on these, and the lock is what keeps two servers apart
REMOTE_FILESYSTEMS = frozenset(
    (
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "afs",
        "ceph",
        "fuse.sshfs",
        "fuse.glusterfs",
    )
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
    question = subprocess.run(  # noqa: S603 - our own words, no shell expansion
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

    A folder that exists wins, so the answer never changes once there is a database. Nothing is
    made here.
    """
    state = state_folder.resolve()
    inside, elsewhere = state / "postgres", _place_elsewhere(state)
    try:
        for place in (inside, elsewhere):
            if os.path.lexists(place):
                return place
        return inside if can_enter(_nearest_existing(state), find_server_account()) else elsewhere
    except PermissionError:
        return elsewhere


def _nearest_existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder


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
    return check_place(place)


def check_place(place: Path) -> Account:
    """The account that owns ``place``; SetupError when we may not act as that account."""
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
        _make_parents(place.parent)
        made = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))  # 0700
        if os.geteuid() == 0:
            os.chown(made, account.uid, account.gid)
    except OSError as error:
        raise explain_os_error(error, place) from error
    try:
        made.rename(place)
    except OSError:
        made.rmdir()  # another starter was first
        if not os.path.lexists(place):
            raise


def _make_parents(folder: Path) -> None:
    """Make missing folders passable whatever the umask: the server's account goes through."""
    if not folder.exists():
        _make_parents(folder.parent)
        folder.mkdir(exist_ok=True)
        folder.chmod(0o711)


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
    device = _nearest_existing(place).stat().st_dev
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
    folder = _own_folder(_runtime_folder(account) / name, account)
    replace_file(place / "socket.path", os.fsencode(folder))
    return folder


def _runtime_folder(account: Account) -> Path:
    if os.geteuid() == 0:
        return Path("/run")
    session = Path(f"/run/user/{account.uid}")
    # in the shared folder the name may be taken: owner and mode are checked
    return session if session.is_dir() else Path("/tmp")  # noqa: S108


def _own_folder(folder: Path, account: Account) -> Path:
    """A 0700 folder of ``account``; somebody else's (or a link) in its place is refused."""
    if not os.path.lexists(folder):
        _create_private(folder, account)
    facts = os.lstat(folder)
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != account.uid or facts.st_mode & 0o077:
        raise SetupError(
            Text(
                zh="{folder} 应是用户 {name} 的私有文件夹(0700),现在不是;请检查后删除它。",
                en="{folder} should be a private folder (0700) of user {name} and is not; "
                "look at it and remove it.",
            ).format(folder=folder, name=account.name)
        )
    return folder
