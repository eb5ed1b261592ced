"""Write Grafana's dashboards, as JSON, into `dashboards/grafana/`: `make dashboards`."""

from __future__ import annotations

import json
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards.overview import overview
from dashboards.script import one_script
from dashboards.service import service

HERE = Path(__file__).parent


def generated() -> dict[Path, str]:
    """Every generated file with its text."""
    made = {"overview": overview(), "script": one_script(), "service": service()}
    return {
        HERE / "grafana" / f"{name}.json": json.dumps(board.build(), cls=JSONEncoder, indent=2, ensure_ascii=False)
        + "\n"
        for name, board in made.items()
    }


if __name__ == "__main__":
    for path, text in generated().items():
        path.write_text(text)
