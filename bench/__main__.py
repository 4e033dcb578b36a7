"""`python -m bench [NAME...]`: run the benchmarks, print a table for each, and say which targets are met.

Each runs in processes of its own, which lay out their dictionaries alike from run to run (`PYTHONHASHSEED`).
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from importlib import import_module

from bench.worlds import SIZES

BENCHMARKS = {
    "decide": "one decision against a plain dictionary",
    "casbin": "one decision against stock Casbin",
    "unknown": "memory after a million unknown users",
    "build": "a million parsed rows to an engine",
    "files": "a million rows from files",
    "change": "a change to one practice, in memory",
    "search": "everyone who may",
    "http": "checks a second over HTTP",
    "page": "a page of thirteen questions over HTTP",
    "publish": "a change to one practice, through the store",
    "fresh": "finding that nothing is new",
    "bulk": "a change of 100,000 rows, committed",
}


def main() -> int:
    """Run what was asked for; 0 whatever is found, because a slow machine is not an error."""
    wanted = _arguments()
    os.environ["PYTHONHASHSEED"] = "0"
    sizes = {name: SIZES[name] for name in wanted.sizes}
    started, missed = time.perf_counter(), []
    for name in wanted.names or BENCHMARKS:
        report = import_module(f"bench.{name}").run(sizes)
        print(report.text(markdown=wanted.markdown), flush=True)
        missed += [f"{name}: {target}" for target in report.targets if not target.met]
    print(
        f"Python {platform.python_version()} on {os.cpu_count()} cores; {time.perf_counter() - started:.0f} s in all."
    )
    print("\n".join(missed) if missed else "All targets met.")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=(__doc__ or "").splitlines()[0],
        epilog="\n".join(f"  {name:9} {what}" for name, what in BENCHMARKS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="which of those below; without any, all")
    parser.add_argument("--sizes", default=list(SIZES), type=_sizes, help="rows, as in 1k,10k,100k,1M (the default)")
    parser.add_argument("--markdown", action="store_true", help="print sections of a Markdown page")
    wanted = parser.parse_args()
    if unknown := [name for name in wanted.names if name not in BENCHMARKS]:
        parser.error(f"no benchmark `{unknown[0]}`; there are {', '.join(BENCHMARKS)}")
    return wanted


def _sizes(text: str) -> list[str]:
    sizes = text.split(",")
    if unknown := [size for size in sizes if size not in SIZES]:
        raise argparse.ArgumentTypeError(f"no size `{unknown[0]}`; there are {', '.join(SIZES)}")
    return sizes


if __name__ == "__main__":
    sys.exit(main())
