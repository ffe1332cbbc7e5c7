/*
 * api_users: people: list, create, read, change; api_user_delete.c deletes. A change is decided from
 * what was read and kept with that version; on a conflict it is decided again.
 */
#include "app_int.h"
#include "base/mem.h"
#include "domain/consent.h"
#include "domain/notice.h"
#include "domain/plan.h"
#include "domain/user_store.h"

#define TRIES_MAX 8

struct user_write {
    struct str id;
    struct user *kept, *changed;
    struct plan plan;
    struct str reply;
    int tries, status;
    bool create, fresh;
};

/* ---- what a person may be ---- */

bool user_id_check(struct str id, struct err *err)
{
    if (!user_id_ok(id)) {
        err_set(err, ERR_INVALID,
                "id is 1 to 128 bytes without blanks, control characters and '|', and does not "
                "begin with '~'");
        return err_member(err, "id");
    }
    return true;
}

struct str phone_hash(struct request *r, struct arena *a, struct str phone)
{
    return vault_hash_arena(r->who.tenant->vault, a, "phone", phone);
}

bool user_change(struct plan *p, const struct json *j, struct str id, const struct user *before,
                 bool *fresh, struct err *err)
{
    struct user *u = ARENA_NEW(p->a, struct user);
    struct user base = {.id = id, .roles = ROLE_TECHNICIAN};
    struct str named = json_get_text(j, "id", p->a);

    *fresh = before == NULL || before->removed;
    if (named.n > 0 && !str_eq(named, id)) {
        err_set(err, ERR_INVALID, "id is \"%.*s\" here and \"%.*s\" in the path; it cannot change",
                STR_ARG(str_slice(named, 0, 60)), STR_ARG(str_slice(id, 0, 60)));
        return err_member(err, "id");
    }
    if (!user_from_json(p->a, j, *fresh ? &base : before, u, err)) {
        return false;
    }
    u->id = id;
    u->version = before == NULL ? 0 : before->version;
    if (!*fresh && u->phone.n > 0 && !str_eq(u->phone, before->phone)) {
        u->verified = json_get_bool(j, "verified", false); /* another number is not proven yet */
        u->welcomed = false;
    }
    if (!u->verified && !u->welcomed && u->phone.n > 0 && p->tenant->conf->nsenders > 0) {
        u->welcomed = true;
        notice_welcome(p, u);
    }
    plan_user(p, u, before);
    return true;
}

void user_not_found(struct request *r, struct str id)
{
    err_set(&r->err, ERR_NOT_FOUND, "there is no person \"%.*s\"", STR_ARG(str_slice(id, 0, 60)));
    reply_error(r, &r->err);
}

/* ---- list and get ---- */

static bool list_row(struct request *r, struct listing *l, struct str id, const struct reply *row)
{
    const struct doc doc = {reply_int(reply_at(row, 2)), reply_str(reply_at(row, 3))};
    const struct str *site = l->user;
    struct err err = {0};
    struct user u;

    if (doc.version == 0 || !user_open(r->who.tenant, l->a, id, &doc, &u, &err) || u.removed ||
        (site->n > 0 && !str_eq(u.site, *site))) {
        return false;
    }
    user_write(&u, &l->w, NULL);
    return true;
}

void api_user_list(struct request *r)
{
    static const char *const fields[] = {"v", "b", NULL};
    struct listing *l = ARENA_NEW(r->a, struct listing);
    struct str team = request_param(r, "team"), *site = ARENA_NEW(r->a, struct str);

    *site = request_param(r, "site");
    *l = (struct listing){.index = STR("ul"),
                          .order = "up",
                          .prefix = "u:",
                          .fields = fields,
                          .row = list_row,
                          .user = site};
    if (team.n > 0) {
        l->index = arena_printf(r->a, "ut:%.*s", STR_ARG(team));
        l->sifted = site->n > 0;
    } else if (site->n > 0) {
        l->index = arena_printf(r->a, "us:%.*s", STR_ARG(*site));
    }
    listing_start(r, l);
}

void user_fetch(struct request *r, struct str id, fetch_fn *on_done)
{
    struct str key = user_key(r->a, id);

    r->pending = fetch_run(engine_store(r->e), r->who.tenant->id, &key, 1, on_done, r);
}

bool user_open_kept(struct request *r, struct str id, const struct doc *doc, struct user **out)
{
    struct err err = {0};

    *out = NULL;
    if (doc->version == 0) {
        return true;
    }
    *out = ARENA_NEW(r->a, struct user);
    if (user_open(r->who.tenant, r->a, id, doc, *out, &err)) {
        return true;
    }
    reply_error(r, &err);
    return false;
}

static void on_get(void *ctx, const struct err *err, const struct doc *docs, size_t n)
{
    struct request *r;
    struct user *u;
    struct jw w;

    (void)n;
    if (!request_resume(ctx, err, &r) || !user_open_kept(r, r->args[0], &docs[0], &u)) {
        return;
    }
    if (u == NULL || u->removed) {
        user_not_found(r, r->args[0]);
        return;
    }
    reply_begin(r, &w);
    user_write(u, &w, NULL);
    reply_built(r, 200, &r->out);
}

void api_user_get(struct request *r)
{
    user_fetch(r, r->args[0], on_get);
}

/* ---- create and change ---- */

static void read_kept(struct request *r);

static void write_checks(void *ctx, struct commit *c)
{
    idempotency_checks(obj_check(ctx, REQUEST_MAGIC), c);
}

