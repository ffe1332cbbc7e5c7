/*
 * jump: a wall clock that jumps ahead makes everything old at once; what judges by age waits until
 * the age of things means something again.
 */
#include "base/log.h"
#include "jobs_int.h"

#define JUMP_MS 60000

bool jump_frozen(struct jump_watch *c, struct mono mono, struct wall wall, int64_t for_ms,
                 const char *what)
{
    int64_t gained = (wall.ms - c->wall.ms) - (mono.us - c->mono.us) / 1000;

    if (c->wall.ms > 0 && gained > JUMP_MS) {
        log_warn("the clock jumped ahead", LF_INT("ms", gained), LF_Z("so", what));
        c->frozen.us = mono.us + for_ms * 1000;
    }
    c->mono = mono;
    c->wall = wall;
    return c->frozen.us > mono.us;
}
