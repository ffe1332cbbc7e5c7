#include "world.h"

#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/embed.h"
#include "base/log.h"
#include "base/mem.h"
#include "domain/order_store.h"
#include "domain/user_store.h"
#include "net/http_server.h"

static struct redis_fixture *redis;

/* ---- the outside ---- */

static struct str between(struct arena *a, struct str s, const char *from, const char *end)
{
    size_t at = str_find(s, str_of(from));
    struct str rest;

    if (at == SIZE_MAX) {
        return STR("");
    }
    rest = str_slice(s, at + strlen(from), s.n);
    at = str_find(rest, str_of(end));
    return arena_dup(a, str_slice(rest, 0, at == SIZE_MAX ? rest.n : at));
}

static void answer(struct world *w, struct http_req *r, const struct act *act, const char *usual)
{
    struct http_field field = {"Retry-After", arena_printf(w->a, "%d", act->retry_after_s)};
    struct http_reply reply = {.status = act->status == 0 ? 200 : act->status,
                               .content_type = "application/json",
                               .fields = &field,
                               .nfields = act->retry_after_s > 0 ? 1 : 0};

    if (act->how == HANG) {
        w->hanging[w->nhanging++ % 64] = r;
        http_req_set_user(r, w);
        return;
    }
    if (act->how != ANSWER) {
        http_req_break(r, act->how == HALF
                              ? STR("HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{\"mess")
                              : STR_NONE);
        return;
    }
    reply.body = str_of(act->body != NULL ? act->body : act->status == 0 ? usual : "{}");
    http_reply(r, &reply);
}

static struct post *note(struct world *w, struct http_req *r, struct post *posts, size_t *n)
{
    struct post *p = &posts[*n < POSTS ? *n : POSTS - 1];

    *p = (struct post){.path = arena_dup(w->a, http_req_path(r)),
                       .body = arena_dup(w->a, http_req_body(r)),
                       .at_ms = mono_now().us / 1000};
    ++*n;
    return p;
}

static void on_meta(struct world *w, struct http_req *r)
{
    struct post *p = note(w, r, w->sent, &w->nsent);
    static const struct act good = {0};
    const struct act *act = w->asends < w->nsends ? &w->sends[w->asends++] : &good;

    p->to = arena_printf(w->a, "+%.*s", STR_ARG(between(w->a, p->body, "\"to\":\"+", "\"")));
    p->text = between(w->a, p->body, "\"body\":\"", "\"");
    p->correlation = between(w->a, p->body, "\"biz_opaque_callback_data\":\"", "\"");
    p->id = arena_printf(w->a, "wamid.T%zu", w->nsent);
    p->answered = act->how == ANSWER;
    answer(w, r, act,
           arena_printf(w->a,
                        "{\"messaging_product\":\"whatsapp\",\"messages\":[{\"id\":\"%.*s\"}]}",
                        STR_ARG(p->id))
               .p);
}

static void on_twilio(struct world *w, struct http_req *r)
{
    struct post *p = note(w, r, w->sent, &w->nsent);
    static const struct act good = {0};
    const struct act *act = w->asends < w->nsends ? &w->sends[w->asends++] : &good;
    struct pairs form = {0};
    struct err err = {0};
    struct str callback;

    form_parse(w->a, p->body, &form, &err);
    p->to = str_slice(pairs_get(&form, STR("To")), 9, 100);
    p->text = pairs_get(&form, STR("Body"));
    callback = pairs_get(&form, STR("StatusCallback"));
    p->correlation = between(w->a, callback, "c=", "&");
    p->id = arena_printf(w->a, "SM%032zu", w->nsent);
    p->answered = act->how == ANSWER;
    answer(w, r, act,
           arena_printf(w->a, "{\"sid\":\"%.*s\",\"status\":\"queued\"}", STR_ARG(p->id)).p);
}

