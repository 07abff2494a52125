"""`python -m bench`: make the scratch database, measure, print the table."""

import argparse
import importlib
import importlib.util
import sys

from bench.setting_up import set_up

# Each is a module with run(member) -> list[Figure].
PARTS = ("history", "export", "plan", "mail", "issue", "recall", "whitelist", "log")
ROWS = 1_000_000


def main() -> int:
    """Measure the named parts, or all; the exit code says whether every goal was reached."""
    parser = argparse.ArgumentParser(prog="bench")
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], help="what to measure; all when empty")
    parser.add_argument("--rows", type=int, default=ROWS, help="invitations in the scratch database")
    parser.add_argument("--keep", action="store_true", help="keep the scratch database, and use a kept one")
    options = parser.parse_args()
    set_up()
    scratch = importlib.import_module("bench.scratch")
    missed = 0
    with scratch.database(options.rows, keep=options.keep) as member:
        for name in options.parts or PARTS:
            if importlib.util.find_spec(f"bench.{name}") is None:
                print(f"{name}: not there")
                continue
            for figure in importlib.import_module(f"bench.{name}").run(member):
                print(figure)
                missed += figure.goal is not None and figure.ratio > figure.goal
            print()
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
