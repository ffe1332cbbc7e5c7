#include "browser.h"

#include <stdio.h>

static struct world *w;

void browser_use(struct world *world)
{
    w = world;
}

const struct tenant *tenant_at(size_t i)
{
    return engine_tenant(engine_tenant_at(w->engine, i));
}

void person(enum who who, const char *id, const char *more)
{
    const char *body = arena_printf(w->a, "{\"id\":\"%s\",\"verified\":true%s}", id, more).p;

    CHECK_INT(id, ask_json(w, who, "POST", "/api/v1/users", body).status, 201);
}

struct reply_to user_read(enum who who, const char *id)
{
    return ask_json(w, who, "GET", arena_printf(w->a, "/api/v1/users/%s", id).p, NULL);
}

const char *link_of(size_t t, const char *id, int64_t ms)
{
    struct str token = link_token(w->a, tenant_at(t), LINK_SETTINGS, str_of(id),
                                  (struct wall){wall_now().ms + ms});

    return arena_printf(w->a, SETTINGS "?token=%.*s", STR_ARG(token)).p;
}

struct reply_to browser_get(const struct browser *b, const char *path)
{
    return ask(
        w,
        &(struct ask){
            .method = "GET", .path = path, .accept = "text/html", .extra = {"Cookie", b->cookie}
    });
}

const char *between(struct str text, const char *from, const char *to)
{
    size_t i = str_find(text, str_of(from));
    struct str rest = i == SIZE_MAX ? STR_NONE : str_slice(text, i + strlen(from), text.n);
    size_t end = str_find(rest, str_of(to));

    return end == SIZE_MAX ? "" : arena_dup(w->a, str_slice(rest, 0, end)).p;
}

struct browser browser_opened(size_t t, const char *id)
{
    static int64_t times; /* a link is known by its end: two of one millisecond would be one */
    struct browser b = {.cookie = "", .token = ""};
    struct reply_to r = browser_get(&b, link_of(t, id, 60000 + times++));
    struct str cookie, rest;

    CHECK_INT(id, r.status, 200);
    str_cut(r.cookie, ';', &cookie, &rest);
    b.cookie = arena_dup(w->a, cookie).p;
    b.token = between(r.body, "name=\"csrf_token\" value=\"", "\"");
    CHECK(id, b.token[0] != '\0');
    return b;
}

struct reply_to browser_post(const struct browser *b, const char *form)
{
    return ask(w, &(struct ask){
                      .method = "POST",
                      .path = SETTINGS,
                      .type = FORM,
                      .accept = "text/html",
                      .body = arena_printf(w->a, "csrf_token=%s&%s", b->token, form),
                      .extra = {"Cookie", b->cookie, "Origin", ORIGIN}
    });
}

struct reply_to browser_json(const struct browser *b, const char *body)
{
    return ask(w, &(struct ask){
                      .method = "POST",
                      .path = SETTINGS,
                      .body = str_of(body),
                      .extra = {"Cookie", b->cookie, "Origin", ORIGIN, "X-CSRF-Token", b->token}
    });
}

bool has(struct str text, const char *part)
{
    return str_find(text, str_of(part)) != SIZE_MAX;
}

bool is_on(const struct reply_to *r, const char *cls)
{
    const char *path = arena_printf(w->a, "preferences.classes.%s", cls).p;

    return json_as_bool(json_path(r->j, path), false);
}

size_t events_of(enum who who, const char *type, const char *id)
{
    struct reply_to r = ask_json(w, who, "GET", "/api/v1/outbox", NULL);
    size_t n = 0;

    for (size_t i = 0; i < items(&r); i++) {
        const struct json *e = json_at(json_get(r.j, "items"), i);

        n += str_eqz(json_get_str(e, "type"), type) &&
             str_eqz(json_str(json_path(e, "data.person.id")), id);
    }
    return n;
}

static void on_redis(void *ctx, const struct err *err, const struct reply *reply)
{
    struct redis_answer *a = ctx;

    a->done = true;
    a->text =
        arena_dup(w->a, reply_str(reply_kind(reply) == REPLY_LIST ? reply_at(reply, 0) : reply));
    a->n = err == NULL ? reply_int(reply) : -1;
}

struct redis_answer redis(const char *what, struct str key, const char *more, const char *most)
{
    struct redis_answer answer = {0};
    struct call call;

    call_init(&call);
    call_str(&call, str_of(what));
    call_str(&call, key);
    if (more != NULL) {
        call_str(&call, str_of(more));
    }
    if (most != NULL) {
        call_str(&call, str_of(most));
    }
    store_run(engine_store(w->engine), &call, on_redis, &answer);
    while (!answer.done) {
        world_run(w, 2);
    }
    return answer;
}
