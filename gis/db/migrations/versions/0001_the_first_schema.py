"""The first schema: identity, kinds, history, versions, hazard events.

Revision: 0001
Follows:
"""

import geoalchemy2
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from geoalchemy2 import Geometry

from gis.db.tables import TransactionId

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

KINDS = (
    "hazard",
    "sewer_pipe",
    "sewer_manhole",
    "sewage_facility",
    "road",
    "pocket_park",
    "gas_site",
    "traditional_village",
    "project",
    "admin_unit",
    "built_up_area",
    "population",
)

FUNCTIONS = """
CREATE FUNCTION core.stamp_version() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
-- Who wrote which version, since when it is true. One version per transaction.
DECLARE
  actor text := nullif(current_setting('infratrack.actor', true), '');
  valid_from timestamptz := nullif(current_setting('infratrack.valid_from', true), '')::timestamptz;
  same_transaction boolean;
BEGIN
  IF actor IS NULL THEN
    RAISE EXCEPTION 'nothing is written without an actor' USING ERRCODE = 'IT001';
  END IF;
  NEW.recorded_by := actor;
  NEW.reason := nullif(current_setting('infratrack.reason', true), '');
  IF TG_OP = 'INSERT' THEN
    NEW.version := coalesce(NEW.version, 1);
    NEW.valid := coalesce(NEW.valid, tstzrange(coalesce(valid_from, now()), NULL));
    NEW.recorded_at := now();
  ELSE
    same_transaction := OLD.recorded_tx = pg_current_xact_id() AND OLD.recorded_at >= now();
    NEW.version := OLD.version + (NOT same_transaction)::int;
    IF valid_from IS NOT NULL THEN
      NEW.valid := tstzrange(valid_from, NULL);
    ELSIF NEW.valid = OLD.valid AND NOT same_transaction THEN
      NEW.valid := tstzrange(greatest(now(), lower(OLD.valid)), NULL);
    END IF;
    -- A transaction that began earlier but got the row later must not record before the other.
    NEW.recorded_at := CASE WHEN OLD.recorded_at > now() THEN clock_timestamp() ELSE now() END;
  END IF;
  IF lower(NEW.valid) > now() + interval '1 day' THEN
    RAISE EXCEPTION 'valid time % lies in the future', lower(NEW.valid) USING ERRCODE = 'IT002';
  END IF;
  NEW.recorded_tx := pg_current_xact_id();
  RETURN NEW;
END $$;

CREATE FUNCTION core.keep_history() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = core, public, pg_temp AS $$
-- Statement trigger: writes the versions and the identities of all rows a statement touched.
DECLARE
  names text;
  updates text;
BEGIN
  SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum),
         string_agg(format('%1$I = excluded.%1$I', attname), ', ' ORDER BY attnum)
    INTO names, updates
    FROM pg_attribute
   WHERE attrelid = TG_RELID AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
  IF TG_OP = 'DELETE' THEN
    -- A deleted row was an error from the start: its tombstone covers all of time.
    EXECUTE format(
      'INSERT INTO history.%1$I (%2$s, deleted) SELECT %3$s, true FROM old_rows',
      TG_TABLE_NAME, names,
      (SELECT string_agg(CASE attname
                WHEN 'version' THEN 'version + 1'
                WHEN 'valid' THEN 'tstzrange(NULL, NULL)'
                WHEN 'recorded_at' THEN 'greatest(now(), recorded_at)'
                WHEN 'recorded_by' THEN 'current_setting(''infratrack.actor'')'
                WHEN 'recorded_tx' THEN 'pg_current_xact_id()'
                WHEN 'reason' THEN 'nullif(current_setting(''infratrack.reason'', true), '''')'
                ELSE quote_ident(attname) END, ', ' ORDER BY attnum)
         FROM pg_attribute
        WHERE attrelid = TG_RELID AND attnum > 0 AND NOT attisdropped AND attgenerated = ''));
    UPDATE core.asset a SET voided = true FROM old_rows o WHERE a.id = o.id;
    RETURN NULL;
  END IF;
  EXECUTE format(
    'INSERT INTO history.%1$I (%2$s) SELECT %2$s FROM new_rows'
    || CASE TG_OP WHEN 'UPDATE' THEN ' ON CONFLICT (id, version) DO UPDATE SET ' || updates ELSE '' END,
    TG_TABLE_NAME, names);
  INSERT INTO core.asset AS a (id, kind, code)
  SELECT id, TG_TABLE_NAME, code FROM new_rows
  ON CONFLICT (id) DO UPDATE SET code = excluded.code, voided = false
   WHERE (a.code <> excluded.code OR a.voided) AND a.kind = excluded.kind;
  RETURN NULL;
END $$;

CREATE FUNCTION core.require_actor() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  IF coalesce(current_setting('infratrack.actor', true), '') = '' THEN
    RAISE EXCEPTION 'nothing is written without an actor' USING ERRCODE = 'IT001';
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION core.refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
-- History and events are append-only; only the version a transaction is still writing may change.
BEGIN
  IF TG_OP = 'UPDATE' AND TG_TABLE_SCHEMA = 'history' THEN
    IF OLD.recorded_tx = pg_current_xact_id() AND OLD.recorded_at >= now() THEN
      RETURN NEW;
    END IF;
  END IF;
  RAISE EXCEPTION '%.% is append-only', TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'IT003';
END $$;

CREATE FUNCTION core.check_assertion() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
-- Nobody writes history in another name, another transaction or another time than the present.
BEGIN
  IF coalesce(current_setting('infratrack.actor', true), '') = '' THEN
    RAISE EXCEPTION 'nothing is written without an actor' USING ERRCODE = 'IT001';
  END IF;
  IF NEW.recorded_by <> current_setting('infratrack.actor')
     OR NEW.recorded_tx <> pg_current_xact_id()
     OR NEW.recorded_at NOT BETWEEN now() AND clock_timestamp() THEN
    RAISE EXCEPTION 'a version is recorded by who writes it, when it is written'
      USING ERRCODE = 'IT003';
  END IF;
  IF lower(NEW.valid) > now() + interval '1 day' THEN
    RAISE EXCEPTION 'valid time % lies in the future', lower(NEW.valid) USING ERRCODE = 'IT002';
  END IF;
  RETURN NEW;
END $$;

CREATE FUNCTION core.stamp_event() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  NEW.recorded_by := nullif(current_setting('infratrack.actor', true), '');
  IF NEW.recorded_by IS NULL THEN
    RAISE EXCEPTION 'nothing is written without an actor' USING ERRCODE = 'IT001';
  END IF;
  NEW.recorded_at := now();
  RETURN NEW;
END $$;

CREATE FUNCTION core.mark_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = core, public, pg_temp AS $$
BEGIN
  INSERT INTO core.change_mark (tx, kind)
  VALUES (pg_current_xact_id(), coalesce(TG_ARGV[0], TG_TABLE_NAME)) ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;

CREATE FUNCTION core.bump_versions() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = core, public, pg_temp AS $$
-- Runs at commit, so the row locks are held for the commit only; sorted, so no deadlock.
DECLARE
  touched text[];
BEGIN
  SELECT array_agg(kind) INTO touched FROM core.change_mark WHERE tx = pg_current_xact_id();
  IF touched IS NULL THEN
    RETURN NULL; -- an earlier firing of this transaction did it
  END IF;
  DELETE FROM core.change_mark WHERE tx = pg_current_xact_id();
  PERFORM 1 FROM core.collection_version WHERE kind = ANY (touched) ORDER BY kind FOR UPDATE;
  UPDATE core.collection_version SET version = version + 1, changed_at = clock_timestamp()
   WHERE kind = ANY (touched);
  PERFORM pg_notify('infratrack_change', array_to_string(touched, ','));
  RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER bump_versions AFTER INSERT ON core.change_mark
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION core.bump_versions();

CREATE TRIGGER stamp_event BEFORE INSERT ON core.hazard_event
FOR EACH ROW EXECUTE FUNCTION core.stamp_event();
CREATE TRIGGER require_actor BEFORE INSERT OR UPDATE OR DELETE ON core.project_asset
FOR EACH STATEMENT EXECUTE FUNCTION core.require_actor();
CREATE TRIGGER require_actor BEFORE INSERT OR UPDATE OR DELETE ON core.county
FOR EACH STATEMENT EXECUTE FUNCTION core.require_actor();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON core.hazard_event
FOR EACH ROW EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON core.hazard_event
FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER mark_change AFTER INSERT ON core.hazard_event
FOR EACH STATEMENT EXECUTE FUNCTION core.mark_change('hazard');
CREATE TRIGGER mark_change AFTER INSERT OR UPDATE OR DELETE ON core.project_asset
FOR EACH STATEMENT EXECUTE FUNCTION core.mark_change('project');

CREATE FUNCTION core.attach_kind(kind text) RETURNS void LANGUAGE plpgsql SET search_path = core, public AS $$
DECLARE
  event text;
BEGIN
  EXECUTE format('CREATE TRIGGER stamp_version BEFORE INSERT OR UPDATE ON core.%I FOR EACH ROW EXECUTE FUNCTION core.stamp_version()', kind);
  EXECUTE format('CREATE TRIGGER require_actor BEFORE DELETE ON core.%I FOR EACH STATEMENT EXECUTE FUNCTION core.require_actor()', kind);
  EXECUTE format('CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON core.%I FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()', kind);
  EXECUTE format('CREATE TRIGGER history_insert AFTER INSERT ON core.%I REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION core.keep_history()', kind);
  EXECUTE format('CREATE TRIGGER history_update AFTER UPDATE ON core.%I REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION core.keep_history()', kind);
  EXECUTE format('CREATE TRIGGER history_delete AFTER DELETE ON core.%I REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION core.keep_history()', kind);
  EXECUTE format('CREATE TRIGGER mark_change AFTER INSERT OR UPDATE OR DELETE ON core.%I FOR EACH STATEMENT EXECUTE FUNCTION core.mark_change()', kind);
  EXECUTE format('CREATE TRIGGER check_assertion BEFORE INSERT ON history.%I FOR EACH ROW EXECUTE FUNCTION core.check_assertion()', kind);
  EXECUTE format('CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON history.%I FOR EACH ROW EXECUTE FUNCTION core.refuse_change()', kind);
  EXECUTE format('CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON history.%I FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()', kind);
  EXECUTE format('CREATE TRIGGER mark_change AFTER INSERT ON history.%I FOR EACH STATEMENT EXECUTE FUNCTION core.mark_change()', kind);
  INSERT INTO core.collection_version (kind) VALUES (kind) ON CONFLICT DO NOTHING;
END $$;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "asset",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column(
            "voided", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asset")),
        schema="core",
    )
    op.create_index(
        "ix_asset_kind_code", "asset", ["kind", "code"], unique=False, schema="core"
    )
    op.create_table(
        "change_mark",
        sa.Column("tx", TransactionId(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tx", "kind", name=op.f("pk_change_mark")),
        schema="core",
        prefixes=["UNLOGGED"],
    )
    op.create_table(
        "collection_version",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column(
            "version", sa.BigInteger(), server_default=sa.text("1"), nullable=False
        ),
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_collection_version")),
        schema="core",
    )
    op.create_geospatial_table(
        "county",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column(
            "extent",
            Geometry(
                geometry_type="POLYGON",
                srid=4490,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column(
            "is_demonstration",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_county")),
        schema="core",
    )
    op.create_table(
        "hazard_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("hazard_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=True),
        sa.Column(
            "payload",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.CheckConstraint("seq >= 1", name=op.f("ck_hazard_event_seq")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hazard_event")),
        sa.UniqueConstraint(
            "hazard_id", "seq", name=op.f("uq_hazard_event_hazard_id_seq")
        ),
        schema="core",
    )
    op.create_geospatial_table(
        "admin_unit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_code", sa.Text(), nullable=True),
        sa.Column("township", sa.Text(), nullable=True),
        sa.Column(
            "missing",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("parent_code", sa.Text(), nullable=True),
        sa.Column(
            "geometry",
            Geometry(
                geometry_type="MULTIPOLYGON",
                srid=4490,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column(
            "geometry_3857",
            Geometry(
                geometry_type="MULTIPOLYGON",
                srid=3857,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            sa.Computed("ST_Transform(geometry, 3857)", persisted=True),
            nullable=True,
        ),
        sa.Column(
            "area_m2",
            sa.Double(),
            sa.Computed("ST_Area(geometry::geography)", persisted=True),
            nullable=True,
        ),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("valid", postgresql.TSTZRANGE(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_tx", TransactionId(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column(
            "deleted", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.CheckConstraint(
            "ST_NPoints(geometry) <= 100000 AND NOT ST_IsEmpty(geometry) AND ST_XMin(geometry) >= -180 AND ST_XMax(geometry) <= 180 AND ST_YMin(geometry) >= -85.0511287798066 AND ST_YMax(geometry) <= 85.0511287798066 AND ST_AsText(geometry, 0) !~ 'EMPTY|[(][)]' AND ST_IsValid(geometry)",
            name=op.f("ck_admin_unit_geometry"),
        ),
        sa.PrimaryKeyConstraint("id", "version", name="pk_history_admin_unit"),
        schema="history",
    )
    op.create_geospatial_index(
        "ix_history_admin_unit_geometry",
        "admin_unit",
        ["geometry"],
        unique=False,
        schema="history",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_geospatial_index(
        "ix_history_admin_unit_geometry_3857",
        "admin_unit",
        ["geometry_3857"],
        unique=False,
        schema="history",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_geospatial_table(
        "built_up_area",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_code", sa.Text(), nullable=True),
        sa.Column("township", sa.Text(), nullable=True),
        sa.Column(
            "missing",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column(
            "geometry",
            Geometry(
                geometry_type="MULTIPOLYGON",
                srid=4490,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column(
            "geometry_3857",
            Geometry(
                geometry_type="MULTIPOLYGON",
                srid=3857,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            sa.Computed("ST_Transform(geometry, 3857)", persisted=True),
            nullable=True,
        ),
        sa.Column(
            "area_m2",
            sa.Double(),
            sa.Computed("ST_Area(geometry::geography)", persisted=True),
            nullable=True,
        ),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("valid", postgresql.TSTZRANGE(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_tx", TransactionId(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column(
            "deleted", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.CheckConstraint(
            "ST_NPoints(geometry) <= 100000 AND NOT ST_IsEmpty(geometry) AND ST_XMin(geometry) >= -180 AND ST_XMax(geometry) <= 180 AND ST_YMin(geometry) >= -85.0511287798066 AND ST_YMax(geometry) <= 85.0511287798066 AND ST_AsText(geometry, 0) !~ 'EMPTY|[(][)]' AND ST_IsValid(geometry)",
            name=op.f("ck_built_up_area_geometry"),
        ),
        sa.PrimaryKeyConstraint("id", "version", name="pk_history_built_up_area"),
        schema="history",
    )
    op.create_geospatial_index(
        "ix_history_built_up_area_geometry",
        "built_up_area",
        ["geometry"],
        unique=False,
        schema="history",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_geospatial_index(
        "ix_history_built_up_area_geometry_3857",
        "built_up_area",
        ["geometry_3857"],
        unique=False,
        schema="history",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_geospatial_table(
        "gas_site",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_code", sa.Text(), nullable=True),
        sa.Column("township", sa.Text(), nullable=True),
        sa.Column(
            "missing",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("maintainer", sa.Text(), nullable=True),
        sa.Column("section", sa.Text(), nullable=True),
        sa.Column("responsible", sa.Text(), nullable=True),
        sa.Column("verification", sa.Text(), nullable=False),
        sa.Column("project_code", sa.Text(), nullable=True),
        sa.Column("progress", sa.Text(), nullable=True),
        sa.Column("progress_percent", sa.Double(), nullable=True),
        sa.Column("planned_start_on", sa.Date(), nullable=True),
        sa.Column("planned_completion_on", sa.Date(), nullable=True),
        sa.Column("started_on", sa.Date(), nullable=True),
        sa.Column("completed_on", sa.Date(), nullable=True),
        sa.Column("accepted_on", sa.Date(), nullable=True),
        sa.Column("service_state", sa.Text(), nullable=False),
        sa.Column("site_type", sa.Text(), nullable=False),
        sa.Column("supply", sa.Text(), nullable=True),
        sa.Column("supplier", sa.Text(), nullable=True),
        sa.Column("grade", sa.Text(), nullable=True),
        sa.Column("risk_class", sa.Text(), nullable=True),
        sa.Column("operating_state", sa.Text(), nullable=False),
        sa.Column("permit_number", sa.Text(), nullable=True),
        sa.Column("permit_expires_on", sa.Date(), nullable=True),
        sa.Column("contact", sa.Text(), nullable=True),
        sa.Column("alarm", sa.Text(), nullable=True),
        sa.Column("shut_off_valve", sa.Text(), nullable=True),
        sa.Column("metal_hose", sa.Text(), nullable=True),
        sa.Column("in_basement", sa.Boolean(), nullable=True),
        sa.Column("cylinders", sa.Integer(), nullable=True),
        sa.Column("company_checked_on", sa.Date(), nullable=True),
        sa.Column("emergency_plan", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column(
            "geometry",
            Geometry(
                geometry_type="POINT",
                srid=4490,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column(
            "geometry_3857",
            Geometry(
                geometry_type="POINT",
                srid=3857,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            sa.Computed("ST_Transform(geometry, 3857)", persisted=True),
            nullable=True,
        ),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("valid", postgresql.TSTZRANGE(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_tx", TransactionId(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column(
            "deleted", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.CheckConstraint(
            "ST_NPoints(geometry) <= 100000 AND NOT ST_IsEmpty(geometry) AND ST_XMin(geometry) >= -180 AND ST_XMax(geometry) <= 180 AND ST_YMin(geometry) >= -85.0511287798066 AND ST_YMax(geometry) <= 85.0511287798066 AND ST_IsValid(geometry)",
            name=op.f("ck_gas_site_geometry"),
        ),
        sa.PrimaryKeyConstraint("id", "version", name="pk_history_gas_site"),
        schema="history",
    )
    op.create_geospatial_index(
        "ix_history_gas_site_geometry",
        "gas_site",
        ["geometry"],
        unique=False,
        schema="history",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_geospatial_index(
        "ix_history_gas_site_geometry_3857",
        "gas_site",
        ["geometry_3857"],
        unique=False,
        schema="history",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_geospatial_table(
        "hazard",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_code", sa.Text(), nullable=True),
        sa.Column("township", sa.Text(), nullable=True),
        sa.Column(
            "missing",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("asset_id", sa.Text(), nullable=True),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("original_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fixed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("extensions", sa.Integer(), nullable=False),
        sa.Column("returns", sa.Integer(), nullable=False),
        sa.Column("use_suspended", sa.Boolean(), nullable=False),
        sa.Column("supervision_listed", sa.Boolean(), nullable=False),
        sa.Column("duty_holder", sa.Text(), nullable=True),
        sa.Column("survivor", sa.Text(), nullable=True),
        sa.Column("review_on", sa.Date(), nullable=True),
        sa.Column(
            "geometry",
            Geometry(
                geometry_type="POINT",
                srid=4490,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column(
            "geometry_3857",
            Geometry(
                geometry_type="POINT",
                srid=3857,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            sa.Computed("ST_Transform(geometry, 3857)", persisted=True),
            nullable=True,
        ),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("valid", postgresql.TSTZRANGE(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_tx", TransactionId(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column(
            "deleted", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.CheckConstraint(
            "ST_NPoints(geometry) <= 100000 AND NOT ST_IsEmpty(geometry) AND ST_XMin(geometry) >= -180 AND ST_XMax(geometry) <= 180 AND ST_YMin(geometry) >= -85.0511287798066 AND ST_YMax(geometry) <= 85.0511287798066 AND ST_IsValid(geometry)",
            name=op.f("ck_hazard_geometry"),
        ),
        sa.PrimaryKeyConstraint("id", "version", name="pk_history_hazard"),
        schema="history",
    )
    op.create_geospatial_index(
        "ix_history_hazard_geometry",
        "hazard",
        ["geometry"],
        unique=False,
        schema="history",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_geospatial_index(
        "ix_history_hazard_geometry_3857",
        "hazard",
        ["geometry_3857"],
        unique=False,
        schema="history",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_geospatial_table(
        "pocket_park",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_code", sa.Text(), nullable=True),
        sa.Column("township", sa.Text(), nullable=True),
        sa.Column(
            "missing",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("maintainer", sa.Text(), nullable=True),
        sa.Column("section", sa.Text(), nullable=True),
        sa.Column("responsible", sa.Text(), nullable=True),
        sa.Column("verification", sa.Text(), nullable=False),
        sa.Column("project_code", sa.Text(), nullable=True),
        sa.Column("progress", sa.Text(), nullable=True),
        sa.Column("progress_percent", sa.Double(), nullable=True),
        sa.Column("planned_start_on", sa.Date(), nullable=True),
        sa.Column("planned_completion_on", sa.Date(), nullable=True),
        sa.Column("started_on", sa.Date(), nullable=True),
        sa.Column("completed_on", sa.Date(), nullable=True),
        sa.Column("accepted_on", sa.Date(), nullable=True),
        sa.Column("service_state", sa.Text(), nullable=False),
        sa.Column("park_type", sa.Text(), nullable=False),
        sa.Column("work", sa.Text(), nullable=True),
        sa.Column("declared_area_m2", sa.Double(), nullable=True),
        sa.Column("green_rate_percent", sa.Double(), nullable=True),
        sa.Column("entrances", sa.Integer(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column(
            "geometry",
            Geometry(
                geometry_type="MULTIPOLYGON",
                srid=4490,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column(
            "geometry_3857",
            Geometry(
                geometry_type="MULTIPOLYGON",
                srid=3857,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            sa.Computed("ST_Transform(geometry, 3857)", persisted=True),
            nullable=True,
        ),
        sa.Column(
            "area_m2",
            sa.Double(),
            sa.Computed("ST_Area(geometry::geography)", persisted=True),
            nullable=True,
        ),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("valid", postgresql.TSTZRANGE(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_tx", TransactionId(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column(
            "deleted", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.CheckConstraint(
            "ST_NPoints(geometry) <= 100000 AND NOT ST_IsEmpty(geometry) AND ST_XMin(geometry) >= -180 AND ST_XMax(geometry) <= 180 AND ST_YMin(geometry) >= -85.0511287798066 AND ST_YMax(geometry) <= 85.0511287798066 AND ST_AsText(geometry, 0) !~ 'EMPTY|[(][)]' AND ST_IsValid(geometry)",
            name=op.f("ck_pocket_park_geometry"),
        ),
        sa.PrimaryKeyConstraint("id", "version", name="pk_history_pocket_park"),
        schema="history",
    )
    op.create_geospatial_index(
        "ix_history_pocket_park_geometry",
        "pocket_park",
        ["geometry"],
        unique=False,
        schema="history",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_geospatial_index(
        "ix_history_pocket_park_geometry_3857",
        "pocket_park",
        ["geometry_3857"],
        unique=False,
        schema="history",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_geospatial_table(
        "population",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_code", sa.Text(), nullable=True),
        sa.Column("township", sa.Text(), nullable=True),
        sa.Column(
            "missing",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("people", sa.Double(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column(
            "geometry",
            Geometry(
                srid=4490,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column(
            "geometry_3857",
            Geometry(
                srid=3857,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            sa.Computed("ST_Transform(geometry, 3857)", persisted=True),
            nullable=True,
        ),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("valid", postgresql.TSTZRANGE(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_tx", TransactionId(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column(
            "deleted", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.CheckConstraint(
            "GeometryType(geometry) IN ('POINT', 'MULTIPOLYGON') AND ST_NPoints(geometry) <= 100000 AND NOT ST_IsEmpty(geometry) AND ST_XMin(geometry) >= -180 AND ST_XMax(geometry) <= 180 AND ST_YMin(geometry) >= -85.0511287798066 AND ST_YMax(geometry) <= 85.0511287798066 AND ST_AsText(geometry, 0) !~ 'EMPTY|[(][)]' AND ST_IsValid(geometry)",
            name=op.f("ck_population_geometry"),
        ),
        sa.PrimaryKeyConstraint("id", "version", name="pk_history_population"),
        schema="history",
    )
    op.create_geospatial_index(
        "ix_history_population_geometry",
        "population",
        ["geometry"],
        unique=False,
        schema="history",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_geospatial_index(
        "ix_history_population_geometry_3857",
        "population",
        ["geometry_3857"],
        unique=False,
        schema="history",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_geospatial_table(
        "project",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_code", sa.Text(), nullable=True),
        sa.Column("township", sa.Text(), nullable=True),
        sa.Column(
            "missing",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("stopped", sa.Boolean(), nullable=False),
        sa.Column("state_code", sa.Text(), nullable=True),
        sa.Column("delivery", sa.Text(), nullable=True),
        sa.Column("client", sa.Text(), nullable=True),
        sa.Column("designer", sa.Text(), nullable=True),
        sa.Column("contractor", sa.Text(), nullable=True),
        sa.Column("supervisor", sa.Text(), nullable=True),
        sa.Column("planned_start_on", sa.Date(), nullable=True),
        sa.Column("planned_completion_on", sa.Date(), nullable=True),
        sa.Column("started_on", sa.Date(), nullable=True),
        sa.Column("completed_on", sa.Date(), nullable=True),
        sa.Column("progress_percent", sa.Double(), nullable=True),
        sa.Column("total_investment_yuan", sa.Double(), nullable=True),
        sa.Column("annual_plan_yuan", sa.Double(), nullable=True),
        sa.Column("completed_by_progress_yuan", sa.Double(), nullable=True),
        sa.Column("completed_by_payment_yuan", sa.Double(), nullable=True),
        sa.Column("completed_in_statistics_yuan", sa.Double(), nullable=True),
        sa.Column(
            "money",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("issues", sa.Text(), nullable=True),
        sa.Column("on_reserve_list", sa.Boolean(), nullable=True),
        sa.Column(
            "geometry",
            Geometry(
                geometry_type="POINT",
                srid=4490,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column(
            "geometry_3857",
            Geometry(
                geometry_type="POINT",
                srid=3857,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            sa.Computed("ST_Transform(geometry, 3857)", persisted=True),
            nullable=True,
        ),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("valid", postgresql.TSTZRANGE(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_tx", TransactionId(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column(
            "deleted", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.CheckConstraint(
            "ST_NPoints(geometry) <= 100000 AND NOT ST_IsEmpty(geometry) AND ST_XMin(geometry) >= -180 AND ST_XMax(geometry) <= 180 AND ST_YMin(geometry) >= -85.0511287798066 AND ST_YMax(geometry) <= 85.0511287798066 AND ST_IsValid(geometry)",
            name=op.f("ck_project_geometry"),
        ),
        sa.PrimaryKeyConstraint("id", "version", name="pk_history_project"),
        schema="history",
    )
    op.create_geospatial_index(
        "ix_history_project_geometry",
        "project",
        ["geometry"],
        unique=False,
        schema="history",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_geospatial_index(
        "ix_history_project_geometry_3857",
        "project",
        ["geometry_3857"],
        unique=False,
        schema="history",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_geospatial_table(
        "road",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_code", sa.Text(), nullable=True),
        sa.Column("township", sa.Text(), nullable=True),
        sa.Column(
            "missing",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("maintainer", sa.Text(), nullable=True),
        sa.Column("section", sa.Text(), nullable=True),
        sa.Column("responsible", sa.Text(), nullable=True),
        sa.Column("verification", sa.Text(), nullable=False),
        sa.Column("project_code", sa.Text(), nullable=True),
        sa.Column("progress", sa.Text(), nullable=True),
        sa.Column("progress_percent", sa.Double(), nullable=True),
        sa.Column("planned_start_on", sa.Date(), nullable=True),
        sa.Column("planned_completion_on", sa.Date(), nullable=True),
        sa.Column("started_on", sa.Date(), nullable=True),
        sa.Column("completed_on", sa.Date(), nullable=True),
        sa.Column("accepted_on", sa.Date(), nullable=True),
        sa.Column("service_state", sa.Text(), nullable=False),
        sa.Column("road_class", sa.Text(), nullable=False),
        sa.Column("from_point", sa.Text(), nullable=True),
        sa.Column("to_point", sa.Text(), nullable=True),
        sa.Column("right_of_way_m", sa.Double(), nullable=True),
        sa.Column("carriageway_width_m", sa.Double(), nullable=True),
        sa.Column("carriageway_area_m2", sa.Double(), nullable=True),
        sa.Column("sidewalk_area_m2", sa.Double(), nullable=True),
        sa.Column("lanes", sa.Integer(), nullable=True),
        sa.Column("is_oneway", sa.Boolean(), nullable=True),
        sa.Column(
            "geometry",
            Geometry(
                geometry_type="LINESTRING",
                srid=4490,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column(
            "geometry_3857",
            Geometry(
                geometry_type="LINESTRING",
                srid=3857,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            sa.Computed("ST_Transform(geometry, 3857)", persisted=True),
            nullable=True,
        ),
        sa.Column(
            "length_m",
            sa.Double(),
            sa.Computed("ST_Length(geometry::geography)", persisted=True),
            nullable=True,
        ),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("valid", postgresql.TSTZRANGE(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_tx", TransactionId(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column(
            "deleted", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.CheckConstraint(
            "ST_NPoints(geometry) <= 100000 AND NOT ST_IsEmpty(geometry) AND ST_XMin(geometry) >= -180 AND ST_XMax(geometry) <= 180 AND ST_YMin(geometry) >= -85.0511287798066 AND ST_YMax(geometry) <= 85.0511287798066 AND ST_IsValid(geometry)",
            name=op.f("ck_road_geometry"),
        ),
        sa.PrimaryKeyConstraint("id", "version", name="pk_history_road"),
        schema="history",
    )
    op.create_geospatial_index(
        "ix_history_road_geometry",
        "road",
        ["geometry"],
        unique=False,
        schema="history",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_geospatial_index(
        "ix_history_road_geometry_3857",
        "road",
        ["geometry_3857"],
        unique=False,
        schema="history",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_geospatial_table(
        "sewage_facility",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_code", sa.Text(), nullable=True),
        sa.Column("township", sa.Text(), nullable=True),
        sa.Column(
            "missing",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("maintainer", sa.Text(), nullable=True),
        sa.Column("section", sa.Text(), nullable=True),
        sa.Column("responsible", sa.Text(), nullable=True),
        sa.Column("verification", sa.Text(), nullable=False),
        sa.Column("project_code", sa.Text(), nullable=True),
        sa.Column("progress", sa.Text(), nullable=True),
        sa.Column("progress_percent", sa.Double(), nullable=True),
        sa.Column("planned_start_on", sa.Date(), nullable=True),
        sa.Column("planned_completion_on", sa.Date(), nullable=True),
        sa.Column("started_on", sa.Date(), nullable=True),
        sa.Column("completed_on", sa.Date(), nullable=True),
        sa.Column("accepted_on", sa.Date(), nullable=True),
        sa.Column("service_state", sa.Text(), nullable=False),
        sa.Column("facility_type", sa.Text(), nullable=False),
        sa.Column("capacity_m3_per_day", sa.Double(), nullable=True),
        sa.Column("receiving_water", sa.Text(), nullable=True),
        sa.Column("bottom_m", sa.Double(), nullable=True),
        sa.Column("has_flap", sa.Boolean(), nullable=True),
        sa.Column(
            "geometry",
            Geometry(
                geometry_type="POINT",
                srid=4490,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column(
            "geometry_3857",
            Geometry(
                geometry_type="POINT",
                srid=3857,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            sa.Computed("ST_Transform(geometry, 3857)", persisted=True),
            nullable=True,
        ),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("valid", postgresql.TSTZRANGE(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_tx", TransactionId(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column(
            "deleted", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.CheckConstraint(
            "ST_NPoints(geometry) <= 100000 AND NOT ST_IsEmpty(geometry) AND ST_XMin(geometry) >= -180 AND ST_XMax(geometry) <= 180 AND ST_YMin(geometry) >= -85.0511287798066 AND ST_YMax(geometry) <= 85.0511287798066 AND ST_IsValid(geometry)",
            name=op.f("ck_sewage_facility_geometry"),
        ),
        sa.PrimaryKeyConstraint("id", "version", name="pk_history_sewage_facility"),
        schema="history",
    )
    op.create_geospatial_index(
        "ix_history_sewage_facility_geometry",
        "sewage_facility",
        ["geometry"],
        unique=False,
        schema="history",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_geospatial_index(
        "ix_history_sewage_facility_geometry_3857",
        "sewage_facility",
        ["geometry_3857"],
        unique=False,
        schema="history",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_geospatial_table(
        "sewer_manhole",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_code", sa.Text(), nullable=True),
        sa.Column("township", sa.Text(), nullable=True),
        sa.Column(
            "missing",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("maintainer", sa.Text(), nullable=True),
        sa.Column("section", sa.Text(), nullable=True),
        sa.Column("responsible", sa.Text(), nullable=True),
        sa.Column("verification", sa.Text(), nullable=False),
        sa.Column("project_code", sa.Text(), nullable=True),
        sa.Column("progress", sa.Text(), nullable=True),
        sa.Column("progress_percent", sa.Double(), nullable=True),
        sa.Column("planned_start_on", sa.Date(), nullable=True),
        sa.Column("planned_completion_on", sa.Date(), nullable=True),
        sa.Column("started_on", sa.Date(), nullable=True),
        sa.Column("completed_on", sa.Date(), nullable=True),
        sa.Column("accepted_on", sa.Date(), nullable=True),
        sa.Column("service_state", sa.Text(), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("manhole_type", sa.Text(), nullable=False),
        sa.Column("ground_m", sa.Double(), nullable=True),
        sa.Column("bottom_m", sa.Double(), nullable=True),
        sa.Column("cover_material", sa.Text(), nullable=True),
        sa.Column("cover_size_mm", sa.Double(), nullable=True),
        sa.Column("cover_state", sa.Text(), nullable=True),
        sa.Column("has_fall_net", sa.Boolean(), nullable=True),
        sa.Column("surveyed_on", sa.Date(), nullable=True),
        sa.Column("survey_batch", sa.Text(), nullable=True),
        sa.Column("survey_unit", sa.Text(), nullable=True),
        sa.Column("road", sa.Text(), nullable=True),
        sa.Column(
            "geometry",
            Geometry(
                geometry_type="POINT",
                srid=4490,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column(
            "geometry_3857",
            Geometry(
                geometry_type="POINT",
                srid=3857,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            sa.Computed("ST_Transform(geometry, 3857)", persisted=True),
            nullable=True,
        ),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("valid", postgresql.TSTZRANGE(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_tx", TransactionId(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column(
            "deleted", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.CheckConstraint(
            "ST_NPoints(geometry) <= 100000 AND NOT ST_IsEmpty(geometry) AND ST_XMin(geometry) >= -180 AND ST_XMax(geometry) <= 180 AND ST_YMin(geometry) >= -85.0511287798066 AND ST_YMax(geometry) <= 85.0511287798066 AND ST_IsValid(geometry)",
            name=op.f("ck_sewer_manhole_geometry"),
        ),
        sa.PrimaryKeyConstraint("id", "version", name="pk_history_sewer_manhole"),
        schema="history",
    )
    op.create_geospatial_index(
        "ix_history_sewer_manhole_geometry",
        "sewer_manhole",
        ["geometry"],
        unique=False,
        schema="history",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_geospatial_index(
        "ix_history_sewer_manhole_geometry_3857",
        "sewer_manhole",
        ["geometry_3857"],
        unique=False,
        schema="history",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_geospatial_table(
        "sewer_pipe",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_code", sa.Text(), nullable=True),
        sa.Column("township", sa.Text(), nullable=True),
        sa.Column(
            "missing",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("maintainer", sa.Text(), nullable=True),
        sa.Column("section", sa.Text(), nullable=True),
        sa.Column("responsible", sa.Text(), nullable=True),
        sa.Column("verification", sa.Text(), nullable=False),
        sa.Column("project_code", sa.Text(), nullable=True),
        sa.Column("progress", sa.Text(), nullable=True),
        sa.Column("progress_percent", sa.Double(), nullable=True),
        sa.Column("planned_start_on", sa.Date(), nullable=True),
        sa.Column("planned_completion_on", sa.Date(), nullable=True),
        sa.Column("started_on", sa.Date(), nullable=True),
        sa.Column("completed_on", sa.Date(), nullable=True),
        sa.Column("accepted_on", sa.Date(), nullable=True),
        sa.Column("service_state", sa.Text(), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("up_node", sa.Text(), nullable=True),
        sa.Column("down_node", sa.Text(), nullable=True),
        sa.Column("shape", sa.Text(), nullable=True),
        sa.Column("diameter_mm", sa.Double(), nullable=True),
        sa.Column("width_mm", sa.Double(), nullable=True),
        sa.Column("height_mm", sa.Double(), nullable=True),
        sa.Column("material", sa.Text(), nullable=True),
        sa.Column("up_invert_m", sa.Double(), nullable=True),
        sa.Column("down_invert_m", sa.Double(), nullable=True),
        sa.Column("laying", sa.Text(), nullable=True),
        sa.Column("pressure", sa.Text(), nullable=True),
        sa.Column("surveyed_flow", sa.Text(), nullable=True),
        sa.Column("declared_length_m", sa.Double(), nullable=True),
        sa.Column("built_year", sa.Integer(), nullable=True),
        sa.Column("renewed_on", sa.Date(), nullable=True),
        sa.Column("renewal_reason", sa.Text(), nullable=True),
        sa.Column("surveyed_on", sa.Date(), nullable=True),
        sa.Column("survey_batch", sa.Text(), nullable=True),
        sa.Column("survey_unit", sa.Text(), nullable=True),
        sa.Column("accuracy_m", sa.Double(), nullable=True),
        sa.Column("road", sa.Text(), nullable=True),
        sa.Column(
            "geometry",
            Geometry(
                geometry_type="LINESTRING",
                srid=4490,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column(
            "geometry_3857",
            Geometry(
                geometry_type="LINESTRING",
                srid=3857,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            sa.Computed("ST_Transform(geometry, 3857)", persisted=True),
            nullable=True,
        ),
        sa.Column(
            "length_m",
            sa.Double(),
            sa.Computed("ST_Length(geometry::geography)", persisted=True),
            nullable=True,
        ),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("valid", postgresql.TSTZRANGE(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_tx", TransactionId(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column(
            "deleted", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.CheckConstraint(
            "ST_NPoints(geometry) <= 100000 AND NOT ST_IsEmpty(geometry) AND ST_XMin(geometry) >= -180 AND ST_XMax(geometry) <= 180 AND ST_YMin(geometry) >= -85.0511287798066 AND ST_YMax(geometry) <= 85.0511287798066 AND ST_IsValid(geometry)",
            name=op.f("ck_sewer_pipe_geometry"),
        ),
        sa.PrimaryKeyConstraint("id", "version", name="pk_history_sewer_pipe"),
        schema="history",
    )
    op.create_geospatial_index(
        "ix_history_sewer_pipe_geometry",
        "sewer_pipe",
        ["geometry"],
        unique=False,
        schema="history",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_geospatial_index(
        "ix_history_sewer_pipe_geometry_3857",
        "sewer_pipe",
        ["geometry_3857"],
        unique=False,
        schema="history",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_geospatial_table(
        "traditional_village",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_code", sa.Text(), nullable=True),
        sa.Column("township", sa.Text(), nullable=True),
        sa.Column(
            "missing",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("maintainer", sa.Text(), nullable=True),
        sa.Column("section", sa.Text(), nullable=True),
        sa.Column("responsible", sa.Text(), nullable=True),
        sa.Column("verification", sa.Text(), nullable=False),
        sa.Column("project_code", sa.Text(), nullable=True),
        sa.Column("progress", sa.Text(), nullable=True),
        sa.Column("progress_percent", sa.Double(), nullable=True),
        sa.Column("planned_start_on", sa.Date(), nullable=True),
        sa.Column("planned_completion_on", sa.Date(), nullable=True),
        sa.Column("started_on", sa.Date(), nullable=True),
        sa.Column("completed_on", sa.Date(), nullable=True),
        sa.Column("accepted_on", sa.Date(), nullable=True),
        sa.Column("service_state", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("batch", sa.Text(), nullable=True),
        sa.Column("listed_on", sa.Date(), nullable=True),
        sa.Column("households", sa.Integer(), nullable=True),
        sa.Column("people", sa.Integer(), nullable=True),
        sa.Column("traditional_buildings", sa.Integer(), nullable=True),
        sa.Column("core_area_m2", sa.Double(), nullable=True),
        sa.Column("control_area_m2", sa.Double(), nullable=True),
        sa.Column(
            "geometry",
            Geometry(
                geometry_type="POINT",
                srid=4490,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column(
            "geometry_3857",
            Geometry(
                geometry_type="POINT",
                srid=3857,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            sa.Computed("ST_Transform(geometry, 3857)", persisted=True),
            nullable=True,
        ),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("valid", postgresql.TSTZRANGE(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_tx", TransactionId(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column(
            "deleted", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.CheckConstraint(
            "ST_NPoints(geometry) <= 100000 AND NOT ST_IsEmpty(geometry) AND ST_XMin(geometry) >= -180 AND ST_XMax(geometry) <= 180 AND ST_YMin(geometry) >= -85.0511287798066 AND ST_YMax(geometry) <= 85.0511287798066 AND ST_IsValid(geometry)",
            name=op.f("ck_traditional_village_geometry"),
        ),
        sa.PrimaryKeyConstraint("id", "version", name="pk_history_traditional_village"),
        schema="history",
    )
    op.create_geospatial_index(
        "ix_history_traditional_village_geometry",
        "traditional_village",
        ["geometry"],
        unique=False,
        schema="history",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_geospatial_index(
        "ix_history_traditional_village_geometry_3857",
        "traditional_village",
        ["geometry_3857"],
        unique=False,
        schema="history",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_geospatial_table(
        "admin_unit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_code", sa.Text(), nullable=True),
        sa.Column("township", sa.Text(), nullable=True),
        sa.Column(
            "missing",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("parent_code", sa.Text(), nullable=True),
        sa.Column(
            "geometry",
            Geometry(
                geometry_type="MULTIPOLYGON",
                srid=4490,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column(
            "geometry_3857",
            Geometry(
                geometry_type="MULTIPOLYGON",
                srid=3857,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            sa.Computed("ST_Transform(geometry, 3857)", persisted=True),
            nullable=True,
        ),
        sa.Column(
            "area_m2",
            sa.Double(),
            sa.Computed("ST_Area(geometry::geography)", persisted=True),
            nullable=True,
        ),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("valid", postgresql.TSTZRANGE(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_tx", TransactionId(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "level IN ('province', 'prefecture', 'county', 'township', 'village')",
            name=op.f("ck_admin_unit_level"),
        ),
        sa.CheckConstraint(
            "ST_NPoints(geometry) <= 100000 AND NOT ST_IsEmpty(geometry) AND ST_XMin(geometry) >= -180 AND ST_XMax(geometry) <= 180 AND ST_YMin(geometry) >= -85.0511287798066 AND ST_YMax(geometry) <= 85.0511287798066 AND ST_AsText(geometry, 0) !~ 'EMPTY|[(][)]' AND ST_IsValid(geometry)",
            name=op.f("ck_admin_unit_geometry"),
        ),
        sa.CheckConstraint("char_length(code) <= 64", name=op.f("ck_admin_unit_code")),
        sa.CheckConstraint("char_length(name) <= 200", name=op.f("ck_admin_unit_name")),
        sa.CheckConstraint(
            "char_length(note) <= 2000", name=op.f("ck_admin_unit_note")
        ),
        sa.CheckConstraint(
            "char_length(parent_code) <= 12", name=op.f("ck_admin_unit_parent_code")
        ),
        sa.CheckConstraint(
            "char_length(source) <= 200", name=op.f("ck_admin_unit_source")
        ),
        sa.CheckConstraint(
            "char_length(source_code) <= 200", name=op.f("ck_admin_unit_source_code")
        ),
        sa.CheckConstraint(
            "char_length(township) <= 12", name=op.f("ck_admin_unit_township")
        ),
        sa.CheckConstraint(
            "upper_inf(valid) AND NOT lower_inf(valid)",
            name=op.f("ck_admin_unit_valid"),
        ),
        sa.ForeignKeyConstraint(
            ["id"],
            ["core.asset.id"],
            name=op.f("fk_admin_unit_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admin_unit")),
        sa.UniqueConstraint("code", name=op.f("uq_admin_unit_code")),
        sa.UniqueConstraint(
            "source", "source_code", name=op.f("uq_admin_unit_source_source_code")
        ),
        schema="core",
    )
    op.create_geospatial_index(
        "ix_admin_unit_geometry",
        "admin_unit",
        ["geometry"],
        unique=False,
        schema="core",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_geospatial_index(
        "ix_admin_unit_geometry_3857",
        "admin_unit",
        ["geometry_3857"],
        unique=False,
        schema="core",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_index(
        "ix_admin_unit_words",
        "admin_unit",
        ["code", "name"],
        unique=False,
        schema="core",
        postgresql_using="gin",
        postgresql_ops={"code": "gin_trgm_ops", "name": "gin_trgm_ops"},
    )
    op.create_geospatial_table(
        "built_up_area",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_code", sa.Text(), nullable=True),
        sa.Column("township", sa.Text(), nullable=True),
        sa.Column(
            "missing",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column(
            "geometry",
            Geometry(
                geometry_type="MULTIPOLYGON",
                srid=4490,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column(
            "geometry_3857",
            Geometry(
                geometry_type="MULTIPOLYGON",
                srid=3857,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            sa.Computed("ST_Transform(geometry, 3857)", persisted=True),
            nullable=True,
        ),
        sa.Column(
            "area_m2",
            sa.Double(),
            sa.Computed("ST_Area(geometry::geography)", persisted=True),
            nullable=True,
        ),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("valid", postgresql.TSTZRANGE(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_tx", TransactionId(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "ST_NPoints(geometry) <= 100000 AND NOT ST_IsEmpty(geometry) AND ST_XMin(geometry) >= -180 AND ST_XMax(geometry) <= 180 AND ST_YMin(geometry) >= -85.0511287798066 AND ST_YMax(geometry) <= 85.0511287798066 AND ST_AsText(geometry, 0) !~ 'EMPTY|[(][)]' AND ST_IsValid(geometry)",
            name=op.f("ck_built_up_area_geometry"),
        ),
        sa.CheckConstraint(
            "char_length(code) <= 64", name=op.f("ck_built_up_area_code")
        ),
        sa.CheckConstraint(
            "char_length(name) <= 200", name=op.f("ck_built_up_area_name")
        ),
        sa.CheckConstraint(
            "char_length(note) <= 2000", name=op.f("ck_built_up_area_note")
        ),
        sa.CheckConstraint(
            "char_length(source) <= 200", name=op.f("ck_built_up_area_source")
        ),
        sa.CheckConstraint(
            "char_length(source_code) <= 200", name=op.f("ck_built_up_area_source_code")
        ),
        sa.CheckConstraint(
            "char_length(township) <= 12", name=op.f("ck_built_up_area_township")
        ),
        sa.CheckConstraint(
            "upper_inf(valid) AND NOT lower_inf(valid)",
            name=op.f("ck_built_up_area_valid"),
        ),
        sa.CheckConstraint(
            "year >= 1949 AND year <= 2200", name=op.f("ck_built_up_area_year")
        ),
        sa.ForeignKeyConstraint(
            ["id"],
            ["core.asset.id"],
            name=op.f("fk_built_up_area_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_built_up_area")),
        sa.UniqueConstraint("code", name=op.f("uq_built_up_area_code")),
        sa.UniqueConstraint(
            "source", "source_code", name=op.f("uq_built_up_area_source_source_code")
        ),
        schema="core",
    )
    op.create_geospatial_index(
        "ix_built_up_area_geometry",
        "built_up_area",
        ["geometry"],
        unique=False,
        schema="core",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_geospatial_index(
        "ix_built_up_area_geometry_3857",
        "built_up_area",
        ["geometry_3857"],
        unique=False,
        schema="core",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_index(
        "ix_built_up_area_words",
        "built_up_area",
        ["code", "name"],
        unique=False,
        schema="core",
        postgresql_using="gin",
        postgresql_ops={"code": "gin_trgm_ops", "name": "gin_trgm_ops"},
    )
    op.create_geospatial_table(
        "gas_site",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_code", sa.Text(), nullable=True),
        sa.Column("township", sa.Text(), nullable=True),
        sa.Column(
            "missing",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("maintainer", sa.Text(), nullable=True),
        sa.Column("section", sa.Text(), nullable=True),
        sa.Column("responsible", sa.Text(), nullable=True),
        sa.Column("verification", sa.Text(), nullable=False),
        sa.Column("project_code", sa.Text(), nullable=True),
        sa.Column("progress", sa.Text(), nullable=True),
        sa.Column("progress_percent", sa.Double(), nullable=True),
        sa.Column("planned_start_on", sa.Date(), nullable=True),
        sa.Column("planned_completion_on", sa.Date(), nullable=True),
        sa.Column("started_on", sa.Date(), nullable=True),
        sa.Column("completed_on", sa.Date(), nullable=True),
        sa.Column("accepted_on", sa.Date(), nullable=True),
        sa.Column("service_state", sa.Text(), nullable=False),
        sa.Column("site_type", sa.Text(), nullable=False),
        sa.Column("supply", sa.Text(), nullable=True),
        sa.Column("supplier", sa.Text(), nullable=True),
        sa.Column("grade", sa.Text(), nullable=True),
        sa.Column("risk_class", sa.Text(), nullable=True),
        sa.Column("operating_state", sa.Text(), nullable=False),
        sa.Column("permit_number", sa.Text(), nullable=True),
        sa.Column("permit_expires_on", sa.Date(), nullable=True),
        sa.Column("contact", sa.Text(), nullable=True),
        sa.Column("alarm", sa.Text(), nullable=True),
        sa.Column("shut_off_valve", sa.Text(), nullable=True),
        sa.Column("metal_hose", sa.Text(), nullable=True),
        sa.Column("in_basement", sa.Boolean(), nullable=True),
        sa.Column("cylinders", sa.Integer(), nullable=True),
        sa.Column("company_checked_on", sa.Date(), nullable=True),
        sa.Column("emergency_plan", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column(
            "geometry",
            Geometry(
                geometry_type="POINT",
                srid=4490,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column(
            "geometry_3857",
            Geometry(
                geometry_type="POINT",
                srid=3857,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            sa.Computed("ST_Transform(geometry, 3857)", persisted=True),
            nullable=True,
        ),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("valid", postgresql.TSTZRANGE(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_tx", TransactionId(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "alarm IN ('working', 'faulty', 'absent')", name=op.f("ck_gas_site_alarm")
        ),
        sa.CheckConstraint(
            "metal_hose IN ('working', 'faulty', 'absent')",
            name=op.f("ck_gas_site_metal_hose"),
        ),
        sa.CheckConstraint(
            "operating_state IN ('open', 'closed', 'gas_cut')",
            name=op.f("ck_gas_site_operating_state"),
        ),
        sa.CheckConstraint(
            "progress IN ('planned', 'designed', 'under_construction', 'completed', 'accepted')",
            name=op.f("ck_gas_site_progress"),
        ),
        sa.CheckConstraint(
            "risk_class IN ('high', 'medium', 'low')",
            name=op.f("ck_gas_site_risk_class"),
        ),
        sa.CheckConstraint(
            "service_state IN ('in_use', 'suspended', 'abandoned', 'removed')",
            name=op.f("ck_gas_site_service_state"),
        ),
        sa.CheckConstraint(
            "shut_off_valve IN ('working', 'faulty', 'absent')",
            name=op.f("ck_gas_site_shut_off_valve"),
        ),
        sa.CheckConstraint(
            "site_type IN ('storage_station', 'gate_station', 'regulator', 'cylinder_station', 'market', 'restaurant', 'other_non_residential', 'residential_area')",
            name=op.f("ck_gas_site_site_type"),
        ),
        sa.CheckConstraint(
            "supply IN ('piped', 'bottled')", name=op.f("ck_gas_site_supply")
        ),
        sa.CheckConstraint(
            "verification IN ('unverified', 'field_verified', 'as_built')",
            name=op.f("ck_gas_site_verification"),
        ),
        sa.CheckConstraint(
            "ST_NPoints(geometry) <= 100000 AND NOT ST_IsEmpty(geometry) AND ST_XMin(geometry) >= -180 AND ST_XMax(geometry) <= 180 AND ST_YMin(geometry) >= -85.0511287798066 AND ST_YMax(geometry) <= 85.0511287798066 AND ST_IsValid(geometry)",
            name=op.f("ck_gas_site_geometry"),
        ),
        sa.CheckConstraint(
            "char_length(address) <= 200", name=op.f("ck_gas_site_address")
        ),
        sa.CheckConstraint("char_length(code) <= 64", name=op.f("ck_gas_site_code")),
        sa.CheckConstraint(
            "char_length(contact) <= 200", name=op.f("ck_gas_site_contact")
        ),
        sa.CheckConstraint(
            "char_length(emergency_plan) <= 200",
            name=op.f("ck_gas_site_emergency_plan"),
        ),
        sa.CheckConstraint("char_length(grade) <= 200", name=op.f("ck_gas_site_grade")),
        sa.CheckConstraint(
            "char_length(maintainer) <= 200", name=op.f("ck_gas_site_maintainer")
        ),
        sa.CheckConstraint("char_length(name) <= 200", name=op.f("ck_gas_site_name")),
        sa.CheckConstraint("char_length(note) <= 2000", name=op.f("ck_gas_site_note")),
        sa.CheckConstraint("char_length(owner) <= 200", name=op.f("ck_gas_site_owner")),
        sa.CheckConstraint(
            "char_length(permit_number) <= 200", name=op.f("ck_gas_site_permit_number")
        ),
        sa.CheckConstraint(
            "char_length(project_code) <= 64", name=op.f("ck_gas_site_project_code")
        ),
        sa.CheckConstraint(
            "char_length(responsible) <= 200", name=op.f("ck_gas_site_responsible")
        ),
        sa.CheckConstraint(
            "char_length(section) <= 200", name=op.f("ck_gas_site_section")
        ),
        sa.CheckConstraint(
            "char_length(source) <= 200", name=op.f("ck_gas_site_source")
        ),
        sa.CheckConstraint(
            "char_length(source_code) <= 200", name=op.f("ck_gas_site_source_code")
        ),
        sa.CheckConstraint(
            "char_length(supplier) <= 200", name=op.f("ck_gas_site_supplier")
        ),
        sa.CheckConstraint(
            "char_length(township) <= 12", name=op.f("ck_gas_site_township")
        ),
        sa.CheckConstraint(
            "cylinders >= 0 AND cylinders <= 100000", name=op.f("ck_gas_site_cylinders")
        ),
        sa.CheckConstraint(
            "progress_percent >= 0 AND progress_percent <= 100",
            name=op.f("ck_gas_site_progress_percent"),
        ),
        sa.CheckConstraint(
            "upper_inf(valid) AND NOT lower_inf(valid)", name=op.f("ck_gas_site_valid")
        ),
        sa.ForeignKeyConstraint(
            ["id"],
            ["core.asset.id"],
            name=op.f("fk_gas_site_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gas_site")),
        sa.UniqueConstraint("code", name=op.f("uq_gas_site_code")),
        sa.UniqueConstraint(
            "source", "source_code", name=op.f("uq_gas_site_source_source_code")
        ),
        schema="core",
    )
    op.create_geospatial_index(
        "ix_gas_site_geometry",
        "gas_site",
        ["geometry"],
        unique=False,
        schema="core",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_geospatial_index(
        "ix_gas_site_geometry_3857",
        "gas_site",
        ["geometry_3857"],
        unique=False,
        schema="core",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_index(
        "ix_gas_site_words",
        "gas_site",
        ["code", "name"],
        unique=False,
        schema="core",
        postgresql_using="gin",
        postgresql_ops={"code": "gin_trgm_ops", "name": "gin_trgm_ops"},
    )
    op.create_geospatial_table(
        "hazard",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_code", sa.Text(), nullable=True),
        sa.Column("township", sa.Text(), nullable=True),
        sa.Column(
            "missing",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("asset_id", sa.Text(), nullable=True),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("original_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fixed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("extensions", sa.Integer(), nullable=False),
        sa.Column("returns", sa.Integer(), nullable=False),
        sa.Column("use_suspended", sa.Boolean(), nullable=False),
        sa.Column("supervision_listed", sa.Boolean(), nullable=False),
        sa.Column("duty_holder", sa.Text(), nullable=True),
        sa.Column("survivor", sa.Text(), nullable=True),
        sa.Column("review_on", sa.Date(), nullable=True),
        sa.Column(
            "geometry",
            Geometry(
                geometry_type="POINT",
                srid=4490,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column(
            "geometry_3857",
            Geometry(
                geometry_type="POINT",
                srid=3857,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            sa.Computed("ST_Transform(geometry, 3857)", persisted=True),
            nullable=True,
        ),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("valid", postgresql.TSTZRANGE(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_tx", TransactionId(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "category IN ('gas', 'flood', 'sewer', 'road', 'village_fire', 'site', 'land', 'other')",
            name=op.f("ck_hazard_category"),
        ),
        sa.CheckConstraint(
            "origin IN ('department', 'company', 'superior', 'hotline', 'joint')",
            name=op.f("ck_hazard_origin"),
        ),
        sa.CheckConstraint(
            "severity IN ('major', 'general_a', 'general_b', 'minor')",
            name=op.f("ck_hazard_severity"),
        ),
        sa.CheckConstraint(
            "state IN ('found', 'registered', 'notified', 'rectifying', 'submitted', 'returned', 'fixed_on_spot', 'deferred', 'closed', 'transferred', 'dismissed', 'duplicate')",
            name=op.f("ck_hazard_state"),
        ),
        sa.CheckConstraint(
            "ST_NPoints(geometry) <= 100000 AND NOT ST_IsEmpty(geometry) AND ST_XMin(geometry) >= -180 AND ST_XMax(geometry) <= 180 AND ST_YMin(geometry) >= -85.0511287798066 AND ST_YMax(geometry) <= 85.0511287798066 AND ST_IsValid(geometry)",
            name=op.f("ck_hazard_geometry"),
        ),
        sa.CheckConstraint(
            "char_length(asset_id) <= 36", name=op.f("ck_hazard_asset_id")
        ),
        sa.CheckConstraint("char_length(code) <= 64", name=op.f("ck_hazard_code")),
        sa.CheckConstraint(
            "char_length(description) <= 2000", name=op.f("ck_hazard_description")
        ),
        sa.CheckConstraint(
            "char_length(duty_holder) <= 200", name=op.f("ck_hazard_duty_holder")
        ),
        sa.CheckConstraint("char_length(name) <= 200", name=op.f("ck_hazard_name")),
        sa.CheckConstraint("char_length(note) <= 2000", name=op.f("ck_hazard_note")),
        sa.CheckConstraint("char_length(source) <= 200", name=op.f("ck_hazard_source")),
        sa.CheckConstraint(
            "char_length(source_code) <= 200", name=op.f("ck_hazard_source_code")
        ),
        sa.CheckConstraint(
            "char_length(survivor) <= 64", name=op.f("ck_hazard_survivor")
        ),
        sa.CheckConstraint(
            "char_length(township) <= 12", name=op.f("ck_hazard_township")
        ),
        sa.CheckConstraint("extensions >= 0", name=op.f("ck_hazard_extensions")),
        sa.CheckConstraint("returns >= 0", name=op.f("ck_hazard_returns")),
        sa.CheckConstraint(
            "upper_inf(valid) AND NOT lower_inf(valid)", name=op.f("ck_hazard_valid")
        ),
        sa.ForeignKeyConstraint(
            ["id"],
            ["core.asset.id"],
            name=op.f("fk_hazard_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hazard")),
        sa.UniqueConstraint("code", name=op.f("uq_hazard_code")),
        sa.UniqueConstraint(
            "source", "source_code", name=op.f("uq_hazard_source_source_code")
        ),
        schema="core",
    )
    op.create_geospatial_index(
        "ix_hazard_geometry",
        "hazard",
        ["geometry"],
        unique=False,
        schema="core",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_geospatial_index(
        "ix_hazard_geometry_3857",
        "hazard",
        ["geometry_3857"],
        unique=False,
        schema="core",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_index(
        "ix_hazard_words",
        "hazard",
        ["code", "name"],
        unique=False,
        schema="core",
        postgresql_using="gin",
        postgresql_ops={"code": "gin_trgm_ops", "name": "gin_trgm_ops"},
    )
    op.create_geospatial_table(
        "pocket_park",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_code", sa.Text(), nullable=True),
        sa.Column("township", sa.Text(), nullable=True),
        sa.Column(
            "missing",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("maintainer", sa.Text(), nullable=True),
        sa.Column("section", sa.Text(), nullable=True),
        sa.Column("responsible", sa.Text(), nullable=True),
        sa.Column("verification", sa.Text(), nullable=False),
        sa.Column("project_code", sa.Text(), nullable=True),
        sa.Column("progress", sa.Text(), nullable=True),
        sa.Column("progress_percent", sa.Double(), nullable=True),
        sa.Column("planned_start_on", sa.Date(), nullable=True),
        sa.Column("planned_completion_on", sa.Date(), nullable=True),
        sa.Column("started_on", sa.Date(), nullable=True),
        sa.Column("completed_on", sa.Date(), nullable=True),
        sa.Column("accepted_on", sa.Date(), nullable=True),
        sa.Column("service_state", sa.Text(), nullable=False),
        sa.Column("park_type", sa.Text(), nullable=False),
        sa.Column("work", sa.Text(), nullable=True),
        sa.Column("declared_area_m2", sa.Double(), nullable=True),
        sa.Column("green_rate_percent", sa.Double(), nullable=True),
        sa.Column("entrances", sa.Integer(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column(
            "geometry",
            Geometry(
                geometry_type="MULTIPOLYGON",
                srid=4490,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column(
            "geometry_3857",
            Geometry(
                geometry_type="MULTIPOLYGON",
                srid=3857,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            sa.Computed("ST_Transform(geometry, 3857)", persisted=True),
            nullable=True,
        ),
        sa.Column(
            "area_m2",
            sa.Double(),
            sa.Computed("ST_Area(geometry::geography)", persisted=True),
            nullable=True,
        ),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("valid", postgresql.TSTZRANGE(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_tx", TransactionId(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "park_type IN ('pocket_park', 'street_green', 'garden', 'other')",
            name=op.f("ck_pocket_park_park_type"),
        ),
        sa.CheckConstraint(
            "progress IN ('planned', 'designed', 'under_construction', 'completed', 'accepted')",
            name=op.f("ck_pocket_park_progress"),
        ),
        sa.CheckConstraint(
            "service_state IN ('in_use', 'suspended', 'abandoned', 'removed')",
            name=op.f("ck_pocket_park_service_state"),
        ),
        sa.CheckConstraint(
            "verification IN ('unverified', 'field_verified', 'as_built')",
            name=op.f("ck_pocket_park_verification"),
        ),
        sa.CheckConstraint(
            "work IN ('new', 'rebuilt')", name=op.f("ck_pocket_park_work")
        ),
        sa.CheckConstraint(
            "ST_NPoints(geometry) <= 100000 AND NOT ST_IsEmpty(geometry) AND ST_XMin(geometry) >= -180 AND ST_XMax(geometry) <= 180 AND ST_YMin(geometry) >= -85.0511287798066 AND ST_YMax(geometry) <= 85.0511287798066 AND ST_AsText(geometry, 0) !~ 'EMPTY|[(][)]' AND ST_IsValid(geometry)",
            name=op.f("ck_pocket_park_geometry"),
        ),
        sa.CheckConstraint(
            "char_length(address) <= 200", name=op.f("ck_pocket_park_address")
        ),
        sa.CheckConstraint("char_length(code) <= 64", name=op.f("ck_pocket_park_code")),
        sa.CheckConstraint(
            "char_length(maintainer) <= 200", name=op.f("ck_pocket_park_maintainer")
        ),
        sa.CheckConstraint(
            "char_length(name) <= 200", name=op.f("ck_pocket_park_name")
        ),
        sa.CheckConstraint(
            "char_length(note) <= 2000", name=op.f("ck_pocket_park_note")
        ),
        sa.CheckConstraint(
            "char_length(owner) <= 200", name=op.f("ck_pocket_park_owner")
        ),
        sa.CheckConstraint(
            "char_length(project_code) <= 64", name=op.f("ck_pocket_park_project_code")
        ),
        sa.CheckConstraint(
            "char_length(responsible) <= 200", name=op.f("ck_pocket_park_responsible")
        ),
        sa.CheckConstraint(
            "char_length(section) <= 200", name=op.f("ck_pocket_park_section")
        ),
        sa.CheckConstraint(
            "char_length(source) <= 200", name=op.f("ck_pocket_park_source")
        ),
        sa.CheckConstraint(
            "char_length(source_code) <= 200", name=op.f("ck_pocket_park_source_code")
        ),
        sa.CheckConstraint(
            "char_length(township) <= 12", name=op.f("ck_pocket_park_township")
        ),
        sa.CheckConstraint(
            "declared_area_m2 >= 0 AND declared_area_m2 <= 100000000.0",
            name=op.f("ck_pocket_park_declared_area_m2"),
        ),
        sa.CheckConstraint(
            "entrances >= 0 AND entrances <= 1000",
            name=op.f("ck_pocket_park_entrances"),
        ),
        sa.CheckConstraint(
            "green_rate_percent >= 0 AND green_rate_percent <= 100",
            name=op.f("ck_pocket_park_green_rate_percent"),
        ),
        sa.CheckConstraint(
            "progress_percent >= 0 AND progress_percent <= 100",
            name=op.f("ck_pocket_park_progress_percent"),
        ),
        sa.CheckConstraint(
            "upper_inf(valid) AND NOT lower_inf(valid)",
            name=op.f("ck_pocket_park_valid"),
        ),
        sa.ForeignKeyConstraint(
            ["id"],
            ["core.asset.id"],
            name=op.f("fk_pocket_park_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pocket_park")),
        sa.UniqueConstraint("code", name=op.f("uq_pocket_park_code")),
        sa.UniqueConstraint(
            "source", "source_code", name=op.f("uq_pocket_park_source_source_code")
        ),
        schema="core",
    )
    op.create_geospatial_index(
        "ix_pocket_park_geometry",
        "pocket_park",
        ["geometry"],
        unique=False,
        schema="core",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_geospatial_index(
        "ix_pocket_park_geometry_3857",
        "pocket_park",
        ["geometry_3857"],
        unique=False,
        schema="core",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_index(
        "ix_pocket_park_words",
        "pocket_park",
        ["code", "name"],
        unique=False,
        schema="core",
        postgresql_using="gin",
        postgresql_ops={"code": "gin_trgm_ops", "name": "gin_trgm_ops"},
    )
    op.create_geospatial_table(
        "population",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_code", sa.Text(), nullable=True),
        sa.Column("township", sa.Text(), nullable=True),
        sa.Column(
            "missing",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("people", sa.Double(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column(
            "geometry",
            Geometry(
                srid=4490,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column(
            "geometry_3857",
            Geometry(
                srid=3857,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            sa.Computed("ST_Transform(geometry, 3857)", persisted=True),
            nullable=True,
        ),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("valid", postgresql.TSTZRANGE(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_tx", TransactionId(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "method IN ('census', 'register', 'dasymetric', 'modelled')",
            name=op.f("ck_population_method"),
        ),
        sa.CheckConstraint(
            "GeometryType(geometry) IN ('POINT', 'MULTIPOLYGON') AND ST_NPoints(geometry) <= 100000 AND NOT ST_IsEmpty(geometry) AND ST_XMin(geometry) >= -180 AND ST_XMax(geometry) <= 180 AND ST_YMin(geometry) >= -85.0511287798066 AND ST_YMax(geometry) <= 85.0511287798066 AND ST_AsText(geometry, 0) !~ 'EMPTY|[(][)]' AND ST_IsValid(geometry)",
            name=op.f("ck_population_geometry"),
        ),
        sa.CheckConstraint("char_length(code) <= 64", name=op.f("ck_population_code")),
        sa.CheckConstraint("char_length(name) <= 200", name=op.f("ck_population_name")),
        sa.CheckConstraint(
            "char_length(note) <= 2000", name=op.f("ck_population_note")
        ),
        sa.CheckConstraint(
            "char_length(source) <= 200", name=op.f("ck_population_source")
        ),
        sa.CheckConstraint(
            "char_length(source_code) <= 200", name=op.f("ck_population_source_code")
        ),
        sa.CheckConstraint(
            "char_length(township) <= 12", name=op.f("ck_population_township")
        ),
        sa.CheckConstraint(
            "people >= 0 AND people <= 100000000.0", name=op.f("ck_population_people")
        ),
        sa.CheckConstraint(
            "upper_inf(valid) AND NOT lower_inf(valid)",
            name=op.f("ck_population_valid"),
        ),
        sa.CheckConstraint(
            "year >= 1949 AND year <= 2200", name=op.f("ck_population_year")
        ),
        sa.ForeignKeyConstraint(
            ["id"],
            ["core.asset.id"],
            name=op.f("fk_population_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_population")),
        sa.UniqueConstraint("code", name=op.f("uq_population_code")),
        sa.UniqueConstraint(
            "source", "source_code", name=op.f("uq_population_source_source_code")
        ),
        schema="core",
    )
    op.create_geospatial_index(
        "ix_population_geometry",
        "population",
        ["geometry"],
        unique=False,
        schema="core",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_geospatial_index(
        "ix_population_geometry_3857",
        "population",
        ["geometry_3857"],
        unique=False,
        schema="core",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_index(
        "ix_population_words",
        "population",
        ["code", "name"],
        unique=False,
        schema="core",
        postgresql_using="gin",
        postgresql_ops={"code": "gin_trgm_ops", "name": "gin_trgm_ops"},
    )
    op.create_geospatial_table(
        "project",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_code", sa.Text(), nullable=True),
        sa.Column("township", sa.Text(), nullable=True),
        sa.Column(
            "missing",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("stopped", sa.Boolean(), nullable=False),
        sa.Column("state_code", sa.Text(), nullable=True),
        sa.Column("delivery", sa.Text(), nullable=True),
        sa.Column("client", sa.Text(), nullable=True),
        sa.Column("designer", sa.Text(), nullable=True),
        sa.Column("contractor", sa.Text(), nullable=True),
        sa.Column("supervisor", sa.Text(), nullable=True),
        sa.Column("planned_start_on", sa.Date(), nullable=True),
        sa.Column("planned_completion_on", sa.Date(), nullable=True),
        sa.Column("started_on", sa.Date(), nullable=True),
        sa.Column("completed_on", sa.Date(), nullable=True),
        sa.Column("progress_percent", sa.Double(), nullable=True),
        sa.Column("total_investment_yuan", sa.Double(), nullable=True),
        sa.Column("annual_plan_yuan", sa.Double(), nullable=True),
        sa.Column("completed_by_progress_yuan", sa.Double(), nullable=True),
        sa.Column("completed_by_payment_yuan", sa.Double(), nullable=True),
        sa.Column("completed_in_statistics_yuan", sa.Double(), nullable=True),
        sa.Column(
            "money",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("issues", sa.Text(), nullable=True),
        sa.Column("on_reserve_list", sa.Boolean(), nullable=True),
        sa.Column(
            "geometry",
            Geometry(
                geometry_type="POINT",
                srid=4490,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column(
            "geometry_3857",
            Geometry(
                geometry_type="POINT",
                srid=3857,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            sa.Computed("ST_Transform(geometry, 3857)", persisted=True),
            nullable=True,
        ),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("valid", postgresql.TSTZRANGE(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_tx", TransactionId(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "delivery IN ('epc', 'concession', 'own')", name=op.f("ck_project_delivery")
        ),
        sa.CheckConstraint(
            "stage IN ('reserve', 'feasibility', 'approved', 'preparation', 'tender', 'started', 'main_works', 'equipment', 'trial_run', 'completed', 'accepted', 'handed_over', 'settled')",
            name=op.f("ck_project_stage"),
        ),
        sa.CheckConstraint(
            "ST_NPoints(geometry) <= 100000 AND NOT ST_IsEmpty(geometry) AND ST_XMin(geometry) >= -180 AND ST_XMax(geometry) <= 180 AND ST_YMin(geometry) >= -85.0511287798066 AND ST_YMax(geometry) <= 85.0511287798066 AND ST_IsValid(geometry)",
            name=op.f("ck_project_geometry"),
        ),
        sa.CheckConstraint(
            "annual_plan_yuan >= 0 AND annual_plan_yuan <= 1000000000000.0",
            name=op.f("ck_project_annual_plan_yuan"),
        ),
        sa.CheckConstraint(
            "char_length(client) <= 200", name=op.f("ck_project_client")
        ),
        sa.CheckConstraint("char_length(code) <= 64", name=op.f("ck_project_code")),
        sa.CheckConstraint(
            "char_length(contractor) <= 200", name=op.f("ck_project_contractor")
        ),
        sa.CheckConstraint(
            "char_length(designer) <= 200", name=op.f("ck_project_designer")
        ),
        sa.CheckConstraint(
            "char_length(issues) <= 2000", name=op.f("ck_project_issues")
        ),
        sa.CheckConstraint("char_length(name) <= 200", name=op.f("ck_project_name")),
        sa.CheckConstraint("char_length(note) <= 2000", name=op.f("ck_project_note")),
        sa.CheckConstraint(
            "char_length(source) <= 200", name=op.f("ck_project_source")
        ),
        sa.CheckConstraint(
            "char_length(source_code) <= 200", name=op.f("ck_project_source_code")
        ),
        sa.CheckConstraint(
            "char_length(state_code) <= 200", name=op.f("ck_project_state_code")
        ),
        sa.CheckConstraint(
            "char_length(supervisor) <= 200", name=op.f("ck_project_supervisor")
        ),
        sa.CheckConstraint(
            "char_length(township) <= 12", name=op.f("ck_project_township")
        ),
        sa.CheckConstraint(
            "completed_by_payment_yuan >= 0 AND completed_by_payment_yuan <= 1000000000000.0",
            name=op.f("ck_project_completed_by_payment_yuan"),
        ),
        sa.CheckConstraint(
            "completed_by_progress_yuan >= 0 AND completed_by_progress_yuan <= 1000000000000.0",
            name=op.f("ck_project_completed_by_progress_yuan"),
        ),
        sa.CheckConstraint(
            "completed_in_statistics_yuan >= 0 AND completed_in_statistics_yuan <= 1000000000000.0",
            name=op.f("ck_project_completed_in_statistics_yuan"),
        ),
        sa.CheckConstraint(
            "progress_percent >= 0 AND progress_percent <= 100",
            name=op.f("ck_project_progress_percent"),
        ),
        sa.CheckConstraint(
            "total_investment_yuan >= 0 AND total_investment_yuan <= 1000000000000.0",
            name=op.f("ck_project_total_investment_yuan"),
        ),
        sa.CheckConstraint(
            "upper_inf(valid) AND NOT lower_inf(valid)", name=op.f("ck_project_valid")
        ),
        sa.ForeignKeyConstraint(
            ["id"],
            ["core.asset.id"],
            name=op.f("fk_project_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project")),
        sa.UniqueConstraint("code", name=op.f("uq_project_code")),
        sa.UniqueConstraint(
            "source", "source_code", name=op.f("uq_project_source_source_code")
        ),
        schema="core",
    )
    op.create_geospatial_index(
        "ix_project_geometry",
        "project",
        ["geometry"],
        unique=False,
        schema="core",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_geospatial_index(
        "ix_project_geometry_3857",
        "project",
        ["geometry_3857"],
        unique=False,
        schema="core",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_index(
        "ix_project_words",
        "project",
        ["code", "name"],
        unique=False,
        schema="core",
        postgresql_using="gin",
        postgresql_ops={"code": "gin_trgm_ops", "name": "gin_trgm_ops"},
    )
    op.create_table(
        "project_asset",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("asset_id", sa.Uuid(), nullable=False),
        sa.Column("work", sa.Text(), nullable=False),
        sa.Column("progress", sa.Text(), nullable=True),
        sa.Column("progress_percent", sa.SmallInteger(), nullable=True),
        sa.CheckConstraint(
            "progress_percent BETWEEN 0 AND 100",
            name=op.f("ck_project_asset_progress_percent"),
        ),
        sa.ForeignKeyConstraint(
            ["asset_id"], ["core.asset.id"], name=op.f("fk_project_asset_asset_id")
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["core.asset.id"], name=op.f("fk_project_asset_project_id")
        ),
        sa.PrimaryKeyConstraint(
            "project_id", "asset_id", "work", name=op.f("pk_project_asset")
        ),
        schema="core",
    )
    op.create_geospatial_table(
        "road",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_code", sa.Text(), nullable=True),
        sa.Column("township", sa.Text(), nullable=True),
        sa.Column(
            "missing",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("maintainer", sa.Text(), nullable=True),
        sa.Column("section", sa.Text(), nullable=True),
        sa.Column("responsible", sa.Text(), nullable=True),
        sa.Column("verification", sa.Text(), nullable=False),
        sa.Column("project_code", sa.Text(), nullable=True),
        sa.Column("progress", sa.Text(), nullable=True),
        sa.Column("progress_percent", sa.Double(), nullable=True),
        sa.Column("planned_start_on", sa.Date(), nullable=True),
        sa.Column("planned_completion_on", sa.Date(), nullable=True),
        sa.Column("started_on", sa.Date(), nullable=True),
        sa.Column("completed_on", sa.Date(), nullable=True),
        sa.Column("accepted_on", sa.Date(), nullable=True),
        sa.Column("service_state", sa.Text(), nullable=False),
        sa.Column("road_class", sa.Text(), nullable=False),
        sa.Column("from_point", sa.Text(), nullable=True),
        sa.Column("to_point", sa.Text(), nullable=True),
        sa.Column("right_of_way_m", sa.Double(), nullable=True),
        sa.Column("carriageway_width_m", sa.Double(), nullable=True),
        sa.Column("carriageway_area_m2", sa.Double(), nullable=True),
        sa.Column("sidewalk_area_m2", sa.Double(), nullable=True),
        sa.Column("lanes", sa.Integer(), nullable=True),
        sa.Column("is_oneway", sa.Boolean(), nullable=True),
        sa.Column(
            "geometry",
            Geometry(
                geometry_type="LINESTRING",
                srid=4490,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column(
            "geometry_3857",
            Geometry(
                geometry_type="LINESTRING",
                srid=3857,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            sa.Computed("ST_Transform(geometry, 3857)", persisted=True),
            nullable=True,
        ),
        sa.Column(
            "length_m",
            sa.Double(),
            sa.Computed("ST_Length(geometry::geography)", persisted=True),
            nullable=True,
        ),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("valid", postgresql.TSTZRANGE(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_tx", TransactionId(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "progress IN ('planned', 'designed', 'under_construction', 'completed', 'accepted')",
            name=op.f("ck_road_progress"),
        ),
        sa.CheckConstraint(
            "road_class IN ('expressway', 'arterial', 'secondary', 'branch', 'path')",
            name=op.f("ck_road_road_class"),
        ),
        sa.CheckConstraint(
            "service_state IN ('in_use', 'suspended', 'abandoned', 'removed')",
            name=op.f("ck_road_service_state"),
        ),
        sa.CheckConstraint(
            "verification IN ('unverified', 'field_verified', 'as_built')",
            name=op.f("ck_road_verification"),
        ),
        sa.CheckConstraint(
            "ST_NPoints(geometry) <= 100000 AND NOT ST_IsEmpty(geometry) AND ST_XMin(geometry) >= -180 AND ST_XMax(geometry) <= 180 AND ST_YMin(geometry) >= -85.0511287798066 AND ST_YMax(geometry) <= 85.0511287798066 AND ST_IsValid(geometry)",
            name=op.f("ck_road_geometry"),
        ),
        sa.CheckConstraint(
            "carriageway_area_m2 >= 0 AND carriageway_area_m2 < 'Infinity'", name=op.f("ck_road_carriageway_area_m2")
        ),
        sa.CheckConstraint(
            "carriageway_width_m >= 0 AND carriageway_width_m <= 200",
            name=op.f("ck_road_carriageway_width_m"),
        ),
        sa.CheckConstraint("char_length(code) <= 64", name=op.f("ck_road_code")),
        sa.CheckConstraint(
            "char_length(from_point) <= 200", name=op.f("ck_road_from_point")
        ),
        sa.CheckConstraint(
            "char_length(maintainer) <= 200", name=op.f("ck_road_maintainer")
        ),
        sa.CheckConstraint("char_length(name) <= 200", name=op.f("ck_road_name")),
        sa.CheckConstraint("char_length(note) <= 2000", name=op.f("ck_road_note")),
        sa.CheckConstraint("char_length(owner) <= 200", name=op.f("ck_road_owner")),
        sa.CheckConstraint(
            "char_length(project_code) <= 64", name=op.f("ck_road_project_code")
        ),
        sa.CheckConstraint(
            "char_length(responsible) <= 200", name=op.f("ck_road_responsible")
        ),
        sa.CheckConstraint("char_length(section) <= 200", name=op.f("ck_road_section")),
        sa.CheckConstraint("char_length(source) <= 200", name=op.f("ck_road_source")),
        sa.CheckConstraint(
            "char_length(source_code) <= 200", name=op.f("ck_road_source_code")
        ),
        sa.CheckConstraint(
            "char_length(to_point) <= 200", name=op.f("ck_road_to_point")
        ),
        sa.CheckConstraint(
            "char_length(township) <= 12", name=op.f("ck_road_township")
        ),
        sa.CheckConstraint("lanes >= 1 AND lanes <= 20", name=op.f("ck_road_lanes")),
        sa.CheckConstraint(
            "progress_percent >= 0 AND progress_percent <= 100",
            name=op.f("ck_road_progress_percent"),
        ),
        sa.CheckConstraint(
            "right_of_way_m >= 0 AND right_of_way_m <= 500",
            name=op.f("ck_road_right_of_way_m"),
        ),
        sa.CheckConstraint(
            "sidewalk_area_m2 >= 0 AND sidewalk_area_m2 < 'Infinity'", name=op.f("ck_road_sidewalk_area_m2")
        ),
        sa.CheckConstraint(
            "upper_inf(valid) AND NOT lower_inf(valid)", name=op.f("ck_road_valid")
        ),
        sa.ForeignKeyConstraint(
            ["id"],
            ["core.asset.id"],
            name=op.f("fk_road_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_road")),
        sa.UniqueConstraint("code", name=op.f("uq_road_code")),
        sa.UniqueConstraint(
            "source", "source_code", name=op.f("uq_road_source_source_code")
        ),
        schema="core",
    )
    op.create_geospatial_index(
        "ix_road_geometry",
        "road",
        ["geometry"],
        unique=False,
        schema="core",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_geospatial_index(
        "ix_road_geometry_3857",
        "road",
        ["geometry_3857"],
        unique=False,
        schema="core",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_index(
        "ix_road_words",
        "road",
        ["code", "name"],
        unique=False,
        schema="core",
        postgresql_using="gin",
        postgresql_ops={"code": "gin_trgm_ops", "name": "gin_trgm_ops"},
    )
    op.create_geospatial_table(
        "sewage_facility",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_code", sa.Text(), nullable=True),
        sa.Column("township", sa.Text(), nullable=True),
        sa.Column(
            "missing",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("maintainer", sa.Text(), nullable=True),
        sa.Column("section", sa.Text(), nullable=True),
        sa.Column("responsible", sa.Text(), nullable=True),
        sa.Column("verification", sa.Text(), nullable=False),
        sa.Column("project_code", sa.Text(), nullable=True),
        sa.Column("progress", sa.Text(), nullable=True),
        sa.Column("progress_percent", sa.Double(), nullable=True),
        sa.Column("planned_start_on", sa.Date(), nullable=True),
        sa.Column("planned_completion_on", sa.Date(), nullable=True),
        sa.Column("started_on", sa.Date(), nullable=True),
        sa.Column("completed_on", sa.Date(), nullable=True),
        sa.Column("accepted_on", sa.Date(), nullable=True),
        sa.Column("service_state", sa.Text(), nullable=False),
        sa.Column("facility_type", sa.Text(), nullable=False),
        sa.Column("capacity_m3_per_day", sa.Double(), nullable=True),
        sa.Column("receiving_water", sa.Text(), nullable=True),
        sa.Column("bottom_m", sa.Double(), nullable=True),
        sa.Column("has_flap", sa.Boolean(), nullable=True),
        sa.Column(
            "geometry",
            Geometry(
                geometry_type="POINT",
                srid=4490,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column(
            "geometry_3857",
            Geometry(
                geometry_type="POINT",
                srid=3857,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            sa.Computed("ST_Transform(geometry, 3857)", persisted=True),
            nullable=True,
        ),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("valid", postgresql.TSTZRANGE(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_tx", TransactionId(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "facility_type IN ('treatment_plant', 'pumping_station', 'outfall')",
            name=op.f("ck_sewage_facility_facility_type"),
        ),
        sa.CheckConstraint(
            "progress IN ('planned', 'designed', 'under_construction', 'completed', 'accepted')",
            name=op.f("ck_sewage_facility_progress"),
        ),
        sa.CheckConstraint(
            "service_state IN ('in_use', 'suspended', 'abandoned', 'removed')",
            name=op.f("ck_sewage_facility_service_state"),
        ),
        sa.CheckConstraint(
            "verification IN ('unverified', 'field_verified', 'as_built')",
            name=op.f("ck_sewage_facility_verification"),
        ),
        sa.CheckConstraint(
            "ST_NPoints(geometry) <= 100000 AND NOT ST_IsEmpty(geometry) AND ST_XMin(geometry) >= -180 AND ST_XMax(geometry) <= 180 AND ST_YMin(geometry) >= -85.0511287798066 AND ST_YMax(geometry) <= 85.0511287798066 AND ST_IsValid(geometry)",
            name=op.f("ck_sewage_facility_geometry"),
        ),
        sa.CheckConstraint(
            "bottom_m >= -500 AND bottom_m <= 9000",
            name=op.f("ck_sewage_facility_bottom_m"),
        ),
        sa.CheckConstraint(
            "capacity_m3_per_day >= 0 AND capacity_m3_per_day <= 10000000",
            name=op.f("ck_sewage_facility_capacity_m3_per_day"),
        ),
        sa.CheckConstraint(
            "char_length(code) <= 64", name=op.f("ck_sewage_facility_code")
        ),
        sa.CheckConstraint(
            "char_length(maintainer) <= 200", name=op.f("ck_sewage_facility_maintainer")
        ),
        sa.CheckConstraint(
            "char_length(name) <= 200", name=op.f("ck_sewage_facility_name")
        ),
        sa.CheckConstraint(
            "char_length(note) <= 2000", name=op.f("ck_sewage_facility_note")
        ),
        sa.CheckConstraint(
            "char_length(owner) <= 200", name=op.f("ck_sewage_facility_owner")
        ),
        sa.CheckConstraint(
            "char_length(project_code) <= 64",
            name=op.f("ck_sewage_facility_project_code"),
        ),
        sa.CheckConstraint(
            "char_length(receiving_water) <= 200",
            name=op.f("ck_sewage_facility_receiving_water"),
        ),
        sa.CheckConstraint(
            "char_length(responsible) <= 200",
            name=op.f("ck_sewage_facility_responsible"),
        ),
        sa.CheckConstraint(
            "char_length(section) <= 200", name=op.f("ck_sewage_facility_section")
        ),
        sa.CheckConstraint(
            "char_length(source) <= 200", name=op.f("ck_sewage_facility_source")
        ),
        sa.CheckConstraint(
            "char_length(source_code) <= 200",
            name=op.f("ck_sewage_facility_source_code"),
        ),
        sa.CheckConstraint(
            "char_length(township) <= 12", name=op.f("ck_sewage_facility_township")
        ),
        sa.CheckConstraint(
            "progress_percent >= 0 AND progress_percent <= 100",
            name=op.f("ck_sewage_facility_progress_percent"),
        ),
        sa.CheckConstraint(
            "upper_inf(valid) AND NOT lower_inf(valid)",
            name=op.f("ck_sewage_facility_valid"),
        ),
        sa.ForeignKeyConstraint(
            ["id"],
            ["core.asset.id"],
            name=op.f("fk_sewage_facility_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sewage_facility")),
        sa.UniqueConstraint("code", name=op.f("uq_sewage_facility_code")),
        sa.UniqueConstraint(
            "source", "source_code", name=op.f("uq_sewage_facility_source_source_code")
        ),
        schema="core",
    )
    op.create_geospatial_index(
        "ix_sewage_facility_geometry",
        "sewage_facility",
        ["geometry"],
        unique=False,
        schema="core",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_geospatial_index(
        "ix_sewage_facility_geometry_3857",
        "sewage_facility",
        ["geometry_3857"],
        unique=False,
        schema="core",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_index(
        "ix_sewage_facility_words",
        "sewage_facility",
        ["code", "name"],
        unique=False,
        schema="core",
        postgresql_using="gin",
        postgresql_ops={"code": "gin_trgm_ops", "name": "gin_trgm_ops"},
    )
    op.create_geospatial_table(
        "sewer_manhole",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_code", sa.Text(), nullable=True),
        sa.Column("township", sa.Text(), nullable=True),
        sa.Column(
            "missing",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("maintainer", sa.Text(), nullable=True),
        sa.Column("section", sa.Text(), nullable=True),
        sa.Column("responsible", sa.Text(), nullable=True),
        sa.Column("verification", sa.Text(), nullable=False),
        sa.Column("project_code", sa.Text(), nullable=True),
        sa.Column("progress", sa.Text(), nullable=True),
        sa.Column("progress_percent", sa.Double(), nullable=True),
        sa.Column("planned_start_on", sa.Date(), nullable=True),
        sa.Column("planned_completion_on", sa.Date(), nullable=True),
        sa.Column("started_on", sa.Date(), nullable=True),
        sa.Column("completed_on", sa.Date(), nullable=True),
        sa.Column("accepted_on", sa.Date(), nullable=True),
        sa.Column("service_state", sa.Text(), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("manhole_type", sa.Text(), nullable=False),
        sa.Column("ground_m", sa.Double(), nullable=True),
        sa.Column("bottom_m", sa.Double(), nullable=True),
        sa.Column("cover_material", sa.Text(), nullable=True),
        sa.Column("cover_size_mm", sa.Double(), nullable=True),
        sa.Column("cover_state", sa.Text(), nullable=True),
        sa.Column("has_fall_net", sa.Boolean(), nullable=True),
        sa.Column("surveyed_on", sa.Date(), nullable=True),
        sa.Column("survey_batch", sa.Text(), nullable=True),
        sa.Column("survey_unit", sa.Text(), nullable=True),
        sa.Column("road", sa.Text(), nullable=True),
        sa.Column(
            "geometry",
            Geometry(
                geometry_type="POINT",
                srid=4490,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column(
            "geometry_3857",
            Geometry(
                geometry_type="POINT",
                srid=3857,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            sa.Computed("ST_Transform(geometry, 3857)", persisted=True),
            nullable=True,
        ),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("valid", postgresql.TSTZRANGE(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_tx", TransactionId(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "cover_state IN ('good', 'damaged', 'missing', 'buried')",
            name=op.f("ck_sewer_manhole_cover_state"),
        ),
        sa.CheckConstraint(
            "manhole_type IN ('inspection', 'drop', 'sump', 'inlet', 'outfall_node', 'septic_tank', 'grease_trap', 'blind', 'other')",
            name=op.f("ck_sewer_manhole_manhole_type"),
        ),
        sa.CheckConstraint(
            "progress IN ('planned', 'designed', 'under_construction', 'completed', 'accepted')",
            name=op.f("ck_sewer_manhole_progress"),
        ),
        sa.CheckConstraint(
            "service_state IN ('in_use', 'suspended', 'abandoned', 'removed')",
            name=op.f("ck_sewer_manhole_service_state"),
        ),
        sa.CheckConstraint(
            "system IN ('storm', 'sanitary', 'combined')",
            name=op.f("ck_sewer_manhole_system"),
        ),
        sa.CheckConstraint(
            "verification IN ('unverified', 'field_verified', 'as_built')",
            name=op.f("ck_sewer_manhole_verification"),
        ),
        sa.CheckConstraint(
            "ST_NPoints(geometry) <= 100000 AND NOT ST_IsEmpty(geometry) AND ST_XMin(geometry) >= -180 AND ST_XMax(geometry) <= 180 AND ST_YMin(geometry) >= -85.0511287798066 AND ST_YMax(geometry) <= 85.0511287798066 AND ST_IsValid(geometry)",
            name=op.f("ck_sewer_manhole_geometry"),
        ),
        sa.CheckConstraint(
            "bottom_m >= -500 AND bottom_m <= 9000",
            name=op.f("ck_sewer_manhole_bottom_m"),
        ),
        sa.CheckConstraint(
            "char_length(code) <= 64", name=op.f("ck_sewer_manhole_code")
        ),
        sa.CheckConstraint(
            "char_length(cover_material) <= 200",
            name=op.f("ck_sewer_manhole_cover_material"),
        ),
        sa.CheckConstraint(
            "char_length(maintainer) <= 200", name=op.f("ck_sewer_manhole_maintainer")
        ),
        sa.CheckConstraint(
            "char_length(name) <= 200", name=op.f("ck_sewer_manhole_name")
        ),
        sa.CheckConstraint(
            "char_length(note) <= 2000", name=op.f("ck_sewer_manhole_note")
        ),
        sa.CheckConstraint(
            "char_length(owner) <= 200", name=op.f("ck_sewer_manhole_owner")
        ),
        sa.CheckConstraint(
            "char_length(project_code) <= 64",
            name=op.f("ck_sewer_manhole_project_code"),
        ),
        sa.CheckConstraint(
            "char_length(responsible) <= 200", name=op.f("ck_sewer_manhole_responsible")
        ),
        sa.CheckConstraint(
            "char_length(road) <= 200", name=op.f("ck_sewer_manhole_road")
        ),
        sa.CheckConstraint(
            "char_length(section) <= 200", name=op.f("ck_sewer_manhole_section")
        ),
        sa.CheckConstraint(
            "char_length(source) <= 200", name=op.f("ck_sewer_manhole_source")
        ),
        sa.CheckConstraint(
            "char_length(source_code) <= 200", name=op.f("ck_sewer_manhole_source_code")
        ),
        sa.CheckConstraint(
            "char_length(survey_batch) <= 200",
            name=op.f("ck_sewer_manhole_survey_batch"),
        ),
        sa.CheckConstraint(
            "char_length(survey_unit) <= 200", name=op.f("ck_sewer_manhole_survey_unit")
        ),
        sa.CheckConstraint(
            "char_length(township) <= 12", name=op.f("ck_sewer_manhole_township")
        ),
        sa.CheckConstraint(
            "cover_size_mm > 0 AND cover_size_mm <= 5000",
            name=op.f("ck_sewer_manhole_cover_size_mm"),
        ),
        sa.CheckConstraint(
            "ground_m >= -500 AND ground_m <= 9000",
            name=op.f("ck_sewer_manhole_ground_m"),
        ),
        sa.CheckConstraint(
            "progress_percent >= 0 AND progress_percent <= 100",
            name=op.f("ck_sewer_manhole_progress_percent"),
        ),
        sa.CheckConstraint(
            "upper_inf(valid) AND NOT lower_inf(valid)",
            name=op.f("ck_sewer_manhole_valid"),
        ),
        sa.ForeignKeyConstraint(
            ["id"],
            ["core.asset.id"],
            name=op.f("fk_sewer_manhole_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sewer_manhole")),
        sa.UniqueConstraint("code", name=op.f("uq_sewer_manhole_code")),
        sa.UniqueConstraint(
            "source", "source_code", name=op.f("uq_sewer_manhole_source_source_code")
        ),
        schema="core",
    )
    op.create_geospatial_index(
        "ix_sewer_manhole_geometry",
        "sewer_manhole",
        ["geometry"],
        unique=False,
        schema="core",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_geospatial_index(
        "ix_sewer_manhole_geometry_3857",
        "sewer_manhole",
        ["geometry_3857"],
        unique=False,
        schema="core",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_index(
        "ix_sewer_manhole_words",
        "sewer_manhole",
        ["code", "name"],
        unique=False,
        schema="core",
        postgresql_using="gin",
        postgresql_ops={"code": "gin_trgm_ops", "name": "gin_trgm_ops"},
    )
    op.create_geospatial_table(
        "sewer_pipe",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_code", sa.Text(), nullable=True),
        sa.Column("township", sa.Text(), nullable=True),
        sa.Column(
            "missing",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("maintainer", sa.Text(), nullable=True),
        sa.Column("section", sa.Text(), nullable=True),
        sa.Column("responsible", sa.Text(), nullable=True),
        sa.Column("verification", sa.Text(), nullable=False),
        sa.Column("project_code", sa.Text(), nullable=True),
        sa.Column("progress", sa.Text(), nullable=True),
        sa.Column("progress_percent", sa.Double(), nullable=True),
        sa.Column("planned_start_on", sa.Date(), nullable=True),
        sa.Column("planned_completion_on", sa.Date(), nullable=True),
        sa.Column("started_on", sa.Date(), nullable=True),
        sa.Column("completed_on", sa.Date(), nullable=True),
        sa.Column("accepted_on", sa.Date(), nullable=True),
        sa.Column("service_state", sa.Text(), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("up_node", sa.Text(), nullable=True),
        sa.Column("down_node", sa.Text(), nullable=True),
        sa.Column("shape", sa.Text(), nullable=True),
        sa.Column("diameter_mm", sa.Double(), nullable=True),
        sa.Column("width_mm", sa.Double(), nullable=True),
        sa.Column("height_mm", sa.Double(), nullable=True),
        sa.Column("material", sa.Text(), nullable=True),
        sa.Column("up_invert_m", sa.Double(), nullable=True),
        sa.Column("down_invert_m", sa.Double(), nullable=True),
        sa.Column("laying", sa.Text(), nullable=True),
        sa.Column("pressure", sa.Text(), nullable=True),
        sa.Column("surveyed_flow", sa.Text(), nullable=True),
        sa.Column("declared_length_m", sa.Double(), nullable=True),
        sa.Column("built_year", sa.Integer(), nullable=True),
        sa.Column("renewed_on", sa.Date(), nullable=True),
        sa.Column("renewal_reason", sa.Text(), nullable=True),
        sa.Column("surveyed_on", sa.Date(), nullable=True),
        sa.Column("survey_batch", sa.Text(), nullable=True),
        sa.Column("survey_unit", sa.Text(), nullable=True),
        sa.Column("accuracy_m", sa.Double(), nullable=True),
        sa.Column("road", sa.Text(), nullable=True),
        sa.Column(
            "geometry",
            Geometry(
                geometry_type="LINESTRING",
                srid=4490,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column(
            "geometry_3857",
            Geometry(
                geometry_type="LINESTRING",
                srid=3857,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            sa.Computed("ST_Transform(geometry, 3857)", persisted=True),
            nullable=True,
        ),
        sa.Column(
            "length_m",
            sa.Double(),
            sa.Computed("ST_Length(geometry::geography)", persisted=True),
            nullable=True,
        ),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("valid", postgresql.TSTZRANGE(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_tx", TransactionId(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "laying IN ('trench', 'jacking', 'shield', 'drilled', 'channel', 'above_ground', 'other')",
            name=op.f("ck_sewer_pipe_laying"),
        ),
        sa.CheckConstraint(
            "material IN ('concrete', 'hdpe', 'pe', 'pvc', 'cast_iron', 'ductile_iron', 'steel', 'clay', 'brick', 'glass_fibre', 'asbestos_cement', 'other')",
            name=op.f("ck_sewer_pipe_material"),
        ),
        sa.CheckConstraint(
            "pressure IN ('gravity', 'pressure', 'other')",
            name=op.f("ck_sewer_pipe_pressure"),
        ),
        sa.CheckConstraint(
            "progress IN ('planned', 'designed', 'under_construction', 'completed', 'accepted')",
            name=op.f("ck_sewer_pipe_progress"),
        ),
        sa.CheckConstraint(
            "service_state IN ('in_use', 'suspended', 'abandoned', 'removed')",
            name=op.f("ck_sewer_pipe_service_state"),
        ),
        sa.CheckConstraint(
            "shape IN ('circular', 'rectangular', 'egg', 'arch', 'trapezoid', 'other')",
            name=op.f("ck_sewer_pipe_shape"),
        ),
        sa.CheckConstraint(
            "surveyed_flow IN ('forward', 'backward', 'unknown')",
            name=op.f("ck_sewer_pipe_surveyed_flow"),
        ),
        sa.CheckConstraint(
            "system IN ('storm', 'sanitary', 'combined')",
            name=op.f("ck_sewer_pipe_system"),
        ),
        sa.CheckConstraint(
            "verification IN ('unverified', 'field_verified', 'as_built')",
            name=op.f("ck_sewer_pipe_verification"),
        ),
        sa.CheckConstraint(
            "ST_NPoints(geometry) <= 100000 AND NOT ST_IsEmpty(geometry) AND ST_XMin(geometry) >= -180 AND ST_XMax(geometry) <= 180 AND ST_YMin(geometry) >= -85.0511287798066 AND ST_YMax(geometry) <= 85.0511287798066 AND ST_IsValid(geometry)",
            name=op.f("ck_sewer_pipe_geometry"),
        ),
        sa.CheckConstraint(
            "accuracy_m >= 0 AND accuracy_m <= 1000",
            name=op.f("ck_sewer_pipe_accuracy_m"),
        ),
        sa.CheckConstraint(
            "built_year >= 1800 AND built_year <= 2200",
            name=op.f("ck_sewer_pipe_built_year"),
        ),
        sa.CheckConstraint("char_length(code) <= 64", name=op.f("ck_sewer_pipe_code")),
        sa.CheckConstraint(
            "char_length(down_node) <= 64", name=op.f("ck_sewer_pipe_down_node")
        ),
        sa.CheckConstraint(
            "char_length(maintainer) <= 200", name=op.f("ck_sewer_pipe_maintainer")
        ),
        sa.CheckConstraint("char_length(name) <= 200", name=op.f("ck_sewer_pipe_name")),
        sa.CheckConstraint(
            "char_length(note) <= 2000", name=op.f("ck_sewer_pipe_note")
        ),
        sa.CheckConstraint(
            "char_length(owner) <= 200", name=op.f("ck_sewer_pipe_owner")
        ),
        sa.CheckConstraint(
            "char_length(project_code) <= 64", name=op.f("ck_sewer_pipe_project_code")
        ),
        sa.CheckConstraint(
            "char_length(renewal_reason) <= 200",
            name=op.f("ck_sewer_pipe_renewal_reason"),
        ),
        sa.CheckConstraint(
            "char_length(responsible) <= 200", name=op.f("ck_sewer_pipe_responsible")
        ),
        sa.CheckConstraint("char_length(road) <= 200", name=op.f("ck_sewer_pipe_road")),
        sa.CheckConstraint(
            "char_length(section) <= 200", name=op.f("ck_sewer_pipe_section")
        ),
        sa.CheckConstraint(
            "char_length(source) <= 200", name=op.f("ck_sewer_pipe_source")
        ),
        sa.CheckConstraint(
            "char_length(source_code) <= 200", name=op.f("ck_sewer_pipe_source_code")
        ),
        sa.CheckConstraint(
            "char_length(survey_batch) <= 200", name=op.f("ck_sewer_pipe_survey_batch")
        ),
        sa.CheckConstraint(
            "char_length(survey_unit) <= 200", name=op.f("ck_sewer_pipe_survey_unit")
        ),
        sa.CheckConstraint(
            "char_length(township) <= 12", name=op.f("ck_sewer_pipe_township")
        ),
        sa.CheckConstraint(
            "char_length(up_node) <= 64", name=op.f("ck_sewer_pipe_up_node")
        ),
        sa.CheckConstraint(
            "declared_length_m >= 0 AND declared_length_m <= 100000",
            name=op.f("ck_sewer_pipe_declared_length_m"),
        ),
        sa.CheckConstraint(
            "diameter_mm >= 20 AND diameter_mm <= 20000",
            name=op.f("ck_sewer_pipe_diameter_mm"),
        ),
        sa.CheckConstraint(
            "down_invert_m >= -500 AND down_invert_m <= 9000",
            name=op.f("ck_sewer_pipe_down_invert_m"),
        ),
        sa.CheckConstraint(
            "height_mm >= 20 AND height_mm <= 20000",
            name=op.f("ck_sewer_pipe_height_mm"),
        ),
        sa.CheckConstraint(
            "progress_percent >= 0 AND progress_percent <= 100",
            name=op.f("ck_sewer_pipe_progress_percent"),
        ),
        sa.CheckConstraint(
            "up_invert_m >= -500 AND up_invert_m <= 9000",
            name=op.f("ck_sewer_pipe_up_invert_m"),
        ),
        sa.CheckConstraint(
            "upper_inf(valid) AND NOT lower_inf(valid)",
            name=op.f("ck_sewer_pipe_valid"),
        ),
        sa.CheckConstraint(
            "width_mm >= 20 AND width_mm <= 20000", name=op.f("ck_sewer_pipe_width_mm")
        ),
        sa.ForeignKeyConstraint(
            ["id"],
            ["core.asset.id"],
            name=op.f("fk_sewer_pipe_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sewer_pipe")),
        sa.UniqueConstraint("code", name=op.f("uq_sewer_pipe_code")),
        sa.UniqueConstraint(
            "source", "source_code", name=op.f("uq_sewer_pipe_source_source_code")
        ),
        schema="core",
    )
    op.create_geospatial_index(
        "ix_sewer_pipe_geometry",
        "sewer_pipe",
        ["geometry"],
        unique=False,
        schema="core",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_geospatial_index(
        "ix_sewer_pipe_geometry_3857",
        "sewer_pipe",
        ["geometry_3857"],
        unique=False,
        schema="core",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_index(
        "ix_sewer_pipe_words",
        "sewer_pipe",
        ["code", "name"],
        unique=False,
        schema="core",
        postgresql_using="gin",
        postgresql_ops={"code": "gin_trgm_ops", "name": "gin_trgm_ops"},
    )
    op.create_geospatial_table(
        "traditional_village",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_code", sa.Text(), nullable=True),
        sa.Column("township", sa.Text(), nullable=True),
        sa.Column(
            "missing",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("maintainer", sa.Text(), nullable=True),
        sa.Column("section", sa.Text(), nullable=True),
        sa.Column("responsible", sa.Text(), nullable=True),
        sa.Column("verification", sa.Text(), nullable=False),
        sa.Column("project_code", sa.Text(), nullable=True),
        sa.Column("progress", sa.Text(), nullable=True),
        sa.Column("progress_percent", sa.Double(), nullable=True),
        sa.Column("planned_start_on", sa.Date(), nullable=True),
        sa.Column("planned_completion_on", sa.Date(), nullable=True),
        sa.Column("started_on", sa.Date(), nullable=True),
        sa.Column("completed_on", sa.Date(), nullable=True),
        sa.Column("accepted_on", sa.Date(), nullable=True),
        sa.Column("service_state", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("batch", sa.Text(), nullable=True),
        sa.Column("listed_on", sa.Date(), nullable=True),
        sa.Column("households", sa.Integer(), nullable=True),
        sa.Column("people", sa.Integer(), nullable=True),
        sa.Column("traditional_buildings", sa.Integer(), nullable=True),
        sa.Column("core_area_m2", sa.Double(), nullable=True),
        sa.Column("control_area_m2", sa.Double(), nullable=True),
        sa.Column(
            "geometry",
            Geometry(
                geometry_type="POINT",
                srid=4490,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column(
            "geometry_3857",
            Geometry(
                geometry_type="POINT",
                srid=3857,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            sa.Computed("ST_Transform(geometry, 3857)", persisted=True),
            nullable=True,
        ),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("valid", postgresql.TSTZRANGE(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_tx", TransactionId(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "level IN ('national', 'provincial', 'prefecture')",
            name=op.f("ck_traditional_village_level"),
        ),
        sa.CheckConstraint(
            "progress IN ('planned', 'designed', 'under_construction', 'completed', 'accepted')",
            name=op.f("ck_traditional_village_progress"),
        ),
        sa.CheckConstraint(
            "service_state IN ('in_use', 'suspended', 'abandoned', 'removed')",
            name=op.f("ck_traditional_village_service_state"),
        ),
        sa.CheckConstraint(
            "stage IN ('surveyed', 'applied', 'listed', 'plaque')",
            name=op.f("ck_traditional_village_stage"),
        ),
        sa.CheckConstraint(
            "verification IN ('unverified', 'field_verified', 'as_built')",
            name=op.f("ck_traditional_village_verification"),
        ),
        sa.CheckConstraint(
            "ST_NPoints(geometry) <= 100000 AND NOT ST_IsEmpty(geometry) AND ST_XMin(geometry) >= -180 AND ST_XMax(geometry) <= 180 AND ST_YMin(geometry) >= -85.0511287798066 AND ST_YMax(geometry) <= 85.0511287798066 AND ST_IsValid(geometry)",
            name=op.f("ck_traditional_village_geometry"),
        ),
        sa.CheckConstraint(
            "char_length(batch) <= 200", name=op.f("ck_traditional_village_batch")
        ),
        sa.CheckConstraint(
            "char_length(code) <= 64", name=op.f("ck_traditional_village_code")
        ),
        sa.CheckConstraint(
            "char_length(maintainer) <= 200",
            name=op.f("ck_traditional_village_maintainer"),
        ),
        sa.CheckConstraint(
            "char_length(name) <= 200", name=op.f("ck_traditional_village_name")
        ),
        sa.CheckConstraint(
            "char_length(note) <= 2000", name=op.f("ck_traditional_village_note")
        ),
        sa.CheckConstraint(
            "char_length(owner) <= 200", name=op.f("ck_traditional_village_owner")
        ),
        sa.CheckConstraint(
            "char_length(project_code) <= 64",
            name=op.f("ck_traditional_village_project_code"),
        ),
        sa.CheckConstraint(
            "char_length(responsible) <= 200",
            name=op.f("ck_traditional_village_responsible"),
        ),
        sa.CheckConstraint(
            "char_length(section) <= 200", name=op.f("ck_traditional_village_section")
        ),
        sa.CheckConstraint(
            "char_length(source) <= 200", name=op.f("ck_traditional_village_source")
        ),
        sa.CheckConstraint(
            "char_length(source_code) <= 200",
            name=op.f("ck_traditional_village_source_code"),
        ),
        sa.CheckConstraint(
            "char_length(township) <= 12", name=op.f("ck_traditional_village_township")
        ),
        sa.CheckConstraint(
            "control_area_m2 >= 0 AND control_area_m2 < 'Infinity'", name=op.f("ck_traditional_village_control_area_m2")
        ),
        sa.CheckConstraint(
            "core_area_m2 >= 0 AND core_area_m2 < 'Infinity'", name=op.f("ck_traditional_village_core_area_m2")
        ),
        sa.CheckConstraint(
            "households >= 0 AND households <= 100000",
            name=op.f("ck_traditional_village_households"),
        ),
        sa.CheckConstraint(
            "people >= 0 AND people <= 1000000",
            name=op.f("ck_traditional_village_people"),
        ),
        sa.CheckConstraint(
            "progress_percent >= 0 AND progress_percent <= 100",
            name=op.f("ck_traditional_village_progress_percent"),
        ),
        sa.CheckConstraint(
            "traditional_buildings >= 0 AND traditional_buildings <= 100000",
            name=op.f("ck_traditional_village_traditional_buildings"),
        ),
        sa.CheckConstraint(
            "upper_inf(valid) AND NOT lower_inf(valid)",
            name=op.f("ck_traditional_village_valid"),
        ),
        sa.ForeignKeyConstraint(
            ["id"],
            ["core.asset.id"],
            name=op.f("fk_traditional_village_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_traditional_village")),
        sa.UniqueConstraint("code", name=op.f("uq_traditional_village_code")),
        sa.UniqueConstraint(
            "source",
            "source_code",
            name=op.f("uq_traditional_village_source_source_code"),
        ),
        schema="core",
    )
    op.create_geospatial_index(
        "ix_traditional_village_geometry",
        "traditional_village",
        ["geometry"],
        unique=False,
        schema="core",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_geospatial_index(
        "ix_traditional_village_geometry_3857",
        "traditional_village",
        ["geometry_3857"],
        unique=False,
        schema="core",
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_index(
        "ix_traditional_village_words",
        "traditional_village",
        ["code", "name"],
        unique=False,
        schema="core",
        postgresql_using="gin",
        postgresql_ops={"code": "gin_trgm_ops", "name": "gin_trgm_ops"},
    )
    op.execute(FUNCTIONS)
    for kind in KINDS:
        op.execute(f"SELECT core.attach_kind('{kind}')")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index(
        "ix_traditional_village_words",
        table_name="traditional_village",
        schema="core",
        postgresql_using="gin",
        postgresql_ops={"code": "gin_trgm_ops", "name": "gin_trgm_ops"},
    )
    op.drop_geospatial_index(
        "ix_traditional_village_geometry_3857",
        table_name="traditional_village",
        schema="core",
        postgresql_using="gist",
        column_name="geometry_3857",
    )
    op.drop_geospatial_index(
        "ix_traditional_village_geometry",
        table_name="traditional_village",
        schema="core",
        postgresql_using="gist",
        column_name="geometry",
    )
    op.drop_geospatial_table("traditional_village", schema="core")
    op.drop_index(
        "ix_sewer_pipe_words",
        table_name="sewer_pipe",
        schema="core",
        postgresql_using="gin",
        postgresql_ops={"code": "gin_trgm_ops", "name": "gin_trgm_ops"},
    )
    op.drop_geospatial_index(
        "ix_sewer_pipe_geometry_3857",
        table_name="sewer_pipe",
        schema="core",
        postgresql_using="gist",
        column_name="geometry_3857",
    )
    op.drop_geospatial_index(
        "ix_sewer_pipe_geometry",
        table_name="sewer_pipe",
        schema="core",
        postgresql_using="gist",
        column_name="geometry",
    )
    op.drop_geospatial_table("sewer_pipe", schema="core")
    op.drop_index(
        "ix_sewer_manhole_words",
        table_name="sewer_manhole",
        schema="core",
        postgresql_using="gin",
        postgresql_ops={"code": "gin_trgm_ops", "name": "gin_trgm_ops"},
    )
    op.drop_geospatial_index(
        "ix_sewer_manhole_geometry_3857",
        table_name="sewer_manhole",
        schema="core",
        postgresql_using="gist",
        column_name="geometry_3857",
    )
    op.drop_geospatial_index(
        "ix_sewer_manhole_geometry",
        table_name="sewer_manhole",
        schema="core",
        postgresql_using="gist",
        column_name="geometry",
    )
    op.drop_geospatial_table("sewer_manhole", schema="core")
    op.drop_index(
        "ix_sewage_facility_words",
        table_name="sewage_facility",
        schema="core",
        postgresql_using="gin",
        postgresql_ops={"code": "gin_trgm_ops", "name": "gin_trgm_ops"},
    )
    op.drop_geospatial_index(
        "ix_sewage_facility_geometry_3857",
        table_name="sewage_facility",
        schema="core",
        postgresql_using="gist",
        column_name="geometry_3857",
    )
    op.drop_geospatial_index(
        "ix_sewage_facility_geometry",
        table_name="sewage_facility",
        schema="core",
        postgresql_using="gist",
        column_name="geometry",
    )
    op.drop_geospatial_table("sewage_facility", schema="core")
    op.drop_index(
        "ix_road_words",
        table_name="road",
        schema="core",
        postgresql_using="gin",
        postgresql_ops={"code": "gin_trgm_ops", "name": "gin_trgm_ops"},
    )
    op.drop_geospatial_index(
        "ix_road_geometry_3857",
        table_name="road",
        schema="core",
        postgresql_using="gist",
        column_name="geometry_3857",
    )
    op.drop_geospatial_index(
        "ix_road_geometry",
        table_name="road",
        schema="core",
        postgresql_using="gist",
        column_name="geometry",
    )
    op.drop_geospatial_table("road", schema="core")
    op.drop_table("project_asset", schema="core")
    op.drop_index(
        "ix_project_words",
        table_name="project",
        schema="core",
        postgresql_using="gin",
        postgresql_ops={"code": "gin_trgm_ops", "name": "gin_trgm_ops"},
    )
    op.drop_geospatial_index(
        "ix_project_geometry_3857",
        table_name="project",
        schema="core",
        postgresql_using="gist",
        column_name="geometry_3857",
    )
    op.drop_geospatial_index(
        "ix_project_geometry",
        table_name="project",
        schema="core",
        postgresql_using="gist",
        column_name="geometry",
    )
    op.drop_geospatial_table("project", schema="core")
    op.drop_index(
        "ix_population_words",
        table_name="population",
        schema="core",
        postgresql_using="gin",
        postgresql_ops={"code": "gin_trgm_ops", "name": "gin_trgm_ops"},
    )
    op.drop_geospatial_index(
        "ix_population_geometry_3857",
        table_name="population",
        schema="core",
        postgresql_using="gist",
        column_name="geometry_3857",
    )
    op.drop_geospatial_index(
        "ix_population_geometry",
        table_name="population",
        schema="core",
        postgresql_using="gist",
        column_name="geometry",
    )
    op.drop_geospatial_table("population", schema="core")
    op.drop_index(
        "ix_pocket_park_words",
        table_name="pocket_park",
        schema="core",
        postgresql_using="gin",
        postgresql_ops={"code": "gin_trgm_ops", "name": "gin_trgm_ops"},
    )
    op.drop_geospatial_index(
        "ix_pocket_park_geometry_3857",
        table_name="pocket_park",
        schema="core",
        postgresql_using="gist",
        column_name="geometry_3857",
    )
    op.drop_geospatial_index(
        "ix_pocket_park_geometry",
        table_name="pocket_park",
        schema="core",
        postgresql_using="gist",
        column_name="geometry",
    )
    op.drop_geospatial_table("pocket_park", schema="core")
    op.drop_index(
        "ix_hazard_words",
        table_name="hazard",
        schema="core",
        postgresql_using="gin",
        postgresql_ops={"code": "gin_trgm_ops", "name": "gin_trgm_ops"},
    )
    op.drop_geospatial_index(
        "ix_hazard_geometry_3857",
        table_name="hazard",
        schema="core",
        postgresql_using="gist",
        column_name="geometry_3857",
    )
    op.drop_geospatial_index(
        "ix_hazard_geometry",
        table_name="hazard",
        schema="core",
        postgresql_using="gist",
        column_name="geometry",
    )
    op.drop_geospatial_table("hazard", schema="core")
    op.drop_index(
        "ix_gas_site_words",
        table_name="gas_site",
        schema="core",
        postgresql_using="gin",
        postgresql_ops={"code": "gin_trgm_ops", "name": "gin_trgm_ops"},
    )
    op.drop_geospatial_index(
        "ix_gas_site_geometry_3857",
        table_name="gas_site",
        schema="core",
        postgresql_using="gist",
        column_name="geometry_3857",
    )
    op.drop_geospatial_index(
        "ix_gas_site_geometry",
        table_name="gas_site",
        schema="core",
        postgresql_using="gist",
        column_name="geometry",
    )
    op.drop_geospatial_table("gas_site", schema="core")
    op.drop_index(
        "ix_built_up_area_words",
        table_name="built_up_area",
        schema="core",
        postgresql_using="gin",
        postgresql_ops={"code": "gin_trgm_ops", "name": "gin_trgm_ops"},
    )
    op.drop_geospatial_index(
        "ix_built_up_area_geometry_3857",
        table_name="built_up_area",
        schema="core",
        postgresql_using="gist",
        column_name="geometry_3857",
    )
    op.drop_geospatial_index(
        "ix_built_up_area_geometry",
        table_name="built_up_area",
        schema="core",
        postgresql_using="gist",
        column_name="geometry",
    )
    op.drop_geospatial_table("built_up_area", schema="core")
    op.drop_index(
        "ix_admin_unit_words",
        table_name="admin_unit",
        schema="core",
        postgresql_using="gin",
        postgresql_ops={"code": "gin_trgm_ops", "name": "gin_trgm_ops"},
    )
    op.drop_geospatial_index(
        "ix_admin_unit_geometry_3857",
        table_name="admin_unit",
        schema="core",
        postgresql_using="gist",
        column_name="geometry_3857",
    )
    op.drop_geospatial_index(
        "ix_admin_unit_geometry",
        table_name="admin_unit",
        schema="core",
        postgresql_using="gist",
        column_name="geometry",
    )
    op.drop_geospatial_table("admin_unit", schema="core")
    op.drop_geospatial_index(
        "ix_history_traditional_village_geometry_3857",
        table_name="traditional_village",
        schema="history",
        postgresql_using="gist",
        column_name="geometry_3857",
    )
    op.drop_geospatial_index(
        "ix_history_traditional_village_geometry",
        table_name="traditional_village",
        schema="history",
        postgresql_using="gist",
        column_name="geometry",
    )
    op.drop_geospatial_table("traditional_village", schema="history")
    op.drop_geospatial_index(
        "ix_history_sewer_pipe_geometry_3857",
        table_name="sewer_pipe",
        schema="history",
        postgresql_using="gist",
        column_name="geometry_3857",
    )
    op.drop_geospatial_index(
        "ix_history_sewer_pipe_geometry",
        table_name="sewer_pipe",
        schema="history",
        postgresql_using="gist",
        column_name="geometry",
    )
    op.drop_geospatial_table("sewer_pipe", schema="history")
    op.drop_geospatial_index(
        "ix_history_sewer_manhole_geometry_3857",
        table_name="sewer_manhole",
        schema="history",
        postgresql_using="gist",
        column_name="geometry_3857",
    )
    op.drop_geospatial_index(
        "ix_history_sewer_manhole_geometry",
        table_name="sewer_manhole",
        schema="history",
        postgresql_using="gist",
        column_name="geometry",
    )
    op.drop_geospatial_table("sewer_manhole", schema="history")
    op.drop_geospatial_index(
        "ix_history_sewage_facility_geometry_3857",
        table_name="sewage_facility",
        schema="history",
        postgresql_using="gist",
        column_name="geometry_3857",
    )
    op.drop_geospatial_index(
        "ix_history_sewage_facility_geometry",
        table_name="sewage_facility",
        schema="history",
        postgresql_using="gist",
        column_name="geometry",
    )
    op.drop_geospatial_table("sewage_facility", schema="history")
    op.drop_geospatial_index(
        "ix_history_road_geometry_3857",
        table_name="road",
        schema="history",
        postgresql_using="gist",
        column_name="geometry_3857",
    )
    op.drop_geospatial_index(
        "ix_history_road_geometry",
        table_name="road",
        schema="history",
        postgresql_using="gist",
        column_name="geometry",
    )
    op.drop_geospatial_table("road", schema="history")
    op.drop_geospatial_index(
        "ix_history_project_geometry_3857",
        table_name="project",
        schema="history",
        postgresql_using="gist",
        column_name="geometry_3857",
    )
    op.drop_geospatial_index(
        "ix_history_project_geometry",
        table_name="project",
        schema="history",
        postgresql_using="gist",
        column_name="geometry",
    )
    op.drop_geospatial_table("project", schema="history")
    op.drop_geospatial_index(
        "ix_history_population_geometry_3857",
        table_name="population",
        schema="history",
        postgresql_using="gist",
        column_name="geometry_3857",
    )
    op.drop_geospatial_index(
        "ix_history_population_geometry",
        table_name="population",
        schema="history",
        postgresql_using="gist",
        column_name="geometry",
    )
    op.drop_geospatial_table("population", schema="history")
    op.drop_geospatial_index(
        "ix_history_pocket_park_geometry_3857",
        table_name="pocket_park",
        schema="history",
        postgresql_using="gist",
        column_name="geometry_3857",
    )
    op.drop_geospatial_index(
        "ix_history_pocket_park_geometry",
        table_name="pocket_park",
        schema="history",
        postgresql_using="gist",
        column_name="geometry",
    )
    op.drop_geospatial_table("pocket_park", schema="history")
    op.drop_geospatial_index(
        "ix_history_hazard_geometry_3857",
        table_name="hazard",
        schema="history",
        postgresql_using="gist",
        column_name="geometry_3857",
    )
    op.drop_geospatial_index(
        "ix_history_hazard_geometry",
        table_name="hazard",
        schema="history",
        postgresql_using="gist",
        column_name="geometry",
    )
    op.drop_geospatial_table("hazard", schema="history")
    op.drop_geospatial_index(
        "ix_history_gas_site_geometry_3857",
        table_name="gas_site",
        schema="history",
        postgresql_using="gist",
        column_name="geometry_3857",
    )
    op.drop_geospatial_index(
        "ix_history_gas_site_geometry",
        table_name="gas_site",
        schema="history",
        postgresql_using="gist",
        column_name="geometry",
    )
    op.drop_geospatial_table("gas_site", schema="history")
    op.drop_geospatial_index(
        "ix_history_built_up_area_geometry_3857",
        table_name="built_up_area",
        schema="history",
        postgresql_using="gist",
        column_name="geometry_3857",
    )
    op.drop_geospatial_index(
        "ix_history_built_up_area_geometry",
        table_name="built_up_area",
        schema="history",
        postgresql_using="gist",
        column_name="geometry",
    )
    op.drop_geospatial_table("built_up_area", schema="history")
    op.drop_geospatial_index(
        "ix_history_admin_unit_geometry_3857",
        table_name="admin_unit",
        schema="history",
        postgresql_using="gist",
        column_name="geometry_3857",
    )
    op.drop_geospatial_index(
        "ix_history_admin_unit_geometry",
        table_name="admin_unit",
        schema="history",
        postgresql_using="gist",
        column_name="geometry",
    )
    op.drop_geospatial_table("admin_unit", schema="history")
    op.drop_table("hazard_event", schema="core")
    op.drop_geospatial_table("county", schema="core")
    op.drop_table("collection_version", schema="core")
    op.drop_table("change_mark", schema="core")
    op.drop_index("ix_asset_kind_code", table_name="asset", schema="core")
    op.drop_table("asset", schema="core")
    for function in (
        "attach_kind(text)",
        "bump_versions()",
        "mark_change()",
        "stamp_event()",
        "check_assertion()",
        "refuse_change()",
        "require_actor()",
        "keep_history()",
        "stamp_version()",
    ):
        op.execute(f"DROP FUNCTION core.{function}")
