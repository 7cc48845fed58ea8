"""The desilting ledger: jobs recorded as they were claimed, corrected by versions, replied to.

A claim is kept in its own unit; its volume in m³ is converted by the rules of the day and rounded
once, here. Sums are of these rounded volumes and are never rounded again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Self
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from sqlalchemy import Connection, Row, insert, text

from gis.attributes import Text, Vocabulary
from gis.db.desilting_tables import desilting_reply
from gis.db.tables import CORE
from gis.errors import InputError, NotFoundError
from gis.kinds.base import holds_unstorable_text
from gis.network.desilting_rules import Basis, load_rules
from gis.store import make_ids

JOB, REPLY = f"{CORE}.desilting_job", f"{CORE}.desilting_reply"
MOST_ROWS = 20_000
_LOCK = 7261056
"""Advisory lock: two deliveries of the same jobs are recorded one after the other."""
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Short = Annotated[str, Field(min_length=1, max_length=200)]


class Method(Vocabulary):
    """清淤方法."""

    JETTING = ("jetting", "高压冲洗", "Jetting", ("水力冲洗", "高压水射流", "冲洗"))
    SUCTION = ("suction", "吸污抽吸", "Suction", ("抽吸", "吸污车", "真空抽吸"))
    WINCH = ("winch", "绞车疏通", "Winch", ("绞车", "机械绞车"))
    MANUAL = ("manual", "人工清掏", "Manual", ("人工", "人工清淤"))
    ROBOT = ("robot", "机器人清淤", "Robot", ("机器人",))
    OTHER = ("other", "其他", "Other")


class _Given(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, str_strip_whitespace=True
    )

    @field_validator("*", mode="before")
    @classmethod
    def refuse_unstorable_text(cls, value: object) -> object:
        """PostgreSQL text holds neither NUL nor a lone surrogate."""
        if isinstance(value, str) and holds_unstorable_text([value]):
            raise ValueError("text holds a NUL or half a surrogate pair")
        return value


class Job(_Given):
    """One row of the contractor's table; its pipe by id, by code, or by its two manholes."""

    pipe: UUID | None = None
    pipe_code: Short | None = None
    from_code: Short | None = None
    to_code: Short | None = None
    number: Short | None = None
    began_on: date
    done_on: date | None = None
    length_m: Annotated[float, Field(gt=0, le=100_000)]
    method: Method | None = None
    unit: Short
    claimed: Annotated[float | None, Field(ge=0, le=1_000_000)] = None
    basis: Basis | None = None
    before_sha256: Annotated[tuple[Hash, ...], Field(max_length=50)] = ()
    after_sha256: Annotated[tuple[Hash, ...], Field(max_length=50)] = ()
    note: Annotated[str | None, Field(max_length=2000)] = None
    corrects: UUID | None = None
    reason: Short | None = None
    withdrawn: bool = False

    @model_validator(mode="after")
    def require_sense(self) -> Self:
        """A claim has a basis, a correction a reason, a job an end not before its beginning."""
        if (self.claimed is None) != (self.basis is None):
            raise ValueError("a claim needs its basis (m3, wet_t, dry_t), and a basis its claim")
        if self.done_on is not None and self.done_on < self.began_on:
            raise ValueError("done_on is before began_on")
        if (self.corrects is None) != (self.reason is None):
            raise ValueError("a correction needs its reason, and a reason what it corrects")
        if self.withdrawn and self.corrects is None:
            raise ValueError("only a recorded job can be withdrawn")
        if not (self.pipe or self.pipe_code or (self.from_code and self.to_code)):
            raise ValueError("which pipe? give pipe, pipe_code, or from_code and to_code")
        return self


