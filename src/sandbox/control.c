#include "control.h"

#include <stdio.h>

#include "answer.h"
#include "base/mem.h"
#include "base/text.h"
#include "config.h"
#include "events.h"
#include "faults.h"
#include "hooks.h"
#include "ledger.h"
#include "media.h"
#include "meta.h"
#include "page.h"
#include "say.h"
#include "status.h"
#include "template.h"
#include "twilio.h"

#define INBOUND_MAX    (140u << 20) /* the largest file in base64 */
#define LIST_BYTES_MAX (256u << 20)

static void state_get(struct sandbox *sb, struct http_req *r)
{
    struct buf b;
    struct jw w;

    buf_init(&b, 4u << 20);
    jw_init(&w, &b);
    sandbox_state(sb, &w, false);
    answer_json(r, 200, buf_str(&b));
    buf_fini(&b);
}

static void config_put(struct sandbox *sb, struct http_req *r)
{
    struct json *j = NULL;
    struct err err = {0};
    struct buf b;
    struct jw w;

    if (!json_parse(http_req_body(r), 4u << 20, &j, &err) || !sandbox_configure(sb, j, &err)) {
        json_free(&j);
        answer_problem(r, err.code == ERR_BAD_JSON ? 400 : 422, "%s", err.msg);
        return;
    }
    json_free(&j);
    events_world(sb);
    buf_init(&b, 4u << 20);
    jw_init(&w, &b);
    sandbox_state(sb, &w, true);
    answer_json(r, 200, buf_str(&b));
    buf_fini(&b);
}

static void stats_get(struct sandbox *sb, struct http_req *r)
{
    struct buf b;
    struct jw w;

    buf_init(&b, 1 << 20);
    jw_init(&w, &b);
    jw_open(&w, NULL, '{');
    ledger_stats(sb->ledger, &w);
    hooks_stats(sb->hooks, &w);
    jw_int(&w, "scheduled", (int64_t)sched_len(sb->sched));
    jw_int(&w, "in_flight", sb->in_flight);
    jw_open(&w, "numbers", '[');
    for (size_t i = 0; i < sb->nnumbers; i++) {
        jw_open(&w, NULL, '{');
        jw_z(&w, "number", sb->numbers[i]->id);
        jw_int(&w, "max_in_1s", (int64_t)sb->numbers[i]->second.most);
        jw_int(&w, "max_in_100ms", (int64_t)sb->numbers[i]->tenth.most);
        jw_close(&w, '}');
    }
    jw_close(&w, ']');
    jw_close(&w, '}');
    answer_json(r, 200, buf_str(&b));
    buf_fini(&b);
}

static void faults_get(struct sandbox *sb, struct http_req *r)
{
    struct buf b;
    struct jw w;

    buf_init(&b, 1 << 20);
    jw_init(&w, &b);
    faults_json(sb->faults, &w);
    answer_json(r, 200, buf_str(&b));
    buf_fini(&b);
}

static void faults_put(struct sandbox *sb, struct http_req *r)
{
    struct json *j = NULL;
    struct err err = {0};

    if (!json_parse(http_req_body(r), 1 << 20, &j, &err) || !faults_load(sb->faults, j, &err)) {
        answer_problem(r, err.code == ERR_BAD_JSON ? 400 : 422, "%s", err.msg);
    } else {
        faults_get(sb, r);
    }
    json_free(&j);
}

static void faults_delete(struct sandbox *sb, struct http_req *r)
{
    faults_clear(sb->faults);
    answer_json(r, 204, STR(""));
}

struct query {
    struct str to, direction;
    int64_t after, limit;
};

static bool listed(const struct entry *e, const struct query *q)
{
    bool inbound = str_eqz(q->direction, "in"), all = str_eqz(q->direction, "all");

    return (all || e->inbound == inbound) && (q->to.n == 0 || str_eq(q->to, e->phone));
}

