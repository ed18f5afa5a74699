"""The origin beside plain nginx: a server on one core, one that loads it on the other."""
from __future__ import annotations

import re
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from .context import Bench
from .measure import ProcessTree, alternate, wait_until
from .report import Comparison, DidNotRun, Target
from .servers import Lyceum, NginxStatic, free_port

SECONDS = 5
CONNECTIONS = 64
STREAM, RECORDED = "bench", "recorded"


@dataclass(frozen=True)
class Result:
    """What one run has found."""

    requests_per_second: float
    requests_per_cpu_second: float


class Origins:
    """Both servers, with a live and a recording at Lyceum."""

    def __init__(self, bench: Bench, stack: ExitStack) -> None:
        self.bench = bench
        certificate, key = make_certificate(bench)
        self.root = bench.folder("static")
        self.nginx = stack.enter_context(NginxStatic(bench, self.root, certificate=certificate, key=key))
        self.lyceum = stack.enter_context(
            # An encoder that comes to the end of its file says no goodbye: without grace its recording is complete at once.
            Lyceum(bench, https_port=(https := free_port()), tls_cert=certificate, tls_key=key, window_seconds=60, grace_seconds=0))
        self.https_port = https
        self.files = 0
        media = bench.media(4, 360)
        publish(media, self.lyceum, RECORDED)
        live = subprocess.Popen(publisher(media, self.lyceum, STREAM, "-re", "-stream_loop", "-1"), stdin=subprocess.DEVNULL)
        stack.callback(live.wait)
        stack.callback(live.kill)
        wait_until(lambda: self.live_text().count("#EXTINF") >= 4, "four segments of the live", 30)
        wait_until(lambda: self.complete_recording() is not None, "a recording that is complete", 30)

    def get(self, path: str) -> bytes:
        """What Lyceum has there; empty when there is nothing."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.lyceum.http_port}{path}", timeout=5) as answer:
                return bytes(answer.read())
        except OSError:
            return b""

    def live_text(self) -> str:
        return self.get(self.live_playlist()).decode()

    def live_playlist(self) -> str:
        return f"/live/{STREAM}/media.m3u8"

    def live_segment(self) -> str:
        """The newest whole segment, which is in memory."""
        return f"/live/{STREAM}/{segments(self.live_text())[-1]}"

    def complete_recording(self) -> tuple[str, str] | None:
        """The name and the playlist of a recording that is complete."""
        for folder in (self.lyceum.folder / "data" / "recordings").iterdir():
            text = self.get(f"/vod/{folder.name}/m0.m3u8").decode()
            if "#EXT-X-ENDLIST" in text:
                return folder.name, text
        return None

    def recorded_segment(self) -> str:
        """A segment of the recording that is complete, which is on disk."""
        recording = self.complete_recording()
        if recording is None:
            raise DidNotRun("there is no recording that is complete")
        name, text = recording
        return f"/vod/{name}/{segments(text)[2]}"

    def copied(self, path: str) -> str:
        """The same for nginx: a new file each time, since nginx may keep the old one open."""
        body = self.get(path)
        if not body:
            raise DidNotRun(f"Lyceum has nothing at {path}")
        self.files += 1
        name = f"{self.files}{Path(path).suffix}"
        (self.root / name).write_bytes(body)
        return f"/{name}"


def segments(playlist: str) -> list[str]:
    return [line for line in playlist.splitlines() if line and not line.startswith("#")]


def publisher(media: Path, lyceum: Lyceum, name: str, *pace: str) -> list[str]:
    address = f"rtmp://127.0.0.1:{lyceum.rtmp_port}/live/{name}"
    return ["taskset", "-c", "1", "ffmpeg", "-nostdin", "-loglevel", "error", *pace, "-i", str(media), "-c", "copy", "-f", "flv", address]


def publish(media: Path, lyceum: Lyceum, name: str) -> None:
    """Publishes a file as fast as it is taken."""
    subprocess.run(publisher(media, lyceum, name), check=True, stdin=subprocess.DEVNULL)


def make_certificate(bench: Bench) -> tuple[Path, Path]:
    folder = bench.folder("certificate")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(certificate), "-days", "2",
         "-subj", "/CN=localhost"], check=True, capture_output=True)
    return certificate, key


def load_http1(bench: Bench, tree: ProcessTree, port: int, path: str) -> Result:
    before = tree.usage()
    done = subprocess.run(
        bench.tool("http-load", "127.0.0.1", port, path, CONNECTIONS, SECONDS, cores="1"), capture_output=True, text=True)
    usage = tree.usage() - before
    found = re.match(r"requests (\d+) bytes \d+ errors (\d+) seconds ([\d.]+)", done.stdout)
    if not found or found[2] != "0" or found[1] == "0":
        raise DidNotRun(f"http-load {path}: {done.stdout.strip()} {done.stderr.strip()}")
    return result(int(found[1]), float(found[3]), usage.cpu)


def load_http2(bench: Bench, tree: ProcessTree, port: int, path: str) -> Result:
    before = tree.usage()
    done = subprocess.run(
        ["taskset", "-c", "1", "h2load", "-t1", "-c16", "-m10", f"-D{SECONDS}", f"https://127.0.0.1:{port}{path}"],
        capture_output=True, text=True)
    usage = tree.usage() - before
    statuses = re.search(r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", done.stdout)
    failed = re.search(r"(\d+) failed, (\d+) errored", done.stdout)
    speed = re.search(r"finished in [\d.]+m?s, ([\d.]+) req/s", done.stdout)
    if not statuses or not failed or not speed or set(statuses.groups()[1:] + failed.groups()) != {"0"} or statuses[1] == "0":
        raise DidNotRun(f"h2load {path}: {' '.join(done.stdout.split())[-300:]} {done.stderr.strip()}")
    return result(int(statuses[1]), int(statuses[1]) / float(speed[1]), usage.cpu)


def result(requests: int, seconds: float, cpu: float) -> Result:
    return Result(requests / seconds, requests / cpu if cpu else float("inf"))


def compare(
    title: str, origins: Origins, path: Callable[[], str], limit: float, *, http2: bool = False,
) -> list[Comparison]:
    """The requests per second, and those per CPU second of the server, in the same runs."""
    load = load_http2 if http2 else load_http1
    bench, lyceum, nginx = origins.bench, origins.lyceum, origins.nginx

    def run_lyceum() -> Result:
        return load(bench, lyceum.tree, origins.https_port if http2 else lyceum.http_port, path())

    def run_nginx() -> Result:
        return load(bench, nginx.tree, nginx.https_port if http2 else nginx.http_port, origins.copied(path()))

    try:
        size = len(origins.get(path()))
        results = alternate({lyceum.name: run_lyceum, nginx.name: run_nginx}, bench.runs)
    except DidNotRun as failure:
        # The others may still run.
        return [Comparison(title, "requests/s", failure=str(failure))]
    rates = {name: [each.requests_per_second for each in found] for name, found in results.items()}
    efficiencies = {name: [each.requests_per_cpu_second for each in found] for name, found in results.items()}
    client = "h2load -t1 -c16 -m10" if http2 else f"http-load with {CONNECTIONS} connections"
    note = f"{size} bytes at first; {client} on the other core, {SECONDS} s a run"
    return [
        Comparison(title, "requests/s", rates, [Target(lyceum.name, limit, nginx.name, at_least=True)], [note]),
        Comparison(f"{title}, by processor time", "requests per CPU second of the server", efficiencies),
    ]


def run(bench: Bench) -> Iterator[Comparison]:
    with ExitStack() as stack:
        origins = Origins(bench, stack)
        yield from compare("live playlist over HTTP/1.1", origins, origins.live_playlist, 1.2)
        yield from compare("live segment from memory over HTTP/1.1", origins, origins.live_segment, 1.5)
        yield from compare("recorded segment from disk over HTTP/1.1", origins, origins.recorded_segment, 1.0)
        yield from compare("live playlist over TLS with HTTP/2", origins, origins.live_playlist, 0.9, http2=True)
        yield from compare("live segment over TLS with HTTP/2", origins, origins.live_segment, 1.3, http2=True)
