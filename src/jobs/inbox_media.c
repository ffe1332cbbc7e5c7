/*
 * inbox_media: the items of a file that somebody sent, in a lane of its own, so that it holds up
 * nobody's words:
 *
 *   "fetch <medium> <input> <sender>", and what the webhook said: READ -> FETCH -> KEEP -> COMMIT
 *   "attach <medium> <input> <order>": the person answered which order it is for; behind the fetch
 *
 * What the fetch is for is committed once: the medium kept, its content counted, the CMMS told. A
 * try that fails is put off, longer each time, for media.retry_for_s; then, or where no try can
 * help, the person is told that it is lost.
 */
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "domain/order_store.h"
#include "domain/user_store.h"
#include "media_int.h"

#include <stdio.h>

#define GONE_MS   5000  /* Twilio's files are sometimes not there yet when it tells of them */
#define LATER_MIN 1000
#define LATER_MAX (10 * 60 * 1000)
#define BLOB_MAX  256

struct media_item {
    bool attach;
    struct str id, cause, order_id, person;
    const struct sender *sender;
    struct inbound in;
    struct media_fetch *fetch;
    struct media_fetched got;
    bool lost;          /* it has ended the gateway several times: it is not tried again */
    bool put, counted;  /* put: its file lies in the store; counted: so did one like it before */
    struct timer *beat; /* keeps the lease while it takes long */
    struct op *beating;
    struct mono asked;
    char hash[VAULT_HASH_CHARS + 1];
    char name[128], own[128]; /* of the stored file, and of the one that we put there */
    /* read anew for each try */
    struct medium *m;
    struct order *o;
    struct user *u;
    struct doc blob;
    int64_t refs, quota_used;
};

static void read_docs(struct inbox_job *j);

/* ---- the lease, while bytes flow ---- */

static void on_kept_up(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);
    struct media_item *f = j->file;
    int64_t lease_ms = j->et->e->o.settings->lease_ms;

    f->beating = NULL;
    if (err == NULL && outcome->result == COMMIT_OK) {
        j->item->until.us = f->asked.us + lease_ms * 900;
    } else if (err == NULL) {
        metric_add(METRIC_FENCED, 1);
        inbox_free(j); /* somebody else has it */
    }
}

static void on_beat(void *ctx)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);
    int64_t lease_ms = j->et->e->o.settings->lease_ms;
    struct commit *c;

    if (inbox_over(j)) {
        return;
    }
    timer_start(j->file->beat, lease_ms / 3);
    if (j->file->beating == NULL) {
        c = commit_new(j->et->t.id);
        lane_check_lease(c, j->item);
        commit_extend(c, STR(QUEUE_IN), j->item->lane, lease_ms);
        j->file->asked = mono_now();
        j->file->beating = commit_run(j->et->e->store, &c, on_kept_up, j);
    }
}

static void beat_stop(struct media_item *f)
{
    timer_free(&f->beat);
    op_cancel(&f->beating);
}

void inbox_media_free(struct inbox_job *j)
{
    if (j->file != NULL) {
        beat_stop(j->file);
        media_fetch_free(&j->file->fetch);
        media_file_free(&j->file->got.file);
        j->file = NULL; /* in the arena */
    }
}

/* ---- the end of it ---- */

static void blob_key(const struct media_item *f, char out[64])
{
    snprintf(out, 64, "mb:%s", f->hash);
}

static void check_blob(struct inbox_job *j, struct commit *c)
{
    char key[64];

    blob_key(j->file, key);
    commit_check_version(c, str_of(key), j->file->blob.version);
}

/* How many media point to the content, and what its file is called. */
static void write_blob(struct inbox_job *j, struct commit *c)
{
    struct media_item *f = j->file;
    char key[64], text[BLOB_MAX];

    blob_key(f, key);
    snprintf(text, sizeof(text), "%lld %s", (long long)(f->refs + 1), f->name);
    commit_doc(c, str_of(key), f->blob.version + 1,
               job_seal(j->et, j->work, str_of(key), "b", str_of(text)));
    if (!f->counted) {
        commit_hincr(c, STR("mq"), STR("v"), f->m->bytes);
    }
}

static void kept(struct inbox_job *j)
{
    struct media_item *f = j->file;
    struct medium *m = f->m;

    m->state = STR("kept");
    m->stored = j->plan.now;
    m->mime = str_of(f->got.type->mime);
    m->kind = f->got.type->kind;
    m->bytes = media_file_bytes(f->got.file);
    m->blob = str_of(f->name);
    plan_medium(&j->plan, m, STR_NONE);
    assist_transcribe(&j->plan, m);
    if (f->o != NULL) {
        media_announce(&j->plan, m, f->o);
    }
    j->also_check = check_blob;
    j->also_write = write_blob;
    metric_add(METRIC_MEDIA_KEPT, 1);
    inbox_run(j);
}

