/* commit, ends and claim: messages of a broadcast that stand folded, and what unfolds one. */
#include <stdio.h>
#include <string.h>

#include "line.h"

#define CELL    "01HF7YAT00AAAAA" /* so many characters name the key of several */
#define ID      CELL "A1"
#define NEXT    CELL "A2"
#define SENDING "queued,5,why\nsending,T,attempt 1\n"
#define COUNTS  "HMGET {acme}:bc:b queued sent delivered read failed cancelled silent"
#define ONE_OUT "0\n1\n\n\n\n\n1"

static const struct rate unlimited = {0};

/* A field, with T for times (and a serial) and $ for each NUL. */
static const char *field(struct world *w, const char *key, const char *name)
{
    static char out[512];
    char words[512];

    snprintf(words, sizeof(words),
             "EVAL return((string.gsub(string.gsub(redis.call('HGET',KEYS[1],ARGV[1])or'',"
             "'%%z','$'),'%%d%%d%%d%%d%%d%%d%%d+','T'))) 1 {acme}:%s %s",
             key, name);
    snprintf(out, sizeof(out), "%s", redis(w, words));
    return out;
}

static const char *of_message(struct world *w, const char *id, const char *name)
{
    char key[64];

    snprintf(key, sizeof(key), "m:%s", id);
    return field(w, key, name);
}

static const char *of_cell(struct world *w, const char *id, const char *behind)
{
    char key[64], name[64];

    snprintf(key, sizeof(key), "mf:%.15s", id);
    snprintf(name, sizeof(name), "%s%s", id + strlen(CELL), behind);
    return field(w, key, name);
}

/* How it is kept: "f" folded, "f." and handed over, "m" as a record, "": not at all. */
static const char *kept(struct world *w, const char *id)
{
    static char out[8];
    char words[128];
    bool record, cell = strlen(id) > strlen(CELL);

    snprintf(words, sizeof(words), "EXISTS {acme}:m:%s", id);
    record = redis(w, words)[0] == '1';
    snprintf(out, sizeof(out), "%s%s%s", record ? "m" : "",
             cell && of_cell(w, id, "")[0] != '\0' ? "f" : "",
             cell && of_cell(w, id, ".")[0] != '\0' ? "." : "");
    return out;
}

/* Its timeline, of a broadcast b, wherever it is. */
static const char *timeline(struct world *w, const char *id)
{
    const char *text = kept(w, id)[0] == 'f' ? of_cell(w, id, ".") : of_message(w, id, "tl");

    return str_starts(str_of(text), STR("b\n")) ? text + 2 : text;
}

/* Nothing but a broadcast, and a place for the ids of providers. */
static void fresh(struct world *w)
{
    struct commit *c = commit_new(T);

    redis(w, "FLUSHALL");
    redis(w, "HSET {acme}:b:b v 1 st sending");
    redis(w, "HSET {acme}:bc:b queued 1");
    commit_provider_id(c, STR("other"), STR("0"));
    run(w, c);
}

static struct commit_message told(const char *id, const char *lane)
{
    return (struct commit_message){
        .id = str_of(id), .lane = str_of(lane), .user = str_of(lane + 1), .queue = OUT,
        .body = STR("body"), .line = STR("queued,5,why\n"), .broadcast = STR("b"), .first = true,
        .matter = STR("mt"), .grant = GRANT_BULK, .rate = &unlimited};
}

static int64_t grant(struct world *w, const struct commit_message *m)
{
    struct commit *c = commit_new(T);

    commit_message(c, m);
    return strtol(run(w, c).results[0], NULL, 10);
}

/* It was handed over: nothing else in this unit. */
static struct commit *ended(const struct commit_message *m, int64_t token, const char *hash)
{
    struct commit *c = commit_new(T);

    commit_check_leased(c, m->queue, m->lane, m->id, token);
    commit_sent(c, AT(9), STR("how"), str_of(hash));
    return c;
}

