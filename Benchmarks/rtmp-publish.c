// Publishes one FLV file over RTMP, again and again with timestamps that go on, under many names at once.
//
// Usage: rtmp-publish HOST PORT FILE [--publishers N] [--name PREFIX] [--app APP] [--chunk BYTES]
//                     (--bytes TOTAL | --seconds S) [--paced [--stagger MS] [--sent FILE]]
//
// Flat out, each publisher sends at least TOTAL bytes (or for S seconds) as fast as the server takes them; with --paced each
// message is sent when its timestamp says, and publisher i begins MS x i / N later than the first (2000), so that their key
// frames do not come all at once. The streams are called PREFIX0, PREFIX1 …
//
// FILE gets a line for each picture of the first publisher: CLOCK_REALTIME in seconds before its first byte is sent, and its place
// behind the first picture in milliseconds.
//
// The file's media is laid out as chunks once, before anything is sent, and shared by all publishers. Messages carry deltas of
// timestamps (fmt 1), so that every round of the file is the same bytes: sending costs one system call for as much as the
// socket takes. One thread and epoll.
//
// It prints `publishing` when all have been told that they may, `ended` and then one line of JSON in the end: bytes and seconds
// of sending, how late messages were with the kernel against their own pace, and how many publishers were lost. Exit status:
// 0 all sent everything, 1 a publisher was refused or lost, 64 wrong usage. It does not answer pings,
// and takes its message stream to be number 1, as every server's first is.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "common.h"

enum { HANDSHAKE_BYTES = 1536, AUDIO = 8, VIDEO = 9, DATA = 18, COMMAND = 20, SET_CHUNK_SIZE = 1 };
enum { LATE_BINS = 10000, ANSWER_BYTES = 8192, SEND_BYTES = 1 << 18, CONNECT_SECONDS = 20, GOODBYE_SECONDS = 5 };
// Timestamps begin here, so that those of the configurations, which come before the first picture, are not negative.
enum { FIRST_TIMESTAMP = 10000 };

struct bytes { uint8_t *start; size_t count, capacity; };
// Where it ends in the round, when it is due from the round's begin, in ms, and whether it is a picture.
struct message { size_t end; uint32_t time; bool isPicture; };

enum state { SHAKES_HANDS, CONNECTS, CREATES, ASKS, WAITS, SENDS, SAYS_GOODBYE, ENDED, LOST };

struct publisher {
    int socket, index;
    enum state state;
    bool isBlocked;               // until the socket takes more
    size_t preambleSent, position, round, sent, goodbyeSent;
    size_t message;               // paced: the next one of the round
    double begin, due;
    uint8_t answer[ANSWER_BYTES]; // what the server says until it says that we may
    size_t answered;
};

static struct bytes preamble, round_;
static struct message *messages;
static size_t messageCount, chunkSize = 4096, byteLimit;
static uint32_t roundMilliseconds;
static double secondLimit;
static bool paced;
static const char *host = "127.0.0.1", *app = "live", *prefix = "bench";
static int port, publisherCount = 1, queue, staggerMilliseconds = 2000;
static struct publisher *publishers;
static uint64_t late[LATE_BINS + 1], messagesSent;
static double latest;
static FILE *sentPictures;

static void usage(void) {
    fprintf(stderr, "usage: rtmp-publish HOST PORT FILE [--publishers N] [--name PREFIX] [--app APP] [--chunk BYTES]\n"
                    "                    (--bytes TOTAL | --seconds S) [--paced [--stagger MS] [--sent FILE]]\n");
    exit(64);
}

static double now(void) { return seconds_on(CLOCK_MONOTONIC); }

// Bytes

static void append(struct bytes *bytes, const void *more, size_t count) {
    if (bytes->count + count > bytes->capacity) {
        bytes->capacity = 2 * (bytes->count + count);
        if (!(bytes->start = realloc(bytes->start, bytes->capacity))) die("realloc");
    }
    memcpy(bytes->start + bytes->count, more, count);
    bytes->count += count;
}

static void append_number(struct bytes *bytes, uint32_t value, int count) {
    while (count--) append(bytes, &(uint8_t){value >> 8 * count}, 1);
}