static void messages_get(struct sandbox *sb, struct http_req *r)
{
    const struct pairs *p = http_req_params(r);
    struct query q = {.limit = 1000};
    int64_t seq, tail = 0;
    struct buf b;
    struct jw w;

    if (p == NULL) {
        answer_problem(r, 400, "the query is malformed");
        return;
    }
    q.to = pairs_get(p, STR("to"));
    q.direction = pairs_get(p, STR("direction"));
    str_to_i64(pairs_get(p, STR("after")), 0, INT64_MAX - 1, &q.after);
    str_to_i64(pairs_get(p, STR("limit")), 1, 10000, &q.limit);
    if (str_to_i64(pairs_get(p, STR("tail")), 1, 1000000, &tail) &&
        ledger_next(sb->ledger) - tail - 1 > q.after) {
        q.after = ledger_next(sb->ledger) - tail - 1;
    }
    seq = q.after + 1 > ledger_oldest(sb->ledger) ? q.after + 1 : ledger_oldest(sb->ledger);
    buf_init(&b, LIST_BYTES_MAX);
    jw_init(&w, &b);
    jw_open(&w, NULL, '{');
    jw_open(&w, "items", '[');
    for (; seq < ledger_next(sb->ledger) && q.limit > 0; seq++) {
        struct entry *e = ledger_at(sb->ledger, seq);

        if (e != NULL && listed(e, &q)) {
            entry_json(e, &w, NULL);
            q.limit--;
        }
    }
    jw_close(&w, ']');
    jw_int(&w, "next", seq - 1 > q.after ? seq - 1 : q.after);
    jw_close(&w, '}');
    answer_json(r, 200, buf_str(&b));
    buf_fini(&b);
}

static void messages_delete(struct sandbox *sb, struct http_req *r)
{
    ledger_clear(sb->ledger);
    for (size_t i = 0; i < sb->nnumbers; i++) {
        rate_reset(&sb->numbers[i]->second);
        rate_reset(&sb->numbers[i]->tenth);
    }
    events_world(sb);
    answer_json(r, 204, STR(""));
}

static void message_get(struct sandbox *sb, struct http_req *r, struct str id)
{
    struct entry *e = ledger_find(sb->ledger, id);
    struct buf b;
    struct jw w;

    if (e == NULL) {
        answer_problem(r, 404, "no such message");
        return;
    }
    buf_init(&b, 1 << 20);
    jw_init(&w, &b);
    entry_json(e, &w, NULL);
    answer_json(r, 200, buf_str(&b));
    buf_fini(&b);
}

static void media_get(struct sandbox *sb, struct http_req *r, struct str id)
{
    struct media *m = media_find(sb->media, id);
    struct answer a = {.status = 200};

    if (m == NULL) {
        answer_problem(r, 404, "no such file");
        return;
    }
    a.content_type = m->mime;
    a.body = str_make(m->bytes, m->n);
    a.fields[a.nfields++] = (struct http_field){"X-Content-Type-Options", STR("nosniff")};
    a.fields[a.nfields++] = (struct http_field){"Content-Security-Policy", STR("sandbox")};
    a.fields[a.nfields++] = (struct http_field){"Content-Disposition", STR("inline")};
    answer_now(r, &a);
}

/* POSTs with a small JSON body: parsed here, freed here. */
static void ok(struct http_req *r)
{
    answer_json(r, 200, STR("{\"ok\":true}"));
}

static void read_post(struct sandbox *sb, struct http_req *r, const struct json *j)
{
    size_t n = status_read_all(sb, json_get_str(j, "phone"));

    answer_json(r, 200, arena_printf(http_req_arena(r), "{\"read\":%zu}", n));
}

static void status_post(struct sandbox *sb, struct http_req *r, const struct json *j)
{
    struct entry *e = ledger_find(sb->ledger, json_get_str(j, "id"));
    struct str word = json_get_str(j, "status");

    if (e == NULL) {
        answer_problem(r, 404, "no such message");
        return;
    }
    for (int s = STEP_SENT; s < STEP_COUNT; s++) {
        if (str_eqz(word, step_name((enum status_step)s))) {
            e->fails_with =
                json_get_int(j, "code", e->number->dialect == DIALECT_META ? 131026 : 63024);
            status_force(sb, e, (enum status_step)s);
            ok(r);
            return;
        }
    }
    answer_problem(r, 422, "status is one of sent, delivered, read, failed");
}