#define BODY  "a\0b\nc\n\nd|e"
#define SHOWN "a$b\nc\n\nd|e"

static void test_kept(void)
{
    static const struct rate pair = {.pair_interval_ms = 1000, .pair_burst = 1};
    static const struct {
        const char *label, *id, *lane, *order, *broadcast, *matter, *line, *before;
        const struct rate *rate;
        bool granted, folded;
    } rows[] = {
        {.label = "of a broadcast", .granted = true, .folded = true},
        {.label = "just long enough", .id = CELL "A", .granted = true, .folded = true},
        {.label = "about nothing", .matter = "", .granted = true, .folded = true},
        {.label = "pairs", .rate = &pair, .granted = true, .folded = true},
        {.label = "two lines", .line = "queued,5,a\nqueued,6,b\n", .granted = true, .folded = true},
        {.label = "an order", .order = "wo", .granted = true},
        {.label = "the lane does not say him", .lane = "3p:sms", .granted = true},
        {.label = "a short id", .id = CELL, .granted = true},
        {.label = "a bar", .line = "queued,5,a|b\n", .granted = true},
        {.label = "of no broadcast", .broadcast = "", .granted = true},
        {.label = "neither, a bar", .broadcast = "", .line = "queued,5,a|b\n", .granted = true},
        {.label = "paused", .before = "HSET {acme}:sn:main paused 1"},
        {.label = "held", .before = "HSET {acme}:k:out:main 3p 7|x|gw2.1"},
        {.label = "pairs", .rate = &pair, .before = "HSET {acme}:pr:out:main p 9999999999999999"},
    };
    struct world *w = open_world(NULL);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *id = rows[i].id != NULL ? rows[i].id : ID;
        struct commit_message m = told(id, rows[i].lane != NULL ? rows[i].lane : "3p");
        const char *broadcast = rows[i].broadcast != NULL ? rows[i].broadcast : "b";
        const char *matter = rows[i].matter != NULL ? rows[i].matter : "mt";
        const char *line = rows[i].line != NULL ? rows[i].line : "queued,5,why\n";
        char want[256], begun[128];

        fresh(w);
        redis(w, rows[i].before != NULL ? rows[i].before : "PING");
        m.user = STR("p");
        m.body = str_make(BODY, sizeof(BODY) - 1);
        m.order = rows[i].order != NULL ? str_of(rows[i].order) : STR_NONE;
        m.broadcast = str_of(broadcast);
        m.first = m.broadcast.n > 0;
        m.matter = str_of(matter);
        m.line = str_of(line);
        m.rate = rows[i].rate != NULL ? rows[i].rate : m.rate;
        CHECK_INT(rows[i].label, grant(w, &m) == 1, rows[i].granted);
        CHECK_Z(rows[i].label, str_of(kept(w, id)), rows[i].folded ? "f" : "m");
        snprintf(begun, sizeof(begun), "%s%s", line, strstr(SENDING, "sending"));
        if (rows[i].folded) {
            snprintf(want, sizeof(want), "out:main\nb\n%s\n%s\n3p\n" SHOWN, matter, line);
            CHECK_Z(rows[i].label, str_of(of_cell(w, id, "")), want);
        } else {
            CHECK_Z(rows[i].label, str_of(of_message(w, id, "b")), SHOWN);
            CHECK_Z(rows[i].label, str_of(timeline(w, id)), rows[i].granted ? begun : line);
            snprintf(want, sizeof(want), "HMGET {acme}:m:%s s br mt q", id);
            CHECK_REDIS(w, want, !rows[i].granted ? "queued\nb\nmt\nout:main"
                                 : *broadcast     ? "sending\nb\nmt\nout:main"
                                                  : "sending\n\nmt\nout:main");
            CHECK_REDIS(w, "KEYS {acme}:mf:*", "");
        }
        if (rows[i].granted) {
            bool says = rows[i].folded ||
                        (rows[i].broadcast != NULL && strchr(line, '|') == NULL);

            snprintf(want, sizeof(want), "1|%s|%s%s%sgw1.gT.Th", id, says ? broadcast : "",
                     says ? "\n" : "", says ? begun : "");
            CHECK_Z(rows[i].label, str_of(field(w, "k:out:main", m.lane.p)), want);
        }
        CHECK_REDIS(w, "ZCARD {acme}:mx", "1");
        CHECK_REDIS(w, "HGET {acme}:bm:b p", m.first ? id : "");
    }
    world_free(&w);
}

