/* api_alerts: critical alerts: how each stands, whom it called, who responded and how soon. */
#include "app_int.h"
#include "base/log.h"
#include "domain/alert.h"
#include "jobs/metrics.h"

struct alert_list {
    struct listing l;
    bool by_state;
    enum alert_state state;
};

/* An alert from its document; false: it does not open. */
static bool open_alert(struct request *r, struct arena *a, struct str id, const struct doc *doc,
                       struct alert *out, struct err *err)
{
    struct str ref = matter_ref(a, MATTER_ALERT, id);
    struct matter m;

    return matter_open(r->who.tenant, a, ref, doc, &m, err) && alert_decode(a, m.body, out, err);
}

static bool alert_row(struct request *r, struct listing *l, struct str id, const struct reply *row)
{
    const struct doc doc = {reply_int(reply_at(row, 2)), reply_str(reply_at(row, 3))};
    const struct alert_list *list = l->user;
    struct alert *al = ARENA_NEW(l->a, struct alert);
    struct err err = {0};

    if (doc.version == 0) {
        return false;
    }
    if (!open_alert(r, l->a, id, &doc, al, &err)) {
        log_error("alert cannot be shown: its record does not open",
                  LF_STR("tenant", r->who.tenant->id), LF_STR("alert", id),
                  LF_Z("reason", err.msg));
        metric_add(METRIC_DAMAGED, 1);
        return false;
    }
    if (list->by_state && al->state != list->state) {
        return false;
    }
    alert_write(al, &l->w, NULL, false);
    return true;
}

void api_alert_list(struct request *r)
{
    static const char *const fields[] = {"v", "b", NULL};
    struct alert_list *list = ARENA_NEW(r->a, struct alert_list);
    struct str state = request_param(r, "state");

    *list = (struct alert_list){.by_state = state.n > 0};
    if (state.n > 0 && !alert_state_parse(state, &list->state)) {
        err_set(&r->err, ERR_BAD_REQUEST,
                "?state= is \"%.*s\"; it is open, responded, unanswered or cleared",
                STR_ARG(str_slice(state, 0, 40)));
        err_member(&r->err, "state");
        reply_error(r, &r->err);
        return;
    }
    list->l = (struct listing){.index = STR("ya"),
                               .order = "score",
                               .prefix = "y:a:",
                               .fields = fields,
                               .row = alert_row,
                               .user = list};
    listing_start(r, &list->l);
}

static void on_alert(void *ctx, const struct err *err, const struct doc *docs, size_t n)
{
    struct request *r;
    struct alert *al;
    struct err own = {0};
    struct jw w;

    (void)n;
    if (!request_resume(ctx, err, &r)) {
        return;
    }
    if (docs[0].version == 0) {
        err_set(&r->err, ERR_NOT_FOUND, "there is no alert \"%.*s\"",
                STR_ARG(str_slice(r->args[0], 0, 60)));
        reply_error(r, &r->err);
        return;
    }
    al = ARENA_NEW(r->a, struct alert);
    if (!open_alert(r, r->a, r->args[0], &docs[0], al, &own)) {
        reply_error(r, &own);
        return;
    }
    reply_begin(r, &w);
    alert_write(al, &w, NULL, true);
    reply_built(r, 200, &r->out);
}

void api_alert_get(struct request *r)
{
    struct str key;

    if (!matter_id_ok(r->args[0])) {
        err_set(&r->err, ERR_NOT_FOUND, "an alert's id is 1 to 128 bytes without blanks and '|'");
        reply_error(r, &r->err);
        return;
    }
    key = matter_key(r->a, matter_ref(r->a, MATTER_ALERT, r->args[0]));
    r->pending = fetch_run(engine_store(r->e), r->who.tenant->id, &key, 1, on_alert, r);
}