static void on_outside(void *ctx, struct http_req *r)
{
    struct world *w = ctx;
    struct str path = http_req_path(r);
    struct act act = {0};

    if (str_eqz(http_req_method(r), "GET")) {
        w->nprobes++;
        act.status = w->probe_status;
        answer(w, r, &act, "{\"id\":\"1\"}");
    } else if (str_find(http_req_body(r), STR("gateway.system.alert.v1")) != SIZE_MAX) {
        w->nalerts++; /* they come between the others, and are taken */
        answer(w, r, &act, "");
    } else if (str_eqz(path, "/hooks")) {
        note(w, r, w->hooked, &w->nhooked)->id =
            arena_dup(w->a, http_req_header(r, STR("webhook-id")));
        answer(w, r, w->ahooks < w->nhooks ? &w->hooks[w->ahooks++] : &act, "");
    } else if (str_starts(path, STR("/v23.0/"))) {
        on_meta(w, r);
    } else if (str_find(path, STR("/Messages.json")) != SIZE_MAX) {
        on_twilio(w, r);
    } else { /* Content */
        w->ncontent++;
        act.status = w->content_status == 0 ? 201 : w->content_status;
        act.body =
            act.status == 201 ? arena_printf(w->a, "{\"sid\":\"HX%032zu\"}", w->ncontent).p : "{}";
        answer(w, r, &act, "");
    }
}

static void on_headers(void *ctx, struct http_req *r)
{
    (void)ctx;
    (void)r;
}

static void on_gone(void *ctx, struct http_req *r)
{
    struct world *w = ctx;

    for (size_t i = 0; i < 64; i++) {
        w->hanging[i] = w->hanging[i] == r ? NULL : w->hanging[i];
    }
}

static void on_error(void *ctx, const struct err *err, struct buf *headers, struct buf *body)
{
    (void)ctx;
    (void)headers;
    buf_addz(body, err->msg);
}

static const struct http_handler outside = {on_headers, on_outside, on_gone, on_error};

/* ---- start and end ---- */

static void give_up(const char *what, const struct err *err)
{
    printf("world: %s: %s\n", what, err->msg);
    exit(1);
}

static void load_settings(struct world *w, const struct world_options *o)
{
    int port = http_server_port(w->outside);
    char path[300], text[6000];
    struct config_sources from = {.file = path};
    struct err err = {0};
    FILE *f;

    snprintf(path, sizeof(path), "%s/crewline.json", redis_fixture_dir(redis));
    snprintf(
        text, sizeof(text),
        "{\"listen\":[\"127.0.0.1:0\"],\"public_url\":\"http://"
        "gateway.test\",\"allow_private_callbacks\":true,%s"
        "\"master_key\":\"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\","
        "\"tenants\":[{\"id\":\"acme\",\"name\":\"Acme Plant\",\"timezone\":\"Europe/Madrid\",%s"
        "\"default_language\":\"en\",\"senders\":[{\"id\":\"main\",\"provider\":\"meta\","
        "\"number\":\"+12025550100\","
        "\"phone_number_id\":\"106540352242922\",\"access_token\":\"token\",\"app_secret\":"
        "\"secret\","
        "\"verify_token\":\"verify\",\"api_base\":\"http://127.0.0.1:%d\",\"rate_per_second\":0,"
        "\"pair_interval_ms\":0},"
        "{\"id\":\"tw\",\"provider\":\"twilio\",\"number\":\"+12025550177\","
        "\"account_sid\":\"AC0123456789abcdef0123456789abcdef\",\"auth_token\":\"token\","
        "\"api_base\":\"http://127.0.0.1:%d\",\"content_base\":\"http://"
        "127.0.0.1:%d\",\"rate_per_second\":0,"
        "\"pair_interval_ms\":0}]",
        o->config != NULL
            ? o->config
            : "\"delivery\":{\"send_timeout_ms\":400,\"lease_ms\":4000,\"uncertain_hold_ms\":300,"
              "\"uncertain_hold_critical_ms\":150},\"callbacks\":{\"schedule_ms\":[80,160,240],"
              "\"timeout_ms\":400},",
        o->tenant != NULL ? o->tenant : "", port, port, port);
    f = fopen(path, "w");
    fputs(text, f);
    if (!o->no_callbacks) {
        fprintf(f,
                ",\"cmms\":{\"callback_url\":\"http://127.0.0.1:%d/hooks\","
                "\"signing_secret\":\"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3\"}",
                port);
    }
    fputs("}]}", f);
    fclose(f);
    if (!settings_load(&from, &w->settings, &err) || !i18n_new(NULL, &w->i18n, &err)) {
        give_up("settings", &err);
    }
}