static void give_up(struct inbox_job *j, const char *reason)
{
    struct media_item *f = j->file;

    log_warn("a file that was sent is lost", LF_STR("tenant", j->et->t.id), LF_STR("medium", f->id),
             LF_Z("why", reason), LF_Z("reason", f->got.err.msg));
    metric_add(METRIC_MEDIA_LOST, 1);
    f->m->state = STR("failed");
    f->m->reason = str_of(reason);
    plan_medium(&j->plan, f->m, STR_NONE);
    media_lost(&j->plan, f->m, f->u);
    inbox_run(j);
}

static void forget_tries(struct inbox_job *j, struct commit *c)
{
    /* To be put off is no loss of a gateway: only those are counted. */
    commit_hset(c, arena_printf(j->work, "i:%.*s", STR_ARG(j->item->id)), STR("n"), STR("0"));
}

static void put_off(struct inbox_job *j)
{
    struct media_item *f = j->file;
    int64_t age = j->plan.now.ms - f->m->at.ms, wait = age / 2;

    wait = wait < LATER_MIN ? LATER_MIN : wait > LATER_MAX ? LATER_MAX : wait;
    j->later_ms = wait + (int64_t)random_below((uint32_t)(wait / 4));
    log_info("a file cannot be fetched yet", LF_STR("tenant", j->et->t.id), LF_STR("medium", f->id),
             LF_Z("reason", f->got.err.msg), LF_INT("ms", j->later_ms));
    j->also_write = forget_tries;
    inbox_run(j);
}

/* ---- keeping ---- */

/* Here or in the store: no try helps before somebody has seen to it. */
static void tell_no_room(struct inbox_job *j, const struct err *err)
{
    alert_raise(j->et, STR("media"), "critical", str_of(err->msg),
                STR("see to the room and the rights of the place where files are kept"));
}

static void on_put(void *ctx, const struct err *err)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);
    struct media_item *f = j->file;

    j->pending = NULL;
    if (err != NULL) {
        tell_no_room(j, err);
        f->got.end = FETCH_LATER;
        f->got.reason = "lost";
        f->got.err = *err;
    } else {
        f->put = true;
    }
    arena_reset(j->work);
    read_docs(j);
}

static void on_own_dropped(void *ctx, const struct err *err)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);

    (void)err; /* it stays behind then, in nobody's way */
    j->pending = NULL;
    arena_reset(j->work);
    read_docs(j);
}

static void refuse_full(struct inbox_job *j)
{
    struct media_item *f = j->file;
    int64_t most = j->et->e->o.settings->media_quota_bytes;

    err_set(&f->got.err, ERR_STORE_FULL, "the tenant keeps %lld of at most %lld bytes",
            (long long)f->quota_used, (long long)most);
    alert_raise(j->et, STR("media"), "critical",
                arena_printf(j->work, "files of people are refused: %s", f->got.err.msg),
                STR("raise media.quota_bytes, or keep files for a shorter time"));
    give_up(j, "full");
}

static void keep(struct inbox_job *j)
{
    struct media_item *f = j->file;
    struct media_store *ms = j->et->e->media;
    int64_t most = j->et->e->o.settings->media_quota_bytes;

    f->counted = f->blob.version > 0;
    if (f->counted && f->put && strcmp(f->own, f->name) != 0) {
        /* Another was first with the same content: ours is one too many. */
        f->put = false;
        j->pending = ms->backend->drop(ms, &j->et->t, str_of(f->own), on_own_dropped, j);
    } else if (f->counted || f->put) {
        kept(j);
    } else if (most > 0 && f->quota_used + media_file_bytes(f->got.file) > most) {
        refuse_full(j);
    } else {
        memcpy(f->own, f->name, sizeof(f->own));
        j->pending = ms->backend->put(ms, &j->et->t, str_of(f->name), f->got.file, on_put, j);
    }
}

static void decide_fetched(struct inbox_job *j)
{
    struct media_item *f = j->file;
    int64_t age = j->plan.now.ms - f->m->at.ms;
    bool gone = strcmp(f->got.reason != NULL ? f->got.reason : "", "expired") == 0;

    if (f->got.end == FETCH_GOT) {
        keep(j);
    } else if (f->got.end == FETCH_LOST || (gone && age > GONE_MS) ||
               age > j->et->e->o.settings->media_retry_for_s * 1000) {
        give_up(j, f->got.reason);
    } else {
        put_off(j);
    }
}

/* ---- the order, chosen afterwards ---- */

