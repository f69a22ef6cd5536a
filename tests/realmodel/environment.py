"""llama.cpp's server and a model of 135 million parameters in an environment of their own, as the lock file
beside this one says. The packages bring both: nothing is loaded from elsewhere.

To resolve the lock again: `uv pip compile requirements.in --no-deps --generate-hashes --universal
--python-version 3.11 --no-header --no-annotate --no-emit-index-url -o requirements.lock`.
"""

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

from filelock import FileLock

__all__ = ["SERVE", "NotInstalledError", "realmodel_python"]

_FOLDER = Path(__file__).parent
SERVE = _FOLDER / "programs" / "serve.py"


class NotInstalledError(Exception):
    """The packages cannot be installed here; the text says why."""


def realmodel_python() -> Path:
    """Return the environment's interpreter; it is made if the lock file has changed since.

    Raises:
        NotInstalledError: a package is not to be had for this machine.
    """
    environment = _FOLDER / ".venv"
    python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    lock, stamp = _FOLDER / "requirements.lock", environment / ".installed"
    digest = sha256(lock.read_bytes()).hexdigest()
    with FileLock(_FOLDER / ".venv.lock"):  # tests run in several processes
        if not stamp.exists() or stamp.read_text() != digest:
            _run(sys.executable, "-m", "venv", "--clear", str(environment))
            options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"]
            binary = ["--only-binary", ":all:"]
            _run(str(python), "-m", "pip", "install", *options, *binary, "-r", str(lock))
            stamp.write_text(digest)
    return python


def _run(*command: str) -> None:
    try:
        subprocess.run(command, check=True, timeout=110, capture_output=True, text=True)  # noqa: S603 - Python's own
    except subprocess.CalledProcessError as error:
        raise NotInstalledError(error.stderr.strip().splitlines()[-1][:300]) from error
    except subprocess.TimeoutExpired as error:
        raise NotInstalledError("the packages did not arrive in time") from error
