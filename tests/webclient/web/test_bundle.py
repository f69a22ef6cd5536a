"""How the page's modules and style sheets are joined."""

from graphlib import CycleError
from pathlib import Path

import pytest

from mcpsecurity_webclient.web.bundle import BundleError, join_modules, join_style_sheets


def written(folder: Path, **files: str) -> Path:
    """Write modules and return their folder; a name has two underscores for a slash."""
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.js"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_modules_become_blocks_after_those_that_they_need(tmp_path: Path) -> None:
    folder = written(
        tmp_path,
        main='import { greet as hail } from "./ui/greet.js";\nhail();\n',
        ui__greet="/** What it does. */\n\nexport function greet() {\n  return 1; // says hello\n}\n",
    )
    assert join_modules(folder, "main.js") == {
        "main.js": "let m0, m1;\n"
        "{\nfunction greet() {\nreturn 1; // says hello\n}\nm1 = { greet };\n}\n"
        "{\nconst { greet: hail } = m1;\nhail();\nm0 = {  };\n}\n"
    }


def test_a_module_that_is_imported_on_demand_is_a_file_with_what_only_it_needs(tmp_path: Path) -> None:
    folder = written(
        tmp_path,
        main='import { a } from "./both.js";\nawait import("./far/off.js");\n',
        both="export const a = 1;\n",
        far__off='import { a } from "../both.js";\nimport { b } from "./near.js";\nexport class Off {}\n',
        far__near="export const b = 2;\n",
    )
    files = join_modules(folder, "main.js")
    assert set(files) == {"main.js", "far-off.js"}
    assert 'await import("./far-off.js")' in files["main.js"]
    assert files["main.js"].endswith("export { m1 };\n")
    assert files["far-off.js"].startswith('import { m1 } from "./main.js";\nlet m3, m2;\n')
    assert files["far-off.js"].endswith("export const { Off } = m2;\n")
    assert "const a" not in files["far-off.js"]


def test_what_two_files_need_is_in_the_first_one(tmp_path: Path) -> None:
    lazy = 'import { c } from "./common.js";\nexport const x = c;\n'
    folder = written(
        tmp_path,
        main='import("./one.js");\nimport("./two.js");\n',
        one=lazy,
        two=lazy,
        common="export const c = 3;\n",
    )
    files = join_modules(folder, "main.js")
    assert [name for name, text in files.items() if "const c = 3" in text] == ["main.js"]


@pytest.mark.parametrize(
    "line", ["export default 1;", 'export { a } from "./a.js";', 'import "./a.js";', "export let a = 1;"]
)
def test_other_imports_and_exports_are_named_and_refused(tmp_path: Path, line: str) -> None:
    folder = written(tmp_path, main=f"{line}\n", a="export const a = 1;\n")
    with pytest.raises(BundleError, match=r"main\.js"):
        join_modules(folder, "main.js")


def test_a_template_literal_of_several_lines_is_refused_as_it_would_lose_its_indentation(
    tmp_path: Path,
) -> None:
    folder = written(tmp_path, main="const text = `one\n  two`;\n")
    with pytest.raises(BundleError, match=r"main\.js: 'const text = `one'"):
        join_modules(folder, "main.js")


def test_a_circle_of_modules_is_refused(tmp_path: Path) -> None:
    circle = 'import {{ {0} }} from "./{0}.js";\nexport const {1} = 1;\n'
    folder = written(tmp_path, main=circle.format("a", "main"), a=circle.format("main", "a"))
    with pytest.raises(CycleError):
        join_modules(folder, "main.js")


def test_style_sheets_stand_where_they_are_imported(tmp_path: Path) -> None:
    (tmp_path / "page.css").write_text('/* all */\n@import "./base.css";\np { color: red }\n')
    (tmp_path / "base.css").write_text("/* base */\n:root { --a: 1 }\n")
    assert join_style_sheets(tmp_path, "page.css") == ":root{--a: 1}p{color: red}"
