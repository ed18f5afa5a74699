"""An RTMP encoder in Python: one group of pictures and its sound, made once and sent again and again.

Its clock goes on all the same, since all but the first picture of a group tell the time since the one before. So a day of media
costs the sender next to nothing, and hundreds of encoders fit one process. The pictures are noise in an H.264 envelope.
"""
from __future__ import annotations

import os
import socket
import struct
import urllib.error
import urllib.request
from dataclasses import dataclass

#: 48 pictures at 25/s, and 90 frames of 1024 samples at 48000/s: both take 1.92 s, so groups can be put one behind the other.
GROUP_MILLISECONDS = 1920
PICTURES, PICTURE_MILLISECONDS = 48, 40
FRAMES = 90
CHUNK_SIZE = 65536
#: avcC of a 160x90 Baseline stream of x264, and an AudioSpecificConfig: AAC-LC, 48000 Hz, stereo.
AVCC = bytes.fromhex("0142c00bffe1000767 42c00bda0a6c 0100 0468ce0fc8")
ASC = bytes.fromhex("1190")

VIDEO, AUDIO = 6, 4  # chunk streams
VIDEO_TYPE, AUDIO_TYPE, COMMAND_TYPE = 9, 8, 20


def property_of(answer: bytes, name: str) -> str:
    """The text of the last property of this name."""
    rest = answer[answer.rindex(text(name) + b"\x02") + 3 + len(name):]
    return rest[2:2 + int.from_bytes(rest[:2], "big")].decode(errors="replace")


class Refused(Exception):
    """The server has said no; the argument is its description."""


def amf(value: object) -> bytes:
    """A value in AMF 0."""
    if value is None:
        return b"\x05"
    if isinstance(value, dict):
        return b"\x03" + b"".join(text(key) + amf(entry) for key, entry in value.items()) + b"\0\0\x09"
    if isinstance(value, str):
        return b"\x02" + text(value)
    return b"\0" + struct.pack(">d", value)


def text(value: str) -> bytes:
    return struct.pack(">H", len(value)) + value.encode()


def message(chunk_stream: int, timestamp: int, kind: int, payload: bytes, stream: int = 1, size: int = CHUNK_SIZE) -> bytes:
    """A message with its absolute time, in chunks (RTMP 1.0 section 5.3.1.2)."""
    extended = struct.pack(">I", timestamp) if timestamp >= 0xFFFFFF else b""
    header = bytes([chunk_stream]) + min(timestamp, 0xFFFFFF).to_bytes(3, "big") + len(payload).to_bytes(3, "big")
    pieces = [header + bytes([kind]) + struct.pack("<I", stream) + extended + payload[:size]]
    pieces += [bytes([0xC0 | chunk_stream]) + extended + payload[at:at + size] for at in range(size, len(payload), size)]
    return b"".join(pieces)


def later(chunk_stream: int, delta: int, kind: int, payload: bytes) -> bytes:
    """A message of one chunk with the time since the one before on its chunk stream."""
    return bytes([0x40 | chunk_stream]) + delta.to_bytes(3, "big") + len(payload).to_bytes(3, "big") + bytes([kind]) + payload


def picture(size: int, is_key: bool) -> bytes:
    unit = bytes([0x65 if is_key else 0x41]) + os.urandom(size - 1)
    return bytes([0x17 if is_key else 0x27, 1, 0, 0, 0]) + struct.pack(">I", len(unit)) + unit


