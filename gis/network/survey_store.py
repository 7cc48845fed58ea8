"""Survey batches in the database: books handed in, findings, decisions, deliverables."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import shapely
from sqlalchemy import Connection, insert, select, text, update

from gis.attributes import Text, Vocabulary
from gis.db.survey_tables import (
    survey_batch,
    survey_decision,
    survey_deliverable,
    survey_file,
    survey_import,
)
from gis.db.tables import CORE, county
from gis.errors import ConflictError, InputError, NotFoundError
from gis.network.survey_findings import Finding
from gis.network.survey_place import County
from gis.network.survey_rules import load_rules
from gis.store import make_ids

_FINDING = (
    *("import_id", "key", "number", "rule", "severity", "sheet", "row", "column_letter", "cell"),
    *("field", "code", "value", "zh", "en", "restricted", "geometry"),
)


class Decision(Vocabulary):
    """What was decided about a finding."""

    ACCEPT = ("accept", "属实,须改正", "Right: to be corrected")
    WAIVE = ("waive", "豁免", "Waived")
    REOPEN = ("reopen", "重新处理", "Open again")


class Deliverable(Vocabulary):
    """What a survey batch has to deliver."""

    TABLES = ("tables", "点线表", "Tables of points and pipes")
    MAP = ("map", "管网图", "Map of the network")
    INSPECTION = ("inspection", "检测报告", "Inspection report")
    SCHEME = ("scheme", "方案", "Scheme")


class DeliverableState(Vocabulary):
    """Where a deliverable stands."""

    IN_PROGRESS = ("in_progress", "进行中", "In progress")
    DELIVERED = ("delivered", "已提交", "Delivered")
    ACCEPTED = ("accepted", "已验收", "Accepted")


@dataclass(frozen=True, slots=True)
class Filing:
    """A book as it is handed in. ``batch`` is that of an earlier book it corrects."""

    file: str
    content: bytes
    name: str
    unit: str = ""
    claimed_m: float | None = None
    crs: str | None = None
    batch: UUID | None = None


FILE_NAME_BYTES = 200
"""Of a book's file name: systems of files take 255, and names are written beside it."""


def check_file_name(name: str) -> str:
    """The name, if a file can have it: InputError for one with folders, or without end."""
    is_plain = name.strip(". ") != "" and name.isprintable() and not set(name) & set("/\\")
    if not is_plain or len(name.encode("utf-8", "replace")) > FILE_NAME_BYTES:
        raise InputError(
            Text(
                zh="文件名有误:不能含路径(/、\\、..)或控制字符,且不超过 {most} 字节",
                en="this is no file name: no folders (/, \\, ..), no control characters, at most"
                " {most} bytes",
            ).format(most=FILE_NAME_BYTES),
            parameter="file",
        )
    return name


def file_book(connection: Connection, filing: Filing, *, actor: str) -> tuple[UUID, UUID]:
    """Keep a book: (batch, import). A new batch's name must be free (ConflictError).

    InputError for a file name that is none; nothing is kept then.
    """
    file = check_file_name(filing.file)
    batch = filing.batch or _open_batch(connection, filing, actor)
    locked = connection.execute(
        text(f"SELECT pg_advisory_xact_lock(hashtextextended(:id, 7261)), 1 FROM {survey_batch}"
             " WHERE id = CAST(:id AS uuid)"),
        {"id": str(batch)},
    ).one_or_none()  # fmt: skip
    if locked is None:
        raise NotFoundError(Text(zh="没有此批次", en="there is no such batch"))
    identifier = UUID(make_ids(1)[0])
    number = connection.execute(
        text(f"SELECT coalesce(max(number), 0) + 1 FROM {survey_import} WHERE batch_id = :id"),
        {"id": batch},
    ).scalar_one()
    connection.execute(
        insert(survey_import).values(
            id=identifier, batch_id=batch, number=number, file=file,
            sha256=hashlib.sha256(filing.content).hexdigest(), imported_by=actor,
        )
    )  # fmt: skip
    connection.execute(
        insert(survey_file).values(import_id=identifier, role="original", content=filing.content)
    )
    return batch, identifier


def _open_batch(connection: Connection, filing: Filing, actor: str) -> UUID:
    name = _storable(filing.name).strip()[:150]
    if not name:
        raise InputError(Text(zh="批次需要名称", en="a batch needs a name"))
    taken = select(survey_batch.c.id).where(survey_batch.c.name == name)
    if connection.execute(taken).scalar() is not None:
        raise ConflictError(
            Text(
                zh="已有批次“{name}”:重新提交请指明该批次",
                en="there is a batch “{name}”: name it to hand in a corrected book",
            ).format(name=name)
        )
    identifier = UUID(make_ids(1)[0])
    connection.execute(
        insert(survey_batch).values(
            id=identifier, name=name, unit=_storable(filing.unit)[:200],
            claimed_m=filing.claimed_m, crs=filing.crs, created_by=actor,
        )
    )  # fmt: skip
    return identifier


def find_batch(connection: Connection, name: str) -> UUID | None:
    """The batch of a name, if there is one."""
    found: UUID | None = connection.execute(
        select(survey_batch.c.id).where(survey_batch.c.name == name)
    ).scalar()
    return found


def read_county(connection: Connection) -> County | None:
    """The county's extent, as far as it is registered."""
    wkb = connection.execute(text(f"SELECT ST_AsBinary(extent) FROM {county} LIMIT 1")).scalar()
    return None if wkb is None else County(shapely.from_wkb(bytes(wkb)))


