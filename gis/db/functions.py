"""The EXECUTE allow-list: the only extension functions our roles may call.

On Debian's PostGIS 3.3 one bad geometry in ST_MakeValid or ST_PointOnSurface ends every session
of the server (measured), and ST_HausdorffDistance ignores statement_timeout. A role that may not
call them cannot be talked into it, whatever reaches its SQL. CHECKs, generated columns and
operators run with the rights of whoever writes, so what they use is here too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, text

from gis.db.roles import OWNER, Pool

# Signatures as `oid::regprocedure` prints them with `public` on the search path.
_COLUMNS = (
    "geometry(geometry,integer,boolean)",  # the cast every write to a typed column makes
    "geography(geometry)",
    "st_area(geography,boolean)",
    "st_length(geography,boolean)",
    "st_transform(geometry,integer)",
)
_CHECKS = (
    "box3d(geometry)",  # ST_XMin and its kin take a box
    "geometrytype(geometry)",
    "st_astext(geometry,integer)",
    "st_isempty(geometry)",
    "st_isvalid(geometry)",
    "st_npoints(geometry)",
    "st_xmax(box3d)",
    "st_xmin(box3d)",
    "st_ymax(box3d)",
    "st_ymin(box3d)",
)
# Not <-> between geometries: a polygon with an empty inner ring ends the server there (measured).
_OPERATORS = (
    "geometry_eq(geometry,geometry)",  # =, IS DISTINCT FROM
    "geometry_overlaps(geometry,geometry)",  # &&
    "similarity_dist(text,text)",  # <->
    "similarity_op(text,text)",  # %
    "word_similarity_dist_op(text,text)",  # <<->
    "word_similarity_op(text,text)",  # <%
)
_QUERIES = (
    "box2d(geometry)",  # ST_AsMVTGeom takes a box
    "similarity(text,text)",
    "st_asbinary(geometry)",
    "st_asewkb(geometry)",  # what GeoAlchemy2 wraps every selected geometry in
    "st_asgeojson(geometry,integer,integer)",
    "st_asmvt(anyelement,text,integer,text)",
    "st_asmvtgeom(geometry,box2d,integer,integer,boolean)",
    "st_astext(geometry)",
    "st_endpoint(geometry)",
    "st_estimatedextent(text,text,text)",
    "st_extent(geometry)",
    "st_geomfromewkt(text)",  # what GeoAlchemy2 wraps every bound geometry in
    "st_geomfromtext(text,integer)",
    "st_geomfromwkb(bytea)",
    "st_lineinterpolatepoint(geometry,double precision)",
    "st_linesubstring(geometry,double precision,double precision)",
    "st_geomfromwkb(bytea,integer)",
    "st_intersects(geometry,geometry)",
    "st_makeenvelope(double precision,double precision,double precision,double precision,integer)",
    "st_makepoint(double precision,double precision)",
    "st_setsrid(geometry,integer)",
    "st_simplify(geometry,double precision,boolean)",
    "st_snaptogrid(geometry,double precision)",  # SQL: it calls the one with five arguments
    "st_snaptogrid(geometry,double precision,double precision,double precision,double precision)",
    "st_srid(geometry)",
    "st_startpoint(geometry)",
    "st_tileenvelope(integer,integer,integer,geometry,double precision)",
    "st_x(geometry)",
    "st_y(geometry)",
    "word_similarity(text,text)",
)
_CATALOGUE = (
    "postgis_geos_version()",
    "postgis_lib_version()",
    "postgis_proj_version()",
    "postgis_typmod_dims(integer)",  # the view geometry_columns, which GDAL and QGIS read
    "postgis_typmod_srid(integer)",
    "postgis_typmod_type(integer)",
)
FUNCTIONS: tuple[str, ...] = tuple(
    sorted((*_COLUMNS, *_CHECKS, *_OPERATORS, *_QUERIES, *_CATALOGUE))
)
"""Everything in schema ``public`` that the owner and the pools may call, and nothing else."""

DENIED_BUILT_IN: tuple[str, ...] = (
    # sleep: holds a connection for as long as it likes
    *("pg_sleep", "pg_sleep_for", "pg_sleep_until"),
    # large objects: storage outside every table, grant and quota of ours
    *("lo_close", "lo_creat", "lo_create", "lo_export", "lo_from_bytea", "lo_get", "lo_import"),
    *("lo_lseek", "lo_lseek64", "lo_open", "lo_put", "lo_tell", "lo_tell64", "lo_truncate"),
    *("lo_truncate64", "lo_unlink", "loread", "lowrite"),
    # the server's files
    *("pg_ls_dir", "pg_read_binary_file", "pg_read_file", "pg_read_file_old", "pg_stat_file"),
    # SQL given as text
    *("cursor_to_xml", "cursor_to_xmlschema", "database_to_xml", "database_to_xml_and_xmlschema"),
    *("database_to_xmlschema", "query_to_xml", "query_to_xml_and_xmlschema", "query_to_xmlschema"),
    *("schema_to_xml", "schema_to_xml_and_xmlschema", "schema_to_xmlschema", "table_to_xml"),
    *("table_to_xml_and_xmlschema", "table_to_xmlschema", "ts_rewrite", "ts_stat"),
    # the write-ahead log
    "pg_logical_emit_message",
)
"""Built-in functions (all their overloads) taken from PUBLIC in our database."""


@dataclass(frozen=True, slots=True)
class GrantDifference:
    """A right the catalogue has and the code does not declare, or the other way round."""

    function: str
    role: str
    is_granted: bool
    """True: granted though undeclared. False: declared but not granted."""

    def __str__(self) -> str:
        return f"{'+' if self.is_granted else '-'} {self.role}: {self.function}"


def our_roles() -> tuple[str, ...]:
    """The owner and the login role of every pool."""
    return (OWNER, *(pool.role for pool in Pool))


def function_grants() -> Iterator[str]:
    """Statements (superuser) that leave exactly the allow-list to our roles; idempotent."""
    roles = ", ".join(our_roles())
    yield f"REVOKE ALL ON ALL ROUTINES IN SCHEMA public FROM PUBLIC, {roles}"
    for function in FUNCTIONS:
        yield f"GRANT EXECUTE ON FUNCTION public.{function} TO {roles}"
    names = ", ".join(f"'{name}'" for name in DENIED_BUILT_IN)
    yield (
        "DO $$ DECLARE denied regprocedure; BEGIN FOR denied IN SELECT oid FROM pg_proc"
        f" WHERE pronamespace = 'pg_catalog'::regnamespace AND proname IN ({names}) LOOP"
        f" EXECUTE 'REVOKE ALL ON FUNCTION ' || denied || ' FROM PUBLIC, {roles}';"
        " END LOOP; END $$"
    )


_GRANTED = text(
    """
    SELECT p.oid::regprocedure::text AS function, coalesce(r.rolname, 'PUBLIC') AS role
      FROM pg_proc p
      CROSS JOIN aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
      LEFT JOIN pg_roles r ON r.oid = a.grantee
     WHERE a.privilege_type = 'EXECUTE' AND a.grantee <> p.proowner
       AND (p.pronamespace = 'public'::regnamespace
         OR p.pronamespace = 'pg_catalog'::regnamespace AND p.proname = ANY (:denied))
       AND (a.grantee = 0 OR r.rolname = ANY (:roles))
    """
)


def compare_function_grants(connection: Connection) -> list[GrantDifference]:
    """Differences between the allow-list and the catalogue, sorted; empty when they agree.

    Any role that may read the catalogue can ask; ``public`` must be on its search path, as it is
    for every role of ours.
    """
    declared = {(function, role) for function in FUNCTIONS for role in our_roles()}
    rows = connection.execute(
        _GRANTED, {"denied": list(DENIED_BUILT_IN), "roles": list(our_roles())}
    )
    granted = {(row.function, row.role) for row in rows}
    return [
        GrantDifference(function, role, is_granted=(function, role) in granted)
        for function, role in sorted(declared ^ granted)
    ]
