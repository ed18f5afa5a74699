"""Many viewers of one live, plain and of low latency, on the same cores as the server: stalls, errors, late playlists."""
from __future__ import annotations

import subprocess
import urllib.request
from pathlib import Path

from .context import Bench
from .measure import ProcessTree, wait_until
from .publish import Publishers
from .report import Comparison, DidNotRun, Target
from .servers import Lyceum, NginxRTMP, NginxStatic

CORES = "0,1"
SECONDS, JOINING = 30, 10


def paced(bench: Bench, media: Path, port: int) -> Publishers:
    """One publisher that sends in real time for longer than it is needed."""
    return Publishers(bench, port, media, "--paced", "--name", "viewers", "--seconds", 300, cores=CORES)


def lists(url: str, segments: int) -> bool:
    """Whether a media playlist is there and lists so many segments."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.read().count(b"#EXTINF") >= segments
    except OSError:
        return False


def watch(bench: Bench, tree: ProcessTree, mode: str, port: int, path: str, viewers: int) -> dict[str, float]:
    """What the viewers tell, and the CPU seconds that the server took meanwhile."""
    began = tree.usage()
    done = subprocess.run(
        bench.tool("hls-viewers", mode, "127.0.0.1", port, path, viewers, SECONDS, JOINING, cores=CORES), capture_output=True, text=True, timeout=SECONDS + JOINING + 60)
    if done.returncode:
        raise DidNotRun(f"hls-viewers: {done.stderr.strip()}")
    told = dict(pair.split("=", 1) for pair in done.stdout.split())
    told.pop("mode")
    return {key: float(value) for key, value in told.items()} | {"server_cpu_seconds": (tree.usage() - began).cpu}


def lyceum(bench: Bench, media: Path, mode: str, viewers: int) -> dict[str, float]:
    with Lyceum(bench, CORES, window_seconds=60) as server, paced(bench, media, server.rtmp_port):
        folder = f"http://127.0.0.1:{server.http_port}/live/viewers0"
        wait_until(lambda: lists(f"{folder}/media.m3u8", 6), "six segments", 40)
        return watch(bench, server.tree, mode, server.http_port, "/live/viewers0/index.m3u8", viewers)


def nginx(bench: Bench, media: Path, viewers: int) -> dict[str, float]:
    """The RTMP module writes the files, another nginx with two workers serves them: the CPU seconds are the latter's."""
    with NginxRTMP(bench, CORES) as server, paced(bench, media, server.rtmp_port):
        files = NginxStatic(bench, server.folder / "hls", CORES)
        files.workers = 2
        with files:
            wait_until(lambda: lists(f"http://127.0.0.1:{files.http_port}/viewers0.m3u8", 6), "six segments", 40)
            return watch(bench, files.tree, "plain", files.http_port, "/viewers0.m3u8", viewers)


def comparisons(title: str, results: dict[str, list[dict[str, float]]]) -> list[Comparison]:
    notes = [
        f"4 Mb/s; viewers join within {JOINING} s, and all of {SECONDS + JOINING} s counts; server, publisher and viewers on cores {CORES}.",
        *[f"{name}, last run: " + ", ".join(f"{key} {value:.10g}" for key, value in told[-1].items()) for name, told in results.items()],
    ]

    def column(name: str, *keys: str) -> list[float]:
        return [sum(told[key] for key in keys) for told in results[name]]

    def table(what: str, unit: str, limit: float | None, *keys: str) -> Comparison:
        targets = [] if limit is None else [Target("Lyceum", limit)]
        return Comparison(f"{title}: {what}", unit, {name: column(name, *keys) for name in results}, targets)

    playing = Comparison(f"{title}: viewers who played", "viewers", {name: column(name, "playing") for name in results},
                         [Target("Lyceum", results["Lyceum"][0]["viewers"], at_least=True)])
    cost = table("CPU", "CPU s", None, "server_cpu_seconds")
    cost.notes = notes
    return [
        playing, table("stalls", "stalls and segments or parts that were missed", 0, "stalls", "skipped"),
        table("errors", "answers and connections", 0, "status_errors", "connection_errors"),
        table("p99 of playlists beyond the intended block", "ms", 20, "playlist_p99_ms"), cost,
    ]


def run(bench: Bench) -> list[Comparison]:
    media = bench.media(4, 720)
    plain: dict[str, list[dict[str, float]]] = {"Lyceum": [], "nginx-rtmp": []}
    waiting: dict[str, list[dict[str, float]]] = {"Lyceum": []}
    for round in range(bench.runs):
        contestants = [("Lyceum", lambda: lyceum(bench, media, "plain", 1000)), ("nginx-rtmp", lambda: nginx(bench, media, 1000))]
        for name, contestant in contestants if round % 2 == 0 else reversed(contestants):
            plain[name].append(contestant())
        waiting["Lyceum"].append(lyceum(bench, media, "low-latency", 500))
    return comparisons("1000 plain viewers", plain) + comparisons("500 low-latency viewers", waiting)
