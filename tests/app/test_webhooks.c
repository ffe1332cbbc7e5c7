/* The providers' paths: handshake, signatures, whose number it is, what is kept, what a person's
 * words lead to. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "world.h"

static struct world *w;

static struct str sign(const char *secret, struct str body)
{
    uint8_t mac[SHA256_BYTES];
    struct buf hex;
    struct str out;

    hmac_sha256(str_of(secret), body, mac);
    buf_init(&hex, 128);
    buf_addz(&hex, "sha256=");
    hex_add(&hex, str_make(mac, sizeof(mac)));
    out = arena_dup(w->a, buf_str(&hex));
    buf_fini(&hex);
    return out;
}

static struct reply_to post(const char *secret, struct str body)
{
    return ask(w, &(struct ask){
                      .method = "POST",
                      .path = "/whatsapp/webhook",
                      .body = body,
                      .extra = {"X-Hub-Signature-256", sign(secret, body).p}
    });
}

/* @tenant: 0 acme, 1 beta: the last digit of the phone number id. */
static struct str words(const char *number_id, const char *wamid, const char *text)
{
    return arena_printf(w->a,
                        "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"1\","
                        "\"changes\":[{\"field\":\"messages\","
                        "\"value\":{\"messaging_product\":\"whatsapp\",\"metadata\":{\"display_"
                        "phone_number\":\"12025550100\","
                        "\"phone_number_id\":\"%s\"},\"contacts\":[{\"profile\":{\"name\":\"M\"},"
                        "\"wa_id\":\"12025550117\"}],"
                        "\"messages\":[{\"from\":\"12025550117\",\"id\":\"%s\",\"timestamp\":\"%"
                        "lld\",\"type\":\"text\","
                        "\"text\":{\"body\":\"%s\"}}]}}]}]}",
                        number_id, wamid, (long long)(wall_now().ms / 1000), text);
}

#define ACME "106540352242920"
#define BETA "106540352242921"

static void test_handshake(void)
{
    static const struct {
        const char *query;
        int status;
    } rows[] = {
        {"hub.mode=subscribe&hub.verify_token=verify&hub.challenge=a%2Db", 200},
        {"hub.mode=subscribe&hub.verify_token=wrong&hub.challenge=ab",     403},
        {"hub.mode=subscribe&hub.challenge=ab",                            403},
        {"hub.mode=other&hub.verify_token=verify&hub.challenge=ab",        403},
        {"hub.verify_token=verify&hub.challenge=ab",                       403},
        {"",                                                               403},
        {"hub.mode=subscribe&hub.verify_token=verify",                     400},
        {"hub.mode=subscribe&hub.verify_token=verify&hub.challenge=a%20b", 400},
        {"hub.mode=subscribe&hub.verify_token=verify&hub.challenge=",      400},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct reply_to r = ask_json(
            w, NOBODY, "GET", arena_printf(w->a, "/whatsapp/webhook?%s", rows[i].query).p, NULL);

        CHECK_INT(rows[i].query, r.status, rows[i].status);
        if (rows[i].status == 200) {
            CHECK_Z("the challenge, decoded", r.body, "a-b");
            CHECK("as text", str_starts(r.type, STR("text/plain")));
        }
    }
}

static void test_signatures(void)
{
    struct str body = words(ACME, "wamid.s1", "HELP");
    const char *good = sign("secret0", body).p;
    struct ask q = {.method = "POST", .path = "/whatsapp/webhook", .body = body};
    struct reply_to r = ask(w, &q);

    check_problem("none", &r, 401, "bad-signature", NULL);
    r = post("wrong", body);
    check_problem("wrong", &r, 401, "bad-signature", NULL);
    q.extra[0] = q.extra[2] = "X-Hub-Signature-256";
    q.extra[1] = q.extra[3] = good;
    r = ask(w, &q);
    check_problem("doubled", &r, 401, "bad-signature", NULL);
    q.extra[2] = NULL;
    q.extra[1] = "sha256=00";
    r = ask(w, &q);
    check_problem("short", &r, 401, "bad-signature", NULL);
    q.extra[1] = good;
    q.body = arena_printf(w->a, "%.*s ", STR_ARG(body));
    r = ask(w, &q);
    check_problem("of another body", &r, 401, "bad-signature", NULL);
    r = post("secret1", body);
    check_problem("with another tenant's secret", &r, 401, "bad-signature", NULL);
    q.body = body;
    r = ask(w, &q);
    CHECK_INT("right", r.status, 200);
}

