/*
 * template_register: what a sync changes at a provider. Deleted is what the operator took away;
 * registered is what is not there with today's words. One that the provider refuses is kept with
 * its reason and not asked for again until somebody wishes; when it asks for patience, the rest
 * waits.
 */
#include "base/log.h"
#include "base/mem.h"
#include "template_sync_int.h"

/* ---- deleting ---- */

/* Made anew by the operator, in these words. */
static bool is_made(const struct template_sync *y, const struct template_listed *l)
{
    char hash[TEMPLATE_HASH_CHARS + 1];

    for (size_t i = templates_count(y->et->t.templates); i < y->ndefs; i++) {
        if (str_eq(y->defs[i]->name, l->name) && str_eq(y->defs[i]->language, l->language)) {
            template_hash(y->defs[i], hash);
            return str_eqz(l->state.hash, hash);
        }
    }
    return false;
}

/* The removal stands until every account has heard of it, and the same may be wished for since. */
static bool to_go(const struct template_sync *y, const struct template_listed *l)
{
    for (size_t i = 0; i < y->nremovals; i++) {
        if (str_eq(y->removals[i], l->name)) {
            return !is_made(y, l);
        }
    }
    return false;
}

static void on_erased(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct template_sync *y = ctx;

    (void)err; /* then it is "missing" until the next time */
    (void)outcome;
    y->pending = NULL;
    sync_remove(y);
}

/* Gone at the provider: out of the list, and nothing is known of it any more. */
static void forget(struct template_sync *y)
{
    struct template_listed *l = y->list[y->step];
    struct str key = approval_key(y->work, l->name, l->language);
    struct commit *c = commit_new(y->et->t.id);

    map_del(y->found, key);
    y->list[y->step] = y->list[--y->nlist];
    approvals_erase(y->work, c, sync_account(y), key);
    approvals_know(y->et, sync_account(y), key, NULL);
    y->pending = commit_run(y->et->e->store, &c, on_erased, y);
}

static void on_deleted(void *ctx, const struct err *err, const struct http_answer *answer)
{
    struct template_sync *y = ctx;
    bool later = false;

    y->pending = NULL;
    if (!sync_good(err, answer)) {
        struct str why = sync_trouble(y, err, answer, &later);

        log_warn("template not deleted", LF_STR("tenant", y->et->t.id),
                 LF_STR("template", y->list[y->step]->name), LF_STR("reason", why));
    }
    if (later) {
        y->step++;
        sync_remove(y);
    } else {
        forget(y);
    }
}

void sync_remove(struct template_sync *y)
{
    struct outgoing out;

    arena_reset(y->work);
    while (y->step < y->nlist && !to_go(y, y->list[y->step])) {
        y->step++;
    }
    if (y->step == y->nlist) {
        sync_removed(y);
        return;
    }
    y->calls->remove(y->work, y->s, y->list[y->step]->name, y->list[y->step]->state.id, &out);
    sync_http(y, &out, on_deleted);
}

/* ---- registering ---- */

static const struct template_def *def_at_hand(const struct template_sync *y)
{
    return y->defs[y->step];
}

static void next(struct template_sync *y)
{
    y->step++;
    sync_register(y);
}

static void on_replaced(void *ctx, const struct err *err, const struct http_answer *answer)
{
    struct template_sync *y = ctx;

    (void)err; /* what is left of it does no harm */
    (void)answer;
    y->pending = NULL;
    next(y);
}

static void on_kept(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct template_sync *y = ctx;
    struct outgoing out;

    (void)err; /* the list tells next time */
    (void)outcome;
    y->pending = NULL;
    if (y->replaced.n == 0) {
        next(y);
        return;
    }
    y->calls->remove(y->work, y->s, def_at_hand(y)->name, y->replaced, &out);
    y->replaced = STR_NONE;
    sync_http(y, &out, on_replaced);
}