/* Several of one operation, in two cells, and one of them waits. */
static void test_kept_together(void)
{
    static const char *const ids[] = {ID, NEXT, "01HF7YAT00BBBBBB1"};
    static const char *const lanes[] = {"3p1", "3p2", "3p3"};
    struct world *w = open_world(NULL);
    struct commit *c = commit_new(T);

    fresh(w);
    redis(w, "HSET {acme}:k:out:main 3p2 7|x|gw2.1");
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        struct commit_message m = told(ids[i], lanes[i]);

        m.body = i == 1 ? str_make(BODY, sizeof(BODY) - 1) : str_of(lanes[i]);
        commit_message(c, &m);
    }
    run(w, c);
    CHECK_REDIS(w, "HMGET {acme}:m:" NEXT " s tl q l br mt u n",
                "queued\nqueued,5,why\n\nout:main\n3p2\nb\nmt\n\n");
    CHECK_Z("body", str_of(of_message(w, NEXT, "b")), SHOWN);
    CHECK_REDIS(w, "HGETALL {acme}:mf:" CELL, "A1\nout:main\nb\nmt\nqueued,5,why\n\n3p1\n3p1");
    CHECK_Z("another cell", str_of(kept(w, ids[2])), "f");
    world_free(&w);
}

static void test_end(void)
{
    static const struct {
        const char *label, *early; /* of whom a status came before */
        bool behind;               /* somebody waits */
        int64_t calls, ahead;      /* of its token */
        enum commit_result result;
        const char *kept, *timeline, *counts;
    } rows[] = {
        {"alone", NULL, false, 1, 0, COMMIT_OK, "f.", "sent,9,how\n", ONE_OUT},
        {"statuses of others", "h9", false, 1, 0, COMMIT_OK, "f.", "sent,9,how\n", ONE_OUT},
        {"its status", "h1", false, 2, 0, COMMIT_OK, "m", "sent,9,how\ndelivered,10,early\n",
         "0\n\n1\n\n\n\n1"},
        {"one behind", NULL, true, 2, 0, COMMIT_OK, "m", "sent,9,how\n", ONE_OUT},
        {"not ours", NULL, false, 2, 1, COMMIT_FENCED, "f", NULL, "1\n\n\n\n\n\n"},
    };
    struct world *w = open_world(NULL);
    struct commit_message m = told(ID, "3p"), behind = told(NEXT, "3p");

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t token;
        char text[128];

        fresh(w);
        token = grant(w, &m);
        if (rows[i].behind) {
            CHECK_INT("not granted", grant(w, &behind), 0);
        }
        if (rows[i].early != NULL) {
            redis(w, "SET {acme}:ps x");
            snprintf(text, sizeof(text), "RPUSH {acme}:ps:%s delivered|10|early", rows[i].early);
            redis(w, text);
        }
        for (int n = 0; n < 2; n++) { /* it asks again */
            int64_t calls = store_calls(w);

            CHECK_INT(rows[i].label, run(w, ended(&m, token + rows[i].ahead, "h1")).result,
                      n == 0 ? rows[i].result : COMMIT_FENCED);
            CHECK_INT(rows[i].label, store_calls(w) - calls, n == 0 ? rows[i].calls : 2);
            CHECK_Z(rows[i].label, str_of(kept(w, ID)), rows[i].kept);
            CHECK_REDIS(w, COUNTS, rows[i].counts);
        }
        if (rows[i].timeline != NULL) {
            snprintf(text, sizeof(text), SENDING "%s", rows[i].timeline);
            CHECK_Z(rows[i].label, str_of(timeline(w, ID)), text);
            CHECK_REDIS(w, "HGET {acme}:p:1 h1", ID);
            CHECK_REDIS(w, "EXISTS {acme}:k:out:main {acme}:ps:h1", "0");
        }
        CHECK_REDIS(w, "ZRANGE {acme}:r:out:main:3 0 -1", rows[i].behind ? "3p" : "");
        CHECK_REDIS(w, "LRANGE {acme}:l:out:main:3p 0 -1", rows[i].behind ? NEXT : "");
    }
    world_free(&w);
}

