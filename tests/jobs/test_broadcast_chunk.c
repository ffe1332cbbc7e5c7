/* Chunks of a broadcast as they are read: whom they bring with what, lines that are read ahead, and
 * readings that fail, come late or are given up while calls are out. */
#include "base/mem.h"
#include "broadcast_int.h"
#include "crowd.h"
#include "domain/user_store.h"

struct reading { /* what a job would have */
    struct world *w;
    struct inbox_job j;
    struct broadcast_run run;
    int calls;
    enum err_code code;
};

static struct reading *reading_new(struct world *w, int64_t chunks)
{
    struct reading *t = MEM_NEW(struct reading);

    t->w = w;
    t->j.et = w->et;
    t->j.run = &t->run;
    t->run.j = &t->j;
    t->run.id = STR("b1");
    t->run.round = 1;
    t->run.state.list = STR("list");
    t->run.state.chunks = chunks;
    return t;
}

/* As the job goes, whatever is out. */
static void reading_free(struct reading **owner)
{
    broadcast_run_free(&(*owner)->j);
    mem_free(owner);
}

static void on_read(void *ctx, const struct err *err)
{
    struct reading *t = ctx;

    t->run.ahead = NULL;
    t->calls++;
    t->code = err == NULL ? ERR_NONE : err->code;
}

static void start(struct reading *t, int64_t nth)
{
    t->calls = 0;
    t->run.ahead = broadcast_chunk_read(&t->run, nth, &t->run.chunks[0], on_read, t);
    CHECK_INT("not before it returns", t->calls, 0);
}

static const struct chunk *read_chunk(struct reading *t, int64_t nth)
{
    start(t, nth);
    UNTIL(t->w, "read", t->calls > 0);
    CHECK_INT("once", t->calls, 1);
    CHECK_INT("no error", t->code, ERR_NONE);
    CHECK("ready", t->run.chunks[0].ready);
    CHECK_INT("which", t->run.chunks[0].nth, nth);
    return &t->run.chunks[0];
}

static void on_put(void *ctx, const struct err *err, const struct reply *reply)
{
    (void)reply;
    CHECK("put", err == NULL);
    *(bool *)ctx = true;
}

static void put_lines(struct world *w, int64_t nth, const char *lines)
{
    bool done = false;
    struct call call;

    call_init(&call);
    call_str(&call, STR("HSET"));
    call_str(&call, STR("{acme}:bl:list"));
    call_int(&call, nth);
    call_str(&call, str_of(lines));
    store_run(w->engine->store, &call, on_put, &done);
    UNTIL(w, "lines", done);
}

/* ---- what a chunk brings ---- */

static bool opens(struct world *w, const struct chunk_row *row, const char *phone)
{
    struct err err = {0};
    struct user u;

    return row->doc.version > 0 &&
           user_open(&w->et->t, w->a, row->person, &row->doc, &u, &err) && str_eqz(u.phone, phone);
}

static void test_rows(void)
{
    struct world *w = world_new(NULL);
    struct reading *t = reading_new(w, 1);
    const struct chunk *c;

    put_lines(w, 0, "u1\nu2 1\ngone\nu2\n");
    redis_get(w, "HSET w:main u1 11 u2 12");
    redis_get(w, "HSET w:tw u1 21");
    redis_get(w, "HDEL w:tw u2");
    c = read_chunk(t, 0);
    CHECK_INT("rows", c->n, 4);
    CHECK_Z("first", c->rows[0].person, "u1");
    CHECK("his document", opens(w, &c->rows[0], ANA));
    CHECK_INT("may be told", c->rows[0].verdict, NOTIFY_YES);
    CHECK_INT("his window of the first sender", c->rows[0].windows[0], 11);
    CHECK_INT("and of the second", c->rows[0].windows[1], 21);
    CHECK_Z("second", c->rows[1].person, "u2");
    CHECK_INT("left out", c->rows[1].verdict, 1);
    CHECK_INT("so nobody reads about him", c->rows[1].doc.version, 0);
    CHECK_Z("whose record is gone", c->rows[2].person, "gone");
    CHECK_INT("has none", c->rows[2].doc.version, 0);
    CHECK_INT("nor a window", c->rows[2].windows[0], 0);
    CHECK("each has his own", opens(w, &c->rows[3], BEN));
    CHECK_INT("and his own window", c->rows[3].windows[0], 12);
    CHECK_INT("if he has one", c->rows[3].windows[1], 0);
    CHECK_INT("nothing of a round before", c->rows[3].message.n, 0);
    reading_free(&t);
    world_free(&w);
}

