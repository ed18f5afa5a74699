// Watches one live as many viewers do, and tells what they would have noticed: errors, stalls, playlists that came late.
//
// Usage: hls-viewers plain|low-latency HOST PORT PATH VIEWERS SECONDS JOINING
//
// PATH is the live's multivariant playlist, of which the first variant is watched, or a media playlist. The viewers join one after
// the other within JOINING seconds; all that happens from then until SECONDS later counts, joining too. Each has two connections
// that it keeps: for playlists and for media. Media is discarded in the kernel (MSG_TRUNC).
//
// plain: starts three segments before the end, loads the playlist again a target duration after it began to load it last, or half
// of one where nothing had changed (RFC 8216 section 6.3.4), and fetches whole segments.
// low-latency: starts PART-HOLD-BACK before the end, at the last independent part before that; each reload waits for the next part
// (_HLS_msn, _HLS_part), and parts are fetched when they are listed.
//
// Both play at real time. What was fetched whole lasts until a deadline, which each segment or part moves on; one that comes later
// than that was a stall until then. An answer other than 200 and a connection that fails are errors, also when asking again helps.
//
// A playlist's time is taken from when the request was written to when the kernel had the last bytes of the answer
// (SO_TIMESTAMPNS), so that the viewers do not measure themselves. Of a reload that waits, only what is beyond the moment when the
// part was there counts. That moment is taken to be the first answer to any viewer for the same part: what the server needs for
// its very first answer is not in it, nor is a delay that all of them share.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "common.h"

enum { MAXIMUM_VIEWERS = 10000, ANSWER_BYTES = 1 << 19, HEAD_BYTES = 4096, PATH_BYTES = 512, QUEUE = 64, EVENTS = 1024 };

/// A place in the live: a part of a segment, or with index 0 the whole segment.
struct place { long number; int index; };

struct media { struct place place; double duration, begin; bool independent; char path[PATH_BYTES]; };

struct playlist {
    bool variants, ended;
    double target, holdBack, duration;
    long first;
    struct place next;
    char map[PATH_BYTES], variant[PATH_BYTES];
    int count;
    struct media media[4096];
};

struct connection {
    struct viewer *viewer;
    int socket;
    bool playlist, connecting, busy, last;
    char path[PATH_BYTES];
    double sent, arrived;
    int status;
    struct place awaited;
    size_t bytes, head, length;
    char *buffer;
};

struct viewer {
    struct connection playlist, media;
    char path[PATH_BYTES], map[PATH_BYTES];
    double reload, retry, begun, start, waiting, deadline;
    struct place next, known;
    bool started, playing, ended;
    int first, count;
    struct media queue[QUEUE];
};

/// How long one request for a playlist took; with number -1 it did not wait for anything.
struct sample { struct place place; double sent, arrived; };

static const char *host, *entry;
static struct sockaddr_in address;
static bool lowLatency;
static int viewerCount, poller;
static struct viewer *viewers;
static struct sample *samples;
static size_t sampleCount, sampleSpace;
static struct playlist parsed;
static double wake, leastMargin = 1e9;
static long statusErrors, connectionErrors, stalls, skipped, mediaCount, reopened;
static double stalled, mediaBytes;

static double now(void) { return seconds_on(CLOCK_REALTIME); }

static int compare(struct place left, struct place right) {
    if (left.number != right.number) return left.number < right.number ? -1 : 1;
    return (left.index > right.index) - (left.index < right.index);
}

/// Has a viewer looked after at a time.
static void at(double *when, double time) {
    *when = time;
    if (time < wake) wake = time;
}

// MARK: Playlists

static double attribute(const char *line, const char *name) {
    const char *found = strstr(line, name);
    return found ? atof(found + strlen(name)) : 0;
}

/// Makes a path of what a playlist says about where something is.
static void resolve(char *path, const char *base, const char *uri, size_t length) {
    const char *slash = strrchr(base, '/');
    int folder = *uri == '/' || !slash ? 0 : slash + 1 - base;
    if (folder + length >= PATH_BYTES) { fprintf(stderr, "a path too long to be asked for\n"); exit(1); }
    snprintf(path, PATH_BYTES, "%.*s%.*s", folder, base, (int)length, uri);
}

static void resolve_quoted(char *path, const char *base, const char *line) {
    const char *uri = strstr(line, "URI=\"");
    if (uri) resolve(path, base, uri + 5, strcspn(uri + 5, "\""));
}

