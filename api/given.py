"""A certificate given by the administrator: everything that would fail later is said at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from api.hosts import Host, is_covered, list_covered, write_host
from gis.attributes import Text
from gis.errors import SetupError


def check_given(chain: Path, key: Path, hosts: Sequence[Host], now: datetime) -> x509.Certificate:
    """The server's certificate of ``chain``. SetupError that says what is wrong with it or the key.

    Checked: both can be read, belong together, are valid at ``now``, for a server and for
    ``hosts``; each certificate of the chain is signed by the next.
    """
    certificates = _read_chain(chain)
    own = certificates[0]
    if _read_key(key).public_key() != own.public_key():
        raise SetupError(
            Text(
                zh="私钥 {key} 与证书 {chain} 不配对(证书文件中本站证书须在最前)",
                en="the key {key} is not of the certificate {chain} (whose first must be this"
                " server's)",
            ).format(key=key, chain=chain)
        )
    _check_time(own, chain, now)
    _check_purpose(own, chain)
    _check_chain(certificates, chain)
    covered = list_covered(own)
    missing = [write_host(host) for host in hosts if not is_covered(host, covered)]
    if missing:
        raise SetupError(
            Text(
                zh="证书 {chain} 不含 {missing};它包含 {covered}",
                en="the certificate {chain} is not for {missing}, but for {covered}",
            ).format(
                chain=chain,
                missing=", ".join(missing),
                covered=", ".join(map(write_host, covered)) or "-",
            )
        )
    return own


def _read_chain(path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except OSError as error:
        raise _unreadable(path, error) from error
    except ValueError:
        raise SetupError(
            Text(
                zh="{path} 不是 PEM 证书(应以 -----BEGIN CERTIFICATE----- 开头)",
                en="{path} is no certificate in PEM (-----BEGIN CERTIFICATE-----)",
            ).format(path=path)
        ) from None


def _read_key(path: Path) -> PrivateKeyTypes:
    try:
        return load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise _unreadable(path, error) from error
    except TypeError:
        raise SetupError(
            Text(
                zh="私钥 {path} 有口令保护:先解密(openssl pkey -in … -out …),文件权限设为 600",
                en="the key {path} has a passphrase: take it off (openssl pkey -in … -out …) and"
                " make the file 0600",
            ).format(path=path)
        ) from None
    except ValueError:
        raise SetupError(
            Text(zh="{path} 不是 PEM 私钥", en="{path} is no private key in PEM").format(path=path)
        ) from None


def _unreadable(path: Path, error: OSError) -> SetupError:
    return SetupError(
        Text(zh="无法读取 {path}:{reason}", en="cannot read {path}: {reason}").format(
            path=path, reason=error.strerror or type(error).__name__
        )
    )


def _check_time(own: x509.Certificate, path: Path, now: datetime) -> None:
    if now >= own.not_valid_after_utc:
        raise SetupError(
            Text(
                zh="证书 {path} 已于 {day} 过期", en="the certificate {path} expired on {day}"
            ).format(path=path, day=own.not_valid_after_utc.date())
        )
    if now < own.not_valid_before_utc:
        raise SetupError(
            Text(
                zh="证书 {path} 自 {day} 起才有效(或本机时钟有误)",
                en="the certificate {path} is valid from {day} on (or this machine's clock"
                " is wrong)",
            ).format(path=path, day=own.not_valid_before_utc.date())
        )


def _check_purpose(own: x509.Certificate, path: Path) -> None:
    try:
        uses = own.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return
    if not {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE} & {*uses}:
        raise SetupError(
            Text(
                zh="证书 {path} 不是服务器证书(扩展密钥用途)",
                en="the certificate {path} is not for a server (extended key usage)",
            ).format(path=path)
        )


def _check_chain(certificates: Sequence[x509.Certificate], path: Path) -> None:
    for signed, signer in pairwise(certificates):
        try:
            signed.verify_directly_issued_by(signer)
        except (ValueError, TypeError, InvalidSignature):
            raise SetupError(
                Text(
                    zh="证书文件 {path} 的证书链次序有误:应为本站证书,然后依次是签发者",
                    en="the chain in {path} is out of order: the server's certificate, then each"
                    " one's issuer",
                ).format(path=path)
            ) from None
