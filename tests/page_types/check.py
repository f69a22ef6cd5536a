"""Check the types of the page's JavaScript modules with TypeScript; the exit code is the checker's."""

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # run as a script, which puts its own folder there
from tests.support.node import NODE, install, node_environment

FOLDER = Path(__file__).parent


def main() -> int:
    checker = install(FOLDER) / "typescript" / "bin" / "tsc"
    command = [str(NODE), str(checker), "--project", str(FOLDER)]
    return subprocess.run(command, check=False, env=node_environment()).returncode  # noqa: S603 - fixed above


if __name__ == "__main__":
    sys.exit(main())
