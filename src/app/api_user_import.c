/*
 * api_user_import: POST /api/v1/users/import. CHECK the file -> GROUP of rows -> OWNERS of their
 * phones -> READ -> DECIDE and KEEP each -> next group … -> answer. Each step is a short slice of a
 * loop turn. A row that fails is told with its number and stops nobody; only a store that does not
 * answer ends the import, and since every row is an update of what is there, it may be sent again.
 */
#include "app_int.h"
#include "base/mem.h"
#include "domain/consent.h"
#include "domain/plan.h"
#include "domain/user_store.h"
#include "import_rows.h"

#include <stdlib.h>

#define IMPORT_MAGIC  0x1a90500bu
#define GROUP         32
#define SLICE_US      500
#define CHECK_BYTES   ((size_t)128 << 10)
#define FAILURES_TOLD 1000
#define TRIES_MAX     8 /* of a row whose person is being changed */

struct import_failure {
    size_t row;
    struct str error;
};
struct import;
struct import_row {
    struct import *im;
    size_t number;
    struct json *j;
    struct str id, phone;
    struct user *before;
    struct plan plan;
    struct op *pending;
    int tries;
    bool fresh, failed;
};
struct import {
    uint32_t magic;
    struct request *r;
    struct import_source src;
    struct arena *a; /* of the group */
    struct import_row rows[GROUP];
    size_t n, decided, waiting;
    size_t held; /* rows behind them that have to wait for what these change */
    struct json *carry; /* a row that has to wait for an earlier one of the same person */
    size_t carry_number;
    void (*step)(struct import *im);
    struct timer *timer;
    size_t checked;
    int64_t created, updated, failed;
    struct import_failure *failures;
    struct err err;
};

static void import_drop(struct request *r)
{
    struct import *im = r->user;

    op_cancel(&r->pending);
    for (size_t i = 0; i < GROUP; i++) {
        op_cancel(&im->rows[i].pending);
        json_free(&im->rows[i].j);
    }
    json_free(&im->carry);
    timer_free(&im->timer);
    arena_free(&im->a);
    r->on_gone = NULL;
}

static void end_badly(struct import *im, const struct err *err)
{
    struct request *r = im->r;
    struct err own = *err;

    import_drop(r);
    reply_error(r, &own);
}

static void on_turn(void *ctx)
{
    struct import *im = obj_check(ctx, IMPORT_MAGIC);

    im->step(im);
}

static void in_another_turn(struct import *im, void (*step)(struct import *im))
{
    im->step = step;
    timer_start(im->timer, 0);
}

static void fail_row(struct import *im, size_t number, const struct err *why)
{
    struct arena *a = im->r->a;
    bool named = why->member[0] != '\0' && strncmp(why->msg, why->member, strlen(why->member)) != 0;

    if (++im->failed <= FAILURES_TOLD) {
        im->failures[im->failed - 1] =
            (struct import_failure){number, named ? arena_printf(a, "%s: %s", why->member, why->msg)
                                                  : arena_dup(a, str_of(why->msg))};
    }
}

/* They are found out in several steps of a group; people read them in the order of the file. */
static int by_row(const void *a, const void *b)
{
    size_t x = ((const struct import_failure *)a)->row, y = ((const struct import_failure *)b)->row;

    return x < y ? -1 : x > y;
}

static void write_failures(struct import *im, struct jw *w)
{
    size_t n = im->failed < FAILURES_TOLD ? (size_t)im->failed : FAILURES_TOLD;

    qsort(im->failures, n, sizeof(im->failures[0]), by_row);
    jw_open(w, "failed", '[');
    for (size_t i = 0; i < n; i++) {
        jw_open(w, NULL, '{');
        jw_int(w, "row", (int64_t)im->failures[i].row);
        jw_str(w, "error", im->failures[i].error);
        jw_close(w, '}');
    }
    jw_close(w, ']');
}

