/*
 * api_user_delete: a person goes, with his messages and his files: these before the person, so that
 * a delete that was cut short finds him again; and once more behind him, for what was said while
 * they went: now nobody plans anything for him. Until that is done ud has a mark, by which the same
 * request, said again, goes on there.
 */
#include "app_int.h"
#include "base/mem.h"
#include "domain/user_store.h"
#include "jobs/media.h"

#define TRIES_MAX    8
#define DELETE_SLICE 32
#define REMOVALS     "ud"

struct user_removal {
    struct str id;
    struct user *kept;
    struct str after;
    int tries;
    bool gone; /* deleted: what was said to him meanwhile goes too */
    bool resumed; /* by a request before this one, which did not come to its end */
};

static void delete_messages(struct request *r);
static void delete_files(struct request *r);

static void on_deleted(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct request *r;
    struct user_removal *rm;
    bool done;

    if (!request_resume(ctx, err, &r)) {
        return;
    }
    rm = r->user;
    if (outcome->result == COMMIT_DUPLICATE) { /* by this very request: does it want its end yet? */
        api_user_delete(r);
    } else if (idempotency_answered(r, outcome, &done)) {
        return;
    } else if (done) {
        rm->gone = true;
        delete_messages(r);
    } else if (++rm->tries < TRIES_MAX) {
        api_user_delete(r);
    } else {
        err_set(&r->err, ERR_STORE_CONFLICT, "this person is being changed by others; ask again");
        reply_error(r, &r->err);
    }
}

static void delete_person(struct request *r)
{
    struct user_removal *rm = r->user;
    const struct tenant *t = r->who.tenant;
    struct commit *c = commit_new(t->id);

    idempotency_checks(r, c);
    user_check(rm->kept, c);
    user_delete(t, r->a, rm->kept, c);
    commit_hset(c, STR(REMOVALS), stranger_id(r, rm->id), STR("1"));
    idempotency_writes(r, c, 204, STR_NONE);
    /* What stays of a deleted person is a hash: enough to answer "was he deleted, and by whom?". */
    audit_write(r, c, "user.delete", stranger_id(r, rm->id));
    r->pending = commit_run(engine_store(r->e), &c, on_deleted, r);
}

static void reply_gone(struct request *r)
{
    reply_empty(r, 204);
}

static void on_all_gone(void *ctx, const struct err *err, const struct reply *reply)
{
    struct request *r;
    const struct user_removal *rm;

    (void)reply;
    if (!request_resume(ctx, err, &r)) {
        return;
    }
    rm = r->user;
    if (rm->resumed) {
        idempotency_peek(r, reply_gone); /* its id may have been used for something else */
    } else {
        reply_gone(r);
    }
}

static void ask_mark(struct request *r, const char *command, reply_fn *on_done)
{
    const struct user_removal *rm = r->user;
    struct call call;

    call_init(&call);
    call_str(&call, str_of(command));
    call_str(&call, tenant_key(r, REMOVALS));
    call_str(&call, stranger_id(r, rm->id));
    r->pending = store_run(engine_store(r->e), &call, on_done, r);
}

/* The files he sent, one after the other. */
static void on_file_deleted(void *ctx, const struct err *err)
{
    struct request *r;

    if (request_resume(ctx, err, &r)) {
        delete_files(r);
    }
}

static void on_file(void *ctx, const struct err *err, const struct reply *reply)
{
    struct request *r;
    struct user_removal *rm;

    if (!request_resume(ctx, err, &r)) {
        return;
    }
    rm = r->user;
    if (reply_len(reply) == 0 && rm->gone) {
        ask_mark(r, "HDEL", on_all_gone);
    } else if (reply_len(reply) == 0) {
        delete_person(r);
    } else {
        r->pending =
            media_forget(r->who.et, reply_str(reply_at(reply, 0)), rm->id, on_file_deleted, r);
    }
}

static void delete_files(struct request *r)
{
    struct user_removal *rm = r->user;
    struct call call;

    call_init(&call);
    call_str(&call, STR("ZRANGE"));
    call_str(&call, tenant_key(r, arena_printf(r->a, "mp:%.*s", STR_ARG(rm->id)).p));
    call_int(&call, 0);
    call_int(&call, 0);
    r->pending = store_run(engine_store(r->e), &call, on_file, r);
}

static void on_slice_deleted(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct request *r;

    (void)outcome;
    if (request_resume(ctx, err, &r)) {
        delete_messages(r);
    }
}

