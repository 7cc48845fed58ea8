"""What ``doctor`` says of the certificate: until when, for whom, and who may read its key."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509

from api.authority import RENEWED_BEFORE, read_certificate, tls_folder
from api.findings import Finding, State
from api.given import check_given
from api.hosts import list_covered, list_machine_hosts, write_host
from gis.attributes import Text
from gis.errors import SetupError
from gis.settings import Settings

_TITLE = Text(zh="HTTPS 证书", en="HTTPS certificate")
_KEY = Text(zh="证书私钥", en="Certificate key")
_AUTHORITY = Text(zh="本机证书机构", en="Certificate authority")
_AUTHORITY_SOON = timedelta(days=180)
"""Phones are enrolled anew one by one: that takes a bureau months."""
_UNTIL = Text(zh="有效期至 {day}:{hosts}", en="valid until {day}: {hosts}")
_START = Text(zh="运行 python3 -m gis serve --tls", en="run python3 -m gis serve --tls")


def examine_tls(settings: Settings, now: datetime) -> Iterator[Finding]:
    """Look at the given certificate, else at that of our own authority."""
    chain, key = settings.tls_certificate, settings.tls_key
    if chain is None and key is None:
        yield from _examine_own(settings, now)
        return
    if chain is None or key is None:
        both = Text(
            zh="GIS_TLS_CERTIFICATE 与 GIS_TLS_KEY 要一起设置",
            en="GIS_TLS_CERTIFICATE and GIS_TLS_KEY go together",
        )
        yield Finding("certificate", _TITLE, State.WRONG, both, both)
        return
    renew = Text(
        zh="续期后替换这两个文件,运行中的服务一小时内自动换用",
        en="renew it and replace both files; a running server takes them within the hour",
    )
    try:
        certificate = check_given(chain, key, (), now)
    except SetupError as error:
        yield Finding("certificate", _TITLE, State.WRONG, error.message, renew)
        return
    soon = certificate.not_valid_after_utc - now < RENEWED_BEFORE
    state = State.NOTICE if soon else State.OK
    yield Finding("certificate", _TITLE, state, _describe(certificate), renew if soon else None)
    # A group that reads it is the way of Debian's ssl-cert.
    yield _examine_key(key, forbidden=0o007)


def _examine_own(settings: Settings, now: datetime) -> Iterator[Finding]:
    folder = tls_folder(settings)
    try:
        authority = read_certificate(folder)
    except SetupError as error:
        yield Finding("certificate-authority", _AUTHORITY, State.WRONG, error.message)
        return
    if authority is None:
        unused = Text(zh="未用 HTTPS,仅限本机访问", en="no HTTPS: this machine only")
        needed = not settings.is_local
        state = State.WRONG if needed else State.OK
        yield Finding("certificate", _TITLE, state, unused, _START if needed else None)
        return
    yield _examine_authority(authority, folder, now)
    yield _examine_server(settings, folder, now)
    yield _examine_key(folder / "ca.key", forbidden=0o077)


def _examine_authority(authority: x509.Certificate, folder: Path, now: datetime) -> Finding:
    left = authority.not_valid_after_utc - now
    late = left < _AUTHORITY_SOON
    found = Text(zh="有效期至 {day}", en="valid until {day}")
    fix = Text(
        zh="移走 {folder},再启动即生成新的,并重新登记各手机",
        en="move {folder} away, start again, and enrol the phones anew",
    )
    return Finding(
        "certificate-authority",
        _AUTHORITY,
        State.WRONG if left <= timedelta(0) else State.NOTICE if late else State.OK,
        found.format(day=authority.not_valid_after_utc.date()),
        fix.format(folder=folder) if late else None,
    )


def _examine_server(settings: Settings, folder: Path, now: datetime) -> Finding:
    """The certificate our authority issued last; ``serve --tls`` renews it by itself."""
    try:
        own = x509.load_pem_x509_certificate((folder / "server.pem").read_bytes())
    except (OSError, ValueError):
        missing = Text(zh="缺失或无法读取", en="missing or unreadable")
        return Finding("certificate", _TITLE, State.NOTICE, missing, _START)
    over = own.not_valid_after_utc - now < RENEWED_BEFORE
    covered = {*list_covered(own)}
    lacking = [h for h in list_machine_hosts(settings.host) if h not in covered]
    if lacking and not over:
        found = Text(zh="不含本机的 {hosts}", en="not for this machine's {hosts}")
        names = ", ".join(map(write_host, lacking))
        return Finding("certificate", _TITLE, State.NOTICE, found.format(hosts=names), _START)
    state = State.NOTICE if over else State.OK
    return Finding("certificate", _TITLE, state, _describe(own), _START if over else None)


def _describe(certificate: x509.Certificate) -> Text:
    hosts = ", ".join(map(write_host, list_covered(certificate))) or "-"
    return _UNTIL.format(day=certificate.not_valid_after_utc.date(), hosts=hosts)


def _examine_key(path: Path, *, forbidden: int) -> Finding:
    """Who may read a key; ``forbidden`` are the bits of a mode that must not be set."""
    try:
        mode = path.stat().st_mode & 0o777
    except OSError as error:
        reason = error.strerror or type(error).__name__
        found = Text(zh="{path}:{reason}", en="{path}: {reason}")
        return Finding(
            "certificate-key", _KEY, State.WRONG, found.format(path=path, reason=reason), _START
        )
    found = Text(zh="{path} 权限 {mode:03o}", en="{path}, mode {mode:03o}")
    fix = Text(
        zh="他人可能已读到私钥:chmod 600 {path};若机器上有外人,换新证书",
        en="others may have read the key: chmod 600 {path}; replace the certificate if this"
        " machine has other users",
    )
    wrong = bool(mode & forbidden)
    return Finding(
        "certificate-key",
        _KEY,
        State.WRONG if wrong else State.OK,
        found.format(path=path, mode=mode),
        fix.format(path=path) if wrong else None,
    )
