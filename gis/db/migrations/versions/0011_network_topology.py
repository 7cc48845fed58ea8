"""The sewer network as a graph: edges kept at each commit; records of misconnections.

Revision: 0011
Follows: 0011a
"""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0011a"
branch_labels = None
depends_on = None

NODE_KINDS = ("sewer_manhole", "storm_inlet", "sewage_facility", "drainage_user")
HOW = "IN ('code', 'named', 'near', 'touch', 'place')"
SIDES = {"start": "up_node", "end": "down_node"}


def metres(a: str, b: str) -> str:
    """Metres between two near points: series of GRS 80 for a degree of latitude and longitude."""
    middle = _radians(f"ST_Y({a}) + ST_Y({b})", of=2)
    north = f"(111132.954 - 559.822 * cos(2 * {middle}) + 1.175 * cos(4 * {middle}))"
    east = (
        f"(111412.84 * cos({middle}) - 93.5 * cos(3 * {middle}) + 0.118 * cos(5 * {middle}))"
    )
    return (
        f"sqrt(power({_apart(f'ST_X({a})', f'ST_X({b})')} * {east}, 2)"
        f" + power({_apart(f'ST_Y({a})', f'ST_Y({b})')} * {north}, 2))"
    )


def _radians(latitudes: str, *, of: int = 1) -> str:
    """Of a mean latitude whose cosine is wanted; of one nearly zero it would be out of range."""
    return f"radians(greatest(abs({latitudes}), 1e-9) / {of})"


def _apart(a: str, b: str) -> str:
    """How far apart two numbers of degrees are, less a ten-billionth of a metre: a square of
    less is out of the range of numbers, which ends the statement."""
    return f"(greatest(abs({a} - {b}), 1e-15) - 1e-15)"


def around(point: str) -> str:
    """The box of the tolerance around a point, a little wide."""
    west, south, east, north = _bounds(point)
    return f"ST_MakeEnvelope({west}, {south}, {east}, {north}, 4490)"


def _bounds(point: str) -> tuple[str, str, str, str]:
    north = "tolerance / 110000"
    east = f"tolerance / (110000 * greatest(cos({_radians(f'ST_Y({point})')}), 0.01))"
    return (
        f"ST_X({point}) - {east}", f"ST_Y({point}) - {north}",
        f"ST_X({point}) + {east}", f"ST_Y({point}) + {north}",
    )  # fmt: skip


def cell(x: str, y: str) -> str:
    """The cell of 0.0001 degrees a place is in: an index over it is a fifth of one over points,
    and does not see the long pipe that only passes."""
    return f"(floor(({x}) * 10000)::bigint * 10000000 + floor(({y}) * 10000)::bigint)"


def cell_of(point: str) -> str:
    return cell(f"ST_X({point})", f"ST_Y({point})")


def cells_around(point: str) -> str:
    """The one to four cells the box of the tolerance is in (it is narrower than a cell)."""
    west, south, east, north = _bounds(point)
    corners = ((west, south), (east, south), (west, north), (east, north))
    return f"ANY (ARRAY[{', '.join(cell(x, y) for x, y in corners)}])"


def per_side(template: str, joint: str = "\n    UNION ALL ") -> str:
    return joint.join(
        template.replace("{side}", side).replace("{code}", code) for side, code in SIDES.items()
    )


MARK_NETWORK = """
CREATE FUNCTION core.mark_network() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = core, public, pg_temp AS $$
-- Statement trigger: what the statement did to the network; settled once, at commit.
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO core.network_dirty (id, is_pipe)
    SELECT id, TG_TABLE_NAME = 'sewer_pipe' FROM new_rows ON CONFLICT DO NOTHING;
  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO core.network_dirty (id, is_pipe)
    SELECT id, TG_TABLE_NAME = 'sewer_pipe' FROM old_rows ON CONFLICT DO NOTHING;
  ELSIF TG_TABLE_NAME = 'sewer_pipe' THEN
    INSERT INTO core.network_dirty (id, is_pipe)
    SELECT n.id, true FROM new_rows n JOIN old_rows o ON o.id = n.id
     WHERE (n.up_node, n.down_node, n.surveyed_flow, n.service_state = 'removed', n.geometry)
       IS DISTINCT FROM
           (o.up_node, o.down_node, o.surveyed_flow, o.service_state = 'removed', o.geometry)
    ON CONFLICT DO NOTHING;
  ELSE
    INSERT INTO core.network_dirty (id, is_pipe)
    SELECT n.id, false FROM new_rows n JOIN old_rows o ON o.id = n.id
     WHERE (n.code, n.geometry) IS DISTINCT FROM (o.code, o.geometry)
    ON CONFLICT DO NOTHING;
  END IF;
  RETURN NULL;
END $$;
"""

