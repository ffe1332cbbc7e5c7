/* Templates at the providers: registered on a wish, looked at by the clock, told by webhook,
 * deleted; and what becomes of a sync that is refused, held up or cut off. */
#include "world.h"

#include "approvals.h"
#include "jobs/templates.h"

#define WABA    "102290129340398"
#define ACCOUNT "AC0123456789abcdef0123456789abcdef"

static enum template_status status_of(struct world *w, const char *account, const char *name,
                                      const char *language)
{
    const struct template_state *s =
        templates_state(w->et, str_of(account), str_of(name), str_of(language));

    return s != NULL ? s->status : TEMPLATE_UNKNOWN;
}

static void on_wished(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct world *w = ctx;

    (void)err;
    (void)outcome;
    w->accepted++;
}

static void wish(struct world *w, const char *remove)
{
    struct commit *c = commit_new(STR("acme"));
    int before = w->accepted;

    if (remove == NULL) {
        templates_want(c);
    } else {
        templates_unwant(w->a, c, str_of(remove));
    }
    commit_run(engine_store(w->engine), &c, on_wished, w);
    UNTIL(w, "wished", w->accepted > before);
    templates_sync(w->et);
}

static bool at_rest(struct world *w)
{
    return redis_int(w, "EXISTS tl") == 0 && w->et->syncing == NULL;
}

/* The first look, at nothing, is over. */
static struct world *begun(void)
{
    struct world *w = world_new(NULL);

    UNTIL(w, "looked", redis_int(w, "HEXISTS ts at") == 1 && at_rest(w));
    return w;
}

static void look(struct world *w)
{
    redis_get(w, "HDEL ts at");
    templates_sync(w->et);
    UNTIL(w, "looked", redis_int(w, "HEXISTS ts at") == 1 && at_rest(w));
}

static size_t count(const struct world *w, bool meta)
{
    size_t n = 0;

    for (size_t i = 0; i < w->t.nmade; i++) {
        n += w->t.made[i].meta == meta && !w->t.made[i].gone;
    }
    return n;
}

static void register_all(struct world *w)
{
    wish(w, NULL);
    UNTIL(w, "registered", redis_int(w, "HEXISTS ts want") == 0 && at_rest(w));
}

static void test_registered(void)
{
    struct world *w = begun();
    size_t all = templates_count(engine_tenant(w->et)->templates);

    register_all(w);
    CHECK_INT("all at Meta", count(w, true), all);
    CHECK_INT("all at Twilio", count(w, false), all);
    CHECK_INT("and submitted", w->t.nsubmitted, all);
    CHECK_INT("pending", status_of(w, WABA, TEMPLATE_TEST, "es"), TEMPLATE_PENDING);
    CHECK_INT("pending", status_of(w, ACCOUNT, TEMPLATE_TEST, "hi"), TEMPLATE_PENDING);
    register_all(w);
    CHECK_INT("not twice", w->t.nmade, 2 * all);
    world_stop(w, 1000);
    world_start(w);
    UNTIL(w, "read", approvals_ready(w->et));
    CHECK_INT("Redis remembers", status_of(w, WABA, TEMPLATE_TEST, "es"), TEMPLATE_PENDING);
    world_free(&w);
}

static void test_decided(void)
{
    static const struct {
        const char *word;
        enum template_status status;
    } words[] = {
        {"APPROVED", TEMPLATE_APPROVED},
        {"PAUSED",   TEMPLATE_PAUSED  },
        {"APPROVED", TEMPLATE_APPROVED},
        {"REJECTED", TEMPLATE_REJECTED},
        {"DISABLED", TEMPLATE_DISABLED},
    };
    struct world *w = begun();

    register_all(w);
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        w->t.status = words[i].word;
        look(w);
        CHECK_INT(words[i].word, status_of(w, WABA, TEMPLATE_ASSIGNED, "en_US"), words[i].status);
        CHECK_INT(words[i].word, status_of(w, ACCOUNT, TEMPLATE_ASSIGNED, "en_US"),
                  words[i].status);
    }
    UNTIL(w, "told", stream_events(w, "gateway.system.alert.v1", "is paused") > 0);
    CHECK_INT("each account as one",
              stream_events(w, "gateway.system.alert.v1", "message templates: "), 2);
    CHECK_INT("with how many more", stream_events(w, "gateway.system.alert.v1", ", and "), 2);
    for (size_t i = 0; i < w->t.nmade; i++) {
        w->t.made[i].gone = true;
    }
    look(w);
    CHECK_INT("deleted by hand", status_of(w, WABA, TEMPLATE_ASSIGNED, "en_US"), TEMPLATE_MISSING);
    register_all(w);
    CHECK_INT("made anew", count(w, true), templates_count(engine_tenant(w->et)->templates));
    world_free(&w);
}