@dataclass(frozen=True)
class Group:
    """A group of pictures as it is sent: its keyframe, and then messages, each with the millisecond at which it is due."""

    keyframe: bytes
    messages: list[tuple[int, bytes]]
    rest: bytes

    @staticmethod
    def make(bits_per_second: int) -> Group:
        """Pictures and sound of so many bits a second together; 32 kb/s of that are sound."""
        total = bits_per_second * GROUP_MILLISECONDS // 8000
        sound = 32_000 * GROUP_MILLISECONDS // 8000 // FRAMES
        # A keyframe as large as eight other pictures.
        size = max(16, (total - sound * FRAMES) // (PICTURES + 7))
        keyframe = picture(min(8 * size, CHUNK_SIZE - 16), is_key=True)
        due: list[tuple[int, bytes]] = []
        for number in range(1, PICTURES):
            due.append((number * PICTURE_MILLISECONDS, later(VIDEO, PICTURE_MILLISECONDS, VIDEO_TYPE, picture(size, False))))
        times = [number * GROUP_MILLISECONDS // FRAMES for number in range(FRAMES + 1)]
        for before, time in zip(times, times[1:]):
            due.append((time, later(AUDIO, time - before, AUDIO_TYPE, b"\xaf\x01" + os.urandom(sound))))
        due.sort(key=lambda entry: entry[0])
        return Group(keyframe, due, b"".join(entry for _, entry in due))

    def first(self, timestamp: int) -> bytes:
        """The keyframe with its absolute time."""
        return message(VIDEO, timestamp % (1 << 32), VIDEO_TYPE, self.keyframe)


def listed(port: int, stream: str) -> int:
    """How many segments a live has had, by the media playlist that viewers get; 0 while there is none."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/live/{stream}/media.m3u8", timeout=10) as answer:
            return segments(answer.read().decode())
    except urllib.error.HTTPError:
        return 0


def segments(playlist: str) -> int:
    """How many segments a live has had, by its media playlist."""
    lines = playlist.splitlines()
    sequence = [int(line.split(":")[1]) for line in lines if line.startswith("#EXT-X-MEDIA-SEQUENCE:")]
    return sum(sequence) + sum(line.startswith("#EXTINF:") for line in lines)


class Encoder:
    """A connection that publishes."""

    def __init__(self, port: int, stream: str, start: int = 0) -> None:
        """`start` is the encoder's clock at its first picture, in milliseconds.

        Raises Refused when the server refuses the publish.
        """
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self._publish(stream, start % (1 << 32))
        except BaseException:
            self.socket.close()
            raise

    def _publish(self, stream: str, start: int) -> None:
        self.socket.sendall(b"\x03" + bytes(8) + os.urandom(1528))
        answer = b""
        while len(answer) < 1 + 2 * 1536:
            answer += self._read("handshake")
        self.socket.sendall(answer[1:1537])
        commands = [
            ("connect", 1, {"app": "live", "tcUrl": "rtmp://127.0.0.1/live", "flashVer": "bench"}),
            ("createStream", 2, None), ("publish", 3, None, stream, "live"),
        ]
        for name, transaction, *values in commands:
            body = amf(name) + amf(transaction) + b"".join(amf(value) for value in values)
            self.socket.sendall(message(3, 0, COMMAND_TYPE, body, stream=1 if name == "publish" else 0, size=128))
        answer = answer[1 + 2 * 1536:]
        while b"NetStream.Publish." not in answer:
            answer += self._read("answer to publish")
        if b"NetStream.Publish.Start" not in answer:
            raise Refused(": ".join(property_of(answer, name) for name in ("code", "description")))
        size = b"\x02" + bytes(3) + (4).to_bytes(3, "big") + b"\x01" + bytes(4) + struct.pack(">I", CHUNK_SIZE)
        # With a time limit Python would wait for what is only to be looked for.
        self.socket.settimeout(None)
        self.socket.sendall(size + message(VIDEO, start, VIDEO_TYPE, b"\x17\0\0\0\0" + AVCC)
                            + message(AUDIO, start, AUDIO_TYPE, b"\xaf\0" + ASC))

    def _read(self, what: str) -> bytes:
        try:
            data = self.socket.recv(65536)
        except TimeoutError as error:
            raise ConnectionError(f"no {what} within 10 s") from error
        if not data:
            raise ConnectionError(f"closed instead of the {what}")
        return data

    def discard(self) -> None:
        """Reads what the server has said meanwhile, so that it does not wait for us."""
        try:
            self.socket.recv(65536, socket.MSG_DONTWAIT)
        except BlockingIOError:
            pass

    def close(self) -> None:
        self.socket.close()