static struct media *add(struct place place, double begin, double duration) {
    if (parsed.count == sizeof parsed.media / sizeof *parsed.media) { fprintf(stderr, "a playlist too long to be read\n"); exit(1); }
    struct media *media = &parsed.media[parsed.count++];
    *media = (struct media){.place = place, .begin = begin, .duration = duration};
    return media;
}

/// Reads a playlist: its parts when viewers are of low latency, or else its segments.
static bool parse(char *text, const char *base) {
    bool variant = false;
    double partsEnd = 0, duration = 0;
    long number = 0;
    int index = 0;
    memset(&parsed, 0, offsetof(struct playlist, media));
    if (strncmp(text, "#EXTM3U", 7)) return false;
    for (char *line = text, *end; *line; line = end) {
        end = line + strcspn(line, "\n");
        if (*end) *end++ = 0;
        size_t length = strcspn(line, "\r");
        line[length] = 0;
        if (!strncmp(line, "#EXT-X-STREAM-INF", 17)) parsed.variants = variant = true;
        else if (!strncmp(line, "#EXT-X-TARGETDURATION:", 22)) parsed.target = atof(line + 22);
        else if (!strncmp(line, "#EXT-X-MEDIA-SEQUENCE:", 22)) parsed.first = number = atol(line + 22);
        else if (!strncmp(line, "#EXT-X-SERVER-CONTROL:", 22)) parsed.holdBack = attribute(line, "PART-HOLD-BACK=");
        else if (!strncmp(line, "#EXT-X-MAP:", 11)) resolve_quoted(parsed.map, base, line);
        else if (!strncmp(line, "#EXT-X-ENDLIST", 14)) parsed.ended = true;
        else if (!strncmp(line, "#EXTINF:", 8)) duration = atof(line + 8);
        else if (!strncmp(line, "#EXT-X-PART:", 12) && lowLatency) {
            double length = attribute(line, "DURATION=");
            struct media *media = add((struct place){number, index++}, partsEnd, length);
            media->independent = strstr(line, "INDEPENDENT=YES");
            resolve_quoted(media->path, base, line);
            partsEnd += length;
        } else if (*line && *line != '#') {
            if (variant) {
                resolve(parsed.variant, base, line, length);
                return true;
            }
            if (!lowLatency) resolve(add((struct place){number, 0}, parsed.duration, duration)->path, base, line, length);
            parsed.duration += duration;
            partsEnd = parsed.duration;
            number++;
            index = 0;
        }
    }
    if (lowLatency) parsed.duration = partsEnd;
    parsed.next = (struct place){number, index};
    return parsed.target > 0;
}

// MARK: Connections

static void forget(struct connection *connection) {
    if (connection->socket >= 0) close(connection->socket);
    connection->socket = -1;
    connection->busy = connection->connecting = false;
}

/// Gives up what was asked for; the viewer asks again in a second.
static void fail(struct connection *connection) {
    connectionErrors++;
    forget(connection);
    at(connection->playlist ? &connection->viewer->reload : &connection->viewer->retry, now() + 1);
}

static void send_request(struct connection *connection) {
    char request[PATH_BYTES + 256];
    int length = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", connection->path, host);
    if (send(connection->socket, request, length, MSG_NOSIGNAL | MSG_DONTWAIT) != length) fail(connection);
}

static void request(struct connection *connection, const char *path, struct place awaited) {
    connection->busy = true;
    connection->awaited = awaited;
    connection->bytes = connection->head = connection->length = 0;
    connection->sent = now();
    snprintf(connection->path, sizeof connection->path, "%s", path);
    if (connection->socket >= 0) return send_request(connection);
    int yes = 1;
    connection->socket = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (connection->socket < 0) die("socket");
    setsockopt(connection->socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (connection->playlist) setsockopt(connection->socket, SOL_SOCKET, SO_TIMESTAMPNS, &yes, sizeof yes);
    connection->connecting = true;
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = connection};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, connection->socket, &event)) die("epoll_ctl");
    if (connect(connection->socket, (void *)&address, sizeof address) && errno != EINPROGRESS) fail(connection);
}

static void connected(struct connection *connection) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(connection->socket, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) return fail(connection);
    connection->connecting = false;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    if (epoll_ctl(poller, EPOLL_CTL_MOD, connection->socket, &event)) die("epoll_ctl");
    send_request(connection);
}

