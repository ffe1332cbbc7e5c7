/* Several changes of one order inside the pair pause, or the quiet hours, are one message. */
#include "world.h"

#include "approvals.h"
#include "outbox_int.h"

static const char *const first_order = "w1", *const second_order = "w2";

static void put_order(struct world *w, const char *id, const char *type, const char *order,
                      const char *more)
{
    put_event(w, id, type,
              arena_printf(w->a,
                           "{\"workorder\":{\"id\":\"%s\",\"number\":\"WO-%s\",\"title\":\"T\","
                           "\"status\":\"open\",\"assignees\":[{\"id\":\"u1\"}]}%s}",
                           order, order, more)
                  .p);
    UNTIL(w, "taken", redis_int(w, "HLEN k:in") == 0 && w->accepted > 0);
}

static void change(struct world *w, const char *id, const char *order, const char *field)
{
    put_order(w, id, "cmms.workorder.updated.v1", order,
              arena_printf(w->a, ",\"changed\":[\"%s\"]", field).p);
}

/* So that one message goes at once and the next after @ms. */
static void pair_pause(struct world *w, int64_t ms)
{
    struct outbox *ob = outbox_find(w->et, STR("out:main"));
    struct sender *s = (struct sender *)(uintptr_t)ob->sender;

    s->pair_interval_ms = ms;
    s->pair_burst = 1;
    outbox_apply_rate(ob);
}

static bool all_ended(struct world *w)
{
    return idle(w) && redis_int(w, "HLEN k:out:main") == 0;
}

static void test_changes(void)
{
    struct world *w = world_new(NULL);
    int64_t before = metric_get(METRIC_MERGED);
    struct str merged;

    pair_pause(w, 1500);
    put_order(w, "e1", "cmms.workorder.created.v1", first_order, "");
    UNTIL(w, "the first goes at once", w->nsent == 1);
    change(w, "e2", first_order, "title");
    change(w, "e3", second_order, "title");
    change(w, "e4", first_order, "due_at");
    change(w, "e5", first_order, "location");
    CHECK_INT("in the pause nothing goes", (int64_t)w->nsent, 1);
    UNTIL(w, "all", w->nsent == 3 && all_ended(w));
    merged = w->sent[1].text;
    CHECK("one message has all changes", str_find(merged, STR("title")) != SIZE_MAX &&
                                             str_find(merged, STR("due date")) != SIZE_MAX &&
                                             str_find(merged, STR("location")) != SIZE_MAX);
    CHECK("after the pause", w->sent[1].at_ms - w->sent[0].at_ms >= 1400);
    CHECK("the other order has its own", str_find(w->sent[2].text, STR("WO-w2")) != SIZE_MAX);
    CHECK_INT("two were told with another", metric_get(METRIC_MERGED) - before, 2);
    world_run(w, 300);
    CHECK_INT("and not again", (int64_t)w->nsent, 3);
    world_free(&w);
}

/* Each of them has its end, and says where it went. */
static void test_ends(void)
{
    struct world *w = world_new(NULL);
    struct str ids[3];

    pair_pause(w, 600);
    put_order(w, "e1", "cmms.workorder.created.v1", first_order, "");
    UNTIL(w, "the first goes at once", w->nsent == 1);
    change(w, "e2", first_order, "title");
    change(w, "e3", first_order, "due_at");
    for (int64_t i = 0; i < 3; i++) {
        ids[i] = arena_dup(w->a, str_of(redis_get(w, "LINDEX l:out:main:3u1 %lld", (long long)i)));
    }
    CHECK("two wait", ids[1].n > 0 && ids[2].n == 0);
    UNTIL(w, "all", w->nsent == 2 && all_ended(w));
    CHECK_Z("the head is sent", message_state(w, ids[0]), "sent");
    CHECK_Z("the other has ended", message_state(w, ids[1]), "cancelled");
    CHECK("and says with which it was told",
          str_find(message_timeline(w, ids[1]), ids[0]) != SIZE_MAX);
    world_free(&w);
}

/* What its sender cannot carry together goes one by one. */
static void test_too_long(void)
{
    struct world *w = world_new(NULL);
    char words[1000];
    struct outbox *ob;
    struct inbound in = {.kind = INBOUND_MESSAGE,
                         .account = STR(TWILIO_ACCOUNT),
                         .number_id = STR(TWILIO_NUMBER),
                         .provider_id = STR("SM1"),
                         .phone = STR(ANA),
                         .type = INBOUND_TEXT,
                         .type_name = STR("text"),
                         .text = STR("STATUS")};

    w->content_status = 500;
    put_inbound(w, &in);
    UNTIL(w, "she writes to that number", w->nsent == 1 && all_ended(w));
    ob = outbox_find(w->et, STR("out:tw"));
    ((struct sender *)(uintptr_t)ob->sender)->pair_interval_ms = 1500;
    ((struct sender *)(uintptr_t)ob->sender)->pair_burst = 1;
    outbox_apply_rate(ob);
    memset(words, 'x', sizeof(words) - 1);
    words[sizeof(words) - 1] = '\0';
    put_order(w, "e1", "cmms.workorder.created.v1", first_order, "");
    for (int i = 0; i < 2; i++) {
        put_order(w, arena_printf(w->a, "c%d", i).p, "cmms.workorder.comment_added.v1", first_order,
                  arena_printf(w->a,
                               ",\"comment\":{\"id\":\"c%d\",\"author\":\"Bo\",\"text\":"
                               "\"%d %s\"}",
                               i, i, words)
                      .p);
    }
    UNTIL(w, "all", w->nsent >= 4 && all_ended(w));
    CHECK_INT("each", (int64_t)w->nsent, 4);
    CHECK_INT("none is lost", redis_int(w, "ZCARD dl"), 0);
    world_free(&w);
}

/* Outside the window a message is its template, which tells of one change: each goes by its own. */
static void test_outside(void)
{
    const struct template_state good = {.status = TEMPLATE_APPROVED, .at = wall_now()};
    struct world *w = world_new(NULL);

    UNTIL(w, "looked", redis_int(w, "HEXISTS ts at") == 1 && redis_int(w, "EXISTS tl") == 0);
    approvals_know(w->et, STR("102290129340398"),
                   approval_key(w->a, STR(TEMPLATE_UPDATED), STR("en_US")), &good);
    pair_pause(w, 600);
    put_order(w, "e1", "cmms.workorder.created.v1", first_order, "");
    UNTIL(w, "the first goes at once", w->nsent == 1);
    redis_get(w, "HDEL w:main u1");
    change(w, "e2", first_order, "title");
    change(w, "e3", first_order, "due_at");
    UNTIL(w, "all", w->nsent >= 2 && all_ended(w));
    CHECK_INT("each", w->nsent, 3);
    CHECK("the title", str_find(w->sent[1].body, STR("title")) != SIZE_MAX);
    CHECK("the date", str_find(w->sent[2].body, STR("due date")) != SIZE_MAX);
    world_free(&w);
}

/* What people or programs wrote is never put together. */
static void test_others(void)
{
    struct world *w = world_new(NULL);

    pair_pause(w, 200);
    for (int i = 0; i < 3; i++) {
        put_message(w, &(struct message_options){.prio = PRIO_NORMAL});
    }
    UNTIL(w, "all three", w->nsent == 3 && all_ended(w));
    world_free(&w);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_changes), TEST(test_ends),
                                        TEST(test_too_long), TEST(test_outside),
                                        TEST(test_others)};
    int code = test_main(argc, argv, tests, ARRAY_LEN(tests));

    world_done();
    return code;
}