static void test_kept(void)
{
    struct reply_to r = post("secret0", STR("no JSON at all"));

    CHECK_INT("signed, but no JSON: kept, not repeated for a week", r.status, 200);
    r = post("secret1", words("999", "wamid.u", "x"));
    CHECK_INT("a number that nobody has", r.status, 200);
    CHECK_Z("is kept aside", str_of(redis_fixture_command(w->redis, "EXISTS {acme}:kept")), "1");
    r = post("secret0", STR("{\"object\":\"whatsapp_business_account\",\"entry\":[]}"));
    CHECK_INT("nothing in it", r.status, 200);
}

static void test_too_long(void)
{
    char *big = mem_array((size_t)4300, 1024);
    struct reply_to r;

    memset(big, ' ', (size_t)4300 << 10);
    r = post("secret0", str_make(big, (size_t)4300 << 10));
    check_problem("over 4 MiB", &r, 413, "too-long", NULL);
    mem_free(&big);
}

static void test_twilio_unsigned(void)
{
    static const char *const paths[] = {"/api/whatsappwebhook/incoming",
                                        "/api/whatsappwebhook/status"};

    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct ask q = {.method = "POST",
                        .path = paths[i],
                        .body = STR("AccountSid=AC1&From=whatsapp%3A%2B1202&Body=x"),
                        .type = "application/x-www-form-urlencoded"};
        struct reply_to r = ask(w, &q);

        check_problem(paths[i], &r, 403, "forbidden", NULL);
        q.extra[0] = "X-Twilio-Signature";
        q.extra[1] = "AAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        r = ask(w, &q);
        check_problem(paths[i], &r, 403, "forbidden", NULL);
    }
}

/* From a person's words to the answer on the wire, once however often the webhook comes. */
static void test_answered_once(void)
{
    struct reply_to r = ask_json(w, BETA_CMMS, "POST", "/api/v1/users",
                                 "{\"id\":\"m\",\"phone\":\"+12025550117\",\"verified\":true}");
    struct str body = words(BETA, "wamid.once", "HELP");
    size_t sends, said = 0;

    CHECK_INT("a person", r.status, 201);
    world_run(w, 100);
    sends = w->sends;
    for (int i = 0; i < 3; i++) {
        r = post("secret1", body);
        CHECK_INT("every time", r.status, 200);
    }
    for (int i = 0; i < 300 && w->sends == sends; i++) {
        world_run(w, 10);
    }
    world_run(w, 100);
    CHECK("answered", w->sends > sends);
    r = ask_json(w, BETA_CMMS, "GET", "/api/v1/messages?user=m&limit=500", NULL);
    for (size_t i = 0; i < items(&r); i++) {
        said +=
            str_eqz(json_str(json_path(json_at(json_get(r.j, "items"), i), "priority")), "reply")
                ? 1
                : 0;
    }
    CHECK_INT("once", said, 1);
    r = ask_json(w, ACME_ADMIN, "GET", "/api/v1/messages?user=m", NULL);
    CHECK_INT("in nobody else's log", items(&r), 0);
}

static void check_sender(const char *label, struct reply_to r, const char *sender)
{
    CHECK_INT(label, r.status, 202);
    r = ask_json(w, BETA_CMMS, "GET",
                 arena_printf(w->a, "/api/v1/messages/%.*s", STR_ARG(at(&r, "id"))).p, NULL);
    CHECK_Z(label, at(&r, "sender"), sender);
}