/// Reads an answer's head once it is there; false when it is none.
static bool read_head(struct connection *connection) {
    char *buffer = connection->buffer, *end = strstr(buffer, "\r\n\r\n"), *field;
    if (!end) return connection->bytes < HEAD_BYTES - 1;
    end[2] = 0;
    if (strncmp(buffer, "HTTP/1.1 ", 9) || !(field = strcasestr(buffer, "\r\nContent-Length:"))) return false;
    connection->status = atoi(buffer + 9);
    connection->head = end + 4 - buffer;
    connection->length = connection->head + strtoul(field + 17, NULL, 10);
    connection->last = strcasestr(buffer, "\r\nConnection: close");
    return !connection->playlist || connection->length < ANSWER_BYTES;
}

/// Receives once, as much as belongs to the answer; media behind its head is dropped by the kernel.
static ssize_t receive_some(struct connection *connection) {
    if (connection->head && !connection->playlist)
        return recv(connection->socket, NULL, connection->length - connection->bytes, MSG_TRUNC | MSG_DONTWAIT);
    char control[256];
    size_t space = connection->head ? connection->length : HEAD_BYTES - 1;
    struct iovec vector = {connection->buffer + connection->bytes, space - connection->bytes};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t received = recvmsg(connection->socket, &message, MSG_DONTWAIT);
    connection->arrived = now();
    for (struct cmsghdr *each = CMSG_FIRSTHDR(&message); received > 0 && each; each = CMSG_NXTHDR(&message, each)) {
        if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SCM_TIMESTAMPNS) continue;
        struct timespec time;
        memcpy(&time, CMSG_DATA(each), sizeof time);
        connection->arrived = time.tv_sec + time.tv_nsec * 1e-9;
    }
    return received;
}

// MARK: Viewers

static void fetch(struct viewer *viewer) {
    if (viewer->media.busy || viewer->retry > 0 || viewer->ended) return;
    struct place none = {-1, 0};
    if (*viewer->map) request(&viewer->media, viewer->map, none);
    else if (viewer->count) request(&viewer->media, viewer->queue[viewer->first].path, none);
}

/// Plays what has come whole. Viewers of low latency begin when they have all that was listed when they joined.
static void play(struct viewer *viewer, const struct media *media) {
    double time = now();
    double duration = media->begin < viewer->start ? media->begin + media->duration - viewer->start : media->duration;
    if (!viewer->playing) viewer->deadline = time + viewer->waiting;
    else if (viewer->deadline - time < leastMargin) leastMargin = viewer->deadline - time;
    if (time > viewer->deadline) {
        stalls++;
        stalled += time - viewer->deadline;
        viewer->deadline = time;
    }
    if (duration > 0) viewer->deadline += duration;
    if (viewer->playing || !lowLatency || viewer->count == 1) viewer->playing = true;
    else viewer->waiting = viewer->deadline - time;
}

static void received_media(struct viewer *viewer, int status, size_t length) {
    bool map = *viewer->map;
    if (status != 200) statusErrors++;
    mediaBytes += length;
    if (map) *viewer->map = 0;
    else {
        if (status == 200) play(viewer, &viewer->queue[viewer->first]);
        mediaCount++;
        viewer->first = (viewer->first + 1) % QUEUE;
        viewer->count--;
    }
    fetch(viewer);
}

/// Decides where to begin: the index of the first segment or part to be fetched.
static int beginning(struct viewer *viewer) {
    viewer->start = -1e9;
    if (!lowLatency) return parsed.count > 3 ? parsed.count - 3 : 0;
    int found = 0;
    viewer->start = parsed.duration - parsed.holdBack;
    for (int index = 0; index < parsed.count; index++)
        if (parsed.media[index].independent && parsed.media[index].begin <= viewer->start) found = index;
    return found;
}

