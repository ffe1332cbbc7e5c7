/* Bodies from strangers: what is taken in before it is known who sends it, and how much in all. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app_int.h"
#include "base/mem.h"
#include "world.h"

#define IMPORT  "/api/v1/users/import"
#define META    "/whatsapp/webhook"
#define TWILIO  "/api/whatsappwebhook/incoming"
#define STATUS  "/api/whatsappwebhook/status"
#define FULL    ((size_t)16 << 20)
#define WEBHOOK ((size_t)4 << 20)
#define ROOM    5 /* of those at once, as world.c has it */
#define MB      ((size_t)1 << 20)
#define WAITS   "Expect: 100-continue\r\n"
#define TWILIOS "X-Twilio-Signature: AA=\r\n"
#define ZEROS   "00000000000000000000000000000000"
#define SIGNED  "X-Hub-Signature-256: sha256=" ZEROS ZEROS "\r\n"

static struct world *w;

/* A client in the same thread: it lets the gateway run while it waits. */

static int dial(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)app_port(w->app)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    CHECK("connected", connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0);
    return fd;
}

/* False when not all of it is taken: nothing went for 300 ms, or the connection broke. */
static bool say(int fd, struct str bytes)
{
    for (int quiet = 0; bytes.n > 0 && quiet < 60;) {
        ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && errno != EAGAIN) {
            return false;
        }
        quiet = n > 0 ? 0 : quiet + 1;
        bytes = str_slice(bytes, n > 0 ? (size_t)n : 0, bytes.n);
        world_run(w, n > 0 ? 0 : 5);
    }
    return bytes.n == 0;
}

/* The beginning of an answer, of up to 6 s; its status, 0 for none. */
static int hear(int fd, char *text, size_t size)
{
    for (int i = 0; i < 1200; i++) {
        ssize_t n = recv(fd, text, size - 1, MSG_DONTWAIT);

        if (n >= 0) {
            text[n] = '\0';
            return n > 12 ? (int)strtol(text + 9, NULL, 10) : 0;
        }
        world_run(w, 5);
    }
    text[0] = '\0';
    return 0;
}

/* @bytes 0: in pieces. */
static struct str head(const char *path, struct str secret, size_t bytes, const char *fields)
{
    struct buf b;
    struct str out;

    buf_init(&b, 4096);
    buf_addf(&b, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n%s", path,
             fields);
    if (secret.n > 0) {
        buf_addf(&b, "Authorization: Bearer %.*s\r\n", STR_ARG(secret));
    }
    if (bytes > 0) {
        buf_addf(&b, "Content-Length: %zu\r\n\r\n", bytes);
    } else {
        buf_addz(&b, "Transfer-Encoding: chunked\r\n\r\n");
    }
    out = arena_dup(w->a, buf_str(&b));
    buf_fini(&b);
    return out;
}

/* What a gauge or a counter of /metrics says. */
static int64_t metric(const char *name)
{
    struct reply_to r = ask_json(w, NOBODY, "GET", "/metrics", NULL);
    struct str line = arena_printf(w->a, "\ncrewline_%s ", name);
    size_t at = str_find(r.body, line);

    return at == SIZE_MAX ? -1 : strtoll(r.body.p + at + line.n, NULL, 10);
}

/* Of the shape of a key, and nobody's. */
static struct str invented(const char *tenant)
{
    struct api_key key;
    struct buf secret;
    struct str out;

    buf_init(&secret, 512);
    api_key_make(w->a, str_of(tenant), STR("nobody's"), KEY_ADMIN, true, &key, &secret);
    out = arena_dup(w->a, buf_str(&secret));
    buf_fini(&secret);
    return out;
}

/* One person, and blanks up to the size of a whole import. */
static struct str full_import(char *body)
{
    static const char text[] = "[{\"id\":\"full\",\"name\":\"A\",\"phone\":\"+34600999001\"}";

