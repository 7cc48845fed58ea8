"""The child process that opens an untrusted file: ``python -P -m gis.exchange.open_file``.

It reads one JSON request on standard input, sets its own limits, opens the private copy with the
one driver it was started with, and leaves plain columns (``table.json``) and raw WKB
(``geometry.bin``, ``offsets.npy``) in the result folder: nothing that can carry code.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import resource
import sqlite3
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gis.attributes import Text
from gis.errors import SourceError

if TYPE_CHECKING:  # numpy maps memory before the limits are set
    import numpy.typing as npt

MEMORY_BYTES = 2 * 1024**3
CPU_SECONDS = 120
RESULT_BYTES = 1024**3
UNPACKED_BYTES = 500 * 1024**2
MAX_CELL = 6_000_000
"""Characters of one cell: 100,000 vertices of WKT at 17 digits and some; longer is never read."""
GPKG_CHECK_STEPS = 2_000_000

_SPEC_TRIGGERS = re.compile(
    r"^(gpkg_\w+|rtree_.+_(insert|delete|update\d?)|trigger_(insert|delete)_feature_count_.+"
    r"|ogr_\w+)$",
    re.IGNORECASE | re.DOTALL,
)
Values = list[Any]  # Any: a cell is text, a number, a truth value or nothing


def main() -> int:
    """Serve one request; 0 when an answer (a table or a refusal) was written."""
    set_limits()
    request = json.load(sys.stdin)
    folder = Path(request["result"])
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            answer = _read(request, folder)
        answer["warnings"] = sorted({str(w.message)[:300] for w in caught})[:20]
    except SourceError as error:
        answer = {"error": error.message.as_dict(), "facts": error.facts}
    write_answer(folder, answer)
    return 0


def set_limits(memory: int = MEMORY_BYTES) -> None:
    """Bound memory (bytes), time and output of this process, for good."""
    for limit, value in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, RESULT_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(limit)[1]
        resource.setrlimit(limit, (value if hard < 0 else min(value, hard),) * 2)


def write_answer(folder: Path, answer: dict[str, Any]) -> None:  # Any: plain JSON
    """Leave the answer where the parent looks for it."""
    import orjson

    (folder / "table.json").write_bytes(orjson.dumps(answer, option=orjson.OPT_NON_STR_KEYS))


def _read(request: dict[str, Any], folder: Path) -> dict[str, Any]:  # Any: plain JSON
    path = Path(request["path"])
    if request["driver"] == "CSV":
        return _read_csv(path)
    if request["driver"] == "GPKG":
        check_geopackage(path)
    return _read_with_gdal(path, request["driver"], request["layer"], folder)


# --- GeoPackage ---------------------------------------------------------------------------------


def check_geopackage(path: Path) -> None:
    """Refuse a GeoPackage that carries views, foreign triggers or virtual tables.

    A view may hide an endless recursive query: with one, even listing the layers hung. SQLite's
    own parser reads the schema under a step limit, without running anything in it.
    """
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    steps = 0

    def count_steps() -> int:
        nonlocal steps
        steps += 1
        return int(steps > GPKG_CHECK_STEPS // 1000)

    try:
        connection.set_progress_handler(count_steps, 1000)
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA query_only = ON")
        rows = connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
    except sqlite3.Error as error:
        raise SourceError(
            Text(
                zh="GeoPackage 已损坏:{reason}",
                en="the GeoPackage is damaged: {reason}",
            ).format(reason=str(error)[:200])
        ) from error
    finally:
        connection.close()
    for kind, name, sql in rows:
        if _is_foreign(kind, str(name), str(sql or "")):
            raise SourceError(
                Text(
                    zh="GeoPackage 含规范之外的 {kind} “{name}”,不予打开;请只导出图层本身",
                    en="the GeoPackage holds a {kind} outside its standard, “{name}”:"
                    " not opened; export just the layer",
                ).format(kind=kind, name=str(name)[:80])
            )


def _is_foreign(kind: str, name: str, sql: str) -> bool:
    if kind == "view":
        return True
    if kind == "trigger":
        return not _SPEC_TRIGGERS.match(name)
    head = " ".join(sql.split()).casefold()
    return head.startswith("create virtual table") and " using rtree" not in head


# --- everything GDAL opens ----------------------------------------------------------------------


def _read_with_gdal(
    path: Path, driver: str, layer: str | None, folder: Path
) -> dict[str, Any]:  # Any: plain JSON
    import pyogrio

    try:
        layer = _choose_layer(path, layer) if driver == "GPKG" else None
        # Bytes of a .dbf come through latin-1 unharmed and are decoded by us: GDAL writes "?".
        encoding = "ISO-8859-1" if driver == "ESRI Shapefile" else None
        meta, _, shapes, arrays = pyogrio.raw.read(path, layer=layer, encoding=encoding)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError) as error:
        raise SourceError(
            Text(
                zh="不是可读的 {driver} 文件:{reason}",
                en="not a readable {driver} file: {reason}",
            ).format(driver=driver, reason=_plain_reason(str(error), path))
        ) from error
    names = [str(name) for name in meta["fields"]]
    columns = [as_plain(array) for array in arrays]
    answer: dict[str, Any] = {"crs": meta["crs"], "layer": layer, "encoding": "UTF-8", "lost": {}}
    if driver == "ESRI Shapefile":
        names, columns = _decode_dbf(path, names, columns, answer)
    answer |= {"names": names, "columns": columns, "count": len(shapes)}
    answer["vertices"] = _write_geometry(shapes, folder)
    return answer


def _plain_reason(reason: str, path: Path) -> str:
    return reason.split(";", 1)[0].replace(str(path), path.suffix or "…")[:300]


def _choose_layer(path: Path, layer: str | None) -> str:
    import pyogrio

    found = [str(name) for name, shape in pyogrio.list_layers(path) if shape is not None]
    if layer in found:
        return str(layer)
    if layer is None and len(found) == 1:
        return found[0]
    if not found:
        raise SourceError(
            Text(zh="文件中没有空间图层", en="the file holds no layer with a geometry")
        )
    raise SourceError(
        Text(
            zh="请用 --layer 指定图层:{layers}",
            en="choose a layer with --layer: {layers}",
        ).format(layers=", ".join(found)),
        layers=found,
    )


def as_plain(array: npt.NDArray[Any]) -> Values:  # Any: of any type
    """A numpy column as a list of text, numbers, truth values and None."""
    if array.dtype.kind == "M":
        words = array.astype("datetime64[s]").astype(str)
        return [None if w == "NaT" else w.removesuffix("T00:00:00") for w in words]
    if array.dtype.kind == "f":
        return [None if v != v else v for v in array.tolist()]  # noqa: PLR0124 (NaN)
    if array.dtype.kind in "iub":
        return list(array.tolist())
    return [
        v if v is None or isinstance(v, (str, int, float, bool)) else str(v)[:MAX_CELL]
        for v in array.tolist()
    ]


def _write_geometry(shapes: Sequence[bytes | None], folder: Path) -> dict[int, int]:
    """Concatenate WKB into one file; geometries beyond the vertex limit are counted, not kept."""
    import numpy as np
    import shapely

    from gis.geometry import MAX_VERTICES

    offsets = np.zeros(len(shapes) + 1, dtype=np.int64)
    too_big: dict[int, int] = {}
    with (folder / "geometry.bin").open("wb") as out:
        for i, wkb in enumerate(shapes):
            kept = wkb or b""
            # A vertex takes 16 bytes: only long ones need counting.
            if len(kept) > 16 * MAX_VERTICES:
                parsed = shapely.from_wkb(kept, on_invalid="ignore")
                count = int(shapely.get_num_coordinates(parsed))
                if parsed is None or count > MAX_VERTICES:
                    too_big[i] = count or len(kept) // 16
                    kept = b""
            out.write(kept)
            offsets[i + 1] = offsets[i] + len(kept)
    np.save(folder / "offsets.npy", offsets, allow_pickle=False)
    return too_big


# --- text encodings -----------------------------------------------------------------------------


def detect_encoding(raw: bytes, declared: str | None = None) -> str:
    """The encoding of survey text: as declared if that fits, else UTF-8, else GB18030."""
    candidates = ([declared] if declared else []) + ["utf-8", "gb18030"]
    losses: dict[str, int] = {}
    for name in candidates:
        try:
            raw.decode(name)
        except UnicodeDecodeError:
            losses[name] = raw.decode(name, errors="replace").count("\ufffd")
        except LookupError:
            continue
        else:
            return name
    return min(losses, key=lambda name: losses[name])


def _declared_encoding(path: Path) -> str | None:
    cpg = path.with_suffix(".cpg")
    if not cpg.exists():
        return None
    word = cpg.read_text(encoding="ascii", errors="ignore").strip().casefold()
    # GBK and code page 936 are subsets of GB18030.
    known = {"936": "gb18030", "gbk": "gb18030", "gb2312": "gb18030", "65001": "utf-8"}
    return known.get(word.removeprefix("ansi ").removeprefix("cp"), word) or None


def _decode_dbf(
    path: Path,
    names: list[str],
    columns: list[Values],
    answer: dict[str, Any],  # Any: plain JSON
) -> tuple[list[str], list[Values]]:
    texts = [
        v.encode("latin-1") for column in columns for v in column if isinstance(v, str) and v
    ] + [n.encode("latin-1") for n in names]
    encoding = detect_encoding(b"\n".join(texts), _declared_encoding(path))
    answer["encoding"] = encoding
    decoded_names = [n.encode("latin-1").decode(encoding, errors="ignore") for n in names]
    decoded: list[Values] = []
    for name, column in zip(decoded_names, columns, strict=True):
        cells = [
            v.encode("latin-1").decode(encoding, errors="replace") if isinstance(v, str) else v
            for v in column
        ]
        lost = [i for i, v in enumerate(cells) if isinstance(v, str) and "\ufffd" in v]
        if lost:
            answer["lost"][name] = lost[:1000]
        decoded.append(cells)
    return decoded_names, decoded


# --- CSV ----------------------------------------------------------------------------------------


def _read_csv(path: Path) -> dict[str, Any]:  # Any: plain JSON
    import pandas as pd

    raw = path.read_bytes()
    if raw[:2] == b"\x1f\x8b":
        raw = _unpack(raw)
    is_utf_16 = raw[:2] in (b"\xff\xfe", b"\xfe\xff")
    encoding = "utf-16" if is_utf_16 else detect_encoding(raw)
    words = raw.decode(encoding, errors="replace").removeprefix("\ufeff")
    del raw
    if "\x00" in words:
        raise SourceError(Text(zh="不是文本文件", en="not a text file"))
    header = words.split("\n", 1)[0]
    separator = max(",;\t", key=header.count)
    try:
        frame = pd.read_csv(
            io.StringIO(words), dtype=str, na_filter=False, sep=separator, index_col=False
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
        raise SourceError(
            Text(zh="CSV 无法解析:{reason}", en="the CSV cannot be parsed: {reason}").format(
                reason=str(error)[:300]
            )
        ) from error
    names = [str(name) for name in frame.columns]
    vertices: dict[int, int] = {}
    columns = [_drop_giants(frame.iloc[:, i].tolist(), vertices) for i in range(len(names))]
    lost = {
        n: [i for i, v in enumerate(c) if v and "\ufffd" in v][:1000]
        for n, c in zip(names, columns, strict=True)
        if "\ufffd" in words
    }
    return {
        "crs": None, "layer": None, "encoding": encoding, "names": names, "columns": columns,
        "count": len(frame), "vertices": vertices,
        "lost": {name: rows for name, rows in lost.items() if rows},
    }  # fmt: skip


def _unpack(raw: bytes) -> bytes:
    try:
        with gzip.open(io.BytesIO(raw)) as packed:
            unpacked = packed.read(UNPACKED_BYTES + 1)
    except (OSError, EOFError) as error:
        raise SourceError(Text(zh="压缩文件已损坏", en="the gzip file is damaged")) from error
    if len(unpacked) > UNPACKED_BYTES:
        raise SourceError(
            Text(zh="解压后超过 500 MB", en="unpacks to more than 500 MB: split the file")
        )
    return unpacked


def _drop_giants(column: list[str], vertices: dict[int, int]) -> Values:
    """Cells no honest survey has (a geometry of millions of vertices) are counted, not kept."""
    kept: Values = column
    for i, value in enumerate(column):
        if len(value) > MAX_CELL:
            vertices[i] = value.count(",") + 1
            kept[i] = None
    return kept


if __name__ == "__main__":
    sys.exit(main())
