/*
 * redis_dir: the directory of the private Redis, <data>/redis: its configuration, socket, log, and
 * the lock that says who runs it. Blocking, used before the loop runs and between two lives of the
 * child.
 *
 * A socket's path may have 107 bytes. Where <data>/redis/redis.sock is longer, the socket stands in
 * a directory of mode 0700 under /tmp, named after the user and the data directory, so that the
 * command line finds it as well.
 */
#ifndef CREWLINE_STORE_REDIS_DIR_H
#define CREWLINE_STORE_REDIS_DIR_H

#include "base/buf.h"
#include "base/err.h"

struct redis_dir {
    char *dir;    /* absolute */
    char *socket; /* absolute */
    char *conf, *log;
    struct buf url;
    bool socket_elsewhere;
    int lock_fd; /* -1: not locked */
};

/** Makes the directories (mode 0700). Fails: ERR_IO, ERR_CONFIG. */
bool redis_dir_open(const char *data_dir, struct redis_dir *out, struct err *err);
/** The same without making anything; false when there is none. */
bool redis_dir_find(const char *data_dir, struct redis_dir *out);
void redis_dir_close(struct redis_dir *d); /* unlocks */

/** Fails: ERR_CONFIG naming the process that holds it. */
bool redis_dir_lock(struct redis_dir *d, struct err *err);
bool redis_dir_locked_by_other(const struct redis_dir *d);

bool redis_dir_write_conf(const struct redis_dir *d, struct err *err);
/** Moves a log over 8 MiB aside; returns the length of what is there. */
int64_t redis_dir_log_start(const struct redis_dir *d);
/** The last line of the log behind @from, into @out; "" when nothing was said. */
void redis_dir_log_last(const struct redis_dir *d, int64_t from, char *out, size_t out_bytes);

/** A non-blocking connection to the socket, or -1. *pid: who listens there, 0 when unknown. */
int redis_dir_connect(const struct redis_dir *d, int *pid);
/** redis-server in PATH, into @out. Fails: ERR_CONFIG naming the package. */
bool redis_dir_program(char *out, size_t out_bytes, struct err *err);

#endif