static void write_writes(void *ctx, struct commit *c)
{
    struct request *r = obj_check(ctx, REQUEST_MAGIC);
    struct user_write *uw = r->user;

    idempotency_writes(r, c, uw->status, uw->reply);
    audit_write(r, c, uw->create ? "user.create" : "user.update", uw->id);
}

static void on_written(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct request *r;
    struct user_write *uw;
    bool done;

    if (!request_resume(ctx, err, &r) || idempotency_answered(r, outcome, &done)) {
        return;
    }
    uw = r->user;
    if (done) {
        reply_json(r, uw->status, uw->reply);
    } else if (++uw->tries < TRIES_MAX) {
        read_kept(r);
    } else {
        err_set(&r->err, ERR_STORE_CONFLICT, "this person is being changed by others; ask again");
        reply_error(r, &r->err);
    }
}

static void write_user(struct request *r)
{
    const struct plan_run run = {write_checks, write_writes, on_written, r};
    struct user_write *uw = r->user;
    struct buf text;
    struct jw w;

    buf_init(&text, (size_t)1 << 20);
    jw_init(&w, &text);
    user_write(uw->plan.users[0], &w, NULL);
    uw->reply = arena_dup(r->a, buf_str(&text));
    buf_fini(&text);
    r->pending = engine_run_plan(r->e, r->who.et, &uw->plan, &run);
}

static void on_owner(void *ctx, const struct err *err, const struct reply *reply)
{
    struct request *r;
    struct user_write *uw;
    struct str owner;

    if (!request_resume(ctx, err, &r)) {
        return;
    }
    uw = r->user;
    owner = reply_str(reply);
    if (owner.n > 0 && !str_eq(owner, uw->id)) {
        err_set(&r->err, ERR_CONFLICT, "the phone %.*s is that of person \"%.*s\"",
                STR_ARG(uw->plan.users[0]->phone), STR_ARG(owner));
        err_member(&r->err, "phone");
        reply_error(r, &r->err);
        return;
    }
    write_user(r);
}

static void check_phone(struct request *r)
{
    struct user_write *uw = r->user;
    const struct user *u = uw->plan.users[0];
    struct call call;

    if (u->phone.n == 0 || (uw->kept != NULL && str_eq(u->phone, uw->kept->phone))) {
        write_user(r);
        return;
    }
    call_init(&call);
    call_str(&call, STR("HGET"));
    call_str(&call, tenant_key(r, "ux"));
    call_str(&call, phone_hash(r, r->a, u->phone));
    r->pending = store_run(engine_store(r->e), &call, on_owner, r);
}

static void refuse_existing(struct request *r)
{
    struct user_write *uw = r->user;

    err_set(&r->err, ERR_CONFLICT, "person \"%.*s\" exists; change it by PUT", STR_ARG(uw->id));
    err_member(&r->err, "id");
    reply_error(r, &r->err);
}

static void on_kept(void *ctx, const struct err *err, const struct doc *docs, size_t n)
{
    struct request *r;
    struct user_write *uw;

    (void)n;
    if (!request_resume(ctx, err, &r)) {
        return;
    }
    uw = r->user;
    if (!user_open_kept(r, uw->id, &docs[0], &uw->kept)) {
        return;
    }
    if (!uw->create && (uw->kept == NULL || uw->kept->removed)) {
        user_not_found(r, uw->id);
        return;
    }
    plan_init(&uw->plan, r->a, r->who.tenant, wall_now(), STR_NONE);
    if (!user_change(&uw->plan, r->body, uw->id, uw->kept, &uw->fresh, &r->err)) {
        reply_error(r, &r->err);
        return;
    }
    if (uw->kept != NULL && !uw->create) {
        consent_changed(&uw->plan, uw->plan.users[0], uw->kept, "api");
    }
    if (uw->create && !uw->fresh) {
        idempotency_peek(r,
                         refuse_existing); /* by this very request, sent twice at the same time? */
    } else {
        check_phone(r);
    }
}

static void read_kept(struct request *r)
{
    struct user_write *uw = r->user;

    user_fetch(r, uw->id, on_kept);
}

static const struct json *person_of(struct request *r)
{
    const struct json *j = request_json(r);

    if (j != NULL && json_kind(j) != JSON_OBJECT) {
        err_set(&r->err, ERR_BAD_REQUEST,
                "a person is a JSON object; many go to /api/v1/users/import");
        reply_error(r, &r->err);
        return NULL;
    }
    return j;
}

void api_user_put(struct request *r)
{
    struct user_write *uw = ARENA_NEW(r->a, struct user_write);

    if (person_of(r) == NULL) {
        return;
    }
    *uw = (struct user_write){.id = r->args[0], .status = 200};
    r->user = uw;
    read_kept(r);
}

void api_user_post(struct request *r)
{
    struct user_write *uw = ARENA_NEW(r->a, struct user_write);
    const struct json *j = person_of(r);
    char id[ID_BYTES];

    if (j == NULL) {
        return;
    }
    *uw = (struct user_write){.id = json_get_text(j, "id", r->a), .status = 201, .create = true};
    if (uw->id.n == 0) {
        id_new(id);
        uw->id = arena_dup(r->a, str_of(id));
        json_set_str(r->body, "id", uw->id);
    }
    if (!user_id_check(uw->id, &r->err)) {
        reply_error(r, &r->err);
        return;
    }
    r->user = uw;
    read_kept(r);
}
