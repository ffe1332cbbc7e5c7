/*
 * media_forget: a medium goes: by age (media.retention_days), or with the person who sent it. Its
 * document first, with its places in the indexes, and one pointer less to its content; the content
 * with the last of them. A file whose deletion fails stays behind, named in the log; so does one
 * whose record does not open: the record goes all the same, or what comes behind it never would.
 *
 * READ the medium -> READ its content's document -> COMMIT -> DROP the file.
 */
#include "base/log.h"
#include "base/mem.h"
#include "chore.h"
#include "media_int.h"

#include <stdio.h>

#define HOUR_MS   ((int64_t)3600 * 1000)
#define DAY_MS    (24 * HOUR_MS)
#define TRIES_MAX 8

struct forget {
    struct op op; /* first: its address is ours */
    struct engine_tenant *et;
    struct op *pending;
    struct arena *a;
    struct str id, person;
    struct medium m;
    struct str blob_key, name;
    int64_t blob_version, refs;
    int tries;
    media_done_fn *on_done;
    void *ctx;
};

static void read_medium(struct forget *f);

static void forget_free(struct forget *f)
{
    op_cancel(&f->pending);
    arena_free(&f->a);
    mem_free(&f);
}

static void forget_cancelled(struct op *op)
{
    forget_free((struct forget *)(void *)op);
}

static void done(struct forget *f, const struct err *err)
{
    media_done_fn *on_done = f->on_done;
    void *ctx = f->ctx;
    struct err own = {0};

    if (err != NULL) {
        own = *err;
    }
    forget_free(f);
    on_done(ctx, err != NULL ? &own : NULL);
}

static void on_dropped(void *ctx, const struct err *err)
{
    struct forget *f = ctx;

    f->pending = NULL;
    if (err != NULL) {
        log_warn("the file of a medium that is gone stays behind", LF_STR("tenant", f->et->t.id),
                 LF_STR("name", f->name), LF_Z("reason", err->msg));
    }
    done(f, NULL);
}

static void on_committed(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct forget *f = ctx;
    struct media_store *ms = f->et->e->media;
    struct err busy = {0};

    f->pending = NULL;
    if (err != NULL) {
        done(f, err);
    } else if (outcome->result == COMMIT_CONFLICT && f->tries++ < TRIES_MAX) {
        read_medium(f);
    } else if (outcome->result == COMMIT_CONFLICT) {
        err_set(&busy, ERR_STORE_CONFLICT, "the medium keeps changing");
        done(f, &busy);
    } else if (f->blob_version > 0 && f->refs <= 1) {
        f->pending = ms->backend->drop(ms, &f->et->t, f->name, on_dropped, f);
    } else {
        done(f, NULL);
    }
}

static void write_blob(struct forget *f, struct commit *c)
{
    if (f->blob_version == 0) {
        return;
    }
    if (f->refs > 1) {
        commit_doc(
            c, f->blob_key, f->blob_version + 1,
            job_seal(f->et, f->a, f->blob_key, "b",
                     arena_printf(f->a, "%lld %.*s", (long long)(f->refs - 1), STR_ARG(f->name))));
        return;
    }
    commit_delete(c, f->blob_key);
    commit_hincr(c, STR("mq"), STR("v"), -f->m.bytes);
}

static void commit_it(struct forget *f)
{
    struct commit *c = commit_new(f->et->t.id);
    struct str key = medium_key(f->a, f->id);
    struct str person = f->m.person.n > 0 ? f->m.person : f->person;

    commit_check_version(c, key, f->m.version);
    if (f->blob_version > 0) {
        commit_check_version(c, f->blob_key, f->blob_version);
    }
    if (f->m.version > 0) {
        commit_delete(c, key);
    }
    if (person.n > 0) {
        commit_zrem(c, arena_printf(f->a, "mp:%.*s", STR_ARG(person)), f->id);
    }
    if (f->m.order_id.n > 0) {
        commit_zrem(c, arena_printf(f->a, "om:%.*s", STR_ARG(f->m.order_id)), f->id);
    }
    commit_zrem(c, STR("mx:media"), f->id);
    write_blob(f, c);
    f->pending = commit_run(f->et->e->store, &c, on_committed, f);
}

static void damaged(struct forget *f, const struct err *err)
{
    log_error("the file of a medium that goes stays behind: a record does not open",
              LF_STR("tenant", f->et->t.id), LF_STR("medium", f->id), LF_Z("reason", err->msg));
    metric_add(METRIC_DAMAGED, 1);
}

static void on_blob(void *ctx, const struct err *err, const struct doc *docs, size_t n)
{
    struct forget *f = ctx;
    struct err own = {0};
    struct str text, refs;

    (void)n;
    f->pending = NULL;
    if (err != NULL) {
        done(f, err);
        return;
    }
    f->blob_version = docs[0].version;
    if (f->blob_version > 0) {
        if (!vault_open_arena(f->et->t.vault, f->a, f->blob_key, "b", docs[0].body, &text, &own)) {
            damaged(f, &own);
            f->blob_version = 0;
            commit_it(f);
            return;
        }
        str_cut(text, ' ', &refs, &f->name);
        if (!str_to_i64(refs, 0, INT64_MAX, &f->refs)) {
            f->refs = 1;
        }
    }
    commit_it(f);
}