static void append_string(struct bytes *bytes, const char *text, bool isKey) {
    if (!isKey) append_number(bytes, 2, 1);
    append_number(bytes, strlen(text), 2);
    append(bytes, text, strlen(text));
}

static void append_double(struct bytes *bytes, double value) {
    uint64_t bits;
    memcpy(&bits, &value, 8);
    append_number(bytes, 0, 1);
    append_number(bytes, bits >> 32, 4);
    append_number(bytes, bits, 4);
}

/// A message in chunks (RTMP 1.0 §5.3.1): with its whole header, or (`isDelta`) in the message stream of the one before.
static void append_message(struct bytes *bytes, int chunkStreamID, int type, uint32_t stream, uint32_t time, bool isDelta, const void *payload,
                           size_t length, size_t chunk) {
    append_number(bytes, (isDelta ? 1 << 6 : 0) | chunkStreamID, 1);
    append_number(bytes, time, 3);
    append_number(bytes, length, 3);
    append_number(bytes, type, 1);
    // The only number that is little-endian.
    if (!isDelta) append(bytes, (uint8_t[]){stream, stream >> 8, stream >> 16, stream >> 24}, 4);
    for (size_t at = 0; at < length; at += chunk) {
        if (at) append_number(bytes, 3 << 6 | chunkStreamID, 1);
        append(bytes, (const uint8_t *)payload + at, length - at < chunk ? length - at : chunk);
    }
}

// The file

struct tag { int type; uint32_t time; const uint8_t *payload; size_t length; };
enum { VIDEO_CHUNK_STREAM = 6, AUDIO_CHUNK_STREAM = 4 };

static uint32_t big_endian(const uint8_t *at, int count) {
    uint32_t value = 0;
    for (int i = 0; i < count; i++) value = value << 8 | at[i];
    return value;
}

/// Whether it is an AVC or AAC configuration, which is sent once.
static bool is_configuration(struct tag tag) {
    return tag.length > 1 && tag.payload[1] == 0 && ((tag.type == VIDEO && (tag.payload[0] & 15) == 7) || (tag.type == AUDIO && tag.payload[0] >> 4 == 10));
}

