#include "world.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "domain/api_key.h"
#include "fake/pass.h"

#define KEPT_JSON 8192

static struct json *kept[KEPT_JSON];
static size_t nkept;

/* ---- the outside: a CMMS and Meta ---- */

/* Meta's list has the one template that tests make, while it is there. */
static void on_templates(struct world *w, struct http_req *r)
{
    static const char one[] =
        "{\"data\":[{\"id\":\"555\",\"name\":\"pump_report\",\"language\":\"en_US\",\"status\":"
        "\"PENDING\",\"category\":\"UTILITY\",\"components\":[{\"type\":\"BODY\",\"text\":\"Pump "
        "{{1}} is on "
        "again.\"},{\"type\":\"BUTTONS\",\"buttons\":[{\"type\":\"QUICK_REPLY\",\"text\":"
        "\"Thanks\"}]}]}]}";
    struct http_reply reply = {.status = 200, .content_type = "application/json"};

    if (str_eqz(http_req_method(r), "POST")) {
        w->templates += str_find(http_req_body(r), STR("pump_report")) != SIZE_MAX;
        reply.body = STR("{\"id\":\"555\",\"status\":\"PENDING\",\"category\":\"UTILITY\"}");
    } else if (str_eqz(http_req_method(r), "DELETE")) {
        w->templates_deleted++;
        w->templates = 0;
        reply.body = STR("{\"success\":true}");
    } else {
        reply.body = w->templates > 0 ? str_of(one) : STR("{\"data\":[]}");
    }
    http_reply(r, &reply);
}

static void on_outside(void *ctx, struct http_req *r)
{
    struct world *w = ctx;
    struct str path = http_req_path(r);
    struct http_reply reply = {.status = w->cmms_status, .content_type = "application/json"};
    char body[200];

    if (str_ends(path, STR("/message_templates"))) {
        on_templates(w, r);
        return;
    }
    if (str_starts(path, STR("/v23.0/"))) {
        reply.status = w->meta_status;
        w->sends += w->meta_status == 200 ? 1 : 0;
        snprintf(body, sizeof(body),
                 w->meta_status == 200 ? "{\"messages\":[{\"id\":\"wamid.T%zu\"}]}"
                                       : "{\"error\":{\"message\":\"token\",\"code\":190}}",
                 w->sends);
    } else {
        w->posts += w->watch != NULL && str_find(http_req_body(r), str_of(w->watch)) != SIZE_MAX;
        snprintf(body, sizeof(body), "{\"reason\":\"not now\"}");
    }
    reply.body = str_of(body);
    http_reply(r, &reply);
}

static void on_outside_headers(void *ctx, struct http_req *r)
{
    (void)ctx;
    (void)r;
}

static void on_outside_error(void *ctx, const struct err *err, struct buf *headers,
                             struct buf *body)
{
    (void)ctx;
    (void)headers;
    buf_addz(body, err->msg);
}

static const struct http_handler outside = {on_outside_headers, on_outside, on_outside_headers,
                                            on_outside_error};

/* ---- start ---- */

