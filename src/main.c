#include "main.h"

#include "base/log.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern char **environ;

/* What follows the name of a subcommand: how many words at most, and which options beside the
 * settings. */
static const struct subcommand {
    const char *name;
    subcommand_fn *run;
    size_t words;
    const char *options; /* "--tenant= --json": with "=" it takes a value */
    const char *usage, *help;
} commands[] = {
    {"serve",      cmd_serve,      0,  "",                                                       "serve [--config F]",                                     "run the gateway"                               },
    {"check",      cmd_check,      0,  "",                                                       "check [--config F]",                                     "check configuration, Redis and credentials"    },
    {"keys",       cmd_keys,       2,  "--tenant= --role= --name= --json --no-broadcast",
     "keys create --tenant T --role R --name N | list | revoke ID",                                                                                        "API keys"                                      },
    {"users",      cmd_users,      2,  "--tenant=",                                              "users import FILE.csv|FILE.json [--tenant T]",
     "import people"                                                                                                                                                                                       },
    {"send-test",  cmd_send_test,  0,  "--to= --text= --tenant=",
     "send-test --to +… [--text …] [--tenant T]",                                                                                                      "send one message, for troubleshooting"         },
    {"broadcast",  cmd_broadcast,  2,
     "--to= --text= --texts= --title= --priority= --ask= --send-at= --expires-at= --confirm= "
     "--dry-run --json --tenant=",                                                               "broadcast --to WHOM --text … | show|cancel|resend ID", "one message to many people"                    },
    {"replay",     cmd_replay,     32,
     "--all --kind= --type= --subject= --user= --reason= --since= --until= --dry-run --tenant=", "replay ID… | --all [--kind K] [--since T] …",        "put back what was given up"                    },
    {"prove",      cmd_prove,      0,  "--since= --tenant= --json --order= --seal",
     "prove [--since 24h|TIME] [--tenant T] [--json] [--order FILE|NUMBER [--seal]]",                                                                                                     "is everything that was accepted accounted for?"},
    {"migrate",    cmd_migrate,    0,  "--status",                                               "migrate [--status]",
     "bring the stored data to this version's schema"                                                                                                                                                      },
    {"completion", cmd_completion, 1,  "",                                                       "completion bash",                                        "completion for the shell"                      },
};

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

bool args_time(struct str text, struct wall *out)
{
    static const struct {
        char unit;
        int64_t ms;
    } units[] = {
        {'s', 1000    },
        {'m', 60000   },
        {'h', 3600000 },
        {'d', 86400000}
    };
    int64_t n;

    if (wall_parse(text, out)) {
        return true;
    }
    for (size_t i = 0; text.n > 1 && i < ARRAY_LEN(units); i++) {
        if (text.p[text.n - 1] == units[i].unit &&
            str_to_i64(str_slice(text, 0, text.n - 1), 0, 100000000, &n)) {
            out->ms = wall_now().ms - n * units[i].ms;
            return true;
        }
    }
    return false;
}

enum option { OPTION_UNKNOWN, OPTION_SWITCH, OPTION_VALUE };

static enum option option_of(const struct subcommand *c, struct str name)
{
    struct str rest = str_of(c->options), one;
    size_t n;
    const struct config_row *rows = settings_rows(&n);

    while (rest.n > 0) {
        bool value;

        str_cut(rest, ' ', &one, &rest);
        value = str_ends(one, STR("="));
        if (str_eq(value ? str_slice(one, 0, one.n - 1) : one, name)) {
            return value ? OPTION_VALUE : OPTION_SWITCH;
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (rows[i].flag != NULL && str_eqz(name, rows[i].flag)) {
            return OPTION_VALUE;
        }
    }
    return str_eqz(name, "--config") ? OPTION_VALUE
           : str_eqz(name, "--help") ? OPTION_SWITCH
                                     : OPTION_UNKNOWN;
}

/* --name, --name VALUE or --name=VALUE; @next is the word behind it, or NULL. */
static bool take_option(const struct subcommand *c, const char *word, const char *next,
                        struct args *out, bool *took_next)
{
    struct str name, value;
    bool joined = str_cut(str_of(word), '=', &name, &value);
    enum option kind = option_of(c, name);

    if (kind == OPTION_UNKNOWN || (kind == OPTION_SWITCH && joined) || out->nflags == ARGS_MAX) {
        fprintf(stderr, "crewline: %s knows no option %s; see crewline %s --help\n", c->name, word,
                c->name);
        return false;
    }
    *took_next = kind == OPTION_VALUE && !joined;
    if (*took_next) {
        value = str_of(next);
    }
    if (kind == OPTION_VALUE && value.n == 0) {
        fprintf(stderr, "crewline: %.*s needs a value\n", STR_ARG(name));
        return false;
    }
    if (str_eqz(name, "--config")) {
        out->config = value.p; /* the tail of a word of argv: it ends with NUL */
    }
    out->flags[out->nflags++] = (struct pair){name, kind == OPTION_VALUE ? value : STR("")};
    return true;
}

static bool parse_args(const struct subcommand *c, int argc, char **argv, struct args *out)
{
    static const char *rest[ARGS_MAX];

    *out = (struct args){.rest = rest};
    for (int i = 2; i < argc; i++) {
        const char *word = strcmp(argv[i], "-h") == 0 ? "--help" : argv[i];
        bool took_next = false;

        if (strncmp(word, "--", 2) == 0) {
            if (!take_option(c, word, i + 1 < argc ? argv[i + 1] : NULL, out, &took_next)) {
                return false;
            }
            i += took_next ? 1 : 0;
        } else if (out->nrest == c->words) {
            fprintf(stderr, "crewline: \"%s\" is one word too many; see crewline %s --help\n", word,
                    c->name);
            return false;
        } else {
            rest[out->nrest++] = word;
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

bool main_settings_load(const struct args *a, struct settings **out, struct err *err)
{
    struct pair flags[ARGS_MAX];
    struct config_sources from = {
        .file = a->config, .dotenv = ".env", .environ_ = environ, .flags = flags};

    from.nflags = settings_flags(a, flags);
    if (!settings_load(&from, out, err)) {
        return false;
    }
    log_setup((*out)->log_level, (*out)->log_format);
    return true;
}

int main_settings(const struct args *a, struct settings **out)
{
    struct err err = {0};

    if (!main_settings_load(a, out, &err)) {
        fprintf(stderr, "crewline: %s\n", err.msg);
        return EXIT_CONFIG;
    }
    return EXIT_OK;
}

int main(int argc, char **argv)
{
    const char *name = argc < 2 ? "" : argv[1];
    struct args args;

    if (argc < 2 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 ||
        strcmp(name, "help") == 0) {
        usage(argc < 2 ? stderr : stdout);
        return argc < 2 ? EXIT_USAGE : EXIT_OK;
    }
    if (strcmp(name, "--version") == 0) {
        printf("crewline " CREWLINE_VERSION "\n");
        return EXIT_OK;
    }
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (strcmp(name, commands[i].name) != 0) {
            continue;
        }
        if (!parse_args(&commands[i], argc, argv, &args)) {
            return EXIT_USAGE;
        }
        if (args_has(&args, "--help")) {
            printf("usage: crewline %s\n%s\n", commands[i].usage, commands[i].help);
            return EXIT_OK;
        }
        return commands[i].run(&args);
    }
    fprintf(stderr, "crewline: there is no command \"%s\"; crewline --help lists them\n", name);
    return EXIT_USAGE;
}
