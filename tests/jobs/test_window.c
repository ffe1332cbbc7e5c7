/* Outside the 24-hour window: which template a message goes by, what waits for the person's next
 * word, how that wait ends, and what is learned when a provider says otherwise. */
#include "world.h"

#include "approvals.h"

#define WABA     "102290129340398"
#define ACCOUNT  TWILIO_ACCOUNT
#define UPDATED  TEMPLATE_UPDATED
#define E(code)  "{\"error\":{\"message\":\"m\",\"code\":" #code "}}"
#define EVENTS   "gateway.message.status_changed.v1"
#define FAR_AWAY ((int64_t)3600 * 1000)

static void state(struct world *w, const char *account, const char *name, const char *language,
                  enum template_status status)
{
    const struct template_state s = {
        .status = status, .id = STR("HX0123456789abcdef0123456789abcdef"), .at = wall_now()};

    approvals_know(w->et, str_of(account), approval_key(w->a, str_of(name), str_of(language)), &s);
}

/* What the first look at the accounts finds out must not come between. */
static struct world *inside(void)
{
    struct world *w = world_new(NULL);

    UNTIL(w, "looked", redis_int(w, "HEXISTS ts at") == 1 && redis_int(w, "EXISTS tl") == 0);
    return w;
}

/* He wrote a day and more ago. */
static struct world *outside(void)
{
    struct world *w = inside();

    for (int i = 0; i < 2; i++) {
        redis_get(w, "HSET w:%s u1 %lld", i == 0 ? "main" : "tw",
                  (long long)wall_now().ms - 25 * 3600 * 1000);
    }
    return w;
}

static struct str put(struct world *w, const char *sender, const char *form, const char *text,
                      int64_t expires_in_ms)
{
    return put_message(w, &(struct message_options){.prio = PRIO_NORMAL,
                                                    .sender = sender,
                                                    .form = form,
                                                    .text = text,
                                                    .expires_in_ms = expires_in_ms});
}

static bool body_has(const struct world *w, size_t i, const char *text)
{
    return i < w->nsent && str_find(w->sent[i].body, str_of(text)) != SIZE_MAX;
}

static bool line(struct world *w, struct str id, const char *text)
{
    return str_find(message_timeline(w, id), str_of(text)) != SIZE_MAX;
}

static bool waits(struct world *w, struct str id)
{
    return line(w, id, "held") && idle(w);
}

/* ---- by template ---- */

static const struct {
    const char *label;
    enum template_status en, es;
    const char *by; /* language it goes by; NULL: it waits */
} choices[] = {
    {"its own language",              TEMPLATE_APPROVED, TEMPLATE_APPROVED, "en_US"},
    {"rejected: another language",    TEMPLATE_REJECTED, TEMPLATE_APPROVED, "es"   },
    {"paused: another language",      TEMPLATE_PAUSED,   TEMPLATE_APPROVED, "es"   },
    {"pending is not approved",       TEMPLATE_PENDING,  TEMPLATE_DISABLED, NULL   },
    {"nothing is known of it at all", TEMPLATE_UNKNOWN,  TEMPLATE_UNKNOWN,  NULL   },
};

static void test_choice(void)
{
    for (size_t i = 0; i < ARRAY_LEN(choices); i++) {
        struct world *w = outside();
        const char *by = choices[i].by != NULL ? choices[i].by : "en_US";
        struct str id;

        state(w, WABA, UPDATED, "en_US", choices[i].en);
        state(w, WABA, UPDATED, "es", choices[i].es);
        state(w, WABA, TEMPLATE_WAITING, "en_US", TEMPLATE_APPROVED);
        id = put(w, "main", UPDATED, "hello", 0);
        UNTIL(w, choices[i].label, w->nsent == 1 && idle(w));
        CHECK(choices[i].label, body_has(w, 0, choices[i].by != NULL ? UPDATED : TEMPLATE_WAITING));
        CHECK(choices[i].label, body_has(w, 0, arena_printf(w->a, "\"code\":\"%s\"", by).p));
        CHECK_Z(choices[i].label, message_state(w, id), choices[i].by != NULL ? "sent" : "sending");
        CHECK(choices[i].label, line(w, id, choices[i].by != NULL ? "as template" : "held"));
        CHECK("what it says", choices[i].by == NULL || body_has(w, 0, "Replace bearing"));
        world_free(&w);
    }
}