/// Lays the file out as what is sent once (`preamble`) and what is sent in each round.
static void read_file(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) die(path);
    fseek(file, 0, SEEK_END);
    size_t size = ftell(file), count = 0, at = 13;
    rewind(file);
    uint8_t *contents = malloc(size);
    if (!contents || fread(contents, 1, size, file) != size || size < at || memcmp(contents, "FLV", 3)) die(path);
    fclose(file);

    struct tag *tags = malloc(size / 11 * sizeof *tags), configurations[2] = {{0}};
    // Of the pictures and of the sound: the first and the last time, and how many.
    uint32_t first[2] = {0}, last[2] = {0}, number[2] = {0};
    for (; at + 15 <= size; at += 15 + big_endian(contents + at + 1, 3)) {
        const uint8_t *head = contents + at;
        struct tag tag = {head[0] & 31, big_endian(head + 4, 3) | (uint32_t)head[7] << 24, head + 11, big_endian(head + 1, 3)};
        if (at + 15 + tag.length > size) break;
        if (tag.type == DATA && !preamble.count) {
            struct bytes metadata = {0};
            append_string(&metadata, "@setDataFrame", false);
            append(&metadata, tag.payload, tag.length);
            append_message(&preamble, AUDIO_CHUNK_STREAM, DATA, 1, 0, false, metadata.start, metadata.count, chunkSize);
        }
        if (tag.type != AUDIO && tag.type != VIDEO) continue;
        int kind = tag.type == VIDEO;
        if (is_configuration(tag)) { configurations[kind] = tag; continue; }
        // The end of a file's sequence has no picture.
        if (kind && tag.length > 1 && (tag.payload[0] & 15) == 7 && tag.payload[1] == 2) continue;
        if (!number[kind]++) first[kind] = tag.time;
        last[kind] = tag.time;
        tags[count++] = tag;
    }
    if (number[1] < 2) { fprintf(stderr, "%s: no pictures\n", path); exit(1); }

    // A round is as long as its pictures; sound beyond that is left out.
    roundMilliseconds = (last[1] - first[1]) + (last[1] - first[1] + (number[1] - 1) / 2) / (number[1] - 1);
    uint32_t before[2] = {0};
    for (size_t i = 0; i < count; i++)
        if (tags[i].type == AUDIO && tags[i].time - first[0] < roundMilliseconds) last[0] = before[0] = tags[i].time;
    before[0] = last[0], before[1] = last[1];
    for (int kind = 0; kind < 2; kind++) {
        // From the last of a round to the first of the next; the configuration stands where the last of a round before it would.
        uint32_t back = roundMilliseconds - (last[kind] - first[kind]);
        if (configurations[kind].length)
            append_message(&preamble, kind ? VIDEO_CHUNK_STREAM : AUDIO_CHUNK_STREAM, kind ? VIDEO : AUDIO, 1, FIRST_TIMESTAMP + first[kind] - back,
                           false, configurations[kind].payload, configurations[kind].length, chunkSize);
        else if (number[kind]) { fprintf(stderr, "%s: no configuration\n", path); exit(1); }
        before[kind] = first[kind] - back;
    }
    messages = malloc(count * sizeof *messages);
    uint32_t begin = number[0] && first[0] < first[1] ? first[0] : first[1];
    for (size_t i = 0; i < count; i++) {
        int kind = tags[i].type == VIDEO;
        if (tags[i].time - first[kind] >= roundMilliseconds) continue;
        append_message(&round_, kind ? VIDEO_CHUNK_STREAM : AUDIO_CHUNK_STREAM, tags[i].type, 1, tags[i].time - before[kind], true, tags[i].payload,
                       tags[i].length, chunkSize);
        before[kind] = tags[i].time;
        messages[messageCount++] = (struct message){round_.count, tags[i].time - begin, kind};
    }
    free(tags);
    free(contents);
}

// What is said before and after

/// Sends a few bytes; the socket has room for them, as nothing else was sent before.
static void say(struct publisher *publisher, struct bytes *bytes) {
    if (send(publisher->socket, bytes->start, bytes->count, MSG_NOSIGNAL) != (ssize_t)bytes->count) publisher->state = LOST;
    free(bytes->start);
}

static struct bytes command(const char *name, double transaction) {
    struct bytes bytes = {0};
    append_string(&bytes, name, false);
    append_double(&bytes, transaction);
    return bytes;
}

static void say_command(struct publisher *publisher, struct bytes *payload, uint32_t stream) {
    struct bytes chunks = {0};
    append_message(&chunks, 3, COMMAND, stream, 0, false, payload->start, payload->count, chunkSize);
    free(payload->start);
    say(publisher, &chunks);
}

static void say_connect(struct publisher *publisher) {
    struct bytes hello = {0}, connect = command("connect", 1);
    append(&hello, publisher->answer + 1, HANDSHAKE_BYTES);   // C2 is the echo of S1
    append_message(&hello, 2, SET_CHUNK_SIZE, 0, 0, false, (uint8_t[]){chunkSize >> 24, chunkSize >> 16, chunkSize >> 8, chunkSize}, 4, 128);
    say(publisher, &hello);
    char url[256];
    snprintf(url, sizeof url, "rtmp://%s:%d/%s", host, port, app);
    append_number(&connect, 3, 1);
    append_string(&connect, "app", true), append_string(&connect, app, false);
    append_string(&connect, "tcUrl", true), append_string(&connect, url, false);
    append_number(&connect, 9, 3);
    say_command(publisher, &connect, 0);
}

static void say_create(struct publisher *publisher) {
    struct bytes create = command("createStream", 2);
    append_number(&create, 5, 1);
    say_command(publisher, &create, 0);
}

static void say_publish(struct publisher *publisher) {
    struct bytes publish = command("publish", 3);
    char name[128];
    snprintf(name, sizeof name, "%s%d", prefix, publisher->index);
    append_number(&publish, 5, 1);
    append_string(&publish, name, false), append_string(&publish, "live", false);
    say_command(publisher, &publish, 1);
}