    memset(body, ' ', FULL);
    memcpy(body, text, sizeof(text) - 1);
    body[FULL - 1] = ']';
    return str_make(body, FULL);
}

/* Whose key a request bears. */
enum secret { NONE, KNOWN, VIEWER, INVENTED, OF_NO_TENANT };

static struct str secret_of(enum secret whose)
{
    switch (whose) {
    case KNOWN:
        return w->keys[ACME_ADMIN];
    case VIEWER:
        return w->keys[ACME_VIEWER];
    case INVENTED:
        return invented("acme");
    case OF_NO_TENANT:
        return invented("nobody");
    default:
        return STR_NONE;
    }
}

/* Refused at the head: nothing of the body is ever sent. */
static const struct {
    const char *label, *path;
    enum secret whose;
    size_t bytes; /* 0: in pieces */
    const char *fields;
    int status;
    const char *says;
} refused_rows[] = {
    {"an invented key",        IMPORT,           INVENTED,     FULL,        "",                           401, "WWW-Authenticate: Bearer\r\n"},
    {"and waiting for a 100",  IMPORT,           INVENTED,     FULL,        WAITS,                        401, "unauthorized"                },
    {"in pieces",              IMPORT,           INVENTED,     0,           "",                           401, "unauthorized"                },
    {"of no tenant",           IMPORT,           OF_NO_TENANT, FULL,        "",                           401, "unauthorized"                },
    {"a big event",            "/api/v1/events", INVENTED,     MB,          "",                           401, "unauthorized"                },
    {"a key that may not",     IMPORT,           VIEWER,       FULL,        "",                           403, "a viewer key may not do this"},
    {"in pieces, too",         IMPORT,           VIEWER,       0,           "",                           403, "a viewer key may not do this"},
    {"too long",               IMPORT,           KNOWN,        FULL + 1,    "",                           413, "too-long"                    },
    {"Meta, unsigned",         META,             NONE,         WEBHOOK,     "",                           401, "bad-signature"               },
    {"Meta, in pieces",        META,             NONE,         0,           "",                           401, "bad-signature"               },
    {"Meta, no signature",     META,             NONE,         WEBHOOK,     "X-Hub-Signature-256: 0\r\n", 401, "bad-signature"               },
    {"Meta, two of them",      META,             NONE,         WEBHOOK,     SIGNED SIGNED,                401, "bad-signature"               },
    {"Twilio, unsigned",       TWILIO,           NONE,         WEBHOOK,     "",                           403, "forbidden"                   },
    {"Twilio, in pieces",      TWILIO,           NONE,         0,           "",                           403, "forbidden"                   },
    {"Twilio, two signatures", TWILIO,           NONE,         WEBHOOK,     TWILIOS TWILIOS,              403, "forbidden"                   },
    {"Twilio, a status",       STATUS,           NONE,         WEBHOOK,     "",                           403, "forbidden"                   },
    {"Twilio, too long",       TWILIO,           NONE,         WEBHOOK + 1, "",                           413, "too-long"                    },
};

static void test_refused_at_the_head(void)
{
    char text[4096];

    for (size_t i = 0; i < ARRAY_LEN(refused_rows); i++) {
        const char *label = refused_rows[i].label;
        int fd = dial();

        auth_forget(w->app);
        say(fd, head(refused_rows[i].path, secret_of(refused_rows[i].whose), refused_rows[i].bytes,
                     refused_rows[i].fields));
        CHECK_INT(label, hear(fd, text, sizeof(text)), refused_rows[i].status);
        CHECK(label, strstr(text, "application/problem+json") != NULL);
        CHECK(label, strstr(text, refused_rows[i].says) != NULL);
        CHECK(label, strstr(text, "Connection: close\r\n") != NULL);
        close(fd);
    }
}

