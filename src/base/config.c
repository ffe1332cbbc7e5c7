#include "base/config.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "base/mem.h"
#include "config_int.h"

struct config {
    const struct config_row *rows;
    struct config_value *values; /* one a row */
    size_t nrows;
    struct map *index;              /* key to value */
    struct map *env, *dotenv;       /* variables */
    struct map *names;              /* names of variables that are settings, to their rows */
    char *file, *dotenv_path;       /* as given, NULL: none */
    struct json *root;              /* of the file, for own members */
    const char *const *own_members; /* while loading */
};

#define CONFIG_PREFIX "CREWLINE_"

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

/* Puts "place: key: " before the reason. */
static bool at_place(struct err *err, const char *place, const char *key)
{
    if (err != NULL) {
        err->code = ERR_CONFIG;
        err_member(err, "%s", key);
    }
    return err_wrap(err, "%s: %s", place, key);
}

static bool set_value(struct config *c, size_t row, struct config_value *got, const char *place,
                      const char *key, const char *origin)
{
    struct buf b;

    buf_init(&b, 4096);
    buf_addf(&b, "%s: %s", place, key);
    buf_take(&b, &got->place);
    got->origin = origin;
    config_value_fini(&c->values[row]);
    c->values[row] = *got;
    return true;
}

static bool set_text(struct config *c, size_t row, struct str text, const char *place,
                     const char *key, const char *origin, struct err *err)
{
    struct config_value got = {0};

    if (!config_value_text(&c->rows[row], text, &got, err)) {
        return at_place(err, place, key);
    }
    return set_value(c, row, &got, place, key, origin);
}

static bool set_defaults(struct config *c, struct err *err)
{
    for (size_t i = 0; i < c->nrows; i++) {
        if (c->rows[i].def != NULL &&
            !set_text(c, i, str_of(c->rows[i].def), "default", c->rows[i].key, "default", err)) {
            return false;
        }
    }
    return true;
}

/* The file */

static bool is_own(const struct config *c, struct str name)
{
    for (const char *const *p = c->own_members; p != NULL && *p != NULL; p++) {
        if (str_eqz(name, *p)) {
            return true;
        }
    }
    return false;
}

/* Whether some key lies below @path. */
static bool is_parent(const struct config *c, struct str path)
{
    for (size_t i = 0; i < c->nrows; i++) {
        struct str key = str_of(c->rows[i].key);

        if (key.n > path.n && key.p[path.n] == '.' && str_starts(key, path)) {
            return true;
        }
    }
    return false;
}

static bool take_members(struct config *c, const struct json *o, struct str above, struct err *err);

static bool take_member(struct config *c, struct str path, const struct json *j, struct err *err)
{
    struct config_value *known = map_get(c->index, path), got = {0};

    if (known != NULL) {
        size_t row = (size_t)(known - c->values);

        if (json_kind(j) == JSON_NULL) {
            return true;
        }
        if (!config_value_json(&c->rows[row], j, &got, err)) {
            return at_place(err, c->file, path.p);
        }
        return set_value(c, row, &got, c->file, path.p, base_name(c->file));
    }
    if (!is_parent(c, path)) {
        err_set(err, ERR_CONFIG, "unknown key");
        return at_place(err, c->file, path.p);
    }
    if (json_kind(j) == JSON_NULL) {
        return true;
    }
    if (json_kind(j) != JSON_OBJECT) {
        err_set(err, ERR_CONFIG, "the value is not an object");
        return at_place(err, c->file, path.p);
    }
    return take_members(c, j, path, err);
}

/* Recurses as deep as the longest key of the table: what is deeper is unknown. */
static bool take_members(struct config *c, const struct json *o, struct str above, struct err *err)
{
    struct buf path;
    bool ok = true;

    buf_init(&path, CONFIG_FILE_BYTES_MAX);
    for (size_t i = 0; i < json_len(o) && ok; i++) {
        struct str name;
        const struct json *j = json_member_at(o, i, &name);

        if (str_starts(name, STR("//")) || (above.n == 0 && is_own(c, name))) {
            continue;
        }
        buf_reset(&path);
        buf_add(&path, above);
        if (above.n > 0) {
            buf_add_char(&path, '.');
        }
        buf_add(&path, name);
        /* A member named "a.b" is not the member b of a. */
        if (str_find_char(name, '.', 0) != SIZE_MAX) {
            err_set(err, ERR_CONFIG, "unknown key");
            ok = at_place(err, c->file, path.p);
        } else {
            ok = take_member(c, buf_str(&path), j, err);
        }
    }
    buf_fini(&path);
    return ok;
}