/* Inside the window nothing of that counts; Twilio sends by the sid. */
static void test_inside_and_twilio(void)
{
    struct world *w = inside();
    struct str id;

    state(w, ACCOUNT, UPDATED, "en_US", TEMPLATE_APPROVED);
    id = put(w, "tw", UPDATED, "hello", 0);
    UNTIL(w, "sent", str_eqz(message_state(w, id), "sent"));
    CHECK_Z("as it is", w->sent[0].text, "hello");
    redis_get(w, "DEL w:tw");
    id = put(w, "tw", UPDATED, "hello", 0);
    UNTIL(w, "sent", str_eqz(message_state(w, id), "sent"));
    CHECK("by its sid", body_has(w, 1, "ContentSid=HX0123456789abcdef0123456789abcdef"));
    CHECK("with its values",
          body_has(w, 1, "Replace+bearing") || body_has(w, 1, "Replace%20bearing"));
    world_free(&w);
}

/* ---- held and released ---- */

static void test_released(void)
{
    struct world *w = outside();
    struct str first, second;

    state(w, WABA, TEMPLATE_WAITING, "en_US", TEMPLATE_APPROVED);
    first = put(w, "main", NULL, "the first", 0);
    UNTIL(w, "first", waits(w, first));
    second = put(w, "main", NULL, "the second", 0);
    UNTIL(w, "second", waits(w, second));
    CHECK_INT("asked once", w->nsent, 1);
    CHECK("about the order", body_has(w, 0, "WO-1"));
    CHECK_INT("no attempt", redis_int(w, "HGET m:%.*s n", STR_ARG(first)), 0);
    world_stop(w, 1000);
    world_start(w);
    put_text(w, ANA, "wamid.A", "STATUS");
    UNTIL(w, "released",
          str_eqz(message_state(w, first), "sent") && str_eqz(message_state(w, second), "sent") &&
              idle(w));
    CHECK("both arrived", sent_to(w, ANA, "the first") == 1 && sent_to(w, ANA, "the second") == 1);
    for (size_t i = 0, at = 0; i < w->nsent; i++) {
        bool one = str_eqz(w->sent[i].text, "the first");

        CHECK("in order", !str_eqz(w->sent[i].text, "the second") || at == 1);
        at += one ? 1 : 0;
    }
    CHECK_INT("nothing waits", redis_int(w, "EXISTS hx"), 0);
    CHECK_INT("nobody is asked", redis_int(w, "HLEN hg:main"), 0);
    CHECK_INT("no failure told", stream_events(w, EVENTS, ""), 0);
    world_free(&w);
}

/* A webhook that comes a day late is answered by what knows of no later word of his. The question
 * that was put for it is not needed; nor does it stand for the one that is, another day.
 */
static void test_question_not_needed(void)
{
    struct world *w = inside();
    const struct inbound in = {.kind = INBOUND_MESSAGE,
                               .number_id = STR("106540352242922"),
                               .provider_id = STR("wamid.LATE"),
                               .phone = STR(ANA),
                               .at = {wall_now().ms - 25 * 3600 * 1000},
                               .type = INBOUND_TEXT,
                               .type_name = STR("text"),
                               .text = STR("STATUS")};
    struct str id;

    state(w, WABA, TEMPLATE_WAITING, "en_US", TEMPLATE_APPROVED);
    put_inbound(w, &in);
    UNTIL(w, "answered", w->nsent == 1 && idle(w));
    CHECK("as it is", !body_has(w, 0, TEMPLATE_WAITING));
    CHECK_INT("nobody is asked", redis_int(w, "HLEN hg:main"), 0);
    redis_get(w, "HSET w:main u1 %lld", (long long)wall_now().ms - 25 * 3600 * 1000);
    id = put(w, "main", NULL, "hello", 0);
    UNTIL(w, "held", waits(w, id));
    CHECK("he is asked", w->nsent == 2 && body_has(w, 1, TEMPLATE_WAITING));
    world_free(&w);
}

