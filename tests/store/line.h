/*
 * line: a lane worker under test and what it was given.
 */
#ifndef CREWLINE_TESTS_STORE_LINE_H
#define CREWLINE_TESTS_STORE_LINE_H

#include "units.h"

#define ITEMS_MAX 256

struct line {
    struct world *w;
    struct lane_worker *worker;
    struct lane_item *items[ITEMS_MAX]; /* NULL: done */
    size_t n;
    size_t most; /* the most that were out at once */
    bool idle, free_at_once;
    bool finish; /* settle each at once */
    int64_t last_ms;
};

/** Eight slots, 30 s, messages of the queue OUT. */
struct lane_options line_options(struct line *l);
void line_start(struct line *l, struct world *w, const struct lane_options *o);
bool line_wait(struct line *l, size_t n, int64_t ms); /* until @n items have come */
void line_finish(struct line *l, size_t i);           /* with a commit */
void line_settled(struct line *l);                    /* until none is out */
void line_drop(struct line *l);                       /* all, without one */
void line_on_idle(void *ctx);                         /* for lane_worker_stop() */

void put_messages(struct world *w, size_t from, size_t n); /* each in a lane of its own */
int64_t store_calls(struct world *w);

#endif