/* What he is told comes from the number he wrote to last, unless the caller names another. */
static void test_sender_he_wrote_to(void)
{
    static const struct {
        const char *label, *body, *sender;
    } rows[] = {
        {"a message",       "{\"to\":{\"user\":\"m\"},\"kind\":\"text\",\"text\":\"a\"}",             "second"},
        {"by his number",   "{\"to\":{\"phone\":\"+12025550117\"},\"kind\":\"text\",\"text\":\"a\"}",
         "second"                                                                                             },
        {"another one",
         "{\"to\":{\"user\":\"m\"},\"kind\":\"text\",\"text\":\"a\",\"sender\":\"main\"}",            "main"  },
        {"who never wrote", "{\"to\":{\"user\":\"n\"},\"kind\":\"text\",\"text\":\"a\"}",             "main"  },
    };
    size_t sends = w->sends;

    ask_json(w, BETA_CMMS, "POST", "/api/v1/users",
             "{\"id\":\"n\",\"phone\":\"+12025550118\",\"verified\":true}");
    CHECK_INT("he writes", post("secret1", words("106540352242927", "wamid.second", "HELP")).status,
              200);
    for (int i = 0; i < 300 && w->sends == sends; i++) {
        world_run(w, 10);
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        check_sender(rows[i].label,
                     ask_json(w, BETA_CMMS, "POST", "/api/v1/messages", rows[i].body),
                     rows[i].sender);
    }
    check_sender(
        "a test",
        ask_json(w, BETA_ADMIN, "POST", "/api/whatsapp/send-test", "{\"to\":\"+12025550117\"}"),
        "second");
}

/* Sends @body signed with @secret; between its head and itself, acme's secret is exchanged, @times. */
static int post_amid_reloads(const char *secret, struct str body, int times)
{
    struct sender *acme = &w->settings->tenants[0].senders[0];
    const struct sender before = *acme;
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)app_port(w->app)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct str head = arena_printf(w->a,
                                   "POST /whatsapp/webhook HTTP/1.1\r\nHost: x\r\n"
                                   "Content-Length: %zu\r\nX-Hub-Signature-256: %s\r\n\r\n",
                                   body.n, sign(secret, body).p);
    int fd = socket(AF_INET, SOCK_STREAM, 0), status = 0;
    char answer[64] = "";
    struct err err = {0};

    CHECK("connected", connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0);
    CHECK("the head", send(fd, head.p, head.n, 0) == (ssize_t)head.n);
    world_run(w, 50);
    for (int i = 0; i < times; i++) {
        acme->app_secret_previous = acme->app_secret;
        acme->app_secret = arena_printf(w->a, "fresh secret %d", i);
        app_reloaded(w->app, &err);
    }
    CHECK("the body", send(fd, body.p, body.n, 0) == (ssize_t)body.n);
    for (int i = 0; i < 200 && recv(fd, answer, sizeof(answer) - 1, MSG_DONTWAIT) <= 0; i++) {
        world_run(w, 10);
    }
    if (strncmp(answer, "HTTP/1.1 ", 9) == 0) {
        status = (int)strtol(answer + 9, NULL, 10);
    }
    close(fd);
    *acme = before;
    app_reloaded(w->app, &err);
    return status;
}

static int post_amid_reload(const char *secret, struct str body)
{
    return post_amid_reloads(secret, body, 1);
}

/* What a request began with is compared with what that was, not with what stands there since. */
static void test_reload_amid_body(void)
{
    CHECK_INT("another tenant's secret does not become ours",
              post_amid_reload("secret1", words(ACME, "wamid.r1", "HELP")), 401);
    CHECK_INT("and its own stays good",
              post_amid_reload("secret1", words(BETA, "wamid.r2", "HELP")), 200);
    CHECK_INT("as does the one that was exchanged",
              post_amid_reload("secret0", words(ACME, "wamid.r3", "HELP")), 200);
}

/* However often: the keys under a webhook on its way do not change. */
static void test_reloads_amid_body(void)
{
    CHECK_INT("twice", post_amid_reloads("secret1", words(BETA, "wamid.r4", "HELP"), 2), 200);
    CHECK_INT("five times", post_amid_reloads("secret1", words(BETA, "wamid.r5", "HELP"), 5), 200);
    CHECK_INT("what was exchanged twice is no more",
              post_amid_reloads("secret0", words(ACME, "wamid.r6", "HELP"), 2), 401);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_handshake),          TEST(test_signatures),      TEST(test_kept),
        TEST(test_too_long),           TEST(test_twilio_unsigned), TEST(test_answered_once),
        TEST(test_sender_he_wrote_to), TEST(test_reload_amid_body),
        TEST(test_reloads_amid_body),
    };
    int code;

    w = world_new();
    code = test_main(argc, argv, tests, ARRAY_LEN(tests));
    world_free(&w);
    return code;
}
