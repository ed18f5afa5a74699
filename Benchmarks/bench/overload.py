"""Twice as many publishers and viewers as one core takes: who is served stays served, who is new is refused."""
from __future__ import annotations

import http.client
import threading
import time
from dataclasses import dataclass, field
from statistics import median

from .context import Bench
from .encoder import GROUP_MILLISECONDS, Encoder, Group, Refused, segments
from .report import Comparison, DidNotRun, Target
from .servers import Lyceum

BITS_PER_SECOND = 100_000
#: New publishers each second until twice as many have tried as were taken before the first refusal.
ARRIVALS = 20
MOST = 1900
#: How long it goes on after the last has tried.
HOLD_SECONDS = 20
WATCHED = 10
#: A segment and what it takes to list it; later than one more segment is late.
LATE_SECONDS = 2 * GROUP_MILLISECONDS / 1000 + 1


@dataclass
class Publisher:
    name: str
    encoder: Encoder
    began: float
    group: int = 0
    next: int = 0


@dataclass
class Crowd(threading.Thread):
    """Paced publishers: each picture and each frame of sound is sent by itself, when it is due."""

    group: Group
    publishers: list[Publisher] = field(default_factory=list)
    lost: int = 0
    #: The longest that a message was sent after it was due, in seconds: the generator's own lateness.
    behind: float = 0
    is_over: bool = False

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        while not self.is_over:
            for publisher in list(self.publishers):
                try:
                    self.send(publisher)
                except OSError:
                    self.publishers.remove(publisher)
                    self.lost += 1
            time.sleep(0.005)

    def send(self, publisher: Publisher) -> None:
        messages = self.group.messages
        while True:
            due = publisher.group * GROUP_MILLISECONDS + (messages[publisher.next - 1][0] if publisher.next else 0)
            late = time.monotonic() - publisher.began - due / 1000
            if late < 0:
                return
            self.behind = max(self.behind, late)
            if publisher.next == 0:
                publisher.encoder.socket.sendall(self.group.first(due))
                publisher.encoder.discard()
            else:
                publisher.encoder.socket.sendall(messages[publisher.next - 1][1])
            publisher.next += 1
            if publisher.next > len(messages):
                publisher.group, publisher.next = publisher.group + 1, 0


class Viewer:
    """Follows one live over one connection, and says how far its playlist is behind its encoder."""

    def __init__(self, port: int, publisher: Publisher) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        self.publisher = publisher

    def get(self, name: str) -> tuple[int, str]:
        self.connection.request("GET", f"/live/{self.publisher.name}/{name}")
        answer = self.connection.getresponse()
        return answer.status, answer.read().decode()

    def lag(self) -> tuple[float, float]:
        """How far the listed segments are behind what was due, and how long the answer took, in seconds."""
        began = time.monotonic()
        status, playlist = self.get("media.m3u8")
        took = time.monotonic() - began
        if status != 200:
            raise DidNotRun(f"a viewer who is served got status {status}")
        return began - self.publisher.began - segments(playlist) * GROUP_MILLISECONDS / 1000, took


@dataclass
class Phase:
    lags: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)

    def look(self, viewers: list[Viewer]) -> None:
        for viewer in viewers:
            lag, took = viewer.lag()
            self.lags.append(lag)
            self.answers.append(took * 1000)


def new_viewer_is_refused(port: int, publisher: Publisher) -> bool:
    """Begins to watch on a connection of its own; a refusal must say when to come again."""
    viewer = Viewer(port, publisher)
    try:
        viewer.connection.request("GET", f"/live/{publisher.name}/index.m3u8")
        answer = viewer.connection.getresponse()
        answer.read()
        if answer.status == 503 and not answer.getheader("Retry-After"):
            raise DidNotRun("a refusal without Retry-After")
        return answer.status == 503
    finally:
        viewer.connection.close()


