#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "base/mem.h"

#include "commit_int.h"

#define OWNER_BYTES_MAX  100
#define LEASE_DEFAULT_MS 30000
#define SERIAL_SPREAD    ((uint64_t)1 << 40)
#define CALLS_OUT_MAX    2
#define HELD_MAX_US      20000

/*
 * The units of one tenant and one turn: one call. Messages that were only handed over go by
 * themselves, those of one queue: to ends.lua, which leaves alone what is unusual, and that is done
 * with the others.
 */
struct batch {
    struct list node;
    struct commits *hub;
    struct op *asking;
    struct mono asked;
    uint64_t serial; /* with grants, else 0 */
    char tenant[TENANT_ID_MAX + 1];
    bool closed; /* asked, or being answered */
    bool ends;   /* commit_is_end(), all of them */
    size_t n, bytes;
    struct commit *units[COMMIT_UNITS_MAX]; /* NULL: cancelled */
};

/* ---- one per store ---- */

/*
 * The serial starts anywhere: a process that is started again under the same name must not be taken
 * for the one before it that asks again.
 */
static uint64_t first_serial(void)
{
    uint64_t v;

    random_bytes(&v, sizeof(v));
    return v % SERIAL_SPREAD;
}

struct commits *commits_of(struct store *s)
{
    struct commits *hub = s->commits;

    if (hub == NULL) {
        char owner[32];

        hub = s->commits = MEM_NEW(struct commits);
        hub->s = s;
        list_init(&hub->open);
        list_init(&hub->sent);
        list_init(&hub->bad);
        hub->serial = first_serial();
        snprintf(owner, sizeof(owner), "anon%llx", (unsigned long long)first_serial());
        hub->owner = mem_dupz(str_of(owner));
        hub->lease_ms = LEASE_DEFAULT_MS;
    }
    return hub;
}

void commit_owner_set(struct store *s, struct str owner, int64_t lease_ms)
{
    struct commits *hub = commits_of(s);

    assert(owner.n > 0 && owner.n <= OWNER_BYTES_MAX && str_find_char(owner, '|', 0) == SIZE_MAX);
    assert(lease_ms > 0);
    mem_free(&hub->owner);
    hub->owner = mem_dupz(owner);
    hub->lease_ms = lease_ms;
}

struct str commit_owner(const struct store *s)
{
    return s->commits == NULL ? STR_NONE : str_of(s->commits->owner);
}

/* Nothing to cancel: it is open, answered, or the store goes with all that it was asked. */
static void batch_free(struct batch *b)
{
    list_del(&b->node);
    for (size_t i = 0; i < b->n; i++) {
        if (b->units[i] != NULL) {
            commit_drop(b->units[i]);
        }
    }
    mem_free(&b);
}

static void free_all(struct list *batches)
{
    while (!list_empty(batches)) {
        batch_free(LIST_OF(batches->next, struct batch, node));
    }
}

void commits_free(struct store *s)
{
    struct commits *hub = s->commits;

    if (hub == NULL) {
        return;
    }
    free_all(&hub->open);
    free_all(&hub->sent);
    free_all(&hub->bad);
    mem_free(&hub->owner);
    mem_free(&s->commits);
}

/* ---- gathering ---- */

static struct batch *batch_new(struct commits *hub, struct list *into, struct str tenant, bool ends)
{
    struct batch *b = mem_resize(NULL, sizeof(*b)); /* the table of units is filled as it grows */

    b->hub = hub;
    b->asking = NULL;
    b->closed = false;
    b->ends = ends;
    b->serial = 0;
    memset(b->tenant, 0, sizeof(b->tenant));
    memcpy(b->tenant, tenant.p, tenant.n);
    b->n = b->bytes = 0;
    list_init(&b->node);
    list_add_tail(into, &b->node);
    return b;
}

static void batch_send(struct batch *b);

static bool goes_with(const struct commit *c, const struct batch *b)
{
    bool end = commit_is_end(c);

    return str_eqz(c->tenant, b->tenant) && end == b->ends &&
           (!end || b->n == 0 || b->units[0] == NULL ||
            str_eq(commit_end_queue(c), commit_end_queue(b->units[0])));
}

static struct batch *batch_for(struct commits *hub, const struct commit *c)
{
    LIST_EACH(it, &hub->open)
    {
        struct batch *b = LIST_OF(it, struct batch, node);

        if (goes_with(c, b)) {
            if (b->n < COMMIT_UNITS_MAX && b->bytes + c->args.resp.n <= COMMIT_BYTES_MAX) {
                return b;
            }
            batch_send(b);
            break;
        }
    }
    return batch_new(hub, &hub->open, c->tenant, commit_is_end(c));
}

static void batch_add(struct batch *b, struct commit *c)
{
    c->batch = b;
    c->nth = b->n;
    b->units[b->n++] = c;
    b->bytes += c->args.resp.n;
}

/* In an open batch it stays, as nobody's, until the others are sent: the first names the tenant. */
static void on_cancel(struct op *op)
{
    struct commit *c = (struct commit *)(void *)op;
    struct batch *b = c->batch;

    obj_check(&c->magic, COMMIT_MAGIC);
    c->on_done = NULL;
    if (b->closed) {
        b->units[c->nth] = NULL;
        commit_drop(c);
    }
}

