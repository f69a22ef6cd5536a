"""Run the notebooks that run on the local stack, and write them back with their outputs.

python -m tests.notebooks.write_outputs
"""

import sys
import tempfile
from pathlib import Path

import nbformat
from tests.notebooks.reader import Answer, run
from tests.support.installed import ROOT, installed

ANSWERS = {
    "2-approval": [
        Answer("Approve"),
        Answer("Decline"),
        Answer("Approve", {"Arguments": {"value": '{"min": 41, "max": 42}'}}),
    ],
    "3-elicitation": [
        Answer("Submit", {"Cake": {"index": 2}, "Pieces": {"value": "3"}, "Wrapped": {"index": 1}}),
        Answer("Decline"),
    ],
}


def main() -> int:
    """Write those whose numbers are arguments; all but the fourth, which is of a real tenant, without any."""
    for path in sorted((ROOT / "docs" / "notebooks").glob("*.ipynb")):
        if path.name.startswith("4-") or (sys.argv[1:] and path.name[0] not in sys.argv[1:]):
            continue
        with tempfile.TemporaryDirectory() as folder:
            notebook, _ = run(path, installed("notebook"), Path(folder), ANSWERS.get(path.stem))
        notebook.metadata.pop("widgets", None)
        for cell in notebook.cells:
            cell.metadata.pop("execution", None)
        path.write_text(nbformat.writes(notebook) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