static void on_ready(void *ctx)
{
    ((struct world *)ctx)->ready = true;
}

static void on_failed(void *ctx, const struct err *err)
{
    struct world *w = ctx;

    w->failed = err->code;
    snprintf(w->failure, sizeof(w->failure), "%s", err->msg);
}

static void start(struct world *w, bool work)
{
    const struct engine_options o = {.settings = w->settings,
                                     .i18n = w->i18n,
                                     .redis_url = redis_fixture_url(redis),
                                     .work = work,
                                     .on_ready = on_ready,
                                     .on_failed = on_failed,
                                     .ctx = w};
    struct err err = {0};

    w->ready = false;
    w->failed = ERR_NONE;
    if (!engine_new(w->loop, &o, &w->engine, &err)) {
        give_up("engine", &err);
    }
    w->et = engine_tenant_at(w->engine, 0);
}

void world_start(struct world *w)
{
    start(w, true);
    UNTIL(w, "start", w->ready || w->failed != ERR_NONE);
}

static void know(struct world *w)
{
    put_event(w, "p1", "cmms.person.upserted.v1",
              "{\"person\":{\"id\":\"u1\",\"name\":\"Ana\",\"phone\":\"" ANA
              "\",\"verified\":true}}");
    put_event(w, "p2", "cmms.person.upserted.v1",
              "{\"person\":{\"id\":\"u2\",\"name\":\"Ben\",\"phone\":\"" BEN
              "\",\"verified\":true}}");
    UNTIL(w, "people",
          redis_get(w, "EXISTS u:u1")[0] == '1' && redis_get(w, "EXISTS u:u2")[0] == '1');
    for (int i = 0; i < 2; i++) {
        for (int s = 0; s < 2; s++) {
            redis_get(w, "HSET w:%s %s %lld", s == 0 ? "main" : "tw", i == 0 ? "u1" : "u2",
                      (long long)wall_now().ms - 1000);
        }
    }
    UNTIL(w, "idle", idle(w));
}

struct world *world_new(const struct world_options *given)
{
    static const struct world_options usual;
    const struct world_options *o = given != NULL ? given : &usual;
    struct world *w = MEM_NEW(struct world);
    struct err err = {0};

    signal(SIGPIPE, SIG_IGN);
    log_setup(getenv("CREWLINE_TEST_LOG") != NULL ? LOG_DEBUG : LOG_ERROR, LOG_TEXT);
    if (redis == NULL) {
        redis = redis_fixture_new(0, NULL);
    }
    w->redis = redis;
    if (!o->keep_data) {
        redis_fixture_command(redis, "FLUSHALL");
    }
    w->a = arena_new();
    w->loop = loop_new();
    w->outside = http_server_new(w->loop, &http_server_defaults, &outside, w);
    if (!http_server_listen(w->outside, STR("127.0.0.1:0"), NULL, &err)) {
        give_up("outside", &err);
    }
    load_settings(w, o);
    if (!o->no_start) {
        start(w, !o->no_work);
        UNTIL(w, "start", w->ready);
        if (!o->keep_data && !o->no_work) {
            know(w);
        }
    }
    return w;
}

static void on_stopped(void *ctx)
{
    ((struct world *)ctx)->stopped = true;
}

void world_stop(struct world *w, int64_t deadline_ms)
{
    w->stopped = false;
    engine_stop(w->engine, deadline_ms, on_stopped, w);
    UNTIL(w, "stopped", w->stopped);
    engine_free(&w->engine);
}

void world_kill(struct world *w)
{
    engine_free(&w->engine);
}

void world_free(struct world **owner)
{
    struct world *w = *owner;

    engine_free(&w->engine);
    http_server_free(&w->outside);
    loop_free(&w->loop);
    i18n_free(&w->i18n);
    settings_free(&w->settings);
    arena_free(&w->a);
    mem_free(owner);
}

void world_done(void)
{
    redis_fixture_free(&redis);
}

static void on_time(void *ctx)
{
    loop_stop(ctx);
}

