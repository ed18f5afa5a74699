// Takes what RTMP publishers send, and does nothing with it: the limit that a server can come near to.
//
// Usage: rtmp-sink PORT receive|dechunk
//
// `receive` reads into one buffer and forgets it. `dechunk` copies the payload of each chunk into a buffer of its message,
// which the next message of the chunk stream uses again. Both answer connect, createStream and publish, on 127.0.0.1, with one
// thread and epoll. It is for our own publisher: what goes beyond that (chunk streams above 63) closes the connection.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "common.h"

enum { HANDSHAKE_BYTES = 1536, READ_BYTES = 1 << 16, LONGEST_HEADER = 16, CHUNK_STREAMS = 64, AMF0_COMMAND = 20, SET_CHUNK_SIZE = 1 };

struct chunk_stream {
    uint32_t length, filled, capacity;
    uint8_t type;
    bool extended;
    uint8_t *message;
};

struct connection {
    int socket;
    uint32_t handshake;                    // bytes of C0, C1 and C2 so far
    bool publishes;
    uint32_t chunkSize, left;              // left: of the chunk that is being read
    struct chunk_stream *current, streams[CHUNK_STREAMS];
    uint8_t carried[LONGEST_HEADER];       // a header of which the rest is still to come
    size_t carriedBytes;
    uint8_t hello[1 + HANDSHAKE_BYTES];
};

static bool dechunks;

static uint32_t big_endian(const uint8_t *bytes, int count) {
    uint32_t value = 0;
    for (int i = 0; i < count; i++) value = value << 8 | bytes[i];
    return value;
}

static bool reply(struct connection *connection, const void *bytes, size_t count) {
    return send(connection->socket, bytes, count, MSG_NOSIGNAL) == (ssize_t)count;
}

/// Sends a command in one chunk: `name`, the transaction's number as it came, and values in AMF 0.
static bool reply_command(struct connection *connection, const char *name, const uint8_t *transaction, const char *values, size_t count) {
    uint8_t chunk[256] = {3};
    size_t length = strlen(name), at = 12;
    chunk[7] = AMF0_COMMAND;
    chunk[at++] = 2, chunk[at++] = 0, chunk[at++] = length;
    memcpy(chunk + at, name, length), at += length;
    memcpy(chunk + at, transaction, 9), at += 9;
    memcpy(chunk + at, values, count), at += count;
    chunk[6] = at - 12;
    return reply(connection, chunk, at);
}

#define BYTES(literal) literal, sizeof literal - 1

static bool received_command(struct connection *connection, const uint8_t *message, size_t length) {
    static const uint8_t zero[9] = {0};
    if (length < 3 || message[0] != 2) return true;
    size_t nameLength = big_endian(message + 1, 2);
    if (length < 3 + nameLength + 9) return false;
    const char *name = (const char *)message + 3;
    const uint8_t *transaction = message + 3 + nameLength;
    if (nameLength == 7 && !memcmp(name, "connect", 7))
        return reply_command(connection, "_result", transaction, BYTES("\x05\x03\0\4code\2\0\x1dNetConnection.Connect.Success\0\0\x09"));
    if (nameLength == 12 && !memcmp(name, "createStream", 12))
        return reply_command(connection, "_result", transaction, BYTES("\x05\0\x3f\xf0\0\0\0\0\0\0"));
    if (nameLength == 7 && !memcmp(name, "publish", 7)) {
        connection->publishes = true;
        return reply_command(connection, "onStatus", zero, BYTES("\x05\x03\0\4code\2\0\x17NetStream.Publish.Start\0\0\x09"));
    }
    return true;
}

static bool received_message(struct connection *connection, struct chunk_stream *stream) {
    if (stream->type == SET_CHUNK_SIZE && stream->length == 4) {
        connection->chunkSize = big_endian(stream->message, 4) & 0x7fffffff;
        return connection->chunkSize > 0;
    }
    return stream->type != AMF0_COMMAND || received_command(connection, stream->message, stream->length);
}

