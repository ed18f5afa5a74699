// Follows one live as a single player of low latency, and tells when each part could be downloaded and which pictures it has.
//
// Usage: part-latency HOST PORT PATH SECONDS
//
// PATH is a media playlist. One connection, one request behind the other: a reload that waits for the next part (_HLS_msn,
// _HLS_part), then that part. A part is there when the first bytes of its answer are: what the server needs for the playlist
// and for the part, and two ways over the loopback, count. Parts that the first playlist lists are not told.
//
// It prints a line for each part: the time (CLOCK_REALTIME), DURATION and PART-TARGET in seconds, and behind those the decode
// times of its pictures in milliseconds (tfdt and trun). Exit status: 1 when an answer is none or no part came.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "common.h"

enum { ANSWER_BYTES = 1 << 24, PATH_BYTES = 512, HANDLER_VIDEO = 0x76696465 };

/// A place in the live: a part of a segment.
struct place { long number; int index; };

struct part { struct place place; double duration; char path[PATH_BYTES]; };

struct box { uint32_t type; const uint8_t *start, *end; };

static const char *host, *path;
static int stream;
static char *answer, *body;
static size_t length;
static struct part parts[4096];
static int partCount;
static struct place next;
static double partTarget;
static char map[PATH_BYTES];
static uint32_t videoTrack, timescale;

static void refuse(const char *what) {
    fprintf(stderr, "part-latency: %s\n", what);
    exit(1);
}

// HTTP

/// Asks and reads the whole answer; gives the time of its first bytes.
static double get(const char *target) {
    char request[PATH_BYTES + 256];
    int count = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", target, host);
    if (send(stream, request, count, MSG_NOSIGNAL) != count) die("send");
    double arrival = 0;
    size_t received = 0, expected = ANSWER_BYTES;
    for (body = NULL; received < expected;) {
        ssize_t some = recv(stream, answer + received, ANSWER_BYTES - 1 - received, 0);
        if (!received) arrival = seconds_on(CLOCK_REALTIME);
        if (some <= 0) die(target);
        received += some;
        answer[received] = 0;
        char *end = body ? NULL : strstr(answer, "\r\n\r\n"), *field;
        if (!end) continue;
        if (strncmp(answer, "HTTP/1.1 200", 12) || !(field = strcasestr(answer, "\r\nContent-Length:"))) refuse(answer);
        body = end + 4;
        expected = body - answer + (length = strtoul(field + 17, NULL, 10));
        if (expected >= ANSWER_BYTES) refuse("an answer too long to be read");
    }
    return arrival;
}

// Playlists

static double attribute(const char *line, const char *name) {
    const char *found = strstr(line, name);
    return found ? atof(found + strlen(name)) : 0;
}

/// Makes a path of a quoted URI in a line of the playlist.
static void resolve(char *target, const char *line) {
    const char *uri = strstr(line, "URI=\"");
    if (!uri) refuse("a tag without URI");
    int folder = strrchr(path, '/') + 1 - path;
    snprintf(target, PATH_BYTES, "%.*s%.*s", folder, path, (int)strcspn(uri + 5, "\""), uri + 5);
}

/// Reads the parts of the playlist that was answered.
static void read_playlist(void) {
    struct place place = {0, 0};
    partCount = 0;
    for (char *line = strtok(body, "\n"); line; line = strtok(NULL, "\n")) {
        if (!strncmp(line, "#EXT-X-MEDIA-SEQUENCE:", 22)) place.number = atol(line + 22);
        else if (!strncmp(line, "#EXT-X-PART-INF:", 16)) partTarget = attribute(line, "PART-TARGET=");
        else if (!strncmp(line, "#EXT-X-MAP:", 11)) resolve(map, line);
        else if (!strncmp(line, "#EXT-X-PART:", 12)) {
            if (partCount == sizeof parts / sizeof *parts) refuse("a playlist too long to be read");
            struct part *part = &parts[partCount++];
            part->place = place;
            part->duration = attribute(line, "DURATION=");
            resolve(part->path, line);
            place.index++;
        } else if (*line != '#') place.number++, place.index = 0;
    }
    next = place;
}

static bool is_before(struct place left, struct place right) {
    return left.number != right.number ? left.number < right.number : left.index < right.index;
}

// MP4 (ISO/IEC 14496-12)

