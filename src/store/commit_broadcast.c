/* commit_broadcast: writes about broadcasts: how each person counts, the end at once. */
#include "commit_int.h"

void commit_broadcast_cancel(struct commit *c, struct str id, const struct str *queues, size_t n)
{
    char count[COMMIT_NUMBER_BYTES];

    commit_write(c, STR("broadcast_cancel"),
                 (const struct str[]){id, commit_number(count, (int64_t)n)}, 2);
    commit_write_on(c, queues, n);
}

void commit_broadcast_answer(struct commit *c, struct str id, struct str person, const char *answer,
                             struct wall at)
{
    char ms[COMMIT_NUMBER_BYTES];

    commit_write(c, STR("broadcast_answer"),
                 (const struct str[]){id, person, str_of(answer), commit_number(ms, at.ms)}, 4);
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
