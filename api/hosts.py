"""Names and addresses a server is reached by: as typed, of this machine, in a certificate."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from cryptography import x509

from gis.attributes import Text
from gis.errors import SetupError
from gis.settings import is_loopback

Host = str | IPv4Address | IPv6Address
"""A name, in lower case and as DNS spells it, or an address."""
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_LOCAL_TABLE = Path("/proc/net/fib_trie")
_LOCAL_TABLE_6 = Path("/proc/net/if_inet6")


def read_host(words: str) -> Host:
    """A name or address as typed; SetupError when it is neither.

    >>> read_host("GIS.Example.cn."), read_host("[fd00::1]"), read_host("城建.local")
    ('gis.example.cn', IPv6Address('fd00::1'), 'xn--uisu0o.local')
    """
    typed = words.strip().rstrip(".")
    try:
        return ipaddress.ip_address(typed.strip("[]"))
    except ValueError:
        pass
    try:
        name = typed.encode("idna").decode().lower()
    except UnicodeError:
        name = ""
    labels = name.split(".")
    if len(name) > 253 or labels[-1].isdigit() or not all(map(_LABEL.fullmatch, labels)):
        raise SetupError(
            Text(
                zh="“{name}”不是域名、主机名或 IP 地址(不带 https://、端口和路径)",
                en="“{name}” is no host name or address (without https://, port and path)",
            ).format(name=words[:100])
        )
    return name


def write_host(host: Host) -> str:
    """As an address bar and a Host header have it: an IPv6 address in brackets.

    >>> write_host(ipaddress.ip_address("fd00::1"))
    '[fd00::1]'
    """
    return f"[{host}]" if isinstance(host, IPv6Address) else str(host)


def as_general_name(host: Host) -> x509.GeneralName:
    """As a certificate has it."""
    return x509.DNSName(host) if isinstance(host, str) else x509.IPAddress(host)


def list_covered(certificate: x509.Certificate) -> list[Host]:
    """The names (wildcards too) and addresses a certificate is for."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    hosts: list[Host] = [name.lower() for name in names.get_values_for_type(x509.DNSName)]
    for address in names.get_values_for_type(x509.IPAddress):
        if isinstance(address, IPv4Address | IPv6Address):
            hosts.append(address)
    return hosts


def is_covered(host: Host, covered: Iterable[Host]) -> bool:
    """Whether one of ``covered`` stands for ``host``; a wildcard for one label (RFC 6125).

    >>> is_covered("a.example.cn", ["*.example.cn"]), is_covered("a.b.example.cn", ["*.example.cn"])
    (True, False)
    """
    if not isinstance(host, str):
        return host in covered
    return bool({host, f"*.{host.partition('.')[2]}"} & {*covered})


def list_machine_hosts(bound: str) -> list[Host]:
    """Addresses and the name of this machine that lead to what listens on ``bound``."""
    home: list[Host] = ["localhost", IPv4Address("127.0.0.1"), IPv6Address("::1")]
    if is_loopback(bound):
        return home
    address = read_host(bound)
    if isinstance(address, str) or not address.is_unspecified:
        return [address, *home]
    own = [found for found in list_addresses() if not found.is_loopback]
    name = socket.gethostname().lower()
    named: list[Host] = [name] if all(map(_LABEL.fullmatch, name.split("."))) else []
    return [*own, *named, *home]


def list_addresses() -> list[IPv4Address | IPv6Address]:
    """This machine's addresses that an address bar can hold (no link-local ones), IPv4 first.

    From the kernel's own tables: a name server may know others, or none.
    """
    found: list[IPv4Address | IPv6Address] = [*_list_ipv4(), *_list_ipv6()]
    return list(dict.fromkeys(one for one in found if not one.is_link_local))


def _list_ipv4() -> Iterator[IPv4Address]:
    address = ""
    for line in _read(_LOCAL_TABLE).splitlines():
        words = line.split()
        if words[:1] == ["|--"]:
            address = words[1]
        elif words == ["/32", "host", "LOCAL"]:
            yield IPv4Address(address)


def _list_ipv6() -> Iterator[IPv6Address]:
    for line in _read(_LOCAL_TABLE_6).splitlines():
        yield IPv6Address(bytes.fromhex(line.split()[0]))


def _read(table: Path) -> str:
    try:
        return table.read_text(encoding="ascii")
    except OSError:  # a kernel without IPv6
        return ""
