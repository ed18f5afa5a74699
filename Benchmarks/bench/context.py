"""What every section is given."""
from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path


#: How many publishers at once are compared, unless others are asked for.
PUBLISHERS = [10, 50, 100, 200]


@dataclass(frozen=True)
class Bench:
    """Where things are, and how often to run them."""

    #: The release binary.
    lyceum: Path
    #: The folder with the compiled C programs, each under its file's name without `.c`.
    tools: Path
    #: An empty folder in memory (tmpfs) that is deleted at the end.
    work: Path
    #: A folder that outlives the run, for media that takes long to make.
    cache: Path
    #: At least three, unless somebody only tries a section out.
    runs: int
    #: How many publishers at once, in ascending order.
    sizes: list[int] = field(default_factory=lambda: PUBLISHERS)

    def folder(self, name: str) -> Path:
        """A new, empty folder in memory."""
        index = 0
        while (path := self.work / f"{name}-{index}").exists():
            index += 1
        path.mkdir(parents=True)
        return path

    def tool(self, name: str, *arguments: object, cores: str) -> list[str]:
        """The command line of one of the C programs, held to these cores (`0`, `0,1`)."""
        return ["taskset", "-c", cores, str(self.tools / name), *map(str, arguments)]

    def media(self, megabits: int, height: int, seconds: int = 20) -> Path:
        """An FLV file of H.264 and AAC with a key frame every 2 s and a constant rate, made once.

        It is noise, which no encoder makes small: the rate is what is asked for.
        """
        path = self.cache / f"{height}p-{megabits}m-{seconds}s.flv"
        if path.exists():
            return path
        self.cache.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".part")
        rate, width = f"{megabits}M", height * 16 // 9
        command = ["ffmpeg", "-nostdin", "-loglevel", "error", "-y"]
        command += ["-f", "lavfi", "-i", f"testsrc2=s={width}x{height}:r=30", "-f", "lavfi", "-i", "sine=440:sample_rate=48000"]
        command += ["-t", str(seconds), "-vf", "noise=alls=40:allf=t", "-c:v", "libx264", "-preset", "ultrafast", "-g", "60"]
        command += ["-b:v", rate, "-maxrate", rate, "-bufsize", rate, "-x264-params", "nal-hrd=cbr", "-pix_fmt", "yuv420p"]
        command += ["-c:a", "aac", "-f", "flv", "-flvflags", "no_duration_filesize", str(partial)]
        print(f"making {path.name}", file=sys.stderr)
        subprocess.run(command, check=True)
        partial.rename(path)
        return path