static void on_medium(void *ctx, const struct err *err, const struct doc *docs, size_t n)
{
    struct forget *f = ctx;
    struct err own = {0};
    char hash[VAULT_HASH_CHARS + 1];

    (void)n;
    f->pending = NULL;
    if (err != NULL) {
        done(f, err);
        return;
    }
    f->m = (struct medium){0};
    f->blob_version = 0;
    if (docs[0].version > 0 && !medium_open(&f->et->t, f->a, f->id, &docs[0], &f->m, &own)) {
        damaged(f, &own);
        f->m = (struct medium){.version = docs[0].version};
    }
    if (!str_eqz(f->m.state, "kept")) {
        commit_it(f);
        return;
    }
    vault_hash(f->et->t.vault, "media", f->m.sha256, hash);
    f->blob_key = arena_printf(f->a, "mb:%s", hash);
    f->pending = fetch_run(f->et->e->store, f->et->t.id, &f->blob_key, 1, on_blob, f);
}

static void read_medium(struct forget *f)
{
    struct str key = medium_key(f->a, f->id);

    f->pending = fetch_run(f->et->e->store, f->et->t.id, &key, 1, on_medium, f);
}

struct op *media_forget(struct engine_tenant *et, struct str id, struct str person,
                        media_done_fn *on_done, void *ctx)
{
    struct forget *f = MEM_NEW(struct forget);

    *f = (struct forget){
        .op = {forget_cancelled}, .et = et, .a = arena_new(), .on_done = on_done, .ctx = ctx};
    f->id = arena_dup(f->a, id);
    f->person = arena_dup(f->a, person);
    read_medium(f);
    return &f->op;
}

/* ---- by age, one a piece ---- */

struct media_chore {
    struct chore_run *run;
    struct engine_tenant *et;
    struct op *pending;
    struct jump_watch clocks;
};

static void on_forgotten(void *ctx, const struct err *err)
{
    struct media_chore *t = ctx;

    t->pending = NULL;
    if (err != NULL) {
        log_warn("an old file stays for now", LF_STR("tenant", t->et->t.id),
                 LF_Z("reason", err->msg));
    }
    chore_done(t->run, err == NULL); /* the next hour tries it again */
}

static void on_oldest(void *ctx, const struct err *err, const struct reply *reply)
{
    struct media_chore *t = ctx;

    t->pending = NULL;
    if (err != NULL || reply_len(reply) == 0) {
        chore_done(t->run, false);
        return;
    }
    t->pending = media_forget(t->et, reply_str(reply_at(reply, 0)), STR_NONE, on_forgotten, t);
}

static void on_clock(void *ctx, const struct err *err, const struct reply *reply)
{
    struct media_chore *t = ctx;
    char key[TENANT_ID_MAX + 16], before[32];
    struct call call;

    t->pending = NULL;
    if (err != NULL || jump_answered(t->et, reply)) {
        chore_done(t->run, false);
        return;
    }
    snprintf(key, sizeof(key), "{%.*s}:mx:media", STR_ARG(t->et->t.id));
    snprintf(before, sizeof(before), "(%lld",
             (long long)(wall_now().ms - t->et->e->o.settings->media_retention_days * DAY_MS));
    call_init(&call);
    call_str(&call, STR("ZRANGEBYSCORE"));
    call_str(&call, str_of(key));
    call_str(&call, STR("-inf"));
    call_str(&call, str_of(before));
    call_str(&call, STR("LIMIT"));
    call_int(&call, 0);
    call_int(&call, 1);
    t->pending = store_run(t->et->e->store, &call, on_oldest, t);
}

static void chore_begin(struct chore_run *run)
{
    struct media_chore *t = chore_state(run);
    struct call call;

    if (t == NULL) {
        t = MEM_NEW(struct media_chore);
        t->run = run;
        t->et = chore_tenant(run);
        chore_state_set(run, t); /* kept from run to run: it watches the clocks */
    }
    if (jump_frozen(&t->clocks, mono_now(), wall_now(), RETENTION_FROZEN_MS,
                    "no file goes for its age for a day")) {
        chore_done(run, false);
        return;
    }
    jump_ask(t->et, &call);
    t->pending = store_run(t->et->e->store, &call, on_clock, t);
}

static void chore_cancel(struct chore_run *run)
{
    struct media_chore *t = chore_state(run);

    if (t != NULL) {
        op_cancel(&t->pending);
        mem_free(&t);
    }
}

const struct chore chore_media = {"media", HOUR_MS, false, chore_begin, chore_cancel};
