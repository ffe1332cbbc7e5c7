#include "main.h"

#include "base/log.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern char **environ;

static const struct {
    const char *name;
    subcommand_fn *run;
    const char *usage, *help;
} commands[] = {
    {"serve",      cmd_serve,      "serve [--config F]",                                          "run the gateway"                           },
    {"check",      cmd_check,      "check [--config F]",                                          "check configuration, Redis and credentials"},
    {"keys",       cmd_keys,       "keys create --tenant T --role R --name N | list | revoke ID", "API keys"                                  },
    {"users",      cmd_users,      "users import FILE.csv|FILE.json [--tenant T]",                "import people"                             },
    {"send-test",  cmd_send_test,  "send-test --to +… [--text …] [--tenant T]",
     "send one message, for troubleshooting"                                                                                                  },
    {"migrate",    cmd_migrate,    "migrate [--status]",
     "bring the stored data to this version's schema"                                                                                         },
    {"completion", cmd_completion, "completion bash",                                             "completion for the shell"                  },
};

/* Flags that stand alone; all others take a value. */
static const char *const switches[] = {"--json", "--status", "--no-broadcast", "--all", "--help"};

static void usage(FILE *to)
{
    size_t n;
    const struct config_row *rows = settings_rows(&n);

    fprintf(to, "crewline " CREWLINE_VERSION
                ": the bridge between a maintenance crew's WhatsApp and its CMMS\n\n"
                "usage: crewline COMMAND [OPTIONS]\n\n");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        fprintf(to, "  %-58s %s\n", commands[i].usage, commands[i].help);
    }
    fprintf(to, "\n  --help, --version\n\nSettings (flags > environment > .env > --config file > "
                "defaults):\n");
    for (size_t i = 0; i < n; i++) {
        fprintf(to, "  %-32s %s%s%s%s\n", rows[i].env != NULL ? rows[i].env : rows[i].key,
                rows[i].help, rows[i].def != NULL ? " (default " : "",
                rows[i].def != NULL ? rows[i].def : "", rows[i].def != NULL ? ")" : "");
    }
    fprintf(to, "\nThe file's settings are named in config/crewline.example.json. Exit: 0 done, 1 "
                "failed, 64 usage,\n"
                "69 the port or Redis cannot be had, 78 bad configuration.\n");
}

struct str args_flag(const struct args *a, const char *name)
{
    for (size_t i = 0; i < a->nflags; i++) {
        if (str_eqz(a->flags[i].name, name)) {
            return a->flags[i].value;
        }
    }
    return STR_NONE;
}

bool args_has(const struct args *a, const char *name)
{
    return args_flag(a, name).p != NULL;
}

static bool is_switch(const char *flag)
{
    for (size_t i = 0; i < ARRAY_LEN(switches); i++) {
        if (strcmp(flag, switches[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool parse_args(int argc, char **argv, struct args *out)
{
    static const char *rest[ARGS_MAX];

    *out = (struct args){.rest = rest};
    for (int i = 2; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) != 0) {
            if (out->nrest < ARGS_MAX) {
                rest[out->nrest++] = argv[i];
            }
            continue;
        }
        if (out->nflags == ARGS_MAX || (!is_switch(argv[i]) && i + 1 == argc)) {
            fprintf(stderr, "crewline: %s needs a value\n", argv[i]);
            return false;
        }
        if (is_switch(argv[i])) {
            out->flags[out->nflags++] = (struct pair){str_of(argv[i]), STR("")};
        } else {
            out->flags[out->nflags++] = (struct pair){str_of(argv[i]), str_of(argv[i + 1])};
            i++;
        }
        if (strcmp(argv[i - 1], "--config") == 0) {
            out->config = argv[i];
        }
    }
    return true;
}

/* The settings take only the flags of their own table; the others belong to the subcommand. */
static size_t settings_flags(const struct args *a, struct pair *out)
{
    size_t nrows, n = 0;
    const struct config_row *rows = settings_rows(&nrows);

    for (size_t i = 0; i < a->nflags; i++) {
        for (size_t k = 0; k < nrows; k++) {
            if (rows[k].flag != NULL && str_eqz(a->flags[i].name, rows[k].flag)) {
                out[n++] = a->flags[i];
            }
        }
    }
    return n;
}

int main_settings(const struct args *a, struct settings **out)
{
    struct pair flags[ARGS_MAX];
    struct config_sources from = {
        .file = a->config, .dotenv = ".env", .environ_ = environ, .flags = flags};
    struct err err = {0};

    from.nflags = settings_flags(a, flags);
    if (!settings_load(&from, out, &err)) {
        fprintf(stderr, "crewline: %s\n", err.msg);
        return EXIT_CONFIG;
    }
    log_setup((*out)->log_level, (*out)->log_format);
    return EXIT_OK;
}

int main(int argc, char **argv)
{
    struct args args;

    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        usage(argc < 2 ? stderr : stdout);
        return argc < 2 ? EXIT_USAGE : EXIT_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("crewline " CREWLINE_VERSION "\n");
        return EXIT_OK;
    }
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (strcmp(argv[1], commands[i].name) != 0) {
            continue;
        }
        if (!parse_args(argc, argv, &args)) {
            return EXIT_USAGE;
        }
        if (args_has(&args, "--help")) {
            printf("usage: crewline %s\n%s\n", commands[i].usage, commands[i].help);
            return EXIT_OK;
        }
        return commands[i].run(&args);
    }
    fprintf(stderr, "crewline: there is no command \"%s\"; crewline --help lists them\n", argv[1]);
    return EXIT_USAGE;
}