/* One call a queue, and one for what these leave alone. */
static void test_ends_together(void)
{
    static const struct {
        const char *id, *queue, *lane, *hash, *kept;
        int64_t ahead; /* of its token */
        enum commit_result result;
    } rows[] = {
        {ID,                  "out:main",  "3p1", "h1", "f.", 0, COMMIT_OK    },
        {NEXT,                "out:main",  "3p2", "",   "f.", 0, COMMIT_OK    },
        {"01HF7YAT00BBBBBB1", "out:main",  "3p3", "h3", "f.", 0, COMMIT_OK    },
        {CELL "A4",           "out:other", "3p1", "h4", "f.", 0, COMMIT_OK    },
        {"01HF7YAT00BBBBBB2", "out:other", "3p2", "h5", "f.", 0, COMMIT_OK    },
        {CELL "A5",           "out:main",  "3p5", "h6", "f",  1, COMMIT_FENCED},
        {CELL,                "out:main",  "3p6", "h7", "m",  0, COMMIT_OK    }, /* never was */
    };
    struct world *w = open_world(NULL);
    struct commit *c[ARRAY_LEN(rows)];
    struct got g[ARRAY_LEN(rows)];
    int64_t calls;

    fresh(w);
    redis(w, "HSET {acme}:bc:b queued 7");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct commit_message m = told(rows[i].id, rows[i].lane);

        m.queue = str_of(rows[i].queue);
        c[i] = ended(&m, grant(w, &m) + rows[i].ahead, rows[i].hash);
    }
    calls = store_calls(w);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        start(w, c[i], &g[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK("answered", world_run(w, &g[i].done, 3000));
        CHECK_INT(rows[i].id, g[i].result, rows[i].result);
        CHECK_Z(rows[i].id, str_of(kept(w, rows[i].id)), rows[i].kept);
        if (rows[i].kept[1] == '.') {
            CHECK_Z(rows[i].id, str_of(timeline(w, rows[i].id)), SENDING "sent,9,how\n");
        }
    }
    CHECK_INT("calls", store_calls(w) - calls, 3);
    CHECK_REDIS(w, COUNTS, "1\n6\n\n\n\n\n6");
    CHECK_REDIS(w, "HMGET {acme}:p:1 h1 h3 h4 h5 h6 h7",
                ID "\n01HF7YAT00BBBBBB1\n" CELL "A4\n01HF7YAT00BBBBBB2\n\n" CELL);
    CHECK_REDIS(w, "HKEYS {acme}:k:out:main", "3p5");
    world_free(&w);
}

/* The same end twice in one call counts once. */
static void test_end_twice(void)
{
    struct world *w = open_world(NULL);
    struct commit_message m = told(ID, "3p");
    struct got g[2];

    fresh(w);
    CHECK_INT("granted", grant(w, &m), 1);
    start(w, ended(&m, 1, "h1"), &g[0]);
    start(w, ended(&m, 1, "h1"), &g[1]);
    CHECK("answered", world_run(w, &g[0].done, 3000) && world_run(w, &g[1].done, 3000));
    CHECK_INT("one of them", g[0].result + g[1].result, COMMIT_OK + COMMIT_FENCED);
    CHECK_REDIS(w, COUNTS, ONE_OUT);
    world_free(&w);
}