static void attach(struct inbox_job *j)
{
    struct media_item *f = j->file;
    struct medium *m = f->m;

    if (m->order_id.n > 0 || f->o == NULL || str_eqz(m->state, "failed")) {
        inbox_run(j); /* it has one, or there is nothing to attach */
        return;
    }
    m->order_id = f->o->id;
    m->order_number = f->o->number;
    plan_medium(&j->plan, m, STR_NONE);
    if (str_eqz(m->state, "kept")) {
        media_announce(&j->plan, m, f->o);
    }
    inbox_run(j);
}

/* ---- reading ---- */

enum { DOC_MEDIUM, DOC_ORDER, DOC_PERSON, DOC_BLOB, DOC_QUOTA, DOCS };

static bool open_blob(struct inbox_job *j, struct err *err)
{
    struct media_item *f = j->file;
    struct str text, refs, name;
    char key[64];

    f->refs = 0;
    if (f->blob.version == 0) {
        snprintf(f->name, sizeof(f->name), "%s-%.*s", f->hash, STR_ARG(str_slice(f->id, 16, 26)));
        return true;
    }
    blob_key(f, key);
    if (!vault_open_arena(j->et->t.vault, j->work, str_of(key), "b", f->blob.body, &text, err)) {
        return false;
    }
    str_cut(text, ' ', &refs, &name);
    snprintf(f->name, sizeof(f->name), "%.*s", STR_ARG(str_slice(name, 0, 127)));
    return str_to_i64(refs, 0, INT64_MAX, &f->refs) ||
           err_set(err, ERR_DAMAGED, "the count of a stored file is none");
}

static bool open_docs(struct inbox_job *j, const struct doc *docs, struct err *err)
{
    struct media_item *f = j->file;
    const struct tenant *t = &j->et->t;

    f->o = NULL;
    f->u = NULL;
    f->blob = docs[DOC_BLOB];
    f->quota_used = docs[DOC_QUOTA].version;
    if (docs[DOC_ORDER].version > 0) {
        f->o = ARENA_NEW(j->work, struct order);
        if (!order_open(t, j->work, f->order_id, &docs[DOC_ORDER], f->o, err)) {
            return false;
        }
        f->o = f->o->deleted ? NULL : f->o;
    }
    if (docs[DOC_PERSON].version > 0) {
        f->u = ARENA_NEW(j->work, struct user);
        if (!user_open(t, j->work, f->person, &docs[DOC_PERSON], f->u, err)) {
            return false;
        }
    }
    return f->hash[0] == '\0' || open_blob(j, err);
}

static bool open_medium(struct inbox_job *j, const struct doc *doc, struct err *err)
{
    struct media_item *f = j->file;

    f->m = NULL;
    if (doc->version == 0) {
        return true; /* gone, with its person or by age */
    }
    f->m = ARENA_NEW(j->work, struct medium);
    return medium_open(&j->et->t, j->work, f->id, doc, f->m, err);
}

static void hash_name(struct inbox_job *j)
{
    struct media_item *f = j->file;
    struct buf hex;

    buf_init(&hex, 2 * SHA256_BYTES);
    hex_add(&hex, str_make(media_file_sha256(f->got.file), SHA256_BYTES));
    vault_hash(j->et->t.vault, "media", buf_str(&hex), f->hash);
    buf_fini(&hex);
}

static void hash_tell(struct inbox_job *j)
{
    struct buf hex;

    buf_init(&hex, 2 * SHA256_BYTES);
    hex_add(&hex, str_make(media_file_sha256(j->file->got.file), SHA256_BYTES));
    j->file->m->sha256 = arena_dup(j->work, buf_str(&hex));
    buf_fini(&hex);
}

/*
 * The medium went while its file was put there, with its person: no document names that file, so
 * nothing would ever delete it. Unless the content's does: another medium of it came meanwhile.
 */
static bool drop_left(struct inbox_job *j, const struct doc *blob)
{
    struct media_item *f = j->file;
    struct media_store *ms = j->et->e->media;
    struct err err = {0};

    f->blob = *blob;
    if (!f->put || (f->blob.version > 0 &&
                    (!open_blob(j, &err) || strcmp(f->own, f->name) == 0))) {
        return false;
    }
    f->put = false;
    j->pending = ms->backend->drop(ms, &j->et->t, str_of(f->own), on_own_dropped, j);
    return true;
}

static void on_docs(void *ctx, const struct err *err, const struct doc *docs, size_t n)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);
    struct media_item *f = j->file;
    struct err own = {0};

    (void)n;
    j->pending = NULL;
    if (err != NULL) {
        inbox_again(j, err);
        return;
    }
    if (!open_medium(j, &docs[DOC_MEDIUM], &own) || (f->m != NULL && !open_docs(j, docs, &own))) {
        inbox_set_aside(j, &own);
        return;
    }
    inbox_plan(j, f->cause);
    j->later_ms = 0;
    j->also_check = j->also_write = NULL;
    if (f->m == NULL || (!f->attach && !str_eqz(f->m->state, "fetching"))) {
        if (!drop_left(j, &docs[DOC_BLOB])) {
            inbox_run(j);
        }
    } else if (f->attach) {
        attach(j);
    } else {
        if (f->got.end == FETCH_GOT) {
            hash_tell(j);
        }
        decide_fetched(j);
    }
}

