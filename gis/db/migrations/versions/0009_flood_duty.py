"""Flood duty and the routes of land plots: projections of the log, and what guards them.

Revision: 0009
Follows: 0008
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

GUARDS = """
CREATE FUNCTION core.guard_record() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
-- No row that no event of this transaction led to; TG_ARGV are the types that may.
BEGIN
  IF coalesce(current_setting('infratrack.actor', true), '') = '' THEN
    RAISE EXCEPTION 'nothing is written without an actor' USING ERRCODE = 'IT001';
  END IF;
  IF current_user IN ('infratrack_field', 'infratrack_staff')
     AND NOT EXISTS (SELECT 1 FROM core.event e WHERE e.id = NEW.event_id
                      AND e.recorded_at = now() AND e.type = ANY (TG_ARGV)) THEN
    RAISE EXCEPTION 'no event led to this row of %', TG_TABLE_NAME USING ERRCODE = 'IT004';
  END IF;
  RETURN NEW;
END $$;

CREATE FUNCTION core.guard_plot() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
-- A plot's stage moves by its events only. Who loads registers may correct a plot nothing was
-- recorded about yet.
BEGIN
  IF (NEW.stage, NEW.route, NEW.filed_on, NEW.submission_number, NEW.submitted_on,
      NEW.approval_number, NEW.approved_on, NEW.closing_number, NEW.closed_on,
      NEW.decision_number, NEW.decision_served_on, NEW.court_applied_on, NEW.restored_on)
     IS NOT DISTINCT FROM
     (OLD.stage, OLD.route, OLD.filed_on, OLD.submission_number, OLD.submitted_on,
      OLD.approval_number, OLD.approved_on, OLD.closing_number, OLD.closed_on,
      OLD.decision_number, OLD.decision_served_on, OLD.court_applied_on, OLD.restored_on)
     OR EXISTS (SELECT 1 FROM core.plot_step p
                  JOIN core.event_outcome o ON o.event_id = p.event_id
                 WHERE p.asset_id = NEW.id AND o.decided_tx = pg_current_xact_id()::text) THEN
    RETURN NEW;
  END IF;
  IF current_user = 'infratrack_staff'
     OR EXISTS (SELECT 1 FROM core.plot_step p WHERE p.asset_id = NEW.id) THEN
    RAISE EXCEPTION 'no event led to this stage of plot %', NEW.code USING ERRCODE = 'IT004';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard_plot BEFORE UPDATE ON core.land_plot
