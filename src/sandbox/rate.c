#include "rate.h"

#include "base/mem.h"

void rate_init(struct rate *r, int64_t span_us)
{
    *r = (struct rate){.span_us = span_us};
}

void rate_fini(struct rate *r)
{
    mem_free(&r->at_us);
}

void rate_reset(struct rate *r)
{
    r->head = r->n = r->most = 0;
}

size_t rate_count(struct rate *r, int64_t now_us)
{
    while (r->n > 0 && r->at_us[r->head] <= now_us - r->span_us) {
        r->head = (r->head + 1) & (r->cap - 1);
        r->n--;
    }
    return r->n;
}

static void grow(struct rate *r)
{
    size_t cap = r->cap == 0 ? 64 : r->cap * 2;
    int64_t *bigger = mem_array(cap, sizeof(*bigger));

    for (size_t i = 0; i < r->n; i++) {
        bigger[i] = r->at_us[(r->head + i) & (r->cap - 1)];
    }
    mem_free(&r->at_us);
    r->at_us = bigger;
    r->head = 0;
    r->cap = cap;
}

void rate_add(struct rate *r, int64_t now_us)
{
    rate_count(r, now_us);
    if (r->n == r->cap) {
        grow(r);
    }
    r->at_us[(r->head + r->n++) & (r->cap - 1)] = now_us;
    if (r->n > r->most) {
        r->most = r->n;
    }
}