static void test_statuses(void)
{
    static const struct {
        const char *states[3], *said[3], *kept, *timeline, *counts;
    } rows[] = {
        {{"delivered", "read"}, {"moved", "moved"}, "f.", "delivered,10,d\nread,11,d\n",
         "0\n0\n0\n1\n\n\n1"},
        {{"read", "delivered"}, {"moved", "kept"}, "f.", "read,10,d\n", "0\n0\n\n1\n\n\n1"},
        {{"delivered", "delivered", "read"}, {"moved", "kept", "moved"}, "f.",
         "delivered,10,d\nread,12,d\n", "0\n0\n0\n1\n\n\n1"},
        {{"read", "read", "sent"}, {"moved", "kept", "kept"}, "f.", "read,10,d\n",
         "0\n0\n\n1\n\n\n1"},
        {{"sent"}, {"kept"}, "f.", "", ONE_OUT},
        {{"failed"}, {"moved"}, "m", "failed,10,d\n", "0\n0\n\n\n1\n\n0"},
        {{"failed", "read"}, {"moved", "kept"}, "m", "failed,10,d\n", "0\n0\n\n\n1\n\n0"},
        {{"read", "failed"}, {"moved", "kept"}, "m", "read,10,d\n", "0\n0\n\n1\n\n\n1"},
    };
    struct world *w = open_world(NULL);

    for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) { /* by our id, by the provider's */
        size_t row = i / 2;
        struct commit_message m = told(ID, "3p");
        char want[256];

        fresh(w);
        m.body = str_make(BODY, sizeof(BODY) - 1);
        run(w, ended(&m, grant(w, &m), "h1"));
        for (int n = 0; n < 3 && rows[row].states[n] != NULL; n++) {
            struct commit *c = commit_new(T);

            commit_status(c, i % 2 == 0 ? STR(ID) : STR_NONE, i % 2 == 0 ? STR_NONE : STR("h1"),
                          rows[row].states[n], AT(10 + n), STR("d"));
            CHECK_Z(rows[row].states[n], str_of(run(w, c).results[0]), rows[row].said[n]);
        }
        CHECK_Z(rows[row].timeline, str_of(kept(w, ID)), rows[row].kept);
        snprintf(want, sizeof(want), SENDING "sent,9,how\n%s", rows[row].timeline);
        CHECK_Z(rows[row].timeline, str_of(timeline(w, ID)), want);
        CHECK_REDIS(w, COUNTS, rows[row].counts);
        CHECK_REDIS(w, "ZRANGE {acme}:dl 0 -1", rows[row].states[0][0] == 'f' ? "out:" ID : "");
        if (rows[row].kept[0] == 'm') {
            CHECK_Z("body", str_of(of_message(w, ID, "b")), SHOWN);
            CHECK_REDIS(w, "HMGET {acme}:m:" ID " n q l br mt", "1\nout:main\n3p\nb\nmt");
        }
    }
    world_free(&w);
}

/* Another to him, granted at once where nobody holds its lane. */
static void another(struct commit *c, const char *lane, const char *broadcast)
{
    struct commit_message m = told(NEXT, lane);

    m.broadcast = str_of(broadcast);
    m.first = m.broadcast.n > 0;
    commit_message(c, &m);
}

