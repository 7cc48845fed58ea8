"""QR codes as SVG, for secrets that go from a screen into a phone."""

from __future__ import annotations

from io import BytesIO

import segno


def draw_qr(content: str) -> str:
    """A QR code as an SVG document without a size of its own."""
    picture = BytesIO()
    segno.make(content, error="m", micro=False).save(
        picture, kind="svg", border=4, dark="#20262b", xmldecl=False, omitsize=True
    )
    return picture.getvalue().decode()