static bool take_file(struct config *c, struct err *err)
{
    struct buf text;
    bool ok = false;

    buf_init(&text, CONFIG_FILE_BYTES_MAX);
    if (!config_read(c->file, &text)) {
        err_set(err, ERR_CONFIG, "%s: cannot read: %s", c->file, strerror(errno));
    } else if (!json_parse(buf_str(&text), text.max, &c->root, err)) {
        err_wrap(err, "%s", c->file);
        if (err != NULL) {
            err->code = ERR_CONFIG;
        }
    } else if (json_kind(c->root) != JSON_OBJECT) {
        err_set(err, ERR_CONFIG, "%s: line 1, column 1: the file is not a JSON object", c->file);
    } else {
        ok = take_members(c, c->root, STR_NONE, err);
    }
    buf_fini_secret(&text);
    return ok;
}

/* Variables */

/* The name of @row in the environment: its own, or CREWLINE_DELIVERY__LEASE_MS. */
static void var_name(const struct config_row *row, struct buf *out)
{
    buf_reset(out);
    if (row->env != NULL) {
        buf_addz(out, row->env);
        return;
    }
    buf_addz(out, CONFIG_PREFIX);
    for (const char *p = row->key; *p != '\0'; p++) {
        if (*p == '.') {
            buf_addz(out, "__");
        } else {
            buf_add_char(out, *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p);
        }
    }
}

static bool take_vars(struct config *c, const struct map *vars, const char *place,
                      const char *origin, struct err *err)
{
    struct str stray;
    struct buf own;
    bool ok = true;
    void *value;

    if (!config_names_known(c->names, c->root, vars, &stray, err)) {
        return at_place(err, place, stray.p);
    }
    /* In the order of the table, so that of two mistakes always the same one is reported. */
    buf_init(&own, CONFIG_NAME_BYTES);
    for (size_t i = 0; i < c->nrows && ok; i++) {
        var_name(&c->rows[i], &own);
        value = map_get(vars, buf_str(&own));
        if (value != NULL && *(const char *)value != '\0') {
            ok = set_text(c, i, str_of(value), place, own.p, origin, err);
        }
    }
    buf_fini(&own);
    return ok;
}

static bool take_flag(struct config *c, const struct pair *flag, struct err *err)
{
    struct str value = flag->value;
    char name[CONFIG_NAME_BYTES];
    size_t row = 0;

    snprintf(name, sizeof(name), "%.*s", STR_ARG(flag->name));
    while (row < c->nrows &&
           (c->rows[row].flag == NULL || !str_eqz(flag->name, c->rows[row].flag))) {
        row++;
    }
    if (row == c->nrows) {
        err_set(err, ERR_CONFIG, "unknown flag");
        return at_place(err, "flag", name);
    }
    if (value.p == NULL && c->rows[row].type != CONFIG_BOOL) {
        err_set(err, ERR_CONFIG, "the value is missing");
        return at_place(err, "flag", name);
    }
    return set_text(c, row, value.p == NULL ? STR("true") : value, "flag", name, "flag", err);
}

static bool take_flags(struct config *c, const struct pair *flags, size_t n, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        if (!take_flag(c, &flags[i], err)) {
            return false;
        }
    }
    return true;
}

/* Secrets */

/* Follows an indirection once; the error is the reason alone. */
static bool resolve(const struct config *c, struct str value, char **out, struct err *err)
{
    struct str got;
    char *path;
    bool ok;

    if (str_starts(value, STR("env:"))) {
        value = str_slice(value, 4, value.n);
        got = config_env(c, value.p);
        if (got.n == 0) {
            return err_set(err, ERR_CONFIG, "environment variable \"%.*s\" is not set",
                           STR_ARG(value));
        }
        *out = mem_dupz(got);
        return true;
    }
    if (str_starts(value, STR("file:"))) {
        path = mem_dupz(str_slice(value, 5, value.n));
        ok = config_read_secret(path, out, err);
        mem_free(&path);
        return ok;
    }
    *out = mem_dupz(value);
    return true;
}

static bool resolve_all(struct config *c, struct err *err)
{
    for (size_t i = 0; i < c->nrows; i++) {
        struct config_value *v = &c->values[i];
        char *secret;

        if ((c->rows[i].flags & CONFIG_SECRET) == 0 || v->text == NULL) {
            continue;
        }
        if (!resolve(c, str_make(v->text, v->n), &secret, err)) {
            return err_wrap(err, "%s", v->place);
        }
        mem_wipe(v->text, v->n);
        mem_free(&v->text);
        v->text = secret;
        v->n = strlen(secret);
        if (!config_value_length(&c->rows[i], str_make(v->text, v->n), err)) {
            return err_wrap(err, "%s", v->place);
        }
    }
    return true;
}

/* The whole */

