/*
 * world: what a test of the store needs: a loop that stays alive, a real Redis, a store, and calls
 * whose answers are counted.
 */
#ifndef CREWLINE_TESTS_STORE_WORLD_H
#define CREWLINE_TESTS_STORE_WORLD_H

#include "harness.h"
#include "net/loop.h"
#include "redis_fixture.h"
#include "store/store.h"

struct world {
    struct loop *loop;
    struct redis_fixture *redis; /* or NULL */
    struct store *store;
    int64_t replicas; /* asked for by world_store() */
    struct poller *keep;
    int pipe[2];
    struct timer *limit;
    int health_calls;
    bool expired;
};

/* The scripts of these tests: "t_get", "t_append", … (world.c). */
void world_scripts(void);

struct world *world_new(unsigned fixture_flags, const char *conf);
struct world *world_new_without_redis(void);
void world_store(struct world *w, struct str url, enum store_durability durability);
void world_free(struct world **owner);

/** Turns the loop until *@done or for @ms; false when the time ran out. */
bool world_run(struct world *w, const bool *done, int64_t ms);
void world_pass(struct world *w, int64_t ms);
/** Until the store has this health. */
bool world_health(struct world *w, enum store_health health, int64_t ms);
int64_t now_ms(void);

/* One call and what came of it. */
struct asked {
    struct world *w;
    struct op *op;
    int calls; /* how often it was called back */
    bool done;
    enum err_code code;
    char msg[256];
    enum reply_kind kind;
    char text[256];
    int64_t number;
    size_t len;
    int64_t took_ms, from_ms;
};
/** Words separated by blanks. */
void ask(struct world *w, struct asked *a, const char *words);
void ask_for(struct world *w, struct asked *a, int64_t deadline_ms, const char *words);
void ask_script(struct world *w, struct asked *a, const char *script, const char *key, int64_t v);
/** ask() and wait for the answer. */
void ask_wait(struct world *w, struct asked *a, const char *words);

/* Many calls whose answers are only counted. */
struct many {
    struct world *w;
    size_t asked, ok, unavailable, full, other, wrong;
    bool done; /* all of them answered */
    int64_t longest_ms;
    char msg[256]; /* of the last error */
};
/** @n times RPUSH @key i (script: t_append, which appends a number once). */
void many_append(struct world *w, struct many *m, const char *key, size_t n);

#endif
