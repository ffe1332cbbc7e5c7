/*
 * outbox_merge: a change of an order that waited (for the pair pause, a rest, the morning) takes
 * with it what came after it about the same order. The lane is ours, so nobody takes those
 * meanwhile: one commit gives the head its new text and ends the others, before the first byte goes
 * out. Only inside the window: outside it goes by a template, which tells of one change.
 */
#include "base/log.h"
#include "base/mem.h"
#include "outbox_int.h"

#include <stdio.h>

#define BEHIND_MOST 32
#define AGAIN_MS    1000

struct merge {
    struct message m; /* all of it */
    struct str ids[BEHIND_MOST];
    size_t n;
};

bool outbox_merge_possible(const struct attempt *at)
{
    bool open = wall_now().ms - at->item->window.ms < WINDOW_MS;

    return open && at->item->more && at->item->sends == 1 && at->merge == NULL &&
           message_is_change(&at->m);
}

static struct str key_of(struct attempt *at, struct str id)
{
    return arena_printf(at->a, "m:%.*s", STR_ARG(id));
}

static void on_merged(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct attempt *at = obj_check(ctx, ATTEMPT_MAGIC);

    at->pending = NULL;
    if (err != NULL) {
        attempt_end(at, THEN_LATER, AGAIN_MS);
        return;
    }
    if (outcome->result == COMMIT_FENCED) {
        metric_add(METRIC_FENCED, 1);
        attempt_free(at);
        return;
    }
    if (outcome->result == COMMIT_OK) {
        metric_add(METRIC_MERGED, (int64_t)at->merge->n);
        at->m = at->merge->m;
    } /* else one of them was deleted meanwhile: each goes by itself */
    outbox_begin(at);
}

static void keep(struct attempt *at)
{
    const struct merge *g = at->merge;
    struct engine_tenant *et = at->ob->et;
    struct commit *c = commit_new(et->t.id);
    struct str key = key_of(at, at->m.id), queue = str_of(at->own->queue);
    struct buf text;

    lane_check_lease(c, at->item);
    commit_check_version(c, key, 1);
    for (size_t i = 0; i < g->n; i++) {
        commit_check_version(c, key_of(at, g->ids[i]), 1);
    }
    buf_init(&text, 2 * 1024 * 1024);
    message_encode(&g->m, &text);
    commit_hset(c, key, STR("b"), job_seal(et, at->a, key, "b", buf_str(&text)));
    buf_fini(&text);
    commit_message_note(c, at->m.id, wall_now(),
                        arena_printf(at->a, "%zu later change%s of the order told with it", g->n,
                                     g->n == 1 ? "" : "s"));
    for (size_t i = 0; i < g->n; i++) {
        commit_message_state(c, g->ids[i], "cancelled", wall_now(),
                             arena_printf(at->a, "told with message %.*s", STR_ARG(at->m.id)));
        commit_withdraw(c, queue, at->item->lane, g->ids[i]);
    }
    at->pending = commit_run(et->e->store, &c, on_merged, at);
}

/* Of the same order: as long as each can be told with those before it. Others keep their turn. */
static bool take(struct attempt *at, const struct reply *row)
{
    struct merge *g = at->merge;
    struct str id = arena_dup(at->a, reply_str(reply_at(row, 0))), text;
    struct message m, both;
    struct err err = {0};

    if (!vault_open_arena(at->ob->et->t.vault, at->a, key_of(at, id), "b",
                          reply_str(reply_at(row, 1)), &text, &err) ||
        !message_decode(at->a, text, &m, &err)) {
        return true; /* its own turn tells what is wrong with it */
    }
    if (!str_eq(m.order_id, at->m.order_id)) {
        return true;
    }
    if (!message_merge(at->a, &g->m, &m, &both) || !at->ob->provider->check(&both, &err)) {
        return false; /* each fits its sender, both together do not */
    }
    g->m = both;
    g->ids[g->n++] = id;
    return true;
}

static void on_behind(void *ctx, const struct err *err, const struct reply *reply)
{
    struct attempt *at = obj_check(ctx, ATTEMPT_MAGIC);

    at->pending = NULL;
    if (err != NULL) {
        attempt_end(at, THEN_LATER, AGAIN_MS);
        return;
    }
    for (size_t i = 0; i < reply_len(reply) && i < BEHIND_MOST; i++) {
        if (!take(at, reply_at(reply, i))) {
            break;
        }
    }
    if (at->merge->n == 0) {
        outbox_begin(at);
    } else {
        keep(at);
    }
}

void outbox_merge(struct attempt *at)
{
    char prefix[TENANT_ID_MAX + 4];
    struct call call;

    at->merge = ARENA_NEW(at->a, struct merge);
    *at->merge = (struct merge){.m = at->m};
    snprintf(prefix, sizeof(prefix), "{%.*s}:", STR_ARG(at->ob->et->t.id));
    call_init_script(&call, "behind", str_of(prefix));
    call_str(&call, str_of(at->own->queue));
    call_str(&call, at->item->lane);
    call_int(&call, BEHIND_MOST);
    at->pending = store_run(at->ob->et->e->store, &call, on_behind, at);
}