static struct config *config_new(const struct config_row *rows, size_t nrows,
                                 const struct config_sources *from)
{
    struct config *c = MEM_NEW(struct config);
    struct buf name;

    c->rows = rows;
    c->nrows = nrows;
    c->values = mem_array(nrows, sizeof(*c->values));
    c->index = map_new();
    c->names = map_new();
    c->env = map_new();
    c->dotenv = map_new();
    c->file = from->file == NULL ? NULL : mem_dupz(str_of(from->file));
    c->dotenv_path = from->dotenv == NULL ? NULL : mem_dupz(str_of(from->dotenv));
    c->own_members = from->own_members;
    buf_init(&name, CONFIG_NAME_BYTES);
    for (size_t i = 0; i < nrows; i++) {
        map_put(c->index, str_of(rows[i].key), &c->values[i]);
        var_name(&rows[i], &name);
        map_put(c->names, buf_str(&name), &c->values[i]);
    }
    buf_fini(&name);
    return c;
}

bool config_load(const struct config_row *rows, size_t nrows, const struct config_sources *from,
                 struct config **out, struct err *err)
{
    struct config *c = config_new(rows, nrows, from);

    config_environ(c->env, from->environ_);
    if (!set_defaults(c, err) || (c->file != NULL && !take_file(c, err)) ||
        (c->dotenv_path != NULL && !config_dotenv(c->dotenv, c->dotenv_path, err))) {
        goto fail;
    }
    if (c->dotenv_path != NULL &&
        !take_vars(c, c->dotenv, c->dotenv_path, base_name(c->dotenv_path), err)) {
        goto fail;
    }
    if (!take_vars(c, c->env, "environment", "environment", err) ||
        !take_flags(c, from->flags, from->nflags, err) || !resolve_all(c, err)) {
        goto fail;
    }
    c->own_members = NULL;
    *out = c;
    return true;
fail:
    config_free(&c);
    return false;
}

void config_free(struct config **owner)
{
    struct config *c = *owner;

    if (c == NULL) {
        return;
    }
    for (size_t i = 0; i < c->nrows; i++) {
        config_value_fini(&c->values[i]);
    }
    mem_free(&c->values);
    map_free(&c->index);
    map_free(&c->names);
    config_vars_free(&c->env);
    config_vars_free(&c->dotenv);
    mem_free(&c->file);
    mem_free(&c->dotenv_path);
    json_free(&c->root);
    mem_free(owner);
}

/* Look-ups */

static const struct config_value *value_of(const struct config *c, const char *key)
{
    const struct config_value *v = map_get(c->index, str_of(key));

    assert(v != NULL);
    return v;
}

struct str config_str(const struct config *c, const char *key)
{
    const struct config_value *v = value_of(c, key);

    return str_make(v->text, v->n);
}

int64_t config_int(const struct config *c, const char *key)
{
    return value_of(c, key)->i;
}

bool config_bool(const struct config *c, const char *key)
{
    return value_of(c, key)->i != 0;
}

const struct json *config_json(const struct config *c, const char *key)
{
    return value_of(c, key)->json;
}

bool config_same(const struct config *a, const struct config *b, const char *key)
{
    const struct config_value *x = value_of(a, key), *y = value_of(b, key);

    return x->i == y->i && (x->text == NULL) == (y->text == NULL) &&
           str_eq(str_make(x->text, x->n), str_make(y->text, y->n)) && json_eq(x->json, y->json);
}

const char *config_origin(const struct config *c, const char *key)
{
    const char *origin = value_of(c, key)->origin;

    /* An optional setting that nobody gave stands at its default: unset. */
    return origin == NULL ? "default" : origin;
}

const struct json *config_own(const struct config *c, const char *member)
{
    return json_get(c->root, member);
}

struct str config_env(const struct config *c, const char *name)
{
    const char *value = map_get(c->env, str_of(name));

    if (value == NULL || *value == '\0') {
        value = map_get(c->dotenv, str_of(name));
    }
    return value == NULL || *value == '\0' ? STR_NONE : str_of(value);
}

bool config_secret(const struct config *c, struct str value, const char *key, char **out,
                   struct err *err)
{
    char *z = mem_dupz(value); /* @value need not end in a NUL, the name of a variable must */
    bool ok = resolve(c, str_make(z, value.n), out, err);

    mem_wipe(z, value.n);
    mem_free(&z);
    return ok || at_place(err, c->file == NULL ? "environment" : c->file, key);
}

const char *config_place(const struct config *c, const char *key)
{
    const struct config_value *v = map_get(c->index, str_of(key));
    const struct config_row *row;

    if (v == NULL) {
        return NULL;
    }
    if (v->place != NULL && strcmp(v->origin, "default") != 0) {
        return v->place;
    }
    row = &c->rows[v - c->values];
    return row->env != NULL ? row->env : row->key;
}

const char *config_file(const struct config *c)
{
    return c->file;
}
