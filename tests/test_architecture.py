"""Rules of the house that a reader could miss, kept by the machine."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from gis import geometry

ROOT = Path(__file__).parent.parent
PACKAGES = ("gis", "layers", "api")
SRIDS = {geometry.STORAGE_SRID, geometry.TILE_SRID, geometry.WGS84_SRID, *range(4534, 4555)}
SQL_SRID = re.compile(r"(?:ST_\w+\([^)]*,|SRID=|srid\s*=)\s*(?:4490|4326|3857)\b", re.IGNORECASE)
VAGUE = {"utils", "util", "helpers", "helper", "manager", "managers", "data", "common", "misc"}


def sources(*packages: str) -> list[Path]:
    """Our modules; generated migrations are history, not code to keep tidy."""
    return [
        path
        for package in packages
        for path in sorted((ROOT / package).rglob("*.py"))
        if "versions" not in path.parts
    ]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


SOURCES = {
    name_of(path): ast.parse(path.read_text(encoding="utf-8")) for path in sources(*PACKAGES)
}
each_source = pytest.mark.parametrize("name", SOURCES)


def docstrings(tree: ast.AST) -> set[int]:
    """Identities of the string nodes that are documentation."""
    return {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


def constants(tree: ast.AST) -> Iterator[ast.Constant]:
    hidden = docstrings(tree)
    yield from (
        node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in hidden
    )


def test_imports_point_one_way() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = declared["tool"]["importlinter"]["contracts"]
    assert f"{len(contracts)} kept, 0 broken" in done.stdout
    assert len(contracts) >= 5


@each_source
def test_reference_systems_are_named_in_one_module_only(name: str) -> None:
    if name == "gis/geometry.py":
        return
    found = [
        (node.lineno, node.value)
        for node in constants(SOURCES[name])
        if (type(node.value) is int and node.value in SRIDS)
        or (isinstance(node.value, str) and SQL_SRID.search(node.value))
    ]
    assert found == []


@each_source
def test_only_settings_read_the_environment(name: str) -> None:
    if name in ("gis/settings.py", "gis/__main__.py"):
        return
    read = [
        node.lineno
        for node in ast.walk(SOURCES[name])
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "environb")
    ]
    assert read == []


@each_source
def test_a_module_is_short_documented_and_says_what_it_is(name: str) -> None:
    lines = (ROOT / name).read_text(encoding="utf-8").count("\n")
    assert lines <= 400
    path = Path(name)
    assert not VAGUE & {path.stem, *path.parent.parts}
    if lines:
        assert ast.get_docstring(SOURCES[name]), "a module says in a sentence what it is"


@each_source
def test_public_functions_and_classes_have_a_docstring(name: str) -> None:
    bare = []
    for node in SOURCES[name].body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            leaf_error = isinstance(node, ast.ClassDef) and node.name.endswith("Error")
            if not node.name.startswith("_") and not ast.get_docstring(node) and not leaf_error:
                bare.append(node.name)
    assert bare == []


@each_source
def test_nothing_is_left_for_later(name: str) -> None:
    words = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(r"\b(TODO|FIXME|XXX|HACK)\b", words)


@each_source
def test_nothing_is_silenced(name: str) -> None:
    """No bare ``except``, and no broad one that neither raises nor returns an explanation."""
    silent = []
    for node in ast.walk(SOURCES[name]):
        if isinstance(node, ast.ExceptHandler):
            only_pass = all(isinstance(s, ast.Pass) for s in node.body)
            broad = node.type is None or getattr(node.type, "id", "") in (
                "Exception",
                "BaseException",
            )
            if node.type is None or (broad and only_pass):
                silent.append(node.lineno)
    assert silent == []


@each_source
def test_an_ignored_type_error_says_why_on_its_line(name: str) -> None:
    ignored = re.compile(r"#\s*type:\s*ignore(?:\[[\w, -]+\])?(.*)$")
    bare = []
    for number, line in enumerate((ROOT / name).read_text(encoding="utf-8").splitlines(), 1):
        found = ignored.search(line)
        if found and not re.search(r"[#-]\s*\w+", found.group(1)):
            bare.append((number, line.strip()))
    assert bare == []


def test_no_test_is_switched_off() -> None:
    off = re.compile(r"pytest\.(?:skip|xfail|importorskip)|mark\.(?:skip|skipif|xfail)\b")
    found = [
        name_of(path)
        for path in sources("tests")
        if path != Path(__file__) and off.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []


@each_source
def test_every_error_raised_for_people_is_of_our_tree(name: str) -> None:
    """Errors with words for a person are in gis/errors.py, in both languages."""
    own = [
        node.name
        for node in SOURCES[name].body
        if isinstance(node, ast.ClassDef)
        and any(getattr(base, "id", "") == "InfratrackError" for base in node.bases)
    ]
    assert not own or name == "gis/errors.py"


def test_gis_imports_nothing_before_the_environment_exists() -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-c", "import gis, sys; print(sorted(sys.modules))"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for package in ("sqlalchemy", "shapely", "geopandas", "pydantic", "numpy", "folium"):
        assert package not in done.stdout


@pytest.mark.parametrize("lock", ["requirements.lock", "tests/requirements.lock"])
def test_the_lock_keeps_the_extras_that_packages_ask_for(lock: str) -> None:
    """pip looks for ``coverage[toml]`` apart from ``coverage``.

    Where the lock names only the latter, pip takes the newest release of the former, and the
    set-up ends on every new machine from the day that release appears.
    """
    lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()
    pinned = [Requirement(line.rstrip(" \\")) for line in lines if re.match(r"^[\w.-]+.*==", line)]
    kept = {canonicalize_name(pin.name): pin.extras for pin in pinned}
    for pin in pinned:
        try:
            asked = map(Requirement, requires(pin.name) or ())
        except PackageNotFoundError:  # of another platform or Python
            continue
        for need in asked:
            name = canonicalize_name(need.name)
            wanted = need.marker is None or any(
                need.marker.evaluate({"extra": extra}) for extra in (pin.extras or {""})
            )
            if wanted and name in kept:
                assert need.extras <= kept[name], f"{pin.name} asks for {need}"
