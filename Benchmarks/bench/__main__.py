"""Runs sections and prints what they found: python3 -m bench [--runs N] --lyceum FILE --tools FOLDER [SECTION...]

Exit status: 0 when everything ran and every target was met, 1 when a comparison did not run, 2 when all ran but a target was
missed.
"""
from __future__ import annotations

import argparse
import importlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from .context import PUBLISHERS, Bench
from .measure import TICK
from .report import Comparison, DidNotRun

#: In the order in which they run when none is named; each is a module here with `run(bench) -> Iterable[Comparison]`.
SECTIONS = ["ingest", "publishers", "latency", "viewers", "origin", "start", "overload", "soak", "platform"]


def first_line(*command: str) -> str:
    """What a program says of its version."""
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError:
        return "missing"
    return ((done.stdout or done.stderr).strip().splitlines() or ["silent"])[0]


def machine(bench: Bench) -> str:
    """The machine, versions and settings."""
    model = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    memory = int(Path("/proc/meminfo").read_text().split()[1]) // 1024
    commit = first_line("git", "rev-parse", "--short", "HEAD")
    changed = " with changes" if first_line("git", "status", "--porcelain", "--untracked-files=no") != "silent" else ""
    module = first_line("dpkg-query", "--show", "--showformat=${Version}", "libnginx-mod-rtmp")
    load = os.getloadavg()[0]
    return "\n".join([
        f"- machine: {os.cpu_count()} x {model}, {memory} MB, Linux {platform.release()}; load {load:.1f} at the start",
        f"- Lyceum {commit}{changed}; {first_line('nginx', '-v')}, libnginx-mod-rtmp {module}; {first_line('ffmpeg', '-version')}",
        f"- {first_line('swift', '--version')}; {first_line('cc', '--version')}, -O2",
        f"- runs: {bench.runs} of each contestant, in alternating order; loopback; data in memory; CPU seconds of the server's"
        f" processes from /proc, in ticks of {TICK * 1000:.0f} ms",
    ])


def run(section: str, bench: Bench) -> Iterator[Comparison]:
    """What the section finds, one by one when it yields them; its failure is a comparison that did not run."""
    try:
        yield from importlib.import_module(f".{section}", __package__).run(bench)
    except (DidNotRun, OSError, ValueError, subprocess.SubprocessError) as error:
        yield Comparison(section, "", failure=f"{type(error).__name__}: {error}" if not isinstance(error, DidNotRun) else str(error))


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Compares Lyceum with its peers and the machine's limits.")
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"{', '.join(SECTIONS)}; all without one")
    parser.add_argument("--runs", type=int, default=3, help="runs of each contestant (3)")
    parser.add_argument("--sizes", help=f"publishers: how many at once ({','.join(map(str, PUBLISHERS))})")
    parser.add_argument("--lyceum", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--tools", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--cache", type=Path, required=True, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    unknown = [name for name in arguments.sections if name not in SECTIONS]
    if unknown:
        parser.error(f"there is no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    if arguments.runs < 1:
        parser.error("--runs is at least 1")

    sizes = PUBLISHERS
    if arguments.sizes:
        try:
            sizes = sorted({int(size) for size in arguments.sizes.split(",")})
        except ValueError:
            sizes = []
        if not sizes or sizes[0] < 1:
            parser.error("--sizes is a list of numbers, such as 100,200")

    work = Path(tempfile.mkdtemp(prefix="lyceum-bench.", dir="/dev/shm"))
    # Servers run in folders of their own.
    bench = Bench(arguments.lyceum.resolve(), arguments.tools.resolve(), work, arguments.cache.resolve(), arguments.runs, sizes)
    comparisons: list[Comparison] = []
    try:
        print(f"# Lyceum beside its peers\n\n{machine(bench)}\n", flush=True)
        for section in arguments.sections or SECTIONS:
            print(f"## {section}\n", flush=True)
            began = time.monotonic()
            for comparison in run(section, bench):
                comparisons.append(comparison)
                print(comparison.markdown(), flush=True)
            print(f"({section}: {time.monotonic() - began:.0f} s)\n", flush=True)
    finally:
        shutil.rmtree(work, ignore_errors=True)

    failed = [comparison for comparison in comparisons if comparison.why_not()]
    missed = [(comparison, target) for comparison in comparisons for target in comparison.missed()]
    print(f"{len(comparisons)} comparisons, {len(failed)} did not run, {len(missed)} targets missed")
    for comparison, target in missed:
        print(f"- missed: {comparison.title}: {target.contestant}: {target}")
    return 1 if failed else 2 if missed else 0


sys.exit(main())