_NODES_NEAR = "\n          UNION ALL ".join(
    f"SELECT n.id, {metres('n.geometry', 'w.point')} AS gap FROM core.{kind} n"
    f" WHERE n.geometry && {around('w.point')}"
    for kind in NODE_KINDS
)
_FIND_CODE = "".join(
    f"\n    LEFT JOIN core.asset {side}_{n} ON {side}_{n}.kind = '{kind}'"
    f" AND {side}_{n}.code = nullif(p.{code}, '') AND NOT {side}_{n}.voided"
    for side, code in SIDES.items()
    for n, kind in enumerate(NODE_KINDS)
)


def found(side: str) -> str:
    return "coalesce(" + ", ".join(f"{side}_{n}.id" for n in range(len(NODE_KINDS))) + ")"


_COPIED = ("id", "code", "how", "gap_m", "point")

SETTLE_NETWORK = f"""
CREATE FUNCTION core.settle_network() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = core, public, pg_temp SET plan_cache_mode = force_custom_plan
SET lock_timeout = '60s' SET enable_seqscan = on AS $$
-- Settles what is marked, and whatever ends depend on it: the result is that of settling all.
-- One transaction at a time: an end that another has not committed yet could touch one of ours.
DECLARE
  tolerance double precision;
  settled bigint;
BEGIN
  IF NOT EXISTS (SELECT 1 FROM core.network_dirty) THEN
    RETURN 0;
  END IF;
  PERFORM pg_advisory_xact_lock(7261006);
  SELECT tolerance_m INTO STRICT tolerance FROM core.network_setting;
  -- Ends that hang on a changed node, or name its code.
  IF EXISTS (SELECT 1 FROM core.network_dirty WHERE NOT is_pipe) THEN
    INSERT INTO core.network_dirty (id, is_pipe)
    SELECT e.pipe_id, true FROM core.network_dirty d
      JOIN core.network_edge e ON e.source_id = d.id WHERE NOT d.is_pipe
    UNION SELECT e.pipe_id, true FROM core.network_dirty d
      JOIN core.network_edge e ON e.target_id = d.id WHERE NOT d.is_pipe
    UNION {per_side('''SELECT e.pipe_id, true FROM core.network_dirty d
      JOIN core.asset a ON a.id = d.id AND NOT a.voided
      JOIN core.network_edge e ON e.{side}_code = a.code WHERE NOT d.is_pipe''', '''
    UNION ''')}
    ON CONFLICT DO NOTHING;
  END IF;
  -- Ends that name no node are found by what is near: whole chains of them, from where something
  -- was or is now.
  IF EXISTS (SELECT 1 FROM core.network_edge WHERE start_code IS NULL)
  OR EXISTS (SELECT 1 FROM core.network_edge WHERE end_code IS NULL) THEN
    PERFORM set_config('enable_seqscan', 'off', true);
    INSERT INTO core.network_dirty (id, is_pipe)
    WITH RECURSIVE moved (point) AS MATERIALIZED (
      {per_side('''SELECT e.{side}_point FROM core.network_dirty d
        JOIN core.network_edge e ON e.pipe_id = d.id''')}
    UNION ALL SELECT v.point FROM core.network_dirty d JOIN core.sewer_pipe p ON p.id = d.id
      CROSS JOIN LATERAL (VALUES (ST_StartPoint(p.geometry)), (ST_EndPoint(p.geometry))) v (point)
    UNION ALL {" UNION ALL ".join(f'''SELECT n.geometry FROM core.network_dirty d
        JOIN core.{kind} n ON n.id = d.id WHERE NOT d.is_pipe''' for kind in NODE_KINDS)}
    ), reach (point) AS (
      SELECT point FROM moved
      UNION
      SELECT n.point FROM reach r CROSS JOIN LATERAL (
        {per_side(f'''SELECT e.{{side}}_point AS point FROM core.network_edge e
          WHERE e.{{side}}_code IS NULL
            AND {cell_of("e.{side}_point")} = {cells_around("r.point")}
            AND {metres("e.{side}_point", "r.point")} <= tolerance''')}) n
    )
    {per_side(f'''SELECT e.pipe_id, true FROM reach r JOIN core.network_edge e
      ON e.{{side}}_code IS NULL AND {cell_of("e.{side}_point")} = {cell_of("r.point")}
     AND e.{{side}}_point = r.point''', '''
    UNION ''')}
    ON CONFLICT DO NOTHING;
    PERFORM set_config('enable_seqscan', 'on', true);
  END IF;
  DELETE FROM core.network_edge e USING core.network_dirty d
   WHERE d.is_pipe AND e.pipe_id = d.id AND NOT EXISTS
    (SELECT 1 FROM core.sewer_pipe p WHERE p.id = d.id AND p.service_state <> 'removed');
  INSERT INTO core.network_edge AS e (pipe_id, is_backward,
    {", ".join(f"{side}_{name}" for side in SIDES for name in _COPIED)})
  SELECT p.id, coalesce(p.surveyed_flow = 'backward', false),
    {", ".join(f'''coalesce({found(side)}, md5('code ' || nullif(p.{code}, ''))::uuid),
    nullif(p.{code}, ''),
    CASE WHEN {found(side)} IS NOT NULL THEN 'code'
         WHEN nullif(p.{code}, '') IS NOT NULL THEN 'named' END,
    NULL, ST_{side.title()}Point(p.geometry)''' for side, code in SIDES.items())}
    FROM core.network_dirty d
    JOIN core.sewer_pipe p ON p.id = d.id AND p.service_state <> 'removed'{_FIND_CODE}
   WHERE d.is_pipe
  ON CONFLICT (pipe_id) DO UPDATE SET is_backward = excluded.is_backward,
    {", ".join(f"{side}_{name} = excluded.{side}_{name}" for side in SIDES for name in _COPIED)};
  GET DIAGNOSTICS settled = ROW_COUNT;
  IF EXISTS (SELECT 1 FROM core.network_edge WHERE start_how IS NULL OR end_how IS NULL) THEN
    PERFORM set_config('enable_seqscan', 'off', true);
    {per_side(f'''UPDATE core.network_edge e
       SET {{side}}_id = f.id, {{side}}_how = 'near', {{side}}_gap_m = f.gap
      FROM (SELECT pipe_id, {{side}}_point AS point FROM core.network_edge
             WHERE {{side}}_how IS NULL) w
     CROSS JOIN LATERAL (SELECT c.id, c.gap FROM (
          {_NODES_NEAR}) c
        WHERE c.gap <= tolerance ORDER BY c.gap, c.id LIMIT 1) f
     WHERE e.pipe_id = w.pipe_id;''', '''
    ''')}
    -- Each place is looked at once: 100,000 ends may share it. A table, for a WITH has no index.
    INSERT INTO core.network_place (point)
    {per_side('''SELECT {side}_point FROM core.network_edge WHERE {side}_how IS NULL''', '''
    UNION ''')};
    UPDATE core.network_place u SET id = f.id, gap_m = f.gap, how = 'touch'
      FROM core.network_place w CROSS JOIN LATERAL (
        {per_side(f'''SELECT e.{{side}}_id AS id, {metres("e.{side}_point", "w.point")} AS gap
          FROM core.network_edge e
         WHERE {cell_of("e.{side}_point")} = {cells_around("w.point")}
           AND e.{{side}}_how IN ('code', 'named', 'near')
           AND {metres("e.{side}_point", "w.point")} <= tolerance''')}
         ORDER BY 2, 1 LIMIT 1) f
     WHERE {cell_of("u.point")} = {cell_of("w.point")} AND u.point = w.point;
    WITH RECURSIVE reach (origin, point) AS (
      SELECT point, point FROM core.network_place WHERE how IS NULL
      UNION
      SELECT r.origin, n.point FROM reach r JOIN core.network_place n
        ON n.how IS NULL AND {cell_of("n.point")} = {cells_around("r.point")}
       AND {metres("n.point", "r.point")} <= tolerance
    ), shared AS (
      SELECT origin, (array_agg(point ORDER BY ST_X(point), ST_Y(point)))[1] AS first
        FROM reach GROUP BY origin
    )
    UPDATE core.network_place w SET id = md5(ST_AsBinary(s.first))::uuid, how = 'place',
      gap_m = {metres("s.first", "s.origin")}
      FROM shared s WHERE {cell_of("w.point")} = {cell_of("s.origin")} AND w.point = s.origin;
    {per_side(f'''UPDATE core.network_edge e
       SET {{side}}_id = w.id, {{side}}_how = w.how, {{side}}_gap_m = w.gap_m
      FROM core.network_place w
     WHERE e.{{side}}_how IS NULL AND {cell_of("w.point")} = {cell_of("e.{side}_point")}
       AND w.point = e.{{side}}_point;''', '''
    ''')}
    DELETE FROM core.network_place;
    PERFORM set_config('enable_seqscan', 'on', true);
  END IF;
  DELETE FROM core.network_dirty;
  RETURN settled;
END $$;
"""

