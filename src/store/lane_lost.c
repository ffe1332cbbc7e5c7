/* lane_lost: grants whose answer came too late for those who waited for it. */
#include "lane_int.h"

/*
 * Claims go behind the commit on the same connection, so the first one that is answered has it all.
 * Only where the connection was changed meanwhile may the old one's bytes be read after the new
 * one's.
 */
#define NAMED_US 2000000

void lost_add(struct lost *lost, uint64_t serial)
{
    lost->until_us = mono_now().us + NAMED_US;
    if (lost->n > 0 && lost->of[lost->n - 1].last + 1 == serial) {
        lost->of[lost->n - 1].last = serial;
        return;
    }
    if (lost->n == LOST_MOST) { /* the oldest wait for their leases to run out */
        memmove(lost->of, lost->of + 1, (LOST_MOST - 1) * sizeof(lost->of[0]));
        lost->n--;
    }
    lost->of[lost->n].first = lost->of[lost->n].last = serial;
    lost->n++;
}

void lost_put(const struct lost *lost, struct call *call)
{
    struct buf text;

    if (lost->n == 0) {
        call_str(call, STR("0"));
        return;
    }
    buf_init(&text, 64 * LOST_MOST);
    for (size_t i = 0; i < lost->n; i++) {
        buf_addf(&text, "%llu-%llu ", (unsigned long long)lost->of[i].first,
                 (unsigned long long)lost->of[i].last);
    }
    call_str(call, buf_str(&text));
    buf_fini(&text);
}

bool lost_over(struct lost *lost, struct mono asked)
{
    if (lost->n > 0 && asked.us > lost->until_us) {
        lost->n = 0;
    }
    return lost->n == 0;
}

void lanes_lost(struct store *s, const char *tenant, uint64_t serial)
{
    if (s->lanes == NULL) {
        return;
    }
    LIST_EACH(it, &s->lanes->all)
    {
        struct lane_worker *w = LIST_OF(it, struct lane_worker, node);

        if (str_eqz(w->o.tenant, tenant)) {
            lost_add(&w->lost, serial);
            lane_worker_wake(w);
        }
    }
}
