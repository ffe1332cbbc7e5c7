/*
 * inbox_matter: the clock of a matter strikes: the matter, then whom it wants, then its decision
 * (domain/matter.h). The matter is read again with the people, so that the decision is about what
 * they are asked about; its version is checked by the plan.
 */
#include "base/log.h"
#include "base/mem.h"
#include "domain/order_store.h"
#include "domain/user_store.h"
#include "inbox_int.h"

static void nothing_to_do(struct inbox_job *j)
{
    inbox_plan(j, STR_NONE);
    inbox_run(j);
}

static void left_out(struct inbox_job *j, struct err *err)
{
    log_error("record left out: it does not open", LF_STR("tenant", j->et->t.id),
              LF_Z("reason", err->msg));
    metric_add(METRIC_DAMAGED, 1);
    *err = (struct err){0};
}

static struct doc doc_of(const struct reply *r)
{
    return (struct doc){reply_int(reply_at(r, 0)), reply_str(reply_at(r, 1))};
}

/* ---- whom it wants ---- */

#define PEOPLE_FROM 4 /* in the answer of people.lua */

static void read_people(struct inbox_job *j, const struct reply *reply, struct matter_view *v)
{
    size_t n = reply_len(reply) - PEOPLE_FROM;
    int64_t all = reply_int(reply_at(reply, 2));
    const struct user **people = ARENA_ARRAY(j->work, const struct user *, n + 1);
    struct err err = {0};

    for (size_t i = 0; i < n; i++) {
        const struct reply *row = reply_at(reply, PEOPLE_FROM + i);
        struct doc doc = {reply_int(reply_at(row, 1)), reply_str(reply_at(row, 2))};
        struct str id = arena_dup(j->work, reply_str(reply_at(row, 0)));
        struct user *u = ARENA_NEW(j->work, struct user);

        v->last = id;
        if (doc.version == 0) {
            continue;
        }
        if (!user_open(&j->et->t, j->work, id, &doc, u, &err)) {
            left_out(j, &err);
        } else if (!u->removed) {
            people[v->npeople++] = u;
        }
    }
    v->people = people;
    v->more = all > (int64_t)n;
}

static void read_order(struct inbox_job *j, const struct reply *reply, struct matter_view *v)
{
    struct doc doc = doc_of(reply);
    struct order *o = ARENA_NEW(j->work, struct order);
    struct err err = {0};

    if (doc.version == 0) {
        return;
    }
    if (order_open(&j->et->t, j->work, j->matter_wants->order_id, &doc, o, &err)) {
        v->order = o;
    } else {
        left_out(j, &err);
    }
}

static void on_people(void *ctx, const struct err *err, const struct reply *reply)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);
    struct matter *m = ARENA_NEW(j->work, struct matter);
    struct matter_view v = {.m = m};
    struct doc doc;
    struct err own = {0};

    j->pending = NULL;
    if (err != NULL) {
        inbox_again(j, err);
        return;
    }
    doc = doc_of(reply_at(reply, 0));
    if (doc.version != j->matter_version) {
        j->read(j); /* it changed between the two reads */
        return;
    }
    if (!matter_open(&j->et->t, j->work, j->matter_ref, &doc, m, &own)) {
        inbox_set_aside(j, &own);
        return;
    }
    if (j->matter_wants->most == 0 && reply_int(reply_at(reply, 2)) > MATTER_PEOPLE_MAX) {
        log_warn("a matter concerns more people than are told at once",
                 LF_STR("tenant", j->et->t.id), LF_STR("matter", j->matter_ref),
                 LF_INT("people", reply_int(reply_at(reply, 2))));
    }
    read_order(j, reply_at(reply, 1), &v);
    read_people(j, reply, &v);
    inbox_group_view(j, reply_at(reply, 3), &v);
    inbox_plan(j, j->matter_ref);
    matter_strike(&v, &j->plan);
    inbox_run(j);
}