/// Reads a chunk's header (RTMP 1.0 §5.3.1): its size, 0 when it is not there whole, -1 when it is not taken.
static int read_header(struct connection *connection, const uint8_t *at, size_t available) {
    static const int messageHeader[4] = {11, 7, 3, 0};
    int format = at[0] >> 6, chunkStreamID = at[0] & 63, size = 1 + messageHeader[format];
    if (chunkStreamID < 2) return -1;
    struct chunk_stream *stream = &connection->streams[chunkStreamID];
    if (available < (size_t)size) return 0;
    bool extended = format < 3 ? big_endian(at + 1, 3) == 0xffffff : stream->extended;
    if (extended) size += 4;
    if (available < (size_t)size) return 0;
    stream->extended = extended;
    if (format < 2) stream->length = big_endian(at + 4, 3), stream->type = at[7];
    if (stream->filled == 0 && stream->length > stream->capacity) {
        free(stream->message);
        if (!(stream->message = malloc(stream->length))) die("malloc");
        stream->capacity = stream->length;
    }
    if (stream->length > stream->capacity) return -1;   // a length that changes within a message
    uint32_t rest = stream->length - stream->filled;
    connection->left = rest < connection->chunkSize ? rest : connection->chunkSize;
    connection->current = stream;
    return size;
}

static bool received_chunks(struct connection *connection, uint8_t *at, uint8_t *end) {
    while (at < end) {
        if (connection->publishes && !dechunks) return true;
        if (!connection->current) {
            int size = read_header(connection, at, end - at);
            if (size < 0) return false;
            if (size == 0) break;
            at += size;
        }
        struct chunk_stream *stream = connection->current;
        size_t count = connection->left < end - at ? connection->left : (size_t)(end - at);
        memcpy(stream->message + stream->filled, at, count);
        at += count, stream->filled += count, connection->left -= count;
        if (connection->left) return true;
        connection->current = NULL;
        if (stream->filled == stream->length) {
            stream->filled = 0;
            if (!received_message(connection, stream)) return false;
        }
    }
    connection->carriedBytes = end - at;
    memcpy(connection->carried, at, connection->carriedBytes);
    return true;
}

/// Takes the bytes of C0, C1 and C2 and answers them; how many there were, -1 when the connection is lost.
static ssize_t received_handshake(struct connection *connection, const uint8_t *at, size_t available) {
    size_t taken = 0, whole = 1 + HANDSHAKE_BYTES;
    while (taken < available && connection->handshake < whole) {
        connection->hello[connection->handshake++] = at[taken++];
        if (connection->handshake == whole) {
            // S0 and S1 are what C0 and C1 were, and S2 is the echo.
            if (!reply(connection, connection->hello, whole) || !reply(connection, connection->hello + 1, HANDSHAKE_BYTES)) return -1;
        }
    }
    size_t rest = whole + HANDSHAKE_BYTES - connection->handshake, echo = available - taken < rest ? available - taken : rest;
    connection->handshake += echo;
    return taken + echo;
}

/// Reads once; whether the connection goes on.
static bool is_readable(struct connection *connection) {
    static uint8_t buffer[LONGEST_HEADER + READ_BYTES];
    uint8_t *at = buffer;
    memcpy(at, connection->carried, connection->carriedBytes);
    ssize_t count = recv(connection->socket, at + connection->carriedBytes, READ_BYTES, 0);
    if (count <= 0) return false;
    if (connection->publishes && !dechunks) return true;
    uint8_t *end = at + connection->carriedBytes + count;
    connection->carriedBytes = 0;
    if (connection->handshake < 1 + 2 * HANDSHAKE_BYTES) {
        ssize_t taken = received_handshake(connection, at, end - at);
        if (taken < 0) return false;
        at += taken;
    }
    return received_chunks(connection, at, end);
}

static void close_connection(struct connection *connection) {
    close(connection->socket);
    for (int i = 0; i < CHUNK_STREAMS; i++) free(connection->streams[i].message);
    free(connection);
}

int main(int count, char **arguments) {
    if (count != 3 || (strcmp(arguments[2], "receive") && strcmp(arguments[2], "dechunk"))) {
        fprintf(stderr, "usage: rtmp-sink PORT receive|dechunk\n");
        return 64;
    }
    dechunks = !strcmp(arguments[2], "dechunk");
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(arguments[1])), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1, queue = epoll_create1(0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 1024)) die("listen");
    epoll_ctl(queue, EPOLL_CTL_ADD, listener, &(struct epoll_event){.events = EPOLLIN});

    struct epoll_event events[256];
    while (true) {
        int ready = epoll_wait(queue, events, 256, -1);
        for (int i = 0; i < ready; i++) {
            struct connection *connection = events[i].data.ptr;
            if (connection) {
                if (!is_readable(connection)) close_connection(connection);
                continue;
            }
            int accepted = accept(listener, NULL, NULL);
            if (accepted < 0) continue;
            if (!(connection = calloc(1, sizeof *connection))) die("calloc");
            connection->socket = accepted, connection->chunkSize = 128;
            epoll_ctl(queue, EPOLL_CTL_ADD, accepted, &(struct epoll_event){.events = EPOLLIN, .data.ptr = connection});
        }
    }
}