static void write_config(struct world *w, const char *path)
{
    int port = http_server_port(w->outside);
    FILE *f = fopen(path, "w");

    fprintf(f,
            "{\"listen\":[\"127.0.0.1:0\"],\"public_url\":\"http://"
            "gateway.test\",\"allow_private_callbacks\":true,"
            "\"bootstrap_key\":\"bootstrap-key-of-the-tests\",\"redis_url\":\"%.*s\","
            "\"master_key\":\"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\","
            "\"callbacks\":{\"schedule_ms\":[4000,300],\"timeout_ms\":2000},"
            "\"http\":{\"connections_per_address\":0,\"body_bytes_per_address\":20971520},"
            "\"tenants\":[",
            STR_ARG(redis_fixture_url(w->redis)));
    for (int i = 0; i < 2; i++) {
        fprintf(f,
                "%s{\"id\":\"%s\",\"name\":\"%s "
                "Plant\",\"timezone\":\"Europe/Madrid\",\"default_language\":\"en\","
                "\"senders\":[{\"id\":\"main\",\"provider\":\"meta\",\"number\":\"+1202555010%d\","
                "\"phone_number_id\":\"10654035224292%d\",\"access_token\":\"token\",\"app_"
                "secret\":\"secret%d\",%s"
                "\"verify_token\":\"verify\",\"api_base\":\"http://"
                "127.0.0.1:%d\",\"rate_per_second\":0,"
                "\"pair_interval_ms\":0}",
                i > 0 ? "," : "", i == 0 ? "acme" : "beta", i == 0 ? "Acme" : "Beta", i, i, i,
                i == 0 ? "\"business_account_id\":\"10229012934039\"," : "", port);
        if (i == 1) {
            fprintf(f,
                    ",{\"id\":\"second\",\"provider\":\"meta\",\"number\":\"+12025550107\","
                    "\"phone_number_id\":\"106540352242927\",\"access_token\":\"token\","
                    "\"app_secret\":\"secret1\",\"verify_token\":\"verify\",\"api_base\":\"http://"
                    "127.0.0.1:%d\",\"rate_per_second\":0,\"pair_interval_ms\":0}",
                    port);
        }
        fprintf(f, "]");
        if (i == 0) {
            fprintf(f,
                    ",\"cmms\":{\"callback_url\":\"http://127.0.0.1:%d/hooks\","
                    "\"signing_secret\":\"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3\"}",
                    port);
        }
        fprintf(f, "}");
    }
    fprintf(f, "]}");
    fclose(f);
}

static void load_settings(struct world *w)
{
    char path[300];
    struct config_sources from = {.file = path};
    struct err err = {0};

    snprintf(path, sizeof(path), "%s/crewline.json", redis_fixture_dir(w->redis));
    write_config(w, path);
    if (!settings_load(&from, &w->settings, &err) || !i18n_new(NULL, &w->i18n, &err)) {
        printf("settings: %s\n", err.msg);
        exit(1);
    }
}

static void on_ready(void *ctx)
{
    ((struct world *)ctx)->ready = true;
}

static void on_failed(void *ctx, const struct err *err)
{
    (void)ctx;
    printf("engine: %s\n", err->msg);
    exit(1);
}

static void on_key_kept(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    (void)outcome;
    if (err != NULL) {
        printf("key: %s\n", err->msg);
        exit(1);
    }
    ++*(int *)ctx;
}

static void make_keys(struct world *w)
{
    static const struct {
        enum who who;
        const char *tenant;
        unsigned role;
    } keys[] = {
        {ACME_ADMIN,  "acme", KEY_ADMIN },
        {ACME_CMMS,   "acme", KEY_CMMS  },
        {ACME_VIEWER, "acme", KEY_VIEWER},
        {BETA_ADMIN,  "beta", KEY_ADMIN },
        {BETA_CMMS,   "beta", KEY_CMMS  },
        {BETA_VIEWER, "beta", KEY_VIEWER},
    };
    int done = 0;

    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        struct commit *c = commit_new(str_of(keys[i].tenant));
        struct api_key key;
        struct buf secret;

        buf_init(&secret, 512);
        api_key_make(w->a, str_of(keys[i].tenant), STR("of the tests"), keys[i].role, true, &key,
                     &secret);
        w->keys[keys[i].who] = arena_dup(w->a, buf_str(&secret));
        buf_fini(&secret);
        commit_once(c, key.id);
        api_key_put(&key, c);
        commit_run(engine_store(w->engine), &c, on_key_kept, &done);
    }
    while (done < (int)ARRAY_LEN(keys)) {
        world_run(w, 5);
    }
}

struct world *world_new(void)
{
    struct world *w = MEM_NEW(struct world);
    struct http_client_options ho = {.connections_per_host_max = 16, .user_agent = "tests"};
    struct err err = {0};
    struct engine_options o;

