/*
 * rate: how many things happened in the last span, exactly. Serves the throughput limits of a
 * number and the proof of a gateway's pace (most in any second, most in any 100 ms).
 */
#ifndef CREWLINE_SANDBOX_RATE_H
#define CREWLINE_SANDBOX_RATE_H

#include <stddef.h>
#include <stdint.h>

struct rate {
    int64_t *at_us; /* ring of moments inside the span */
    size_t cap, head, n, most;
    int64_t span_us;
};

void rate_init(struct rate *r, int64_t span_us);
void rate_fini(struct rate *r);
void rate_reset(struct rate *r);
/** How many lie within the span that ends at @now_us. */
size_t rate_count(struct rate *r, int64_t now_us);
void rate_add(struct rate *r, int64_t now_us);

#endif
