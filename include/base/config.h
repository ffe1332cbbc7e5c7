/*
 * config: a table of settings, filled from defaults < JSON file < .env < environment < flags, and
 * checked whole before anything starts. This file is the engine; the table of crewline is in
 * domain/settings.c. Unknown keys and bad values end with ERR_CONFIG naming place, key and reason,
 * as in: `crewline.json: delivery.lease_ms: "abc" is not a whole number from 1000 to 600000`.
 * Secrets may be given as "env:NAME" or "file:/path" (trailing line end dropped).
 *
 * In the file a member whose name begins with "//" is a comment and null stands for "not given". In
 * the environment and in .env an empty value is "not given", so that a copied example with blanks
 * changes nothing.
 * Every layer is checked, also where a higher one overrides it; an indirection is followed only
 * where it wins. Unknown variables that start with CREWLINE_ are errors, but CREWLINE_TEST_* is
 * left to test programs. Bounds 0, 0 in a row mean: none. .env: `NAME=value`, `export NAME=value`,
 * # comments; 'single quotes' keep everything, "double quotes" know \n \r \t \" \\; a bare value
 * ends before " #". The last line of a name counts.
 */
#ifndef CREWLINE_BASE_CONFIG_H
#define CREWLINE_BASE_CONFIG_H

#include "base/err.h"
#include "base/json.h"
#include "base/map.h"
#include "base/str.h"
#include "base/text.h"

enum config_type {
    CONFIG_STR,
    CONFIG_INT,
    CONFIG_BOOL,
    CONFIG_ENUM, /* choices: "a|b|c"; stored as str */
    CONFIG_LIST, /* of strings; comma separated or JSON in the environment; stored as JSON array */
    CONFIG_JSON  /* any JSON; stored as struct json * */
};
#define CONFIG_SECRET (1u << 0) /* may be an indirection; never printed */
#define CONFIG_RELOAD (1u << 1) /* SIGHUP may change it */

struct config_row {
    const char *key;  /* dotted path in the file: "delivery.lease_ms" */
    const char *env;  /* a name of its own in the environment, or NULL: CREWLINE_<PATH> */
    const char *flag; /* "--listen", or NULL */
    enum config_type type;
    unsigned flags;
    int64_t min, max;    /* CONFIG_INT; for CONFIG_STR the length */
    const char *choices; /* CONFIG_ENUM */
    const char *def;     /* default as text, or NULL: unset */
    const char *help;
};

struct config; /* the values */

struct config_sources {
    const char *file;         /* --config, or NULL */
    const char *dotenv;       /* ".env", or NULL; missing is fine */
    char **environ_;          /* NULL: none */
    const struct pair *flags; /* name "--listen" and value */
    size_t nflags;
    /* top-level members of the file that the caller reads itself ("tenants", "WhatsApp") */
    const char *const *own_members; /* ends with NULL; may be NULL */
};

/** @rows live as long as the result. Nothing of @from is kept. */
bool config_load(const struct config_row *rows, size_t nrows, const struct config_sources *from,
                 struct config **out, struct err *err);
void config_free(struct config **owner);

/* Look-ups by key; an unknown key is our bug and aborts. */
struct str config_str(const struct config *c, const char *key); /* STR_NONE: unset */
int64_t config_int(const struct config *c, const char *key);
bool config_bool(const struct config *c, const char *key);
const struct json *config_json(const struct config *c, const char *key); /* list or JSON, or NULL */
/** Whether two loads agree on @key: what a reload may or may not change. */
bool config_same(const struct config *a, const struct config *b, const char *key);
/** Where it came from: "default", "crewline.json", ".env" (base names), "environment", "flag". */
const char *config_origin(const struct config *c, const char *key);
/**
 * For a complaint about its value: "crewline.json: redis_url", "environment: REDIS_URL"; of one that nobody
 * gave its variable, or its key. NULL: no such setting.
 */
const char *config_place(const struct config *c, const char *key);
/** Path of the JSON file, or NULL. */
const char *config_file(const struct config *c);
/** A top-level member that the caller reads itself, or NULL. */
const struct json *config_own(const struct config *c, const char *member);
/** A variable of .env or the environment, for own members; STR_NONE: unset. */
struct str config_env(const struct config *c, const char *name);
/** Resolve "env:NAME" and "file:/path"; @value itself otherwise. Copy in *out (mem_free). */
bool config_secret(const struct config *c, struct str value, const char *key, char **out,
                   struct err *err);

#endif