    signal(SIGPIPE, SIG_IGN);
    log_setup(getenv("CREWLINE_TEST_LOG") != NULL ? LOG_DEBUG : LOG_ERROR, LOG_TEXT);
    w->a = arena_new();
    w->cmms_status = w->meta_status = 200;
    w->loop = loop_new();
    w->redis = redis_fixture_new(0, NULL);
    w->outside = http_server_new(w->loop, &http_server_defaults, &outside, w);
    if (!http_server_listen(w->outside, STR("127.0.0.1:0"), NULL, &err)) {
        printf("outside: %s\n", err.msg);
        exit(1);
    }
    load_settings(w);
    w->app = app_new(w->loop, w->settings, w->i18n);
    if (!app_listen(w->app, &err)) {
        printf("app: %s\n", err.msg);
        exit(1);
    }
    o = (struct engine_options){.settings = w->settings,
                                .i18n = w->i18n,
                                .redis_url = w->settings->redis_url,
                                .work = true,
                                .on_ready = on_ready,
                                .on_failed = on_failed,
                                .ctx = w};
    if (!engine_new(w->loop, &o, &w->engine, &err)) {
        printf("engine: %s\n", err.msg);
        exit(1);
    }
    w->client = http_client_new(w->loop, &ho);
    while (!w->ready) {
        world_run(w, 5);
    }
    make_keys(w);
    app_serve(w->app, w->engine);
    return w;
}

void world_free(struct world **owner)
{
    struct world *w = *owner;

    app_free(&w->app);
    engine_free(&w->engine);
    http_client_free(&w->client);
    http_server_free(&w->outside);
    loop_free(&w->loop);
    i18n_free(&w->i18n);
    settings_free(&w->settings);
    redis_fixture_free(&w->redis);
    for (size_t i = 0; i < nkept; i++) {
        json_free(&kept[i]);
    }
    nkept = 0;
    arena_free(&w->a);
    mem_free(owner);
}

void world_run(struct world *w, int64_t ms)
{
    loop_pass(w->loop, ms);
}

void world_kept(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    (void)outcome;
    *(int *)ctx = err == NULL ? 1 : -1;
}

void world_emit(struct world *w, const char *tenant, const char *subject)
{
    struct engine_tenant *et = engine_tenant_find(w->engine, str_of(tenant));
    struct plan_run run = {NULL, NULL, world_kept, NULL};
    struct plan p;
    int done = 0;

    run.ctx = &done;
    plan_init(&p, w->a, engine_tenant(et), wall_now(), STR("cause"));
    plan_event(&p, "gateway.workorder.acknowledged.v1", str_of(subject),
               STR("{\"workorder\":{\"number\":\"1\"}}"), STR_NONE);
    engine_run_plan(w->engine, et, &p, &run);
    while (done == 0) {
        world_run(w, 2);
    }
}

/* ---- requests ---- */

struct flight {
    struct world *w;
    struct op *op;
    struct reply_to reply;
    struct mono began;
    bool done, waited_for;
};

static struct str header(struct world *w, const struct http_answer *a, const char *name)
{
    return arena_dup(w->a, pairs_get(&a->headers, str_of(name)));
}

static void on_done(void *ctx, const struct err *err, const struct http_answer *answer)
{
    struct flight *f = ctx;
    struct reply_to *r = &f->reply;

    f->op = NULL;
    f->done = true;
    r->ms = (mono_now().us - f->began.us) / 1000;
    if (err != NULL) {
        r->err = *err;
    } else {
        r->status = answer->status;
        r->body = arena_dup(f->w->a, answer->body);
        r->type = header(f->w, answer, "content-type");
        r->allow = header(f->w, answer, "allow");
        r->cache = header(f->w, answer, "cache-control");
        r->policy = header(f->w, answer, "content-security-policy");
        r->nosniff = header(f->w, answer, "x-content-type-options");
        r->retry_after = header(f->w, answer, "retry-after");
        r->location = header(f->w, answer, "location");
        r->cookie = header(f->w, answer, "set-cookie");
        r->referrer = header(f->w, answer, "referrer-policy");
        r->disposition = header(f->w, answer, "content-disposition");
        if (r->body.n > 0 && (r->body.p[0] == '{' || r->body.p[0] == '[') && nkept < KEPT_JSON &&
            json_parse(r->body, (size_t)32 << 20, &r->j, NULL)) {
            kept[nkept++] = r->j;
        }
    }
    if (f->waited_for) {
        loop_stop(f->w->loop);
    }
}