/* A key that is not known yet holds the body back; Redis that does not answer, for a while. */
static void test_held_for_redis(void)
{
    char *body = mem_new(FULL), text[4096];
    struct str import = full_import(body);
    int fd = dial(), gone = dial();

    auth_forget(w->app);
    redis_fixture_stop(w->redis);
    say(fd, head(IMPORT, w->keys[ACME_ADMIN], FULL, ""));
    CHECK("not all of it is taken", !say(fd, import));
    say(gone, head(IMPORT, w->keys[ACME_ADMIN], FULL, ""));
    world_run(w, 50);
    close(gone);
    world_run(w, 400);
    CHECK_INT("nothing of it is read", metric("http_body_bytes"), 0);
    CHECK_INT("who hung up is gone, the other and who asks are here", metric("http_connections"),
              2);
    CHECK_INT("until it is given up", hear(fd, text, sizeof(text)), 503);
    CHECK("says when to come back", strstr(text, "Retry-After: ") != NULL);
    CHECK("says why", strstr(text, "store-unavailable") != NULL);
    close(fd);
    redis_fixture_cont(w->redis);
    for (int i = 0; i < 300; i++) {
        if (ask_json(w, ACME_ADMIN, "GET", "/api/v1/users", NULL).status == 200) {
            break;
        }
        world_run(w, 20);
    }
    mem_free(&body);
}

/* A key that is good: the import comes in whole. */
static const struct {
    const char *label;
    size_t bytes; /* 0: in pieces */
    bool known, waits;
} full_rows[] = {
    {"at once",                FULL, false, false},
    {"its key known",          FULL, true,  false},
    {"in pieces",              0,    false, false},
    {"waiting for a 100",      FULL, false, true },
    {"waiting, its key known", FULL, true,  true },
    {"in pieces, waiting",     0,    false, true },
};

static void test_full_import(void)
{
    char *body = mem_new(FULL), text[4096];
    struct str import = full_import(body);

    for (size_t i = 0; i < ARRAY_LEN(full_rows); i++) {
        const char *label = full_rows[i].label;
        int fd = dial();

        if (!full_rows[i].known) {
            auth_forget(w->app);
        }
        say(fd,
            head(IMPORT, secret_of(KNOWN), full_rows[i].bytes, full_rows[i].waits ? WAITS : ""));
        if (full_rows[i].waits) {
            CHECK_INT(label, hear(fd, text, sizeof(text)), 100);
        }
        if (full_rows[i].bytes == 0) {
            say(fd, arena_printf(w->a, "%zx\r\n", FULL));
        }
        CHECK(label, say(fd, import));
        if (full_rows[i].bytes == 0) {
            say(fd, STR("\r\n0\r\n\r\n"));
        }
        CHECK_INT(label, hear(fd, text, sizeof(text)), 200);
        CHECK(label, strstr(text, "\"failed\":[]") != NULL);
        close(fd);
    }
    world_run(w, 50);
    CHECK_INT("nothing is left of them", metric("http_body_bytes"), 0);
    mem_free(&body);
}

static int64_t hgets(void)
{
    const char *text = redis_fixture_command(w->redis, "INFO commandstats");
    const char *at = strstr(text, "cmdstat_hget:calls=");

    return at == NULL ? 0 : strtoll(at + strlen("cmdstat_hget:calls="), NULL, 10);
}

