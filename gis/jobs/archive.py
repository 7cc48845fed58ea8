"""The backup archive: one tar of the dump, the evidence files and a manifest, which comes last.

An archive without a readable manifest was cut off; with one, every byte is checked against it.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO

from gis.attributes import Text
from gis.db.cluster_files import sync_folder
from gis.errors import SourceError

MANIFEST = "manifest.json"
DUMP = "database.dump"
EVIDENCE = "evidence"
FORMAT = 1
_BLOCK = 1 << 20
_MANIFEST_LIMIT = 64 << 20


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive says of itself.

    ``tables`` maps a qualified table to ``"<rows> <digest>"`` (see :mod:`gis.jobs.tables`),
    ``sha256`` every other member to its hash (hex).
    """

    format: int
    made_at: str
    revision: str
    postgresql: str
    postgis: str
    tables: dict[str, str]
    sha256: dict[str, str]

    @property
    def moment(self) -> datetime:
        """When its snapshot was taken (aware)."""
        return datetime.fromisoformat(self.made_at)

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(int(mark.split()[0]) for mark in self.tables.values())


class _HashingReader:
    """A file that hashes what is read from it, so that big files are read once."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        block = self._file.read(size)
        self.digest.update(block)
        return block


@contextmanager
def replace_whole(target: Path) -> Iterator[Path]:
    """A path to write to that becomes ``target`` only when all of it is on the disk.

    Readable by its owner only: a backup holds what most people may not see.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        partial.touch(mode=0o600)
        yield partial
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        partial.replace(target)
        sync_folder(target.parent)
    finally:
        partial.unlink(missing_ok=True)


def write_archive(path: Path, files: Mapping[str, Path], about: Mapping[str, object]) -> Manifest:
    """Write members and the manifest over them; ``about`` holds the manifest's other fields."""
    hashes: dict[str, str] = {}
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        for name, source in files.items():
            with source.open("rb") as file:
                member = archive.gettarinfo(arcname=name, fileobj=file)
                member.uid = member.gid = 0
                member.uname = member.gname = ""
                reader = _HashingReader(file)
                archive.addfile(member, reader)
                hashes[name] = reader.digest.hexdigest()
        manifest = Manifest(format=FORMAT, sha256=hashes, **about)  # type: ignore[arg-type]  # ours
        content = json.dumps(asdict(manifest), indent=1, ensure_ascii=False).encode()
        member = tarfile.TarInfo(MANIFEST)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return manifest


def find_evidence(folder: Path) -> dict[str, Path]:
    """Evidence files by the name they have in an archive; what is still on its way is left out."""
    if not folder.is_dir():
        return {}
    found = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    names = {path.relative_to(folder): path for path in found}
    return {
        f"{EVIDENCE}/{name.as_posix()}": path
        for name, path in names.items()
        if not any(part.startswith(".") for part in name.parts)
    }


def read_manifest(path: Path) -> Manifest:
    """The manifest of an archive (only headers are read), or SourceError."""
    with _open_archive(path) as archive:
        return _read_manifest(archive, path)


def unpack_archive(path: Path, folder: Path) -> Manifest:
    """Check every byte of an archive while unpacking it into ``folder``; its manifest.

    Names come from the manifest and must be plain: nothing is written outside ``folder``.
    """
    with _open_archive(path) as archive:
        manifest = _read_manifest(archive, path)
        for name, digest in manifest.sha256.items():
            target = folder / _check_name(name, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            if _copy_member(archive, name, target) != digest:
                raise _damaged(path, name)
    if DUMP not in manifest.sha256:
        raise _damaged(path, DUMP)
    return manifest


@contextmanager
def _open_archive(path: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(path, "r:") as archive:
            yield archive
    except FileNotFoundError as error:
        raise SourceError(
            Text(zh="没有此文件:{path}", en="there is no such file: {path}").format(path=path)
        ) from error
    except (tarfile.TarError, EOFError, IsADirectoryError) as error:
        raise _damaged(path, path.name) from error


def _read_manifest(archive: tarfile.TarFile, path: Path) -> Manifest:
    try:
        member = archive.getmember(MANIFEST)
        file = archive.extractfile(member)
        content = file.read(_MANIFEST_LIMIT) if file else b""
        manifest = Manifest(**json.loads(content))
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(path, MANIFEST) from error
    if manifest.format != FORMAT:
        raise SourceError(
            Text(
                zh="备份 {name} 的格式为第 {found} 版,本程序只识别第 {known} 版:请先升级程序",
                en="{name} has backup format {found}, this program knows {known}: update it first",
            ).format(name=path.name, found=manifest.format, known=FORMAT)
        )
    return manifest


def _check_name(name: str, path: Path) -> PurePosixPath:
    plain = PurePosixPath(name)
    if plain.is_absolute() or ".." in plain.parts or not plain.parts:
        raise _damaged(path, name)
    return plain


def _copy_member(archive: tarfile.TarFile, name: str, target: Path) -> str:
    try:
        source = archive.extractfile(name)
    except KeyError:
        source = None
    if source is None:
        return ""
    digest = hashlib.sha256()
    with target.open("xb") as file:
        while block := source.read(_BLOCK):
            digest.update(block)
            file.write(block)
    return digest.hexdigest()


def _damaged(path: Path, what: str) -> SourceError:
    return SourceError(
        Text(
            zh="{path} 不是完整的备份({what} 缺失或损坏)",
            en="{path} is not a whole backup ({what} is missing or damaged)",
        ).format(path=path, what=what[:200])
    )