REBUILD_NETWORK = """
CREATE FUNCTION core.rebuild_network(metres double precision DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql SET search_path = core, public, pg_temp AS $$
-- Everything anew, perhaps with another tolerance; the owner's.
DECLARE
  settled bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(7261006);
  UPDATE core.network_setting SET tolerance_m = coalesce(metres, tolerance_m);
  DELETE FROM core.network_edge;
  INSERT INTO core.network_dirty (id, is_pipe) SELECT id, true FROM core.sewer_pipe
  ON CONFLICT DO NOTHING;
  settled := core.settle_network();
  INSERT INTO core.change_mark (tx, kind) VALUES (pg_current_xact_id(), 'sewer_pipe')
  ON CONFLICT DO NOTHING;
  RETURN settled;
END $$;
"""

BUMP_VERSIONS = """
CREATE OR REPLACE FUNCTION core.bump_versions() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = core, public, pg_temp AS $$
-- Runs at commit, so the row locks are held for the commit only; sorted, so no deadlock.
DECLARE
  touched text[];
BEGIN
  SELECT array_agg(kind) INTO touched FROM core.change_mark WHERE tx = pg_current_xact_id();
  IF touched IS NULL THEN
    RETURN NULL; -- an earlier firing of this transaction did it
  END IF;
%s  DELETE FROM core.change_mark WHERE tx = pg_current_xact_id();
  PERFORM 1 FROM core.collection_version WHERE kind = ANY (touched) ORDER BY kind FOR UPDATE;
  UPDATE core.collection_version SET version = version + 1, changed_at = clock_timestamp()
   WHERE kind = ANY (touched);
  PERFORM pg_notify('infratrack_change', array_to_string(touched, ','));
  -- Versions bear the moment their transaction began; until now nobody saw them.
  IF clock_timestamp() - now() > interval '100 milliseconds' THEN
    INSERT INTO core.long_write AS w (began_at, ended_at) VALUES (now(), clock_timestamp())
    ON CONFLICT (began_at) DO UPDATE SET ended_at = greatest(w.ended_at, excluded.ended_at);
  END IF;
  RETURN NULL;
END $$;
"""
SETTLE_FIRST = """  -- Before any row is locked: settling may take its time, and waits for another's.
  PERFORM core.settle_network();
"""

