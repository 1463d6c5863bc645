"""``python -m tests.fuzz --files 20000``: spoil files, read them, and print what came of it; exit 1 for a defect."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.fuzz.campaign import attack, table
from tests.fuzz.targets import TARGETS
from tests.fuzz.twins import attack_twins


def main() -> int:
    """Share the files among the targets, attack each, and print the summary."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--files", type=int, default=20_000, help="how many, over all targets")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other files")
    parser.add_argument("--target", choices=TARGETS, action="append", help="only this one; may be given again")
    parser.add_argument("--out", type=Path, default=Path("build/fuzz"), help="where inputs of defects are kept")
    options = parser.parse_args()
    targets = options.target or list(TARGETS)
    share = -(-options.files // len(targets))
    summaries = []
    for target in targets:
        print(f"{target}: {share:,} files", flush=True)
        summaries.append(attack(target, share, options.seed, options.out))
    print(table(summaries))
    defects = [(summary.target, outcome) for summary in summaries for outcome in summary.defects]
    for target, outcome in defects[:50]:
        print(f"{target}-{outcome.number}: {outcome.kind}: {outcome.detail}")
    wrong: list[str] = []
    if "keras" in targets:
        outcomes, wrong = attack_twins(options.files // 200, options.seed)
        print("settings of Keras layers: " + ", ".join(f"{count} {kind}" for kind, count in outcomes.most_common()))
        print(*wrong, sep="\n", end="\n" if wrong else "")
    if defects:
        print(f"{len(defects)} defects; their files are in {options.out / 'defects'}")
    return 1 if defects or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
