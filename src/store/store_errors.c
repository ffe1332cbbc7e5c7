#include "store_int.h"

/*
 * What an error reply means for the call that got it, by its first word. Source: Redis 7.0,
 * server.c createSharedObjects(), script.c, cluster.c.
 */
static const struct {
    struct str code;
    enum store_action action;
} rows[] = {
    {{"NOSCRIPT", 8},     ACT_RELOAD   }, /* script cache flushed, or another server */
    {{"LOADING", 7},      ACT_WAIT     }, /* data set is being read */
    {{"BUSY", 4},         ACT_WAIT     }, /* a script runs for longer than busy-reply-threshold */
    {{"MASTERDOWN", 10},  ACT_WAIT     }, /* failover under way */
    {{"TRYAGAIN", 8},     ACT_PARK     }, /* slot under way */
    {{"CLUSTERDOWN", 11}, ACT_PARK     }, /* some slot has no master */
    {{"MOVED", 5},        ACT_MOVED    }, /* the slot has another owner */
    {{"ASK", 3},          ACT_ASK      }, /* slot under way, and the key is not here */
    {{"READONLY", 8},     ACT_RECONNECT}, /* a replica now: the address may lead elsewhere */
    {{"UNBLOCKED", 9},    ACT_RECONNECT}, /* the master became a replica */
    {{"OOM", 3},          ACT_FULL     }, /* over maxmemory, and noeviction */
    {{"MISCONF", 7},      ACT_FULL     }, /* the disk refuses the AOF or the snapshot */
    {{"NOREPLICAS", 10},  ACT_FULL     }, /* fewer replicas than min-replicas-to-write */
};

static bool find(struct str text, enum store_action *out)
{
    struct str code, rest;

    str_cut(text, ' ', &code, &rest);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (str_eq(code, rows[i].code)) {
            *out = rows[i].action;
            return true;
        }
    }
    return false;
}

/*
 * Up to Redis 6 an error inside a script comes as "ERR Error running script (...): ... -OOM command
 * not allowed": the code that counts is the one behind the dash.
 */
static bool find_inner(struct str text, enum store_action *out)
{
    for (size_t at = str_find_char(text, '-', 0); at < text.n;
         at = str_find_char(text, '-', at + 1)) {
        bool after_blank = at > 0 && text.p[at - 1] == ' ';

        if (after_blank && find(str_slice(text, at + 1, text.n), out)) {
            return true;
        }
    }
    return false;
}

enum store_action store_action_of(struct str error)
{
    enum store_action action = ACT_FAIL;

    if (!find(error, &action) && str_starts(error, STR("ERR "))) {
        find_inner(error, &action);
    }
    /* A script that says NOSCRIPT itself would be reloaded for ever; only the reply's own code
     * counts. */
    if (action == ACT_RELOAD && !str_starts(error, STR("NOSCRIPT"))) {
        action = ACT_FAIL;
    }
    return action;
}
