"""The installation's own certificate authority, for networks without a public domain.

Made once and kept in ``tls`` of the state folder. Phones and computers trust it after a visit to
the enrolment page, so it can vouch for nothing but private names and addresses and the names it
was made for (name constraints, RFC 5280 4.2.1.10): a stolen key opens no bank's door. It is in no
backup; whoever moves the installation copies the folder by hand, or enrols the phones again.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from api.hosts import Host, as_general_name, list_covered
from gis.attributes import Text
from gis.errors import SetupError
from gis.jobs.archive import replace_whole
from gis.settings import Settings

AUTHORITY_LIFE = timedelta(days=3652)
SERVER_LIFE = timedelta(days=396)
"""Apple refuses more than 825 days of an own authority's server, and 398 of a public one's."""
RENEWED_BEFORE = timedelta(days=30)
_BACKDATED = timedelta(days=1)
"""A phone whose clock is late by less than this takes a certificate made just now."""
PRIVATE_NAMES = ("localhost", "local", "lan", "internal", "home.arpa", "test")
"""Names nobody can register: RFC 6761, 6762, 8375, ICANN's .internal; .lan by custom."""
PRIVATE_NETWORKS = tuple(
    map(
        ip_network,
        (
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "::1/128",
            "fc00::/7",
        ),
    )
)
"""RFC 1918, 6598, 4193, and the machine itself."""


@dataclass(frozen=True, slots=True)
class Authority:
    """The certificate that phones trust, and the key that signs for it."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def may_vouch_for(self, host: Host) -> bool:
        """Whether its constraints allow a name or address."""
        return is_permitted(self.certificate, host)


def tls_folder(settings: Settings) -> Path:
    """Where the authority and the server's certificate are kept."""
    return settings.state_folder / "tls"


def read_certificate(folder: Path) -> x509.Certificate | None:
    """The authority's certificate; None when there is none yet. SetupError when it is damaged."""
    try:
        certificate = x509.load_pem_x509_certificate((folder / "ca.crt").read_bytes())
        # Only what we made ourselves has these; another's would vouch for the whole internet.
        certificate.extensions.get_extension_for_class(x509.NameConstraints)
        certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, x509.ExtensionNotFound):
        raise _damaged(folder) from None
    return certificate


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of a certificate in sixteen groups of four, to be compared by eye."""
    digits = certificate.fingerprint(hashes.SHA256()).hex().upper()
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))


@contextmanager
def hold_folder(folder: Path) -> Iterator[None]:
    """The folder, for its owner only, while no other process of ours changes it."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def open_authority(folder: Path, hosts: Sequence[Host], now: datetime) -> Authority:
    """The authority, made when there is none: then ``hosts`` are the names of its own.

    Call it in :func:`hold_folder`. SetupError when it is damaged or over: phones trust the old one,
    so it is never replaced unasked.
    """
    certificate = read_certificate(folder)
    if certificate is None:
        return _make_authority(folder, hosts, now)
    try:
        key = load_pem_private_key((folder / "ca.key").read_bytes(), None)
    except (OSError, ValueError):
        raise _damaged(folder) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or (
        key.public_key() != certificate.public_key()
    ):
        raise _damaged(folder)
    if now >= certificate.not_valid_after_utc:
        raise SetupError(
            Text(
                zh="本机证书机构已于 {day} 到期:移走 {folder},再启动即生成新的,并重新登记各手机",
                en="the certificate authority ended on {day}: move {folder} away, start again, and"
                " enrol the phones anew",
            ).format(day=certificate.not_valid_after_utc.date(), folder=folder)
        )
    return Authority(certificate, key)


def _damaged(folder: Path) -> SetupError:
    return SetupError(
        Text(
            zh="{folder} 中的 ca.crt 或 ca.key 缺失、损坏或不成对:从副本恢复;或移走该文件夹,"
            "再启动即生成新的,并重新登记各手机",
            en="ca.crt or ca.key in {folder} is missing, damaged or not of the other: bring them"
            " back from a copy; or move the folder away, start again, and enrol the phones anew",
        ).format(folder=folder)
    )


