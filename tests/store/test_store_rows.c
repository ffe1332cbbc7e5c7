/* store: rows of a turn are one call, each gets its own element; cancelled, failed, freed
 * meanwhile. */
#include <stdio.h>

#include "base/mem.h"
#include "world.h"

#define ROWS 40

struct row_test {
    struct world *w;
    struct op *ops[ROWS];
    int calls[ROWS];
    int64_t versions[ROWS];
    enum err_code code;
    size_t due, cancel; /* from there on, in the callback of the first; 0: none */
    bool done, free_store;
};
struct row_ctx {
    struct row_test *t;
    size_t i;
};
static struct row_ctx contexts[ROWS];

static void on_row(void *ctx, const struct err *err, const struct reply *reply)
{
    struct row_ctx *c = ctx;
    struct row_test *t = c->t;

    t->ops[c->i] = NULL;
    t->calls[c->i]++;
    t->code = err == NULL ? t->code : err->code;
    t->versions[c->i] = reply_int(reply_at(reply, 0));
    for (size_t i = t->cancel; t->cancel > 0 && i < ROWS; i++) {
        op_cancel(&t->ops[i]);
        t->due -= t->calls[i] == 0 ? 1 : 0;
    }
    t->cancel = 0;
    if (t->free_store) {
        store_free(&t->w->store);
        t->due = 1;
    }
    if (--t->due == 0) {
        t->done = true;
        loop_stop(t->w->loop);
    }
}

static void ask_rows(struct row_test *t, const char *script)
{
    char key[16];

    t->due = ROWS;
    t->done = false;
    for (size_t i = 0; i < ROWS; i++) {
        struct call *row = store_row(t->w->store, script, STR("{t}:"));

        contexts[i] = (struct row_ctx){t, i};
        snprintf(key, sizeof(key), "d%zu", i);
        call_str(row, str_of(key));
        t->calls[i] = 0;
        t->versions[i] = -1;
        t->ops[i] = store_row_run(t->w->store, on_row, &contexts[i]);
    }
}

static struct world *world_with_docs(void)
{
    struct world *w = world_new(0, NULL);
    struct asked a;
    char words[64];

    world_store(w, redis_fixture_url(w->redis), STORE_ALWAYS);
    for (int i = 0; i < ROWS; i++) {
        snprintf(words, sizeof(words), "HSET {t}:d%d v %d", i, 100 + i);
        ask_wait(w, &a, words);
    }
    return w;
}

static void test_each_its_own(void)
{
    struct row_test t = {.w = world_with_docs()};
    struct store_stats before, after;

    store_stats(t.w->store, &before);
    ask_rows(&t, "fetch");
    CHECK("answered", world_run(t.w, &t.done, 2000));
    store_stats(t.w->store, &after);
    CHECK_INT("calls", after.calls - before.calls, 3);
    for (size_t i = 0; i < ROWS; i++) {
        CHECK_INT("once", t.calls[i], 1);
        CHECK_INT("its own", t.versions[i], 100 + (int64_t)i);
    }
    world_free(&t.w);
}

static void test_cancelled(void)
{
    struct row_test t = {.w = world_with_docs(), .cancel = 5};

    ask_rows(&t, "fetch");
    op_cancel(&t.ops[2]); /* before it is sent */
    t.due--;
    CHECK("answered", world_run(t.w, &t.done, 2000));
    for (size_t i = 0; i < ROWS; i++) {
        CHECK_INT("called", t.calls[i], i != 2 && i < 5);
    }
    world_pass(t.w, 50);
    for (size_t i = 0; i < ROWS; i++) {
        CHECK("never afterwards", t.calls[i] <= 1);
    }
    world_free(&t.w);
}

static void test_failed(void)
{
    struct row_test t = {.w = world_with_docs()};

    ask_rows(&t, "t_error");
    CHECK("answered", world_run(t.w, &t.done, 2000));
    CHECK_INT("the error", t.code, ERR_STORE_REPLY);
    ask_rows(&t, "t_get"); /* answers something else than a list of rows */
    CHECK("answered", world_run(t.w, &t.done, 2000));
    CHECK_INT("no rows", t.code, ERR_STORE_REPLY);
    for (size_t i = 0; i < ROWS; i++) {
        CHECK_INT("once", t.calls[i], 1);
        CHECK_INT("nothing", t.versions[i], 0);
    }
    world_free(&t.w);
}

/* In a callback, and with rows open and sent. The sanitizer watches. */
static void test_freed(void)
{
    struct row_test t = {.w = world_with_docs(), .free_store = true};

    ask_rows(&t, "fetch");
    CHECK("answered", world_run(t.w, &t.done, 2000));
    CHECK_INT("the first", t.calls[0], 1);
    CHECK_INT("no other", t.calls[1], 0);
    world_free(&t.w);
    t = (struct row_test){.w = world_with_docs()};
    ask_rows(&t, "fetch");
    world_free(&t.w);
    CHECK_INT("none", t.calls[0], 0);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_each_its_own),
        TEST(test_cancelled),
        TEST(test_failed),
        TEST(test_freed),
    };

    world_scripts();
    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
