/*
 * api_orders: the gateway's copies of work orders: list, one by number or id, and what hangs
 * on it: its timeline, its files.
 */
#include "app_int.h"
#include "base/log.h"
#include "domain/command.h"
#include "domain/order_store.h"
#include "jobs/metrics.h"

struct order_list {
    struct listing l;
    bool by_status, overdue;
    struct wall now;
    enum order_status status;
    struct str assignee, team, site;
};

static bool order_row(struct request *r, struct listing *l, struct str id, const struct reply *row)
{
    const struct doc doc = {reply_int(reply_at(row, 2)), reply_str(reply_at(row, 3))};
    const struct order_list *list = l->user;
    struct err err = {0};
    struct order *o = ARENA_NEW(l->a, struct order);

    if (doc.version == 0) {
        return false;
    }
    if (!order_open(r->who.tenant, l->a, id, &doc, o, &err)) {
        log_error("work order cannot be shown: its record does not open",
                  LF_STR("tenant", r->who.tenant->id), LF_STR("order", id),
                  LF_Z("reason", err.msg));
        metric_add(METRIC_DAMAGED, 1);
        return false;
    }
    if (o->deleted || (list->by_status && o->status != list->status) ||
        (list->overdue && (!order_is_open(o) || o->due.ms == 0 || o->due.ms >= list->now.ms)) ||
        (list->assignee.n > 0 && !order_assigned_to(o, list->assignee)) ||
        (list->team.n > 0 && !str_eq(o->team_id, list->team)) ||
        (list->site.n > 0 && !str_eq(o->site, list->site))) {
        return false;
    }
    order_write(o, &l->w, NULL);
    return true;
}

void api_order_list(struct request *r)
{
    static const char *const fields[] = {"v", "b", NULL};
    struct order_list *list = ARENA_NEW(r->a, struct order_list);
    struct str status = request_param(r, "status"), overdue = request_param(r, "overdue");

    *list = (struct order_list){.by_status = status.n > 0,
                                .overdue = str_eqz(overdue, "true"),
                                .now = wall_now(),
                                .assignee = request_param(r, "assignee"),
                                .team = request_param(r, "team"),
                                .site = request_param(r, "site")};
    if (status.n > 0 && !order_status_parse(status, &list->status)) {
        err_set(&r->err, ERR_BAD_REQUEST,
                "?status= is \"%.*s\"; it is open, acknowledged, in_progress, on_hold, completed "
                "or cancelled",
                STR_ARG(str_slice(status, 0, 40)));
        err_member(&r->err, "status");
        reply_error(r, &r->err);
        return;
    }
    if (overdue.n > 0 && !list->overdue && !str_eqz(overdue, "false")) {
        err_set(&r->err, ERR_BAD_REQUEST, "?overdue= is true or false, not \"%.*s\"",
                STR_ARG(str_slice(overdue, 0, 40)));
        err_member(&r->err, "overdue");
        reply_error(r, &r->err);
        return;
    }
    list->l = (struct listing){.index = STR("ol"),
                               .order = "score",
                               .prefix = "o:",
                               .fields = fields,
                               .row = order_row,
                               .user = list};
    listing_start(r, &list->l);
}

/* ---- one: by number, else by id ---- */

struct order_get {
    struct str id;
    void (*found)(struct request *r, const struct order *o);
    int64_t from, limit;
};

static void on_order(void *ctx, const struct err *err, const struct doc *docs, size_t n)
{
    struct request *r;
    struct order_get *g;
    struct order *o;
    struct err own = {0};

    (void)n;
    if (!request_resume(ctx, err, &r)) {
        return;
    }
    g = r->user;
    if (docs[0].version == 0) {
        err_set(&r->err, ERR_NOT_FOUND, "there is no work order \"%.*s\"",
                STR_ARG(str_slice(r->args[0], 0, 60)));
        reply_error(r, &r->err);
        return;
    }
    o = ARENA_NEW(r->a, struct order);
    if (!order_open(r->who.tenant, r->a, g->id, &docs[0], o, &own)) {
        reply_error(r, &own);
        return;
    }
    g->found(r, o);
}

static void on_number(void *ctx, const struct err *err, const struct reply *reply)
{
    struct request *r;
    struct order_get *g;
    struct str key;

    if (!request_resume(ctx, err, &r)) {
        return;
    }
    g = r->user;
    g->id = reply_str(reply).n > 0 ? arena_dup(r->a, reply_str(reply)) : r->args[0];
    key = order_key(r->a, g->id);
    r->pending = fetch_run(engine_store(r->e), r->who.tenant->id, &key, 1, on_order, r);
}

static void find(struct request *r, void (*found)(struct request *r, const struct order *o))
{
    struct order_get *g = r->user != NULL ? r->user : ARENA_NEW(r->a, struct order_get);
    struct call call;

    g->found = found;
    r->user = g;
    call_init(&call);
    call_str(&call, STR("HGET"));
    call_str(&call, tenant_key(r, "on"));
    call_str(&call, command_order_canonical(r->a, r->args[0]));
    r->pending = store_run(engine_store(r->e), &call, on_number, r);
}

static void show(struct request *r, const struct order *o)
{
    struct jw w;

    reply_begin(r, &w);
    order_write(o, &w, NULL);
    reply_built(r, 200, &r->out);
}

void api_order_get(struct request *r)
{
    find(r, show);
}

/* ---- what hangs on it ---- */

static bool page(struct request *r)
{
    struct order_get *g = ARENA_NEW(r->a, struct order_get);
    struct str after;

    r->user = g;
    if (!request_limit(r, &g->limit) || !request_cursor(r, &after)) {
        return false;
    }
    if (after.n > 0 && !str_to_i64(after, 0, INT64_MAX / 2, &g->from)) {
        err_set(&r->err, ERR_BAD_REQUEST, "?cursor= is not a next_cursor of this collection");
        err_member(&r->err, "cursor");
        reply_error(r, &r->err);
        return false;
    }
    return true;
}

static void read_timeline(struct request *r, const struct order *o)
{
    const struct order_get *g = r->user;

    if (request_param(r, "export").n > 0) {
        timeline_export(r, g->id, o->number);
    } else {
        timeline_answer(r, g->id, g->from, g->limit);
    }
}

void api_order_timeline(struct request *r)
{
    struct str as = request_param(r, "export");

    if (as.n > 0 && !str_eqz(as, "evidence")) {
        err_set(&r->err, ERR_BAD_REQUEST, "?export= is \"%.*s\"; there is \"evidence\"",
                STR_ARG(str_slice(as, 0, 40)));
        err_member(&r->err, "export");
        reply_error(r, &r->err);
    } else if (page(r)) {
        find(r, read_timeline);
    }
}

static void read_media(struct request *r, const struct order *o)
{
    media_answer(r, o->id);
}

void api_order_media(struct request *r)
{
    find(r, read_media);
}