struct flight *ask_begin(struct world *w, const struct ask *q)
{
    struct flight *f = MEM_NEW(struct flight);
    struct pair headers[10];
    size_t n = 0;
    const char *type = q->type != NULL ? q->type : q->body.n > 0 ? "application/json" : NULL;
    struct http_call call;

    *f = (struct flight){.w = w, .began = mono_now()};
    if (q->bearer != NULL || q->who != NOBODY) {
        struct str secret = q->bearer != NULL ? str_of(q->bearer) : w->keys[q->who];

        headers[n++] =
            (struct pair){STR("Authorization"), arena_printf(w->a, "Bearer %.*s", STR_ARG(secret))};
    }
    if (type != NULL) {
        headers[n++] = (struct pair){STR("Content-Type"), str_of(type)};
    }
    if (q->key != NULL) {
        headers[n++] = (struct pair){STR("Idempotency-Key"), str_of(q->key)};
    }
    if (q->accept != NULL) {
        headers[n++] = (struct pair){STR("Accept"), str_of(q->accept)};
    }
    for (size_t i = 0; i + 1 < ARRAY_LEN(q->extra) && q->extra[i] != NULL; i += 2) {
        headers[n++] = (struct pair){str_of(q->extra[i]), str_of(q->extra[i + 1])};
    }
    call = (struct http_call){
        .method = q->method,
        .url = arena_printf(w->a, "http://127.0.0.1:%d%s", app_port(w->app), q->path),
        .headers = headers,
        .nheaders = n,
        .body = q->body,
        .timeout_ms = 60000,
        .response_bytes_max = (size_t)32 << 20};
    f->op = http_call_start(w->client, &call, on_done, f);
    return f;
}

bool flight_done(const struct flight *f)
{
    return f->done;
}

struct reply_to ask_end(struct world *w, struct flight **owner)
{
    struct flight *f = *owner;
    struct reply_to r;

    f->waited_for = true;
    while (!f->done) {
        loop_run(w->loop);
    }
    r = f->reply;
    mem_free(owner);
    return r;
}

void ask_drop(struct flight **owner)
{
    op_cancel(&(*owner)->op);
    mem_free(owner);
}

struct reply_to ask(struct world *w, const struct ask *q)
{
    struct flight *f = ask_begin(w, q);

    return ask_end(w, &f);
}

struct reply_to ask_json(struct world *w, enum who who, const char *method, const char *path,
                         const char *body)
{
    const struct ask q = {.who = who, .method = method, .path = path, .body = str_of(body)};

    return ask(w, &q);
}

struct str in_days(struct world *w, int days)
{
    char text[WALL_TEXT_BYTES];

    return arena_dup(w->a,
                     str_of(wall_format((struct wall){wall_now().ms + days * 86400000LL}, text)));
}

struct str at(const struct reply_to *r, const char *path)
{
    return json_str(json_path(r->j, path));
}

int64_t at_int(const struct reply_to *r, const char *path)
{
    return json_as_int(json_path(r->j, path), -1);
}

size_t items(const struct reply_to *r)
{
    return json_len(json_get(r->j, "items"));
}

void check_problem(const char *label, const struct reply_to *r, int status, const char *slug,
                   const char *member)
{
    char want[96];

    CHECK_INT(label, r->status, status);
    if (r->status != status) {
        printf("    %.*s\n", STR_ARG(str_slice(r->body, 0, 300)));
    }
    CHECK_Z(label, r->type, "application/problem+json");
    CHECK_Z(label, r->nosniff, "nosniff");
    CHECK_Z(label, r->cache, "no-store");
    CHECK_INT(label, at_int(r, "status"), status);
    CHECK(label, at(r, "title").n > 0 && at(r, "detail").n > 0);
    if (slug != NULL) {
        snprintf(want, sizeof(want), "urn:crewline:problem:%s", slug);
        CHECK_Z(label, at(r, "type"), want);
    }
    if (member != NULL) {
        CHECK_Z(label, at(r, "member"), member);
    }
}
