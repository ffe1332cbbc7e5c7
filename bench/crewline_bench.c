/*
 * crewline-bench: the load harness, over real HTTP. Each command measures one target of the
 * gateway, or of a limit program that does the same (--bare). bench/run puts them side by side.
 */
#include <signal.h>
#include <stdio.h>

#include "crewline_bench.h"

static const struct {
    const char *name;
    int (*run)(const struct bench_args *a);
} commands[] = {
    {"webhooks",         run_webhooks        },
    {"commands",         run_commands        },
    {"fanout",           run_fanout          },
    {"queue",            run_queue           },
    {"broadcast",        run_broadcast       },
    {"critical",         run_critical        },
    {"idle",             run_idle            },
    {"idle-connections", run_idle_connections},
    {"start",            run_start           },
};

int main(int argc, char **argv)
{
    struct bench_args a;

    signal(SIGPIPE, SIG_IGN);
    if (!bench_args_read(argc, argv, &a)) {
        return 64;
    }
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (str_eqz(str_of(a.command), commands[i].name)) {
            return commands[i].run(&a);
        }
    }
    fprintf(stderr, "crewline-bench: no command \"%s\"; see --help\n", a.command);
    return 64;
}
