"""Run all benchmarks, and print one table of their comparisons.

Usage: all.py [--quick] [BENCHMARK...]. With `--quick`, all benchmarks together take about two minutes. The docstring of
`measuring.py` explains the environment variables.
"""

import importlib
import sys
from contextlib import chdir

import measuring

BENCHMARKS = (
    "startup",
    "seed",
    "granting",
    "moving",
    "transcripts",
    "listing",
    "removing",
    "holding",
    "merging",
    "generating",
    "copying",
    "checking",
)


def main() -> None:
    chosen = [word for word in sys.argv[1:] if not word.startswith("-")]
    try:
        for name in chosen or BENCHMARKS:
            print(f"\n{name}", flush=True)
            with chdir("."):  # a benchmark may change the working folder
                importlib.import_module(name).main()
    finally:
        print(f"\n{measuring.table()}")


if __name__ == "__main__":
    main()
