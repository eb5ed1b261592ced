"""Certificates for tests, made by openssl."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.programs import program

TRY = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30"
    " -keyout key.pem -out cert.pem -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1"
)
"""What the README has to try it with."""


def make(folder: Path, *changes: tuple[str, str]) -> tuple[Path, Path]:
    """Certificate and key in a folder, of a command with these parts replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    command = TRY
    for before, after in changes:
        assert before in command
        command = command.replace(before, after)
    words = [program("openssl", "openssl"), *command.split()[1:]]
    subprocess.run(words, cwd=folder, check=True, capture_output=True)
    return folder / "cert.pem", folder / "key.pem"
