"""Say whether requirements.lock fits pyproject.toml; `--write` resolves it again.

The lock holds exact versions and hashes for every extra and the developers' tools, and no index address. The
check resolves with the lock's own versions as preferences, so that a new release on the index changes
nothing; only a requirement that the lock does not satisfy, or no longer needs, does.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"


def resolve(output: Path, *options: str) -> None:
    """Write the resolution of pyproject.toml to `output`, preferring the versions already in it."""
    command = [
        str(Path(sys.executable).with_name("uv")),
        *(
            "pip",
            "compile",
            "--quiet",
            "--universal",
            "--python-version",
            "3.11",
            "--all-extras",
            "--group",
            "dev",
        ),
        *("--generate-hashes", "--no-header", "--no-emit-index-url", "--no-emit-find-links"),
        *("--output-file", str(output), *options, "pyproject.toml"),
    ]
    environment = {**os.environ, "UV_SYSTEM_CERTS": "true"}  # as pip does: a company's proxy is known there
    subprocess.run(command, cwd=ROOT, check=True, env=environment)  # noqa: S603 - arguments are fixed above


def versions(text: str) -> set[str]:
    """Return the pinned `name==version ; marker` lines, without hashes and comments."""
    return {line.rstrip("\\ ") for line in text.splitlines() if line and line[0].isalnum()}


def main() -> int:
    """Compare, or write with `--write`; the exit code is 1 when lock and pyproject disagree."""
    if "--write" in sys.argv:
        resolve(LOCK, "--upgrade")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / "requirements.lock"
        shutil.copy(LOCK, fresh)
        resolve(fresh)
        wanted, held = versions(fresh.read_text("utf-8")), versions(LOCK.read_text("utf-8"))
    if "://" in LOCK.read_text("utf-8"):
        print("requirements.lock names an address; run `make lock`.")
        return 1
    if wanted != held:
        print("requirements.lock and pyproject.toml disagree; run `make lock`.")
        print(*sorted(f"  needed, not locked: {line}" for line in wanted - held), sep="\n")
        print(*sorted(f"  locked, not needed: {line}" for line in held - wanted), sep="\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
