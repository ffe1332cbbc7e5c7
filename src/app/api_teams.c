/* api_teams: something said to a team: its members get it, and can answer each other
 * (domain/team.h). */
#include "app_int.h"
#include "domain/team.h"
#include "jobs/engine.h"

struct team_message {
    struct plan plan;
    struct matter *post;
    struct str reply;
};

static void checks(void *ctx, struct commit *c)
{
    idempotency_checks(ctx, c);
}

static void writes(void *ctx, struct commit *c)
{
    struct request *r = ctx;
    struct team_message *tm = r->user;

    audit_write(r, c, "team.message", r->args[0]);
    idempotency_writes(r, c, 202, tm->reply);
}

static void on_kept(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct request *r;
    struct team_message *tm;
    bool done;

    if (!request_resume(ctx, err, &r) || idempotency_answered(r, outcome, &done)) {
        return;
    }
    tm = r->user;
    if (!done) {
        err_set(&r->err, ERR_STORE_CONFLICT, "the message could not be kept; ask again");
        reply_error(r, &r->err);
        return;
    }
    reply_json(r, 202, tm->reply);
}

static bool read_post(struct request *r, const struct json *j, struct team_post *out)
{
    struct str from = json_get_str(j, "from");

    *out = (struct team_post){.team = r->args[0],
                              .name = from.n > 0 ? from : r->who.tenant->conf->name,
                              .text = str_trim(json_get_str(j, "text"))};
    if (out->text.n == 0) {
        err_set(&r->err, ERR_INVALID, "\"text\" is missing or empty");
        return err_member(&r->err, "text");
    }
    if (str_utf8_len(out->text) > TEAM_TEXT_MAX) {
        err_set(&r->err, ERR_INVALID, "\"text\" is longer than %d characters", TEAM_TEXT_MAX);
        return err_member(&r->err, "text");
    }
    if (str_utf8_len(from) > TEAM_FROM_MAX) {
        err_set(&r->err, ERR_INVALID, "\"from\" is longer than %d characters", TEAM_FROM_MAX);
        return err_member(&r->err, "from");
    }
    return true;
}

static void keep(struct request *r, const struct team_post *post)
{
    const struct plan_run run = {checks, writes, on_kept, r};
    struct team_message *tm = r->user;
    char id[ID_BYTES];
    struct buf body;
    struct jw w;

    id_new(id);
    plan_init(&tm->plan, r->a, r->who.tenant, wall_now(), STR_NONE);
    tm->post = team_post_new(r->a, arena_dup(r->a, str_of(id)), post, tm->plan.now);
    plan_matter(&tm->plan, tm->post);
    buf_init(&body, 256);
    jw_init(&w, &body);
    jw_open(&w, NULL, '{');
    jw_z(&w, "id", id);
    jw_z(&w, "state", "queued");
    jw_close(&w, '}');
    tm->reply = arena_dup(r->a, buf_str(&body));
    buf_fini(&body);
    r->pending = engine_run_plan(r->e, r->who.et, &tm->plan, &run);
}

static void on_members(void *ctx, const struct err *err, const struct reply *reply)
{
    struct request *r;
    struct team_post post;

    if (!request_resume(ctx, err, &r)) {
        return;
    }
    if (reply_int(reply) == 0) {
        err_set(&r->err, ERR_NOT_FOUND, "nobody is in the team \"%.*s\"",
                STR_ARG(str_slice(r->args[0], 0, 64)));
        reply_error(r, &r->err);
    } else if (!read_post(r, r->body, &post)) {
        reply_error(r, &r->err);
    } else {
        keep(r, &post);
    }
}

void api_team_post(struct request *r)
{
    struct call call;

    r->user = ARENA_NEW(r->a, struct team_message);
    if (request_json(r) == NULL) {
        return;
    }
    call_init(&call);
    call_str(&call, STR("ZCARD"));
    call_str(&call, tenant_key(r, arena_printf(r->a, "ut:%.*s", STR_ARG(r->args[0])).p));
    r->pending = store_run(engine_store(r->e), &call, on_members, r);
}