/* A body of another kind is refused behind its key, so nothing else is asked of Redis. */
static void test_looked_up_once(void)
{
    static const struct {
        const char *label;
        size_t bytes;
        bool known;
        int64_t asked;
    } rows[] = {
        {"small",                100,        false, 1},
        {"small, its key known", 100,        true,  0},
        {"at the edge",          64 << 10,   false, 1},
        {"big",                  100 * 1024, false, 1},
        {"big, its key known",   100 * 1024, true,  0},
    };
    char *body = mem_new(MB), text[4096];
    int64_t before;
    int fd;

    memset(body, ' ', MB);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct reply_to r;

        if (!rows[i].known) {
            auth_forget(w->app);
        }
        before = hgets();
        r = ask(w, &(struct ask){.who = ACME_ADMIN,
                                 .method = "POST",
                                 .path = "/api/v1/messages",
                                 .type = "text/plain",
                                 .body = str_make(body, rows[i].bytes)});
        CHECK_INT(rows[i].label, r.status, 415);
        CHECK_INT(rows[i].label, hgets() - before, rows[i].asked);
    }
    auth_forget(w->app);
    before = hgets();
    fd = dial();
    say(fd, head("/api/v1/messages", secret_of(KNOWN), 100, ""));
    world_run(w, 50);
    CHECK_INT("small: not before its body", hgets() - before, 0);
    close(fd);
    fd = dial();
    say(fd, head("/api/v1/messages", secret_of(KNOWN), MB, ""));
    for (int i = 0; i < 400 && hgets() == before; i++) {
        world_run(w, 5);
    }
    world_run(w, 50);
    auth_forget(w->app);
    say(fd, str_make(body, MB));
    CHECK_INT("a slow one", hear(fd, text, sizeof(text)), 400);
    CHECK_INT("a slow one", hgets() - before, 1);
    close(fd);
    mem_free(&body);
}

/* Signatures cannot be known before the body: what strangers send together has a limit. */
static void test_budget(void)
{
    char *body = mem_new(WEBHOOK), text[4096];
    struct str most = str_make(body, WEBHOOK - 1);
    int64_t before = metric("http_bodies_refused_total{limit=\"address\"}");
    int fds[ROOM + 1];

    memset(body, ' ', WEBHOOK);
    for (int i = 0; i < ROOM; i++) {
        fds[i] = dial();
        say(fds[i], head(META, STR_NONE, WEBHOOK, SIGNED));
        CHECK("taken in", say(fds[i], most));
    }
    for (int i = 0; i < 400 && metric("http_body_bytes") < ROOM * (int64_t)most.n; i++) {
        world_run(w, 5);
    }
    CHECK_INT("held", metric("http_body_bytes"), ROOM * (int64_t)most.n);
    fds[ROOM] = dial();
    say(fds[ROOM], head(META, STR_NONE, WEBHOOK, SIGNED));
    say(fds[ROOM], most);
    CHECK_INT("over", hear(fds[ROOM], text, sizeof(text)), 503);
    CHECK("says when to come back", strstr(text, "Retry-After: 1\r\n") != NULL);
    CHECK("closes", strstr(text, "Connection: close\r\n") != NULL);
    CHECK("as a problem", strstr(text, "application/problem+json") != NULL &&
                              strstr(text, "problem:overload") != NULL);
    CHECK("in words", strstr(text, "too much is being sent from your address at once") != NULL);
    CHECK_INT("counted", metric("http_bodies_refused_total{limit=\"address\"}"), before + 1);
    CHECK_INT("as that only", metric("http_bodies_refused_total{limit=\"total\"}"), 0);
    CHECK_INT("who sends no body is served",
              ask_json(w, ACME_CMMS, "GET", "/api/v1/users", NULL).status, 200);
    say(fds[0], STR(" "));
    CHECK_INT("wrongly signed, as it turns out", hear(fds[0], text, sizeof(text)), 401);
    for (int i = 0; i <= ROOM; i++) {
        close(fds[i]);
    }
    for (int i = 0; i < 400 && metric("http_body_bytes") > 0; i++) {
        world_run(w, 5);
    }
    CHECK_INT("nothing is left", metric("http_body_bytes"), 0);
    mem_free(&body);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_refused_at_the_head), TEST(test_held_for_redis), TEST(test_full_import),
        TEST(test_looked_up_once),      TEST(test_budget),
    };
    int code;

    w = world_new();
    code = test_main(argc, argv, tests, ARRAY_LEN(tests));
    world_free(&w);
    return code;
}
