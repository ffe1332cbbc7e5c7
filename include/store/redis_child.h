/*
 * redis_child: the private redis-server: our child, on a Unix socket of its own in the data directory
 * (mode 0700, no TCP, no ACL), appendonly yes, appendfsync always, noeviction, watched and restarted
 * with back-off, stopped with us (SIGTERM, then SIGKILL after 10 s). Runs without systemd.
 */
#ifndef CREWLINE_STORE_REDIS_CHILD_H
#define CREWLINE_STORE_REDIS_CHILD_H

#include "base/buf.h"
#include "base/err.h"
#include "net/loop.h"

struct redis_child;
/** @on_up once when the socket answers PING; @on_failed with the reason when it cannot start at all. */
bool redis_child_start(struct loop *l, const char *data_dir, loop_fn *on_up,
                       void (*on_failed)(void *ctx, const struct err *err), void *ctx,
                       struct redis_child **out, struct err *err);
/** "unix:///…/redis.sock" */
struct str redis_child_url(const struct redis_child *r);
/**
 * It reads its data, which may take minutes where there is much: told so since this was asked last, or
 * it is still looked through whether its end is whole. Whoever waits for @on_up waits on.
 */
bool redis_child_loading(struct redis_child *r);
/**
 * The URL of a private Redis that another crewline runs in @data_dir and that answers, or false. The
 * command line uses the running one rather than starting a second.
 */
bool redis_child_running(const char *data_dir, struct buf *url);
void redis_child_stop(struct redis_child *r, loop_fn *on_stopped, void *ctx);
void redis_child_free(struct redis_child **owner);

#endif
