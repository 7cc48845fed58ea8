"""Four writers on one server, run as a program: every acknowledged row is noted in a file.

Usage: kill_harness.py SOCKET_FOLDER ROUND NOTES synchronous_commit

Each writer inserts (round, writer, number) with number = 1, 2, 3 … in transactions of one row and
appends the number to ``NOTES.<writer>`` only after the commit was acknowledged. There is no
retry. What a file holds survives the kill of this process: the kernel has it.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import psycopg

WRITERS = 4


def write_rows(socket_folder: str, round_number: int, writer: int, notes: Path, mode: str) -> None:
    """Insert and note rows until the server or this process is killed."""
    handle = os.open(f"{notes}.{writer}", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    connection = psycopg.connect(
        host=socket_folder,
        user="postgres",
        dbname="postgres",
        autocommit=True,
        options=f"-c synchronous_commit={mode}",
    )
    number = 0
    while True:
        number += 1
        try:
            connection.execute(
                "insert into written values (%s, %s, %s)", (round_number, writer, number)
            )
        except psycopg.OperationalError:
            return  # the server died under us: this row was not acknowledged
        os.write(handle, b"%d\n" % number)


def main() -> None:
    socket_folder, round_number, notes, mode = sys.argv[1:5]
    threads = [
        threading.Thread(
            target=write_rows,
            args=(socket_folder, int(round_number), writer, Path(notes), mode),
        )
        for writer in range(WRITERS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
