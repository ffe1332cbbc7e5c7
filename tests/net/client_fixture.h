/*
 * client_fixture: a loop, an HTTP client and a rude server for one test, calls whose end is kept,
 * and a name service under the test's control (names that end in .test).
 */
#ifndef CREWLINE_TESTS_CLIENT_FIXTURE_H
#define CREWLINE_TESTS_CLIENT_FIXTURE_H

#include "fake/rude_server.h"
#include "harness.h"
#include "net/http_client.h"

struct client_fixture {
    struct loop *loop;
    struct http_client *client;
    struct rude_server *server;
};
/* http_client_options.one_write for the clients to come. */
extern bool client_one_write;
void client_setup(struct client_fixture *f, size_t connections_per_host);
void client_teardown(struct client_fixture *f);

/* One call and how it ended. */
struct shot {
    struct http_call call; /* to be completed before shot_start() */
    char url[512];
    struct op *op;
    int ends; /* how often on_done came: 1 is right */
    struct err err;
    int status;
    int64_t retry_after_s;
    bool http2;
    struct buf body;
    size_t nheaders;
    char mixed[64]; /* the answer's x-mixed-case */
    void (*then)(struct shot *s);
    void *arg;
};
/** A call to @path of the rude server, or to @path itself where it is a whole URL. */
void shot_init(struct shot *s, struct client_fixture *f, const char *method, const char *path);
void shot_fini(struct shot *s);
void shot_start(struct shot *s, struct client_fixture *f);
/** Runs the loop until @s ended; false after @ms. */
bool shot_wait(struct shot *s, struct client_fixture *f, int64_t ms);
/** Init, start, wait. */
void shot_run(struct shot *s, struct client_fixture *f, const char *method, const char *path,
              struct str body, unsigned flags);
/** Runs the loop for @ms, or until it has nothing to do. */
void run_ms(struct client_fixture *f, int64_t ms);

/*
 * Names for getaddrinfo(): loop.test is 127.0.0.1, mixed.test 10.255.255.1 and 127.0.0.1, slow.test
 * takes 2 s and is 127.0.0.1, none.test and all of .invalid do not exist.
 */

#endif
