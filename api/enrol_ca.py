"""How a phone comes to trust our own certificate authority: a page, the certificate, a profile.

Shown at ``/enrol-ca`` over HTTPS, and over plain HTTP on a port of its own (:class:`EnrolApp`),
because who does not trust the authority yet cannot well open the first. Nothing secret is here;
what makes it safe is the fingerprint, compared with what the server's terminal says.
"""

from __future__ import annotations

import base64
import hashlib
import plistlib
import uuid
from dataclasses import dataclass
from functools import cache
from html import escape
from io import BytesIO
from pathlib import Path
from string import Template

import segno
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from api.authority import fingerprint, read_certificate, tls_folder
from api.context import absolute, application_of
from api.enrol_ca_words import STEPS, WORDS, Platform
from api.language import choose_language
from api.middleware import SECURITY_HEADERS
from api.ogc.parameters import COMMON, check_known
from gis.attributes import Language, Text
from gis.errors import NotFoundError
from layers.live import STATIC_FOLDER

_FOLDER = Path(__file__).parent / "pages"
_MOST_HEAD, _MOST_TARGET = 4_096, 512
_CERTIFICATE, _PROFILE = "ca.crt", "ca.mobileconfig"
_MEDIA = {
    _CERTIFICATE: "application/x-x509-ca-cert",
    _PROFILE: "application/x-apple-aspen-config",
}
_NO_AUTHORITY = Text(
    zh="本站没有自己的证书机构:浏览器已信任它的证书,无需登记",
    en="this server has no certificate authority of its own: there is nothing to enrol",
)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What a phone needs: the authority's certificate, and the address it opens then."""

    certificate: x509.Certificate
    address: str

    def answer_page(self, request: Request, language: Language, base: str) -> Response:
        """The page; ``base`` is the path of its files."""
        platform = guess_platform(request.headers.get("user-agent", ""))
        page = self._write_page(language, base, platform)
        headers = {
            "Content-Security-Policy": _write_policy(),
            "Cache-Control": "no-store",
            "Content-Language": language.value,
        }
        return Response(page, 200, headers, "text/html")

    def answer_file(self, name: str) -> Response:
        """The certificate or the profile, to be opened by the system. NotFoundError for others."""
        if name not in _MEDIA:
            raise NotFoundError(Text(zh="没有此文件", en="no such file"))
        is_profile = name == _PROFILE
        content = write_profile(self.certificate) if is_profile else _write_pem(self.certificate)
        shown = "infratrack" + Path(name).suffix
        headers = {
            "Content-Disposition": f'attachment; filename="{shown}"',
            "Cache-Control": "no-store",
        }
        return Response(content, 200, headers, _MEDIA[name])

    def _write_page(self, language: Language, base: str, platform: Platform | None) -> str:
        other = Language.EN if language is Language.ZH else Language.ZH
        words = {f"w_{key}": escape(text.get(language)) for key, text in WORDS.items()}
        groups = fingerprint(self.certificate).split()
        return Template((_FOLDER / "enrol_ca.html").read_text(encoding="utf-8")).substitute(
            words,
            lang=_tag(language),
            other_lang=_tag(other),
            style=_read_style(),
            icon=(STATIC_FOLDER / "icon.svg").read_text(encoding="utf-8").strip(),
            switch=f"?lang={other.value}",
            print="".join(f"<span>{group}</span>" for group in groups),
            until=f"{self.certificate.not_valid_after_utc:%Y-%m-%d}",
            buttons=_write_buttons(language, base, platform),
            ways="".join(_write_steps(p, language, is_open=p is platform) for p in STEPS),
            qr=_draw_code(self.address),
            address=escape(self.address),
        )


def _tag(language: Language) -> str:
    return "en" if language is Language.EN else "zh-CN"


def _write_buttons(language: Language, base: str, platform: Platform | None) -> str:
    """Both downloads, the one for this device first."""
    names = [_CERTIFICATE, _PROFILE]
    if platform is Platform.IOS:
        names.reverse()
    return "".join(
        f'<a class="button{"" if at else " first"}" href="{base}{name}">'
        f"{escape(WORDS['file' if name == _CERTIFICATE else 'profile'].get(language))}</a>"
        for at, name in enumerate(names)
    )


def _write_steps(platform: Platform, language: Language, *, is_open: bool) -> str:
    steps = "".join(f"<li>{_mark_code(step.get(language))}</li>" for step in STEPS[platform])
    name = escape(platform.label.get(language))
    return (
        f"<details{' open' if is_open else ''}><summary>{name}</summary><ol>{steps}</ol></details>"
    )


def _mark_code(words: str) -> str:
    """Escaped; what stands between backticks is code."""
    parts = escape(words).split("`")
    return "".join(f"<code>{part}</code>" if at % 2 else part for at, part in enumerate(parts))