STAMP_RECORD = """
CREATE FUNCTION core.stamp_record() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  NEW.recorded_by := nullif(current_setting('infratrack.actor', true), '');
  IF NEW.recorded_by IS NULL THEN
    RAISE EXCEPTION 'nothing is written without an actor' USING ERRCODE = 'IT001';
  END IF;
  NEW.recorded_at := now();
  RETURN NEW;
END $$;
"""


def _end_columns(name: str) -> list[sa.Column]:
    return [
        sa.Column(f"{name}_id", sa.Uuid(), nullable=True),
        sa.Column(f"{name}_code", sa.Text(), nullable=True),
        sa.Column(f"{name}_how", sa.Text(), nullable=True),
        sa.Column(f"{name}_gap_m", sa.Double(), nullable=True),
        sa.Column(f"{name}_point", Geometry("POINT", srid=4490, spatial_index=False), nullable=False),
    ]


def _create_edges() -> None:
    op.create_table(
        "network_edge",
        sa.Column("pipe_id", sa.Uuid(), nullable=False),
        *_end_columns("start"),
        *_end_columns("end"),
        sa.Column("is_backward", sa.Boolean(), nullable=False),
        sa.Column(
            "source_id", sa.Uuid(),
            sa.Computed("CASE WHEN is_backward THEN end_id ELSE start_id END", persisted=True),
        ),
        sa.Column(
            "target_id", sa.Uuid(),
            sa.Computed("CASE WHEN is_backward THEN start_id ELSE end_id END", persisted=True),
        ),
        sa.PrimaryKeyConstraint("pipe_id", name=op.f("pk_network_edge")),
        sa.CheckConstraint(f"start_how {HOW}", name=op.f("ck_network_edge_start_how")),
        sa.CheckConstraint(f"end_how {HOW}", name=op.f("ck_network_edge_end_how")),
        schema="core",
    )  # fmt: skip
    op.execute("CREATE INDEX ix_network_edge_source_id ON core.network_edge (source_id)")
    op.execute("CREATE INDEX ix_network_edge_target_id ON core.network_edge (target_id)")
    for side in SIDES:
        op.execute(
            f"CREATE INDEX ix_network_edge_{side}_code ON core.network_edge ({side}_code)"
            f" WHERE {side}_code IS NOT NULL"
        )
        op.execute(
            f"CREATE INDEX ix_network_edge_{side}_cell ON core.network_edge"
            f" ({cell_of(f'{side}_point')})"
        )
    op.execute(
        "CREATE INDEX ix_network_edge_unsettled ON core.network_edge (pipe_id)"
        " WHERE start_how IS NULL OR end_how IS NULL"
    )