/// Notes what a playlist lists that is new; false when that is nothing.
static bool take_media(struct viewer *viewer) {
    if (!parsed.count) return false;
    bool joining = !viewer->started;
    if (joining) {
        viewer->next = parsed.media[beginning(viewer)].place;
        strcpy(viewer->map, parsed.map);
        viewer->started = true;
    }
    // What lies between the last that was fetched and the first that is listed is lost.
    if (parsed.media[0].place.number > viewer->next.number) skipped++;
    bool some = false;
    for (int index = 0; index < parsed.count; index++) {
        struct media *media = &parsed.media[index];
        if (compare(media->place, viewer->next) < 0) continue;
        if (viewer->count == QUEUE) { skipped++; break; }
        struct media *slot = &viewer->queue[(viewer->first + viewer->count++) % QUEUE];
        *slot = *media;
        // Times count from the playlist's first segment, which will be another one: only the beginning is cut.
        if (!joining) slot->begin = 1e9;
        viewer->next = (struct place){media->place.number + !lowLatency, lowLatency ? media->place.index + 1 : 0};
        some = true;
    }
    return some;
}

static void load(struct viewer *viewer) {
    char path[PATH_BYTES + 64];
    struct place awaited = {-1, 0};
    viewer->begun = now();
    snprintf(path, sizeof path, "%s", viewer->path);
    if (lowLatency && viewer->started) {
        awaited = viewer->known;
        snprintf(path, sizeof path, "%s?_HLS_msn=%ld&_HLS_part=%d", viewer->path, awaited.number, awaited.index);
    }
    if (strlen(path) >= PATH_BYTES) { fprintf(stderr, "a path too long to be asked for\n"); exit(1); }
    request(&viewer->playlist, path, awaited);
}

static void sample(struct connection *connection, double arrived) {
    if (sampleCount == sampleSpace && !(samples = realloc(samples, (sampleSpace = sampleSpace * 2 + 4096) * sizeof *samples))) die("realloc");
    samples[sampleCount++] = (struct sample){connection->awaited, connection->sent, arrived};
}

static void received_playlist(struct viewer *viewer) {
    struct connection *connection = &viewer->playlist;
    sample(connection, connection->arrived);
    connection->buffer[connection->length] = 0;
    if (connection->status != 200 || !parse(connection->buffer + connection->head, viewer->path)) {
        statusErrors++;
        return at(&viewer->reload, now() + 1);
    }
    if (parsed.variants) {
        strcpy(viewer->path, parsed.variant);
        return load(viewer);
    }
    bool some = take_media(viewer);
    viewer->known = parsed.next;
    if (parsed.ended) viewer->ended = true;
    else if (lowLatency && viewer->started) load(viewer);
    else at(&viewer->reload, viewer->begun + parsed.target * (some ? 1 : 0.5));
    fetch(viewer);
}

