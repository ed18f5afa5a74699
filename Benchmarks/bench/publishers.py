"""Paced publishers, many at once, on both cores: CPU share, late segments, memory, and whether cost grows linearly."""
from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from urllib.parse import urljoin, urlsplit

from .context import Bench
from .measure import alternate
from .publish import Publishers
from .report import Comparison, DidNotRun, Target
from .servers import Lyceum, NginxRTMP

#: Until the streams' begins are over and windows are full (10 s listed), and how long is measured.
WARM_UP, MEASURED = 6, 14
WINDOW_SECONDS = 10
#: Streams that are watched for late segments, and what is late: beyond the earliest of the stream, each against its media time.
SAMPLE, LATE = 4, 0.2


@dataclass
class Outcome:
    cpu_share: float
    #: Of that, in the kernel.
    system_share: float
    #: Of the processes in all, bytes: before the first publisher and after the last second.
    idle_memory: int
    memory: int
    segments: int = 0
    late: list[float] = field(default_factory=list)
    encoder: dict[str, float] = field(default_factory=dict)


def run(bench: Bench) -> list[Comparison]:
    outcomes: dict[int, dict[str, list[Outcome]]] = {}
    failures: dict[int, str] = {}
    servers: dict[str, Callable[[], Lyceum | NginxRTMP]] = {
        "Lyceum": lambda: Lyceum(bench, "0,1", record="off", window_seconds=WINDOW_SECONDS),
        "nginx-rtmp": lambda: NginxRTMP(bench, "0,1", window_seconds=WINDOW_SECONDS),
    }
    for count in bench.sizes:
        try:
            outcomes[count] = alternate({name: lambda make=make: once(bench, make(), count) for name, make in servers.items()}, bench.runs)
        except (DidNotRun, TimeoutError) as error:
            failures[count] = f"{count} publishers: {error}"
    return [compare(count, outcomes.get(count, {}), failures.get(count)) for count in bench.sizes] + [
        late(outcomes, failures), memory(outcomes, failures), linearity(outcomes, failures)]


def once(bench: Bench, server: Lyceum | NginxRTMP, count: int) -> Outcome:
    """One server with so many publishers of 4 Mb/s; whoever is refused or lost fails the run."""
    with server:
        idle = server.tree.memory()["VmRSS"]
        options = ["--publishers", count, "--paced", "--seconds", WARM_UP + MEASURED + 3, "--stagger", 2000]
        with Publishers(bench, server.rtmp_port, bench.media(4, 720), *options, cores="0,1") as encoder:
            names = sorted({f"bench{index * count // SAMPLE}" for index in range(SAMPLE)})
            time.sleep(WARM_UP)
            end = time.monotonic() + MEASURED
            watchers = [Watcher(server, name, end) for name in names]
            before = server.tree.usage()
            for watcher in watchers:
                watcher.start()
            time.sleep(MEASURED)
            used = server.tree.usage() - before
            outcome = Outcome(used.cpu / used.wall, used.system / used.wall, idle, server.tree.memory()["VmRSS"])
            outcome.encoder = encoder.finish()
            for watcher in watchers:
                watcher.join()
                if watcher.failure or len(watcher.lateness()) < MEASURED // 2 - 2:
                    raise DidNotRun(f"{server.name}: {watcher.stream}: {watcher.failure or 'segments are missing'}")
                outcome.segments += len(watcher.lateness())
                outcome.late += [value for value in watcher.lateness() if value > LATE]
        return outcome


class Watcher(threading.Thread):
    """Notes when each segment of one live is listed, and its duration."""

    def __init__(self, server: Lyceum | NginxRTMP, stream: str, end: float) -> None:
        super().__init__(daemon=True)
        self.server, self.stream, self.end = server, stream, end
        self.listed: dict[int, tuple[float, float]] = {}
        self.failure: str | None = None

    def run(self) -> None:
        try:
            if isinstance(self.server, Lyceum):
                self.watch_playlist(self.server)
            else:
                self.watch_file(self.server)
        except (OSError, http.client.HTTPException, DidNotRun) as error:
            self.failure = f"{type(error).__name__}: {error}"

    def watch_playlist(self, server: Lyceum) -> None:
        """Holds a request for the next segment: it is answered when that is listed."""
        url = server.playlist(self.stream)
        connection = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=15)

        def get(path: str) -> str:
            connection.request("GET", path)
            answer = connection.getresponse()
            text = answer.read().decode()
            if answer.status != 200:
                raise DidNotRun(f"{path}: {answer.status}")
            return text
        master = get(urlsplit(url).path)
        media = urlsplit(urljoin(url, next(line for line in master.splitlines() if line and line[0] != "#"))).path
        self.note(get(media), begins=True)
        while time.monotonic() < self.end:
            self.note(get(f"{media}?_HLS_msn={max(self.listed) + 1}"))

    def watch_file(self, server: NginxRTMP) -> None:
        """Looks every 10 ms whether the playlist was written anew."""
        path = server.folder / "hls" / f"{self.stream}.m3u8"
        self.note(path.read_text(), begins=True)
        seen = path.stat().st_mtime_ns
        while time.monotonic() < self.end:
            try:
                written = path.stat().st_mtime_ns
                if written != seen:
                    seen = written
                    self.note(path.read_text())
            except FileNotFoundError:  # between its removal and its new name
                pass
            time.sleep(0.01)

    def note(self, playlist: str, begins: bool = False) -> None:
        """What a playlist lists for the first time is listed now; when those of the first playlist were is not known."""
        now, number, first = time.monotonic(), 0, None
        durations: dict[int, float] = {}
        for line in playlist.splitlines():
            if line.startswith("#EXT-X-MEDIA-SEQUENCE:"):
                number = first = int(line.split(":")[1])
            elif line.startswith("#EXTINF:"):
                durations[number] = float(line.split(":")[1].split(",")[0])
                number += 1
        if first is None or not durations:
            raise DidNotRun(f"{self.stream}: no segments in the playlist")
        for number, duration in durations.items():
            if number not in self.listed:
                self.listed[number] = (float("nan") if begins else now, duration)

    def lateness(self) -> list[float]:
        """Seconds behind the segment that came earliest against its media time."""
        media, offsets = 0.0, []
        for number in sorted(self.listed):
            arrival, duration = self.listed[number]
            media += duration
            if arrival == arrival:
                offsets.append(arrival - media)
        return [offset - min(offsets) for offset in offsets]