/* What waits goes before what was accepted after the word came, though that is in the lane first.
 */
static void test_order_kept(void)
{
    struct world *w = outside();
    struct str held, late;

    state(w, WABA, TEMPLATE_WAITING, "en_US", TEMPLATE_APPROVED);
    held = put(w, "main", NULL, "early", 0);
    UNTIL(w, "held", waits(w, held));
    late = put_message(w, &(struct message_options){.prio = PRIO_NORMAL, .text = "late"});
    put_text(w, ANA, "wamid.A", "STATUS");
    UNTIL(w, "sent", str_eqz(message_state(w, late), "sent") && idle(w));
    CHECK_Z("both", message_state(w, held), "sent");
    for (size_t i = 0; i < w->nsent && !str_eqz(w->sent[i].text, "early"); i++) {
        CHECK("early first", !str_eqz(w->sent[i].text, "late"));
    }
    world_free(&w);
}

static void test_no_form(void)
{
    struct world *w = outside();
    struct str id = put(w, "main", UPDATED, "hello", 0);

    UNTIL(w, "failed", str_eqz(message_state(w, id), "failed") && idle(w));
    CHECK("why", line(w, id, "24-hour window"));
    CHECK("which", line(w, id, UPDATED));
    CHECK_INT("nothing was sent", w->nsent, 0);
    CHECK_INT("told", stream_events(w, EVENTS, "\"state\":\"failed\""), 1);
    world_free(&w);
}

/* ---- the end of a wait ---- */

static void test_expires(void)
{
    struct world *w = outside();
    struct str id, other;

    state(w, WABA, TEMPLATE_WAITING, "en_US", TEMPLATE_APPROVED);
    id = put(w, "main", NULL, "soon over", 300);
    UNTIL(w, "held", waits(w, id));
    other = put(w, "main", NULL, "not yet", FAR_AWAY);
    UNTIL(w, "held", waits(w, other));
    UNTIL(w, "expired", str_eqz(message_state(w, id), "expired"));
    CHECK("why", line(w, id, "expired while it waited"));
    CHECK_Z("the other one waits on", message_state(w, other), "sending");
    UNTIL(w, "told", stream_events(w, EVENTS, "\"state\":\"expired\"") == 1);
    put_text(w, ANA, "wamid.A", "STATUS");
    UNTIL(w, "released", str_eqz(message_state(w, other), "sent") && idle(w));
    CHECK_INT("not the expired one", sent_to(w, ANA, "soon over"), 0);
    world_free(&w);
}

/* Nobody answers for seven days; here the end of the wait is brought near. */
static void test_nobody_answers(void)
{
    struct world *w = outside();
    struct str id;

    state(w, WABA, TEMPLATE_WAITING, "en_US", TEMPLATE_APPROVED);
    id = put(w, "main", NULL, "hello", 0);
    UNTIL(w, "held", waits(w, id));
    CHECK("seven days", redis_int(w, "ZCOUNT hx %lld +inf",
                                  (long long)wall_now().ms + 7 * 86400000 - 60000) == 1);
    redis_get(w, "ZADD hx 1 out:main\n2u1\n%.*s", STR_ARG(id));
    redis_get(w, "ZREMRANGEBYSCORE hx 2 +inf");
    UNTIL(w, "failed", str_eqz(message_state(w, id), "failed"));
    CHECK("why", line(w, id, "for 7 days"));
    UNTIL(w, "told", stream_events(w, EVENTS, "\"state\":\"failed\"") == 1);
    CHECK_INT("the next is asked anew", redis_int(w, "HLEN hg:main"), 0);
    world_free(&w);
}

/* It was handed over without an answer while the window was open: at the end of the wait nobody
 * knows whether it arrived, as before. */
