"""Certificates as a public authority would give them, good ones and bad ones."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = timedelta(days=1)
NOW = datetime.now(UTC).replace(microsecond=0)
Key = ec.EllipticCurvePrivateKey


def _name(words: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, words)])


def pem_of_key(key: Key, password: bytes | None = None) -> bytes:
    guard = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, guard)


@dataclass
class PublicAuthority:
    """An authority of the world outside, with an intermediate one."""

    folder: Path

    def __post_init__(self) -> None:
        self.root_key, self.key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        self.root = self._sign_authority("Root", "Root", self.root_key, self.root_key)
        self.between = self._sign_authority("Between", "Root", self.key, self.root_key)

    def _sign_authority(self, name: str, by: str, key: Key, signer: Key) -> x509.Certificate:
        return (
            x509.CertificateBuilder(
                _name(by), _name(name), key.public_key(), x509.random_serial_number()
            )
            .not_valid_before(NOW - 400 * DAY)
            .not_valid_after(NOW + 4000 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(signer, hashes.SHA256())
        )

    def give(
        self,
        names: Sequence[str] = ("gis.example.cn",),
        *,
        begins: datetime = NOW - DAY,
        ends: datetime = NOW + 90 * DAY,
        use: x509.ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH,
        is_ordered: bool = True,
        label: str = "given",
    ) -> tuple[Path, Path]:
        """Files of a chain and of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        own = (
            x509.CertificateBuilder(
                _name("Between"), _name("server"), key.public_key(), x509.random_serial_number()
            )
            .not_valid_before(begins)
            .not_valid_after(ends)
            .add_extension(
                x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False
            )
            .add_extension(x509.ExtendedKeyUsage([use]), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        chain = [own, self.between] if is_ordered else [own, self.root, self.between]
        files = self.folder / f"{label}.pem", self.folder / f"{label}.key"
        files[0].write_bytes(b"".join(c.public_bytes(Encoding.PEM) for c in chain))
        files[1].write_bytes(pem_of_key(key))
        files[1].chmod(0o600)
        return files

    def trust(self) -> ssl.SSLContext:
        """A client that trusts the root."""
        return ssl.create_default_context(cadata=self.root.public_bytes(Encoding.PEM).decode())


def shake_hands(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> ssl.SSLObject:
    """A handshake in memory; the client's end. ssl.SSLError as the client meets it."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = server.wrap_bio(to_server, to_client, server_side=True)
    theirs = client.wrap_bio(to_client, to_server, server_hostname=name)
    for _ in range(4):
        for end in (theirs, ours):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return theirs