def read_decisions(connection: Connection, batch: UUID) -> dict[str, tuple[str, str, str]]:
    """The latest decision of each finding: by key (decision, value it was taken of, reason)."""
    rows = connection.execute(
        text(
            "SELECT DISTINCT ON (key) key, decision, value, reason"
            f" FROM {survey_decision} WHERE batch_id = :id ORDER BY key, decided_at DESC, id DESC"
        ),
        {"id": batch},
    )
    return {r.key: (r.decision, r.value, r.reason) for r in rows}


def find_waived(
    findings: Iterable[Finding], decisions: dict[str, tuple[str, str, str]]
) -> frozenset[str]:
    """Keys of findings that are waived, and whose cell still says what it said then."""
    return frozenset(
        f.key for f in findings if decisions.get(f.key, ("", "", ""))[:2] == ("waive", f.value)
    )


def write_findings(connection: Connection, identifier: UUID, findings: Iterable[Finding]) -> None:
    """The findings of an import, in place of those of an earlier judgement of the same book."""
    connection.execute(
        text(f"DELETE FROM {CORE}.survey_finding WHERE import_id = :id"), {"id": identifier}
    )
    raw = connection.connection.driver_connection
    if not isinstance(raw, psycopg.Connection):
        raise TypeError("COPY needs psycopg")
    statement = f"COPY {CORE}.survey_finding ({', '.join(_FINDING)}) FROM STDIN"
    with raw.cursor() as cursor, cursor.copy(statement) as copy:
        for number, finding in enumerate(findings, 1):
            copy.write_row(_as_row(identifier, number, finding))


def _as_row(identifier: UUID, number: int, finding: Finding) -> tuple[object, ...]:
    words = (finding.sheet, finding.column, finding.cell, finding.field, finding.code)
    sheet, column, cell, field, code = map(_storable, words)
    shape = None if finding.geometry is None else json.dumps(finding.geometry)
    return (
        identifier, finding.key, number, finding.rule.id, finding.rule.severity.value, sheet,
        finding.row, column, cell, field, code, _storable(finding.value),
        _storable(finding.text.zh), _storable(finding.text.en), finding.restricted, shape,
    )  # fmt: skip


def _storable(words: str) -> str:
    """Text PostgreSQL stores: without NUL and half surrogates."""
    return words.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")


def conclude(
    connection: Connection, identifier: UUID, *, marked: bytes, values: dict[str, Any]
) -> None:  # Any: values of any column
    """Write down how a book was judged, with the marked book."""
    connection.execute(
        text(
            f"INSERT INTO {survey_file} (import_id, role, content) VALUES (:id, 'marked', :content)"
            " ON CONFLICT (import_id, role) DO UPDATE SET content = excluded.content"
        ),
        {"id": identifier, "content": marked},
    )
    connection.execute(
        update(survey_import).where(survey_import.c.id == identifier).values(**values)
    )


def note_problem(connection: Connection, identifier: UUID, problem: Text) -> None:
    """Write down why a book could not be judged."""
    connection.execute(
        update(survey_import)
        .where(survey_import.c.id == identifier)
        .values(problem=problem.as_dict(), judged_at=text("now()"))
    )


def decide(
    connection: Connection, batch: UUID, keys: list[str], decision: Decision, reason: str,
    *, actor: str,
) -> int:  # fmt: skip
    """Decide about findings of a batch's last book; how many there are of these.

    InputError when a waiver has no reason, or is of an error without which no row can be loaded.
    """
    reason = _storable(reason).strip()[:1000]
    if decision is Decision.WAIVE and len(reason) < 2:
        raise InputError(Text(zh="豁免须写明理由", en="a waiver needs a reason"))
    rows = connection.execute(
        text(
            f"SELECT f.key, f.value, f.rule FROM {CORE}.survey_finding f JOIN {survey_import} i"
            " ON i.id = f.import_id WHERE i.batch_id = :batch AND f.key = ANY(:keys) AND i.number ="
            f" (SELECT max(number) FROM {survey_import} WHERE batch_id = :batch"
            " AND counts IS NOT NULL)"
        ),
        {"batch": batch, "keys": keys},
    ).all()
    hard = {r.id for r in load_rules().rules if not r.waivable}
    if decision is Decision.WAIVE and (bad := sorted({r.rule for r in rows} & hard)):
        raise InputError(
            Text(
                zh="这类错误不能豁免,只能改正:{rules}",
                en="these errors cannot be waived, only corrected: {rules}",
            ).format(rules=", ".join(bad))
        )
    if rows:
        connection.execute(
            insert(survey_decision),
            [
                {"id": UUID(i), "batch_id": batch, "key": r.key, "value": r.value,
                 "decision": decision.value, "reason": reason, "decided_by": actor}
                for i, r in zip(make_ids(len(rows)), rows, strict=True)
            ],
        )  # fmt: skip
    return len(rows)


def note_deliverable(
    connection: Connection, batch: UUID, item: Deliverable, state: DeliverableState, note: str,
    *, actor: str,
) -> None:  # fmt: skip
    """Write down where a deliverable stands."""
    connection.execute(
        insert(survey_deliverable).values(
            id=UUID(make_ids(1)[0]), batch_id=batch, item=item.value, state=state.value,
            note=_storable(note)[:500], noted_by=actor,
        )
    )  # fmt: skip
