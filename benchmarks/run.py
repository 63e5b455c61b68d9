"""Run the benchmarks, print their tables, keep them in benchmarks/results, and make docs/benchmarks.md of them.

python benchmarks/run.py                        all
python benchmarks/run.py cross_encoder quality  these; the other results stay as they are
python benchmarks/run.py --quick                small sizes, nothing kept: to see that all works
python benchmarks/run.py --quick --to FOLDER    small sizes, kept elsewhere; the page stays as it is
python benchmarks/run.py --check FOLDER         say where they differ from these results in more than times
python benchmarks/run.py --page                 only make the page again, of the results that are there
python benchmarks/run.py NAME --table FILE      take the table that `NAME.py --save FILE` wrote, and run nothing
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from results import RESULTS, Result, differences, load
from scoreboard import scoreboard
from table import Table

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "benchmarks.md"
# In the order of the page. Each runs in a process of its own: none inherits another's imports, threads or memory.
NAMES = (
    "quality", "cross_encoder", "frameworks", "memory", "many", "serving", "batch", "diversity", "needed",
    "dynamic_k", "abstention", "import_time", "overhead", "llm_http", "call_plans", "strategies", "neighbourhood",
    "company", "ablation", "cascade", "depth_sweep", "novelty", "tuning",
)  # fmt: skip
INTRODUCTION = """# Benchmarks

Times are CPU times and mostly ratios to another library in the same process: they hold on other machines better than
seconds do, but not exactly. Each section says where and with what it was measured. All else is the same in every run:
`python benchmarks/run.py --check benchmarks/results` says where it is not.

    make bench                                      all of it, about an hour on two cores
    python benchmarks/run.py cross_encoder quality  some of it

`benchmarks/README.md` says what each one needs; `benchmarks/results` has all tables as JSON.
"""


def measure(name: str, *, quick: bool) -> Table | None:
    """The table of one benchmark, which prints it; None when it failed."""
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "table.json"
        command = [sys.executable, str(HERE / f"{name}.py"), "--save", str(file), *(["--quick"] if quick else [])]
        run = subprocess.run(command, check=False)
        return Table.load(file) if run.returncode == 0 else None


def page(results: Mapping[str, Result]) -> str:
    """The introduction, the scoreboard, and a section for each result."""
    sections = [f"{each.table.markdown()}\n\n{_footer(each)}" for each in results.values()]
    return "\n\n".join([INTRODUCTION.strip(), scoreboard(results), *sections]) + "\n"


def _footer(result: Result) -> str:
    return f"*{result.made()} Again: `python benchmarks/run.py {result.name}`*"


def options_of(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all when none is given")
    parser.add_argument("--quick", action="store_true", help="small sizes, nothing kept")
    parser.add_argument("--to", type=Path, metavar="FOLDER", help="keep the results there; the page stays as it is")
    parser.add_argument("--check", type=Path, metavar="FOLDER", help="compare with the results there, and keep nothing")
    parser.add_argument("--table", type=Path, metavar="FILE", help="of the one benchmark that is named")
    parser.add_argument("--page", action="store_true", help="run nothing")
    options = parser.parse_args(arguments)
    if options.table and len(options.names) != 1:
        parser.error("--table is for one benchmark")
    if unknown := {*options.names} - {*NAMES}:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    return options


def keep(result: Result, options: argparse.Namespace) -> bool:
    """Whether all is well: with `--check`, whether only times have changed."""
    if options.check:
        known = load(options.check, [result.name])
        found = [] if not known else [*differences(known[result.name].table, result.table)]
        print(*(found or [f"{result.name}: {'only times differ' if known else 'nothing to compare with'}"]), sep="\n")
        return not found
    if options.to or not options.quick:
        result.save(options.to or RESULTS)
    return True


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 1 when a benchmark failed, which leaves its result as it was, or differs in more than times."""
    options = options_of(arguments)
    bad = []
    for name in [] if options.page else [name for name in NAMES if not options.names or name in options.names]:
        table = Table.load(options.table) if options.table else measure(name, quick=options.quick)
        print(flush=True)
        if table is None or not keep(Result.now(name, table), options):
            bad.append(name)
        elif not (options.quick or options.to or options.check):
            write_page()
    if options.page:
        write_page()
    if bad:
        print(f"failed: {', '.join(bad)}", file=sys.stderr)
    return bool(bad)


def write_page() -> None:
    PAGE.write_text(page(load(RESULTS, NAMES)), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