def overload(bench: Bench) -> list[Comparison]:
    with Lyceum(bench, cores="0", record="off", window_seconds=10, segment_seconds=1.9, overload_percent=95, rtmp_max_connections=4000,
                rtmp_max_connections_per_address=4000) as server:
        crowd = Crowd(Group.make(BITS_PER_SECOND))
        crowd.start()
        viewers: list[Viewer] = []
        calm, crowded = Phase(), Phase()
        words: set[str] = set()
        refused_publishers = refused_viewers = tried_viewers = tried = 0
        limit = MOST
        behind_when_calm = 0.0
        began = time.monotonic()
        end = None
        while end is None or time.monotonic() < end:
            if end is None:
                for _ in range(ARRIVALS):
                    tried += 1
                    try:
                        encoder = Encoder(server.rtmp_port, f"p{tried}")
                        crowd.publishers.append(Publisher(f"p{tried}", encoder, time.monotonic()))
                    except Refused as refusal:
                        words.add(str(refusal))
                        refused_publishers += 1
                        if refused_publishers == 1:
                            behind_when_calm = crowd.behind
                            limit = min(MOST, 2 * len(crowd.publishers))
                    except ConnectionResetError as error:
                        # Beyond its limit of connections the server says nothing, and that is no overload.
                        allowed = server.metrics().get('rtmp_server_limit{limit="connections"}', 0)
                        raise DidNotRun(f"with {len(crowd.publishers)} publishers the next connection was cut, {allowed:.0f} are allowed, and nobody"
                                        " was refused for overload" if not refused_publishers else f"a publisher's connection was cut: {error}") from error
                if tried >= limit:
                    end = time.monotonic() + HOLD_SECONDS
            if not viewers and time.monotonic() - began > 6:
                viewers = [Viewer(server.http_port, publisher) for publisher in crowd.publishers[:WATCHED]]
            (crowded if refused_publishers else calm).look(viewers)
            if refused_publishers:
                tried_viewers += 1
                refused_viewers += new_viewer_is_refused(server.http_port, crowd.publishers[0])
            began_second = began + int(time.monotonic() - began) + 1
            time.sleep(max(0.0, began_second - time.monotonic()))
        metrics = server.metrics()
        crowd.is_over = True
        crowd.join()
        for publisher in crowd.publishers:
            publisher.encoder.close()
        log = [line for line in server.log.read_text().splitlines() if "overload" in line]
    if not refused_publishers:
        raise DidNotRun(f"{tried} publishers of {BITS_PER_SECOND // 1000} kb/s were no overload: busy "
                        f"{metrics.get('server_event_loop_busy_ratio{loop=%s0%s}' % (chr(34), chr(34)), 0):.2f}")
    if not calm.lags:
        raise DidNotRun("the server was overloaded before anybody was served")
    taken = tried - refused_publishers
    counted = {name: metrics.get('server_overload_refusals_total{kind="%s"}' % name, 0) for name in ("publisher", "viewer")}
    if (counted["publisher"], counted["viewer"]) != (refused_publishers, refused_viewers):
        raise DidNotRun(f"the server counted {counted}, its clients {refused_publishers} and {refused_viewers}")
    if not log:
        raise DidNotRun("the log does not tell")
    notes = [
        f"{tried} publishers tried ({BITS_PER_SECOND // 1000} kb/s, each picture and sound sent by itself), {taken} were taken,"
        f" {refused_publishers} refused: {'; '.join(sorted(words))}",
        f"{refused_viewers} of {tried_viewers} new viewers were refused with 503 and Retry-After; {crowd.lost} publishers were lost",
        f"the generator itself sent at most {behind_when_calm * 1000:.0f} ms late before, {crowd.behind * 1000:.0f} ms in all",
        f"answers to viewers: median {median(calm.answers):.1f} ms before, {median(crowded.answers):.1f} ms during the overload",
        f"the log: {log[0].strip()}",
    ]
    return [
        Comparison("Behind the encoder, by the segments listed, of publishers taken first", "s at the most",
                   {"before": [max(calm.lags)], "during overload": [max(crowded.lags)]},
                   [Target("during overload", LATE_SECONDS)], notes),
        Comparison("Publishers lost and viewers refused that were served", "count", {"lost": [crowd.lost]}, [Target("lost", 0)]),
    ]


def run(bench: Bench) -> list[Comparison]:
    return overload(bench)
