"""``python3 -m gis``: prepares the environment with the standard library, then runs ``api.cli``.

Runs on a bare machine, so it imports nothing of ours; ``api.cli`` is named, not imported. This
and ``gis/settings.py`` are the only readers of the environment.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

PROJECT = Path(__file__).resolve().parent.parent
ENVIRONMENT = PROJECT / ".venv"
PYTHON = ENVIRONMENT / "bin/python"
MARKER = ENVIRONMENT / "infratrack.json"  # written last: what is installed, from which locks
BUILDING = ENVIRONMENT / "infratrack.building"  # found at start: a build was killed
LOCKS = {"run": PROJECT / "requirements.lock", "test": PROJECT / "tests/requirements.lock"}
OLDEST_PYTHON = (3, 11)
WITHOUT_DATABASE = frozenset((None, "doctor", "kinds"))  # these never install a server
CREATE_CLUSTER = Path("/etc/postgresql-common/createcluster.d/infratrack.conf")
APT = ("apt-get", "-y", "-q", "-o", "DPkg::Lock::Timeout=600")

HELP = """\
Infratrack 城建一张图

python3 -m gis <command>

  demo     一条命令:准备环境、载入示例县、打开地图    set up, load the demonstration county, serve
  test     运行全部检查                               run the whole check
  serve    启动网页与接口                             serve the map and the API
  migrate  升级数据库结构                             bring the database to this version
  import   导入测绘文件                               import a survey file
  export   导出                                       export to a file
  map      生成单文件地图                             write a map as one HTML file
  kinds    列出设施类型                               list the kinds of assets
  backup   备份数据库与附件                           back up database and evidence
  restore  从备份恢复                                 restore a backup
  doctor   检查环境并说明如何修复                     check the set-up and say how to fix it

每个命令都有 --help(首次运行 demo 之后)。Each command has --help (once demo has run).
"""


class BootstrapError(Exception):
    """Why the environment cannot be prepared: Chinese and English, and the exit code."""

    def __init__(self, zh: str, en: str, *, code: int = 2) -> None:
        super().__init__(f"{zh}\n{en}")
        self.code = code


def main(arguments: Sequence[str]) -> int:
    """Prepare what the command needs and become ``api.cli``; returns only when that fails."""
    try:
        _check_python()
        command = next((word for word in arguments if not word.startswith("-")), None)
        if "--help" in arguments:
            command = None  # help needs the environment at most, and only if it is there
        if command is None and not _is_ready("run"):
            sys.stdout.write(HELP)
            return 0
        _prepare(command)
    except BootstrapError as error:
        sys.stderr.write(f"{error}\n")
        return error.code
    except KeyboardInterrupt:
        return 130
    return _hand_over(arguments)


def _hand_over(arguments: Sequence[str]) -> NoReturn:
    paths = (str(PROJECT), os.environ.get("PYTHONPATH", ""))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    # -P: a folder named api where the user happens to stand is not ours
    os.execv(PYTHON, [str(PYTHON), "-P", "-m", "api.cli", *arguments])  # noqa: S606


def _check_python() -> None:
    if sys.version_info < OLDEST_PYTHON:
        have = ".".join(map(str, sys.version_info[:3]))
        raise BootstrapError(
            f"需要 Python 3.11 或更高版本,现在是 {have}。",
            f"Python 3.11 or later is needed; this is {have}.",
        )


def _prepare(command: str | None) -> None:
    scope = "test" if command == "test" else "run"
    if _is_ready(scope) and not _find_missing_packages(command):
        return
    with _hold_environment():  # another command may be at it: wait, then look again
        packages = _find_missing_packages(command)
        if packages:
            _install_packages(packages)
        if not _is_ready(scope):
            _build_environment(scope)


# Debian's packages


def _find_missing_packages(command: str | None) -> list[str]:
    missing = []
    if not PYTHON.exists() and find_spec("ensurepip") is None:
        missing.append("python3-venv")
    if command not in WITHOUT_DATABASE and not os.environ.get("GIS_DATABASE_URL"):
        if not any(Path("/usr/lib/postgresql").glob("*/bin/postgres")):
            missing.append("postgresql-15")
        if not any(Path("/usr/share/postgresql").glob("*/extension/postgis.control")):
            missing.append("postgresql-15-postgis-3")
    if command == "test":
        programs = {"chromium": "chromium", "ogrinfo": "gdal-bin", "git": "git"}
        missing += [package for name, package in programs.items() if shutil.which(name) is None]
        if not any(Path("/usr/share/fonts").rglob("NotoSansCJK-Regular*")):
            missing.append("fonts-noto-cjk")
    return missing


def _install_packages(packages: list[str]) -> None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        line = f"sudo apt-get install --no-install-recommends {' '.join(packages)}"
        raise BootstrapError(
            f"缺少系统软件包。请让管理员执行:\n  {line}\n然后重新运行。",
            f"System packages are missing. Ask an administrator to run:\n  {line}\n"
            "and run this again.",
        )
    if any(name.startswith("postgresql") for name in packages):
        _forbid_main_cluster()
    install = [*APT, "install", "--no-install-recommends", *packages]
    title = ("安装系统软件包", "Installing system packages")
    stale = not any(Path("/var/lib/apt/lists").glob("*_Packages*"))
    if stale or not _run_step(title, install, counted="Unpacking ", must_work=False):
        _run_step(("更新软件包列表", "Updating the package lists"), [*APT, "update"])
        _run_step(title, install, counted="Unpacking ")


def _forbid_main_cluster() -> None:
    """Debian's package would make and start a server of its own that nobody needs."""
    if not CREATE_CLUSTER.exists():
        CREATE_CLUSTER.parent.mkdir(parents=True, exist_ok=True)
        CREATE_CLUSTER.write_text("create_main_cluster = false\n")


