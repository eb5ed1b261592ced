"""What the other servers send: as long as Cronscope's own frames, and dated like them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

DATA: dict[str, dict[str, Any]] = {
    "system_metrics": {
        "cpu_percent": 12.5, "memory_percent": 34.5, "disk_percent": 56.5, "active_scripts": 3,
        "total_executions": 4711,
    },
    "script_status": {"script_name": "backup", "status": "completed", "exit_code": 0, "duration": 1500},
}  # fmt: skip
"""By type of message."""


def message(kind: str) -> str:
    timestamp = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps({"type": kind, "timestamp": timestamp, "data": DATA[kind]}, separators=(",", ":"))
