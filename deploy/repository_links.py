"""Write where the repository is into the files that a release is built from. CI does it in its own checkout.

    python deploy/repository_links.py https://github.com OWNER/NAME v0.2.0

The repository itself names no host, so that a fork releases under its own address. A package on an index
needs one: its links lead into the tree of this tag. And the MCP registry looks for the name in `server.json`
in the README of the package (https://modelcontextprotocol.io/registry/package-types).
"""

import argparse
import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLACEHOLDER = "OWNER"
"""Stands in `server.json` for the repository's owner."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("host", help="$GITHUB_SERVER_URL")
    parser.add_argument("repository", help="$GITHUB_REPOSITORY: owner and name")
    parser.add_argument("ref", help="$GITHUB_REF_NAME: the tag that is released")
    parser.add_argument(
        "--tree", type=Path, default=ROOT, help="the checkout to write into; default: this one"
    )
    given = parser.parse_args()
    if not re.fullmatch(r"https://[\w.:-]+", given.host) or not re.fullmatch(
        r"[\w.-]+/[\w.-]+", given.repository
    ):
        parser.error("the host is like https://github.com, the repository like OWNER/NAME")
    fill(given.tree, f"{given.host}/{given.repository}", given.ref)


def fill(tree: Path, url: str, ref: str) -> None:
    """Write `url`, the repository's address, into `pyproject.toml`, `server.json` and `README.md` of `tree`.

    Raises:
        LookupError: it has been done already.
    """
    server, project, readme = tree / "server.json", tree / "pyproject.toml", tree / "README.md"
    described = json.loads(server.read_text("utf-8"))
    if PLACEHOLDER not in described["name"]:
        raise LookupError(f"{server} has no placeholder {PLACEHOLDER}")
    described["name"] = described["name"].replace(PLACEHOLDER, url.split("/")[-2])
    described["repository"] = {"url": url, "source": "github"}
    marker = f"\n<!-- mcp-name: {described['name']} -->\n"
    server.write_text(json.dumps(described, indent=2) + "\n", "utf-8")
    project.write_text(with_urls(project.read_text("utf-8"), url, ref), "utf-8")
    readme.write_text(with_links(readme.read_text("utf-8"), tree, url, ref) + marker, "utf-8")


def with_urls(project: str, url: str, ref: str) -> str:
    """Return `pyproject.toml` with the addresses that an index shows beside the package."""
    urls = {
        "Repository": url,
        "Documentation": f"{url}/tree/{ref}/docs",
        "Changelog": f"{url}/blob/{ref}/CHANGELOG.md",
        "Issues": f"{url}/issues",
    }
    table = "\n".join(("[project.urls]", *(f'{name} = "{address}"' for name, address in urls.items())))
    return project.replace("\n[project.scripts]\n", f"\n{table}\n\n[project.scripts]\n", 1)


def with_links(readme: str, tree: Path, url: str, ref: str) -> str:
    """Return the README with its links to files of the tree as addresses; pictures are sent as they are."""

    def address(link: re.Match[str]) -> str:
        picture, text, target = link.groups()
        path = tree / target.partition("#")[0]
        if not path.exists() or target.startswith("#"):
            return link[0]
        kind = "raw" if picture else "tree" if path.is_dir() else "blob"
        return f"{picture}[{text}]({url}/{kind}/{ref}/{target})"

    return re.sub(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)", address, readme)


if __name__ == "__main__":
    main()
