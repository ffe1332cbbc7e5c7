/*
 * settings_place: one object of the configuration, read member by member; the first thing wrong is
 * kept, with its place and reason, and p->ok says so.
 */
#include "base/mem.h"
#include "settings_int.h"

#include <stdio.h>

bool place_wrong(struct place *p, const char *key, const char *why)
{
    if (p->ok) {
        err_set(p->err, ERR_CONFIG, "%s%s%s: %s", p->at, p->at[0] != '\0' ? "." : "", key, why);
    }
    p->ok = false;
    return false;
}

struct str place_text(struct place *p, const char *key, size_t max)
{
    const struct json *m = json_get(p->j, key);
    struct str value = json_str(m);

    if (m != NULL && json_kind(m) != JSON_STRING && json_kind(m) != JSON_NULL) {
        place_wrong(p, key, "it is not a text");
    } else if (value.n > max) {
        place_wrong(p, key, "it is too long");
    }
    return value;
}

struct str place_secret(struct place *p, const char *key)
{
    struct str value = place_text(p, key, 2000), out = STR_NONE;
    char name[200];
    char *resolved;

    if (value.n == 0 || !p->ok) {
        return value;
    }
    snprintf(name, sizeof(name), "%s.%s", p->at, key);
    if (!config_secret(p->s->config, value, name, &resolved, p->err)) {
        p->ok = false;
        return value;
    }
    out = settings_own(p->s, str_of(resolved));
    mem_wipe(resolved, strlen(resolved));
    mem_free(&resolved);
    return out;
}

int64_t place_number(struct place *p, const char *key, int64_t min, int64_t max, int64_t otherwise)
{
    const struct json *m = json_get(p->j, key);
    int64_t value = json_get_int(p->j, key, otherwise);
    char why[80];

    if (m != NULL && (json_kind(m) != JSON_INT || value < min || value > max)) {
        snprintf(why, sizeof(why), "it is not a whole number from %lld to %lld", (long long)min,
                 (long long)max);
        place_wrong(p, key, why);
    }
    return value;
}

bool place_bool(struct place *p, const char *key)
{
    const struct json *m = json_get(p->j, key);

    if (m != NULL && json_kind(m) != JSON_BOOL && json_kind(m) != JSON_NULL) {
        place_wrong(p, key, "it is neither true nor false");
    }
    return json_as_bool(m, false);
}

void place_unknown(struct place *p, const char *const *known)
{
    for (size_t i = 0; i < json_len(p->j); i++) {
        struct str name;
        size_t k = 0;

        json_member_at(p->j, i, &name);
        while (known[k] != NULL && !str_eqz(name, known[k])) {
            k++;
        }
        if (known[k] == NULL && !str_starts(name, STR("//"))) {
            char key[80];

            snprintf(key, sizeof(key), "%.*s", STR_ARG(str_slice(name, 0, 60)));
            place_wrong(p, key, "there is no such setting");
        }
    }
}
