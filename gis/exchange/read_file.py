"""A survey file as plain columns and WKB: sniffed here, opened in a child with limits.

The driver is chosen by the bytes of the file, never by its name; the child sees a private copy
under a name of ours and has every other GDAL driver switched off, so that neither a ``.geojson``
that is a virtual dataset nor a ``/vsi`` path can make it read other files or the network.
"""

from __future__ import annotations

import errno
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import orjson
import pyogrio
import shapely

from gis.attributes import Text
from gis.errors import SourceError, StorageFullError
from gis.exchange.open_file import UNPACKED_BYTES, Values
from gis.geometry import Geometries

WALL_SECONDS = 180
MAX_ENTRIES = 50
MAX_RATIO = 200
"""Unpacked over packed size: text geodata packs 5 to 30 times, bombs a thousand times."""
_OUT_OF_MEMORY = ("MemoryError", "memory allocation of")
"""What Python and Rust say when they have reached the limit."""
_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
_PROJECT_FOLDER = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class SourceTable:
    """What a file holds: columns of equal length, geometries in the file's own CRS.

    ``vertices`` gives rows whose geometry was too big to keep; ``broken`` rows whose geometry
    could not be parsed; ``lost`` cells whose text did not decode. Rows count from 0.
    """

    names: list[str]
    columns: list[Values]
    geometries: Geometries | None
    count: int
    crs: str | None
    layer: str | None
    encoding: str
    driver: str
    vertices: dict[int, int] = field(default_factory=dict)
    broken: frozenset[int] = frozenset()
    lost: dict[str, list[int]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def column(self, name: str) -> Values:
        """The cells of a column by its name."""
        return self.columns[self.names.index(name)]


def read_file(path: Path, *, layer: str | None = None) -> SourceTable:
    """Read a GeoPackage, GeoJSON, Shapefile (or a zip of one) or CSV.

    Raises SourceError (not such a file, damaged, over the limits, a layer must be chosen) and
    StorageFullError (no room for the private copy).
    """
    if not path.is_file():
        raise SourceError(
            Text(zh="没有此文件:{path}", en="no such file: {path}").format(path=path.name)
        )
    with tempfile.TemporaryDirectory(prefix="infratrack-import-") as name:
        folder = Path(name)
        try:
            copy, driver = _copy_source(path, folder, layer)
            return _run_child(copy, driver, layer, folder)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StorageFullError(
                    Text(zh="临时目录空间不足", en="no space left for a temporary copy")
                ) from error
            raise


# --- which driver -------------------------------------------------------------------------------


def sniff_driver(head: bytes) -> str | None:
    """The driver by the first bytes; "zip" for an archive, None for what we do not read."""
    if head.startswith(b"SQLite format 3\x00"):
        return "GPKG"
    if head.startswith(b"\x00\x00\x27\x0a"):
        return "ESRI Shapefile"
    if head.startswith(b"PK\x03\x04"):
        return "zip"
    words = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if words.startswith(b"{"):
        return "GeoJSON"
    if head.startswith(b"\x1f\x8b") or head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "CSV"
    is_text = words and not words.startswith((b"<", b"%", b"[")) and b"\x00" not in head
    first_line = words.split(b"\n", 1)[0]
    return "CSV" if is_text and any(s in first_line for s in (b",", b";", b"\t")) else None


def _sniff(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(4096)
    if not head:
        raise SourceError(Text(zh="文件为空", en="the file is empty"))
    driver = sniff_driver(head)
    if driver is None:
        raise SourceError(
            Text(
                zh="“{name}” 不是可识别的数据文件(支持 GeoPackage、GeoJSON、Shapefile、CSV)",
                en="“{name}” is not a file we read (GeoPackage, GeoJSON, Shapefile, CSV)",
            ).format(name=path.name[:100])
        )
    return driver


def _copy_source(path: Path, folder: Path, layer: str | None) -> tuple[Path, str]:
    driver = _sniff(path)
    if driver == "zip":
        path = _unpack_zip(path, folder, layer)
        driver = _sniff(path)
    suffix = {"GPKG": ".gpkg", "GeoJSON": ".geojson", "CSV": ".csv"}.get(driver, ".shp")
    copy = folder / f"source{suffix}"
    shutil.copyfile(path, copy)
    if driver == "GPKG":
        log = path.with_name(path.name + "-wal")
        # What QGIS wrote last is still in the log while the project is open.
        if log.is_file():
            shutil.copyfile(log, copy.with_name(copy.name + "-wal"))
    if driver == "ESRI Shapefile":
        for sibling in path.parent.iterdir():
            part = sibling.suffix.casefold()
            if sibling.stem == path.stem and part in _PARTS[1:] and sibling.is_file():
                shutil.copyfile(sibling, copy.with_suffix(part))
        if not copy.with_suffix(".dbf").exists():
            raise SourceError(
                Text(zh="Shapefile 缺少 .dbf 文件", en="the shapefile's .dbf is missing")
            )
    return copy, driver


def _unpack_zip(path: Path, folder: Path, layer: str | None) -> Path:
    """Take the one data file out of an archive, under plain names and within limits."""
    inside = folder / "unpacked"
    inside.mkdir()
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [e for e in archive.infolist() if not e.is_dir()]
            check_archive(entries, path.stat().st_size)
            for entry in entries:
                name = Path(entry.filename.replace("\\", "/")).name
                if Path(name).suffix.casefold() in (*_PARTS, ".gpkg", ".geojson", ".json", ".csv"):
                    extract_entry(archive, entry, inside / name)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise SourceError(
            Text(zh="压缩包已损坏或加密", en="the zip is damaged or encrypted")
        ) from error
    found = [f for f in sorted(inside.iterdir()) if f.suffix.casefold() not in _PARTS[1:]]
    chosen = [f for f in found if len(found) == 1 or f.stem == layer]
    if len(chosen) != 1:
        names = ", ".join(f.stem for f in found)
        raise SourceError(
            Text(
                zh="压缩包应含一个数据文件;用 --layer 选择:{names}",
                en="the zip must hold one data file; choose with --layer: {names}",
            ).format(names=names or "-"),
            layers=[f.stem for f in found],
        )
    return chosen[0]


def check_archive(entries: list[zipfile.ZipInfo], packed: int) -> None:
    """Raise SourceError for an archive beyond the limits of number, size or ratio."""
    total = sum(e.file_size for e in entries)
    if len(entries) > MAX_ENTRIES or total > UNPACKED_BYTES or total > MAX_RATIO * packed:
        raise SourceError(
            Text(
                zh="压缩包过大(上限 50 个文件、解压 500 MB、压缩比 200)",
                en="the zip is too big (limits: 50 files, 500 MB unpacked, ratio 200)",
            )
        )


def extract_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    """Unpack one entry to a new file; SourceError when it is bigger than allowed."""
    # The sizes a zip declares may lie: count what really comes out.
    with archive.open(entry) as packed, target.open("xb") as out:
        left = UNPACKED_BYTES
        while block := packed.read(1 << 20):
            left -= len(block)
            if left < 0:
                raise SourceError(Text(zh="解压后超过 500 MB", en="unpacks to more than 500 MB"))
            out.write(block)


# --- the child ----------------------------------------------------------------------------------


def plain_environment(folder: Path) -> dict[str, str]:
    """What a child may know of the machine: next to nothing."""
    return {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(_PROJECT_FOLDER),
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "OPENBLAS_NUM_THREADS": "1",
    }


def child_environment(driver: str, folder: Path) -> dict[str, str]:
    """All a child that opens a file knows of this machine: no secret, one driver, no network."""
    others = sorted(set(pyogrio.list_drivers()) - {driver})
    return {
        **plain_environment(folder),
        "GDAL_SKIP": ",".join(others),
        "CPL_VSIL_USE_TEMP_FILE_FOR_RANDOM_WRITE": "NO",
        "GDAL_HTTP_PROXY": "127.0.0.1:9",
        "PROJ_NETWORK": "OFF",
        "OGR_GEOJSON_MAX_OBJ_SIZE": "64",
        "GDAL_NUM_THREADS": "1",
    }


def _run_child(copy: Path, driver: str, layer: str | None, folder: Path) -> SourceTable:
    result = folder / "result"
    result.mkdir()
    request = {"path": str(copy), "driver": driver, "layer": layer, "result": str(result)}
    run_child("gis.exchange.open_file", request, child_environment(driver, folder), folder)
    if not (result / "table.json").exists():
        explain_end(0, "")
    return _load_answer(result, driver)


def run_child(
    module: str, request: dict[str, Any], environment: dict[str, str], folder: Path
) -> None:  # Any: plain JSON
    """Let a module of ours answer one request in a process of its own, which sets its limits.

    Raises SourceError (it failed, or passed its limits) and StorageFullError.
    """
    try:
        ended = subprocess.run(  # noqa: S603 - our own interpreter and module, no shell
            [sys.executable, "-P", "-m", module],
            input=json.dumps(request).encode(),
            env=environment,
            cwd=folder,
            timeout=WALL_SECONDS,
            capture_output=True,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise too_costly() from error
    if ended.returncode != 0:
        explain_end(ended.returncode, ended.stderr.decode(errors="replace"))


def too_costly() -> SourceError:
    """The refusal of a file that passed the limits."""
    return SourceError(
        Text(
            zh="文件过大或构造异常:超出读取的内存或时间限制,请拆分后再导入",
            en="the file is too big or malformed: it passed the limits of memory or time;"
            " split it and try again",
        )
    )


def explain_end(code: int, errors: str) -> NoReturn:
    """Raise what the end of a child without an answer means."""
    if "No space left" in errors:
        raise StorageFullError(Text(zh="临时目录空间不足", en="no space left for a temporary copy"))
    killed = code in (-signal.SIGXCPU, -signal.SIGKILL, -signal.SIGXFSZ)
    if killed or any(words in errors for words in _OUT_OF_MEMORY):
        raise too_costly()
    raise SourceError(
        Text(zh="文件无法读取:{reason}", en="the file cannot be read: {reason}").format(
            reason=(errors.strip().splitlines() or [f"exit {code}"])[-1][:200]
        )
    )


def _load_answer(result: Path, driver: str) -> SourceTable:
    answer: dict[str, Any] = orjson.loads((result / "table.json").read_bytes())  # Any: plain JSON
    if "error" in answer:
        raise SourceError(Text(**answer["error"]), **answer["facts"])
    geometries, broken = None, frozenset[int]()
    if (result / "geometry.bin").exists():
        geometries, broken = _load_geometries(result)
    return SourceTable(
        names=answer["names"],
        columns=answer["columns"],
        geometries=geometries,
        count=answer["count"],
        crs=answer["crs"],
        layer=answer["layer"],
        encoding=answer["encoding"],
        driver=driver,
        vertices={int(row): count for row, count in answer["vertices"].items()},
        broken=broken,
        lost=answer["lost"],
        warnings=answer["warnings"],
    )


def _load_geometries(result: Path) -> tuple[Geometries, frozenset[int]]:
    raw = (result / "geometry.bin").read_bytes()
    offsets = np.load(result / "offsets.npy", allow_pickle=False).tolist()
    shapes = np.empty(len(offsets) - 1, dtype=object)
    shapes[:] = [raw[a:b] or None for a, b in zip(offsets, offsets[1:], strict=False)]
    geometries: Geometries = shapely.from_wkb(shapes, on_invalid="ignore")
    unread = shapely.is_missing(geometries) & np.array([s is not None for s in shapes], dtype=bool)
    return geometries, frozenset(np.flatnonzero(unread).tolist())