static void answer(struct import *im)
{
    struct request *r = im->r;
    struct str subject =
        arena_printf(r->a, "%lld created, %lld updated, %lld failed", (long long)im->created,
                     (long long)im->updated, (long long)im->failed);
    struct jw w;

    reply_begin(r, &w);
    jw_open(&w, NULL, '{');
    jw_int(&w, "created", im->created);
    jw_int(&w, "updated", im->updated);
    write_failures(im, &w);
    if (im->failed > FAILURES_TOLD) {
        jw_int(&w, "failed_total", im->failed); /* the list ends with its first thousand */
    }
    jw_close(&w, '}');
    import_drop(r);
    idempotency_close(r, 200, buf_str(&r->out), "user.import", subject);
}

static void take_group(struct import *im);

/* ---- decide and keep ---- */

static void group_done(struct import *im)
{
    if (im->err.code != ERR_NONE) {
        end_badly(im, &im->err);
        return;
    }
    in_another_turn(im, take_group);
}

static void row_done(struct import *im)
{
    im->waiting--;
    if (im->waiting == 0 && im->decided == im->n) {
        group_done(im);
    }
}

static void read_again(struct import_row *row);

static void on_row_kept(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct import_row *row = ctx;
    struct import *im = row->im;
    struct err moved = {0};

    row->pending = NULL;
    if (err == NULL && outcome->result == COMMIT_CONFLICT && ++row->tries < TRIES_MAX) {
        read_again(row);
        return;
    }
    if (err != NULL && err_retry(err->code)) {
        im->err = *err;
    } else if (err != NULL) {
        fail_row(im, row->number, err);
    } else if (outcome->result == COMMIT_OK || outcome->result == COMMIT_DUPLICATE) {
        im->created += row->fresh ? 1 : 0;
        im->updated += row->fresh ? 0 : 1;
    } else {
        err_set(&moved, ERR_STORE_CONFLICT,
                "this person was changed by somebody else at the same time; import the row again");
        fail_row(im, row->number, &moved);
    }
    row_done(im);
}

static void row_once(void *ctx, struct commit *c)
{
    struct import_row *row = ctx;
    char id[ID_BYTES];

    id_new(id);
    commit_once(c, arena_printf(row->im->a, "q:%s", id));
}

/* False: it fails, and nothing is on its way. */
static bool decide_row(struct import *im, struct import_row *row)
{
    const struct plan_run run = {row_once, NULL, on_row_kept, row};
    struct request *r = im->r;
    struct err err = {0};

    plan_init(&row->plan, im->a, r->who.tenant, wall_now(), STR_NONE);
    if (!user_change(&row->plan, row->j, row->id, row->before, &row->fresh, &err)) {
        fail_row(im, row->number, &err);
        return false;
    }
    if (row->before != NULL) {
        consent_withdraw(&row->plan, row->plan.users[0], row->before);
    }
    row->pending = engine_run_plan(r->e, r->who.et, &row->plan, &run);
    return true;
}

static bool open_before(struct import *im, struct import_row *row, const struct doc *doc,
                        struct err *err)
{
    row->before = doc->version > 0 ? ARENA_NEW(im->a, struct user) : NULL;
    return row->before == NULL ||
           user_open(im->r->who.tenant, im->a, row->id, doc, row->before, err);
}

static void on_row_read(void *ctx, const struct err *err, const struct doc *docs, size_t n)
{
    struct import_row *row = ctx;
    struct import *im = row->im;
    struct err own = {0};

    (void)n;
    row->pending = NULL;
    if (err != NULL) {
        im->err = *err;
    } else if (!open_before(im, row, &docs[0], &own)) {
        fail_row(im, row->number, &own);
    } else if (decide_row(im, row)) {
        return;
    }
    row_done(im);
}

/* He spoke meanwhile, or another row of this group was of him too. */
static void read_again(struct import_row *row)
{
    struct import *im = row->im;
    struct str key = user_key(im->a, row->id);

    row->pending = fetch_run(engine_store(im->r->e), im->r->who.tenant->id, &key, 1, on_row_read,
                             row);
}

static void decide(struct import *im)
{
    int64_t began = mono_now().us;

    while (im->decided < im->n && mono_now().us - began < SLICE_US) {
        struct import_row *row = &im->rows[im->decided++];

        if (!row->failed && decide_row(im, row)) {
            im->waiting++;
        }
    }
    if (im->decided < im->n) {
        in_another_turn(im, decide);
    } else if (im->waiting == 0) {
        group_done(im);
    }
}

/* ---- what is kept ---- */