static void receive(struct connection *connection) {
    ssize_t received = receive_some(connection);
    if (received < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (received <= 0 || !connection->busy) {
        if (connection->busy || received > 0) return fail(connection);
        // Nothing was asked for: the server may close such a connection.
        reopened++;
        return forget(connection);
    }
    connection->bytes += received;
    if (!connection->head) {
        connection->buffer[connection->bytes] = 0;
        if (!read_head(connection)) return fail(connection);
    }
    if (!connection->head || connection->bytes < connection->length) return;
    connection->busy = false;
    if (connection->last) {
        reopened++;
        forget(connection);
    }
    if (connection->playlist) received_playlist(connection->viewer);
    else received_media(connection->viewer, connection->status, connection->length);
}

/// Does what is due for each viewer.
static void look_after(double time) {
    wake = time + 1;
    for (struct viewer *viewer = viewers; viewer < viewers + viewerCount; viewer++) {
        if (viewer->retry > 0 && viewer->retry <= time) {
            viewer->retry = 0;
            fetch(viewer);
        }
        if (viewer->reload > 0 && viewer->reload <= time && !viewer->playlist.busy) {
            viewer->reload = 0;
            load(viewer);
        }
        if (viewer->reload > 0 && viewer->reload < wake) wake = viewer->reload;
        if (viewer->retry > 0 && viewer->retry < wake) wake = viewer->retry;
    }
}

// MARK: The report

static int by_place_and_arrival(const void *left, const void *right) {
    const struct sample *one = left, *other = right;
    int order = compare(one->place, other->place);
    return order ? order : (one->arrived > other->arrived) - (one->arrived < other->arrived);
}

/// Counts what has not come until the end: requests for playlists, and what viewers who have run dry wait for.
static void end(double time) {
    for (struct viewer *viewer = viewers; viewer < viewers + viewerCount; viewer++) {
        if (viewer->playlist.busy) sample(&viewer->playlist, time);
        if (viewer->ended || (viewer->playing && viewer->deadline >= time)) continue;
        // Who has not begun to play has waited since joining; less than a second of that is no stall.
        double dry = viewer->playing ? time - viewer->deadline : time - viewer->begun - 1;
        if (dry <= 0) continue;
        stalls++;
        stalled += dry;
    }
}

static void report(double seconds) {
    double *delays = calloc(sampleCount + 1, sizeof *delays), first = 0;
    size_t total = 0;
    int playing = 0;
    qsort(samples, sampleCount, sizeof *samples, by_place_and_arrival);
    for (size_t index = 0; index < sampleCount; index++) {
        struct sample *each = &samples[index];
        if (!index || compare(each->place, samples[index - 1].place)) first = each->arrived;
        double begin = each->place.number < 0 || each->sent > first ? each->sent : first;
        // The first of all that ask for a part is the measure of the others, and none itself.
        if (each->place.number >= 0 && each->arrived == first) continue;
        delays[total++] = (each->arrived - begin) * 1000;
    }
    qsort(delays, total, sizeof *delays, ascending);
    for (int index = 0; index < viewerCount; index++) playing += viewers[index].playing;
    if (!total || !mediaCount) { fprintf(stderr, "nothing could be watched: %ld errors\n", statusErrors + connectionErrors); exit(1); }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("mode=%s viewers=%d playing=%d seconds=%.1f status_errors=%ld connection_errors=%ld stalls=%ld stalled_seconds=%.3f skipped=%ld "
           "reopened=%ld margin_seconds=%.3f media=%ld media_bytes=%.0f playlists=%zu playlist_p50_ms=%.2f playlist_p99_ms=%.2f "
           "playlist_max_ms=%.2f client_cpu_seconds=%.2f\n",
           lowLatency ? "low-latency" : "plain", viewerCount, playing, seconds, statusErrors, connectionErrors, stalls, stalled, skipped,
           reopened, leastMargin, mediaCount, mediaBytes, total, delays[total / 2], delays[total * 99 / 100], delays[total - 1],
           usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6);
}

static void open_viewer(struct viewer *viewer, double joins) {
    struct connection idle = {.viewer = viewer, .socket = -1};
    viewer->playlist = viewer->media = idle;
    viewer->playlist.playlist = true;
    // Memory is taken as answers need it.
    if (!(viewer->playlist.buffer = malloc(ANSWER_BYTES)) || !(viewer->media.buffer = malloc(HEAD_BYTES))) die("malloc");
    snprintf(viewer->path, sizeof viewer->path, "%s", entry);
    viewer->begun = joins;
    at(&viewer->reload, joins);
}

int main(int argc, char **argv) {
    if (argc != 8 || (strcmp(argv[1], "plain") && strcmp(argv[1], "low-latency"))) {
        fprintf(stderr, "usage: hls-viewers plain|low-latency HOST PORT PATH VIEWERS SECONDS JOINING\n");
        return 64;
    }
    lowLatency = !strcmp(argv[1], "low-latency");
    host = argv[2];
    entry = argv[4];
    viewerCount = atoi(argv[5]);
    if (viewerCount < 1 || viewerCount > MAXIMUM_VIEWERS) { fprintf(stderr, "1 to %d viewers\n", MAXIMUM_VIEWERS); return 64; }
    address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(atoi(argv[3]))};
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1) { fprintf(stderr, "HOST is an IPv4 address\n"); return 64; }
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if ((poller = epoll_create1(0)) < 0 || !(viewers = calloc(viewerCount, sizeof *viewers))) die("viewers");
    double begin = wake = now(), joining = atof(argv[7]), last = begin + joining + atof(argv[6]);
    for (int index = 0; index < viewerCount; index++) open_viewer(&viewers[index], begin + joining * index / viewerCount);
    static struct epoll_event events[EVENTS];
    for (double time; (time = now()) < last;) {
        if (time >= wake) look_after(time);
        double rest = wake - now();
        int ready = epoll_wait(poller, events, EVENTS, rest <= 0 ? 0 : rest * 1000 + 1);
        if (ready < 0 && errno != EINTR) die("epoll_wait");
        for (int index = 0; index < ready; index++) {
            struct connection *connection = events[index].data.ptr;
            if (connection->socket < 0) continue;
            if (connection->connecting) connected(connection);
            else receive(connection);
        }
    }
    end(last);
    report(last - begin);
    return 0;
}
