/* lane_wake: what other instances say on the wake channel, to the workers of this one. */
#include "base/map.h"
#include "store/lane.h"

#include "commit_int.h"

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
