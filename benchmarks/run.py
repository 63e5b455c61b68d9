"""Run the benchmarks, print their tables, and write them to docs/benchmarks.md.

python benchmarks/run.py                        all
python benchmarks/run.py cross_encoder quality  these; the other sections of the page stay as they are
python benchmarks/run.py --quick                small sizes, nothing written: to see that all works
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import re
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from table import Table

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "benchmarks.md"
# In the order of the page. Each runs in a process of its own: none inherits another's imports, threads or memory.
NAMES = (
    "quality", "cross_encoder", "memory", "many", "diversity", "needed", "dynamic_k", "abstention", "import_time",
    "overhead", "llm_http", "strategies", "neighbourhood", "company", "ablation", "cascade",
)  # fmt: skip
INTRODUCTION = """# Benchmarks

Times are CPU times and mostly ratios to another library in the same process: they hold on other machines better than
seconds do, but not exactly. Each section says where and with what it was measured.

    make bench                                      all of it, about 45 minutes on two cores
    python benchmarks/run.py cross_encoder quality  some of it

`benchmarks/README.md` says what each one needs.
"""


def measure(name: str, *, quick: bool) -> Table | None:
    """The table of one benchmark, which prints it; None when it failed."""
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "table.json"
        command = [sys.executable, str(HERE / f"{name}.py"), "--save", str(file), *(["--quick"] if quick else [])]
        run = subprocess.run(command, check=False)
        return Table.load(file) if run.returncode == 0 else None


def section(name: str, table: Table) -> str:
    """The table as Markdown, with where, when and how it was made, between two marks by which it is found again."""
    versions = ", ".join(f"{package} {version(package)}" for package in dict.fromkeys(table.packages))
    when = dt.datetime.now(tz=dt.UTC).date().isoformat()
    made = f"Measured {when} on {cpu()}, {cores()} cores, Python {platform.python_version()}"
    again = f"`python benchmarks/run.py {name}`"
    footer = f"{made}{': ' if versions else ''}{versions}. Again: {again}"
    return f"<!-- {name} -->\n{table.markdown()}\n\n*{footer}*\n<!-- end of {name} -->"


def cpu() -> str:
    """What the processor calls itself, and the instructions that int8 speed depends on."""
    info = Path("/proc/cpuinfo")
    text = info.read_text(encoding="utf-8") if info.exists() else ""
    name = re.search(r"^model name\s*:\s*(.+)$", text, flags=re.MULTILINE)
    known = [flag for flag in ("avx2", "avx512f", "avx_vnni", "avx512_vnni", "amx_int8") if flag in text.split()]
    return (name[1] if name else platform.machine()) + (f" ({', '.join(known)})" if known else "")


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def page(old: str, new: dict[str, str]) -> str:
    """The page with these sections in place of its own; the others as they are."""
    sections = {name: new.get(name) or _section_of(old, name) for name in NAMES}
    return "\n\n".join([INTRODUCTION.strip(), *(text for text in sections.values() if text)]) + "\n"


def _section_of(text: str, name: str) -> str:
    found = re.search(rf"<!-- {name} -->.*?<!-- end of {name} -->", text, flags=re.DOTALL)
    return found[0] if found else ""


def main() -> int:
    """The exit code: 1 when a benchmark failed, which leaves its section as it was."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all when none is given")
    parser.add_argument("--quick", action="store_true", help="small sizes, nothing written")
    options = parser.parse_args()
    if unknown := {*options.names} - {*NAMES}:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    chosen = [name for name in NAMES if not options.names or name in options.names]
    failed = []
    for name in chosen:
        table = measure(name, quick=options.quick)
        print(flush=True)
        if table is None:
            failed.append(name)
        elif not options.quick:
            old = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
            PAGE.write_text(page(old, {name: section(name, table)}), encoding="utf-8")
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
