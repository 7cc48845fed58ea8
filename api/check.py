"""The whole check, one command: format, lint, types, contracts, known vulnerabilities, tests."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

ROOT = Path(__file__).resolve().parent.parent
_CODE = ("gis", "api", "layers", "tests")
_UNREACHABLE = ("ConnectionError", "Max retries exceeded", "Failed to resolve", "503 Server",
                "403 Client Error", "404 Client Error", "ServiceError")  # fmt: skip
console = Console(highlight=False)


@dataclass(frozen=True, slots=True)
class Step:
    """One part of the check."""

    name: str
    command: tuple[str, ...]
    may_be_unreachable: bool = False


def _steps(*, fast: bool) -> list[Step]:
    python = (sys.executable, "-m")
    tests: tuple[str, ...] = (*python, "pytest", "-q", "--cov=gis", "--cov=api", "--cov=layers",
             "--cov-report=term:skip-covered", "--durations=10")  # fmt: skip
    if fast:
        tests = (*python, "pytest", "-q", "--ignore=tests/browser", "--ignore=tests/real")
    return [
        Step("format", (*python, "ruff", "format", "--check", *_CODE)),
        Step("lint", (*python, "ruff", "check", *_CODE)),
        Step("types", (*python, "mypy", "gis", "api", "layers")),
        Step("contracts", (str(Path(sys.executable).with_name("lint-imports")),)),
        Step(
            "vulnerabilities",
            (*python, "pip_audit", "--disable-pip", "--require-hashes", "-r", "requirements.lock"),
            may_be_unreachable=True,
        ),
        Step("tests", tests),
    ]


def run_checks(*, fast: bool) -> int:
    """Run every part, the tests last; 0 when all passed. Every part runs, whatever came before."""
    failed = []
    for step in _steps(fast=fast):
        console.print(f"[bold]— {step.name}[/]")
        begun = time.monotonic()
        if not _run(step):
            failed.append(step.name)
        console.print(f"  {step.name}: {time.monotonic() - begun:.0f} s")
    if failed:
        console.print(f"[red]failed: {', '.join(failed)}[/]")
        return 1
    console.print("[green]all passed[/]")
    return 0


def _run(step: Step) -> bool:
    # Bytecode and caches of the run stay out of the checkout's way; colours only on a terminal.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    if not step.may_be_unreachable:
        return subprocess.run(step.command, cwd=ROOT, env=environment, check=False).returncode == 0  # noqa: S603
    done = subprocess.run(  # noqa: S603
        step.command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True
    )
    sys.stdout.write(done.stdout[-3000:])
    if done.returncode == 0:
        return True
    sys.stdout.write(done.stderr[-1500:])
    if any(word in done.stderr for word in _UNREACHABLE):
        console.print("[yellow]NOT CHECKED: the vulnerability service cannot be reached here[/]")
        return True
    return False