static void read_docs(struct inbox_job *j)
{
    struct media_item *f = j->file;
    struct str keys[DOCS];
    char key[64];

    blob_key(f, key);
    keys[DOC_MEDIUM] = medium_key(j->work, f->id);
    keys[DOC_ORDER] = order_key(j->work, f->order_id);
    keys[DOC_PERSON] = user_key(j->work, f->person);
    keys[DOC_BLOB] = str_of(key);
    keys[DOC_QUOTA] = STR("mq");
    j->pending = fetch_run(j->et->e->store, j->et->t.id, keys, DOCS, on_docs, j);
}

/* ---- the fetch ---- */

static void on_fetched(void *ctx, struct media_fetched *got)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);
    struct media_item *f = j->file;

    f->got = *got;
    media_fetch_free(&f->fetch);
    if (got->end == FETCH_GOT) {
        hash_name(j);
    } else if (got->err.code == ERR_IO) { /* it could not grow on our disk */
        tell_no_room(j, &got->err);
    }
    j->read = read_docs;
    arena_reset(j->work);
    read_docs(j);
}

static void on_first(void *ctx, const struct err *err, const struct doc *docs, size_t n)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);
    struct media_item *f = j->file;
    struct err own = {0};

    (void)n;
    j->pending = NULL;
    if (err != NULL) {
        inbox_again(j, err);
        return;
    }
    if (!open_medium(j, &docs[0], &own)) {
        inbox_set_aside(j, &own);
        return;
    }
    if (f->m == NULL || !str_eqz(f->m->state, "fetching")) {
        inbox_read_nothing(j);
        return;
    }
    f->person = arena_dup(j->a, f->m->person);
    f->order_id = arena_dup(j->a, f->m->order_id);
    if (f->sender == NULL || f->lost) {
        err_set(&own, ERR_DAMAGED,
                f->lost ? "each try ended with the gateway"
                        : "its sender is not configured any more");
        f->got = (struct media_fetched){.end = FETCH_LOST, .reason = "lost", .err = own};
        j->read = read_docs;
        read_docs(j);
        return;
    }
    f->beat = timer_new(j->et->e->loop, on_beat, j);
    timer_start(f->beat, j->et->e->o.settings->lease_ms / 3);
    f->fetch = media_fetch_new(j->et, f->sender, &f->in, on_fetched, j);
}

static void read_first(struct inbox_job *j)
{
    struct str key = medium_key(j->work, j->file->id);

    j->pending = fetch_run(j->et->e->store, j->et->t.id, &key, 1, on_first, j);
}

/* ---- opening, and putting in ---- */

bool inbox_open_media(struct inbox_job *j, struct str text, bool lost, struct err *err)
{
    struct media_item *f = ARENA_NEW(j->a, struct media_item);
    struct str line, record, what, rest;

    str_cut(text, '\n', &line, &record);
    str_cut(line, ' ', &what, &rest);
    str_cut(rest, ' ', &f->id, &rest);
    str_cut(rest, ' ', &f->cause, &rest);
    f->lost = lost;
    f->attach = str_eqz(what, "attach");
    if (f->id.n == 0 || rest.n == 0 || !(f->attach || str_eqz(what, "fetch"))) {
        return err_set(err, ERR_DAMAGED, "it does not say which file, or what is to be done");
    }
    j->file = f;
    if (f->attach) {
        f->order_id = rest;
        j->read = read_docs;
        return true;
    }
    f->sender = tenant_sender(j->et->t.conf, rest);
    j->read = read_first;
    return inbound_decode(j->a, record, &f->in, err);
}

void inbox_media_write(struct inbox_job *j, struct commit *c)
{
    for (size_t i = 0; i < j->plan.nmedia; i++) {
        struct str todo = j->plan.media[i].todo, what, id, rest;
        char item[ID_BYTES];
        struct buf text;

        if (todo.n == 0) {
            continue;
        }
        str_cut(todo, ' ', &what, &rest);
        str_cut(rest, ' ', &id, &rest);
        id_new(item);
        buf_init(&text, todo.n + 1);
        buf_add_char(&text, ITEM_MEDIUM);
        buf_add(&text, todo); /* with bytes that no format takes */
        inbox_put(j->et, j->work, c, arena_printf(j->work, "%dm:%.*s", PRIO_NORMAL, STR_ARG(id)),
                  arena_dup(j->work, str_of(item)), buf_str(&text), false);
        buf_fini(&text);
    }
}
