#include "fake/pass.h"

static void on_time(void *ctx)
{
    loop_stop(ctx);
}

void loop_pass(struct loop *l, int64_t ms)
{
    struct timer *t = timer_new(l, on_time, l);

    timer_start(t, ms);
    loop_run(l);
    timer_free(&t);
}