static void window_post(struct sandbox *sb, struct http_req *r, const struct json *j)
{
    struct str phone = json_get_str(j, "phone"), to = json_get_str(j, "to");
    bool open = json_get_bool(j, "open", true);

    for (size_t i = 0; i < sb->nnumbers; i++) {
        if (to.n == 0 || number_any(sb, to) == sb->numbers[i]) {
            pair_need(sb, sb->numbers[i], phone)->last_inbound_ms = open ? wall_now().ms : 0;
        }
    }
    ok(r);
}

static void template_post(struct sandbox *sb, struct http_req *r, const struct json *j)
{
    struct str name = json_get_str(j, "name"), language = json_get_str(j, "language");
    struct str reason = json_get_str(j, "reason");
    bool found = false, valid = true;

    for (size_t i = 0; i < template_count(sb->templates); i++) {
        struct template *t = template_at(sb->templates, i);

        if (str_eqz(name, t->name) && (language.n == 0 || str_eqz(language, t->language))) {
            found = true;
            valid =
                template_set_status(sb, t, json_get_str(j, "status"),
                                    reason.n > 0 ? arena_dup(http_req_arena(r), reason).p : NULL);
        }
    }
    if (!found) {
        answer_problem(r, 404, "no such template");
    } else if (!valid) {
        answer_problem(r, 422, "status is none of Meta's words");
    } else {
        ok(r);
    }
}

static void content_post(struct sandbox *sb, struct http_req *r, const struct json *j)
{
    struct content *c = content_find(sb->contents, json_get_str(j, "sid"));

    if (c == NULL) {
        answer_problem(r, 404, "no such content");
    } else if (!content_set_approval(c, json_get_str(j, "status"))) {
        answer_problem(r, 422, "status is none of Twilio's words");
    } else {
        ok(r);
    }
}

struct asker {
    struct wait wait;
    struct op *op;
    char challenge_text[64];
};

static void on_webhook(void *ctx, int status)
{
    struct asker *a = ctx;
    struct http_req *r = wait_take(&a->wait);

    if (r != NULL) {
        answer_json(r, 200, arena_printf(http_req_arena(r), "{\"status\":%d}", status));
    }
    mem_free(&a);
}

static struct number *meta_number_of(struct sandbox *sb, struct http_req *r, const struct json *j)
{
    struct str id = json_get_str(j, "number");

    for (size_t i = 0; i < sb->nnumbers; i++) {
        struct number *n = sb->numbers[i];

        if (n->dialect == DIALECT_META &&
            (id.n == 0 || str_eqz(id, n->id) || str_eqz(id, n->e164))) {
            return n;
        }
    }
    answer_problem(r, 404, "no such Meta number");
    return NULL;
}

static void webhook_post(struct sandbox *sb, struct http_req *r, const struct json *j)
{
    struct number *n = meta_number_of(sb, r, j);
    struct str field = json_get_str(j, "field");
    struct asker *a;
    struct buf b;

    if (n == NULL) {
        return;
    }
    if (field.n == 0 || json_kind(json_get(j, "value")) != JSON_OBJECT) {
        answer_problem(r, 422, "field and value are needed");
        return;
    }
    a = MEM_NEW(struct asker);
    wait_init(&a->wait, r, NULL);
    buf_init(&b, 4u << 20);
    json_dump(json_get(j, "value"), &b);
    meta_hook_value(sb, n, arena_dup(http_req_arena(r), field).p, buf_str(&b), on_webhook, a);
    buf_fini(&b);
}

static void on_handshake(void *ctx, const struct err *err, const struct http_answer *answer)
{
    struct asker *a = ctx;
    struct http_req *r = wait_take(&a->wait);

    if (r != NULL) {
        bool right =
            err == NULL && answer->status == 200 && str_eqz(answer->body, a->challenge_text);

        answer_json(r, 200,
                    arena_printf(http_req_arena(r), "{\"ok\":%s,\"status\":%d}",
                                 right ? "true" : "false", err == NULL ? answer->status : 0));
    }
    mem_free(&a);
}