def _draw_code(address: str) -> str:
    picture = BytesIO()
    segno.make(address, error="m", micro=False).save(
        picture, kind="svg", border=4, dark="#20262b", xmldecl=False, omitsize=True, title="QR"
    )
    return picture.getvalue().decode().strip()


@cache
def _read_style() -> str:
    return (_FOLDER / "enrol_ca.css").read_text(encoding="utf-8")


@cache
def _write_policy() -> str:
    """No file but the page itself: its one style is named by its hash, and there is no script."""
    digest = base64.b64encode(hashlib.sha256(_read_style().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def guess_platform(agent: str) -> Platform | None:
    """Whose steps to show opened, by the browser's own word; None where it says nothing known.

    >>> guess_platform("Mozilla/5.0 (Linux; Android 14; ...)").value
    'android'
    """
    for platform, words in _AGENTS:
        if any(word in agent for word in words):
            return platform
    return None


_AGENTS = (
    (Platform.HARMONY, ("OpenHarmony", "HarmonyOS", "HMOS", "ArkWeb")),
    (Platform.ANDROID, ("Android",)),
    (Platform.IOS, ("iPhone", "iPad", "iPod")),
    (Platform.WINDOWS, ("Windows",)),
    (Platform.MACOS, ("Macintosh", "Mac OS")),
    (Platform.LINUX, ("Linux", "X11")),
)


def _write_pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def write_profile(certificate: x509.Certificate) -> bytes:
    """An Apple configuration profile that holds the certificate; the same one for the same.

    Keys: Apple's "Configuration Profile Reference", payload ``com.apple.security.root``.
    """
    space = uuid.UUID(bytes=certificate.fingerprint(hashes.SHA256())[:16], version=4)
    identifier = f"infratrack.ca.{space.hex[:12]}"
    words = "城建一张图 · Infratrack"
    payload = {
        "PayloadType": "com.apple.security.root",
        "PayloadVersion": 1,
        "PayloadIdentifier": f"{identifier}.root",
        "PayloadUUID": str(uuid.uuid5(space, "root")).upper(),
        "PayloadDisplayName": f"{words} CA",
        "PayloadCertificateFileName": "infratrack.cer",
        "PayloadContent": certificate.public_bytes(Encoding.DER),
    }
    return plistlib.dumps(
        {
            "PayloadType": "Configuration",
            "PayloadVersion": 1,
            "PayloadIdentifier": identifier,
            "PayloadUUID": str(uuid.uuid5(space, "profile")).upper(),
            "PayloadDisplayName": words,
            "PayloadDescription": f"SHA-256 {fingerprint(certificate)}",
            "PayloadRemovalDisallowed": False,
            "PayloadContent": [payload],
        }
    )


# the two ways in


def _find_enrolment(request: Request) -> Enrolment:
    settings = application_of(request).settings
    own = settings.tls_certificate is None and request.url.scheme == "https"
    certificate = read_certificate(tls_folder(settings)) if own else None
    if certificate is None:
        raise NotFoundError(_NO_AUTHORITY)
    return Enrolment(certificate, absolute(request, "/"))


async def page(request: Request) -> Response:
    """The page, for who is here already and helps the next."""
    check_known(request.query_params, COMMON)
    return _find_enrolment(request).answer_page(request, choose_language(request), "/enrol-ca/")


async def file(request: Request) -> Response:
    """``ca.crt`` or ``ca.mobileconfig``."""
    check_known(request.query_params, COMMON)
    return _find_enrolment(request).answer_file(request.path_params["file"])


class EnrolApp:
    """The page and its two files on a port of plain HTTP, and nothing else. ASGI."""

    def __init__(self, enrolment: Enrolment, language: Language) -> None:
        self._enrolment = enrolment
        self._language = language

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102
        if scope["type"] != "http":
            return
        answer = self._answer(Request(scope))
        headers = {**SECURITY_HEADERS, b"connection": b"close"}
        # Over plain HTTP a browser ignores it, and complains.
        del headers[b"cross-origin-opener-policy"]
        names = {name for name, _ in answer.raw_headers}
        answer.raw_headers.extend((n, v) for n, v in headers.items() if n not in names)
        await answer(scope, receive, send)

    def _answer(self, request: Request) -> Response:
        if (status := _refuse(request)) is not None:
            return PlainTextResponse(f"{status}\n", status)
        path = request.scope["path"]
        if path == "/":
            language = choose_language(request, otherwise=self._language)
            return self._enrolment.answer_page(request, language, "/")
        if path.removeprefix("/") not in _MEDIA:
            return PlainTextResponse("404\n", 404)
        return self._enrolment.answer_file(path.removeprefix("/"))


def _refuse(request: Request) -> int | None:
    headers = request.headers
    if request.method not in ("GET", "HEAD"):
        return 405
    if len(request.url.path) + len(request.url.query) > _MOST_TARGET:
        return 414
    if sum(len(name) + len(value) for name, value in headers.items()) > _MOST_HEAD:
        return 431
    has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
    return 413 if has_body else None
