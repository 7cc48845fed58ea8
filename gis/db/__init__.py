"""The database: the embedded cluster, the handle, roles, tables derived from kinds, migrations."""
