"""From a picture being sent to its part being there for a player of low latency, at real time."""
from __future__ import annotations

import bisect
import subprocess
from dataclasses import dataclass

from .context import Bench
from .measure import wait_until
from .publish import Publishers
from .report import Comparison, DidNotRun, Target
from .servers import Lyceum
from .viewers import lists

CORES = "0,1"
SECONDS = 60
#: Where the timelines of media begin (tfdt), in milliseconds; the first picture decodes there.
ORIGIN = 10_000
#: What a picture's place may be off: less than half the distance of two.
TOLERANCE = 15
#: Beyond the duration of a part, in milliseconds: how much more than that it may take.
MEDIAN, LONGEST = 5, 20


@dataclass
class Outcome:
    #: Milliseconds, in ascending order: of each picture, and of the last picture of each part.
    pictures: list[float]
    last: list[float]
    parts: int
    #: PART-TARGET and the mean duration, in milliseconds.
    target: float
    mean: float


def once(bench: Bench) -> Outcome:
    sent_file = bench.folder("latency") / "sent"
    with Lyceum(bench, CORES, record="off", window_seconds=60) as server:
        options = ["--paced", "--seconds", SECONDS + 20, "--name", "latency", "--sent", sent_file]
        with Publishers(bench, server.rtmp_port, bench.media(4, 720), *options, cores=CORES) as publisher:
            path = "/live/latency0/media.m3u8"
            wait_until(lambda: lists(f"http://127.0.0.1:{server.http_port}{path}", 2), "two segments", 40)
            player = subprocess.run(bench.tool("part-latency", "127.0.0.1", server.http_port, path, SECONDS, cores=CORES), capture_output=True,
                                    text=True, timeout=SECONDS + 30)
            if player.returncode:
                raise DidNotRun(f"part-latency: {player.stderr.strip()}")
            publisher.finish()
    return matched(sent_file.read_text(), player.stdout)


def matched(sent: str, parts: str) -> Outcome:
    """Puts the publisher's pictures to the parts that have them."""
    times = [(int(place), float(time)) for time, place in (line.split() for line in sent.splitlines())]
    places = [place for place, _ in times]
    pictures, last, durations, target = [], [], [], 0.0
    for line in parts.splitlines():
        arrival, duration, target, *decode_times = map(float, line.split())
        durations.append(duration)
        for decode_time in decode_times:
            place = decode_time - ORIGIN
            index = bisect.bisect_left(places, place - TOLERANCE)
            if index == len(places) or abs(places[index] - place) > TOLERANCE:
                raise DidNotRun(f"a part has a picture at {decode_time} ms that was not sent")
            pictures.append((arrival - times[index][1]) * 1000)
        last.append(pictures[-1])
    return Outcome(sorted(pictures), sorted(last), len(durations), target * 1000, sum(durations) / len(durations) * 1000)


def percentile(ascending: list[float], share: float) -> float:
    return ascending[min(len(ascending) - 1, int(share * len(ascending)))]


def run(bench: Bench) -> list[Comparison]:
    outcomes = [once(bench) for _ in range(bench.runs)]
    duration = outcomes[0].mean
    values = {name: [percentile(outcome.pictures, share) for outcome in outcomes] for name, share in (("p50", 0.5), ("p99", 0.99))}
    values["longest"] = [outcome.pictures[-1] for outcome in outcomes]
    values["last picture of a part, p50"] = [percentile(outcome.last, 0.5) for outcome in outcomes]
    values["last picture of a part, p99"] = [percentile(outcome.last, 0.99) for outcome in outcomes]
    return [Comparison(
        "From a picture's first byte to the first byte of its part", "ms", values,
        [Target("p50", round(duration) + MEDIAN), Target("p99", round(duration) + LONGEST)],
        [f"{outcomes[0].parts} parts of {duration:.0f} ms on average (PART-TARGET {outcomes[0].target:.0f} ms), {len(outcomes[0].pictures)} pictures a run; 4 Mb/s"
         f" at real time; server, publisher and the one player on cores {CORES}",
         "a part is there when the first byte of its answer has come, after that of the reload that waited for it"],
    )]