static void keep(struct template_sync *y)
{
    const struct template_def *d = def_at_hand(y);
    struct str key = approval_key(y->work, d->name, d->language);

    y->state.at = wall_now();
    sync_keep(y, key, &y->state, on_kept);
    approvals_tell(y->et, key, &y->state);
}

/* Refused for good: kept with the reason. Else the rest of this account waits too. */
static void not_registered(struct template_sync *y, struct str why, bool later)
{
    const struct template_def *d = def_at_hand(y);

    log_warn("template not registered", LF_STR("tenant", y->et->t.id), LF_STR("sender", y->s->id),
             LF_STR("template", d->name), LF_STR("language", d->language), LF_STR("reason", why));
    if (later) {
        sync_next_account(y);
        return;
    }
    y->replaced = STR_NONE;
    y->state.reason = why;
    keep(y);
}

static void on_submitted(void *ctx, const struct err *err, const struct http_answer *answer)
{
    struct template_sync *y = ctx;
    struct err bad = {0};
    bool later;

    y->pending = NULL;
    if (!sync_good(err, answer)) {
        struct str why = sync_trouble(y, err, answer, &later);

        not_registered(y, why, later);
    } else if (!y->calls->answered(y->work, answer->body, &y->state, &bad)) {
        not_registered(y, str_of(bad.msg), false);
    } else {
        keep(y);
    }
}

static void submit(struct template_sync *y)
{
    struct outgoing out;

    y->calls->submit(y->work, y->s, def_at_hand(y), y->state.id, &out);
    sync_http(y, &out, on_submitted);
}

static void on_created(void *ctx, const struct err *err, const struct http_answer *answer)
{
    struct template_sync *y = ctx;
    char hash[TEMPLATE_HASH_CHARS + 1];
    struct template_state made = y->state;
    struct err bad = {0};
    bool later;

    y->pending = NULL;
    if (!sync_good(err, answer)) {
        struct str why = sync_trouble(y, err, answer, &later);

        not_registered(y, why, later);
        return;
    }
    if (!y->calls->answered(y->work, answer->body, &made, &bad)) {
        not_registered(y, str_of(bad.msg), false);
        return;
    }
    template_hash(def_at_hand(y), hash);
    made.hash = arena_dup(y->work, str_of(hash));
    made.reason = STR_NONE;
    y->state = made;
    if (y->calls->submit != NULL) {
        y->state.status = TEMPLATE_MISSING; /* there, and not asked for approval yet */
        submit(y);
    } else {
        keep(y);
    }
}

/* There with today's words, and asked for: what becomes of it is the provider's business. */
static bool is_there(const struct template_sync *y, const struct template_listed *l,
                     const struct template_def *d)
{
    char hash[TEMPLATE_HASH_CHARS + 1];

    (void)y;
    template_hash(d, hash);
    return l != NULL && str_eqz(l->state.hash, hash) && l->state.status != TEMPLATE_MISSING;
}

void sync_register(struct template_sync *y)
{
    const struct template_def *d = NULL;
    struct template_listed *l = NULL;
    char hash[TEMPLATE_HASH_CHARS + 1];
    struct outgoing out;

    arena_reset(y->work);
    for (; y->step < y->ndefs; y->step++) {
        d = def_at_hand(y);
        l = map_get(y->found, approval_key(y->work, d->name, d->language));
        if (!is_there(y, l, d)) {
            break;
        }
    }
    if (y->step == y->ndefs) {
        sync_next_account(y);
        return;
    }
    template_hash(d, hash);
    y->state = l != NULL ? l->state : (struct template_state){0};
    y->replaced = STR_NONE;
    if (l != NULL && y->calls->submit != NULL && str_eqz(l->state.hash, hash)) {
        submit(y); /* made by a sync that was cut off */
        return;
    }
    if (y->calls->submit != NULL && l != NULL) {
        y->replaced = l->state.id;
    }
    y->calls->create(y->work, y->s, d, l != NULL ? &l->state : NULL, &out);
    sync_http(y, &out, on_created);
}