static void test_unknown_stays_unknown(void)
{
    struct world *w = inside();
    struct str id;

    state(w, WABA, TEMPLATE_WAITING, "en_US", TEMPLATE_APPROVED);
    w->sends[w->nsends++] = (struct act){.how = RESET};
    id = put(w, "main", NULL, "hello", 0);
    UNTIL(w, "uncertain", str_eqz(message_state(w, id), "uncertain"));
    redis_get(w, "HSET w:main u1 %lld", (long long)wall_now().ms - 25 * 3600 * 1000);
    UNTIL(w, "held", waits(w, id));
    redis_get(w, "ZADD hx 1 out:main\n2u1\n%.*s", STR_ARG(id));
    redis_get(w, "ZREMRANGEBYSCORE hx 2 +inf");
    UNTIL(w, "told", stream_events(w, EVENTS, "") == 1);
    CHECK_INT("as it is", stream_events(w, EVENTS, "\"state\":\"uncertain\""), 1);
    CHECK_Z("it stays so", message_state(w, id), "uncertain");
    CHECK("why", line(w, id, "for 7 days"));
    CHECK_INT("a dead letter", redis_int(w, "ZCARD dl"), 1);
    put_status(w, STR("wamid.late"), w->sent[0].correlation, DELIVERY_DELIVERED, 0);
    UNTIL(w, "late evidence counts", str_eqz(message_state(w, id), "delivered"));
    world_free(&w);
}

/* The question itself is refused for the person: what waits ends, with that reason. */
static void test_cannot_be_asked(void)
{
    struct world *w = outside();
    struct str id;

    state(w, WABA, TEMPLATE_WAITING, "en_US", TEMPLATE_APPROVED);
    w->sends[w->nsends++] = (struct act){.status = 400, .body = E(131026)};
    id = put(w, "main", NULL, "hello", 0);
    UNTIL(w, "failed", str_eqz(message_state(w, id), "failed"));
    CHECK("why", line(w, id, "could not be delivered"));
    CHECK_INT("asked once", w->nsent, 1);
    world_free(&w);
}

/* ---- the provider says otherwise ---- */

static void test_learned(void)
{
    struct world *w = outside();
    struct str id;

    state(w, WABA, UPDATED, "en_US", TEMPLATE_APPROVED);
    state(w, WABA, TEMPLATE_WAITING, "en_US", TEMPLATE_APPROVED);
    state(w, WABA, TEMPLATE_WAITING, "es", TEMPLATE_APPROVED);
    w->sends[w->nsends++] = (struct act){.status = 400, .body = E(132015)};
    w->sends[w->nsends++] = (struct act){.status = 400, .body = E(132016)};
    id = put(w, "main", UPDATED, "hello", 0);
    UNTIL(w, "held", w->nsent == 3 && waits(w, id));
    CHECK("its own first", body_has(w, 0, UPDATED));
    CHECK("then the question", body_has(w, 1, TEMPLATE_WAITING) && body_has(w, 1, "en_US"));
    CHECK("then in another language",
          body_has(w, 2, TEMPLATE_WAITING) && body_has(w, 2, "\"code\":\"es\""));
    CHECK_INT("the operator is told", w->nalerts, 2);
    world_stop(w, 1000);
    world_start(w);
    UNTIL(w, "read", approvals_ready(w->et));
    CHECK_INT("remembered", approvals_find(w->et, STR(WABA), STR(UPDATED), STR("en_US"))->status,
              TEMPLATE_PAUSED);
    world_free(&w);
}

/* A caller names the template and gives it other values than it has: his message fails, and the
 * template stays what it is for all others. */
