"""The servers' environments, each installed as the lock file in its folder says when it is first needed.

A lock has hashes and no addresses. To resolve them again: in a folder of Python
`uv pip compile requirements.in --generate-hashes --universal --python-version 3.11 --no-header --no-annotate
--no-emit-index-url -o requirements.lock`; in one of Node `npm install --package-lock-only --ignore-scripts
--omit-lockfile-registry-resolved`.
"""

import os
from functools import cache
from pathlib import Path

from tests.support.node import install, node_environment
from tests.support.python_environment import python_environment

__all__ = ["NODE_PATH", "installed_node", "installed_python"]

_FOLDER = Path(__file__).parent
NODE_PATH = node_environment()["PATH"].split(os.pathsep)[0] + os.pathsep + os.defpath
"""Where a server finds other programs: Node, and those of the system."""


@cache
def installed_node(group: str) -> Path:
    """Return the folder of a group of servers in JavaScript, whose packages are installed."""
    install(_FOLDER / group)
    return _FOLDER / group


@cache
def installed_python(group: str) -> Path:
    """Return the folder of the programs of a group of servers in Python."""
    return python_environment(_FOLDER / group).parent
