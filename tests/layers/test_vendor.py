"""Modules become one script that means the same, or are refused."""

import shutil
import subprocess
from pathlib import Path

import pytest

from layers.live import STATIC_FOLDER
from layers.portable import PAGE_FOLDER
from layers.vendor import bundle_modules, guard_script, guard_style


def write(folder: Path, **sources: str) -> dict[str, Path]:
    files = {}
    for name, source in sources.items():
        files[name] = folder / f"{name}.js"
        files[name].write_text(source, encoding="utf-8")
    return files


def test_what_a_module_imports_is_written_once_and_before_it(tmp_path: Path) -> None:
    files = write(
        tmp_path,
        top='import { a, b as c } from "./left.js";\nimport { a as d } from "./right.js";\n',
        left='import { base } from "./base.js";\nexport const a = base;\nexport function b() {}\n',
        right='import { base } from "./base.js";\nexport class a {}\n',
        base="export const base = 1;\n",
    )
    script = bundle_modules("top", files)
    places = [script.index(f"const module_{name} =") for name in ("base", "left", "right", "top")]
    assert places == sorted(places)
    assert script.count("const module_base =") == 1
    assert "const { a, b: c } = module_left;" in script
    assert "return { a, b };" in script


@pytest.mark.parametrize(
    "source",
    [
        'import thing from "./base.js";\n',
        'import "./base.js";\n',
        "export default 1;\n",
        "export let changing = 1;\n",
        "export { a };\n",
    ],
)
def test_a_module_written_another_way_is_refused(tmp_path: Path, source: str) -> None:
    with pytest.raises(ValueError, match=r"top\.js"):
        bundle_modules("top", write(tmp_path, top=source, base=""))


def test_modules_that_import_each_other_are_refused(tmp_path: Path) -> None:
    files = write(tmp_path, a='import { b } from "./b.js";\n', b='import { a } from "./a.js";\n')
    with pytest.raises(ValueError, match="a -> b -> a"):
        bundle_modules("a", files)


def test_nothing_written_into_an_element_can_end_it() -> None:
    for script in ("x = '</script>'", "x = '</SCRIPT '", "// <!--"):
        with pytest.raises(ValueError, match="script"):
            guard_script(script)
    for style in ("a{}</style>", "@import url(x.css);"):
        with pytest.raises(ValueError, match="style"):
            guard_style(style)


def test_every_module_of_the_live_page_can_be_written_into_a_file() -> None:
    modules = {path.stem: path for path in STATIC_FOLDER.glob("*.js")}
    modules |= {path.stem: path for path in PAGE_FOLDER.glob("*.js")}
    script = bundle_modules("map", modules)
    assert "EventSource" not in script
    assert script.count("const module_tiles =") == 1
    if node := shutil.which("node"):
        subprocess.run([node, "--check", "-"], input=script.encode(), check=True)
