"""What several commands take."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from exporter.config_file import ConfigFile

config_option = click.option(
    "-c", "--config", metavar="FILE", type=click.Path(path_type=Path),
    help="The configuration file; cronscope.yml in the current directory unless given.",
)  # fmt: skip
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_UNPRINTABLE = re.compile("[\0-\x1f\x7f-\x9f\ud800-\udfff]")


def config_file(config: Path | None, flags: Mapping[str, str] = MappingProxyType({})) -> ConfigFile:
    """Raises ConfigError where there is none."""
    from exporter.config import find
    from exporter.config_file import ConfigFile

    return ConfigFile(find(config), environ=os.environ, flags=flags)


def printable(text: str) -> str:
    """One line that a terminal shows as it is, whatever came from a file."""
    return _UNPRINTABLE.sub(lambda found: ascii(found[0])[1:-1], text)
