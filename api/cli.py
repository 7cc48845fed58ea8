"""The command line: ``python3 -m gis COMMAND`` ends up here, inside the environment.

Exit codes: 0 done, 1 refused or failed, 2 wrong usage or a machine that is not ready, 130 broken
off.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence

import typer
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from typer.core import TyperGroup

from api import (
    cli_hazards,
    cli_inspections,
    cli_network,
    cli_people,
    cli_records,
    cli_serve,
    cli_surveys,
    cli_swmm,
    cli_system,
)
from api.cli_words import (
    Session,
    both,
    choose_language,
    complain,
    complain_of,
    explain_database,
    explain_file_error,
    explain_usage,
    read_settings,
    speak,
)
from gis.attributes import Language
from gis.errors import InfratrackError, SetupError
from gis.settings import read_shell_language

PROGRAM = "python3 -m gis"


def build_commands(language: Language) -> TyperGroup:
    """The commands, their helps in ``language``."""
    app = typer.Typer(
        help=both("城建一张图:县城建设局的设施地图", "Infratrack: a county's infrastructure map"),
        epilog=f"{PROGRAM} demo",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    cli_system.register(app)
    cli_serve.register(app)
    cli_records.register(app)
    cli_people.register(app)
    cli_hazards.register(app)
    cli_inspections.register(app)
    cli_surveys.register(app)
    cli_network.register(app)
    cli_swmm.register(app)
    group = typer.main.get_command(app)
    if not isinstance(group, TyperGroup):
        raise TypeError("the commands are a group")
    return speak(group, language)


def run(arguments: Sequence[str]) -> int:
    """Run one command; its exit code. Our errors are one clear message, never a traceback."""
    language = read_shell_language()
    try:
        settings = read_settings()
        language = choose_language(settings)
        session = Session(settings, language)
        code = build_commands(language).main(
            list(arguments) or ["--help"], prog_name=PROGRAM, standalone_mode=False, obj=session
        )
    except InfratrackError as error:
        complain_of(error, language)
        return 2 if isinstance(error, SetupError) else 1
    except (DBAPIError, PoolTimeoutError) as error:
        complain_of(explain_database(error), language)
        return 1
    except OSError as error:
        complain_of(explain_file_error(error), language)
        return 1
    except typer.TyperException as error:
        if error.format_message():  # without a command the help was shown already
            complain(explain_usage(error, language))
        return 2
    except (KeyboardInterrupt, typer.Abort):
        return 130
    return code if isinstance(code, int) else 0


def main() -> None:
    """Run what the command line says; SIGTERM ends a command as Ctrl+C does."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
