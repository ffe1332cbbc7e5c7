/*
 * api_templates: message templates: those of the catalogue, those that the operator made (td),
 * those that a provider has of others; and how each stands with each provider. The providers
 * themselves are the jobs' business: here it is only written down what is wished.
 */
#include "app_int.h"
#include "base/log.h"
#include "base/mem.h"
#include "domain/template.h"
#include "jobs/templates.h"

#include <stdlib.h>

#define ACCOUNTS_MAX 16
#define NAMES_MAX    2000

/* ---- what there is ---- */

struct shelf { /* all of a tenant, by name */
    struct request *r;
    const struct templates *own;
    struct template_def *made;
    size_t nmade;
    struct template_account accounts[ACCOUNTS_MAX];
    size_t naccounts;
    struct str *names; /* sorted, each once */
    size_t nnames;
    struct template_def d; /* of a POST */
    int64_t limit;
    struct str after, reply;
};

static int by_name(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static void add_name(struct shelf *s, struct str name)
{
    if (s->nnames < NAMES_MAX) {
        s->names[s->nnames++] = name;
    }
}

static void collect_names(struct shelf *s)
{
    struct engine_tenant *et = s->r->who.et;
    size_t n = 0;

    s->names = ARENA_ARRAY(s->r->a, struct str, NAMES_MAX);
    for (size_t i = 0; i < templates_count(s->own); i++) {
        add_name(s, templates_at(s->own, i)->name);
    }
    for (size_t i = 0; i < s->nmade; i++) {
        add_name(s, s->made[i].name);
    }
    for (size_t i = 0; i < s->naccounts; i++) {
        struct str name, language;

        for (size_t it = 0; templates_next(et, s->accounts[i].id, &it, &name, &language) != NULL;) {
            add_name(s, name);
        }
    }
    qsort(s->names, s->nnames, sizeof(s->names[0]), by_name);
    for (size_t i = 0; i < s->nnames; i++) {
        if (n == 0 || !str_eq(s->names[n - 1], s->names[i])) {
            s->names[n++] = s->names[i];
        }
    }
    s->nnames = n;
}

static void fill(struct shelf *s, struct request *r, const struct reply *made)
{
    s->r = r;
    s->own = r->who.tenant->templates;
    s->made = ARENA_ARRAY(r->a, struct template_def, TEMPLATES_MADE_MAX);
    s->nmade = templates_made(r->a, made, s->made, TEMPLATES_MADE_MAX);
    s->naccounts = templates_accounts(r->who.et, s->accounts, ACCOUNTS_MAX);
    collect_names(s);
}

static bool has_name(const struct shelf *s, struct str name)
{
    return bsearch(&name, s->names, s->nnames, sizeof(s->names[0]), by_name) != NULL;
}

/* ---- its shape ---- */

static void write_state(const struct template_account *account, const struct template_state *state,
                        struct jw *w)
{
    static const struct template_state none;
    const struct template_state *s = state != NULL ? state : &none;
    char at[WALL_TEXT_BYTES];

    jw_open(w, NULL, '{');
    jw_z(w, "provider", provider_of(account->provider)->name);
    jw_str(w, "account", account->id);
    jw_z(w, "status", template_status_name(s->status));
    if (s->category.n > 0) {
        jw_str(w, "category", s->category);
    }
    if (s->reason.n > 0) {
        jw_str(w, "reason", s->reason);
    }
    if (s->id.n > 0) {
        jw_str(w, "id", s->id);
    }
    if (s->at.ms > 0) {
        jw_z(w, "at", wall_format(s->at, at));
    }
    jw_close(w, '}');
}

/* @d: its words, or NULL where only the provider has them. */
static void write_language(const struct shelf *s, struct str name, struct str language,
                           const struct template_def *d, struct jw *w)
{
    jw_open(w, NULL, '{');
    jw_str(w, "language", language);
    if (d != NULL) {
        template_write(d, w);
    }
    jw_open(w, "approvals", '[');
    for (size_t i = 0; i < s->naccounts; i++) {
        const struct template_state *state =
            templates_state(s->r->who.et, s->accounts[i].id, name, language);

        if (d != NULL || state != NULL) {
            write_state(&s->accounts[i], state, w);
        }
    }
    jw_close(w, ']');
    jw_close(w, '}');
}

static const struct template_def *made_find(const struct shelf *s, struct str name,
                                            struct str language)
{
    for (size_t i = 0; i < s->nmade; i++) {
        if (str_eq(s->made[i].name, name) && str_eq(s->made[i].language, language)) {
            return &s->made[i];
        }
    }
    return NULL;
}

/* A language that neither the catalogue nor the operator has, listed by an account before @upto? */
static bool listed_before(const struct shelf *s, size_t upto, struct str name, struct str language)
{
    for (size_t i = 0; i < upto; i++) {
        if (templates_state(s->r->who.et, s->accounts[i].id, name, language) != NULL) {
            return true;
        }
    }
    return false;
}

static void write_elsewhere(const struct shelf *s, struct str wanted, struct jw *w)
{
    for (size_t i = 0; i < s->naccounts; i++) {
        struct str name, language;

        for (size_t it = 0;
             templates_next(s->r->who.et, s->accounts[i].id, &it, &name, &language) != NULL;) {
            if (str_eq(name, wanted) && templates_find(s->own, name, language) == NULL &&
                made_find(s, name, language) == NULL && !listed_before(s, i, name, language)) {
                write_language(s, name, language, NULL, w);
            }
        }
    }
}

static void write_template(const struct shelf *s, struct str name, struct jw *w)
{
    const struct template_def *first = NULL;

    for (size_t i = 0; first == NULL && i < templates_count(s->own); i++) {
        first = str_eq(templates_at(s->own, i)->name, name) ? templates_at(s->own, i) : NULL;
    }
    for (size_t i = 0; first == NULL && i < s->nmade; i++) {
        first = str_eq(s->made[i].name, name) ? &s->made[i] : NULL;
    }
    jw_open(w, NULL, '{');
    jw_str(w, "name", name);
    if (first != NULL) {
        jw_str(w, "category", first->category);
    }
    jw_bool(w, "built_in", templates_has(s->own, name));
    jw_open(w, "languages", '[');
    for (size_t i = 0; i < templates_count(s->own); i++) {
        const struct template_def *d = templates_at(s->own, i);

        if (str_eq(d->name, name)) {
            write_language(s, name, d->language, d, w);
        }
    }
    for (size_t i = 0; i < s->nmade; i++) {
        if (str_eq(s->made[i].name, name)) {
            write_language(s, name, s->made[i].language, &s->made[i], w);
        }
    }
    write_elsewhere(s, name, w);
    jw_close(w, ']');
    jw_close(w, '}');
}

/* ---- reading ---- */

static void read_made(struct request *r, reply_fn *on_made)
{
    struct call call;

    call_init(&call);
    call_str(&call, STR("HGETALL"));
    call_str(&call, tenant_key(r, "td"));
    r->pending = store_run(engine_store(r->e), &call, on_made, r);
}

static void on_list(void *ctx, const struct err *err, const struct reply *reply)
{
    struct str last = STR_NONE;
    struct request *r;
    struct shelf *s;
    int64_t n = 0;
    struct jw w;

    if (!request_resume(ctx, err, &r)) {
        return;
    }
    s = r->user;
    fill(s, r, reply);
    reply_begin(r, &w);
    jw_open(&w, NULL, '{');
    jw_open(&w, "items", '[');
    for (size_t i = 0; i < s->nnames; i++) {
        if (s->after.n > 0 && str_cmp(s->names[i], s->after) <= 0) {
            continue;
        }
        if (n++ == s->limit) {
            break;
        }
        write_template(s, s->names[i], &w);
        last = s->names[i];
    }
    jw_close(&w, ']');
    cursor_write(&w, n > s->limit ? last : STR_NONE);
    jw_close(&w, '}');
    reply_built(r, 200, &r->out);
}

void api_template_list(struct request *r)
{
    struct shelf *s = ARENA_NEW(r->a, struct shelf);

    if (!request_limit(r, &s->limit) || !request_cursor(r, &s->after)) {
        return;
    }
    r->user = s;
    read_made(r, on_list);
}

/* Answers 404 itself. */
static bool known(struct request *r, struct shelf *s, const struct reply *made)
{
    fill(s, r, made);
    if (has_name(s, r->args[0])) {
        return true;
    }
    err_set(&r->err, ERR_NOT_FOUND, "there is no template \"%.*s\"",
            STR_ARG(str_slice(r->args[0], 0, 60)));
    reply_error(r, &r->err);
    return false;
}

static void on_one(void *ctx, const struct err *err, const struct reply *reply)
{
    struct request *r;
    struct jw w;

    if (!request_resume(ctx, err, &r) || !known(r, r->user, reply)) {
        return;
    }
    reply_begin(r, &w);
    write_template(r->user, r->args[0], &w);
    reply_built(r, 200, &r->out);
}

void api_template_get(struct request *r)
{
    r->user = ARENA_NEW(r->a, struct shelf);
    read_made(r, on_one);
}

/* ---- writing ---- */

static void on_wished(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct request *r;
    struct shelf *s;
    bool done;

    if (!request_resume(ctx, err, &r) || idempotency_answered(r, outcome, &done)) {
        return;
    }
    s = r->user;
    templates_sync(r->who.et);
    if (s->reply.n == 0) {
        reply_empty(r, 204);
    } else {
        reply_json(r, s->d.name.n > 0 ? 201 : 202, s->reply);
    }
}

static struct str field_of(struct request *r, const struct template_def *d)
{
    return arena_printf(r->a, "%.*s|%.*s", STR_ARG(d->name), STR_ARG(d->language));
}

/* The template as kept, and as it is answered: how it stands is not known yet. */
static void put_made(struct request *r, struct shelf *s, struct commit *c)
{
    struct buf text;
    struct jw w;

    buf_init(&text, 64 * 1024);
    jw_init(&w, &text);
    jw_open(&w, NULL, '{');
    template_write(&s->d, &w);
    jw_close(&w, '}');
    commit_hset(c, STR("td"), field_of(r, &s->d), buf_str(&text));
    buf_fini(&text);
}

static struct str created(struct request *r, struct shelf *s)
{
    struct buf text;
    struct str out;
    struct jw w;

    fill(s, r, NULL);
    s->made = &s->d;
    s->nmade = 1;
    buf_init(&text, 256 * 1024);
    jw_init(&w, &text);
    write_template(s, s->d.name, &w);
    out = arena_dup(r->a, buf_str(&text));
    buf_fini(&text);
    return out;
}

static void keep_made(struct request *r)
{
    struct shelf *s = r->user;
    struct commit *c = commit_new(r->who.tenant->id);

    s->reply = created(r, s);
    idempotency_checks(r, c);
    put_made(r, s, c);
    templates_want(c);
    idempotency_writes(r, c, 201, s->reply);
    audit_write(r, c, "template.create", s->d.name);
    r->pending = commit_run(engine_store(r->e), &c, on_wished, r);
}

/* More than are ever read would be kept, and then some of them would be in no list. */
static void on_counted(void *ctx, const struct err *err, const struct reply *reply)
{
    struct request *r;
    struct shelf *s;

    if (!request_resume(ctx, err, &r)) {
        return;
    }
    s = r->user;
    fill(s, r, reply);
    if (s->nmade < TEMPLATES_MADE_MAX || made_find(s, s->d.name, s->d.language) != NULL) {
        keep_made(r);
        return;
    }
    err_set(&r->err, ERR_CONFLICT,
            "there are %d templates of yours already, each language counted: delete some first",
            TEMPLATES_MADE_MAX);
    reply_error(r, &r->err);
}

void api_template_post(struct request *r)
{
    struct shelf *s =
        ARENA_NEW(r->a, struct shelf); /* before the body: that may answer, and the arena is gone */
    const struct json *j = request_json(r);

    if (j == NULL) {
        return;
    }
    r->user = s;
    if (!template_from_json(r->a, json_get_str(j, "name"), json_get_str(j, "language"), j, &s->d,
                            &r->err)) {
        reply_error(r, &r->err);
        return;
    }
    if (templates_has(r->who.tenant->templates, s->d.name)) {
        err_set(&r->err, ERR_CONFLICT,
                "\"%.*s\" is one of the gateway's own templates; its words are in "
                "templates/*.json of the configuration directory",
                STR_ARG(s->d.name));
        reply_error(r, &r->err);
        return;
    }
    read_made(r, on_counted);
}

static void on_doomed(void *ctx, const struct err *err, const struct reply *reply)
{
    struct request *r;
    struct shelf *s;
    struct commit *c;

    if (!request_resume(ctx, err, &r) || !known(r, r->user, reply)) {
        return;
    }
    s = r->user;
    c = commit_new(r->who.tenant->id);
    idempotency_checks(r, c);
    for (size_t i = 0; i < s->nmade; i++) {
        if (str_eq(s->made[i].name, r->args[0])) {
            commit_hdel(c, STR("td"), field_of(r, &s->made[i]));
        }
    }
    templates_unwant(r->a, c, r->args[0]);
    audit_write(r, c, "template.delete", r->args[0]);
    r->pending = commit_run(engine_store(r->e), &c, on_wished, r);
}

void api_template_delete(struct request *r)
{
    r->user = ARENA_NEW(r->a, struct shelf);
    read_made(r, on_doomed);
}

void api_template_sync(struct request *r)
{
    struct shelf *s = ARENA_NEW(r->a, struct shelf);
    struct commit *c;
    struct buf text;
    struct jw w;

    r->user = s;
    s->naccounts = templates_accounts(r->who.et, s->accounts, ACCOUNTS_MAX);
    if (s->naccounts == 0) {
        err_set(&r->err, ERR_INVALID,
                "no sender has an account to register templates in: set business_account_id "
                "(Meta) or account_sid (Twilio)");
        reply_error(r, &r->err);
        return;
    }
    buf_init(&text, 16 * 1024);
    jw_init(&w, &text);
    jw_open(&w, NULL, '{');
    jw_z(&w, "state", "started");
    jw_open(&w, "accounts", '[');
    for (size_t i = 0; i < s->naccounts; i++) {
        jw_open(&w, NULL, '{');
        jw_z(&w, "provider", provider_of(s->accounts[i].provider)->name);
        jw_str(&w, "account", s->accounts[i].id);
        jw_close(&w, '}');
    }
    jw_close(&w, ']');
    jw_close(&w, '}');
    s->reply = arena_dup(r->a, buf_str(&text));
    buf_fini(&text);
    c = commit_new(r->who.tenant->id);
    idempotency_checks(r, c);
    templates_want(c);
    idempotency_writes(r, c, 202, s->reply);
    audit_write(r, c, "template.sync", STR_NONE);
    r->pending = commit_run(engine_store(r->e), &c, on_wished, r);
}
