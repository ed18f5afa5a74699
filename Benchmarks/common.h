// What the programs of this folder share.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline void die(const char *what) { perror(what); exit(1); }

/// Seconds on a clock: CLOCK_REALTIME beside the kernel's receive times, CLOCK_MONOTONIC for all else.
static inline double seconds_on(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return time.tv_sec + time.tv_nsec * 1e-9;
}

/// The order of doubles, for qsort.
static inline int ascending(const void *left, const void *right) {
    double difference = *(const double *)left - *(const double *)right;
    return (difference > 0) - (difference < 0);
}