#define WRITE(name, what) static void name(struct commit *c) { what; }
WRITE(note_it, commit_message_note(c, STR(ID), AT(8), STR("a note")))
WRITE(set_field, commit_hset(c, STR("m:" ID), STR("fb"), STR("x")))
WRITE(count_field, commit_hincr(c, STR("m:" ID), STR("r"), 2))
WRITE(put_off, commit_put_off(c, OUT, STR("3p"), 60000))
WRITE(hold_it, commit_hold(c, OUT, STR("3p"), STR(ID), AT(9000000), AT(0), STR("waits")))
WRITE(extend_it, commit_extend(c, OUT, STR("3p"), 90000))
WRITE(delete_it, commit_delete(c, STR("m:" ID)))
WRITE(doubt_it, commit_message_state(c, STR(ID), "uncertain", AT(8), STR("no answer")))
WRITE(unsend_it, commit_unsend(c, STR(ID)))
WRITE(end_it, set_field(c); commit_sent(c, AT(9), STR("how"), STR("h1")))
WRITE(answer_it, commit_broadcast_answer(c, STR("b"), STR("p"), "safe", AT(8)))
WRITE(cancel_it, commit_broadcast_cancel(c, STR("b"), &(struct str){"out:main", 8}, 1))
WRITE(recast, another(c, "2p", "b"); commit_broadcast_recast(c, STR("b"), STR(ID), STR(NEXT)))
WRITE(answer_recast, answer_it(c); recast(c))
WRITE(copy_it, another(c, "0p", "b"); commit_broadcast_copy(c, STR(ID), STR(NEXT)))
WRITE(withdraw_next, another(c, "3p", ""); commit_withdraw(c, OUT, STR("3p"), STR(NEXT)))
WRITE(withdraw_it, commit_withdraw(c, OUT, STR("3p"), STR(ID)))
WRITE(deliver_it, commit_status(c, STR(ID), STR_NONE, "delivered", AT(8), STR("")))
WRITE(fail_it, commit_status(c, STR(ID), STR_NONE, "failed", AT(8), STR("no")))
WRITE(again_it, commit_check_once_sent(c, STR(ID), 1);
      commit_again(c, STR(ID), AT(8), STR("refused")))
WRITE(learn_it, commit_provider_id(c, STR("another"), STR(ID)))
WRITE(is_there, commit_check_version(c, STR("m:" ID), 1))

struct change {
    const char *label;
    void (*write)(struct commit *c);
    bool leased;             /* by its holder */
    const char *kept, *next; /* then (NULL: "m"); and the other one, if there is one */
    enum commit_result end;  /* what its good end says */
    const char *rec;         /* then: HMGET s n br bf; NULL: sent once */
    const char *tl;          /* behind SENDING, or all of it; NULL: sent */
    const char *bc;          /* NULL: ONE_OUT */
};

enum when { BEFORE, TOGETHER, AFTER };

static void change(struct world *w, const struct change *row, enum when when)
{
    struct commit_message m = told(ID, "3p");
    struct commit *c = commit_new(T), *made = commit_new(T);
    const char *then = row->kept != NULL ? row->kept : "m";
    const char *lines = row->tl != NULL ? row->tl : "sent,9,how\n";
    struct got g, of;
    char want[256];

    fresh(w);
    commit_message(made, &m);
    if (row->leased) {
        commit_check_lease(c, OUT, STR("3p"), STR(ID), 1);
    }
    row->write(c);
    if (when == TOGETHER) {
        int64_t calls = store_calls(w);

        start(w, made, &of);
        start(w, c, &g);
        CHECK("answered", world_run(w, &of.done, 3000) && world_run(w, &g.done, 3000));
        CHECK_INT("one call", store_calls(w) - calls, 1);
    } else {
        of = run(w, made);
        if (when == AFTER) {
            CHECK_INT(row->label, run(w, ended(&m, 1, "h1")).result, COMMIT_OK);
            CHECK_Z(row->label, str_of(kept(w, ID)), "f.");
        }
        g = run(w, c);
    }
    CHECK_Z(row->label, str_of(of.results[0]), "1");
    CHECK_INT(row->label, g.result, COMMIT_OK);
    CHECK_Z(row->label, str_of(kept(w, ID)), then);
    CHECK_Z(row->label, str_of(kept(w, NEXT)), row->next != NULL ? row->next : "");
    if (when != AFTER) {
        bool says = strchr(redis(w, "HGET {acme}:k:out:main 3p"), '\n') != NULL;

        CHECK_INT(row->label, says, then[0] == 'f');
        CHECK_INT(row->label, run(w, ended(&m, 1, "h1")).result, row->end);
        CHECK_Z(row->label, str_of(kept(w, ID)), then[0] == 'f' ? "f." : then);
    }
    if (then[0] == 'm') {
        CHECK_Z(row->label, str_of(redis(w, "HMGET {acme}:m:" ID " s n br bf")),
                row->rec != NULL ? row->rec : "sent\n1\nb\n");
        CHECK_REDIS(w, "HMGET {acme}:m:" ID " b q l mt u", "body\nout:main\n3p\nmt\n");
    }
    snprintf(want, sizeof(want), "%s%s", strstr(lines, "queued,5") ? "" : SENDING, lines);
    CHECK_Z(row->label, str_of(timeline(w, ID)), then[0] != '\0' ? want : "");
    CHECK_Z(row->label, str_of(redis(w, COUNTS)), row->bc != NULL ? row->bc : ONE_OUT);
    if (row->end == COMMIT_OK) {
        CHECK_REDIS(w, "HGET {acme}:p:1 h1", ID);
        CHECK_REDIS(w, "HEXISTS {acme}:k:out:main 3p", "0");
        CHECK_REDIS(w, "EXISTS {acme}:l:out:main:3p {acme}:r:out:main:3", "0");
    }
}

