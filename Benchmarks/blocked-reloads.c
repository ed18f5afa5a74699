// Holds blocking reloads of one live, and tells how long after the first of them each was answered.
//
// Usage: blocked-reloads HOST PORT PATH READERS SECONDS PAUSE
//
// Each answer carries the time at which the kernel received its last bytes (SO_TIMESTAMPNS), so that the readers do not
// measure themselves: it does not matter when they get to run. The moment a part was there is taken to be the first answer
// for it, which is a hop to another thread and one answer behind that. Readers ask again on the same connection: at once, or
// PAUSE milliseconds after the first answer, so that all this work does not take the processors that the server has.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "common.h"

enum { MAXIMUM_READERS = 20000, MAXIMUM_PARTS = 4096, ANSWER_BYTES = 1 << 18 };

struct part { int number, index; };
struct reader { int socket; struct part wanted; size_t bytes, expected; };
struct round { struct part part; int count; double *arrivals; };

static struct reader readers[MAXIMUM_READERS];
static struct round rounds[MAXIMUM_PARTS];
static int readerCount, roundCount;
static const char *path, *host;
// One answer at a time is read whole as a rule; a reader whose answer comes in pieces keeps them here.
static char *pieces[MAXIMUM_READERS];

static double now(void) { return seconds_on(CLOCK_REALTIME); }

static void ask(struct reader *reader) {
    char request[1024];
    int length = reader->wanted.number < 0
        ? snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, host)
        : snprintf(request, sizeof request, "GET %s?_HLS_msn=%d&_HLS_part=%d HTTP/1.1\r\nHost: %s\r\n\r\n", path,
                   reader->wanted.number, reader->wanted.index, host);
    if (send(reader->socket, request, length, MSG_NOSIGNAL) != length) die("send");
}

static int count(const char *text, const char *tag) {
    int found = 0;
    for (; (text = strstr(text, tag)); text += strlen(tag)) found++;
    return found;
}

/// The part that comes behind those of a playlist.
static struct part next_part(const char *text) {
    const char *sequence = strstr(text, "#EXT-X-MEDIA-SEQUENCE:");
    const char *end = text;
    for (const char *each = text; (each = strstr(each, "#EXTINF")); each++) end = each;
    if (!sequence) { fprintf(stderr, "no media playlist: %.80s\n", text); exit(1); }
    return (struct part){atoi(sequence + 22) + count(text, "#EXTINF"), count(end, "#EXT-X-PART:")};
}

static void note(struct part part, double arrival) {
    struct round *round = NULL;
    for (int index = roundCount - 1; index >= 0 && index >= roundCount - 8 && !round; index--)
        if (rounds[index].part.number == part.number && rounds[index].part.index == part.index) round = &rounds[index];
    if (!round) {
        if (roundCount == MAXIMUM_PARTS) return;
        round = &rounds[roundCount++];
        round->part = part;
        round->arrivals = calloc(readerCount, sizeof(double));
    }
    if (round->count < readerCount) round->arrivals[round->count++] = arrival;
}

