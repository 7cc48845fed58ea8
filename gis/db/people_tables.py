"""Tables of people: accounts, what they log in with, throttling, and the audit trail.

Only the gate role writes them, and reads what is secret in them (:mod:`gis.db.grants`). What is
kept of a password is its argon2id hash, of a token its SHA-256: neither can be turned back.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from gis.db.tables import CORE, metadata

_OFFICERS = "ARRAY['system_officer', 'security_officer', 'audit_officer']"
_ROLES = (
    "ARRAY['viewer', 'inspector', 'officer', 'planner', 'leader', 'system_officer',"
    " 'security_officer', 'audit_officer']"
)
_NOBODY = text("'{}'::text[]")


def _moment(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


account = Table(
    "account",
    metadata,
    Column("id", Uuid(), primary_key=True),
    Column("login", Text(), nullable=False),
    Column("name", Text(), nullable=False),
    Column("roles", ARRAY(Text()), nullable=False),
    Column("townships", ARRAY(Text()), nullable=False, server_default=_NOBODY),
    Column("section", Text()),
    _moment("created_at"),
    Column("created_by", Text(), nullable=False),
    _moment("disabled_at", nullable=True),
    UniqueConstraint("login"),
    CheckConstraint("login = lower(login) AND char_length(login) BETWEEN 2 AND 64", name="login"),
    CheckConstraint("char_length(name) BETWEEN 1 AND 100", name="name"),
    CheckConstraint(f"cardinality(roles) > 0 AND roles <@ {_ROLES}", name="roles"),
    CheckConstraint(f"cardinality(roles) = 1 OR NOT roles && {_OFFICERS}", name="officers"),
    schema=CORE,
)
"""A person who may log in. An officer of 等保 holds no other role: the database says so, too."""

password = Table(
    "password",
    metadata,
    Column("account_id", Uuid(), primary_key=True),
    Column("hash", Text(), nullable=False),
    _moment("changed_at"),
    Column("is_one_time", Boolean(), nullable=False, server_default=text("false")),
    ForeignKeyConstraint(["account_id"], [f"{CORE}.account.id"]),
    CheckConstraint("left(hash, 10) = '$argon2id$'", name="hash"),
    schema=CORE,
)
"""The argon2id hash of an account's password; one that somebody else gave is for one login."""

second_factor = Table(
    "second_factor",
    metadata,
    Column("account_id", Uuid(), primary_key=True),
    Column("secret", Text()),
    _moment("confirmed_at", nullable=True),
    Column("last_step", BigInteger()),
    Column("offered", Text()),
    _moment("offered_at", nullable=True),
    ForeignKeyConstraint(["account_id"], [f"{CORE}.account.id"]),
    CheckConstraint(
        "(secret IS NULL) = (confirmed_at IS NULL) AND (secret IS NULL) = (last_step IS NULL)"
        " AND (offered IS NULL) = (offered_at IS NULL)",
        name="whole",
    ),
    schema=CORE,
)
"""The secret an account's authenticator holds, and the last time step whose code was used.

It must be kept as it is, for codes are computed from it: only the gate role reads it. ``offered``
is a secret that its owner has not confirmed yet.
"""

recovery_code = Table(
    "recovery_code",
    metadata,
    Column("account_id", Uuid(), nullable=False),
    Column("sha256", LargeBinary(), nullable=False),
    _moment("used_at", nullable=True),
    PrimaryKeyConstraint("account_id", "sha256"),
    ForeignKeyConstraint(["account_id"], [f"{CORE}.account.id"]),
    CheckConstraint("octet_length(sha256) = 32", name="sha256"),
    schema=CORE,
)
"""Codes of 80 random bits for who has lost the authenticator, each for one login."""

device = Table(
    "device",
    metadata,
    Column("id", Uuid(), nullable=False),
    Column("account_id", Uuid(), nullable=False),
    Column("name", Text(), nullable=False),
    _moment("enrolled_at"),
    _moment("revoked_at", nullable=True),
    PrimaryKeyConstraint("id", "account_id"),
    ForeignKeyConstraint(["account_id"], [f"{CORE}.account.id"]),
    CheckConstraint("char_length(name) BETWEEN 1 AND 100", name="name"),
    schema=CORE,
)
"""A phone of a person; its ``id`` is made by the phone, which two people may share in turn."""

token = Table(
    "token",
    metadata,
    Column("id", Uuid(), primary_key=True),
    Column("kind", Text(), nullable=False),
    Column("sha256", LargeBinary(), nullable=False),
    Column("account_id", Uuid()),
    Column("device_id", Uuid()),
    Column("hazard_id", Uuid()),
    Column("label", Text(), nullable=False),
    _moment("created_at"),
    Column("created_by", Text(), nullable=False),
    _moment("expires_at"),
    _moment("last_used_at"),
    _moment("revoked_at", nullable=True),
    UniqueConstraint("sha256"),
    ForeignKeyConstraint(["account_id"], [f"{CORE}.account.id"]),
    CheckConstraint("octet_length(sha256) = 32", name="sha256"),
    CheckConstraint("kind IN ('session', 'device', 'app_password', 'link')", name="kind"),
    CheckConstraint(
        "(kind = 'link') = (account_id IS NULL) AND (kind = 'link') = (hazard_id IS NOT NULL)"
        " AND (kind = 'device') = (device_id IS NOT NULL)",
        name="scope",
    ),
    CheckConstraint("char_length(label) <= 100", name="label"),
    Index("ix_token_account_id_kind", "account_id", "kind"),
    schema=CORE,
)
"""What somebody holds to be let in; the secret itself is nowhere, only its SHA-256."""

enrolment = Table(
    "enrolment",
    metadata,
    Column("id", Uuid(), primary_key=True),
    Column("sha256", LargeBinary(), nullable=False),
    Column("account_id", Uuid(), nullable=False),
    _moment("created_at"),
    Column("created_by", Text(), nullable=False),
    _moment("expires_at"),
    _moment("used_at", nullable=True),
    UniqueConstraint("sha256"),
    ForeignKeyConstraint(["account_id"], [f"{CORE}.account.id"]),
    CheckConstraint("octet_length(sha256) = 32", name="sha256"),
    schema=CORE,
)
"""A code that brings one phone in, once, within minutes."""

login_attempt = Table(
    "login_attempt",
    metadata,
    Column("key", Text(), primary_key=True),
    Column("failures", Integer(), nullable=False),
    Column("blocks", Integer(), nullable=False, server_default=text("0")),
    _moment("window_from"),
    _moment("blocked_until", nullable=True),
    CheckConstraint("failures >= 0 AND blocks >= 0", name="counts"),
    schema=CORE,
)
"""Failed logins per account and per address: slows guessing down, never locks for good."""

audit_event = Table(
    "audit_event",
    metadata,
    Column("number", BigInteger(), Identity(always=True), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("account_id", Uuid()),
    Column("login", Text(), nullable=False),
    Column("action", Text(), nullable=False),
    Column("outcome", Text(), nullable=False),
    Column("subject", Text(), nullable=False, server_default=text("''")),
    Column("detail", JSONB(), nullable=False, server_default=text("'{}'::jsonb")),
    Column("address", Text()),
    Column("credential", Text()),
    CheckConstraint("outcome IN ('done', 'refused')", name="outcome"),
    Index("ix_audit_event_at", "at"),
    Index("ix_audit_event_account_id_number", "account_id", "number"),
    schema=CORE,
)
"""Who did, was refused or read what, and when: insert-only (a trigger refuses anything else)."""