struct op *commit_run(struct store *s, struct commit **owner, commit_fn *on_done, void *ctx)
{
    struct commits *hub = commits_of(s);
    struct commit *c = *owner;

    obj_check(&c->magic, COMMIT_MAGIC);
    assert(on_done != NULL && c->batch == NULL);
    *owner = NULL;
    commit_seal(c);
    c->op.cancel = on_cancel;
    c->on_done = on_done;
    c->ctx = ctx;
    batch_add(buf_ok(&c->args.resp) ? batch_for(hub, c)
                                    : batch_new(hub, &hub->bad, c->tenant, false),
              c);
    return &c->op;
}

/* ---- results ---- */

static const struct {
    struct str word;
    enum commit_result result;
} words[] = {
    {{"ok", 2},       COMMIT_OK       },
    {{"dup", 3},      COMMIT_DUPLICATE},
    {{"differs", 7},  COMMIT_DIFFERS  },
    {{"conflict", 8}, COMMIT_CONFLICT },
    {{"fenced", 6},   COMMIT_FENCED   },
    {{"stale", 5},    COMMIT_STALE    },
};

static bool outcome_read(const struct reply *r, struct commit_outcome *out, struct err *err)
{
    if (r == NULL) { /* done by ends.lua */
        *out = (struct commit_outcome){.result = COMMIT_OK};
        return true;
    }
    struct str word = reply_str(reply_kind(r) == REPLY_LIST ? reply_at(r, 0) : r);

    if (str_eqz(word, "full")) {
        return err_set(err, ERR_STORE_FULL, "redis is over its maxmemory");
    }
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (str_eq(word, words[i].word)) {
            *out = (struct commit_outcome){.result = words[i].result, .results = r};
            if (out->result != COMMIT_OK) {
                out->value = reply_str(reply_at(r, 1));
            }
            return true;
        }
    }
    return err_set(err, ERR_STORE_REPLY, "the commit script answered \"%.*s\"", STR_ARG(word));
}

static void deliver_one(struct commit *c, const struct err *err, const struct reply *result)
{
    struct commit_outcome outcome;
    struct err own = {0};
    commit_fn *on_done = c->on_done;
    void *ctx = c->ctx;

    commit_drop(c);
    if (on_done == NULL) {
        return;
    }
    if (err == NULL && !outcome_read(result, &outcome, &own)) {
        err = &own;
    }
    on_done(ctx, err, err == NULL ? &outcome : NULL);
}

/* Callbacks cancel units of this batch, run new ones, or free the store. @reply: of each its
 * result; of ends none. */
static void deliver(struct batch *b, const struct err *err, const struct reply *reply)
{
    struct commits *hub = b->hub;
    struct store *s = hub->s;

    store_enter(s);
    hub->answering = true;
    hub->asked = b->asked;
    for (size_t i = 0; i < b->n && !s->closing; i++) {
        struct commit *c = b->units[i];

        if (c != NULL) {
            b->units[i] = NULL;
            deliver_one(c, err, b->ends ? NULL : reply_at(reply, i));
        }
    }
    hub->answering = false;
    if (!s->closing) {
        batch_free(b); /* else it goes with the rest */
    }
    store_leave(s);
}

/* What ends.lua has left alone, for commit. */
static void take_left(struct batch *b, const struct reply *left)
{
    for (size_t i = 0; i < reply_len(left); i++) {
        int64_t nth = reply_int(reply_at(left, i)) - 1;
        struct commit *c = nth >= 0 && (size_t)nth < b->n ? b->units[nth] : NULL;

        if (c != NULL) {
            b->units[nth] = NULL;
            c->left = true;
            batch_add(batch_for(b->hub, c), c);
        }
    }
}

static void on_reply(void *ctx, const struct err *err, const struct reply *reply)
{
    struct batch *b = ctx;
    struct err own = {0};

    b->asking = NULL;
    if (err == NULL && b->ends) {
        take_left(b, reply);
    } else if (err == NULL && reply_len(reply) != b->n) {
        err_set(&own, ERR_STORE_REPLY, "the commit script answered %zu of %zu units",
                reply_len(reply), b->n);
        err = &own;
    }
    if (err != NULL && b->serial != 0) {
        lanes_lost(b->hub->s, b->tenant, b->serial);
    }
    deliver(b, err, reply);
}

/* ---- sending ---- */

/* Units that were cancelled while the batch was open are not sent; the others close ranks. */
static void close_ranks(struct batch *b)
{
    size_t n = 0;

    for (size_t i = 0; i < b->n; i++) {
        struct commit *c = b->units[i];

        if (c->on_done == NULL) {
            commit_drop(c);
            continue;
        }
        c->nth = n;
        b->units[n++] = c;
    }
    b->n = n;
}