class Reply(_Given):
    """What the company says about a job."""

    unit: Short
    person: Short | None = None
    replied_on: date
    flags: Annotated[tuple[Short, ...], Field(max_length=10)] = ()
    text: Annotated[str, Field(min_length=1, max_length=4000)]
    evidence_sha256: Annotated[tuple[Hash, ...], Field(max_length=50)] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that was not recorded (counted from 1), and why."""

    row: int
    text: Text


@dataclass(frozen=True, slots=True)
class Recorded:
    """What recording did; ``ids`` of the jobs in the order given, None for a refused row."""

    added: int
    corrected: int
    unchanged: int
    refused: tuple[Refused, ...]
    ids: tuple[UUID | None, ...]

    def as_document(self) -> dict[str, Any]:  # Any: JSON
        """As the API answers."""
        return {
            "added": self.added,
            "corrected": self.corrected,
            "unchanged": self.unchanged,
            "refused": [{"row": r.row, "text": r.text.as_dict()} for r in self.refused],
            "ids": [None if i is None else str(i) for i in self.ids],
        }


_PLACE = f"""
SELECT g.n, p.pipe_id, coalesce(p.pipes, 0) AS pipes, c.id AS corrects, c.version, c.content
  FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS g(
    n int, pipe uuid, pipe_code text, from_code text, to_code text, corrects uuid)
  LEFT JOIN LATERAL (SELECT (array_agg(p.id))[1] AS pipe_id, count(*) AS pipes FROM (
      SELECT p.id FROM {CORE}.sewer_pipe p WHERE p.id = g.pipe
      UNION SELECT p.id FROM {CORE}.sewer_pipe p WHERE g.pipe IS NULL AND p.code = g.pipe_code
      UNION SELECT p.id FROM {CORE}.sewer_pipe p WHERE g.pipe IS NULL AND g.pipe_code IS NULL
        AND ((p.up_node = g.from_code AND p.down_node = g.to_code)
          OR (p.up_node = g.to_code AND p.down_node = g.from_code))) p) p ON true
  LEFT JOIN LATERAL (SELECT j.id, j.version, j.content_sha256 AS content FROM {JOB} j
    WHERE j.id = g.corrects ORDER BY j.version DESC LIMIT 1) c ON true
 ORDER BY g.n
"""
_COLUMNS = (
    *("id uuid", "version int4", "number text", "pipe_id uuid", "began_on date", "done_on date"),
    *("length_m float8", "method text", "unit text", "claimed float8", "basis text"),
    *("rule_version text", "factor float8", "before_sha256 text[]", "after_sha256 text[]"),
    *("note text", "withdrawn bool", "reason text", "source text", "raw jsonb"),
    "content_sha256 text",
)
_NAMES = ", ".join(column.split()[0] for column in _COLUMNS)
_INSERT = f"""
INSERT INTO {JOB} ({_NAMES}, volume_m3)
SELECT {_NAMES}, round(claimed::numeric * factor::numeric, :decimals)
  FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r({", ".join(_COLUMNS)})
