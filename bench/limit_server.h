/*
 * limit_server: what the bare webhook programs share: libuv + llhttp in front, one hiredis
 * connection behind. No limits, no gate, no timeouts: this is what the libraries alone cost. Owns:
 * connections; a `struct limit_conn *` handed to the body function is good until limit_answer().
 */
#ifndef CREWLINE_BENCH_LIMIT_SERVER_H
#define CREWLINE_BENCH_LIMIT_SERVER_H

#include <hiredis/async.h>
#include <stdbool.h>
#include <stddef.h>

struct limit_conn;
/** A request whose X-Hub-Signature-256 fits its body. Answer it once. */
typedef void limit_body_fn(struct limit_conn *c, const char *body, size_t n);

/** Listens on 127.0.0.1:@port (0: any), prints the address; false with the reason on stderr. */
bool limit_listen(int port, const char *secret, limit_body_fn *on_body);
void limit_answer(struct limit_conn *c, int status);

/** Connects to the Unix socket and loads the script; its digest goes to @sha. NULL: said on stderr.
 */
redisAsyncContext *limit_redis(const char *socket, const char *script, char sha[41]);
/** EVALSHA with one key and two arguments; false when the connection is gone. */
bool limit_eval(redisAsyncContext *redis, redisCallbackFn *on_reply, void *ctx, const char *sha,
                const char *key, const char *a, const char *b);

#endif
