"""Write every dashboard into grafana/dashboards/: `python -m grafana.build`."""

import json
from pathlib import Path

from grafana.boards import BOARDS
from grafana.dashboard import Dashboard

FOLDER = Path(__file__).parent / "dashboards"


def text_of(board: Dashboard) -> str:
    """The dashboard's file."""
    return json.dumps(board.document(), indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write them."""
    for board in BOARDS:
        (FOLDER / f"{board.name}.json").write_text(text_of(board))


if __name__ == "__main__":
    main()
