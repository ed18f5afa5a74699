"""The servers that are compared: started on free ports of the loopback, held to cores, stopped by their process."""
from __future__ import annotations

import os
import resource
import shutil
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType

from .context import Bench
from .measure import ProcessTree, wait_until
from .report import DidNotRun


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def answers(url: str) -> bool:
    """Whether a GET is answered with a status of success."""
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except (urllib.error.URLError, OSError):
        return False


class Server:
    """A process that serves; `with` starts it and stops it."""

    name = "server"

    def __init__(self, bench: Bench, cores: str = "0", folder: Path | None = None) -> None:
        self.bench = bench
        self.cores = cores
        #: Where it keeps its data: in memory unless another folder is given.
        self.folder = folder or bench.folder(type(self).__name__.lower())
        self.owns_folder = folder is None

    def command(self) -> list[str]:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        return {}

    def is_ready(self) -> bool:
        raise NotImplementedError

    def launch(self) -> None:
        """Starts the process and waits for nothing."""
        self.log = self.folder / "log"
        # Many publishers and viewers are many files.
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        # Settings of the shell that runs the bench are none of it.
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("LYCEUM_")}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                ["taskset", "-c", self.cores, *self.command()],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, env=inherited | self.environment())
        # taskset becomes the server: its process is the server's.
        self.tree = ProcessTree(self.process.pid)

    def __enter__(self) -> "Server":
        self.launch()
        try:
            wait_until(lambda: self.has_ended() or self.is_ready(), f"{self.name} getting ready")
        except TimeoutError as error:
            self.stop()
            raise DidNotRun(f"{error}; {self.last_words()}") from error
        if self.has_ended():
            raise DidNotRun(f"{self.name} ended with status {self.process.returncode}: {self.last_words()}")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        died = self.has_ended()
        self.stop()
        words = self.last_words()
        # The runs of one bench would fill the memory with media.
        if self.owns_folder:
            shutil.rmtree(self.folder, ignore_errors=True)
        if died and error is None:
            raise DidNotRun(f"{self.name} ended while it was measured: {words}")

    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def stop(self) -> None:
        if self.has_ended():
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def last_words(self) -> str:
        return " / ".join(self.log.read_text(errors="replace").splitlines()[-3:]) if self.log.exists() else ""


class Lyceum(Server):
    """This server, with open publishing and limits that one machine with all the publishers does not meet."""

    name = "Lyceum"

    def __init__(self, bench: Bench, cores: str = "0", folder: Path | None = None, **settings: object) -> None:
        """`settings` are LYCEUM_ variables in lower case: `record="off"`, `window_seconds=60`."""
        super().__init__(bench, cores, folder)
        self.settings = settings
        self.http_port, self.rtmp_port, self.metrics_port = free_port(), free_port(), free_port()

    def command(self) -> list[str]:
        return [str(self.bench.lyceum), "serve"]

    def environment(self) -> dict[str, str]:
        values: dict[str, object] = {
            "data_dir": self.folder / "data", "http_host": "127.0.0.1", "http_port": self.http_port, "publish": "open",
            "rtmp_host": "127.0.0.1", "rtmp_port": self.rtmp_port, "metrics_port": self.metrics_port,
            "rtmp_max_connections_per_address": 1000, "rtmp_max_bytes_per_second": 1_000_000_000, "log_level": "warning",
            # Flat out, an event loop is busy all the time, and nobody is to be refused for that.
            "overload_percent": "off",
            # Media alone; what the platform adds is measured by itself.
            "platform": "off",
        }
        # As scripts/run has it; nginx and the sinks do not keep media in their memory.
        tunables = "hugetlb=1 arena_max=1 mmap_threshold=33554432 trim_threshold=67108864 top_pad=4194304".split()
        allocator = {"GLIBC_TUNABLES": ":".join(f"glibc.malloc.{tunable}" for tunable in tunables)}
        return allocator | {f"LYCEUM_{key.upper()}": str(value) for key, value in (values | self.settings).items()}

    def is_ready(self) -> bool:
        return answers(f"http://127.0.0.1:{self.metrics_port}/readyz")

    def metrics(self) -> dict[str, float]:
        """Every sample of the metrics, by its name with labels."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        samples = (line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))
        return {name: float(value) for name, value in samples}

    def playlist(self, stream: str) -> str:
        """Where the live's multivariant playlist is."""
        return f"http://127.0.0.1:{self.http_port}/live/{stream}/index.m3u8"


