"""Ingest and packaging, flat out: CPU seconds of the server for each GB that encoders send."""
from __future__ import annotations

from collections.abc import Callable, Iterator

from .context import Bench
from .encoder import listed
from .measure import Usage, alternate, wait_until
from .publish import Publishers
from .report import Comparison, DidNotRun, Target
from .servers import Lyceum, NginxRTMP, Server, Sink

#: What both list: nginx as files in memory, Lyceum in its own or, with recording on, as files in memory too.
WINDOW_SECONDS = 60
CHUNKS = [128, 4096, 65536]
OFF, ON = "Lyceum, recording off", "Lyceum, recording on"
NGINX, RECEIVE, DECHUNK = "nginx-rtmp", "sink, receive", "sink, dechunk"

CONTESTANTS: dict[str, Callable[[Bench], Server]] = {
    OFF: lambda bench: Lyceum(bench, record="off", window_seconds=WINDOW_SECONDS),
    ON: lambda bench: Lyceum(bench, record="on", window_seconds=WINDOW_SECONDS),
    NGINX: lambda bench: NginxRTMP(bench, window_seconds=WINDOW_SECONDS),
    RECEIVE: lambda bench: Sink(bench, "receive"),
    DECHUNK: lambda bench: Sink(bench, "dechunk"),
}
#: Bytes in all, for a hundred ticks of CPU time or, with the sinks, some fifty.
BYTES = {OFF: 1e9, ON: 1e9, NGINX: 0.5e9, RECEIVE: 2.5e9, DECHUNK: 2.5e9}
TARGETS = [Target(OFF, 0.15, NGINX), Target(ON, 0.25, NGINX), Target(OFF, 2.5, RECEIVE)]


def run(bench: Bench) -> Iterator[Comparison]:
    for publishers, megabits, height in [(1, 20, 1080), (4, 4, 720)]:
        for chunk in CHUNKS:
            yield compare(bench, publishers, megabits, height, chunk)


def compare(bench: Bench, publishers: int, megabits: int, height: int, chunk: int) -> Comparison:
    comparison = Comparison(f"Flat out: {publishers} x {megabits} Mb/s, chunks of {chunk}", "CPU s/GB", targets=TARGETS)
    media = bench.media(megabits, height)

    def once(name: str) -> float:
        with CONTESTANTS[name](bench) as server:
            before = server.tree.usage()
            options = ["--publishers", publishers, "--chunk", chunk, "--bytes", BYTES[name] / publishers]
            with Publishers(bench, port(server), media, *options) as encoder:
                sent = encoder.finish()
            used = settled(server) - before
            check(server)
            return used.cpu / (sent["bytes"] / 1e9)

    try:
        comparison.values = alternate({name: lambda name=name: once(name) for name in CONTESTANTS}, bench.runs)
    except DidNotRun as error:
        comparison.failure = str(error)
    comparison.notes.append(f"server on core 0, publishers on core 1; both packagers: segments of 2 s, a window of {WINDOW_SECONDS} s,"
                            " files in memory, but none of Lyceum's with recording off: such a window stays in the process")
    return comparison


def port(server: Server) -> int:
    assert isinstance(server, Lyceum | NginxRTMP | Sink)
    return server.rtmp_port


def settled(server: Server) -> Usage:
    """The usage once the server is done with what came: it takes less than 5 % of a processor."""
    last = server.tree.usage()

    def is_idle() -> bool:
        nonlocal last
        usage = server.tree.usage()
        taken = usage - last
        if taken.wall < 0.25:
            return False
        last = usage
        return taken.cpu < 0.05 * taken.wall
    wait_until(is_idle, f"{server.name} becoming idle", 60)
    return last


def check(server: Server) -> None:
    """Raises DidNotRun when the server has taken the bytes without making anything of them."""
    if isinstance(server, Lyceum) and not listed(server.http_port, "bench0"):
        raise DidNotRun("Lyceum lists no segment")
    if isinstance(server, NginxRTMP) and not any((server.folder / "hls").glob("*.ts")):
        raise DidNotRun("nginx-rtmp wrote no segment")
