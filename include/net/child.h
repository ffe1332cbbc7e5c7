/*
 * child: one child process (the private Redis; nothing else is ever started). The child gets exactly
 * the given environment, its own process group, stdin and unused descriptors closed, and SIGKILL when
 * we die (PR_SET_PDEATHSIG is set in the child before exec, where the system has it).
 */
#ifndef CREWLINE_NET_CHILD_H
#define CREWLINE_NET_CHILD_H

#include "base/err.h"
#include "net/loop.h"

struct child;
typedef void child_fn(void *ctx, int exit_status, int signum);

/**
 * @argv and @env end with NULL; argv[0] is looked up in PATH; @log_path is appended to with its
 * output. @on_exit is called once from the loop and may child_free(). A running child keeps the loop.
 * Fails: ERR_IO with the system's reason.
 */
bool child_start(struct loop *l, const char *const *argv, const char *const *env, const char *log_path,
                 child_fn *on_exit, void *ctx, struct child **out, struct err *err);
int child_pid(const struct child *c); /* 0: it has ended */
void child_signal(struct child *c, int signum);
void child_free(struct child **owner); /* detaches; does not kill */

#endif
