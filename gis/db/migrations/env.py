"""Alembic environment: GeoAlchemy2's three hooks, our schemas only, a connection passed in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from alembic import context
from alembic.migration import MigrationContext
from alembic.operations import ops
from geoalchemy2 import alembic_helpers
from sqlalchemy.schema import SchemaItem

from gis.db import (  # noqa: F401  declare tables
    desilting_tables,
    event_tables,
    evidence_tables,
    flood_tables,
    inspection_tables,
    network_tables,
    people_tables,
    survey_tables,
)
from gis.db.tables import CORE, HISTORY, TransactionId, metadata
from gis.kinds import KINDS


def include_object(
    item: SchemaItem,
    name: str | None,
    type_: str,
    reflected: bool,
    other: SchemaItem | None,
) -> bool:
    """Whether Alembic compares an object: those of our schemas, without PostGIS's own."""
    if type_ == "table" and getattr(item, "schema", None) not in (CORE, HISTORY):
        return False
    kept: bool = alembic_helpers.include_object(item, name, type_, reflected, other)  # type: ignore[no-untyped-call]  # GeoAlchemy2 has no annotations
    return kept


def render_item(kind: str, item: Any, autogen_context: Any) -> Any:  # Any: Alembic's own signature
    """How a generated migration spells our own type, and GeoAlchemy2's."""
    if isinstance(item, TransactionId):
        autogen_context.imports.add("from gis.db.tables import TransactionId")
        return "TransactionId()"
    return alembic_helpers.render_item(kind, item, autogen_context)  # type: ignore[no-untyped-call]  # GeoAlchemy2 has no annotations


def attach_new_kinds(
    migration_context: MigrationContext,
    revision: Any,  # Any: Alembic's own signature
    directives: list[ops.MigrationScript],
) -> None:
    """A generated migration that creates a kind's tables also attaches its triggers."""
    alembic_helpers.writer.process_revision_directives(migration_context, revision, directives)
    for script in directives:
        for upgrade in script.upgrade_ops_list:
            upgrade.ops.extend(list(_attach_ops(upgrade.ops)))


def _attach_ops(
    operations: Iterable[ops.MigrateOperation],
) -> Iterable[ops.MigrateOperation]:
    for operation in operations:
        name = getattr(operation, "table_name", None)
        creates = "Create" in type(operation).__name__ and "Table" in type(operation).__name__
        if creates and getattr(operation, "schema", None) == CORE and name in KINDS:
            yield ops.ExecuteSQLOp(f"SELECT core.attach_kind('{name}')")


def run_online() -> None:
    """Run or compare migrations over the connection that was passed in."""
    connection = context.config.attributes["connection"]
    # Compare as a session that sees neither of our schemas by default: with `core` on the search
    # path every foreign key to it reads as one to another table, and looks like drift.
    connection.exec_driver_sql("SET LOCAL search_path = public")
    connection.dialect.default_schema_name = "public"
    connection.dialect.ischema_names["xid8"] = TransactionId
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_schemas=True,
        include_object=include_object,
        render_item=render_item,
        process_revision_directives=attach_new_kinds,
        version_table_schema=CORE,
        compare_type=True,
        compare_server_default=True,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()


run_online()