def _create_others() -> None:
    op.create_table(
        "network_dirty",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("is_pipe", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_network_dirty")),
        schema="core",
    )
    op.create_table(
        "network_place",
        sa.Column("point", Geometry("POINT", srid=4490, spatial_index=False), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=True),
        sa.Column("how", sa.Text(), nullable=True),
        sa.Column("gap_m", sa.Double(), nullable=True),
        schema="core",
        prefixes=["UNLOGGED"],
    )
    op.execute(f"CREATE INDEX ix_network_place_cell ON core.network_place ({cell_of('point')})")
    op.create_table(
        "network_setting",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tolerance_m", sa.Double(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_network_setting_id")),
        sa.CheckConstraint(
            "tolerance_m BETWEEN 0 AND 5", name=op.f("ck_network_setting_tolerance_m")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_network_setting")),
        schema="core",
    )
    op.execute("INSERT INTO core.network_setting (id, tolerance_m) VALUES (1, 0.1)")
    op.create_table(
        "misconnection_record",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("misconnection_id", sa.Uuid(), nullable=False),
        sa.Column("node_id", sa.Uuid(), nullable=False),
        sa.Column("from_system", sa.Text(), nullable=False),
        sa.Column("to_system", sa.Text(), nullable=False),
        sa.Column("record", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_misconnection_record")),
        schema="core",
    )  # fmt: skip
    op.create_index(
        "ix_misconnection_record_misconnection_id", "misconnection_record",
        ["misconnection_id", "recorded_at"], schema="core",
    )  # fmt: skip
    op.execute(STAMP_RECORD)
    for trigger in (
        "stamp_record BEFORE INSERT ON core.misconnection_record FOR EACH ROW"
        " EXECUTE FUNCTION core.stamp_record()",
        "refuse_change BEFORE UPDATE OR DELETE ON core.misconnection_record FOR EACH ROW"
        " EXECUTE FUNCTION core.refuse_change()",
        "refuse_truncate BEFORE TRUNCATE ON core.misconnection_record FOR EACH STATEMENT"
        " EXECUTE FUNCTION core.refuse_change()",
        "mark_change AFTER INSERT ON core.misconnection_record FOR EACH STATEMENT"
        " EXECUTE FUNCTION core.mark_change('sewer_pipe')",
    ):
        op.execute(f"CREATE TRIGGER {trigger}")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _create_edges()
    _create_others()
    op.execute(MARK_NETWORK)
    op.execute(SETTLE_NETWORK)
    op.execute(REBUILD_NETWORK)
    op.execute(BUMP_VERSIONS % SETTLE_FIRST)
    for kind in ("sewer_pipe", *NODE_KINDS):
        for event, tables in (
            ("INSERT", "NEW TABLE AS new_rows"),
            ("UPDATE", "OLD TABLE AS old_rows NEW TABLE AS new_rows"),
            ("DELETE", "OLD TABLE AS old_rows"),
        ):
            op.execute(
                f"CREATE TRIGGER network_{event.lower()} AFTER {event} ON core.{kind}"
                f" REFERENCING {tables} FOR EACH STATEMENT EXECUTE FUNCTION core.mark_network()"
            )
    op.execute("INSERT INTO core.network_dirty (id, is_pipe) SELECT id, true FROM core.sewer_pipe")
    op.execute("SELECT core.settle_network()")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for kind in ("sewer_pipe", *NODE_KINDS):
        for event in ("insert", "update", "delete"):
            op.execute(f"DROP TRIGGER network_{event} ON core.{kind}")
    op.execute(BUMP_VERSIONS % "")
    op.execute("DROP FUNCTION core.rebuild_network(double precision)")
    op.execute("DROP FUNCTION core.settle_network()")
    op.execute("DROP FUNCTION core.mark_network()")
    for table in (
        "misconnection_record", "network_setting", "network_place", "network_dirty",
        "network_edge",
    ):  # fmt: skip
        op.drop_table(table, schema="core")
    op.execute("DROP FUNCTION core.stamp_record()")
