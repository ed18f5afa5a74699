"""Holds what an access unit, a part, a segment and a request cost to budgets: allocations, copied bytes and instructions.

    python3 Benchmarks/budgets.py PROGRAM COUNTERS FIXTURE

PROGRAM is the product `budgets`, COUNTERS what cc makes of Benchmarks/Budgets/counters.c, FIXTURE a recording of
fixtures/rtmp. Exit status: 0 when all budgets are kept, 1 when one is not or something was not measured.

Counts, not times: they are the same on a busy machine. Allocations and copies do not differ between runs at all; instructions
do between compilers and C libraries, so these budgets leave more room.
"""
from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Budget:
    """How much something may cost, and why."""

    allowed: float
    #: What the cost is for: why it cannot be nothing.
    reason: str


#: What may be, about a tenth above what was measured when it was written down; lower it after whatever makes something cheaper.
BUDGETS = {
    "in chunks of 4096, ingest: allocations per access unit": Budget(2.2, "a message's buffer: its object and its bytes"),
    "in chunks of 128, ingest: allocations per access unit": Budget(2.2, "as much as with long chunks: a message is put together in place"),
    "in chunks of 4096, ingest: bytes copied per byte": Budget(1.1, "from the socket's buffer into the message"),
    "in chunks of 128, ingest: bytes copied per byte": Budget(1.1, "from the socket's buffer into the message"),
    "published: allocations per access unit": Budget(2.1, "a message's buffer, lists of samples that grow"),
    "published: allocations per part": Budget(50, "the part's buffer and its resource, the next playlist with its head and its tags"),
    "published: allocations per segment": Budget(125, "a part and the playlists of segments"),
    "published: bytes copied per byte": Budget(2.65, "from the socket's buffer into the message, from there into the part; the rest is playlists and values; the aim is 2"),
    "published: bytes allocated per byte": Budget(2.8, "a message and a part"),
    "bytes copied per GET of a playlist": Budget(3800, "the heads, the playlist behind its head, and the request that is kept"),
    "allocations per GET of a playlist": Budget(19, "the request's head, what is kept of it for the next one in the same bytes, the answer's buffer"),
    "allocations per GET of a playlist delta": Budget(20, "the same, and the query"),
    "allocations per GET of a part": Budget(23, "the request's head, the parsed name, what is kept of both, the answer's head"),
    "allocations per GET of a segment": Budget(22, "the same"),
    "allocations per GET again of a playlist": Budget(3, "the answer's buffer"),
    "allocations per GET again of a playlist delta": Budget(4, "the same"),
    "allocations per GET again of a part": Budget(8, "the answer's head, and its writes"),
    "allocations per GET again of a segment": Budget(7, "the same"),
    "bytes copied per GET of a part": Budget(2300, "the heads; the part itself is not copied"),
    "bytes copied per GET of a segment": Budget(3000, "the heads; the segment itself is not copied"),
    "instructions per byte: de-chunk 4096": Budget(0.5, "a header for each 4096 bytes, and one copy"),
    "instructions per byte: de-chunk 128": Budget(1.2, "a header and a small copy for each 128 bytes"),
    "instructions per byte: FLV": Budget(0.37, "a tag's head and its NAL units' lengths"),
    "instructions per byte: segmenter": Budget(0.8, "a place on the timeline for each access unit"),
    "instructions per byte: fragmented MP4": Budget(1.3, "an entry for each sample, and one copy"),
    "instructions per byte: MPEG-TS": Budget(3.5, "a copy into the packets' grid of 188 bytes, start codes instead of lengths"),
    "instructions per byte: playlists": Budget(0.17, "a playlist in all its forms for each part"),
}


def counts(program: str, counters: str, fixture: str) -> dict[str, float]:
    """What the program counts itself with the C functions in front of glibc's."""
    done = subprocess.run([program, "counts", fixture], env={"LD_PRELOAD": counters}, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"budgets: the counts: status {done.returncode}: {done.stderr.strip()}")
    return {name: float(value) for value, name in (line.split("\t") for line in done.stdout.splitlines())}


def instructions(program: str, fixture: str) -> dict[str, float]:
    """What Callgrind counts between the program's marks, for each byte of media."""
    with tempfile.TemporaryDirectory(prefix="lyceum-budgets.") as folder:
        # Valgrind gives up at the debug information that Swift writes.
        stripped = f"{folder}/budgets"
        subprocess.run(["strip", "-g", "-o", stripped, program], check=True)
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", "--dump-before=budget_mark", stripped, "instructions", fixture]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"budgets: the instructions: status {done.returncode}: {done.stderr.strip()[-1000:]}")
        measured = {}
        for index, line in enumerate(done.stdout.splitlines()):
            byte_count, name = line.split("\t")
            # The odd ones are what was made ready for the step.
            dump = Path(f"{folder}/out.{2 * index + 2}").read_text().splitlines()
            total = next(int(line.split()[1]) for line in dump if line.startswith("totals:"))
            measured[f"instructions per byte: {name}"] = total / int(byte_count)
        return measured


def main(program: str, counters: str, fixture: str) -> int:
    measured = counts(program, counters, fixture) | instructions(program, fixture)
    # Instructions per byte are millions of instructions per MB.
    print(f"{'measured':>9} {'allowed':>8}")
    for name, value in measured.items():
        budget = BUDGETS.get(name)
        print(f"{value:9.3f} {budget.allowed if budget else '':>8}  {name}{'  EXCEEDED' if budget and value > budget.allowed else ''}")
    exceeded = {name: budget for name, budget in BUDGETS.items() if measured.get(name, float("inf")) > budget.allowed}
    for name, budget in exceeded.items():
        value = f"{measured[name]:.3f}" if name in measured else "not"
        print(
            f"budgets: {name}: measured {value}, allowed {budget.allowed} ({budget.reason}). Look at what the change does there for every"
            " message, part or request; if it has to, say so in the commit and raise the budget in Benchmarks/budgets.py.",
            file=sys.stderr,
        )
    return 1 if exceeded else 0


if __name__ == "__main__":
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    sys.exit(main(*sys.argv[1:]))