/// Takes what has come, and asks again when the answer is whole.
static void take(struct reader *reader) {
    static struct { struct part wanted, next; } known = {{-2, -2}, {0, 0}};
    char *buffer = pieces[reader - readers];
    char control[256];
    struct iovec vector = {buffer + reader->bytes, ANSWER_BYTES - 1 - reader->bytes};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t length = recvmsg(reader->socket, &message, 0);
    if (length <= 0) die("an answer");
    double arrival = now();
    for (struct cmsghdr *each = CMSG_FIRSTHDR(&message); each; each = CMSG_NXTHDR(&message, each)) {
        if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SCM_TIMESTAMPNS) continue;
        struct timespec time;
        memcpy(&time, CMSG_DATA(each), sizeof time);
        arrival = time.tv_sec + time.tv_nsec * 1e-9;
    }
    reader->bytes += length;
    buffer[reader->bytes] = 0;
    if (!reader->expected) {
        char *head = strstr(buffer, "\r\n\r\n"), *field = strstr(buffer, "Content-Length: ");
        if (!head || !field) return;
        if (strncmp(buffer + 9, "200", 3)) { fprintf(stderr, "answered with %.60s\n", buffer); exit(1); }
        reader->expected = head + 4 - buffer + atoi(field + 16);
        if (reader->expected >= ANSWER_BYTES) { fprintf(stderr, "a playlist too long to be read\n"); exit(1); }
    }
    if (reader->bytes < reader->expected) return;
    if (reader->wanted.number >= 0) note(reader->wanted, arrival);
    // All who waited for a part have the same answer; it is read once.
    if (reader->wanted.number < 0 || memcmp(&known.wanted, &reader->wanted, sizeof(struct part))) {
        known.wanted = reader->wanted;
        known.next = next_part(buffer);
    }
    reader->wanted = known.next;
    reader->bytes = reader->expected = 0;
    ask(reader);
}

static void report(void) {
    double *delays = calloc((size_t)readerCount * roundCount + 1, sizeof(double));
    size_t total = 0;
    int full = 0;
    for (int index = 0; index < roundCount; index++) {
        struct round *round = &rounds[index];
        // The first part of the run, and those that a reader was too late to wait for, are no measure.
        if (round->count < readerCount * 9 / 10) continue;
        full++;
        qsort(round->arrivals, round->count, sizeof(double), ascending);
        for (int each = 0; each < round->count; each++)
            delays[total++] = (round->arrivals[each] - round->arrivals[0]) * 1000;
    }
    if (!full) { fprintf(stderr, "no part was waited for by nearly all\n"); exit(1); }
    qsort(delays, total, sizeof(double), ascending);
    printf("%d readers, %d parts: behind the first answer p50 %.1f ms, p99 %.1f ms, longest %.1f ms\n", readerCount, full,
           delays[total / 2], delays[total * 99 / 100], delays[total - 1]);
}

int main(int argc, char **argv) {
    if (argc != 7) { fprintf(stderr, "usage: blocked-reloads HOST PORT PATH READERS SECONDS PAUSE\n"); return 64; }
    host = argv[1];
    path = argv[3];
    readerCount = atoi(argv[4]);
    if (readerCount < 1 || readerCount > MAXIMUM_READERS) { fprintf(stderr, "1 to %d readers\n", MAXIMUM_READERS); return 64; }
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1) { fprintf(stderr, "HOST is an IPv4 address\n"); return 64; }
    int poll = epoll_create1(0), yes = 1;
    for (int index = 0; index < readerCount; index++) {
        struct reader *reader = &readers[index];
        *reader = (struct reader){.socket = socket(AF_INET, SOCK_STREAM, 0), .wanted = {-1, -1}};
        if (reader->socket < 0 || connect(reader->socket, (void *)&address, sizeof address)) die("connect");
        setsockopt(reader->socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        if (setsockopt(reader->socket, SOL_SOCKET, SO_TIMESTAMPNS, &yes, sizeof yes)) die("SO_TIMESTAMPNS");
        if (!(pieces[index] = malloc(ANSWER_BYTES))) die("malloc");
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = reader};
        if (epoll_ctl(poll, EPOLL_CTL_ADD, reader->socket, &event)) die("epoll_ctl");
        ask(reader);
    }
    static struct epoll_event events[MAXIMUM_READERS];
    useconds_t pause = atoi(argv[6]) * 1000;
    for (double end = now() + atof(argv[5]); now() < end;) {
        int ready = epoll_wait(poll, events, MAXIMUM_READERS, 100);
        if (ready > 0 && pause > 0) {
            usleep(pause);
            ready = epoll_wait(poll, events, MAXIMUM_READERS, 0);
        }
        if (ready < 0 && errno != EINTR) die("epoll_wait");
        for (int index = 0; index < ready; index++) take(events[index].data.ptr);
    }
    report();
    return 0;
}