static void put_units(struct batch *b, struct call *call)
{
    struct commits *hub = b->hub;
    bool grants = false;

    call_str(call, str_of(hub->owner));
    call_int(call, hub->lease_ms);
    for (size_t i = 0; i < b->n; i++) {
        grants = grants || b->units[i]->grants;
    }
    if (grants) {
        b->serial = ++hub->serial;
        call_int(call, (int64_t)b->serial);
    } else {
        call_str(call, STR(""));
    }
    commit_units_put(call, b->units, b->n);
}

static void batch_send(struct batch *b)
{
    struct commits *hub = b->hub;
    struct call call;
    char prefix[TENANT_ID_MAX + 4];
    int n;

    close_ranks(b);
    if (b->n == 0) {
        batch_free(b);
        return;
    }
    n = snprintf(prefix, sizeof(prefix), "{%.*s}:", STR_ARG(b->units[0]->tenant));
    call_init_script(&call, b->ends ? "ends" : "commit", str_make(prefix, (size_t)n));
    buf_reserve(&call.resp, b->bytes + 256);
    if (b->ends) {
        commit_ends_put(&call, b->units, b->n);
    } else {
        put_units(b, &call);
    }
    list_del(&b->node);
    list_add_tail(&hub->sent, &b->node);
    b->closed = true;
    b->asked = mono_now();
    b->asking = store_run(hub->s, &call, on_reply, b);
}

static void fail_bad(struct commits *hub)
{
    struct err err = {0};

    err_set(&err, ERR_TOO_LONG, "the unit of work is larger than %zu bytes", COMMIT_BYTES_MAX);
    while (!list_empty(&hub->bad) && !hub->s->closing) {
        struct batch *b = LIST_OF(hub->bad.next, struct batch, node);

        b->closed = true;
        deliver(b, &err, NULL);
    }
}

/*
 * While a tenant's calls are out, its units gather for the next: a call costs Redis and us the same
 * for one unit and for twenty, so under load the batches grow, and at rest the first unit goes at
 * once. Not behind a call that has stuck: then each goes out and waits on its own clock.
 */
static bool held_back(const struct batch *open)
{
    int out = 0;

    LIST_EACH(it, &open->hub->sent)
    {
        const struct batch *b = LIST_OF(it, struct batch, node);

        if (b->ends == open->ends && memcmp(b->tenant, open->tenant, sizeof(b->tenant)) == 0) {
            out++;
            if (mono_now().us - b->asked.us > HELD_MAX_US) {
                return false;
            }
        }
    }
    return out >= CALLS_OUT_MAX;
}

void commits_flush(struct store *s)
{
    struct commits *hub = s->commits;

    if (hub == NULL) {
        return;
    }
    fail_bad(hub);
    LIST_EACH_SAFE(it, next, &hub->open)
    {
        struct batch *b = LIST_OF(it, struct batch, node);

        if (s->closing) {
            return;
        }
        if (!held_back(b)) {
            batch_send(b);
        }
    }
}

int64_t commit_result_int(const struct commit_outcome *o, size_t nth)
{
    return reply_int(reply_at(o->results, nth + 1));
}

struct str commit_result_str(const struct commit_outcome *o, size_t nth)
{
    return reply_str(reply_at(o->results, nth + 1));
}

/* ---- fetch ---- */

struct fetch {
    struct op op; /* first: the caller holds this */
    struct op *asking;
    fetch_fn *on_done;
    void *ctx;
    size_t n;
    struct doc docs[];
};

static void on_fetch_cancel(struct op *op)
{
    struct fetch *f = (struct fetch *)(void *)op;

    op_cancel(&f->asking);
    mem_free(&f);
}

static void on_fetched(void *ctx, const struct err *err, const struct reply *reply)
{
    struct fetch *f = ctx;
    struct err own = {0};

    f->asking = NULL;
    if (err == NULL && reply_len(reply) != f->n) {
        err_set(&own, ERR_STORE_REPLY, "the fetch script answered %zu of %zu keys",
                reply_len(reply), f->n);
        err = &own;
    }
    for (size_t i = 0; err == NULL && i < f->n; i++) {
        const struct reply *row = reply_at(reply, i);

        f->docs[i].version = reply_int(reply_at(row, 0));
        f->docs[i].body = reply_str(reply_at(row, 1));
    }
    f->on_done(f->ctx, err, err == NULL ? f->docs : NULL, err == NULL ? f->n : 0);
    mem_free(&f);
}

struct op *fetch_run(struct store *s, struct str tenant, const struct str *keys, size_t n,
                     fetch_fn *on_done, void *ctx)
{
    struct fetch *f = mem_new(sizeof(*f) + n * sizeof(f->docs[0]));
    char prefix[TENANT_ID_MAX + 4];
    struct call call;

    assert(store_tenant_id_ok(tenant) && on_done != NULL);
    snprintf(prefix, sizeof(prefix), "{%.*s}:", STR_ARG(tenant));
    call_init_script(&call, "fetch", str_of(prefix));
    for (size_t i = 0; i < n; i++) {
        call_str(&call, keys[i]);
    }
    f->op.cancel = on_fetch_cancel;
    f->on_done = on_done;
    f->ctx = ctx;
    f->n = n;
    f->asking = store_run(s, &call, on_fetched, f);
    return &f->op;
}
