/*
 * redis_fixture: a real redis-server for one test program, on a Unix socket in a directory of its
 * own under /tmp, with the policy that the private Redis has (appendonly yes, appendfsync always,
 * noeviction). It can be killed, stopped and started again with the same data. It dies with the
 * test. Blocking, and independent of the loop under test. What cannot be done ends the test
 * program.
 */
#ifndef CREWLINE_TESTS_REDIS_FIXTURE_H
#define CREWLINE_TESTS_REDIS_FIXTURE_H

#include "base/str.h"

struct redis_fixture;

#define REDIS_FIXTURE_TCP      (1u << 0) /* on a free port of 127.0.0.1 as well */
#define REDIS_FIXTURE_SENTINEL (1u << 1) /* a Sentinel: in memory, @conf says what it watches */
#define REDIS_FIXTURE_CLUSTER  (1u << 2) /* a node of a cluster, with no slots; needs TCP */

/** Returns when it answers. @conf: further lines of redis.conf, or NULL. */
struct redis_fixture *redis_fixture_new(unsigned flags, const char *conf);
/** Kills it and removes its directory. */
void redis_fixture_free(struct redis_fixture **owner);

struct str redis_fixture_url(const struct redis_fixture *f);     /* unix:///tmp/…/redis.sock */
struct str redis_fixture_tcp_url(const struct redis_fixture *f); /* redis://127.0.0.1:port */
int redis_fixture_port(const struct redis_fixture *f);
int redis_fixture_bus_port(const struct redis_fixture *f); /* where nodes of a cluster talk */
const char *redis_fixture_dir(const struct redis_fixture *f);

void redis_fixture_kill(struct redis_fixture *f);  /* kill -9, and waits for its end */
void redis_fixture_start(struct redis_fixture *f); /* again, with the same data; does not wait */
void redis_fixture_wait(struct redis_fixture *f);  /* until it answers PING with PONG */
void redis_fixture_stop(struct redis_fixture *f);  /* SIGSTOP */
void redis_fixture_cont(struct redis_fixture *f);  /* SIGCONT */

/**
 * One command, words separated by blanks, on a connection of its own. Returns the reply as text
 * (lists: their elements, one a line; errors with a '-' in front); valid until the next call. A
 * Redis that does not answer within 5 s gives "".
 */
const char *redis_fixture_command(struct redis_fixture *f, const char *words);
/** The same without waiting for the reply, on a connection that stays open until the end. */
void redis_fixture_send(struct redis_fixture *f, const char *words);

#endif
