"""What the command line says, in the reader's language: helps, tables, errors, progress.

A help is declared beside its option in both languages (:func:`both`); :func:`speak` leaves the
one asked for when the commands are built. Results go to stdout, everything else to stderr.
"""

from __future__ import annotations

import errno
import os
import pwd
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from gis.attributes import Language, Text
from gis.db.connect import Installation, open_installation
from gis.db.handle import is_disk_full
from gis.errors import BusyError, InfratrackError, SetupError, SourceError, StorageFullError
from gis.settings import Settings, read_shell_language

_BETWEEN = "\x1e"
_PANELS = {
    "commands": Text(zh="命令", en="Commands"),
    "arguments": Text(zh="参数", en="Arguments"),
    "options": Text(zh="选项", en="Options"),
    "help": Text(zh="显示此说明", en="Show this message"),
    "example": Text(zh="示例", en="Example"),
}
_USAGE = {
    "NoSuchOption": Text(zh="没有此选项", en="no such option"),
    "MissingParameter": Text(zh="缺少参数", en="missing"),
    "BadParameter": Text(zh="参数值有误", en="bad value"),
    "BadOptionUsage": Text(zh="选项用法有误", en="wrong use of an option"),
}
_WRONG_USAGE = Text(zh="用法有误", en="wrong usage")

out = Console(highlight=False, soft_wrap=True)
notes = Console(stderr=True, highlight=False, soft_wrap=True)


def both(zh: str, en: str) -> str:
    """A help in both languages, for Typer's ``help=`` and ``epilog=``."""
    return f"{zh}{_BETWEEN}{en}"


def choose_language(settings: Settings) -> Language:
    """``GIS_LANGUAGE`` where it is set, else the shell's."""
    if "language" in settings.model_fields_set:
        return settings.language
    return read_shell_language()


def read_settings() -> Settings:
    """The settings, or a SetupError that names the variable and does not repeat its value."""
    try:
        return Settings()
    except ValidationError as error:
        names = sorted({f"GIS_{str(e['loc'][0]).upper()}" for e in error.errors() if e["loc"]})
        raise SetupError(
            Text(
                zh="环境变量 {names} 的值有误,见 README.zh.md 的设置表",
                en="the environment variable {names} has a wrong value; see the settings in"
                " README.md",
            ).format(names=", ".join(names) or "GIS_…")
        ) from error


def find_actor() -> str:
    """Who runs the command: the system's user, the actor of everything a command writes."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def speak(group: TyperGroup, language: Language) -> TyperGroup:
    """Leave one language in the helps of ``group`` and its commands."""
    _speak_words(group, language)
    for command in group.commands.values():
        if isinstance(command, TyperGroup):
            speak(command, language)
        elif isinstance(command, TyperCommand):
            _speak_words(command, language)
        if isinstance(command, TyperCommand | TyperGroup):
            command.rich_help_panel = _PANELS["commands"].get(language)
    return group


def _speak_words(command: TyperGroup | TyperCommand, language: Language) -> None:
    command.help = _pick(command.help, language)
    command.short_help = _pick(command.short_help, language)
    if command.epilog:
        command.epilog = f"{_PANELS['example'].get(language)}: {_pick(command.epilog, language)}"
    for parameter in command.params:
        if isinstance(parameter, TyperArgument | TyperOption):
            parameter.help = _pick(parameter.help, language)
            is_argument = isinstance(parameter, TyperArgument)
            panel = _PANELS["arguments" if is_argument else "options"]
            parameter.rich_help_panel = panel.get(language)
    if (own := command.get_help_option(typer.Context(command))) is not None:
        own.help = _PANELS["help"].get(language)
        own.rich_help_panel = _PANELS["options"].get(language)


def _pick(words: str | None, language: Language) -> str | None:
    if words is None or _BETWEEN not in words:
        return words
    zh, en = words.split(_BETWEEN)
    return zh if language is Language.ZH else en


def explain_usage(error: typer.TyperException, language: Language) -> str:
    """Typer's complaint, led by a phrase in the reader's language."""
    if language is Language.EN:
        return error.format_message()
    phrase = _USAGE.get(type(error).__name__, _WRONG_USAGE).get(language)
    return f"{phrase}:{error.format_message()}"


def explain_database(error: Exception) -> InfratrackError:
    """What the database said, as one of our errors."""
    cause = getattr(error, "orig", error)
    if is_disk_full(cause):
        return StorageFullError(Text(zh="磁盘已满", en="the disk is full"))
    if isinstance(cause, psycopg.errors.QueryCanceled | psycopg.errors.LockNotAvailable):
        return BusyError(
            Text(zh="数据库繁忙或查询超时,请稍后重试", en="the database is busy; try again later")
        )
    first = (str(cause).splitlines() or [""])[0][:300]
    return SetupError(
        Text(
            zh="数据库出错:{reason}。请运行 python3 -m gis doctor",
            en="the database failed: {reason}. Run python3 -m gis doctor",
        ).format(reason=first)
    )


def explain_file_error(error: OSError) -> InfratrackError:
    """What the system said about a file, as one of our errors."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFullError(
            Text(zh="磁盘已满:{path}", en="the disk is full: {path}").format(path=error.filename)
        )
    return SourceError(
        Text(zh="{path}:{reason}", en="{path}: {reason}").format(
            path=error.filename or "-", reason=error.strerror or type(error).__name__
        )
    )


def complain(message: str) -> None:
    """An error, as it stands (no markup), on stderr."""
    notes.print(f"[bold red]✗[/] {escape(message)}")


def complain_of(error: InfratrackError, language: Language) -> None:
    """One of our errors: its title and message in the reader's language."""
    between = ":" if language is Language.ZH else ": "
    complain(f"{error.title.get(language)}{between}{error.text(language)}")


Report = Callable[[Text, float], None]
"""Told what is being done and how much of it (0 to 1) is."""


@dataclass(frozen=True, slots=True)
class Session:
    """What every command has at hand: the settings and the reader's language."""

    settings: Settings
    language: Language

    def note(self, zh: str, en: str, **facts: object) -> None:
        """A remark on stderr."""
        notes.print(escape(Text(zh=zh, en=en).format(**facts).get(self.language)))

    def answer(self, words: str) -> None:
        """The result itself, on stdout: plain, whole lines, fit for a pipe."""
        out.print(words, markup=False)

    @contextmanager
    def open(self, *, upgrade: bool = True) -> Iterator[Installation]:
        """The installation the settings name, closed at the end."""
        with show_progress(self.language) as report:
            report(Text(zh="打开数据库", en="opening the database"), 0.0)
            installation = open_installation(self.settings, upgrade=upgrade)
        try:
            yield installation
        finally:
            installation.close()


@contextmanager
def show_progress(language: Language) -> Iterator[Report]:
    """A bar on stderr; where that is no terminal, one line per step."""
    if not notes.is_terminal:
        yield _report_lines(language)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=notes, transient=True) as bar:
        task = bar.add_task("", total=1.0)

        def report(step: Text, share: float) -> None:
            bar.update(task, description=escape(step.get(language)), completed=share)

        yield report


def _report_lines(language: Language) -> Report:
    said: set[str] = set()

    def report(step: Text, _share: float) -> None:
        words = step.get(language)
        if words not in said:
            said.add(words)
            notes.print(escape(words))

    return report