def compare(count: int, outcomes: dict[str, list[Outcome]], failure: str | None) -> Comparison:
    comparison = Comparison(f"{count} paced publishers of 4 Mb/s", "CPU share (1 is a core)", failure=failure)
    comparison.values = {name: [outcome.cpu_share for outcome in several] for name, several in outcomes.items()}
    if count >= 100:
        comparison.targets = [Target("Lyceum", 0.4, "nginx-rtmp")]
    comparison.notes = [f"server and publishers on both cores; Lyceum with recording off, a window of {WINDOW_SECONDS} s each, segments of 2 s,"
                        " files in memory; nginx-rtmp with one worker, as its HLS of one live needs"]
    for name, several in outcomes.items():
        worst = max(outcome.encoder["late_p99_ms"] for outcome in several)
        latest = max(outcome.encoder["late_max_ms"] for outcome in several)
        in_kernel = median(outcome.system_share / outcome.cpu_share for outcome in several)
        comparison.notes.append(f"{name} was in the kernel for {100 * in_kernel:.0f} % of its time")
        comparison.notes.append(f"beside {name} the publishers were with p99 {worst:.0f} ms, at most {latest:.0f} ms behind their own pace")
    return comparison


def late(outcomes: dict[int, dict[str, list[Outcome]]], failures: dict[int, str]) -> Comparison:
    comparison = Comparison(f"Late segments of {SAMPLE} streams", "segments a run", failure="; ".join(failures.values()) or None)
    for count, by_name in outcomes.items():
        for name, several in by_name.items():
            comparison.values[f"{name}, {count}"] = [len(outcome.late) for outcome in several]
            seen, latest = sum(outcome.segments for outcome in several), max([0.0, *(value for outcome in several for value in outcome.late)])
            comparison.notes.append(f"{name}, {count}: {seen} segments seen" + (f", the latest {latest * 1000:.0f} ms" if latest else ""))
    comparison.targets = [Target(f"Lyceum, {count}", 0) for count in outcomes]
    comparison.notes.append(f"late is what is listed more than {LATE * 1000:.0f} ms after its media time, against the earliest of its stream")
    return comparison


def memory(outcomes: dict[int, dict[str, list[Outcome]]], failures: dict[int, str]) -> Comparison:
    comparison = Comparison("Memory per publisher", "MB of VmRSS above the idle server's", failure="; ".join(failures.values()) or None)
    for count, by_name in outcomes.items():
        for name, several in by_name.items():
            comparison.values[f"{name}, {count}"] = [(outcome.memory - outcome.idle_memory) / count / 1e6 for outcome in several]
    comparison.notes = [f"after {WARM_UP + MEASURED} s: Lyceum holds the window ({WINDOW_SECONDS} s) and as much again that stays fetchable in the"
                        f" process, {2 * WINDOW_SECONDS * 4.1 / 8:.1f} MB of media for each; nginx-rtmp holds only files, here in memory that is not its own"]
    return comparison


def linearity(outcomes: dict[int, dict[str, list[Outcome]]], failures: dict[int, str]) -> Comparison:
    comparison = Comparison("Cost of one publisher", "thousandths of a core", failure="; ".join(failures.values()) or None)
    for name in ("Lyceum", "nginx-rtmp"):
        for count, by_name in outcomes.items():
            comparison.values[f"{name}, {count}"] = [outcome.cpu_share / count * 1000 for outcome in by_name[name]]
    if 50 in outcomes and 200 in outcomes:
        comparison.targets = [Target("Lyceum, 200", 1.2, "Lyceum, 50")]
    if len(outcomes) > 1:
        fewest, most = min(outcomes), max(outcomes)
        ends = [median(comparison.values[f"Lyceum, {count}"]) for count in (fewest, most)]
        comparison.notes = [f"linear is a cost per publisher that does not grow: {ends[0]:.2f} with {fewest}, {ends[1]:.2f} with {most}"]
    return comparison
