"""The own authority and the given certificate: what is made, what is refused, what is renewed."""

from __future__ import annotations

import ssl
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from api import hosts
from api.authority import PRIVATE_NETWORKS, fingerprint, hold_folder, issue, open_authority
from api.cli import run
from api.doctor_tls import examine_tls
from api.hosts import Host, list_covered
from api.tls import OwnSource, Shown, Tls, choose_source
from gis.attributes import Language
from gis.errors import SetupError
from gis.settings import Settings
from tests.api.certificates import DAY, NOW, PublicAuthority, pem_of_key, shake_hands

ADDRESS = IPv4Address("192.168.3.7")


class Clock:
    """A time that a test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def public(tmp_path: Path) -> PublicAuthority:
    return PublicAuthority(tmp_path)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """A server on all addresses of a machine that has one, 192.168.3.7."""
    monkeypatch.setattr(hosts, "list_addresses", lambda: [ADDRESS])
    monkeypatch.setattr("socket.gethostname", lambda: "Office-PC")
    return Settings(state_folder=tmp_path / "state", host="0.0.0.0")


def trust(settings: Settings) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=settings.state_folder / "tls" / "ca.crt")


def open_tls(settings: Settings, *names: str, clock: Callable[[], datetime] = lambda: NOW) -> Tls:
    return Tls(choose_source(settings, names, clock()), clock)


def test_a_phone_that_trusts_the_authority_opens_every_name_and_address_of_the_server(
    settings: Settings,
) -> None:
    tls = open_tls(settings, "gis.example.cn")
    for name in ("gis.example.cn", "192.168.3.7", "office-pc", "localhost", "127.0.0.1", "::1"):
        shake_hands(tls.context, trust(settings), name)
    for name in ("elsewhere.example.cn", "192.168.3.8", "example.cn"):
        with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
            shake_hands(tls.context, trust(settings), name)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(tls.context, ssl.create_default_context(), "localhost")


def test_a_server_without_a_name_is_opened_by_its_address(settings: Settings) -> None:
    folder = settings.state_folder / "tls"
    tls = Tls(OwnSource(folder, [ADDRESS], []))
    shake_hands(tls.context, trust(settings), str(ADDRESS))


def test_a_strict_reader_of_rfc_5280_takes_the_certificate(settings: Settings) -> None:
    tls = open_tls(settings, "gis.lan")
    client = trust(settings)
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    shake_hands(tls.context, client, "gis.lan")


def test_the_authority_vouches_for_nobody_elses_site(settings: Settings, tmp_path: Path) -> None:
    folder = settings.state_folder / "tls"
    open_tls(settings)
    with hold_folder(folder):
        authority = open_authority(folder, [], NOW)
    for host in ("bank.example.com", "example.lan.com", IPv4Address("8.8.8.8")):
        assert not authority.may_vouch_for(host)
        stolen = tmp_path / "stolen.pem"
        stolen.write_bytes(issue(authority, [host], NOW))
        certificate = x509.load_pem_x509_certificate(stolen.read_bytes())
        context = Shown(stolen, None, certificate).build_context()
        with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
            shake_hands(context, trust(settings), str(host))


@pytest.mark.parametrize("host", ["gis.local", "a.b.lan", "gis.home.arpa", "gis.internal"])
def test_private_names_need_no_new_authority(settings: Settings, host: str) -> None:
    before = open_tls(settings).shown.certificate.issuer
    tls = open_tls(settings, host)
    assert tls.shown.certificate.issuer == before
    shake_hands(tls.context, trust(settings), host)


def test_every_private_address_is_within_what_the_authority_may_vouch_for() -> None:
    for address in ("10.255.0.1", "172.31.9.9", "192.168.0.1", "100.127.0.1", "127.0.0.1"):
        assert any(IPv4Address(address) in network for network in PRIVATE_NETWORKS)
    for address in ("172.32.0.1", "192.169.0.1", "100.128.0.1", "11.0.0.1"):
        assert not any(IPv4Address(address) in network for network in PRIVATE_NETWORKS)


def test_the_lives_and_the_curve_are_those_promised(settings: Settings) -> None:
    tls = open_tls(settings)
    assert tls.context.minimum_version == ssl.TLSVersion.TLSv1_2
    certificate = tls.shown.certificate
    authority = x509.load_pem_x509_certificate(
        (settings.state_folder / "tls" / "ca.crt").read_bytes()
    )
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc <= 397 * DAY
    life = authority.not_valid_after_utc - NOW
    assert timedelta(days=3650) <= life <= timedelta(days=3660)
    for key in (certificate.public_key(), authority.public_key()):
        assert isinstance(key, ec.EllipticCurvePublicKey)
        assert key.curve.name == "secp256r1"
    assert authority.extensions.get_extension_for_class(x509.NameConstraints).critical
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_the_keys_are_their_owners_alone(settings: Settings) -> None:
    open_tls(settings)
    folder = settings.state_folder / "tls"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in ("ca.key", "server.pem"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600


def test_the_authority_is_made_once_however_many_start_at_a_time(settings: Settings) -> None:
    with ThreadPoolExecutor(8) as pool:
        shown = list(pool.map(lambda _: open_tls(settings).shown.certificate, range(8)))
    assert len({one.serial_number for one in shown}) == 1


def test_a_lost_key_is_said_and_the_authority_phones_trust_is_not_replaced(
    settings: Settings,
) -> None:
    open_tls(settings)
    folder = settings.state_folder / "tls"
    before = (folder / "ca.crt").read_bytes()
    (folder / "ca.key").unlink()
    with pytest.raises(SetupError, match=r"ca\.key"):
        open_tls(settings)
    (folder / "ca.key").write_bytes(pem_of_key(ec.generate_private_key(ec.SECP256R1())))
    with pytest.raises(SetupError, match=r"not of the other"):
        open_tls(settings)
    assert (folder / "ca.crt").read_bytes() == before


def test_a_name_the_authority_was_not_made_for_is_refused_with_what_to_do(
    settings: Settings,
) -> None:
    open_tls(settings)
    with pytest.raises(SetupError) as refusal:
        open_tls(settings, "gis.example.cn")
    assert "gis.example.cn" in refusal.value.text(Language.EN)
    assert "重新登记" in refusal.value.text(Language.ZH)


def test_an_address_the_authority_may_not_vouch_for_is_left_out_unasked(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_tls(settings)
    later = IPv4Address("203.0.113.9")
    monkeypatch.setattr(hosts, "list_addresses", lambda: [ADDRESS, later])
    covered = list_covered(open_tls(settings).shown.certificate)
    assert ADDRESS in covered
    assert later not in covered


def test_a_new_address_of_the_machine_is_in_the_next_certificate(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_tls(settings)
    moved: list[Host] = [IPv4Address("10.1.2.3")]
    monkeypatch.setattr(hosts, "list_addresses", lambda: moved)
    shake_hands(open_tls(settings).context, trust(settings), "10.1.2.3")


def test_the_certificate_is_renewed_when_less_than_thirty_days_are_left_and_not_before(
    settings: Settings,
) -> None:
    clock = Clock()
    tls = open_tls(settings, clock=clock)
    first, context = tls.shown, tls.context
    clock.now = first.expires_at - 31 * DAY
    assert not tls.renew()
    assert tls.context is context
    clock.now = first.expires_at - 29 * DAY
    assert tls.renew()
    assert tls.shown.expires_at > first.expires_at + 300 * DAY
    assert list_covered(tls.shown.certificate) == list_covered(first.certificate)
    assert tls.shown.certificate.public_key() != first.certificate.public_key()
    assert not tls.renew()


def test_a_start_long_after_the_end_renews(settings: Settings) -> None:
    clock = Clock()
    open_tls(settings, clock=clock)
    clock.now = NOW + 500 * DAY
    assert open_tls(settings, clock=clock).shown.expires_at > clock.now + 300 * DAY


def test_no_certificate_outlives_the_authority_whose_end_is_an_error(settings: Settings) -> None:
    clock = Clock()
    tls = open_tls(settings, clock=clock)
    clock.now = NOW + 3600 * DAY
    tls.renew()
    assert tls.shown.expires_at <= NOW + 3653 * DAY
    assert not tls.renew()
    clock.now = NOW + 3660 * DAY
    with pytest.raises(SetupError, match="enrol the phones"):
        tls.renew()


# given by the administrator


def give(settings: Settings, files: tuple[Path, Path]) -> Settings:
    return settings.model_copy(update={"tls_certificate": files[0], "tls_key": files[1]})


def test_a_given_certificate_is_shown_with_its_chain(
    settings: Settings, public: PublicAuthority
) -> None:
    tls = open_tls(give(settings, public.give(["gis.example.cn", "*.county.example.cn"])))
    shake_hands(tls.context, public.trust(), "gis.example.cn")
    assert tls.hosts == ("gis.example.cn",)
    assert not (settings.state_folder / "tls").exists()


def test_a_wildcard_stands_for_the_name_that_is_said(
    settings: Settings, public: PublicAuthority
) -> None:
    given = give(settings, public.give(["*.county.example.cn"]))
    assert open_tls(given, "gis.county.example.cn").hosts == ("gis.county.example.cn",)
    with pytest.raises(SetupError, match="--name"):
        open_tls(given)
    with pytest.raises(SetupError, match=r"a\.b\.county\.example\.cn"):
        open_tls(given, "a.b.county.example.cn")


def spoil_key(public: PublicAuthority, content: bytes) -> tuple[Path, Path]:
    chain, key = public.give()
    key.write_bytes(content)
    return chain, key


KEY = ec.generate_private_key(ec.SECP256R1())
BAD: dict[str, tuple[Callable[[PublicAuthority], tuple[Path, Path]], str, str]] = {
    "expired": (lambda p: p.give(begins=NOW - 91 * DAY, ends=NOW - DAY), "expired on", "过期"),
    "not yet": (lambda p: p.give(begins=NOW + DAY), "valid from", "起才有效"),
    "another key": (lambda p: spoil_key(p, pem_of_key(KEY)), "not of the certificate", "不配对"),
    "passphrase": (lambda p: spoil_key(p, pem_of_key(KEY, b"x")), "passphrase", "口令"),
    "no key": (lambda p: spoil_key(p, b"hello"), "no private key", "不是 PEM 私钥"),
    "no file": (lambda p: (p.give()[0], p.folder / "none"), "cannot read", "无法读取"),
    "no certificate": (lambda p: (p.give()[1],) * 2, "no certificate in PEM", "不是 PEM 证书"),
    "out of order": (lambda p: p.give(is_ordered=False), "out of order", "次序"),
    "for clients": (
        lambda p: p.give(use=ExtendedKeyUsageOID.CLIENT_AUTH),
        "not for a server",
        "不是服务器证书",
    ),
    "other names": (lambda p: p.give(["www.example.cn"]), "www.example.cn", "不含"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_certificate_is_refused_at_the_start_with_its_fault(
    case: str,
    settings: Settings,
    public: PublicAuthority,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    make, en, zh = BAD[case]
    chain, key = make(public)
    monkeypatch.setenv("GIS_STATE_FOLDER", str(settings.state_folder))
    for language, words in (("en", en), ("zh", zh)):
        monkeypatch.setenv("GIS_LANGUAGE", language)
        asked = ["--certificate", str(chain), "--key", str(key), "--name", "gis.example.cn"]
        assert run(["serve", "--port", "1", *asked]) == 2
        assert words in capsys.readouterr().err
    assert not settings.state_folder.exists()


def test_certificate_and_key_go_together(settings: Settings, public: PublicAuthority) -> None:
    chain, _ = public.give()
    with pytest.raises(SetupError, match="go together"):
        open_tls(settings.model_copy(update={"tls_certificate": chain}))


def test_files_replaced_while_serving_are_taken_and_bad_ones_are_not(
    settings: Settings, public: PublicAuthority
) -> None:
    files = public.give()
    tls = open_tls(give(settings, files))
    first = tls.shown
    assert not tls.renew()
    files[1].write_bytes(pem_of_key(KEY))
    with pytest.raises(SetupError):
        tls.renew()
    assert tls.shown == first
    shake_hands(tls.context, public.trust(), "gis.example.cn")
    public.give(ends=NOW + 180 * DAY)
    assert tls.renew()
    shake_hands(tls.context, public.trust(), "gis.example.cn")
    assert tls.shown.expires_at == NOW + 180 * DAY


# what is typed, and what doctor says


@pytest.mark.parametrize(
    "typed", ["https://gis.lan", "gis.lan:8000", "a b", "", "-a.lan", "a..b", "1.2.3", "*.lan"]
)
def test_what_is_no_name_is_refused(settings: Settings, typed: str) -> None:
    with pytest.raises(SetupError, match="no host name"):
        open_tls(settings, typed)


def look(settings: Settings, now: datetime = NOW) -> dict[str, tuple[str, str]]:
    return {f.name: (f.state.value, f.found.en) for f in examine_tls(settings, now)}


def test_doctor_says_when_other_machines_are_served_without_a_certificate(
    settings: Settings, tmp_path: Path
) -> None:
    assert look(settings)["certificate"][0] == "wrong"
    assert look(Settings(state_folder=tmp_path))["certificate"][0] == "ok"


def test_doctor_looks_at_the_own_certificate_its_names_and_its_key(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = open_tls(settings, "gis.lan").shown.expires_at
    found = look(settings)
    assert {state for state, _ in found.values()} == {"ok"}
    assert "gis.lan" in found["certificate"][1]
    assert str(ends.date()) in found["certificate"][1]
    assert look(settings, ends - 29 * DAY)["certificate"][0] == "notice"
    assert look(settings, NOW + 3600 * DAY)["certificate-authority"][0] == "notice"
    assert look(settings, NOW + 3700 * DAY)["certificate-authority"][0] == "wrong"
    (settings.state_folder / "tls" / "ca.key").chmod(0o640)
    assert look(settings)["certificate-key"] == (
        "wrong",
        f"{settings.state_folder}/tls/ca.key, mode 640",
    )
    monkeypatch.setattr(hosts, "list_addresses", lambda: [IPv4Address("10.9.9.9")])
    assert look(settings)["certificate"] == ("notice", "not for this machine's 10.9.9.9")


def test_doctor_looks_at_the_given_certificate(settings: Settings, public: PublicAuthority) -> None:
    given = give(settings, public.give())
    assert {state for state, _ in look(given).values()} == {"ok"}
    assert look(given, NOW + 61 * DAY)["certificate"][0] == "notice"
    assert look(given, NOW + 91 * DAY)["certificate"][0] == "wrong"
    assert given.tls_key is not None
    given.tls_key.chmod(0o644)
    assert look(given)["certificate-key"][0] == "wrong"


def test_the_fingerprint_is_the_sha_256_in_groups_of_four(settings: Settings) -> None:
    certificate = open_tls(settings).shown.certificate
    groups = fingerprint(certificate).split(" ")
    assert [len(group) for group in groups] == [4] * 16
    assert bytes.fromhex("".join(groups)) == certificate.fingerprint(hashes.SHA256())
