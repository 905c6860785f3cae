"""What the ratings stage says of each malformed dial file: `python -m bench.dial_messages`.

The files, and the sentences expected of them, are those of the tests: `tests/data/dials/malformed`.
Prints a table of file and sentence; the exit code is 1 if one differs.
"""

from __future__ import annotations

import argparse
import sys
import tomllib

from tests.made.dials import MALFORMED, message


def main() -> int:
    """Print the table."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    dials = tomllib.loads((MALFORMED / "messages.toml").read_text(encoding="utf-8"))["dial"]
    wrong = 0
    for entry in dials:
        said = message(entry)
        wrong += said != entry["says"]
        mark = " " if said == entry["says"] else "*"
        print(f"{mark} {entry['file']:30} {said}")
    print(f"{len(dials)} files, {wrong} with another sentence than expected")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
