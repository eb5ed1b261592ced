"""Scripts to begin with: each a file of this folder, ready to run as it is."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from msgspec import Struct


class Template(Struct, frozen=True, kw_only=True):
    name: str
    description: str
    file_name: str
    """What to call a script made of it, for want of something better."""
    content: str


_TEMPLATES = (
    ("Shell script", "Stops at the first command that fails, and cleans up after itself.", "script.sh"),
    ("Python script", "Takes options, logs with times, and fails with an exit code.", "script.py"),
    ("Health check", "Asks an address whether it answers, and publishes that as a metric.", "health_check.py"),
)


@cache
def templates() -> list[Template]:
    return [
        Template(name=name, description=description, file_name=file, content=files(__name__).joinpath(file).read_text())
        for name, description, file in _TEMPLATES
    ]
