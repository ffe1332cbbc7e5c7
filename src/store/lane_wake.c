/* lane_wake: what wakes the workers of this instance: what others say on the wake channel, a connection that
 * is back. */
#include "base/map.h"

#include "lane_int.h"

static void on_wake(void *ctx, struct str channel, struct str payload)
{
    struct store *s = ctx;
    struct lane_worker *w = s->lanes == NULL ? NULL : map_get(s->lanes->by_queue, payload);

    (void)channel;
    if (w != NULL) {
        lane_worker_wake(w);
    }
}

void lane_wake_subscribe(struct store *s)
{
    lanes_of(s);
    store_subscribe(s, STR(WAKE_CHANNEL), on_wake, s);
}

void lanes_wake_all(struct store *s)
{
    if (s->lanes == NULL) {
        return;
    }
    LIST_EACH(it, &s->lanes->all)
    {
        lane_worker_wake(LIST_OF(it, struct lane_worker, node));
    }
}
