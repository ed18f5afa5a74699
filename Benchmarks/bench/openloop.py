"""HTTP requests at fixed moments over connections that stay open: a slow answer holds up no later request, and counts from the moment
at which its request was due."""
from __future__ import annotations

import asyncio
import gc
import time
from dataclasses import dataclass, field

from .report import DidNotRun

#: How long an answer may take before the run has failed.
PATIENCE_SECONDS = 20


@dataclass(frozen=True)
class Call:
    """One request; `route` is what it is counted under."""

    route: str
    method: str
    path: str
    fields: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def bytes(self, host: str) -> bytes:
        fields = {"Host": host, "User-Agent": "bench", "Accept-Encoding": "identity"} | self.fields
        if self.method != "GET":
            fields["Content-Length"] = str(len(self.body))
        head = f"{self.method} {self.path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return head.encode() + b"\r\n" + self.body


@dataclass(frozen=True)
class Answer:
    call: Call
    status: int
    #: From the moment the request was due to the last byte of the answer.
    seconds: float
    head: str
    body: bytes


class Connections:
    """Open connections to one server; one more is opened when none is free."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.host = f"127.0.0.1:{port}"
        self.free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def send(self, call: Call, due: float) -> Answer:
        reader, writer = self.free.pop() if self.free else await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)
        writer.write(call.bytes(self.host))
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head.split("\r\n")[1:])}
        status = int(head.split(" ", 2)[1])
        if "chunked" in fields.get("transfer-encoding", ""):
            body = b""
            while (size := int((await reader.readline()).split(b";")[0], 16)):
                body += (await reader.readexactly(size + 2))[:-2]
            await reader.readline()
        else:
            body = b"" if status in (204, 304) else await reader.readexactly(int(fields.get("content-length", "0")))
        seconds = time.monotonic() - due
        if fields.get("connection", "").lower() == "close":
            writer.close()
        else:
            self.free.append((reader, writer))
        return Answer(call, status, seconds, head, body)

    def close(self) -> None:
        for _, writer in self.free:
            writer.close()


async def _at_rate(port: int, calls: list[Call], rate: float) -> list[Answer]:
    connections = Connections(port)
    tasks = []
    began = time.monotonic() + 0.1
    for index, call in enumerate(calls):
        due = began + index / rate
        if (wait := due - time.monotonic()) > 0:
            await asyncio.sleep(wait)
        tasks.append(asyncio.create_task(asyncio.wait_for(connections.send(call, due), PATIENCE_SECONDS)))
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        connections.close()


def at_rate(port: int, calls: list[Call], rate: float) -> list[Answer]:
    """Sends all of them, so many a second.

    Raises DidNotRun when one is not answered in time, or not with a status of success or a redirection: a refusal is quick.
    """
    gc.disable()  # its pauses would be taken for the server's
    try:
        answers = asyncio.run(_at_rate(port, calls, rate))
    except (TimeoutError, asyncio.IncompleteReadError, OSError) as error:
        raise DidNotRun(f"an answer did not come: {type(error).__name__} {error}") from error
    finally:
        gc.enable()
    for answer in answers:
        if not 200 <= answer.status < 400:
            raise DidNotRun(f"{answer.call.method} {answer.call.path}: {answer.status} {answer.body[:300]!r}")
    return answers


def ask(port: int, call: Call) -> Answer:
    """One request, by itself."""
    return at_rate(port, [call], 1)[0]
