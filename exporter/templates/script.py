#!/usr/bin/env python3
"""What this script is for, in a line."""

import argparse
import logging
import sys

log = logging.getLogger("script")


def work(name: str) -> None:
    log.info("working for %s", name)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", default="everybody", help="whom to work for (default: %(default)s)")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(levelname)s %(message)s")
    try:
        work(options.name)
    except OSError as error:
        log.error("failed: %s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