static void fail_in_group(struct import *im, struct import_row *row, const struct err *why)
{
    row->failed = true;
    fail_row(im, row->number, why);
}

static void on_people(void *ctx, const struct err *err, const struct doc *docs, size_t n)
{
    struct import *im = obj_check(ctx, IMPORT_MAGIC);
    size_t at = 0;

    (void)n;
    im->r->pending = NULL;
    if (err != NULL) {
        end_badly(im, err);
        return;
    }
    for (size_t i = 0; i < im->n; i++) {
        struct import_row *row = &im->rows[i];
        struct err own = {0};

        if (row->failed) {
            continue;
        }
        if (!open_before(im, row, &docs[at], &own)) {
            fail_in_group(im, row, &own);
        }
        at++;
    }
    decide(im);
}

static void read_people(struct import *im)
{
    struct str keys[GROUP];
    size_t n = 0;

    for (size_t i = 0; i < im->n; i++) {
        if (!im->rows[i].failed) {
            keys[n++] = user_key(im->a, im->rows[i].id);
        }
    }
    if (n == 0) {
        im->decided = im->n;
        group_done(im);
        return;
    }
    im->r->pending =
        fetch_run(engine_store(im->r->e), im->r->who.tenant->id, keys, n, on_people, im);
}

/* A row without an id is the person with its phone, or a new one. */
static void settle_id(struct import *im, struct import_row *row, struct str owner)
{
    char id[ID_BYTES];
    struct err err = {0};

    if (row->id.n == 0 && owner.n > 0) {
        row->id = arena_dup(im->a, owner);
    } else if (row->id.n == 0) {
        id_new(id);
        row->id = arena_dup(im->a, str_of(id));
    } else if (owner.n > 0 && !str_eq(owner, row->id)) {
        err_set(&err, ERR_CONFLICT, "the phone is that of person \"%.*s\"", STR_ARG(owner));
        err_member(&err, "phone");
        fail_in_group(im, row, &err);
    }
}

/* Does a row before the @nth take its phone from the person who has it now? */
static bool gives_up(const struct import *im, size_t nth, struct str owner)
{
    for (size_t i = 0; i < nth; i++) {
        const struct import_row *row = &im->rows[i];

        if (!row->failed && str_eq(row->id, owner) && json_get(row->j, "phone") != NULL &&
            !str_eq(row->phone, im->rows[nth].phone)) {
            return true;
        }
    }
    return false;
}

static void on_owners(void *ctx, const struct err *err, const struct reply *reply)
{
    struct import *im = obj_check(ctx, IMPORT_MAGIC);
    size_t at = 0;

    im->r->pending = NULL;
    if (err != NULL) {
        end_badly(im, err);
        return;
    }
    for (size_t i = 0; i < im->n; i++) {
        struct str owner = im->rows[i].phone.n > 0 ? reply_str(reply_at(reply, at++)) : STR_NONE;

        if (owner.n > 0 && gives_up(im, i, owner)) {
            im->held = im->n - i;
            im->n = i;
        } else {
            settle_id(im, &im->rows[i], owner);
        }
    }
    read_people(im);
}

static void find_owners(struct import *im)
{
    struct request *r = im->r;
    struct call call;
    size_t n = 0;

    call_init(&call);
    call_str(&call, STR("HMGET"));
    call_str(&call, tenant_key(r, "ux"));
    for (size_t i = 0; i < im->n; i++) {
        if (im->rows[i].phone.n > 0) {
            call_str(&call, phone_hash(r, im->a, im->rows[i].phone));
            n++;
        }
    }
    if (n > 0) {
        r->pending = store_run(engine_store(r->e), &call, on_owners, im);
        return;
    }
    call_fini(&call);
    for (size_t i = 0; i < im->n; i++) {
        settle_id(im, &im->rows[i], STR_NONE);
    }
    read_people(im);
}

/* ---- a group of rows ---- */

static bool same_person(const struct import *im, struct str id, struct str phone)
{
    for (size_t i = 0; i < im->n; i++) {
        if ((id.n > 0 && str_eq(id, im->rows[i].id)) ||
            (phone.n > 0 && str_eq(phone, im->rows[i].phone))) {
            return true;
        }
    }
    return false;
}

