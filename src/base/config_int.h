/*
 * config_int: the parts of config: layers and look-ups (config.c), one value (config_value.c),
 * files, variables and indirections (config_env.c), names that are none (config_near.c).
 */
#ifndef CREWLINE_CONFIG_INT_H
#define CREWLINE_CONFIG_INT_H

#include "base/config.h"

#define CONFIG_FILE_BYTES_MAX   (4 * 1024 * 1024)
#define CONFIG_DOTENV_BYTES_MAX (1024 * 1024)
#define CONFIG_SECRET_BYTES_MAX (64 * 1024)
#define CONFIG_NAME_BYTES       256

struct config_value {
    char *text; /* STR and ENUM, owned; NULL: unset */
    size_t n;
    struct json *json; /* LIST and JSON, owned */
    int64_t i;         /* INT and BOOL */
    /* Where it stood, for errors found later: "crewline.json: master_key" */
    char *place;
    const char *origin;
};

void config_value_fini(struct config_value *v);
/** Both set the value part of *out on success; the error is the reason alone. */
bool config_value_text(const struct config_row *row, struct str text, struct config_value *out,
                       struct err *err);
bool config_value_json(const struct config_row *row, const struct json *j, struct config_value *out,
                       struct err *err);
/** The length of a text; secrets are asked when they are resolved. */
bool config_value_length(const struct config_row *row, struct str text, struct err *err);

/** Whole file into @out; errno and false when it cannot be read, EFBIG over out->max. */
bool config_read(const char *path, struct buf *out);
/** What a "file:" indirection holds, without its line end; *out is the caller's. */
bool config_read_secret(const char *path, char **out, struct err *err);

/* Variables: name to char *, owned by the map's user. */
bool config_dotenv(struct map *vars, const char *path, struct err *err);
void config_environ(struct map *vars, char **environ_);
void config_vars_free(struct map **owner);
/**
 * Of @vars those that look like settings are in @names, or are read as "env:NAME" somewhere. Else *stray is
 * one that is not, and the error names the nearest that is.
 */
bool config_names_known(const struct map *names, const struct json *root, const struct map *vars,
                        struct str *stray, struct err *err);

#endif
