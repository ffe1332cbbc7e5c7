#include <stdio.h>
#include <string.h>

#include "crewline_bench.h"

static const char usage[] =
    "usage: crewline-bench COMMAND [OPTION...]\n"
    "  webhooks          signed status webhooks of real size, each for another message\n"
    "  commands          signed texts from known people; through when all replies are at the "
    "provider\n"
    "  fanout            messages queued for one instant; first to last at the provider\n"
    "  queue             messages queued for later: what they cost and hold\n"
    "  broadcast         one text to all --people; acceptance, first send, rate, memory\n"
    "  critical          urgent messages into a backlog of -n; acceptance to request on the wire\n"
    "  idle              one input at a time: acceptance to request on the wire\n"
    "  idle-connections  connections that do nothing: memory\n"
    "  start             starts the program behind \"--\" and waits until /readyz says 200\n"
    "options, with their defaults:\n"
    "  --url URL           what is measured (http://127.0.0.1:8080)\n"
    "  --stub URL          stub_provider (http://127.0.0.1:9090)\n"
    "  --key KEY           of the API        --secret S, --number-id ID   of the Meta sender\n"
    "  -n N                pieces of work (10000; idle 200; idle-connections 5000)\n"
    "  -c N                connections (64)  --rate N   requests a second (0: as fast as "
    "answered)\n"
    "  --people N          who receives or speaks (1000)\n"
    "  --urgent N          critical: so many (60), --rate a second (1)\n"
    "  --text T            of a command (STATUS)\n"
    "  --what W            idle: event, message or command (event)\n"
    "  --lead-ms N         fanout: from the first acceptance to the instant (0: reckoned from N)\n"
    "  --bare              a limit program: no people, no API\n"
    "  --pid N             of the gateway    --redis-pid N                for CPU and memory\n"
    "  --json              one line of JSON instead of a table\n";

static const struct row {
    const char *flag;
    size_t at;
    enum { TEXT, NUMBER, SWITCH } kind;
} rows[] = {
    {"--url",       offsetof(struct bench_args, url),         TEXT  },
    {"--stub",      offsetof(struct bench_args, stub),        TEXT  },
    {"--key",       offsetof(struct bench_args, key),         TEXT  },
    {"--secret",    offsetof(struct bench_args, secret),      TEXT  },
    {"--number-id", offsetof(struct bench_args, number_id),   TEXT  },
    {"--text",      offsetof(struct bench_args, text),        TEXT  },
    {"--what",      offsetof(struct bench_args, what),        TEXT  },
    {"-n",          offsetof(struct bench_args, n),           NUMBER},
    {"-c",          offsetof(struct bench_args, connections), NUMBER},
    {"--rate",      offsetof(struct bench_args, rate),        NUMBER},
    {"--people",    offsetof(struct bench_args, people),      NUMBER},
    {"--urgent",    offsetof(struct bench_args, urgent),      NUMBER},
    {"--lead-ms",   offsetof(struct bench_args, lead_ms),     NUMBER},
    {"--pid",       offsetof(struct bench_args, pid),         NUMBER},
    {"--redis-pid", offsetof(struct bench_args, redis_pid),   NUMBER},
    {"--bare",      offsetof(struct bench_args, bare),        SWITCH},
    {"--json",      offsetof(struct bench_args, json),        SWITCH},
};

static const struct row *row_of(const char *flag)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (strcmp(rows[i].flag, flag) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

static bool take(struct bench_args *a, const struct row *row, const char *value)
{
    char *to = (char *)a + row->at;

    switch (row->kind) {
    case TEXT:
        *(const char **)(void *)to = value;
        return value != NULL;
    case NUMBER:
        return value != NULL && str_to_i64(str_of(value), 0, 1000000000, (int64_t *)(void *)to);
    default:
        *(bool *)(void *)to = true;
        return true;
    }
}

bool bench_args_read(int argc, char **argv, struct bench_args *out)
{
    *out = (struct bench_args){.url = "http://127.0.0.1:8080",
                               .stub = "http://127.0.0.1:9090",
                               .key = "",
                               .secret = "",
                               .number_id = "106540352242922",
                               .connections = 64,
                               .people = 1000,
                               .urgent = 60,
                               .text = "STATUS",
                               .what = "event"};
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        fputs(usage, argc < 2 ? stderr : stdout);
        return false;
    }
    out->command = argv[1];
    for (int i = 2; i < argc; i++) {
        const struct row *row = row_of(argv[i]);

        if (strcmp(argv[i], "--") == 0) {
            out->rest = argv + i + 1;
            return true;
        }
        if (row == NULL || !take(out, row, i + 1 < argc ? argv[i + 1] : NULL)) {
            fprintf(stderr,
                    "crewline-bench: \"%s\" is no option, or its value is missing or wrong\n",
                    argv[i]);
            return false;
        }
        i += row->kind == SWITCH ? 0 : 1;
    }
    return true;
}