def _make_authority(folder: Path, hosts: Sequence[Host], now: datetime) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    made = now.strftime("%Y-%m-%d")
    common = next((h for h in hosts if isinstance(h, str) and h != "localhost"), "")
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Infratrack 城建一张图"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"Infratrack CA {common[:30]} {made}"),
        ]
    )
    usage = dict.fromkeys(_USAGES, False) | {"key_cert_sign": True, "crl_sign": True}
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .add_extension(x509.NameConstraints(_list_permitted(hosts), None), critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    # The key first: a crash in between leaves no certificate that nobody can sign for.
    write_private(folder / "ca.key", write_key(key))
    write_private(folder / "ca.crt", certificate.public_bytes(Encoding.PEM))
    return Authority(certificate, key)


def _list_permitted(hosts: Iterable[Host]) -> list[x509.GeneralName]:
    names = [x509.DNSName(name) for name in PRIVATE_NAMES]
    networks = [x509.IPAddress(network) for network in PRIVATE_NETWORKS]
    permitted: list[x509.GeneralName] = [*names, *networks]
    for host in hosts:
        if not _match_any(permitted, host):
            own = x509.DNSName(host) if isinstance(host, str) else x509.IPAddress(ip_network(host))
            permitted.append(own)
    return permitted


def _match_any(permitted: Iterable[x509.GeneralName], host: Host) -> bool:
    """A name is within one it equals or ends with; an address within its network."""
    for allowed in permitted:
        if isinstance(host, str) and isinstance(allowed, x509.DNSName):
            if host == allowed.value or host.endswith(f".{allowed.value}"):
                return True
        elif not isinstance(host, str) and isinstance(allowed, x509.IPAddress):
            network = allowed.value
            if host.version == network.version and host in ip_network(network):
                return True
    return False


def is_permitted(authority: x509.Certificate, host: Host) -> bool:
    """Whether the authority's constraints allow a name or address."""
    limits = authority.extensions.get_extension_for_class(x509.NameConstraints).value
    return _match_any(limits.permitted_subtrees or [], host)


_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


def issue(authority: Authority, hosts: Sequence[Host], now: datetime) -> bytes:
    """A new key and a certificate for ``hosts``, in one PEM: they cannot get parted."""
    key = ec.generate_private_key(ec.SECP256R1())
    usage = dict.fromkeys(_USAGES, False) | {"digital_signature": True}
    ends = min(now - _BACKDATED + SERVER_LIFE, authority.certificate.not_valid_after_utc)
    names = x509.SubjectAlternativeName([as_general_name(host) for host in hosts])
    # No host: where a certificate names addresses only, OpenSSL takes this for one more DNS name.
    common = x509.NameAttribute(NameOID.COMMON_NAME, "Infratrack server")
    of_authority = authority.certificate.extensions.get_extension_for_class(
        x509.SubjectKeyIdentifier
    ).value
    certificate = (
        x509.CertificateBuilder(
            authority.certificate.subject,
            x509.Name([common]),
            key.public_key(),
            x509.random_serial_number(),
        )
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(ends)
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(of_authority),
            critical=False,
        )
        .sign(authority.key, hashes.SHA256())
    )
    return certificate.public_bytes(Encoding.PEM) + write_key(key)


def find_issued(path: Path, authority: Authority, hosts: Sequence[Host], now: datetime) -> bool:
    """Whether the certificate at ``path`` is the authority's, for ``hosts``, and not soon over."""
    try:
        pem = path.read_bytes()
        certificate = x509.load_pem_x509_certificate(pem)
        certificate.verify_directly_issued_by(authority.certificate)
        paired = load_pem_private_key(pem, None).public_key() == certificate.public_key()
    except (OSError, ValueError, TypeError, InvalidSignature):
        return False
    left = certificate.not_valid_after_utc - now
    # Near the authority's own end nothing is won by a new one.
    soon_over = left < RENEWED_BEFORE and (
        certificate.not_valid_after_utc < authority.certificate.not_valid_after_utc
    )
    begun = certificate.not_valid_before_utc <= now
    return paired and begun and not soon_over and {*list_covered(certificate)} == {*hosts}


def write_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A private key as PEM."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def write_private(path: Path, content: bytes) -> None:
    """Write a file its owner alone may read, whole or not at all."""
    with replace_whole(path) as partial:
        # Not write_bytes: a file that is there keeps its mode, and this one is 0600 already.
        with partial.open("wb") as file:
            file.write(content)
        if partial.stat().st_mode & 0o077:
            raise SetupError(
                Text(
                    zh="{folder} 所在的文件系统不支持文件权限:把 GIS_STATE_FOLDER 放到本地磁盘",
                    en="the file system of {folder} keeps no permissions: put GIS_STATE_FOLDER on a"
                    " local disk",
                ).format(folder=path.parent)
            )