class Nginx(Server):
    """nginx with a configuration of its own, in the foreground, as whoever runs the bench."""

    workers = 1

    def configuration(self) -> str:
        raise NotImplementedError

    def command(self) -> list[str]:
        (self.folder / "logs").mkdir(exist_ok=True)
        text = (f"daemon off; worker_processes {self.workers}; worker_rlimit_nofile 65536; pid nginx.pid; error_log log error;\n"
                + ("user root;\n" if os.geteuid() == 0 else "") + self.configuration())
        (self.folder / "nginx.conf").write_text(text)
        return ["nginx", "-p", f"{self.folder}/", "-c", "nginx.conf"]


class NginxRTMP(Nginx):
    """nginx with its RTMP module: HLS of 2 s segments into its folder."""

    name = "nginx-rtmp"

    def __init__(self, bench: Bench, cores: str = "0", folder: Path | None = None, window_seconds: int = 60) -> None:
        super().__init__(bench, cores, folder)
        self.window_seconds = window_seconds
        self.rtmp_port = free_port()

    def configuration(self) -> str:
        # Debian's module is dynamic; the chunk size is what nginx sends, and what it gets used to from publishers.
        return f"""load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;
events {{ worker_connections 4096; }}
rtmp {{
  access_log off;
  server {{
    listen 127.0.0.1:{self.rtmp_port};
    chunk_size 4096;
    max_message 16M;
    application live {{
      live on;
      hls on; hls_path {self.folder}/hls; hls_fragment 2s; hls_playlist_length {self.window_seconds}s; hls_cleanup on;
    }}
  }}
}}
"""

    def is_ready(self) -> bool:
        return listens(self.rtmp_port)


class NginxStatic(Nginx):
    """Plain nginx that serves the files of a folder, with sendfile; over TLS with HTTP/2 too when there is a certificate."""

    name = "nginx"

    def __init__(self, bench: Bench, root: Path, cores: str = "0", certificate: Path | None = None, key: Path | None = None) -> None:
        super().__init__(bench, cores)
        self.root, self.certificate, self.key = root, certificate, key
        self.http_port, self.https_port = free_port(), free_port()

    def configuration(self) -> str:
        tls = (f"listen 127.0.0.1:{self.https_port} ssl http2; ssl_certificate {self.certificate}; ssl_certificate_key {self.key};"
               if self.certificate else "")
        return f"""events {{ worker_connections 4096; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; keepalive_timeout 1h; open_file_cache max=1000; open_file_cache_valid 1s;
  types {{ application/vnd.apple.mpegurl m3u8; video/mp4 mp4 m4s; }}
  server {{ listen 127.0.0.1:{self.http_port} backlog=4096; {tls} root {self.root}; }}
}}
"""

    def is_ready(self) -> bool:
        return listens(self.http_port)


class Sink(Server):
    """The limit in C: takes what RTMP publishers send, and throws it away (`receive`) or de-chunks it (`dechunk`)."""

    def __init__(self, bench: Bench, mode: str, cores: str = "0") -> None:
        super().__init__(bench, cores)
        self.mode, self.name = mode, f"sink, {mode}"
        self.rtmp_port = free_port()

    def command(self) -> list[str]:
        return [str(self.bench.tools / "rtmp-sink"), str(self.rtmp_port), self.mode]

    def is_ready(self) -> bool:
        return listens(self.rtmp_port)
