// What Linux has for the scheduling of threads and the C library has no function for.

#pragma once

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/// Lets the calling thread have the processor, and the disk, when nobody else wants them.
static inline void lyceum_yield_to_all_others(int nice) {
    int thread = (int)syscall(SYS_gettid);
    setpriority(PRIO_PROCESS, (id_t)thread, nice);
    // ioprio_set(IOPRIO_WHO_PROCESS, thread, IOPRIO_CLASS_IDLE << IOPRIO_CLASS_SHIFT)
    syscall(SYS_ioprio_set, 1, thread, 3 << 13);
}
