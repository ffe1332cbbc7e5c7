/*
 * random: bytes from the kernel. Small requests are served from a pool so that they cost no system
 * call; a byte is wiped from the pool as it is handed out, and a fork empties the child's pool.
 */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "base_int.h"

#define POOL_BYTES 1024
/* Above this the copy through the pool costs more than the call. */
#define DIRECT_BYTES 256

static _Thread_local struct {
    unsigned char bytes[POOL_BYTES];
    size_t left; /* the last @left bytes are unused */
} pool;
static unsigned generation;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void on_forked(void)
{
    /* Runs in the only thread of the child, so this thread's pool is the only one that counts. */
    mem_wipe(pool.bytes, sizeof(pool.bytes));
    pool.left = 0;
    generation++;
}

static void watch_forks(void)
{
    if (pthread_atfork(NULL, NULL, on_forked) != 0) {
        abort();
    }
}

unsigned random_generation(void)
{
    return generation;
}

static void from_kernel(unsigned char *out, size_t n)
{
    while (n > 0) {
        ssize_t got = getrandom(out, n, 0);

        if (got < 0) {
            if (errno == EINTR) {
                continue;
            }
            /* No key, code or id may ever rest on anything else. */
            abort();
        }
        out += got;
        n -= (size_t)got;
    }
}

void random_bytes(void *out, size_t n)
{
    unsigned char *from;

    if (n > DIRECT_BYTES) {
        from_kernel(out, n);
        return;
    }
    if (n > pool.left) {
        pthread_once(&once, watch_forks);
        from_kernel(pool.bytes, sizeof(pool.bytes));
        pool.left = sizeof(pool.bytes);
    }
    if (n > 0) {
        from = pool.bytes + sizeof(pool.bytes) - pool.left;
        memcpy(out, from, n);
        mem_wipe(from, n);
        pool.left -= n;
    }
}

uint32_t random_below(uint32_t below)
{
    /* 2^32 mod below: values under it would make the small results likelier. */
    uint32_t skip, v;

    assert(below > 0);
    skip = (0u - below) % below;
    do {
        random_bytes(&v, sizeof(v));
    } while (v < skip);
    return v % below;
}
