"""How the network is asked: a statement in, rows out, over whichever connection there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection

from gis.queries import Statement

Row = Sequence[Any]  # Any: columns of any type
Ask = Callable[[Statement], Sequence[Row]]


def asking(connection: Connection) -> Ask:
    """Statements over an open transaction."""

    def ask(statement: Statement) -> Sequence[Row]:
        return connection.exec_driver_sql(statement.sql, statement.parameters).all()

    return ask