/* False: it has to wait for the next group. Takes @j. */
static bool add_row(struct import *im, struct json *j, size_t number)
{
    struct str id = json_get_text(j, "id", im->a), phone = STR_NONE;
    struct err err = {0};

    if (id.n > 0 && !user_id_check(id, &err)) {
        fail_row(im, number, &err);
        json_free(&j);
        return true;
    }
    if (!user_phone_parse(im->a, json_get_str(j, "phone"), &phone)) {
        phone = STR_NONE; /* user_change() says what is wrong with it */
    }
    if (same_person(im, id, phone)) {
        im->carry = j;
        im->carry_number = number;
        return false;
    }
    im->rows[im->n++] =
        (struct import_row){.im = im, .number = number, .j = j, .id = id, .phone = phone};
    return true;
}

/* With the rows that had to wait: none of them is of the same person as another, but the last may be. */
static void begin_group(struct import *im)
{
    struct json *j = im->carry;
    size_t first = im->n, end = im->n + im->held;

    for (size_t i = 0; i < first; i++) {
        json_free(&im->rows[i].j);
    }
    arena_reset(im->a);
    im->n = im->decided = im->held = 0;
    im->carry = NULL;
    for (size_t i = first; i < end; i++) {
        struct json *row = im->rows[i].j;

        im->rows[i].j = NULL;
        add_row(im, row, im->rows[i].number);
    }
    if (j != NULL) {
        add_row(im, j, im->carry_number);
    }
}

static void take_group(struct import *im)
{
    int64_t began = mono_now().us;
    enum import_took took = IMPORT_ROW;
    struct json *j;

    begin_group(im);
    while (im->n < GROUP && im->carry == NULL && took != IMPORT_DONE && mono_now().us - began < SLICE_US) {
        struct err err = {0};

        j = NULL;
        took = import_next(&im->src, im->a, &j, &err);
        if (took == IMPORT_BAD_ROW) {
            fail_row(im, im->src.row, &err);
        } else if (took == IMPORT_ROW && !add_row(im, j, im->src.row)) {
            break;
        }
    }
    if (im->n > 0) {
        find_owners(im);
    } else if (took == IMPORT_DONE) {
        answer(im);
    } else {
        in_another_turn(im, take_group);
    }
}

/* ---- the file ---- */

static void check_file(struct import *im)
{
    struct err err = {0};

    if (import_check(&im->src, &im->checked, CHECK_BYTES, &err)) {
        take_group(im);
    } else if (err.code != ERR_NONE) {
        end_badly(im, &err);
    } else {
        in_another_turn(im, check_file);
    }
}

static bool file_kind(struct request *r, bool *csv)
{
    struct str type, rest, body = str_trim(http_req_body(r->http));

    str_cut(http_req_header(r->http, STR("Content-Type")), ';', &type, &rest);
    type = str_trim(type);
    if (str_ieq(type, STR("application/json")) || str_ieq(type, STR("text/csv")) ||
        str_ieq(type, STR("text/plain"))) {
        *csv = !str_ieq(type, STR("application/json"));
        return true;
    }
    *csv = body.n == 0 || body.p[0] != '[';
    if (type.n == 0 || str_ieq(type, STR("application/octet-stream"))) {
        return true;
    }
    err_set(&r->err, ERR_MEDIA_TYPE,
            "the file is \"%.*s\"; an import takes application/json or text/csv", STR_ARG(type));
    reply_error(r, &r->err);
    return false;
}

static void begin(struct request *r)
{
    struct import *im;
    bool csv;

    if (!file_kind(r, &csv)) {
        return;
    }
    im = ARENA_NEW(r->a, struct import);
    *im = (struct import){.magic = IMPORT_MAGIC, .r = r};
    if (!import_open(r->a, http_req_body(r->http), csv, &im->src, &r->err)) {
        reply_error(r, &r->err);
        return;
    }
    im->a = arena_new();
    im->timer = timer_new(r->app->loop, on_turn, im);
    im->failures = ARENA_ARRAY(r->a, struct import_failure, FAILURES_TOLD);
    r->user = im;
    r->on_gone = import_drop;
    check_file(im);
}

void api_user_import(struct request *r)
{
    idempotency_open(r, begin);
}