void world_run(struct world *w, int64_t ms)
{
    struct timer *t = timer_new(w->loop, on_time, w->loop);

    timer_start(t, ms);
    loop_run(w->loop);
    timer_free(&t);
}

/* ---- Redis ---- */

static const char *run(struct world *w, const char *fmt, va_list ap)
{
    char words[1000], command[1200];
    char *key;

    vsnprintf(words, sizeof(words), fmt, ap);
    key = strchr(words, ' ');
    *key = '\0';
    snprintf(command, sizeof(command), "%s {acme}:%s", words, key + 1);
    return redis_fixture_command(w->redis, command);
}

const char *redis_get(struct world *w, const char *fmt, ...)
{
    const char *got;
    va_list ap;

    va_start(ap, fmt);
    got = run(w, fmt, ap);
    va_end(ap);
    return got;
}

int64_t redis_int(struct world *w, const char *fmt, ...)
{
    int64_t n = 0;
    va_list ap;

    va_start(ap, fmt);
    str_to_i64(str_of(run(w, fmt, ap)), INT64_MIN, INT64_MAX, &n);
    va_end(ap);
    return n;
}

struct str message_state(struct world *w, struct str id)
{
    return arena_dup(w->a, str_of(redis_get(w, "HGET m:%.*s s", STR_ARG(id))));
}

struct str message_timeline(struct world *w, struct str id)
{
    return arena_dup(w->a, str_of(redis_get(w, "HGET m:%.*s tl", STR_ARG(id))));
}

bool idle(struct world *w)
{
    static const char *const queues[] = {"in", "cb", "out:main", "out:tw"};

    for (size_t i = 0; i < ARRAY_LEN(queues); i++) {
        if (strcmp(redis_get(w, "HLEN k:%s", queues[i]), "0") != 0) {
            return false;
        }
        for (int p = 0; p < PRIO_COUNT; p++) {
            if (strcmp(redis_get(w, "ZCARD r:%s:%d", queues[i], p), "0") != 0) {
                return false;
            }
        }
    }
    return true;
}

/* ---- putting in ---- */

static void on_accepted(void *ctx, const struct err *err)
{
    struct world *w = ctx;

    w->accepted++;
    w->accept_code = err == NULL ? ERR_NONE : err->code;
}

static bool allow(void *ctx, const struct sender *s)
{
    (void)ctx;
    (void)s;
    return true;
}

void put_inbound(struct world *w, const struct inbound *in)
{
    struct inbound one = *in;
    const struct inbound_batch batch = {&one, 1};
    int before = w->accepted;

    accept_webhook(w->engine,
                   str_eqz(in->number_id, "+12025550177") ? PROVIDER_TWILIO : PROVIDER_META, &batch,
                   allow, NULL, on_accepted, w);
    UNTIL(w, "webhook", w->accepted > before);
}

void put_text(struct world *w, const char *phone, const char *id, const char *text)
{
    const struct inbound in = {.kind = INBOUND_MESSAGE,
                               .number_id = STR("106540352242922"),
                               .provider_id = str_of(id),
                               .phone = str_of(phone),
                               .at = wall_now(),
                               .type = INBOUND_TEXT,
                               .type_name = STR("text"),
                               .text = str_of(text)};

    put_inbound(w, &in);
}

void put_status(struct world *w, struct str provider_id, struct str correlation,
                enum delivery_state state, int64_t code)
{
    const struct inbound in = {
        .kind = INBOUND_STATUS,
        .number_id = STR("106540352242922"),
        .provider_id = provider_id,
        .phone = STR(ANA),
        .at = wall_now(),
        .state = state,
        .correlation = correlation,
        .error = {code, STR("the provider's words"), STR_NONE}
    };

    put_inbound(w, &in);
}

static void on_event(void *ctx, const struct err *err, enum accept_result result)
{
    struct world *w = ctx;

    w->accepted++;
    w->accept_code = err == NULL ? ERR_NONE : err->code;
    w->accept_result = result;
}