static void test_wrong_values(void)
{
    static const int64_t codes[] = {132000, 132012};

    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        struct world *w = outside();
        const struct message_options named = {.prio = PRIO_NORMAL, .form = UPDATED, .named = true};
        struct str id;

        state(w, WABA, UPDATED, "en_US", TEMPLATE_APPROVED);
        w->sends[w->nsends++] =
            (struct act){.status = 400, .body = i == 0 ? E(132000) : E(132012)};
        id = put_message(w, &named);
        UNTIL(w, "failed", str_eqz(message_state(w, id), "failed") && idle(w));
        CHECK("why", line(w, id, arena_printf(w->a, "%lld|", (long long)codes[i]).p));
        id = put_message(w, &named);
        UNTIL(w, "sent", str_eqz(message_state(w, id), "sent") && idle(w));
        put_status(w, w->sent[1].id, w->sent[1].correlation, DELIVERY_FAILED, codes[i]);
        UNTIL(w, "failed later", str_eqz(message_state(w, id), "failed") && idle(w));
        id = put(w, "main", UPDATED, "hello", 0);
        UNTIL(w, "sent", str_eqz(message_state(w, id), "sent"));
        CHECK("by it", line(w, id, "as template"));
        CHECK_INT("nobody is alarmed", w->nalerts, 0);
        world_free(&w);
    }
}

/* We thought that the window was open. It is asked for, and not thought so again. */
static void test_window_shut(void)
{
    struct world *w = inside();
    struct str id;

    state(w, WABA, TEMPLATE_WAITING, "en_US", TEMPLATE_APPROVED);
    w->sends[w->nsends++] = (struct act){.status = 400, .body = E(131047)};
    id = put(w, "main", NULL, "hello", 0);
    UNTIL(w, "held", w->nsent == 2 && waits(w, id));
    CHECK("as it is", str_eqz(w->sent[0].text, "hello"));
    CHECK("then asked", body_has(w, 1, TEMPLATE_WAITING));
    CHECK_INT("the ledger is corrected", redis_int(w, "HEXISTS w:main u1"), 0);
    world_free(&w);
}

/* ---- what a status tells, later ---- */

/*
 * Accepted, and refused by a status: what goes then goes in the form of a closed window, and not
 * free-form; whose status it is, which code, and what the message can be said by.
 */
static const struct {
    const char *label, *sender;
    int64_t code;
    const char *form; /* approved; NULL: the question */
} refused[] = {
    {"Meta, by its template",   "main", 131047, UPDATED},
    {"Meta, by the question",   "main", 131047, NULL   },
    {"Twilio, by its template", "tw",   63016,  UPDATED},
    {"Twilio, by the question", "tw",   63016,  NULL   },
};

static void test_refused_later(void)
{
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        const char *label = refused[i].label, *sender = refused[i].sender;
        const char *account = i < 2 ? WABA : ACCOUNT;
        struct world *w = inside();
        struct str id, next;

        state(w, account, TEMPLATE_WAITING, "en_US", TEMPLATE_APPROVED);
        state(w, account, UPDATED, "en_US", TEMPLATE_APPROVED);
        redis_get(w, "HSET w:%s u1 %lld", sender, (long long)wall_now().ms - 1000);
        id = put(w, sender, refused[i].form, "hello", 0);
        UNTIL(w, label, str_eqz(message_state(w, id), "sent") && idle(w));
        CHECK_Z(label, w->sent[0].text, "hello");
        put_status_of(w, sender, w->sent[0].id, w->sent[0].correlation, DELIVERY_FAILED,
                      refused[i].code);
        UNTIL(w, label, w->nsent == 2 && idle(w));
        CHECK(label, line(w, id, "refused after it was accepted"));
        CHECK(label, line(w, id, refused[i].form != NULL ? "as template" : "held"));
        CHECK_Z(label, message_state(w, id), refused[i].form != NULL ? "sent" : "sending");
        CHECK(label, !line(w, id, "possible_duplicate"));
        CHECK_INT("shut", redis_int(w, "HEXISTS w:%s u1", sender), 0);
        CHECK_INT("no failure told", stream_events(w, EVENTS, ""), 0);
        /* Repetitions, and what was on its way before, change nothing; nothing else goes as it is.
         */
        redis_get(w, "DEL d:1");
        put_status_of(w, sender, w->sent[0].id, w->sent[0].correlation, DELIVERY_FAILED,
                      refused[i].code);
        put_status_of(w, sender, w->sent[0].id, w->sent[0].correlation, DELIVERY_SENT, 0);
        next = put(w, sender, refused[i].form, "the next", 0);
        UNTIL(w, label, (refused[i].form != NULL ? w->nsent == 3 : waits(w, next)) && idle(w));
        CHECK_INT(label, sent_to(w, ANA, "the next"), 0);
        CHECK_Z(label, message_state(w, id), refused[i].form != NULL ? "sent" : "sending");
        CHECK_INT("once again", w->nsent, refused[i].form != NULL ? 3 : 2);
        world_free(&w);
    }
}