# the virtual environment


def _is_ready(scope: str) -> bool:
    return _read_marker().get(scope) == _hash_lock(scope) and PYTHON.exists()


def _read_marker() -> dict[str, str]:
    """What the environment was built from; nothing when another Python or folder built it."""
    try:
        marker: dict[str, str] = json.loads(MARKER.read_text())
    except (OSError, ValueError):
        return {}
    return marker if marker.items() >= _identity().items() else {}


def _identity() -> dict[str, str]:
    version = ".".join(map(str, sys.version_info[:2]))
    return {"python": version, "project": str(PROJECT)}


def _hash_lock(scope: str) -> str:
    return hashlib.sha256(LOCKS[scope].read_bytes()).hexdigest()


@contextmanager
def _hold_environment() -> Iterator[None]:
    """Hold the environment's folder itself; freed by the kernel however this process ends."""
    try:
        ENVIRONMENT.mkdir(exist_ok=True)
        handle = os.open(ENVIRONMENT, os.O_RDONLY | os.O_DIRECTORY)
        os.set_inheritable(handle, True)
    except OSError as error:
        raise BootstrapError(
            f"无法在 {ENVIRONMENT} 建立环境:{error.strerror}。",
            f"The environment cannot be made in {ENVIRONMENT}: {error.strerror}.",
        ) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("等待另一个命令准备环境 …", "Waiting for another command to set up …")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _build_environment(scope: str) -> None:
    """Install the lock's packages; a build that was killed is begun anew, never continued.

    An environment of somebody else's making (without our marker) is added to, never emptied.
    """
    _check_writable()
    if BUILDING.exists() or _is_of_another_python():
        BUILDING.touch()
        _empty(ENVIRONMENT)
    elif MARKER.exists() or not PYTHON.exists():
        BUILDING.touch()
    if not PYTHON.exists():
        argv = [_find_base_python(), "-m", "venv", str(ENVIRONMENT)]
        title = ("建立 Python 环境", "Making the Python environment")
        _run_step(title, argv, holds_environment=True)
    _install_lock(scope)
    locks = ("run", "test") if scope == "test" else ("run",)  # the tests' lock holds both
    marker = {**_identity(), **{name: _hash_lock(name) for name in locks}}
    made = MARKER.with_suffix(".new")
    made.write_text(json.dumps(marker))
    made.replace(MARKER)
    BUILDING.unlink(missing_ok=True)