void put_event_text(struct world *w, const char *text)
{
    struct json *j = NULL;
    struct cmms_event event;
    struct err err = {0};
    int before = w->accepted;

    if (!json_parse(str_of(text), 1 << 20, &j, &err) || !cmms_event_parse(w->a, j, &event, &err)) {
        printf("event: %s (%s)\n", err.msg, text);
        exit(1);
    }
    accept_event(w->engine, w->et, &event, str_of(text), on_event, w);
    json_free(&j);
    UNTIL(w, "event", w->accepted > before);
}

void put_event(struct world *w, const char *id, const char *type, const char *data)
{
    put_event_text(
        w, arena_printf(
               w->a,
               "{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"/cmms/acme\",\"type\":\"%s\","
               "\"data\":%s}",
               id, type, data)
               .p);
}

static void on_planned(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct world *w = ctx;

    w->accepted++;
    w->accept_code = err != NULL                    ? err->code
                     : outcome->result == COMMIT_OK ? ERR_NONE
                                                    : ERR_CONFLICT;
}

static void once(void *ctx, struct commit *c)
{
    struct world *w = ctx;
    char id[ID_BYTES];

    id_new(id);
    commit_once(c, arena_dup(w->a, str_of(id)));
}

struct str put_message(struct world *w, const struct message_options *o)
{
    const struct plan_run run = {once, NULL, on_planned, w};
    struct user to = {
        .id = str_of(o->user != NULL ? o->user : "u1"), .phone = STR(ANA), .language = STR("en")};
    struct arena *a = arena_new();
    struct plan *p = ARENA_NEW(a, struct plan);
    struct message *m;
    struct str id;
    int before = w->accepted;

    if (o->strange) {
        to.id = STR("u9");
    }
    plan_init(p, a, engine_tenant(w->et), wall_now(), STR("test"));
    m = plan_message(p, &to, o->buttons ? MESSAGE_BUTTONS : MESSAGE_TEXT);
    m->prio = o->prio;
    m->sender = str_of(o->sender != NULL ? o->sender : "main");
    m->text = str_of(o->text != NULL ? o->text : "hello");
    m->max_sends = o->max_sends;
    m->expires.ms = o->expires_in_ms != 0 ? wall_now().ms + o->expires_in_ms : 0;
    m->order_number = STR("WO-1");
    if (o->buttons) {
        m->options[m->noptions++] =
            (struct message_option){STR("ack:w1"), STR("Acknowledge"), STR_NONE, STR_NONE};
        m->options[m->noptions++] =
            (struct message_option){STR("view:w1"), STR("View"), STR_NONE, STR_NONE};
    }
    id = arena_dup(w->a, m->id);
    engine_run_plan(w->engine, w->et, p, &run);
    UNTIL(w, "message", w->accepted > before);
    CHECK_INT("message kept", w->accept_code, ERR_NONE);
    arena_free(&a);
    return id;
}

/* ---- looking ---- */

struct look {
    bool done;
    struct str text;
    struct arena *a;
    struct doc doc;
};

static void on_doc(void *ctx, const struct err *err, const struct doc *docs, size_t n)
{
    struct look *l = ctx;

    (void)n;
    l->done = true;
    if (err == NULL) {
        l->doc = (struct doc){docs[0].version, arena_dup(l->a, docs[0].body)};
    }
}

static struct doc fetch(struct world *w, struct str key)
{
    struct look l = {.a = w->a};

    fetch_run(engine_store(w->engine), STR("acme"), &key, 1, on_doc, &l);
    UNTIL(w, "fetch", l.done);
    return l.doc;
}

bool get_user(struct world *w, const char *id, struct user *out)
{
    struct doc doc = fetch(w, user_key(w->a, str_of(id)));
    struct err err = {0};

    return doc.version > 0 && user_open(engine_tenant(w->et), w->a, str_of(id), &doc, out, &err);
}

bool get_order(struct world *w, const char *id, struct order *out)
{
    struct doc doc = fetch(w, order_key(w->a, str_of(id)));
    struct err err = {0};

    return doc.version > 0 && order_open(engine_tenant(w->et), w->a, str_of(id), &doc, out, &err);
}

