"""Publishers for the sections: one process of Benchmarks/rtmp-publish.c."""
from __future__ import annotations

import json
import subprocess
from types import TracebackType

from .context import Bench
from .report import DidNotRun


class Publishers:
    """Publishes while `with` lasts, or until `finish`, which tells what was sent."""

    def __init__(self, bench: Bench, port: int, media: object, *options: object, cores: str = "1") -> None:
        self.command = bench.tool("rtmp-publish", "127.0.0.1", port, media, *options, cores=cores)

    def __enter__(self) -> "Publishers":
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout
        self.process.stdout.readline()  # `publishing`: all have been told that they may
        return self

    def finish(self) -> dict[str, float]:
        """Waits for the end. Raises DidNotRun when a publisher was refused or lost."""
        output, errors = self.process.communicate(timeout=300)
        if self.process.returncode:
            raise DidNotRun(f"rtmp-publish: status {self.process.returncode}: {' / '.join(errors.splitlines()[-3:])}")
        return dict(json.loads(output.splitlines()[-1]))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
