"""The child process that decodes a picture: ``python -P -m gis.evidence.examine_picture``.

It reads one JSON request on standard input ({"path", "medium", "folder"}), sets its own limits,
and leaves ``thumb.jpg`` and ``screen.jpg`` in the folder and a JSON answer on standard output.
Everything it needs is open or loaded before the hostile bytes are touched: from then on it can
open neither a file nor a socket.
"""

from __future__ import annotations

import errno
import json
import os
import re
import resource
import struct
import sys
import warnings
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from gis.attributes import Text

if TYPE_CHECKING:  # loaded after the limits are set
    from PIL import Image

MEMORY_BYTES = 1024**3
"""50 million pixels as RGBA are 200 MB; decoding and turning hold two copies of them."""
CPU_SECONDS = 30
RESULT_BYTES = 8 * 1024**2
MAX_PIXELS = 50_000_000
SIZES = {"screen": 1600, "thumb": 320}
"""Longest side in pixels; the larger first, for the smaller is made of it."""
_QUALITY = 82
_LEAST_CONTRAST = 8
"""Grey levels between darkest and brightest below which a difference hash is noise."""
_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825
_TAKEN, _MADE = 0x9003, 0x0132
_MOMENT = re.compile(r"(\d{4}):(\d\d):(\d\d) (\d\d):(\d\d):(\d\d)")
TOO_HEAVY = Text(
    zh="图片处理超出限制(时间或内存)", en="the picture exceeds the limits of time or memory"
)
_DAMAGED = Text(zh="图片无法解码(文件已损坏)", en="the picture cannot be decoded (damaged)")
Answer = dict[str, Any]  # Any: JSON


def main() -> int:
    """Serve one request; 0 when an answer (what was made, or a refusal) was written."""
    os.nice(10)  # whoever waits for an answer goes first
    _limit(resource.RLIMIT_AS, MEMORY_BYTES)
    _limit(resource.RLIMIT_CPU, CPU_SECONDS)
    _limit(resource.RLIMIT_FSIZE, RESULT_BYTES)
    _limit(resource.RLIMIT_CORE, 0)
    request = json.load(sys.stdin)
    folder = Path(request["folder"])
    from PIL import Image

    _load_decoders()
    warnings.simplefilter("error", Image.DecompressionBombWarning)  # Pillow only warns of a bomb
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    with ExitStack() as opened:
        made = {size: opened.enter_context((folder / f"{size}.jpg").open("wb")) for size in SIZES}
        file = opened.enter_context(Path(request["path"]).open("rb"))
        _limit(resource.RLIMIT_NOFILE, 0)
        answer = _answer(file, request["medium"], made)
    json.dump(answer, sys.stdout)
    return 0


def _load_decoders() -> None:
    """Everything that Pillow would import on the way: no file can be opened later."""
    from PIL import Image, ImageOps, TiffImagePlugin, WebPImagePlugin

    Image.preinit()
    _ = (ImageOps, TiffImagePlugin, WebPImagePlugin)


def _answer(file: IO[bytes], medium: str, made: Mapping[str, IO[bytes]]) -> Answer:
    try:
        return _examine(file, medium, made)
    except (MemoryError, Warning) as error:
        return {"damage": TOO_HEAVY.as_dict(), "cause": repr(error)[:300]}
    except Exception as error:
        if isinstance(error, OSError) and error.errno == errno.EMFILE:
            raise  # a module that was not loaded in time: our fault, not the picture's
        return {"damage": _DAMAGED.as_dict(), "cause": repr(error)[:300]}


def _limit(what: int, value: int) -> None:
    hard = resource.getrlimit(what)[1]
    resource.setrlimit(what, (value if hard < 0 else min(value, hard),) * 2)


def _examine(file: IO[bytes], medium: str, made: Mapping[str, IO[bytes]]) -> Answer:
    from PIL import Image, ImageOps

    with Image.open(file, formats=[medium.removeprefix("image/").upper()]) as picture:
        if picture.width * picture.height > MAX_PIXELS:
            raise MemoryError
        answer: Answer = {"exif": _read_exif(picture)}
        # A JPEG is decoded at an eighth to a half of its size: enough, and a fraction of the work.
        picture.draft("RGB", (SIZES["screen"], SIZES["screen"]))
        picture.load()
        plain = _flatten(ImageOps.exif_transpose(picture))
    answer["sizes"] = {}
    for name, side in SIZES.items():
        plain.thumbnail((side, side), Image.Resampling.LANCZOS)
        plain.save(made[name], "JPEG", quality=_QUALITY, optimize=True, exif=b"", icc_profile=None)
        made[name].flush()
        answer["sizes"][name] = [plain.width, plain.height]
    answer["dhash"] = difference_hash(plain)
    return answer


def _flatten(picture: Image.Image) -> Image.Image:
    """Opaque RGB; what was transparent is white."""
    from PIL import Image

    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        layered = picture.convert("RGBA")
        ground = Image.new("RGB", layered.size, "white")
        ground.paste(layered, mask=layered.getchannel("A"))
        return ground
    return picture.convert("RGB")


def difference_hash(picture: Image.Image) -> int | None:
    """A 64-bit hash that small changes leave nearly as it was; None for an even picture.

    Grey, 9 x 8 pixels, one bit per pixel that is brighter than its right neighbour (N. Krawetz,
    "Kind of Like That", 2013); signed, as PostgreSQL's bigint holds it.
    """
    from PIL import Image

    grey = picture.convert("L").resize((9, 8), Image.Resampling.LANCZOS)
    levels = grey.tobytes()
    if max(levels) - min(levels) < _LEAST_CONTRAST:
        return None
    bits = 0
    for row in range(8):
        for column in range(8):
            place = row * 9 + column
            bits = bits << 1 | (levels[place] > levels[place + 1])
    return bits - (1 << 64) if bits >> 63 else bits


def _read_exif(picture: Image.Image) -> Answer:
    """The camera's clock (naive) and position, where they can be read; nothing else is kept."""
    found: Answer = {"at": None, "lon": None, "lat": None}
    try:
        exif = picture.getexif()
        found["at"] = _read_moment(exif.get_ifd(_EXIF_IFD).get(_TAKEN) or exif.get(_MADE))
        found["lon"], found["lat"] = _read_position(dict(exif.get_ifd(_GPS_IFD)))
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, struct.error) as error:
        if isinstance(error, OSError) and error.errno == errno.EMFILE:
            raise
        return found
    return found


def _read_moment(word: object) -> str | None:
    match = _MOMENT.match(str(word or ""))
    try:
        return datetime(*map(int, match.groups())).isoformat() if match else None  # type: ignore[arg-type]  # six numbers
    except ValueError:
        return None


def _read_position(gps: dict[int, Any]) -> tuple[float | None, float | None]:  # Any: EXIF values
    """(longitude, latitude) in degrees; both or neither, and never the 0, 0 of a missing fix."""
    try:
        lat = _read_degrees(gps[2]) * (-1 if str(gps[1]).startswith("S") else 1)
        lon = _read_degrees(gps[4]) * (-1 if str(gps[3]).startswith("W") else 1)
    except (KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None, None
    if not (abs(lat) <= 90 and abs(lon) <= 180) or (abs(lat) < 1e-9 and abs(lon) < 1e-9):
        return None, None
    return round(lon, 7), round(lat, 7)


def _read_degrees(parts: Sequence[float]) -> float:
    degrees, minutes, seconds = map(float, parts)  # three numbers, if the file is honest
    return degrees + minutes / 60 + seconds / 3600


if __name__ == "__main__":
    sys.exit(main())