static void handshake_post(struct sandbox *sb, struct http_req *r, const struct json *j)
{
    struct number *n = meta_number_of(sb, r, j);
    struct asker *a;
    struct buf url;
    struct str token = json_get_str(j, "verify_token");

    if (n == NULL) {
        return;
    }
    a = MEM_NEW(struct asker);
    wait_init(&a->wait, r, NULL);
    snprintf(a->challenge_text, sizeof(a->challenge_text), "%u",
             (unsigned)(sandbox_random(sb) % 2000000000));
    buf_init(&url, 8192);
    buf_addf(&url, "%s?hub.mode=subscribe&hub.challenge=%s&hub.verify_token=", n->inbound_url,
             a->challenge_text);
    percent_add(&url, token.n > 0 ? token : str_of(n->verify_token));
    a->op = hooks_get(sb->hooks, buf_str(&url), on_handshake, a);
    buf_fini(&url);
}

static const struct {
    const char *path;
    void (*post)(struct sandbox *sb, struct http_req *r, const struct json *j);
} posts[] = {
    {"read",      read_post     },
    {"status",    status_post   },
    {"window",    window_post   },
    {"template",  template_post },
    {"content",   content_post  },
    {"webhook",   webhook_post  },
    {"handshake", handshake_post},
};

static const struct {
    const char *method, *path;
    void (*run)(struct sandbox *sb, struct http_req *r);
} routes[] = {
    {"GET",    "state",    state_get      },
    {"GET",    "config",   state_get      },
    {"PUT",    "config",   config_put     },
    {"GET",    "stats",    stats_get      },
    {"GET",    "faults",   faults_get     },
    {"PUT",    "faults",   faults_put     },
    {"DELETE", "faults",   faults_delete  },
    {"GET",    "messages", messages_get   },
    {"DELETE", "messages", messages_delete},
    {"POST",   "inbound",  say_request    },
    {"GET",    "events",   events_open    },
};

static void post(struct sandbox *sb, struct http_req *r, size_t i)
{
    struct json *j = NULL;
    struct err err = {0};
    struct str body = http_req_body(r);

    if (!json_parse(body.n > 0 ? body : STR("{}"), 4u << 20, &j, &err)) {
        answer_problem(r, 400, "%s", err.msg);
        return;
    }
    posts[i].post(sb, r, j);
    json_free(&j);
}

static void control(struct sandbox *sb, struct http_req *r, struct str path)
{
    struct str method = http_req_method(r);
    bool known = false;

    for (size_t i = 0; i < ARRAY_LEN(posts); i++) {
        if (str_eqz(path, posts[i].path)) {
            if (str_eqz(method, "POST")) {
                post(sb, r, i);
                return;
            }
            known = true;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        if (str_eqz(path, routes[i].path)) {
            if (str_eqz(method, routes[i].method)) {
                routes[i].run(sb, r);
                return;
            }
            known = true;
        }
    }
    if (str_starts(path, STR("media/"))) {
        media_get(sb, r, str_slice(path, 6, path.n));
    } else if (str_starts(path, STR("messages/"))) {
        message_get(sb, r, str_slice(path, 9, path.n));
    } else {
        answer_problem(r, known ? 405 : 404, "%.*s is not here", STR_ARG(http_req_path(r)));
    }
}

size_t control_limit(struct http_req *r)
{
    struct str p = http_req_path(r);

    return str_eqz(p, CONTROL "inbound") ? INBOUND_MAX : str_starts(p, STR(CONTROL)) ? 4u << 20 : 1;
}

bool control_route(struct sandbox *sb, struct http_req *r)
{
    struct str p = http_req_path(r);

    if (str_starts(p, STR(CONTROL))) {
        control(sb, r, str_slice(p, sizeof(CONTROL) - 1, p.n));
        return true;
    }
    if (str_eqz(p, "/healthz")) {
        answer_json(r, 200, STR("{\"status\":\"ok\"}"));
        return true;
    }
    return page_route(r);
}