/* While it is in hand, and in the call that grants it: its good end then goes to the record. And
 * when it was handed over. */
static void test_changed(void)
{
    static const struct change rows[] = {
        {"a note", note_it, .tl = "sending,8,a note\nsent,9,how\n"},
        {"a field", set_field, .kept = "m"},
        {"counted", count_field, .kept = "m"},
        {"put off", put_off, true, .end = COMMIT_FENCED, .rec = "sending\n1\nb\n",
         .tl = "", .bc = "1\n\n\n\n\n\n"},
        {"held", hold_it, true, .end = COMMIT_FENCED, .rec = "sending\n1\nb\n",
         .tl = "sending,T,waits\n", .bc = "1\n\n\n\n\n\n"},
        {"extended", extend_it, true, .kept = "m"},
        {"deleted", delete_it, .kept = "", .end = COMMIT_CONFLICT, .bc = "0\n\n\n\n\n1\n"},
        {"uncertain", doubt_it, true, .tl = "uncertain,8,no answer\nsent,9,how\n"},
        {"unsent", unsend_it, true, .rec = "sent\n0\nb\n", .tl = "queued,5,why\nsent,9,how\n"},
        {"handed over", end_it, true, .end = COMMIT_FENCED},
        {"answered", answer_it, .rec = "sent\n1\nb\na", .bc = "0\n1\n\n\n\n\n"},
        {"cancelled", cancel_it, .rec = "sent\n1\nb\nf"},
        {"recast", recast, .next = "f", .rec = "sent\n1\n\n", .bc = "1\n\n\n\n\n\n"},
        {"both", answer_recast, .next = "m", .rec = "sent\n1\n\na", .bc = "1\n\n\n\n\n\n"},
        {"a copy", copy_it, .next = "m", .rec = "sent\n1\nb\nm"},
        {"withdrawn behind", withdraw_next, .next = "m"},
        {"not withdrawn", withdraw_it, .kept = "m"},
        {"delivered", deliver_it, .rec = "delivered\n1\nb\n", .tl = "delivered,8,\n",
         .bc = "0\n\n1\n\n\n\n1"},
        {"failed", fail_it, .rec = "failed\n1\nb\n", .tl = "failed,8,no\n",
         .bc = "0\n\n\n\n1\n\n"},
        {"learned", learn_it, .kept = "f"},
        {"there", is_there, .kept = "f"},
    };
    static const struct change after[] = {
        {"a note", note_it, .tl = "sent,9,how\nsent,8,a note\n"},
        {"a field", set_field, .kept = "m"},
        {"counted", count_field, .kept = "m"},
        {"deleted", delete_it, .kept = ""},
        {"uncertain", doubt_it, .kept = "f."},
        {"answered", answer_it, .rec = "sent\n1\nb\na", .bc = "0\n1\n\n\n\n\n0"},
        {"cancelled", cancel_it, .kept = "f."},
        {"recast", recast, .next = "f", .rec = "sent\n1\n\n", .bc = "1\n0\n\n\n\n\n0"},
        {"both", answer_recast, .next = "m", .rec = "sent\n1\n\na", .bc = "1\n0\n\n\n\n\n0"},
        {"a copy", copy_it, .next = "m", .rec = "sent\n1\nb\nm"},
        {"failed", fail_it, .rec = "failed\n1\nb\n", .tl = "sent,9,how\nfailed,8,no\n",
         .bc = "0\n0\n\n\n1\n\n0"},
        {"refused after all", again_it, .end = COMMIT_FENCED, .rec = "queued\n1\nb\n",
         .tl = "sent,9,how\nqueued,T,refused\n", .bc = "1\n0\n\n\n\n\n0"},
        {"learned", learn_it, .kept = "f."},
        {"there", is_there, .kept = "f."},
    };
    struct world *w = open_world(NULL);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        change(w, &rows[i], BEFORE);
        change(w, &rows[i], TOGETHER);
    }
    for (size_t i = 0; i < ARRAY_LEN(after); i++) {
        change(w, &after[i], AFTER);
    }
    world_free(&w);
}