static void test_refused(void)
{
    struct world *w = begun();
    const struct template_state *s;
    size_t all = templates_count(engine_tenant(w->et)->templates);

    w->t.refuse_status = 400;
    w->t.refuse_from = 0;
    w->t.refuse_body = "{\"error\":{\"message\":\"Invalid parameter\",\"code\":100,"
                       "\"error_subcode\":2388299,\"error_user_msg\":\"no\"}}";
    register_all(w);
    CHECK_INT("each was asked for once", w->t.nrefused, 2 * all);
    s = templates_state(w->et, STR(WABA), STR(TEMPLATE_TEST), STR("es"));
    CHECK("not registered", s != NULL && s->status == TEMPLATE_UNKNOWN);
    CHECK("and why", s != NULL && s->reason.n > 0);
    world_free(&w);
}

/* Over the provider's limit in the middle: the rest waits, and is registered later. */
static void test_held_up(void)
{
    struct world *w = begun();
    size_t all = templates_count(engine_tenant(w->et)->templates), lists;

    w->t.refuse_status = 400;
    w->t.refuse_from = 10;
    w->t.refuse_body = "{\"error\":{\"message\":\"m\",\"code\":80007}}";
    wish(w, NULL);
    UNTIL(w, "held up", redis_int(w, "HEXISTS ts later") == 1 && at_rest(w));
    CHECK_INT("so far", count(w, true), 10);
    CHECK_INT("still wished", redis_int(w, "HEXISTS ts want"), 1);
    lists = w->t.nlists;
    templates_sync(w->et);
    UNTIL(w, "not before its time", w->et->syncing == NULL);
    CHECK_INT("not yet", w->t.nlists, lists);
    w->t.refuse_status = 0;
    redis_get(w, "HSET ts later 1");
    templates_sync(w->et);
    UNTIL(w, "the rest", redis_int(w, "HEXISTS ts want") == 0 && at_rest(w));
    CHECK_INT("all", count(w, true), all);
    world_free(&w);
}

/* An account that does not give its list is tried again, as the alert about it says. */
static void test_no_list(void)
{
    struct world *w = begun();
    size_t all = templates_count(engine_tenant(w->et)->templates);

    register_all(w);
    w->t.list_status = 400;
    wish(w, TEMPLATE_TEST);
    wish(w, NULL);
    UNTIL(w, "asked", w->t.nlists > 1 && at_rest(w));
    CHECK_INT("still wished", redis_int(w, "HEXISTS ts want"), 1);
    CHECK_INT("and unwished", redis_int(w, "HEXISTS ts rm|" TEMPLATE_TEST), 1);
    CHECK_INT("later", redis_int(w, "HEXISTS ts later"), 1);
    w->t.list_status = 0;
    redis_get(w, "HSET ts later 1");
    templates_sync(w->et);
    UNTIL(w, "done", redis_int(w, "HLEN ts") == 1 && at_rest(w));
    CHECK("gone, and made anew at both", w->t.ndeleted >= 12 && count(w, true) == all);
    world_free(&w);
}

/* Deleted and made anew while an account is away: what was made since is not what was to go. */
static void test_made_anew(void)
{
    static const char made[] = "{\"category\":\"UTILITY\",\"body\":\"Stop!\"}";
    struct world *w = begun();
    size_t all = templates_count(engine_tenant(w->et)->templates), deleted;

    redis_get(w, "HSET td lift|en_US %s", made);
    register_all(w);
    CHECK_INT("made", count(w, false), all + 1);
    w->t.list_status = 400;
    redis_get(w, "DEL td");
    wish(w, "lift");
    UNTIL(w, "deleted", w->t.ndeleted == 1 && at_rest(w));
    redis_get(w, "HSET td lift|en_US %s", made);
    wish(w, NULL);
    UNTIL(w, "made anew", count(w, false) == all + 1 && at_rest(w));
    deleted = w->t.ndeleted;
    redis_get(w, "HSET ts later 1");
    templates_sync(w->et);
    UNTIL(w, "looked", w->et->syncing == NULL && at_rest(w));
    w->t.list_status = 0;
    redis_get(w, "HSET ts later 1");
    templates_sync(w->et);
    UNTIL(w, "done", redis_int(w, "HLEN ts") == 1 && at_rest(w));
    CHECK_INT("it stays", w->t.ndeleted, deleted);
    CHECK_INT("at both", count(w, true) + count(w, false), 2 * (all + 1));
    world_free(&w);
}

/* Killed in the middle: the wish stands in Redis, and nothing is made twice. */
static void test_cut_off(void)
{
    struct world *w = begun();
    size_t all = templates_count(engine_tenant(w->et)->templates);

    wish(w, NULL);
    UNTIL(w, "under way", w->t.nmade > 20);
    world_kill(w);
    CHECK("in the middle", w->t.nmade < all);
    redis_get(w, "DEL tl"); /* ends by itself after ten minutes */
    redis_get(w, "DEL ch:templates");
    world_start(w);
    UNTIL(w, "the rest", redis_int(w, "HEXISTS ts want") == 0 && at_rest(w));
    CHECK_INT("all", count(w, true), all);
    CHECK_INT("none twice", w->t.nmade, 2 * all);
    world_free(&w);
}

