"""What docs/dependencies.md tells of each package is what pyproject.toml and package.json ask for."""

from __future__ import annotations

import json
import re
import tomllib

from tests.prometheus import ROOT

TOLD = (ROOT / "docs/dependencies.md").read_text()


def told(title: str) -> dict[str, str]:
    """Ranges by package, as a section of the list has them."""
    section = TOLD.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (\S+) \| (?:`(.+?)`|any) \| \S+ \| \S+, \w+ \d{4} \| [^|]+ \| [^|]+ \|$", section, re.M)
    assert len(rows) == section.count("\n|") - 2, "a row lacks something"
    return dict(rows)


def test_the_list_has_every_package_with_its_range() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    package = json.loads((ROOT / "relay/dashboard/package.json").read_text())
    assert told("The service") == ranges(project["dependencies"])
    assert told("Development and CI") == ranges(project["optional-dependencies"]["dev"])
    assert told("The page") == package["dependencies"]
    assert told("Building and testing the page") == package["devDependencies"]


def ranges(requirements: list[str]) -> dict[str, str]:
    found = (re.fullmatch(r"([\w.-]+)(.*)", requirement) for requirement in requirements)
    return {each[1]: each[2] for each in found if each}
