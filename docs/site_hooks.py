"""What the documentation site adds to docs/: pages of notebooks, and a list of pages without a place."""

import re
import warnings
from pathlib import Path
from typing import Any, cast

import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Add the pages that the navigation does not name. A warning of Semantic Kernel's own, which MkDocs would
    print with a traceback, is not shown."""
    warnings.filterwarnings("ignore", message="The `__get_pydantic_core_schema__` method")
    nav = config.nav or []
    more = sorted(page.name for page in Path(config.docs_dir).glob("*.md") if page.name not in str(nav))
    config.nav = cast("list[Any]", [*nav, {"More": more}] if more else nav)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Make a page of each notebook."""
    for path in sorted((Path(config.docs_dir) / "notebooks").glob("*.ipynb")):
        content = notebook_page(path)
        files.append(File.generated(config, f"notebooks/{path.stem}.md", content=content))
    return files


def notebook_page(path: Path) -> str:
    """Return a notebook as Markdown: its text, code, and what it printed."""
    notebook = nbformat.reads(path.read_text("utf-8"), as_version=4)
    parts = [f"[The notebook]({path.name}){{ download }}"]
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            parts.append(re.sub(r"\(([\w-]+)\.ipynb\)", r"(\1.md)", cell.source))
            continue
        parts.append(f"```python\n{cell.source}\n```")
        shown = [out.get("text") or out.get("data", {}).get("text/plain", "") for out in cell.outputs]
        if text := "\n".join(shown).strip():
            parts.append(f"```text\n{text}\n```")
    heading = next((i for i, part in enumerate(parts) if part.startswith("# ")), 0)
    parts.insert(heading, parts.pop(0))
    return "\n\n".join(parts)
