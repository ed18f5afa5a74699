// Counts what the process that preloads it allocates and copies; Counters.swift reads the counters.
//
// It sees the malloc family and memcpy, memmove and what _FORTIFY_SOURCE makes of them, from Swift's runtime as well as from
// compiled code. It does not see copies of a few bytes that the compiler has put in place, loops over bytes, pages that the
// kernel moves (mremap) or copies between a process and a socket. Nothing is counted twice: each call goes on to glibc.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>

struct counters { uint64_t allocations, allocated_bytes, copies, copied_bytes; };
// Not atomic: what is measured has one thread.
__attribute__((visibility("default"))) struct counters budget_counters;

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t), *__libc_memalign(size_t, size_t);

static inline void allocated(size_t size) { budget_counters.allocations++, budget_counters.allocated_bytes += size; }
static inline void copied(size_t size) { budget_counters.copies++, budget_counters.copied_bytes += size; }

// Allocations

void *malloc(size_t size) { return allocated(size), __libc_malloc(size); }
void *calloc(size_t count, size_t size) { return allocated(count * size), __libc_calloc(count, size); }
void *memalign(size_t alignment, size_t size) { return allocated(size), __libc_memalign(alignment, size); }
void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **result, size_t alignment, size_t size) {
    void *memory = memalign(alignment, size);
    if (memory) *result = memory;
    return memory ? 0 : 12;   // ENOMEM
}

void *realloc(void *memory, size_t size) {
    size_t before = memory ? malloc_usable_size(memory) : 0;
    // In glibc's header of a block this bit says that it has pages of its own, which the kernel moves.
    int has_own_pages = memory && ((size_t *)memory)[-1] & 2;
    uintptr_t place = (uintptr_t)memory;
    void *moved = __libc_realloc(memory, size);
    allocated(size);
    if (moved && before && (uintptr_t)moved != place && !has_own_pages) copied(before < size ? before : size);
    return moved;
}

// Copies

static void *(*move)(void *, const void *, size_t);

__attribute__((constructor)) static void find_move(void) { move = (void *(*)(void *, const void *, size_t))dlsym(RTLD_NEXT, "memmove"); }

/// Before the constructor has run, byte by byte.
static void *copy_slowly(void *to, const void *from, size_t count) {
    volatile uint8_t *target = to;
    const volatile uint8_t *source = from;
    if (target <= source) for (size_t i = 0; i < count; i++) target[i] = source[i];
    else while (count--) target[count] = source[count];
    return to;
}

void *memmove(void *to, const void *from, size_t count) {
    copied(count);
    return move ? move(to, from, count) : copy_slowly(to, from, count);
}

void *memcpy(void *restrict to, const void *restrict from, size_t count) { return memmove(to, from, count); }
void *__memcpy_chk(void *to, const void *from, size_t count, size_t room) { return (void)room, memmove(to, from, count); }
void *__memmove_chk(void *to, const void *from, size_t count, size_t room) { return (void)room, memmove(to, from, count); }
