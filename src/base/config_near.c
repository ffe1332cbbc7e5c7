/*
 * config_near: names in the environment that look like settings and are none. A misspelt one that
 * nobody reads would be missed only when something does not work: it ends the start, and the name
 * that was meant is told.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "config_int.h"

#define OWN_PREFIX "CREWLINE_"

/* Names that are ours by their beginning. Kubernetes makes some of its own for a service
 * "whatsapp". */
static bool looks_ours(struct str name)
{
    static const char *const prefixes[] = {OWN_PREFIX, "WHATSAPP_", "TWILIO_"};
    static const char *const services[] = {"_SERVICE_HOST", "_SERVICE_PORT", "_PORT_"};

    if (str_starts(name, STR("CREWLINE_TEST_"))) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
        if (!str_starts(name, str_of(prefixes[i]))) {
            continue;
        }
        for (size_t k = 0; i > 0 && k < ARRAY_LEN(services); k++) {
            if (str_find(name, str_of(services[k])) != SIZE_MAX) {
                return false;
            }
        }
        return i == 0 || !str_ends(name, STR("_PORT"));
    }
    return false;
}

static bool mentions(const struct json *j, struct str name)
{
    struct str text = json_str(j), member;

    if (str_starts(text, STR("env:")) && str_eq(str_slice(text, 4, text.n), name)) {
        return true;
    }
    for (size_t i = 0; json_kind(j) == JSON_OBJECT && i < json_len(j); i++) {
        if (mentions(json_member_at(j, i, &member), name)) {
            return true;
        }
    }
    for (size_t i = 0; json_kind(j) == JSON_ARRAY && i < json_len(j); i++) {
        if (mentions(json_at(j, i), name)) {
            return true;
        }
    }
    return false;
}

/* "env:NAME" of the file, or of another variable. */
static bool is_read(const struct json *root, const struct map *vars, struct str name)
{
    struct str other;
    void *value;

    for (size_t it = 0; map_next(vars, &it, &other, &value);) {
        struct str text = str_of(value);

        if (str_starts(text, STR("env:")) && str_eq(str_slice(text, 4, text.n), name)) {
            return true;
        }
    }
    return mentions(root, name);
}

/* How many letters are to be put in, taken out or changed to make the one the other. */
static size_t distance(struct str a, struct str b)
{
    size_t row[CONFIG_NAME_BYTES + 1];

    if (a.n > CONFIG_NAME_BYTES || b.n > CONFIG_NAME_BYTES) {
        return SIZE_MAX;
    }
    for (size_t k = 0; k <= b.n; k++) {
        row[k] = k;
    }
    for (size_t i = 1; i <= a.n; i++) {
        size_t corner = row[0];

        row[0] = i;
        for (size_t k = 1; k <= b.n; k++) {
            size_t change = corner + (a.p[i - 1] == b.p[k - 1] ? 0 : 1);
            size_t other = (row[k] < row[k - 1] ? row[k] : row[k - 1]) + 1;

            corner = row[k];
            row[k] = change < other ? change : other;
        }
    }
    return row[b.n];
}

bool config_names_known(const struct map *names, const struct json *root, const struct map *vars,
                        struct str *stray, struct err *err)
{
    size_t best = SIZE_MAX;
    struct str name = STR_NONE, known, near = STR_NONE;
    void *value;

    for (size_t it = 0; map_next(vars, &it, &name, &value);) {
        if (looks_ours(name) && map_get(names, name) == NULL &&
            (str_starts(name, STR(OWN_PREFIX)) || !is_read(root, vars, name))) {
            *stray = name;
            break;
        }
        name = STR_NONE;
    }
    if (name.n == 0) {
        return true;
    }
    for (size_t it = 0; map_next(names, &it, &known, &value);) {
        size_t far = distance(name, known);

        if (far < best) {
            best = far;
            near = known;
        }
    }
    return best <= name.n / 2
               ? err_set(err, ERR_CONFIG, "unknown setting; the nearest is %.*s", STR_ARG(near))
               : err_set(err, ERR_CONFIG, "unknown setting");
}
