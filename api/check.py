"""The whole check, one command: format, lint, types, contracts, vulnerabilities, tests.

Every part runs, whatever came before it; the tests come last, so that their closing line is the
last one, unless another part failed: then that is said once more.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from rich.markup import escape

from api.cli_words import Session, out
from gis.attributes import Text

ROOT = Path(__file__).resolve().parent.parent
_PYTHON = (sys.executable, "-m")
_COVERAGE = ("--cov=gis", "--cov=api", "--cov=layers", "--cov-report=term:skip-covered")
_SLOW = ("tests/browser", "tests/real", "tests/benchmarks", "tests/gis/test_fuzz.py")
_AUDITED = "tests/requirements.lock"
"""Holds everything requirements.lock does, and what the tests use."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the check: a name, and the command that fails when something is wrong."""

    name: Text
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a part ended; ``remark`` says what a reader must know beside it."""

    name: Text
    passed: bool
    seconds: float
    remark: Text | None = None


def list_parts(*, fast: bool, coverage: bool) -> list[Part]:
    """The parts that are programs of their own, in order."""
    tests: tuple[str, ...] = (*_PYTHON, "pytest", "--numprocesses=2", "--dist=loadfile")
    if fast:
        tests += tuple(f"--ignore={path}" for path in _SLOW)
    else:
        tests += ("--durations=10",)
    if coverage:
        tests += _COVERAGE
    contracts = str(Path(sys.executable).with_name("lint-imports"))
    return [
        Part(Text(zh="格式", en="format"), (*_PYTHON, "ruff", "format", "--check", ".")),
        Part(Text(zh="代码检查", en="lint"), (*_PYTHON, "ruff", "check", ".")),
        Part(Text(zh="类型", en="types"), (*_PYTHON, "mypy", "gis", "api", "layers")),
        Part(Text(zh="导入约定", en="import contracts"), (contracts,)),
        Part(Text(zh="测试", en="tests"), tests),
    ]


def run_checks(session: Session, *, fast: bool, coverage: bool) -> int:
    """Run every part; 0 when all passed."""
    *early, tests = list_parts(fast=fast, coverage=coverage)
    outcomes = [_run(session, part) for part in early]
    outcomes.append(_audit(session))
    for outcome in outcomes:
        _show(session, outcome)
    tested = _run(session, tests)
    failed = [outcome for outcome in outcomes if not outcome.passed]
    for outcome in failed:
        _show(session, outcome)
    return 0 if tested.passed and not failed else 1


def _show(session: Session, outcome: Outcome) -> None:
    mark = "[green]✓[/]" if outcome.passed else "[red]✗[/]"
    words = escape(outcome.name.get(session.language))
    remark = escape(outcome.remark.get(session.language)) if outcome.remark else ""
    out.print(f"{mark} {words} ({outcome.seconds:.0f} s) [yellow]{remark}[/]")


def _announce(session: Session, name: Text) -> float:
    out.print(f"[bold]── {escape(name.get(session.language))}[/]")
    sys.stdout.flush()
    return time.monotonic()


def _run(session: Session, part: Part) -> Outcome:
    began = _announce(session, part.name)
    done = subprocess.run(part.command, cwd=ROOT, check=False)  # noqa: S603  our own programs
    return Outcome(part.name, done.returncode == 0, time.monotonic() - began)


# known vulnerabilities


def _audit(session: Session) -> Outcome:
    name = Text(zh="已知漏洞", en="known vulnerabilities")
    began = _announce(session, name)
    command = [*_PYTHON, "pip_audit", "--disable-pip", "--require-hashes", "--format=json"]
    command += ["--progress-spinner=off", f"--requirement={_AUDITED}"]
    done = subprocess.run(  # noqa: S603  our own program
        command, cwd=ROOT, check=False, capture_output=True, text=True
    )
    passed, remark = judge_audit(done.stdout, done.stderr)
    out.print(escape(remark.get(session.language)))
    return Outcome(name, passed, time.monotonic() - began, remark)


def judge_audit(report: str, complaint: str) -> tuple[bool, Text]:
    """What pip-audit's JSON means: whether it passes, and what to tell.

    Where the advisory service cannot be reached, nothing was audited: that does not fail the
    check (an installation may have no internet) but it is said, never passed over. The floors
    under the versions in pyproject.toml hold without a network.
    """
    try:
        packages = json.loads(report)["dependencies"]
    except (ValueError, KeyError):
        last = (complaint.strip().splitlines() or ["?"])[-1][:200]
        return True, Text(
            zh="未检查:无法访问漏洞数据库({last})",
            en="NOT CHECKED: the advisory service cannot be reached ({last})",
        ).format(last=last)
    skipped = [p for p in packages if "skip_reason" in p]
    found = [f"{p['name']} {p['version']}: {v['id']}" for p in packages for v in p.get("vulns", [])]
    if found:
        return False, Text(zh="有漏洞:{found}", en="vulnerable: {found}").format(
            found=", ".join(found)
        )
    if len(skipped) == len(packages):
        return True, Text(
            zh="未检查:漏洞数据库不认识任何一个包({count} 个)",
            en="NOT CHECKED: the advisory service answered for none of {count} packages",
        ).format(count=len(packages))
    return True, Text(
        zh="{checked} 个包无已知漏洞,{skipped} 个未能检查",
        en="{checked} packages without a known vulnerability, {skipped} not checked",
    ).format(checked=len(packages) - len(skipped), skipped=len(skipped))