/* The same, when nobody answered and the provider's list tells it. */
static void test_refused_in_the_list(void)
{
    for (int by_question = 0; by_question < 2; by_question++) {
        const char *label = by_question ? "by the question" : "by its template";
        struct world *w = inside();
        struct str id;

        state(w, ACCOUNT, TEMPLATE_WAITING, "en_US", TEMPLATE_APPROVED);
        state(w, ACCOUNT, UPDATED, "en_US", TEMPLATE_APPROVED);
        redis_get(w, "HSET w:tw u1 %lld", (long long)wall_now().ms - 1000);
        w->list = world_listed(w, "SMfound", ANA, "hello", "failed", 0);
        w->sends[w->nsends++] = (struct act){.how = RESET};
        id = put(w, "tw", by_question ? NULL : UPDATED, "hello", 0);
        UNTIL(w, label, w->nsent == 2 && idle(w));
        CHECK(label, line(w, id, by_question ? "held" : "as template"));
        CHECK(label, line(w, id, "(63016)"));
        CHECK(label, !line(w, id, "possible_duplicate"));
        CHECK(label, !str_eqz(message_state(w, id), "failed"));
        CHECK_INT("asked once", w->nlists, 1);
        CHECK_INT("shut", redis_int(w, "HEXISTS w:tw u1"), 0);
        CHECK_INT("no failure told", stream_events(w, EVENTS, ""), 0);
        world_free(&w);
    }
}

/* Once: what is refused for that a second time has failed. */
static void test_refused_twice(void)
{
    struct world *w = inside();
    struct str id;

    state(w, WABA, TEMPLATE_WAITING, "en_US", TEMPLATE_APPROVED);
    id = put(w, "main", NULL, "hello", 0);
    UNTIL(w, "sent", str_eqz(message_state(w, id), "sent") && idle(w));
    put_status(w, w->sent[0].id, STR_NONE, DELIVERY_FAILED, 131047);
    UNTIL(w, "waits", waits(w, id) && w->nsent == 2);
    put_text(w, ANA, "wamid.A", "STATUS");
    UNTIL(w, "released", str_eqz(message_state(w, id), "sent") && idle(w));
    CHECK_INT("as it is", sent_to(w, ANA, "hello"), 2);
    CHECK("by its own attempt", line(w, id, "attempt 2\n"));
    for (size_t i = 2; i < w->nsent; i++) {
        if (str_eqz(w->sent[i].text, "hello")) {
            put_status(w, w->sent[i].id, w->sent[i].correlation, DELIVERY_FAILED, 131047);
        }
    }
    UNTIL(w, "failed", str_eqz(message_state(w, id), "failed") && idle(w));
    /* A word that came behind the message is not taken back by what is said about it. */
    CHECK_INT("that one stays", redis_int(w, "HEXISTS w:main u1"), 1);
    CHECK_INT("not again", sent_to(w, ANA, "hello"), 2);
    world_free(&w);
}

/* The refusal overtakes the answer to the send, or nobody knew whether it was accepted. */
static void test_refused_early(void)
{
    struct world *w = inside();
    struct str id;

    state(w, WABA, UPDATED, "en_US", TEMPLATE_APPROVED);
    w->sends[w->nsends++] = (struct act){.how = HANG};
    id = put_message(
        w, &(struct message_options){.prio = PRIO_NORMAL, .form = UPDATED, .max_sends = 1});
    UNTIL(w, "on its way", w->nsent == 1);
    put_status(w, STR("wamid.unknown"), w->sent[0].correlation, DELIVERY_FAILED, 131047);
    UNTIL(w, "as template", w->nsent == 2 && idle(w));
    CHECK("by it", body_has(w, 1, UPDATED));
    CHECK_Z("sent", message_state(w, id), "sent");
    CHECK("both steps", line(w, id, "uncertain") && line(w, id, "refused after it was accepted"));
    world_free(&w);
}