static uint32_t number(const uint8_t *at) { return (uint32_t)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3]; }

/// Steps to the next box from `at`; false at the end.
static bool next_box(const uint8_t **at, const uint8_t *end, struct box *box) {
    if (end - *at < 8) return false;
    uint32_t size = number(*at);
    if (size < 8 || size > end - *at) refuse("a box that does not fit");
    *box = (struct box){number(*at + 4), *at + 8, *at + size};
    *at += size;
    return true;
}

static uint32_t type(const char *letters) { return number((const uint8_t *)letters); }

/// Finds the track with pictures in an initialization segment.
static void read_initialization(const uint8_t *at, const uint8_t *end, uint32_t *track, uint32_t *scale) {
    struct box box;
    while (next_box(&at, end, &box)) {
        if (box.type == type("moov") || box.type == type("mdia")) read_initialization(box.start, box.end, track, scale);
        else if (box.type == type("trak")) {
            uint32_t ofTrack = 0, ofScale = 0;
            read_initialization(box.start, box.end, &ofTrack, &ofScale);
        } else if (box.type == type("tkhd")) *track = number(box.start + (*box.start ? 20 : 12));
        else if (box.type == type("mdhd")) *scale = number(box.start + (*box.start ? 20 : 12));
        else if (box.type == type("hdlr") && number(box.start + 8) == HANDLER_VIDEO) videoTrack = *track, timescale = *scale;
    }
}

/// Prints the decode times of a fragment's pictures.
static void print_pictures(const uint8_t *at, const uint8_t *end) {
    struct box box;
    static uint32_t track;
    static uint64_t time;
    while (next_box(&at, end, &box)) {
        if (box.type == type("moof") || box.type == type("traf")) print_pictures(box.start, box.end);
        else if (box.type == type("tfhd")) track = number(box.start + 4);
        else if (box.type == type("tfdt")) time = *box.start ? (uint64_t)number(box.start + 4) << 32 | number(box.start + 8) : number(box.start + 4);
        else if (box.type == type("trun") && track == videoTrack) {
            uint32_t flags = number(box.start) & 0xffffff, count = number(box.start + 4);
            const uint8_t *entry = box.start + 8 + (flags & 1 ? 4 : 0) + (flags & 4 ? 4 : 0);
            size_t size = 4 * __builtin_popcount(flags & 0xf00);
            if (!(flags & 0x100) || (size_t)(box.end - entry) < count * size) refuse("samples without durations");
            for (; count--; entry += size) printf(" %.3f", time * 1000.0 / timescale), time += number(entry);
        }
    }
}

int main(int argumentCount, char **arguments) {
    if (argumentCount != 5) { fprintf(stderr, "usage: part-latency HOST PORT PATH SECONDS\n"); return 64; }
    host = arguments[1], path = arguments[3];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(arguments[2]))};
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1 || *path != '/') { fprintf(stderr, "HOST is an IPv4 address, PATH begins with /\n"); return 64; }
    stream = socket(AF_INET, SOCK_STREAM, 0);
    if (stream < 0 || connect(stream, (void *)&address, sizeof address)) die("connect");
    setsockopt(stream, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (!(answer = malloc(ANSWER_BYTES))) die("malloc");

    get(path);
    read_playlist();
    if (!partTarget || !*map) refuse("a live without parts");
    get(map);
    uint32_t track = 0, scale = 0;
    read_initialization((uint8_t *)body, (uint8_t *)body + length, &track, &scale);
    if (!timescale) refuse("a live without pictures");
    int told = 0;
    for (double end = seconds_on(CLOCK_MONOTONIC) + atof(arguments[4]); seconds_on(CLOCK_MONOTONIC) < end;) {
        char target[PATH_BYTES + 64];
        struct place awaited = next;
        snprintf(target, sizeof target, "%s?_HLS_msn=%ld&_HLS_part=%d", path, awaited.number, awaited.index);
        get(target);
        read_playlist();
        for (int index = 0; index < partCount; index++) {
            if (is_before(parts[index].place, awaited)) continue;
            double arrival = get(parts[index].path);
            printf("%.6f %.6f %.6f", arrival, parts[index].duration, partTarget);
            print_pictures((uint8_t *)body, (uint8_t *)body + length);
            printf("\n"), told++;
        }
    }
    if (!told) refuse("no part came");
    return 0;
}