static void say_goodbye(struct publisher *publisher) {
    struct bytes delete = command("deleteStream", 4);
    append_number(&delete, 5, 1);
    append_double(&delete, 1);
    say_command(publisher, &delete, 0);
    // The server has taken everything when it closes its side in turn.
    shutdown(publisher->socket, SHUT_WR);
    publisher->state = SAYS_GOODBYE;
}

// What is answered. Answers are so short that servers do not split what is looked for into chunks.

static bool answer_has(struct publisher *publisher, const char *text) {
    return memmem(publisher->answer, publisher->answered, text, strlen(text));
}

/// Takes the connection away, with the server's words when it has some.
static void lose(struct publisher *publisher, const char *reason) {
    const uint8_t *words = memmem(publisher->answer, publisher->answered, "Net", 3);
    fprintf(stderr, "%s%d: %s: ", prefix, publisher->index, reason);
    for (; words && words < publisher->answer + publisher->answered; words++)
        if (*words >= ' ' && *words < 127) fputc(*words, stderr);
    fputc('\n', stderr);
    close(publisher->socket);
    publisher->state = LOST;
}

static void received_answer(struct publisher *publisher) {
    if (publisher->state == SHAKES_HANDS) {
        if (publisher->answered < 1 + 2 * HANDSHAKE_BYTES) return;
        publisher->state = CONNECTS;
        say_connect(publisher);
    } else if (answer_has(publisher, "_error") || answer_has(publisher, "NetConnection.Connect.Rejected")) {
        return lose(publisher, "refused");
    } else if (publisher->state == CONNECTS) {
        if (!answer_has(publisher, "_result")) return;
        publisher->state = CREATES;
        say_create(publisher);
    } else if (publisher->state == CREATES) {
        if (!answer_has(publisher, "_result")) return;
        publisher->state = ASKS;
        say_publish(publisher);
    } else if (publisher->state == ASKS) {
        if (!answer_has(publisher, "NetStream.Publish.Start")) {
            if (answer_has(publisher, "NetStream.")) lose(publisher, "refused");
            return;
        }
        publisher->state = WAITS;
    }
    publisher->answered = 0;
}

/// Reads once; whether there may be more.
static bool is_readable(struct publisher *publisher) {
    if (publisher->answered == ANSWER_BYTES) publisher->answered = 0;
    ssize_t count = recv(publisher->socket, publisher->answer + publisher->answered, ANSWER_BYTES - publisher->answered, MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (count <= 0 && publisher->state == SAYS_GOODBYE) {
        close(publisher->socket);
        publisher->state = ENDED;
    } else if (count <= 0) {
        lose(publisher, count ? strerror(errno) : "the server closed the connection");
    } else {
        publisher->answered += count;
        // While media is sent, the newest words are kept, for the case that they are the last.
        if (publisher->state < WAITS) received_answer(publisher);
        else if (!answer_has(publisher, "Net")) publisher->answered = 0;
    }
    return publisher->state < ENDED;
}

// Sending

/// Sends `count` bytes or as many as the socket takes now.
static size_t send_some(struct publisher *publisher, const uint8_t *start, size_t count) {
    ssize_t sent = send(publisher->socket, start, count, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) return sent;
    if (errno == EAGAIN) publisher->isBlocked = true;
    else if (errno != EINTR) {
        is_readable(publisher);
        if (publisher->state != LOST) lose(publisher, strerror(errno));
    }
    return 0;
}

static bool sent_preamble(struct publisher *publisher) {
    if (publisher->preambleSent < preamble.count)
        publisher->preambleSent += send_some(publisher, preamble.start + publisher->preambleSent, preamble.count - publisher->preambleSent);
    return publisher->preambleSent == preamble.count;
}

static void advance(struct publisher *publisher, size_t count) {
    publisher->position += count, publisher->sent += count;
    if (publisher->position == round_.count) publisher->position = 0, publisher->round++;
}

/// The end of the message in which `position` lies, or `position` where one ends.
static size_t end_of_message(size_t position) {
    size_t low = 0, high = messageCount - 1;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (messages[middle].end < position) low = middle + 1; else high = middle;
    }
    return position ? messages[low].end : 0;
}

