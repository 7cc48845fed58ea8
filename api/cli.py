"""The command line: ``python3 -m gis COMMAND`` ends up here, inside the environment."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from gis.attributes import Language, Text
from gis.db.connect import Installation, open_installation
from gis.errors import InfratrackError, SetupError
from gis.settings import Settings

Step = Callable[[Text, float], None]
"""Told what is being done and which share of it is done."""
console = Console(stderr=True, highlight=False)


def choose_language() -> Language:
    """The language of help and messages: the setting, else the locale's."""
    asked = os.environ.get("GIS_LANGUAGE") or os.environ.get("LC_ALL") or os.environ.get("LANG", "")
    return Language.ZH if asked.lower().startswith("zh") else Language.EN


LANGUAGE = choose_language()


def say(zh: str, en: str, **facts: object) -> str:
    """A sentence in the language of this command line."""
    return Text(zh=zh, en=en).format(**facts).get(LANGUAGE)


def describe(zh: str, en: str, example: str) -> str:
    """Help of a command: a sentence and an example."""
    return (
        f"{Text(zh=zh, en=en).get(LANGUAGE)}\n\n{say('示例', 'Example')}:  python3 -m gis {example}"
    )


app = typer.Typer(
    help=describe("城建一张图", "Infratrack: the infrastructure map of a county", "demo"),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
Port = Annotated[int | None, typer.Option(help=say("端口(仅本机)", "Port on 127.0.0.1"))]


@contextmanager
def open_here(settings: Settings) -> Iterator[Installation]:
    """The installation the settings name, closed at the end."""
    with steps() as step:
        step(Text(zh="启动数据库", en="Starting the database"), 0.0)
        installation = open_installation(settings)
    try:
        yield installation
    finally:
        installation.close()


@contextmanager
def steps() -> Iterator[Step]:
    """A progress line for long work; called with words and a share from 0 to 1."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=not console.is_terminal) as bar:
        task = bar.add_task("", total=1.0)

        def step(words: Text, share: float) -> None:
            bar.update(task, description=words.get(LANGUAGE), completed=share)
            if not console.is_terminal:
                console.print(f"{words.get(LANGUAGE)} {share:.0%}")

        yield step


def os_user() -> str:
    """Who types the command: the actor of what it writes."""
    return f"os:{getpass.getuser()}"


def main() -> None:
    """Run a command; an error of ours is one clear message and an exit code."""
    from api import cli_commands  # the commands register themselves on ``app``

    del cli_commands
    try:
        app()
    except InfratrackError as error:
        console.print(f"[bold red]{error.title.get(LANGUAGE)}[/]: ", end="")
        console.print(error.text(LANGUAGE), markup=False)
        sys.exit(2 if isinstance(error, SetupError) else 1)
    except KeyboardInterrupt:
        console.print(say("已中断", "interrupted"))
        sys.exit(130)


def resolve(path: Path) -> Path:
    """A path as typed, made absolute."""
    return path.expanduser().resolve()


if __name__ == "__main__":
    # Run as a module this file is ``__main__``; the commands register on ``api.cli``'s app.
    from api.cli import main as run

    run()