/* Slower than its lock lasts, so that another gateway has begun: that one's lock stays. */
static void test_slow(void)
{
    struct world *w = begun();

    wish(w, NULL);
    UNTIL(w, "under way", w->t.nmade > 20);
    redis_get(w, "SET tl another");
    UNTIL(w, "done", w->et->syncing == NULL);
    CHECK_Z("not ours to let go", str_of(redis_get(w, "GET tl")), "another");
    redis_get(w, "DEL tl");
    register_all(w);
    CHECK_INT("ours is", redis_int(w, "EXISTS tl"), 0);
    world_free(&w);
}

static void test_deleted(void)
{
    struct world *w = begun();

    register_all(w);
    wish(w, TEMPLATE_TEST);
    UNTIL(w, "gone", redis_int(w, "HLEN ts") == 1 && at_rest(w));
    CHECK_INT("in every language, at both", w->t.ndeleted, 12);
    CHECK("nothing is known of it",
          templates_state(w->et, STR(WABA), STR(TEMPLATE_TEST), STR("es")) == NULL);
    CHECK_INT("the others stay", status_of(w, WABA, TEMPLATE_CODE, "es"), TEMPLATE_PENDING);
    world_free(&w);
}

/* ---- told by webhook ---- */

static void tell(struct world *w, const char *event, const char *detail, const char *before,
                 const char *after)
{
    static int n;
    const struct inbound in = {.kind = INBOUND_TEMPLATE,
                               .account = STR(WABA),
                               .at = wall_now(),
                               .subject = STR(TEMPLATE_ASSIGNED),
                               .language = STR("en_US"),
                               .event = str_of(event),
                               .detail = str_of(detail),
                               .previous_id = str_of(before),
                               .current_id = str_of(after),
                               .raw = arena_printf(w->a, "{\"n\":%d}", ++n)};

    put_inbound(w, &in);
    UNTIL(w, event, idle(w));
}

static void test_told(void)
{
    struct world *w = begun();
    const struct template_state *s;
    struct str id;

    register_all(w);
    id = arena_dup(w->a,
                   templates_state(w->et, STR(WABA), STR(TEMPLATE_ASSIGNED), STR("en_US"))->id);
    tell(w, "APPROVED", "", "", "");
    CHECK_INT("approved", status_of(w, WABA, TEMPLATE_ASSIGNED, "en_US"), TEMPLATE_APPROVED);
    tell(w, "CATEGORY", "", "UTILITY", "MARKETING");
    tell(w, "QUALITY", "", "GREEN", "RED");
    tell(w, "PAUSED", "FIRST_PAUSE", "", "");
    s = templates_state(w->et, STR(WABA), STR(TEMPLATE_ASSIGNED), STR("en_US"));
    CHECK_INT("paused", s->status, TEMPLATE_PAUSED);
    CHECK_Z("why", s->reason, "FIRST_PAUSE");
    CHECK_Z("category", s->category, "MARKETING");
    CHECK_Z("its id stays", s->id, id.p);
    UNTIL(w, "told", stream_events(w, "gateway.system.alert.v1", "") >= 1);
    world_stop(w, 1000);
    world_start(w);
    UNTIL(w, "read", approvals_ready(w->et));
    CHECK_INT("kept", status_of(w, WABA, TEMPLATE_ASSIGNED, "en_US"), TEMPLATE_PAUSED);
    CHECK_INT("the others are pending", status_of(w, WABA, TEMPLATE_ASSIGNED, "es"),
              TEMPLATE_PENDING);
    world_free(&w);
}

/* More than are looked at: of what is beyond them nobody knows that it is gone. */
static void test_many(void)
{
    struct world *w = begun();
    const char *name = TEMPLATE_ASSIGNED;

    while (w->t.nmade < 1900) {
        struct made *m = &w->t.made[w->t.nmade++];

        *m = (struct made){.meta = true,
                           .body = arena_printf(w->a,
                                                "{\"name\":\"other_%zu\",\"language\":\"en_US\","
                                                "\"category\":\"UTILITY\",\"components\":[{"
                                                "\"type\":\"BODY\",\"text\":\"Hello\"}]}",
                                                w->t.nmade)};
        snprintf(m->id, sizeof(m->id), "%zu", 9000 + w->t.nmade);
    }
    register_all(w);
    w->t.status = "APPROVED";
    look(w);
    for (size_t i = 0; i < templates_count(engine_tenant(w->et)->templates); i++) {
        const struct template_def *d = templates_at(engine_tenant(w->et)->templates, i);

        name = status_of(w, WABA, d->name.p, d->language.p) == TEMPLATE_MISSING ? d->name.p : name;
    }
    CHECK_Z("none is missing", str_of(name), TEMPLATE_ASSIGNED);
    CHECK_INT("nobody is alarmed", stream_events(w, "gateway.system.alert.v1", "deleted"), 0);
    world_free(&w);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_registered), TEST(test_decided), TEST(test_refused), TEST(test_held_up),
        TEST(test_no_list),    TEST(test_made_anew), TEST(test_cut_off), TEST(test_slow),
        TEST(test_deleted),    TEST(test_told), TEST(test_many)};
    int code = test_main(argc, argv, tests, ARRAY_LEN(tests));

    world_done();
    return code;
}