/* Nobody to ask about: it is read all the same, but not before the caller has its op. */
static void test_nobody(void)
{
    struct world *w = world_new(NULL);
    struct reading *t = reading_new(w, 3);

    put_lines(w, 1, "");
    for (int i = 0; i < 3; i++) {
        CHECK_INT("nobody", read_chunk(t, i)->n, 0);
    }
    start(t, 2);
    op_cancel(&t->run.ahead);
    world_run(w, 20);
    CHECK_INT("given up", t->calls, 0);
    reading_free(&t);
    world_free(&w);
}

/* ---- lines ahead ---- */

static void check_person(struct reading *t, int64_t nth)
{
    const struct chunk *c = read_chunk(t, nth);

    CHECK_INT("one", c->n, 1);
    CHECK_STR("whom", c->rows[0].person, arena_printf(t->w->a, "p%d", (int)nth));
}

static void test_lines_ahead(void)
{
    static const struct {
        int chunks, reads; /* of lines */
    } rows[] = {{1, 1}, {15, 1}, {16, 1}, {17, 2}, {32, 2}, {33, 3}};
    struct world *w = world_new(NULL);

    for (int i = 0; i < 40; i++) {
        put_lines(w, i, arena_printf(w->a, "p%d\n", i).p);
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct reading *t = reading_new(w, rows[i].chunks);
        int64_t first = -1, reads = 0;

        for (int64_t nth = 0; nth < rows[i].chunks; nth++) {
            check_person(t, nth);
            CHECK_INT("a call a person, and one for each sender", t->run.reading.nasks, 3);
            reads += t->run.reading.first != first;
            first = t->run.reading.first;
        }
        CHECK_INT("reads", reads, rows[i].reads);
        CHECK_INT("none of behind the end",
                  t->run.reading.first + (int64_t)t->run.reading.nlines, rows[i].chunks);
        reading_free(&t);
    }
    world_free(&w);
}

/* A turn begins where the one before it ended, and again from there after a failure. */
static void test_from_anywhere(void)
{
    static const int64_t order[] = {20, 21, 35, 36, 35, 3, 18, 19, 39};
    struct world *w = world_new(NULL);
    struct reading *t = reading_new(w, 40);

    for (int i = 0; i < 40; i++) {
        put_lines(w, i, arena_printf(w->a, "p%d\n", i).p);
    }
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        check_person(t, order[i]);
    }
    reading_free(&t);
    world_free(&w);
}

/* A broadcast of before lists had names. */
static void test_named_as_it_is(void)
{
    struct world *w = world_new(NULL);
    struct reading *t = reading_new(w, 1);

    redis_get(w, "HSET bl:b1 0 u1");
    t->run.state.list = STR_NONE;
    CHECK_INT("one", read_chunk(t, 0)->n, 1);
    reading_free(&t);
    world_free(&w);
}

/* ---- failures ---- */

static void fails(struct reading *t, int64_t nth, enum err_code code)
{
    start(t, nth);
    UNTIL(t->w, "the end", t->calls > 0);
    world_run(t->w, 20);
    CHECK_INT("once", t->calls, 1);
    CHECK_INT("as", t->code, code);
    CHECK("not ready", !t->run.chunks[0].ready);
    CHECK_INT("nothing is out", t->run.reading.out, 0);
}

