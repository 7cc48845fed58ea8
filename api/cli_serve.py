"""``serve``: where it listens, with which certificate, and what it says then."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli_system import Port, install_assets, open_session, resolve
from api.cli_words import Session, both
from gis.attributes import Text
from gis.db.connect import Installation
from gis.errors import SetupError
from gis.settings import Settings

if TYPE_CHECKING:
    from api.tls import Tls


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command(
        "serve",
        help=both("启动地图与接口,并每夜备份", "Serve the maps and the API; back up every night"),
        epilog="python3 -m gis serve --tls --host 0.0.0.0 --name gis.lan",
    )(serve)


def serve(
    context: typer.Context,
    port: Port = None,
    host: Annotated[
        str | None,
        typer.Option(
            help=both(
                "监听地址(默认 127.0.0.1 仅本机;0.0.0.0 为全部网卡,须 --tls)",
                "Address to listen on (127.0.0.1: this machine only; 0.0.0.0: all, needs --tls)",
            )
        ),
    ] = None,
    tls: Annotated[
        bool,
        typer.Option(
            "--tls",
            help=both(
                "HTTPS:用给出的证书,否则用本机自建的证书机构",
                "HTTPS: with the given certificate, else by an authority of our own",
            ),
        ),
    ] = False,
    certificate: Annotated[
        Path | None, typer.Option(help=both("PEM 证书(含证书链)", "PEM certificate and chain"))
    ] = None,
    key: Annotated[Path | None, typer.Option(help=both("PEM 私钥", "PEM private key"))] = None,
    name: Annotated[
        list[str] | None,
        typer.Option(
            help=both("访问用的域名或地址,可多次", "Name or address it is reached by; repeatable")
        ),
    ] = None,
    enrol_port: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=65535,
            help=both(
                "在此端口以 HTTP 提供证书登记页(默认关闭)",
                "Port for the page that enrols phones, in plain HTTP (off)",
            ),
        ),
    ] = None,
) -> None:
    """Serve until interrupted."""
    session = _apply(open_session(context, port), host, certificate, key)
    settings = session.settings
    encrypted = tls or settings.tls_certificate is not None or settings.tls_key is not None
    with ExitStack() as open_things:
        secured = prepare_tls(settings, name or []) if encrypted else None
        session = allow_names(session, secured, name or [])
        listener = open_things.enter_context(_claim(settings, secured))
        open_things.enter_context(_enrolling(session, secured, enrol_port))
        install_assets(session)
        installation = open_things.enter_context(session.open())
        serve_installation(session, installation, listener, secured)


def _apply(
    session: Session, host: str | None, certificate: Path | None, key: Path | None
) -> Session:
    """The session with what the command line says in place of the settings."""
    given = {
        "host": host,
        "tls_certificate": resolve(certificate) if certificate else None,
        "tls_key": resolve(key) if key else None,
    }
    update = {field: value for field, value in given.items() if value is not None}
    return replace(session, settings=session.settings.model_copy(update=update))


def prepare_tls(settings: Settings, names: Sequence[str]) -> Tls:
    """The certificate to serve with, made or checked. SetupError when it is no good."""
    from api.tls import Tls, choose_source, read_now

    return Tls(choose_source(settings, names, read_now()))


def allow_names(session: Session, tls: Tls | None, names: Sequence[str]) -> Session:
    """The session, its server answering to ``names`` and those of the certificate, too."""
    from api.hosts import read_host, write_host

    hosts = [*(tls.hosts if tls else ()), *map(read_host, names)]
    settings = session.settings
    allowed = dict.fromkeys([*settings.allowed_hosts, *map(write_host, hosts)])
    return replace(session, settings=settings.model_copy(update={"allowed_hosts": (*allowed,)}))


def _claim(settings: Settings, tls: Tls | None) -> socket.socket:
    from api.serve import claim_port

    return claim_port(settings.port, settings.host, is_safe=tls is not None)


@contextmanager
def _enrolling(session: Session, tls: Tls | None, port: int | None) -> Iterator[None]:
    """The enrolment page on its port, where one is asked for and there is something to enrol."""
    if port is None:
        yield
        return
    from api.enrol_server import serve_enrolment

    if tls is None or session.settings.tls_certificate is not None:
        raise SetupError(
            Text(
                zh="--enrol-port 只与自建证书机构同用:serve --tls,且不给证书",
                en="--enrol-port goes with an authority of our own: serve --tls without a"
                " certificate",
            )
        )
    with serve_enrolment(session.settings, write_base(session.settings, tls), port):
        session.note(
            "登记手机(HTTP):http://{host}:{port}/",
            "Enrol phones (plain HTTP): http://{host}:{port}/",
            host=_best_host(tls),
            port=port,
        )
        yield


def _best_host(tls: Tls) -> str:
    from api.hosts import write_host

    return write_host(tls.hosts[0])


def write_base(settings: Settings, tls: Tls | None) -> str:
    """The address people open, without a path."""
    if tls is None:
        return f"http://127.0.0.1:{settings.port}"
    return f"https://{_best_host(tls)}:{settings.port}"


def serve_installation(
    session: Session,
    installation: Installation,
    listener: socket.socket,
    tls: Tls | None = None,
) -> None:
    """Say where, then answer requests and back up until interrupted."""
    from api.background import run_background
    from api.serve import serve as answer_requests

    session.answer(
        Text(
            zh="地图  {a}/maps/progress  (建设进度)\n      {a}/maps/hazards  (隐患)\n"
            "办公  {a}/office  ·  手机  {a}/field\n"
            "接口  {a}/  ·  说明  {a}/api.html\n按 Ctrl+C 停止",
            en="Maps  {a}/maps/progress  (progress)\n      {a}/maps/hazards  (hazards)\n"
            "Office {a}/office  ·  phones  {a}/field\n"
            "API   {a}/  ·  described at  {a}/api.html\nCtrl+C stops",
        )
        .format(a=write_base(session.settings, tls))
        .get(session.language)
    )
    with ExitStack() as running:
        if tls is not None:
            running.enter_context(_renewing(session, tls))
        running.enter_context(run_background(installation, session.settings))
        # The server ends on SIGINT and SIGTERM, and then raises them again for who started it.
        with suppress(KeyboardInterrupt):
            answer_requests(session.settings, installation, listener, tls)
    session.note("已停止", "stopped")


@contextmanager
def _renewing(session: Session, tls: Tls) -> Iterator[None]:
    """Say what the certificate is, and keep it fresh."""
    from api.authority import fingerprint, read_certificate, tls_folder
    from api.hosts import write_host
    from api.tls import Renewal

    session.note(
        "证书有效期至 {day},适用于 {hosts}",
        "Certificate valid until {day}, for {hosts}",
        day=tls.shown.expires_at.date(),
        hosts=", ".join(map(write_host, tls.hosts)),
    )
    own = session.settings.tls_certificate is None
    if own and (authority := read_certificate(tls_folder(session.settings))) is not None:
        session.note(
            "证书机构指纹(登记手机时核对,SHA-256):\n  {print}",
            "Fingerprint of the authority (compare it when enrolling phones, SHA-256):\n  {print}",
            print=fingerprint(authority),
        )
    renewal = Renewal(tls)
    renewal.start()
    try:
        yield
    finally:
        renewal.stop()