/* A lease that ran out, and a grant whose answer came too late: a claim gives what is a record. */
static void test_claimed(void)
{
    for (int lost = 0; lost < 2; lost++) {
        struct world *w = open_world(NULL);
        struct commit_message m = told(ID, "3p");
        struct commit *c = commit_new(T);
        struct lane_options o;
        struct line l;
        struct got g;

        fresh(w);
        m.body = str_make(BODY, sizeof(BODY) - 1);
        commit_message(c, &m);
        o = line_options(&l);
        if (lost != 0) {
            line_start(&l, w, &o);
            world_pass(w, 50);
            w->store->deadline_ms = 200;
            redis_fixture_stop(w->redis);
            start(w, c, &g);
            CHECK("given up", world_run(w, &g.done, 1000) && g.code == ERR_STORE_UNAVAILABLE);
            w->store->deadline_ms = 3000;
            redis_fixture_cont(w->redis);
        } else {
            commit_owner_set(w->store, STR("gw1"), 100);
            run(w, c);
            CHECK_Z("folded", str_of(kept(w, ID)), "f");
            world_pass(w, 150);
            line_start(&l, w, &o);
        }
        CHECK("claimed", line_wait(&l, 1, 3000));
        if (l.n > 0) {
            CHECK_INT("ambiguous", l.items[0]->reaped, lost == 0);
            CHECK_STR("whole", l.items[0]->body, m.body);
            CHECK_Z("begun", l.items[0]->state, "sending");
            CHECK_INT("its first attempt", l.items[0]->sends, 1);
            CHECK_Z("a record", str_of(kept(w, ID)), "m");
            CHECK_INT("ours", run(w, ended(&m, l.items[0]->token, "h1")).result, COMMIT_OK);
        }
        CHECK_REDIS(w, "HMGET {acme}:m:" ID " s n q l br mt", "sent\n1\nout:main\n3p\nb\nmt");
        CHECK_Z("its end", str_of(timeline(w, ID)), SENDING "sent,9,how\n");
        CHECK_REDIS(w, COUNTS, ONE_OUT);
        CHECK_REDIS(w, "EXISTS {acme}:k:out:main {acme}:l:out:main:3p {acme}:mf:" CELL, "0");
        line_drop(&l);
        lane_worker_free(&l.worker);
        world_free(&w);
    }
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_kept),      TEST(test_kept_together), TEST(test_end),
        TEST(test_end_twice), TEST(test_ends_together), TEST(test_statuses),
        TEST(test_changed),   TEST(test_claimed),
    };

    world_scripts();
    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