static void on_list(void *ctx, const struct err *err, const struct reply *reply)
{
    struct look *l = ctx;
    struct buf all;

    l->done = true;
    if (err != NULL) {
        return;
    }
    if (reply_kind(reply) != REPLY_LIST) {
        l->text = arena_dup(l->a, reply_str(reply));
        return;
    }
    /* Lengths in front: sealed bytes hold anything. */
    buf_init(&all, 32 << 20);
    for (size_t i = 0; i < reply_len(reply); i++) {
        const struct reply *one = reply_at(reply, i);
        struct str s = reply_kind(one) == REPLY_LIST ? reply_str(reply_at(reply_at(one, 1), 1))
                                                     : reply_str(one);
        uint32_t n = (uint32_t)s.n;

        buf_add(&all, str_make((const char *)&n, sizeof(n)));
        buf_add(&all, s);
    }
    l->text = arena_dup(l->a, buf_str(&all));
    buf_fini(&all);
}

static struct str ask(struct world *w, const char *const *words)
{
    struct look l = {.a = w->a};
    struct call call;

    call_init(&call);
    for (size_t i = 0; words[i] != NULL; i++) {
        call_str(&call, str_of(words[i]));
    }
    store_run(engine_store(w->engine), &call, on_list, &l);
    UNTIL(w, "reply", l.done);
    return l.text;
}

static struct str next_of(struct str *all)
{
    uint32_t n;
    struct str s;

    memcpy(&n, all->p, sizeof(n));
    s = str_slice(*all, sizeof(n), sizeof(n) + n);
    *all = str_slice(*all, sizeof(n) + n, all->n);
    return s;
}

static struct str opened(struct world *w, struct str key, const char *field, struct str sealed)
{
    struct err err = {0};
    struct str text = STR("");

    if (sealed.n == 0 ||
        !vault_open_arena(engine_tenant(w->et)->vault, w->a, key, field, sealed, &text, &err)) {
        return STR("");
    }
    return text;
}

bool has_entry(struct world *w, const char *order, const char *kind, const char *text)
{
    struct str key = arena_printf(w->a, "ot:%s", order);
    const char *const words[] = {"LRANGE", arena_printf(w->a, "{acme}:%.*s", STR_ARG(key)).p, "0",
                                 "-1", NULL};
    struct str all = ask(w, words);
    struct str want = arena_printf(w->a, "\"kind\":\"%s\"", kind);

    while (all.n > 0) {
        struct str entry = opened(w, key, "e", next_of(&all));

        if (str_find(entry, want) != SIZE_MAX && str_find(entry, str_of(text)) != SIZE_MAX) {
            return true;
        }
    }
    return false;
}

struct str stream_event(struct world *w, int64_t sequence)
{
    const char *id = arena_printf(w->a, "%lld-0", (long long)sequence).p;
    const char *const words[] = {"XRANGE", "{acme}:ev", id, id, NULL};
    struct str all = ask(w, words);

    return all.n > 0 ? opened(w, STR("ev"), "b", next_of(&all)) : STR("");
}

int stream_events(struct world *w, const char *type, const char *part)
{
    const char *const words[] = {"XRANGE", "{acme}:ev", "-", "+", NULL};
    struct str all = ask(w, words), want = arena_printf(w->a, "\"type\":\"%s\"", type);
    int n = 0;

    while (all.n > 0) {
        struct str event = opened(w, STR("ev"), "b", next_of(&all));

        n += str_find(event, want) != SIZE_MAX && str_find(event, str_of(part)) != SIZE_MAX;
    }
    return n;
}

int sent_to(struct world *w, const char *phone, const char *part)
{
    int n = 0;

    for (size_t i = 0; i < w->nsent && i < POSTS; i++) {
        n += str_eqz(w->sent[i].to, phone) && str_find(w->sent[i].body, str_of(part)) != SIZE_MAX;
    }
    return n;
}

struct str dead_letter(struct world *w, const char *id)
{
    struct str key = str_of(id != NULL ? id : redis_get(w, "ZRANGE dl 0 0"));
    const char *words[] = {"HGET", NULL, "b", NULL};

    key = arena_printf(w->a, "dl:%.*s", STR_ARG(key));
    words[1] = arena_printf(w->a, "{acme}:%.*s", STR_ARG(key)).p;
    return opened(w, key, "b", ask(w, words));
}
