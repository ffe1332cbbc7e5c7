/*
 * clock: the two clocks are two types. `mono` never jumps and drives timers and deadlines; `wall`
 * is what people and providers call time (Unix milliseconds, UTC). Tests replace both by
 * tests/fake/clock.
 */
#ifndef CREWLINE_BASE_CLOCK_H
#define CREWLINE_BASE_CLOCK_H

#include <stdint.h>

#include "base/str.h"

struct mono {
    int64_t us;
};
struct wall {
    int64_t ms;
};

struct mono mono_now(void);
struct wall wall_now(void);

/** Test hooks: while set, the clocks come from here. NULL restores the real ones. */
void clock_fake(struct mono (*mono)(void), struct wall (*wall)(void));

#define WALL_TEXT_BYTES 32
/** RFC 3339 UTC with milliseconds: 2026-11-21T08:50:51.123Z. Returns @out. */
const char *wall_format(struct wall t, char out[WALL_TEXT_BYTES]);
/** RFC 3339 with any offset and 0 to 9 decimals, or a bare date (midnight UTC). */
bool wall_parse(struct str text, struct wall *out);

#endif