def _find_base_python() -> str:
    """The Python under a virtual environment we may be running in (perhaps the one to make)."""
    if sys.prefix == sys.base_prefix:
        return sys.executable
    return str(Path(sys.base_prefix, "bin/python3"))


def _check_writable() -> None:
    if not os.access(ENVIRONMENT, os.W_OK):
        raise BootstrapError(
            f"{ENVIRONMENT} 不可写:请以它的所有者运行一次,或修正权限。",
            f"{ENVIRONMENT} is not writable: run once as its owner, or correct its permissions.",
        )


def _is_of_another_python() -> bool:
    return MARKER.exists() and not _read_marker()


def _empty(folder: Path) -> None:
    """Remove what is inside; the folder stays, others wait for its lock."""
    for path in folder.iterdir():
        if path == BUILDING:
            continue  # goes last: a kill meanwhile must still be seen
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _install_lock(scope: str) -> None:
    lock = LOCKS[scope]
    total = sum("==" in line for line in lock.read_text().splitlines() if line[:1].isalpha())
    argv = [str(PYTHON), "-m", "pip", "install", "--require-hashes", "--no-input"]
    argv += ["--disable-pip-version-check", "--progress-bar", "off", "-r", str(lock)]
    title = (f"安装 {total} 个 Python 包", f"Installing {total} Python packages")
    if not _run_step(title, argv, counted="Collecting ", must_work=False, holds_environment=True):
        raise BootstrapError(
            "Python 包安装失败(见上)。请检查网络或 pip 的软件源设置后重试。",
            "The Python packages were not installed (see above). Check the network or pip's "
            "index settings and try again.",
        )


# showing progress


def _run_step(
    title: tuple[str, str],
    argv: Sequence[str],
    *,
    counted: str = "",
    must_work: bool = True,
    holds_environment: bool = False,
) -> bool:
    """Run a program, showing elapsed seconds and how many ``counted`` lines it wrote.

    Its output is shown only when it fails. With ``holds_environment`` the program inherits the
    environment's lock: should we be killed, nobody touches the folder until it has ended, too.
    Returns whether it worked.
    """
    began = time.monotonic()
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            cwd="/",
            close_fds=not holds_environment,
        )
        try:
            _watch(process, title, began, log_number=log.fileno(), counted=counted)
        except BaseException:
            process.terminate()
            process.wait()
            raise
        if process.returncode != 0:
            log.seek(0)
            tail = log.read().decode(errors="replace").splitlines()[-20:]
            sys.stderr.write("\n".join(["", *tail, ""]))
    if process.returncode != 0 and must_work:
        raise BootstrapError(f"{title[0]}:失败(见上)。", f"{title[1]}: failed (see above).", code=1)
    return process.returncode == 0


def _watch(
    process: subprocess.Popen[bytes],
    title: tuple[str, str],
    began: float,
    *,
    log_number: int,
    counted: str,
) -> None:
    live = sys.stderr.isatty()
    _say(*(f"{word} …" for word in title), end="" if live else "\n")
    shown = began
    while True:
        try:
            process.wait(timeout=0.1)
        except subprocess.TimeoutExpired:
            now = time.monotonic()
            if now - shown >= (1 if live else 15):
                shown = now
                _show(title, now - began, _count(log_number, counted), live=live, last=False)
        else:
            break
    _show(title, time.monotonic() - began, 0, live=live, last=True)


def _show(title: tuple[str, str], seconds: float, count: int, *, live: bool, last: bool) -> None:
    done = f" ({count})" if count else ""
    end = "" if live and not last else "\n"
    start = "\r\033[K" if live else ""
    _say(*(f"{start}{word}{done} … {seconds:.0f} s" for word in title), end=end)


def _count(log_number: int, counted: str) -> int:
    if not counted:
        return 0
    size = os.fstat(log_number).st_size
    return os.pread(log_number, size, 0).count(counted.encode())


def _say(zh: str, en: str, *, end: str = "\n") -> None:
    names = ("GIS_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
    language = next((os.environ[name] for name in names if os.environ.get(name)), "")
    sys.stderr.write((zh if language.lower().startswith("zh") else en) + end)
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