static void send_flat_out(struct publisher *publisher, double time) {
    if (!sent_preamble(publisher)) return;
    // A few times, so that others have their turn.
    for (int i = 0; i < 4 && !publisher->isBlocked && publisher->state == SENDS; i++) {
        size_t end = round_.count;
        if ((byteLimit && publisher->sent >= byteLimit) || (secondLimit && time - publisher->begin >= secondLimit)) {
            end = end_of_message(publisher->position);
            if (end == publisher->position) return say_goodbye(publisher);
        } else if (byteLimit && byteLimit - publisher->sent < end - publisher->position) {
            end = end_of_message(publisher->position + (byteLimit - publisher->sent));
        }
        size_t count = end - publisher->position < SEND_BYTES ? end - publisher->position : SEND_BYTES;
        advance(publisher, send_some(publisher, round_.start + publisher->position, count));
    }
}

static size_t begin_of_message(size_t message) { return message ? messages[message - 1].end : 0; }

/// Notes that a picture is about to be sent.
static void note_picture(struct publisher *publisher, struct message message) {
    static double first = -1;
    static size_t noted = SIZE_MAX;
    double time = publisher->round * (double)roundMilliseconds + message.time;
    if (first < 0) first = time;
    // A picture is tried again where the socket did not take its first byte: what counts is the first time.
    if (noted == (size_t)time) return;
    noted = time;
    fprintf(sentPictures, "%.6f %.0f\n", seconds_on(CLOCK_REALTIME), time - first);
}

static void send_paced(struct publisher *publisher, double time) {
    if (time < publisher->due || !sent_preamble(publisher)) return;
    while (!publisher->isBlocked && publisher->state == SENDS && publisher->due <= time) {
        struct message message = messages[publisher->message];
        if (sentPictures && !publisher->index && message.isPicture && publisher->position == begin_of_message(publisher->message)) note_picture(publisher, message);
        size_t sent = send_some(publisher, round_.start + publisher->position, message.end - publisher->position);
        bool isWhole = publisher->position + sent == message.end;
        advance(publisher, sent);
        if (!isWhole) continue;
        double lateness = now() - publisher->due;
        int bin = lateness * 1000 < 0 ? 0 : lateness * 1000 > LATE_BINS ? LATE_BINS : (int)(lateness * 1000);
        late[bin]++, messagesSent++;
        if (lateness > latest) latest = lateness;
        publisher->message = (publisher->message + 1) % messageCount;
        publisher->due = publisher->begin + (publisher->round * (double)roundMilliseconds + messages[publisher->message].time) / 1000;
        if ((secondLimit && publisher->due - publisher->begin >= secondLimit) || (byteLimit && publisher->sent >= byteLimit)) say_goodbye(publisher);
    }
}

// Together

static void connect_publisher(struct publisher *publisher) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1) usage();
    publisher->socket = socket(AF_INET, SOCK_STREAM, 0);
    if (publisher->socket < 0 || connect(publisher->socket, (struct sockaddr *)&address, sizeof address)) die("connect");
    setsockopt(publisher->socket, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    struct bytes hello = {0};
    append_number(&hello, 3, 1);
    for (int i = 0; i < HANDSHAKE_BYTES; i++) append_number(&hello, i < 8 ? 0 : i * 197 + publisher->index, 1);
    say(publisher, &hello);
    epoll_ctl(queue, EPOLL_CTL_ADD, publisher->socket, &(struct epoll_event){.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = publisher});
}

/// Waits for the sockets, at most as long as said, and takes what they have.
static void turn(int milliseconds) {
    struct epoll_event events[256];
    int ready = epoll_wait(queue, events, 256, milliseconds);
    for (int i = 0; i < ready; i++) {
        struct publisher *publisher = events[i].data.ptr;
        if (events[i].events & EPOLLOUT) publisher->isBlocked = false;
        // An edge is told once: all that is there has to be read.
        while (publisher->state < ENDED && events[i].events & ~EPOLLOUT && is_readable(publisher)) continue;
    }
}