FOR EACH ROW EXECUTE FUNCTION core.guard_plot();
"""

STEPS = ("team_arrived", "water_measured", "action_taken", "water_gone", "call_out_cancelled")
WRITERS = {
    "duty_shift": ("shift_planned", "shift_cancelled"),
    "flood_level": ("response_changed",),
    "call_out": ("called_out", *STEPS),
    "call_out_step": STEPS,
    "incident": ("incident_noted",),
    "incident_report": ("incident_reported",),
    "flood_team": ("team_listed",),
    "flood_supply": ("supply_counted",),
    "plot_step": ("plot_route_chosen", "plot_advanced", "plot_enforced", "plot_step_withdrawn"),
}
"""Which events write which table."""


def _moment(name: str, *, nullable: bool = True) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _text(name: str, *, nullable: bool = True) -> sa.Column:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _create(name: str, *parts: sa.schema.SchemaItem, key: tuple[str, ...] = ("id",)) -> None:
    identity = [sa.Column("id", sa.Uuid(), nullable=False)] if key == ("id",) else []
    op.create_table(
        name,
        *identity,
        sa.Column("event_id", sa.Uuid(), nullable=False),
        *parts,
        sa.PrimaryKeyConstraint(*key, name=op.f(f"pk_{name}")),
        sa.ForeignKeyConstraint(["event_id"], ["core.event.id"], name=op.f(f"fk_{name}_event_id")),
        schema="core",
    )
    types = ", ".join(f"'{type_}'" for type_ in WRITERS[name])
    op.execute(
        f"CREATE TRIGGER guard_record BEFORE INSERT OR UPDATE ON core.{name}"
        f" FOR EACH ROW EXECUTE FUNCTION core.guard_record({types})"
    )
    op.execute(
        f"CREATE TRIGGER require_actor BEFORE DELETE ON core.{name}"
        " FOR EACH STATEMENT EXECUTE FUNCTION core.require_actor()"
    )
    # Pages that show it hear of changes as they hear of hazards.
    op.execute(
        f"CREATE TRIGGER mark_change AFTER INSERT OR UPDATE OR DELETE ON core.{name}"
        " FOR EACH STATEMENT EXECUTE FUNCTION core.mark_change('hazard')"
    )


def _check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    guard_record, guard_plot = GUARDS.split("CREATE FUNCTION core.guard_plot")
    op.execute(guard_record)
    _create_duty()
    _create_call_outs()
    _create_incidents()
    _create_stocks()
    _create(
        "plot_step",
        sa.Column("asset_id", sa.Uuid(), nullable=False),
        _text("chain", nullable=False),
        _text("step", nullable=False),
        sa.Column("done_on", sa.Date(), nullable=False),
        _text("document"),
        sa.Column("before", postgresql.JSONB(), nullable=True),
        sa.Column("after", postgresql.JSONB(), nullable=True),
        _text("note"),
        _moment("due_at"),
        _text("actor", nullable=False),
        _text("withdrawn_because"),
        _check("plot_step", "chain", "chain IN ('route', 'rectify', 'enforce')"),
    )
    op.create_index("ix_plot_step_asset_id", "plot_step", ["asset_id"], schema="core")
    op.execute("CREATE FUNCTION core.guard_plot" + guard_plot)


def _create_duty() -> None:
    _create(
        "duty_shift",
        _moment("starts_at", nullable=False),
        _moment("ends_at", nullable=False),
        _text("leader", nullable=False),
        _text("phone"),
        sa.Column("members", postgresql.JSONB(), nullable=False),
        _text("response"),
        _moment("cancelled_at"),
        _text("cancelled_because"),
        _check("duty_shift", "ends_at", "ends_at > starts_at"),
    )
    op.create_index("ix_duty_shift_ends_at", "duty_shift", ["ends_at"], schema="core")
    _create(
        "flood_level",
        _moment("since", nullable=False),
        _text("response"),
        _text("warning"),
        _text("document"),
        _text("note"),
        _text("actor", nullable=False),
        sa.UniqueConstraint("since", name=op.f("uq_flood_level_since")),
    )


def _create_call_outs() -> None:
    _create(
        "call_out",
        sa.Column("asset_id", sa.Uuid(), nullable=False),
        _text("team", nullable=False),
        _text("warning"),
        _moment("called_at", nullable=False),
        _moment("arrived_at"),
        _moment("water_gone_at"),
        _moment("cancelled_at"),
        _check("call_out", "arrived_at", "arrived_at >= called_at"),
        _check("call_out", "water_gone_at", "water_gone_at >= coalesce(arrived_at, called_at)"),
        _check("call_out", "cancelled_at", "water_gone_at IS NULL OR cancelled_at IS NULL"),
    )
    op.create_index("ix_call_out_asset_id", "call_out", ["asset_id", "called_at"], schema="core")
    _create(
        "call_out_step",
        sa.Column("call_out_id", sa.Uuid(), nullable=False),
        _text("step", nullable=False),
        _moment("at", nullable=False),
        sa.Column("depth_m", sa.Double(), nullable=True),
        _text("words"),
        _text("actor", nullable=False),
        sa.ForeignKeyConstraint(
            ["call_out_id"], ["core.call_out.id"], name=op.f("fk_call_out_step_call_out_id")
        ),
        _check("call_out_step", "depth_m", "(step = 'water_measured') = (depth_m IS NOT NULL)"),
        _check("call_out_step", "deepest", "depth_m >= 0 AND depth_m <= 20"),
    )
    op.create_index(
        "ix_call_out_step_call_out_id", "call_out_step", ["call_out_id", "at"], schema="core"
    )
    op.create_index(
        "uq_call_out_step_once",
        "call_out_step",
        ["call_out_id", "step"],
        unique=True,
        schema="core",
        postgresql_where=sa.text("step NOT IN ('water_measured', 'action_taken')"),
    )


def _create_incidents() -> None:
    _create(
        "incident",
        sa.Column("asset_id", sa.Uuid(), nullable=True),
        _moment("happened_at", nullable=False),
        _text("words", nullable=False),
        _text("actor", nullable=False),
    )
    _create(
        "incident_report",
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        _text("serial", nullable=False),
        _moment("at", nullable=False),
        _text("sent_to", nullable=False),
        sa.Column("is_upward", sa.Boolean(), nullable=False),
        _text("words", nullable=False),
        _text("actor", nullable=False),
        sa.UniqueConstraint(
            "incident_id", "number", name=op.f("uq_incident_report_incident_id_number")
        ),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["core.incident.id"], name=op.f("fk_incident_report_incident_id")
        ),
        _check("incident_report", "serial", "serial IN ('first', 'following', 'final')"),
        _check("incident_report", "number", "(number = 1) = (serial = 'first')"),
    )
    op.create_index(
        "uq_incident_report_final",
        "incident_report",
        ["incident_id"],
        unique=True,
        schema="core",
        postgresql_where=sa.text("serial = 'final'"),
    )


def _create_stocks() -> None:
    _create(
        "flood_team",
        _text("name", nullable=False),
        _text("leader", nullable=False),
        _text("phone"),
        sa.Column("people", sa.Integer(), nullable=False),
        _text("station"),
        _check("flood_team", "people", "people >= 0"),
        key=("name",),
    )
    _create(
        "flood_supply",
        _text("name", nullable=False),
        _text("station", nullable=False),
        sa.Column("quantity", sa.Double(), nullable=False),
        _text("unit", nullable=False),
        _text("keeper"),
        _text("phone"),
        _check("flood_supply", "quantity", "quantity >= 0 AND quantity < 'Infinity'"),
        key=("name", "station"),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TRIGGER guard_plot ON core.land_plot; DROP FUNCTION core.guard_plot()")
    for table in reversed(WRITERS):
        op.drop_table(table, schema="core")
    op.execute("DROP FUNCTION core.guard_record()")
