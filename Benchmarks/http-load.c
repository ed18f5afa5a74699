// Fetches one path over HTTP/1.1 again and again, on connections that stay open, and tells how often it came.
//
// Usage: http-load HOST PORT PATH CONNECTIONS SECONDS
//
// One thread; each connection has one request on its way. Only the head of an answer is read: the body is dropped in the
// kernel (MSG_TRUNC), so that the one who loads is not what limits a server of large files. Prints
//
//     requests N bytes N errors N seconds S
//
// with the bytes of bodies. An answer other than 200, one without Content-Length, and a connection that ends are errors: the
// connection is then made anew. The first few are said on standard error.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "common.h"

enum { MAXIMUM_CONNECTIONS = 10000, HEAD_BYTES = 8192, DISCARDED_AT_ONCE = 4 << 20, MAXIMUM_COMPLAINTS = 5 };

struct connection {
    int socket;
    /// Bytes of the head that have come; it is kept below while it is not whole.
    size_t headBytes;
    /// Bytes of the body that have not come.
    size_t rest;
    char *head;
};

static struct sockaddr_in address;
static char request[4096];
static int requestLength, poll;
static size_t requests, bytes, errors;

static double now(void) { return seconds_on(CLOCK_MONOTONIC); }

static void ask(struct connection *connection) {
    connection->headBytes = 0;
    // A connection that has ended shows that when it is read.
    if (send(connection->socket, request, requestLength, MSG_NOSIGNAL) < 0 && errno != EPIPE && errno != ECONNRESET)
        die("send");
}

static void open_connection(struct connection *connection) {
    int yes = 1;
    connection->socket = socket(AF_INET, SOCK_STREAM, 0);
    connection->rest = 0;
    if (connection->socket < 0 || connect(connection->socket, (void *)&address, sizeof address)) die("connect");
    setsockopt(connection->socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    if (epoll_ctl(poll, EPOLL_CTL_ADD, connection->socket, &event)) die("epoll_ctl");
    ask(connection);
}

static void fail(struct connection *connection, const char *what) {
    if (errors++ < MAXIMUM_COMPLAINTS) fprintf(stderr, "http-load: %s\n", what);
    close(connection->socket);
    open_connection(connection);
}

static void finish(struct connection *connection) {
    requests++;
    ask(connection);
}

/// Takes what has come of a head; the body that came with it is only counted.
static void take_head(struct connection *connection) {
    char *head = connection->head;
    ssize_t length =
        recv(connection->socket, head + connection->headBytes, HEAD_BYTES - connection->headBytes, MSG_DONTWAIT);
    if (length < 0 && errno == EAGAIN) return;
    if (length <= 0) return fail(connection, "a connection ended without an answer");
    connection->headBytes += length;
    char *end = memmem(head, connection->headBytes, "\r\n\r\n", 4);
    if (!end) {
        if (connection->headBytes == HEAD_BYTES) fail(connection, "a head without an end");
        return;
    }
    *end = 0;
    if (connection->headBytes < 12 || memcmp(head + 9, "200", 3)) return fail(connection, head);
    char *field = strcasestr(head, "\r\nContent-Length:");
    if (!field) return fail(connection, "an answer without Content-Length");
    size_t bodyLength = strtoull(field + 17, NULL, 10), come = head + connection->headBytes - (end + 4);
    if (come > bodyLength) return fail(connection, "more than was asked for");
    connection->rest = bodyLength - come;
    bytes += come;
    if (!connection->rest) finish(connection);
}

static void take(struct connection *connection) {
    if (!connection->rest) return take_head(connection);
    size_t wanted = connection->rest < DISCARDED_AT_ONCE ? connection->rest : DISCARDED_AT_ONCE;
    // The kernel writes nothing through the pointer with MSG_TRUNC on TCP.
    ssize_t length = recv(connection->socket, NULL, wanted, MSG_TRUNC | MSG_DONTWAIT);
    if (length < 0 && errno == EAGAIN) return;
    if (length <= 0) return fail(connection, "a connection ended within a body");
    connection->rest -= length;
    bytes += length;
    if (!connection->rest) finish(connection);
}

int main(int argc, char **argv) {
    if (argc != 6) {
        fprintf(stderr, "usage: http-load HOST PORT PATH CONNECTIONS SECONDS\n");
        return 64;
    }
    int count = atoi(argv[4]);
    double seconds = atof(argv[5]);
    address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
    requestLength = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s:%s\r\nUser-Agent: http-load\r\n\r\n",
                             argv[3], argv[1], argv[2]);
    if (inet_pton(AF_INET, argv[1], &address.sin_addr) != 1 || count < 1 || count > MAXIMUM_CONNECTIONS || seconds <= 0
        || requestLength >= (int)sizeof request) {
        fprintf(stderr, "http-load: HOST is an IPv4 address, CONNECTIONS 1 to %d\n", MAXIMUM_CONNECTIONS);
        return 64;
    }
    struct connection *connections = calloc(count, sizeof *connections);
    if (!connections || (poll = epoll_create1(0)) < 0) die("connections");
    for (int index = 0; index < count; index++) {
        // One byte more, for the end of what is printed of a head.
        if (!(connections[index].head = malloc(HEAD_BYTES + 1))) die("malloc");
        open_connection(&connections[index]);
    }
    static struct epoll_event events[256];
    double begin = now(), time;
    while ((time = now()) < begin + seconds) {
        int ready = epoll_wait(poll, events, 256, 100);
        if (ready < 0 && errno != EINTR) die("epoll_wait");
        for (int index = 0; index < ready; index++) take(events[index].data.ptr);
    }
    printf("requests %zu bytes %zu errors %zu seconds %.3f\n", requests, bytes, errors, time - begin);
    return errors > 0;
}