static const struct {
    unsigned role;
    const char *key;
} by_role[] = {
    {ROLE_TECHNICIAN,  "ur:technician" },
    {ROLE_SUPERVISOR,  "ur:supervisor" },
    {ROLE_ADMIN,       "ur:admin"      },
    {ROLE_STAKEHOLDER, "ur:stakeholder"}
};

static size_t index_keys(struct inbox_job *j, const struct matter_wants *w, struct str *keys)
{
    size_t n = 0;

    for (size_t i = 0; i < w->nteams; i++) {
        keys[n++] = arena_printf(j->work, "ut:%.*s", STR_ARG(w->teams[i]));
    }
    for (size_t i = 0; i < w->nsites; i++) {
        keys[n++] = arena_printf(j->work, "us:%.*s", STR_ARG(w->sites[i]));
    }
    for (size_t i = 0; i < ARRAY_LEN(by_role); i++) {
        if ((w->roles & by_role[i].role) != 0) {
            keys[n++] = str_of(by_role[i].key);
        }
    }
    return n;
}

static void ask_people(struct inbox_job *j, const struct matter *m)
{
    struct matter_wants *w = ARENA_NEW(j->work, struct matter_wants);
    struct str keys[2 * MATTER_GROUPS_MAX + ARRAY_LEN(by_role)];
    struct call call;
    size_t n;

    matter_wants(j->work, &j->et->t, m, w);
    n = index_keys(j, w, keys);
    j->matter_wants = w;
    j->matter_version = m->version;
    call_init_script(&call, "people", arena_printf(j->work, "{%.*s}:", STR_ARG(j->et->t.id)));
    call_int(&call, (int64_t)(w->most > 0 ? w->most : MATTER_PEOPLE_MAX));
    call_str(&call, j->matter_ref);
    call_str(&call, w->order_id);
    call_int(&call, w->most > 0);
    call_str(&call, w->after);
    call_str(&call, w->team);
    call_int(&call, (int64_t)w->nids);
    for (size_t i = 0; i < w->nids; i++) {
        call_str(&call, w->ids[i]);
    }
    call_int(&call, (int64_t)n);
    for (size_t i = 0; i < n; i++) {
        call_str(&call, keys[i]);
    }
    j->pending = store_run(j->et->e->store, &call, on_people, j);
}

/* ---- the matter ---- */

static void on_matter(void *ctx, const struct err *err, const struct doc *docs, size_t n)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);
    struct matter *m = ARENA_NEW(j->work, struct matter);
    struct err own = {0};

    (void)n;
    j->pending = NULL;
    if (err != NULL) {
        inbox_again(j, err);
        return;
    }
    if (docs[0].version == 0) {
        nothing_to_do(j); /* dropped for its age */
        return;
    }
    if (!matter_open(&j->et->t, j->work, j->matter_ref, &docs[0], m, &own)) {
        inbox_set_aside(j, &own);
        return;
    }
    if (j->group == NULL && (m->clock.ms == 0 || m->clock.ms > j->matter_clock)) {
        nothing_to_do(j); /* its clock was moved, or stopped */
        return;
    }
    ask_people(j, m);
}

void inbox_read_matter(struct inbox_job *j)
{
    struct str key = matter_key(j->work, j->matter_ref);

    j->pending = fetch_run(j->et->e->store, j->et->t.id, &key, 1, on_matter, j);
}

bool inbox_open_matter(struct inbox_job *j, struct str text, struct err *err)
{
    struct str clock, id;
    enum matter_kind kind;

    if (!str_cut(text, '\n', &j->matter_ref, &clock) ||
        !str_to_i64(clock, 0, INT64_MAX, &j->matter_clock) ||
        !matter_ref_parse(j->matter_ref, &kind, &id)) {
        return err_set(err, ERR_DAMAGED, "it names no matter, or one of a newer version");
    }
    j->read = inbox_read_matter;
    return true;
}
