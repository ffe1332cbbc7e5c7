/*
 * jump: a wall clock that jumps ahead makes everything old at once; what judges by age waits until
 * the age of things means something again.
 */
#include "base/log.h"
#include "jobs_int.h"

#include <stdio.h>

#define JUMP_MS 60000
#define GAP_MS  ((int64_t)24 * 3600 * 1000) /* each of those who ask does so every hour */

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

void jump_ask(struct engine_tenant *et, struct call *call)
{
    char prefix[TENANT_ID_MAX + 4];

    snprintf(prefix, sizeof(prefix), "{%.*s}:", STR_ARG(et->t.id));
    call_init_script(call, "retain_clock", str_of(prefix));
    call_int(call, wall_now().ms);
    call_int(call, GAP_MS);
    call_int(call, RETENTION_FROZEN_MS);
}

bool jump_answered(struct engine_tenant *et, const struct reply *reply)
{
    if (reply_int(reply_at(reply, 0)) != 0) {
        log_warn("by the clock nobody has looked for a day: nothing is dropped for its age for a day",
                 LF_STR("tenant", et->t.id));
    }
    return reply_int(reply_at(reply, 1)) != 0;
}
