"""How much is made up to try the parsers and the API with: little in CI, as much as one likes by hand."""

from __future__ import annotations

import os

TIMES = int(os.environ.get("FUZZ_TIMES", "1"))
"""How many times as much as usual."""