/* The answers before the one that is an error have come, those behind it are still to come. */
static void test_fails(void)
{
    struct world *w = world_new(NULL);
    struct reading *t = reading_new(w, 1);

    put_lines(w, 0, "u1\nbad\nu2\n");
    redis_get(w, "SET u:bad text");
    fails(t, 0, ERR_STORE_REPLY);
    fails(t, 0, ERR_STORE_REPLY);
    redis_get(w, "DEL u:bad");
    CHECK_INT("mended", read_chunk(t, 0)->n, 3);
    CHECK("whole", opens(w, &t->run.chunks[0].rows[2], BEN));
    redis_get(w, "RENAME w:tw {acme}:kept");
    redis_get(w, "SET w:tw text"); /* the last of its calls */
    fails(t, 0, ERR_STORE_REPLY);
    redis_get(w, "RENAME kept {acme}:w:tw");
    CHECK_INT("mended", read_chunk(t, 0)->n, 3);
    t->run.state.list = STR("other");
    redis_get(w, "SET bl:other text");
    t->run.reading.nlines = 0;
    fails(t, 0, ERR_STORE_REPLY);
    t->run.state.list = STR("list");
    CHECK_INT("mended", read_chunk(t, 0)->n, 3);
    reading_free(&t);
    world_free(&w);
}

/* All calls come to their deadline in one moment. */
static void test_late(void)
{
    struct world *w = world_new(NULL);
    struct reading *t = reading_new(w, 1);

    put_lines(w, 0, "u1\nu2\np1\np2\np3\n");
    CHECK_INT("lines are known", read_chunk(t, 0)->n, 5);
    redis_fixture_stop(w->redis);
    fails(t, 0, ERR_STORE_UNAVAILABLE);
    redis_fixture_cont(w->redis);
    CHECK_INT("and again", read_chunk(t, 0)->n, 5);
    reading_free(&t);
    world_free(&w);
}

/* ---- given up ---- */

static void given_up(struct reading **t)
{
    struct world *w = (*t)->w;

    op_cancel(&(*t)->run.ahead);
    CHECK_INT("none is out", (*t)->run.reading.out, 0);
    CHECK("not ready", !(*t)->run.chunks[0].ready);
    CHECK_INT("not called", (*t)->calls, 0);
    reading_free(t); /* whatever still called would be seen by the sanitizer */
    redis_fixture_cont(w->redis);
    world_run(w, 30);
}

static struct reading *begun(struct world *w)
{
    struct reading *t = reading_new(w, 1);

    start(t, 0);
    return t;
}

static void test_given_up(void)
{
    struct world *w = world_new(NULL);
    struct reading *t;

    put_lines(w, 0, "u1\nu2\np1\np2\np3\n");
    t = begun(w);
    given_up(&t); /* before it was asked */

    redis_fixture_stop(w->redis);
    t = begun(w);
    world_run(w, 10);
    CHECK_INT("the lines are on the wire", t->run.reading.out, 1);
    given_up(&t);

    t = begun(w);
    for (int i = 0; i < 100000 && t->run.reading.out == 1; i++) {
        world_run(w, 0);
    }
    CHECK_INT("five, and two windows", t->run.reading.out, 7);
    given_up(&t); /* in the turn that asked for them */

    t = reading_new(w, 1);
    read_chunk(t, 0);
    redis_fixture_stop(w->redis);
    start(t, 0);
    world_run(w, 10);
    CHECK_INT("they are on the wire", t->run.reading.out, 7);
    given_up(&t);

    t = reading_new(w, 1);
    read_chunk(t, 0);
    redis_fixture_stop(w->redis);
    start(t, 0);
    world_run(w, 10);
    CHECK_INT("again they are", t->run.reading.out, 7);
    reading_free(&t); /* the job goes, and says nothing before */
    redis_fixture_cont(w->redis);
    world_run(w, 30);

    t = reading_new(w, 1);
    CHECK_INT("the next one", read_chunk(t, 0)->n, 5);
    start(t, 0);
    op_cancel(&t->run.ahead);
    CHECK_INT("and the same once more", read_chunk(t, 0)->n, 5);
    reading_free(&t);
    world_free(&w);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_rows),           TEST(test_nobody), TEST(test_lines_ahead),
        TEST(test_from_anywhere),  TEST(test_fails),  TEST(test_late),
        TEST(test_named_as_it_is), TEST(test_given_up),
    };
    int code = test_main(argc, argv, tests, ARRAY_LEN(tests));

    world_done();
    return code;
}
