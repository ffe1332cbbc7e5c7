/*
 * main: what the subcommands of crewline share: their arguments, the exit codes, and the start of a
 * loop with settings and a store (the private Redis where none is named).
 */
#ifndef CREWLINE_MAIN_H
#define CREWLINE_MAIN_H

#include "base/text.h"
#include "domain/settings.h"
#include "jobs/engine.h"
#include "store/redis_child.h"

#define EXIT_OK          0
#define EXIT_FAIL        1
#define EXIT_USAGE       64 /* EX_USAGE */
#define EXIT_UNAVAILABLE 69 /* EX_UNAVAILABLE: the port or Redis cannot be had */
#define EXIT_CONFIG      78 /* EX_CONFIG */

#define ARGS_MAX 64
struct args {
    const char *const *rest; /* what is no flag, behind the subcommand */
    size_t nrest;
    struct pair flags[ARGS_MAX]; /* "--to" and its value; a value of "" for switches */
    size_t nflags;
    const char *config; /* --config */
};
struct str args_flag(const struct args *a, const char *name); /* STR_NONE: not given */
bool args_has(const struct args *a, const char *name);
/** RFC 3339, or how long ago: 90m, 24h, 7d. */
bool args_time(struct str text, struct wall *out);
#define ARGS_TIME_FORMS "a time as 2026-11-21T08:00:00Z, or how long ago: 90m, 24h, 7d"

/** Settings from flags, environment, .env, --config. */
bool main_settings_load(const struct args *a, struct settings **out, struct err *err);
/** The same for whom the reason is on stderr and EXIT_CONFIG is all there is to say. */
int main_settings(const struct args *a, struct settings **out);

/* One command on a running or private store: work is done in @on_ready, ended by command_end(). */
struct command {
    struct loop *loop;
    struct settings *settings;
    struct i18n *i18n;
    struct redis_child *redis;
    struct engine *engine;
    struct timer *deadline;
    struct poller *awake; /* nothing ever comes: timers alone do not keep a loop running */
    int awake_fds[2];
    const struct args *args;
    const struct command_hooks *hooks;
    void *user;
    bool ending;
    int exit_code;
};
struct command_hooks {
    void (*on_ready)(struct command *c);
    void (*on_end)(struct command *c); /* NULL: nothing hangs on loop or engine */
    /* It cannot run: @what ("configuration", "redis", "data") and why. Gives the exit code; NULL:
     * stderr tells. */
    int (*on_down)(struct command *c, const char *what, const char *reason);
    /* SIGINT or SIGTERM: it ends by command_end(). NULL: they kill, which leaves nothing half done
     * but by workers. */
    void (*on_signal)(struct command *c);
    bool work; /* with the workers of a gateway, drained at the end */
};
/** Brings up loop, store and engine, calls on_ready, runs until command_end(). */
int command_run(const struct args *a, const struct command_hooks *hooks, void *user);
/** The first one counts. */
void command_end(struct command *c, int exit_code);

/** Asks the API as an admin of the tenant; @show prints a good answer, else the reason is on stderr. */
typedef void api_show_fn(const struct args *a, struct str body);
int api_ask(const struct args *a, const char *method, const char *path, struct str body,
            api_show_fn *show);

typedef int subcommand_fn(const struct args *a);
subcommand_fn cmd_serve, cmd_check, cmd_keys, cmd_users, cmd_send_test, cmd_broadcast, cmd_replay, cmd_prove,
    cmd_migrate, cmd_completion;

#endif
