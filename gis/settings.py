"""The one reader of the environment (prefix ``GIS_``). Built once at the edge and passed on."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from gis.attributes import Language

PROJECT_FOLDER = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Every setting; each is documented in the README (a test compares the two)."""

    model_config = SettingsConfigDict(env_prefix="GIS_", frozen=True, extra="ignore")

    state_folder: Path = Field(
        default=PROJECT_FOLDER / ".state",
        description="Folder of the embedded database, browser assets, evidence and backups.",
    )
    database_url: str | None = Field(
        default=None,
        description="URL of a PostGIS server (owner role); unset: the embedded cluster.",
    )
    database_url_public: str | None = Field(default=None, description="URL of the public role.")
    database_url_field: str | None = Field(default=None, description="URL of the field role.")
    database_url_staff: str | None = Field(default=None, description="URL of the staff role.")
    database_url_jobs: str | None = Field(default=None, description="URL of the jobs role.")
    database_url_gate: str | None = Field(default=None, description="URL of the gate role.")
    reader: Literal["public", "field", "staff"] = Field(
        default="staff",
        description="The role this machine reads as without a login; others read as public.",
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=1, le=65535, description="Port to listen on.")
    tls_certificate: Path | None = Field(
        default=None,
        description="PEM file of the server's certificate and its chain, for HTTPS.",
    )
    tls_key: Path | None = Field(
        default=None, description="PEM file of the certificate's private key."
    )
    allowed_hosts: tuple[str, ...] = Field(
        default=("127.0.0.1", "localhost", "[::1]"),
        description="Host names the server answers to.",
    )
    language: Language = Field(default=Language.ZH, description="Language when none is asked for.")
    timezone: str = Field(default="Asia/Shanghai", description="The business clock.")
    map_approval_no: str = Field(
        default="",
        description="审图号 printed on maps; empty prints 内部使用,不得公开.",
    )
    second_person: Literal["strict", "small"] = Field(
        default="strict",
        description="Who may re-inspect and close: strict, or small (units of three people).",
    )
    second_factor: Literal["off", "officers", "all"] = Field(
        default="officers",
        description="Who must log in with a second factor: off, officers (the three), all.",
    )
    spot_sample: int = Field(
        default=0, ge=0, le=100, description="Percent of repairs on the spot that are seen again."
    )
    spot_sample_seed: str = Field(
        default="", max_length=200, description="Secret that the sample of repairs is drawn by."
    )
    backup_hour: int = Field(
        default=2, ge=0, le=23, description="Hour of the nightly backup under serve."
    )
    backups_kept: int = Field(default=14, ge=1, description="Nightly backups kept.")
    audit_days: int = Field(
        default=1095, ge=184, description="Days the audit trail is kept; never fewer than 184."
    )
    disk_reserve_mb: int = Field(
        default=512, ge=0, description="Disk space that uploads leave free, MB."
    )
    pool_size: int = Field(default=4, ge=1, le=64, description="Connections per role.")
    tile_cache_mb: int = Field(default=128, ge=0, description="Memory for cached tiles, MB.")

    @property
    def is_local(self) -> bool:
        """Whether nothing but this machine can ask."""
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens on an address or name.

    >>> is_loopback("127.0.0.1"), is_loopback("[::1]"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def read_shell_language() -> Language:
    """The language of the shell's locale: Chinese for zh_*, else English."""
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    locale = next((os.environ[name] for name in names if os.environ.get(name)), "")
    return Language.ZH if locale.lower().startswith("zh") else Language.EN