static int in_state(enum state least, enum state most) {
    int count = 0;
    for (int i = 0; i < publisherCount; i++) count += publishers[i].state >= least && publishers[i].state <= most;
    return count;
}

static void publish(void) {
    double begin = now();
    for (int i = 0; i < publisherCount; i++) {
        if (publishers[i].state != WAITS) continue;
        publishers[i].state = SENDS;
        publishers[i].begin = begin + (paced ? staggerMilliseconds * (double)i / publisherCount / 1000 : 0);
        publishers[i].due = publishers[i].begin + messages[0].time / 1000.0;
    }
    while (in_state(SENDS, SENDS)) {
        double time = now();
        bool isBusy = false;
        for (int i = 0; i < publisherCount; i++) {
            struct publisher *publisher = &publishers[i];
            if (publisher->state != SENDS || publisher->isBlocked) continue;
            if (paced) send_paced(publisher, time); else send_flat_out(publisher, time);
            isBusy |= publisher->state == SENDS && !publisher->isBlocked;
        }
        turn(paced ? 1 : isBusy ? 0 : 1000);
    }
}

static double percentile(double share) {
    uint64_t sum = 0;
    for (int bin = 0; bin <= LATE_BINS; bin++)
        if ((sum += late[bin]) >= share * messagesSent) return bin;
    return LATE_BINS;
}

int main(int count, char **arguments) {
    if (count < 4) usage();
    host = arguments[1], port = atoi(arguments[2]);
    for (int i = 4; i < count; i++) {
        const char *option = arguments[i];
        if (!strcmp(option, "--paced")) { paced = true; continue; }
        if (++i == count) usage();
        if (!strcmp(option, "--publishers")) publisherCount = atoi(arguments[i]);
        else if (!strcmp(option, "--name")) prefix = arguments[i];
        else if (!strcmp(option, "--app")) app = arguments[i];
        else if (!strcmp(option, "--chunk")) chunkSize = atol(arguments[i]);
        else if (!strcmp(option, "--bytes")) byteLimit = atof(arguments[i]);
        else if (!strcmp(option, "--seconds")) secondLimit = atof(arguments[i]);
        else if (!strcmp(option, "--sent")) {
            if (!(sentPictures = fopen(arguments[i], "w"))) die(arguments[i]);
        } else if (!strcmp(option, "--stagger")) staggerMilliseconds = atoi(arguments[i]);
        else usage();
    }
    if (publisherCount < 1 || chunkSize < 1 || chunkSize > 0xffffff || !(byteLimit || secondLimit)) usage();
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    read_file(arguments[3]);

    queue = epoll_create1(0);
    if (!(publishers = calloc(publisherCount, sizeof *publishers))) die("calloc");
    for (int i = 0; i < publisherCount; i++) publishers[i].index = i, connect_publisher(&publishers[i]);
    for (double end = now() + CONNECT_SECONDS; in_state(SHAKES_HANDS, ASKS) && now() < end;) turn(100);
    for (int i = 0; i < publisherCount; i++)
        if (publishers[i].state < WAITS) lose(&publishers[i], "no answer");
    printf("publishing\n"), fflush(stdout);

    double begin = now();
    publish();
    printf("ended\n"), fflush(stdout);
    for (double end = now() + GOODBYE_SECONDS; in_state(SAYS_GOODBYE, SAYS_GOODBYE) && now() < end;) turn(100);
    double seconds = now() - begin;

    if (sentPictures) fclose(sentPictures);
    size_t bytes = 0;
    for (int i = 0; i < publisherCount; i++) bytes += publishers[i].preambleSent + publishers[i].sent;
    int lost = in_state(LOST, LOST);
    printf("{\"publishers\": %d, \"lost\": %d, \"bytes\": %zu, \"seconds\": %.3f, \"messages\": %lu, \"late_p50_ms\": %.0f, \"late_p99_ms\": %.0f, "
           "\"late_max_ms\": %.1f}\n",
           publisherCount, lost, bytes, seconds, (unsigned long)messagesSent, percentile(0.5), percentile(0.99), latest * 1000);
    return lost ? 1 : 0;
}
