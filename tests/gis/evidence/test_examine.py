"""Pictures are made in a child that hostile bytes can neither leave nor outgrow."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from datetime import datetime
from pathlib import Path

import psutil
import pytest
from PIL import Image

from gis.db.roles import Pool
from gis.errors import InputError, NotFoundError
from gis.evidence import derive
from gis.evidence.derive import find_alike
from gis.evidence.examine_picture import difference_hash
from gis.evidence.sniff import sniff
from gis.settings import PROJECT_FOLDER
from tests.gis.evidence import photos
from tests.gis.evidence.conftest import Room
from tests.gis.evidence.photos import make_jpeg, paint, write

PHOTO = make_jpeg(1)


def make(room: Room, content: bytes, media: str = "image/jpeg") -> tuple[str, str | None]:
    """Take and derive; the hash, and why no picture could be made."""
    name = room.take(content, media)
    reason = room.deriver.derive(name)
    return name, reason.en if reason else None


def test_pictures_are_small_upright_and_without_the_cameras_notes(room: Room) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera lay on its side
    exif[0x010F] = "CANARY-MAKER"
    exif.get_ifd(0x8769)[0x9003] = photos.TAKEN
    exif.get_ifd(0x8825).update({1: "S", 2: photos.GPS[0], 3: "W", 4: photos.GPS[1]})
    turned = write(paint(2, (2400, 1800)), exif=exif, icc_profile=b"CANARY-PROFILE" * 9)
    name, reason = make(room, turned)
    assert reason is None
    for size, sides in (("thumb", (240, 320)), ("screen", (1200, 1600))):
        made = room.files.derivative(name, size).read_bytes()
        with Image.open(io.BytesIO(made)) as picture:
            assert picture.size == sides
            assert dict(picture.getexif()) == {}
        assert b"CANARY" not in made
    assert b"CANARY" in room.files.path(name).read_bytes()
    rows = room.ask("SELECT exif_at, exif_lon, exif_lat, damage, examined_at FROM core.blob")
    assert rows[0][:4] == (datetime(2026, 11, 24, 10), -99.2, -25.11, None)
    assert rows[0][4] is not None
    listed = room.ask("SELECT size, width, height FROM core.derivative ORDER BY size")
    assert listed == [("screen", 1200, 1600), ("thumb", 240, 320)]


@pytest.mark.parametrize(
    ("form", "mode", "media"),
    [
        ("PNG", "RGBA", "image/png"),
        ("PNG", "P", "image/png"),
        ("PNG", "1", "image/png"),
        ("PNG", "I;16", "image/png"),
        ("WEBP", "RGBA", "image/webp"),
        ("WEBP", "RGB", "image/webp"),
        ("JPEG", "CMYK", "image/jpeg"),
        ("JPEG", "L", "image/jpeg"),
    ],
)
def test_every_kind_of_picture_that_is_taken_can_be_shown(
    room: Room, form: str, mode: str, media: str
) -> None:
    scene = paint(4, (500, 400)).convert("L" if mode == "I;16" else mode)
    content = write(scene.convert(mode) if mode != "I;16" else scene.convert("I;16"), form)
    assert (sniff(content, media).width, sniff(content, media).height) == (500, 400)
    name, reason = make(room, content, media)
    assert reason is None
    with Image.open(room.files.derivative(name, "thumb")) as picture:
        assert (picture.size, picture.mode) == ((320, 256), "RGB")


def test_what_is_transparent_is_white(room: Room) -> None:
    glass = write(Image.new("RGBA", (40, 40), (255, 0, 0, 0)), "PNG")
    name, _ = make(room, glass, "image/png")
    with Image.open(room.files.derivative(name, "thumb")) as picture:
        assert picture.getpixel((20, 20)) == (255, 255, 255)


def test_a_small_picture_is_not_blown_up(room: Room) -> None:
    name, _ = make(room, write(paint(5, (40, 30))))
    with Image.open(room.files.derivative(name, "screen")) as picture:
        assert picture.size == (40, 30)


@pytest.mark.parametrize("side", [12_000, 18_000, 60_000])
def test_a_pixel_bomb_is_refused_by_its_head(room: Room, side: int) -> None:
    bomb = photos.bomb_png(side)
    assert len(bomb) < 2_000_000
    before = psutil.Process().memory_info().rss
    with pytest.raises(InputError, match="too many pixels") as refused:
        room.take(bomb, "image/png")
    assert refused.value.facts["width"] == side
    assert psutil.Process().memory_info().rss - before < 50_000_000
    assert room.ask("SELECT count(*) FROM core.blob") == [(0,)]


def test_the_largest_picture_that_is_taken_stays_in_the_child(room: Room) -> None:
    """49 million pixels, RGBA: 200 MB where they are decoded."""
    huge = write(Image.new("RGBA", (7000, 7000), (200, 30, 30, 128)), "PNG")
    before = psutil.Process().memory_info().rss
    _, reason = make(room, huge, "image/png")
    assert reason is None
    assert psutil.Process().memory_info().rss - before < 60_000_000


DAMAGED = "the picture cannot be decoded (damaged)"
HEAVY = "the picture exceeds the limits of time or memory"


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("truncated", PHOTO[: len(PHOTO) // 2], DAMAGED),
        ("head only", PHOTO[:2000], DAMAGED),
        ("scrambled", PHOTO[:30_000] + b"\xff\xd8" * 100 + PHOTO[31_000:], None),
    ],
)
def test_damaged_originals_are_kept_and_said_to_be_damaged(
    room: Room, name: str, content: bytes, why: str | None
) -> None:
    stored, reason = make(room, content)
    assert room.files.path(stored).read_bytes() == content
    if why is not None:
        assert reason == why
        assert room.ask("SELECT damage->>'en', dhash FROM core.blob") == [(why, None)]
        assert room.ask("SELECT count(*) FROM core.derivative") == [(0,)]


@pytest.mark.parametrize("bomb", [photos.exif_bomb(PHOTO), photos.looping_exif(PHOTO)])
def test_an_exif_bomb_costs_little_and_the_picture_is_shown(room: Room, bomb: bytes) -> None:
    name, reason = make(room, bomb)
    assert reason is None
    made = room.files.derivative(name, "screen").read_bytes()
    assert len(made) < len(PHOTO)


def test_a_text_bomb_in_a_png_is_shown_or_said_to_be_damaged(room: Room) -> None:
    _, reason = make(room, photos.text_bomb_png(), "image/png")
    assert reason in (None, DAMAGED, HEAVY)


def zip_bytes() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("evil.html", "<script>alert(1)</script>")
    return out.getvalue()


@pytest.mark.parametrize("tail", [b"<script>alert(1)</script>", zip_bytes(), b"%PDF-1.7\n", b"#!"])
def test_a_polyglots_tail_stays_in_the_original_only(room: Room, tail: bytes) -> None:
    content = PHOTO + tail
    name, reason = make(room, content)
    assert reason is None
    assert room.files.path(name).read_bytes() == content
    for size in ("thumb", "screen"):
        assert tail not in room.files.derivative(name, size).read_bytes()


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.mark.parametrize(
    ("content", "media"),
    [
        (SVG, "image/jpeg"),
        (b"<!doctype html><script>alert(1)</script>", "image/jpeg"),
        (b"GIF89a" + b"\x00" * 50, "image/png"),
        (PHOTO, "image/png"),
        (PHOTO, "application/pdf"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "image/jpeg"),
        (zip_bytes(), "application/pdf"),
        (b"\xff\xd8", "image/jpeg"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF" + b"\x00" * 40, "image/jpeg"),  # no frame header
        (photos.resize_jpeg_head(PHOTO, 60_000, 60_000), "image/jpeg"),
        (photos.resize_jpeg_head(PHOTO, 0, 900), "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n" + b"\x00" * 30, "image/png"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8X" + b"\xff" * 30, "image/webp"),
        (b"x", "image/jpeg"),
    ],
)
def test_what_is_not_what_it_says_is_not_taken(room: Room, content: bytes, media: str) -> None:
    with pytest.raises(InputError):
        room.take(content, media)
    assert list(room.files.folder.glob("??/*")) == []


@pytest.mark.parametrize(
    ("content", "media"),
    [
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + b"\x01" * 500, "image/heic"),
        (b"%PDF-1.7\n" + b"\x01" * 500, "application/pdf"),
    ],
)
def test_documents_and_heic_are_kept_without_a_picture(
    room: Room, content: bytes, media: str
) -> None:
    name, reason = make(room, content, media)
    assert room.files.path(name).read_bytes() == content
    assert reason == "no picture can be made of this file"
    assert room.ask("SELECT count(*) FROM jobs.procrastinate_jobs") == [(0,)]


def test_a_lying_head_does_not_make_the_child_decode_a_bomb(room: Room) -> None:
    """The head says 8000 x 6000 = 48 million, the scan holds far less."""
    name, reason = make(room, photos.resize_jpeg_head(PHOTO, 8000, 6000))
    assert reason in (None, DAMAGED)
    assert room.files.path(name).exists()


def test_without_a_fix_or_with_nonsense_there_is_no_position(room: Room) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "0000:00:00 00:00:00"
    exif.get_ifd(0x8825).update({1: "N", 2: (0.0, 0.0, 0.0), 3: "E", 4: (0.0, 0.0, 0.0)})
    make(room, write(paint(6), exif=exif))
    assert room.ask("SELECT exif_at, exif_lon, exif_lat FROM core.blob") == [(None, None, None)]


def test_the_child_can_open_neither_file_nor_socket_and_is_bounded(tmp_path: Path) -> None:
    """What its decoders could do if bytes took them over: tried in their place."""
    attempt = (
        "import resource, socket, PIL.Image as I\n"
        "from gis.evidence import examine_picture as e\n"
        "def attack(file, medium, made):\n"
        "    found = {}\n"
        "    for name, act in (('file', lambda: open('/etc/passwd')),"
        " ('socket', socket.socket), ('memory', lambda: bytearray(2 << 30))):\n"
        "        try:\n"
        "            act(); found[name] = 'done'\n"
        "        except (OSError, MemoryError) as error:\n"
        "            found[name] = type(error).__name__\n"
        "    found['cpu'] = resource.getrlimit(resource.RLIMIT_CPU)[0]\n"
        "    found['size'] = resource.getrlimit(resource.RLIMIT_FSIZE)[0]\n"
        "    return found\n"
        "e._examine = attack\n"
        "e.main()\n"
    )
    (tmp_path / "x.jpg").write_bytes(PHOTO)
    request = {"path": f"{tmp_path}/x.jpg", "medium": "image/jpeg", "folder": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-P", "-c", attempt],
        input=json.dumps(request), capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(PROJECT_FOLDER)},
    )  # fmt: skip
    assert json.loads(done.stdout) == {
        "file": "OSError", "socket": "OSError", "memory": "MemoryError",
        "cpu": 30, "size": 8 << 20,
    }  # fmt: skip


def test_a_child_that_takes_too_long_is_killed(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(derive, "WALL_SECONDS", 0.05)
    _, reason = make(room, PHOTO)
    assert reason == HEAVY


def test_only_one_picture_is_made_on_demand_at_a_time(room: Room) -> None:
    name = room.take(PHOTO)
    deriver = room.deriver
    deriver._at_work.acquire()
    assert deriver.try_derive(name) is False
    deriver._at_work.release()
    assert deriver.try_derive(name) is True
    with pytest.raises(NotFoundError):
        deriver.try_derive("0" * 64)


def test_the_difference_hash_is_the_published_one() -> None:
    """Columns that grow darker: every pixel is brighter than its right neighbour."""
    falling = Image.new("L", (9, 8))
    falling.putdata([255 - 28 * (place % 9) for place in range(72)])
    assert difference_hash(falling) == -1  # all 64 bits, as a signed number
    rising = falling.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert difference_hash(rising) == 0
    half = Image.new("L", (9, 8))
    half.putdata([255 - 28 * c if r < 4 else 28 * c for r in range(8) for c in range(9)])
    assert difference_hash(half) == -(1 << 32)  # 0xFFFFFFFF00000000
    assert difference_hash(Image.new("RGB", (900, 800), "grey")) is None


def test_a_photo_used_again_in_disguise_is_found_and_others_are_not(room: Room) -> None:
    scene = paint(11, (1600, 1200))
    first, _ = make(room, write(scene, quality=90))
    copies = [
        make(room, write(scene, quality=40))[0],
        make(room, write(scene.resize((800, 600)), quality=80))[0],
        make(room, write(scene, "PNG"), "image/png")[0],
        make(room, write(scene.point(lambda v: min(255, int(v * 1.1))), quality=80))[0],
    ]
    others = [make(room, make_jpeg(seed))[0] for seed in range(20, 32)]
    with room.db.read(Pool.FIELD) as connection:
        alike = find_alike(connection, first)
        assert {a.sha256 for a in alike} == set(copies)
        assert all(0 <= a.distance <= 4 for a in alike)
        for other in others:
            assert find_alike(connection, other) == []