static void delete_message(struct request *r, const struct user_removal *rm, const struct reply *row,
                           struct commit *c)
{
    struct str id = reply_str(reply_at(row, 0)), order = reply_str(reply_at(row, 2));
    struct str queue = reply_str(reply_at(row, 3)), lane = reply_str(reply_at(row, 4));

    if (queue.n > 0 && lane.n > 0) {
        commit_withdraw(c, queue, lane, id);
    }
    commit_delete(c, arena_printf(r->a, "m:%.*s", STR_ARG(id)));
    commit_zrem(c, STR("mx"), id);
    commit_zrem(c, arena_printf(r->a, "mu:%.*s", STR_ARG(rm->id)), id);
    if (order.n > 0) {
        commit_zrem(c, arena_printf(r->a, "mo:%.*s", STR_ARG(order)), id);
    }
}

static void on_messages(void *ctx, const struct err *err, const struct reply *reply)
{
    struct request *r;
    struct user_removal *rm;
    struct commit *c;

    if (!request_resume(ctx, err, &r)) {
        return;
    }
    rm = r->user;
    if (reply_len(reply) < 2) {
        rm->after = arena_dup(r->a, reply_str(reply_at(reply, 0)));
        if (rm->after.n > 0) {
            delete_messages(r);
        } else {
            delete_files(r);
        }
        return;
    }
    rm->after = STR_NONE;              /* from the newest on again: until there is nothing */
    c = commit_new(r->who.tenant->id); /* deleting twice is deleting once: no check is needed */
    for (size_t i = 1; i < reply_len(reply); i++) {
        delete_message(r, rm, reply_at(reply, i), c);
    }
    r->pending = commit_run(engine_store(r->e), &c, on_slice_deleted, r);
}

static void delete_messages(struct request *r)
{
    static const char *const fields[] = {"o", "q", "l"};
    struct user_removal *rm = r->user;
    struct call call;

    call_script(r, &call, "rows");
    call_str(&call, arena_printf(r->a, "mu:%.*s", STR_ARG(rm->id)));
    call_str(&call, STR("down"));
    call_str(&call, rm->after.n > 0 ? arena_printf(r->a, "(%.*s", STR_ARG(rm->after)) : STR("+"));
    call_str(&call, STR("-"));
    call_int(&call, DELETE_SLICE);
    call_int(&call, DELETE_SLICE);
    call_str(&call, STR("m:"));
    call_str(&call, STR_NONE);
    call_str(&call, STR_NONE);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        call_str(&call, str_of(fields[i]));
    }
    r->pending = store_run(engine_store(r->e), &call, on_messages, r);
}

static void on_delete_read(void *ctx, const struct err *err, const struct doc *docs, size_t n)
{
    struct request *r;
    struct user_removal *rm;

    (void)n;
    if (!request_resume(ctx, err, &r)) {
        return;
    }
    rm = r->user;
    if (!user_open_kept(r, rm->id, &docs[0], &rm->kept)) {
        return;
    }
    if (rm->kept == NULL || rm->kept->removed) {
        user_not_found(r, rm->id);
        return;
    }
    delete_messages(r);
}

static void read_deleted(struct request *r)
{
    const struct user_removal *rm = r->user;

    user_fetch(r, rm->id, on_delete_read);
}

static void on_resumed(void *ctx, const struct err *err, const struct doc *docs, size_t n)
{
    struct request *r;
    struct user_removal *rm;

    (void)n;
    if (!request_resume(ctx, err, &r)) {
        return;
    }
    rm = r->user;
    if (docs[0].version > 0) { /* somebody else has that id now */
        idempotency_peek(r, read_deleted);
        return;
    }
    rm->gone = rm->resumed = true;
    delete_messages(r);
}

static void on_marked(void *ctx, const struct err *err, const struct reply *reply)
{
    struct request *r;
    const struct user_removal *rm;

    if (!request_resume(ctx, err, &r)) {
        return;
    }
    rm = r->user;
    if (reply_int(reply) > 0) {
        user_fetch(r, rm->id, on_resumed);
    } else {
        /* Said before, and done: whoever has that id now, and his messages, are not meant. */
        idempotency_peek(r, read_deleted);
    }
}

void api_user_delete(struct request *r)
{
    struct user_removal *rm = r->user;

    if (rm == NULL) {
        rm = ARENA_NEW(r->a, struct user_removal);
        *rm = (struct user_removal){.id = r->args[0]};
        r->user = rm;
    }
    ask_mark(r, "HEXISTS", on_marked);
}
