"""The embedded server's configuration: what is written into its data folder, and why."""

from __future__ import annotations

import os
from pathlib import Path

from gis.db.cluster_files import replace_file
from gis.db.cluster_place import Account

SUPERUSER = "postgres"
OWNER = "infratrack_owner"
ROLES = (
    OWNER,
    "infratrack_public",
    "infratrack_field",
    "infratrack_staff",
    "infratrack_jobs",
    "infratrack_gate",
)
MAX_CONNECTIONS = 200
"""A serving process may hold about thirty: a pool per role to read, one to write, the worker's."""
# below this, parallel queries fail with "could not resize shared memory segment"
SMALL_SHARED_MEMORY = 256 * 1024**2


def write_config(data: Path, *, socket_folder: Path, log_folder: Path, account: Account) -> None:
    """Write postgresql.conf, pg_hba.conf and pg_ident.conf as this version wants them.

    Files that are equal are left alone, so that a full disk does not keep the server down. An
    administrator's own settings go into ``local.conf`` beside them, which is never written here.
    """
    files = {
        "postgresql.conf": _server_settings(socket_folder, log_folder),
        "pg_hba.conf": _HOST_RULES,
        "pg_ident.conf": _identity_map(account),
    }
    for name, text in files.items():
        replace_file(data / name, text.encode())


def _server_settings(socket_folder: Path, log_folder: Path) -> str:
    settings = {
        "cluster_name": "infratrack",
        # a private Unix socket and no network; the port only names the socket's file
        "listen_addresses": "",
        "port": "5432",
        # a list of names: quotes keep a comma in the path literal
        "unix_socket_directories": '"' + str(socket_folder).replace('"', '""') + '"',
        "unix_socket_permissions": "0700",
        "max_connections": str(MAX_CONNECTIONS),
        "shared_buffers": f"{_shared_buffers_mb()}MB",
        "dynamic_shared_memory_type": _shared_memory_type(),
        # an acknowledged commit survives a kill and a power cut; never weaker
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        # after a kill: one syncfs instead of opening thousands of files (0.2 s instead of 3-6 s)
        "recovery_init_sync_method": "syncfs",
        # a client that was killed frees its backend within a second
        "client_connection_check_interval": "1s",
        "jit": "off",  # its compile time exceeds our short queries
        "random_page_cost": "1.1",
        "timezone": "UTC",
        "datestyle": "iso, ymd",
        "log_timezone": "UTC",
        "lc_messages": "C.UTF-8",
        "default_text_search_config": "pg_catalog.simple",
        # a week of logs; statements and details can hold what a reader of logs must not see
        "logging_collector": "on",
        "log_directory": str(log_folder),
        "log_filename": "postgresql-%u.log",
        "log_file_mode": "0600",
        "log_rotation_age": "1d",
        "log_rotation_size": "0",
        "log_truncate_on_rotation": "on",
        "log_line_prefix": "%m [%p] %q%u ",
        "log_error_verbosity": "terse",
        "log_min_error_statement": "panic",
    }
    lines = ["# Written by Infratrack at every start; put changes into local.conf."]
    lines += [f"{name} = '{_quote(value)}'" for name, value in settings.items()]
    return "\n".join([*lines, "include_if_exists = 'local.conf'", ""])


def _quote(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "''")


def _shared_buffers_mb() -> int:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(16, min(256, memory // 8 // 1024**2))


def _shared_memory_type() -> str:
    try:
        room = os.statvfs("/dev/shm")  # noqa: S108 - asked for its size only
    except OSError:
        return "mmap"
    return "mmap" if room.f_blocks * room.f_frsize < SMALL_SHARED_MEMORY else "posix"


# initdb's own rules still have host lines; here the operating system vouches for everybody
_HOST_RULES = """\
# Written by Infratrack at every start.
local  all          all  peer  map=infratrack
local  replication  all  peer  map=infratrack
"""


def _identity_map(account: Account) -> str:
    """Root and the server's own account may be any of our roles; nobody else may enter.

    An ordinary user who runs the app is the server's account; as root both names occur.
    """
    lines = ["# Written by Infratrack at every start."]
    for name in dict.fromkeys(("root", account.name)):
        lines += [f'infratrack  "{name}"  {role}' for role in (SUPERUSER, *ROLES)]
    return "\n".join([*lines, ""])
