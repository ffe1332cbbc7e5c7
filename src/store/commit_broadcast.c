/* commit_broadcast: writes about broadcasts: how each person counts, the end at once. */
#include <stdio.h>

#include "commit_int.h"

#define NUMBER_BYTES 24

static struct str number(char text[NUMBER_BYTES], int64_t n)
{
    return str_make(text, (size_t)snprintf(text, NUMBER_BYTES, "%lld", (long long)n));
}

void commit_broadcast_cancel(struct commit *c, struct str id, const struct str *queues, size_t n)
{
    char count[NUMBER_BYTES];

    commit_write(c, STR("broadcast_cancel"), (const struct str[]){id, number(count, (int64_t)n)},
                 2);
    commit_write_on(c, queues, n);
}

void commit_broadcast_answer(struct commit *c, struct str id, struct str person, const char *answer,
                             struct wall at)
{
    char ms[NUMBER_BYTES];

    commit_write(c, STR("broadcast_answer"),
                 (const struct str[]){id, person, str_of(answer), number(ms, at.ms)}, 4);
}

void commit_broadcast_recast(struct commit *c, struct str id, struct str old, struct str now)
{
    commit_write(c, STR("broadcast_recast"), (const struct str[]){id, old, now}, 3);
}

void commit_broadcast_copy(struct commit *c, struct str old, struct str now)
{
    commit_write(c, STR("broadcast_copy"), (const struct str[]){old, now}, 2);
}

void commit_given_up(struct commit *c, struct str id)
{
    commit_write(c, STR("given_up"), &id, 1);
}
