"""Join the page's modules and style sheets with Vite; `--check` says whether this would change the bundle."""

import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # run as a script, which puts its own folder there
from tests.support.node import NODE, install, node_environment

from mcpsecurity_webclient.web.assets import BUNDLE, SOURCE_DIGEST, source_digest

FOLDER = Path(__file__).parent
STATIC = Path(__file__).parents[2] / "webclient/mcpsecurity_webclient/static"


def make(folder: Path) -> None:
    """Make the bundle in `folder`, in the place of everything that is there."""
    vite = install(FOLDER) / "vite/bin/vite.js"
    command = [str(NODE), str(vite), "build", "--logLevel", "warn", "--emptyOutDir", "--outDir", str(folder)]
    subprocess.run(command, cwd=FOLDER, check=True, env=node_environment())  # noqa: S603 - fixed above
    (folder / SOURCE_DIGEST).write_text(source_digest(STATIC) + "\n", "utf-8", newline="\n")


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in folder.glob("*")}


def main() -> int:
    """Make the bundle, or compare it; the exit code is 1 when it is not that of these sources."""
    if "--check" not in sys.argv:
        make(STATIC / BUNDLE)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder))
        if contents(Path(folder)) == contents(STATIC / BUNDLE):
            return 0
    print("The page's bundle is not that of its modules and style sheets; run `make bundle`.")
    return 1


if __name__ == "__main__":
    sys.exit(main())