static void test_question_fails_later(void)
{
    static const struct {
        const char *label;
        int64_t code;
        size_t posts; /* questions */
    } rows[] = {
        {"the person cannot be reached", 131026, 1},
        {"paused: asked by another one", 132015, 2},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world *w = outside();
        struct str id;

        state(w, WABA, TEMPLATE_WAITING, "en_US", TEMPLATE_APPROVED);
        state(w, WABA, TEMPLATE_WAITING, "es", TEMPLATE_APPROVED);
        id = put(w, "main", NULL, "hello", 0);
        UNTIL(w, "held", waits(w, id) && w->nsent == 1);
        put_status(w, w->sent[0].id, STR_NONE, DELIVERY_FAILED, rows[i].code);
        UNTIL(w, rows[i].label, w->nsent == rows[i].posts && idle(w));
        if (rows[i].posts == 1) {
            UNTIL(w, rows[i].label, str_eqz(message_state(w, id), "failed"));
            CHECK(rows[i].label, line(w, id, "could not be delivered"));
        } else {
            CHECK(rows[i].label, body_has(w, 1, "\"code\":\"es\""));
            CHECK_Z(rows[i].label, message_state(w, id), "sending");
        }
        world_free(&w);
    }
}

/* Who is written to by template counts against the people of the day; who is not reached does not.
 */
/* Who writes while he waits for the tier is answered at once. */
static void test_tier_and_word(void)
{
    struct world *w = outside();
    struct str id;

    redis_get(w, "HSET sn:main people 1");
    redis_get(w, "ZADD dp:" WABA " %lld u9", (long long)wall_now().ms);
    state(w, WABA, UPDATED, "en_US", TEMPLATE_APPROVED);
    id = put(w, "main", UPDATED, "hello", 0);
    world_run(w, 200);
    CHECK_Z("it waits", message_state(w, id), "queued");
    put_text(w, ANA, "wamid.A", "STATUS");
    UNTIL(w, "sent", str_eqz(message_state(w, id), "sent") && idle(w));
    CHECK_INT("as it is", sent_to(w, ANA, "hello"), 1);
    CHECK_INT("he does not count", redis_int(w, "ZCARD dp:" WABA), 1);
    world_free(&w);
}

static void test_people_of_the_day(void)
{
    struct world *w = outside();
    struct str id, none;

    redis_get(w, "HSET sn:main people 5");
    redis_get(w, "HSET w:main u2 1");
    state(w, WABA, UPDATED, "en_US", TEMPLATE_APPROVED);
    id = put(w, "main", UPDATED, "x", 0);
    UNTIL(w, "sent", str_eqz(message_state(w, id), "sent") && idle(w));
    CHECK_INT("he counts", redis_int(w, "ZCARD dp:" WABA), 1);
    none = put_message(w, &(struct message_options){.prio = PRIO_NORMAL, .user = "u2"});
    UNTIL(w, "failed", str_eqz(message_state(w, none), "failed") && idle(w));
    CHECK_INT("nothing went out to him", redis_int(w, "ZCARD dp:" WABA), 1);
    world_free(&w);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_choice),
                                        TEST(test_inside_and_twilio),
                                        TEST(test_released),
                                        TEST(test_question_not_needed),
                                        TEST(test_order_kept),
                                        TEST(test_no_form),
                                        TEST(test_expires),
                                        TEST(test_nobody_answers),
                                        TEST(test_unknown_stays_unknown),
                                        TEST(test_cannot_be_asked),
                                        TEST(test_learned),
                                        TEST(test_wrong_values),
                                        TEST(test_window_shut),
                                        TEST(test_refused_later), TEST(test_refused_in_the_list),
                                        TEST(test_refused_twice),
                                        TEST(test_refused_early),
                                        TEST(test_question_fails_later),
                                        TEST(test_people_of_the_day),
                                        TEST(test_tier_and_word)};
    int code = test_main(argc, argv, tests, ARRAY_LEN(tests));

    world_done();
    return code;
}
