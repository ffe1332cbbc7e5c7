/*
 * server_fixture: an http_server with a handler that does what the path asks, and a plain blocking
 * client for it. The client runs in the pool while the loop runs here, so checks in it must not run
 * at the same time as checks in callbacks: the handler only counts.
 *
 *   /hello            "hello"                     /echo    the body
 *   /info             what the request says       /hash    SHA-256 of the body, in hex
 *   /wait?ms=n&close=1   "waited" after n ms      /hold    nothing, until it is gone
 *   /early?close=1    401 before the body         /limit?n=n   takes n bytes of body
 *   /big?n=n          n bytes of 'x'              /status?code=n
 *   /stream?n=n&size=m   n pieces of m bytes, waiting for room
 *   /break?text=t     raw bytes t, or a reset     /close   "bye", and closes
 *
 * With held=n in the query the request is held for n ms before its body, and then goes on, or is
 * answered 401 with deny=1; with a limit=n its body may have n bytes.
 */
#ifndef CREWLINE_TESTS_SERVER_FIXTURE_H
#define CREWLINE_TESTS_SERVER_FIXTURE_H

#include "harness.h"
#include "net/http_server.h"
#include "net/loop.h"

struct fixture {
    struct loop *l;
    struct http_server *s;
    struct http_server_options o;
    struct tls_server *tls;
    int port;
    int begun, asked, gone, errors, drained; /* calls of the handler */
    int let; /* held requests that went on, or were denied */
    bool draining;
    void (*client)(struct fixture *f);
    char dir[64];
};

/** Starts a server on a free port of 127.0.0.1 with f->o, runs @client, frees all. */
void fixture_run(struct fixture *f, void (*client)(struct fixture *f));
/** As fixture_run(), in steps; several runs on one server. */
void fixture_start(struct fixture *f);
void fixture_client(struct fixture *f, void (*client)(struct fixture *f));
void fixture_stop(struct fixture *f);

/* The client: blocking, 5 s of patience. */
int dial(const struct fixture *f);
void say(int fd, const char *text);
bool say_bytes(int fd, struct str bytes); /* false: the connection broke */
/** Reads one answer: head in @head (NULL: dropped), body in @body; its status, or 0 for EOF, -1. */
int hear(int fd, struct buf *head, struct buf *body);
/** Reads up to the end; false when it is a reset or takes too long. */
bool hear_all(int fd, struct buf *all);
/** Whether the peer has closed, within @ms. */
bool is_closed(int fd, int ms);
/** One request on a connection of its own; status, and the body in @body (may be NULL). */
int ask(const struct fixture *f, const char *text, struct buf *body);
int64_t now_ms(void);
/** Up to 3 s until a counter of the fixture has this value. */
void wait_for(const int *what, int value);

#endif
