"""Write Grafana's dashboards and the alert rules about all scripts: `make dashboards`."""

from __future__ import annotations

import json
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards.overview import overview
from dashboards.script import one_script
from dashboards.service import service
from exporter.rules import rules_for_all

HERE = Path(__file__).parent


def generated() -> dict[Path, str]:
    """Every generated file with its text."""
    made = {"overview": overview(), "script": one_script(), "service": service()}
    boards = {
        HERE / "grafana" / f"{name}.json": json.dumps(board.build(), cls=JSONEncoder, indent=2, ensure_ascii=False)
        + "\n"
        for name, board in made.items()
    }
    rules = f"# Made by `make dashboards` from exporter/rules.py.\n{rules_for_all()}"
    return {**boards, HERE / "rules" / "scripts.yml": rules}


if __name__ == "__main__":
    for path, text in generated().items():
        path.write_text(text)