ON CONFLICT (content_sha256) WHERE version = 1 DO NOTHING
"""
_IDS = f"SELECT content_sha256, id FROM {JOB} WHERE version = 1 AND content_sha256 = ANY(:contents)"


def record_jobs(
    connection: Connection, jobs: Sequence[Job], *, source: str, today: date
) -> Recorded:
    """Append jobs and corrections; a row that was delivered before changes nothing.

    A row whose pipe is not known, or that ends after ``today``, is refused with its reason; the
    others are recorded. Of rows that correct the same job the last one counts.
    """
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    keys = ("pipe", "pipe_code", "from_code", "to_code", "corrects")
    asked = [{"n": n, **{k: getattr(job, k) for k in keys}} for n, job in enumerate(jobs)]
    found = connection.execute(text(_PLACE), {"rows": _dump(asked)}).all()
    refused = {
        n: Refused(n + 1, why)
        for n, (job, place) in enumerate(zip(jobs, found, strict=True))
        if (why := _refuse(job, place, today)) is not None
    }
    rows = {n: _row(job, found[n], source) for n, job in enumerate(jobs) if n not in refused}
    new = {n: row for n, row in rows.items() if row["content_sha256"] != found[n].content}
    before = _known(connection, list(new.values()))
    last = {row["id"]: row for row in new.values()}
    values = [r for r in last.values() if r["version"] > 1 or r["content_sha256"] not in before]
    added = 0
    if values:
        asked_for = {"rows": _dump(values), "decimals": load_rules().decimals}
        added = connection.execute(text(_INSERT), asked_for).rowcount
    corrected = sum(row["version"] > 1 for row in values)
    known = _known(connection, list(rows.values()))
    return Recorded(
        added=added - corrected,
        corrected=corrected,
        unchanged=len(rows) - added,
        refused=tuple(refused.values()),
        ids=tuple(_id_of(rows.get(n), known) for n in range(len(jobs))),
    )


def _id_of(row: dict[str, Any] | None, known: dict[str, UUID]) -> UUID | None:  # Any: JSON
    if row is None:
        return None
    return UUID(row["id"]) if row["version"] > 1 else known[row["content_sha256"]]


def _known(connection: Connection, rows: Sequence[dict[str, Any]]) -> dict[str, UUID]:  # Any: JSON
    contents = [row["content_sha256"] for row in rows if row["version"] == 1]
    found = connection.execute(text(_IDS), {"contents": contents})
    return {row.content_sha256: row.id for row in found}


def _refuse(job: Job, place: Row[Any], today: date) -> Text | None:
    if place.pipes == 0:
        return Text(zh="没有此管段", en="no such pipe")
    if place.pipes > 1:
        return Text(zh="有多条管段符合,请给出管段标识", en="several pipes fit: give the pipe's id")
    if job.corrects is not None and place.corrects is None:
        return Text(zh="没有要更正的作业", en="the job to correct does not exist")
    if (job.done_on or job.began_on) > today:
        return Text(zh="日期晚于今天", en="the day is in the future")
    return None


def _row(job: Job, place: Row[Any], source: str) -> dict[str, Any]:  # Any: JSON
    rules = load_rules()
    raw = job.model_dump(mode="json", exclude_defaults=True)
    own = {"pipe", "pipe_code", "from_code", "to_code", "corrects"}
    values = job.model_dump(mode="json", exclude=own) | {"pipe_id": str(place.pipe_id)}
    content = orjson.dumps([str(job.corrects), values], option=orjson.OPT_SORT_KEYS)
    return {
        **values,
        "id": make_ids(1)[0] if job.corrects is None else str(job.corrects),
        "version": 1 if place.version is None else place.version + 1,
        "rule_version": rules.version,
        "factor": None if job.basis is None else rules.conversion[job.basis].m3_per_unit,
        "source": source,
        "raw": raw,
        "content_sha256": hashlib.sha256(content).hexdigest(),
    }


def _dump(rows: object) -> str:
    return orjson.dumps(rows, default=str).decode()


def record_reply(connection: Connection, job: UUID, reply: Reply, *, today: date) -> UUID:
    """Append the company's reply to a job, at the version in force; its id.

    Raises NotFoundError for no such job, InputError for a day in the future.
    """
    if reply.replied_on > today:
        raise InputError(Text(zh="回复日期晚于今天", en="the reply's day is in the future"))
    version = connection.execute(
        text(f"SELECT max(version) FROM {JOB} WHERE id = :id"), {"id": job}
    ).scalar()
    if version is None:
        raise NotFoundError(NO_JOB)
    identifier = UUID(make_ids(1)[0])
    lists = ("flags", "evidence_sha256")
    values = reply.model_dump() | {name: list(getattr(reply, name)) for name in lists}
    connection.execute(
        insert(desilting_reply).values(id=identifier, job_id=job, job_version=version, **values)
    )
    return identifier


NO_JOB = Text(zh="没有此清淤作业", en="no such desilting job")
