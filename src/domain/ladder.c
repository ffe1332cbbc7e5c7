#include "domain/ladder.h"

#include <stddef.h>

#include "base/mem.h"
#include "domain/user_store.h"

#define NAME_MAX   128
#define WAIT_S_MAX 86400
#define WAIT_S     300

static bool wrong(struct err *err, const char *at, const char *member, const char *why)
{
    err_set(err, ERR_INVALID, "%s", why);
    return err_member(err, "%s%s%s", at, member[0] != '\0' ? "." : "", member);
}

/* ---- who ---- */

static bool person_ok(struct str s, struct crowd *c)
{
    (void)c;
    return user_id_ok(s);
}

static bool group_ok(struct str s, struct crowd *c)
{
    (void)c;
    return s.n > 0 && s.n <= NAME_MAX;
}

static bool role_ok(struct str s, struct crowd *c)
{
    unsigned role = 0;
    bool ok = user_role_parse(s, &role);

    c->roles |= role;
    return ok;
}

#define NO_LIST SIZE_MAX
static const struct {
    const char *name;
    bool (*ok)(struct str s, struct crowd *c);
    size_t list, n;
} lists[] = {
    {"users",   person_ok,               offsetof(struct crowd, users),                offsetof(struct crowd, nusers)},
    {"teams",  group_ok,                         offsetof(struct crowd,                                        teams),                                                    offsetof(struct crowd, nteams)},
    {"sites",   group_ok,     offsetof(struct crowd,sites),offsetof(struct crowd, nsites)},
    {"roles",role_ok,NO_LIST,                                 NO_LIST                                                                                   },
};
static const struct {
    const char *name;
    size_t at;
    bool rung; /* of a rung only */
} flags[] = {
    {"all",         offsetof(struct crowd, all),         false},
    {"audience",    offsetof(struct crowd, audience),    true },
    {"supervisors", offsetof(struct crowd, supervisors), true },
};

static bool take_list(struct arena *a, size_t row, const struct json *v, struct crowd *out)
{
    size_t n = json_len(v);
    struct str *items = ARENA_ARRAY(a, struct str, n + 1);

    if (json_kind(v) != JSON_ARRAY || n > LADDER_NAMES_MAX) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        items[i] = arena_dup(a, str_trim(json_str(json_at(v, i))));
        if (!lists[row].ok(items[i], out)) {
            return false;
        }
    }
    if (lists[row].list != NO_LIST) {
        *(struct str **)((uintptr_t)out + lists[row].list) = items;
        *(size_t *)((uintptr_t)out + lists[row].n) = n;
    }
    return true;
}

static bool take_flag(size_t row, const struct json *v, struct crowd *out)
{
    *(bool *)((uintptr_t)out + flags[row].at) = json_as_bool(v, false);
    return json_kind(v) == JSON_BOOL;
}

/* Whether it is a member, and *ok a good one. */
static bool take_member(struct arena *a, struct str name, const struct json *v, bool rung,
                        struct crowd *out, bool *ok)
{
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        if (str_eqz(name, lists[i].name)) {
            *ok = take_list(a, i, v, out);
            return true;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        if (str_eqz(name, flags[i].name) && (rung || !flags[i].rung)) {
            *ok = take_flag(i, v, out);
            return true;
        }
    }
    return false;
}

static bool names_somebody(const struct crowd *c)
{
    return c->nusers > 0 || c->nteams > 0 || c->nsites > 0 || c->roles != 0 || c->all ||
           c->audience || c->supervisors;
}

static bool read_crowd(struct arena *a, const struct json *j, const char *at, bool rung,
                       struct crowd *out, struct err *err)
{
    *out = (struct crowd){0};
    if (json_kind(j) != JSON_OBJECT) {
        return wrong(err, at, "", "it is missing or no object: who is to be told?");
    }
    for (size_t i = 0; i < json_len(j); i++) {
        struct str name;
        const struct json *v = json_member_at(j, i, &name);
        bool ok = false;

        name = str_slice(name, 0, 60);
        if (!take_member(a, name, v, rung, out, &ok)) {
            return wrong(err, at, arena_printf(a, "%.*s", STR_ARG(name)).p,
                         rung ? "it is none of users, teams, sites, roles, all, audience, "
                                "supervisors"
                              : "it is none of users, teams, sites, roles, all");
        }
        if (!ok) {
            return wrong(err, at, arena_printf(a, "%.*s", STR_ARG(name)).p,
                         "it is neither true or false nor a list of at most 500 names: ids of "
                         "people, teams, sites; technician, supervisor, admin or stakeholder");
        }
    }
    return names_somebody(out) || wrong(err, at, "", "it names nobody");
}

bool crowd_from_json(struct arena *a, const struct json *j, const char *at, struct crowd *out,
                     struct err *err)
{
    return read_crowd(a, j, at, false, out, err);
}

static void write_list(struct jw *w, const char *name, const struct str *items, size_t n)
{
    if (n == 0) {
        return;
    }
    jw_open(w, name, '[');
    for (size_t i = 0; i < n; i++) {
        jw_str(w, NULL, items[i]);
    }
    jw_close(w, ']');
}

void crowd_write(const struct crowd *c, struct jw *w, const char *name)
{
    jw_open(w, name, '{');
    write_list(w, "users", c->users, c->nusers);
    write_list(w, "teams", c->teams, c->nteams);
    write_list(w, "sites", c->sites, c->nsites);
    if (c->roles != 0) {
        user_roles_write(c->roles, w, "roles");
    }
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        if (*(const bool *)((uintptr_t)c + flags[i].at)) {
            jw_bool(w, flags[i].name, true);
        }
    }
    jw_close(w, '}');
}

static bool among(struct str s, const struct str *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (str_eq(s, list[i])) {
            return true;
        }
    }
    return false;
}

bool crowd_fits(const struct crowd *c, const struct user *u)
{
    bool fits = (u->roles & c->roles) != 0 || (c->all && (u->roles & ROLE_CREW) != 0) ||
                among(u->id, c->users, c->nusers) ||
                (u->site.n > 0 && among(u->site, c->sites, c->nsites));

    for (size_t i = 0; !fits && i < u->nteams; i++) {
        fits = among(u->teams[i], c->teams, c->nteams);
    }
    return fits;
}

/* ---- rungs ---- */

static bool whole(const struct json *j, const char *name, int64_t min, int64_t max,
                  int64_t otherwise, int64_t *out)
{
    const struct json *v = json_get(j, name);

    *out = json_as_int(v, otherwise);
    return v == NULL || (json_kind(v) == JSON_INT && *out >= min && *out <= max);
}

static bool known_only(struct arena *a, const struct json *j, const char *const *known,
                       const char *at, struct err *err)
{
    for (size_t i = 0; i < json_len(j); i++) {
        struct str name;
        size_t k = 0;

        json_member_at(j, i, &name);
        while (known[k] != NULL && !str_eqz(name, known[k])) {
            k++;
        }
        if (known[k] == NULL && !str_starts(name, STR("//"))) {
            return wrong(err, at, arena_printf(a, "%.*s", STR_ARG(str_slice(name, 0, 60))).p,
                         "there is no such member");
        }
    }
    return true;
}

static bool read_rung(struct arena *a, const struct json *j, const char *at, struct rung *out,
                      struct err *err)
{
    static const char *const known[] = {"to", "wait_s", "need", NULL};
    int64_t wait_s;

    if (json_kind(j) != JSON_OBJECT) {
        return wrong(err, at, "", "a rung is an object");
    }
    if (!known_only(a, j, known, at, err) ||
        !read_crowd(a, json_get(j, "to"), arena_printf(a, "%s.to", at).p, true, &out->to, err)) {
        return false;
    }
    if (!whole(j, "wait_s", 1, WAIT_S_MAX, WAIT_S, &wait_s)) {
        return wrong(err, at, "wait_s", "it is not a whole number from 1 to 86400");
    }
    if (!whole(j, "need", 1, LADDER_NEED_MAX, 1, &out->need)) {
        return wrong(err, at, "need", "it is not a whole number from 1 to 100");
    }
    out->wait_ms = wait_s * 1000;
    return true;
}

bool ladder_from_json(struct arena *a, const struct json *j, const char *at, struct ladder *out,
                      struct err *err)
{
    static const char *const known[] = {"rungs", "reopen_s", NULL};
    const struct json *rungs = j;
    int64_t reopen_s = 0;

    *out = (struct ladder){0};
    if (json_kind(j) == JSON_OBJECT) {
        if (!known_only(a, j, known, at, err)) {
            return false;
        }
        if (!whole(j, "reopen_s", 0, 7 * WAIT_S_MAX, 0, &reopen_s)) {
            return wrong(err, at, "reopen_s", "it is not a whole number from 0 to 604800");
        }
        rungs = json_get(j, "rungs");
        at = arena_printf(a, "%s.rungs", at).p;
    }
    if (json_kind(rungs) != JSON_ARRAY || json_len(rungs) == 0 ||
        json_len(rungs) > LADDER_RUNGS_MAX) {
        return wrong(err, at, "", "it is not a list of 1 to 16 rungs");
    }
    out->rungs = ARENA_ARRAY(a, struct rung, json_len(rungs));
    for (; out->n < json_len(rungs); out->n++) {
        if (!read_rung(a, json_at(rungs, out->n), arena_printf(a, "%s.%zu", at, out->n).p,
                       &out->rungs[out->n], err)) {
            return false;
        }
    }
    out->reopen_ms = reopen_s * 1000;
    return true;
}

void ladder_write(const struct ladder *l, struct jw *w, const char *name)
{
    jw_open(w, name, '{');
    jw_open(w, "rungs", '[');
    for (size_t i = 0; i < l->n; i++) {
        jw_open(w, NULL, '{');
        crowd_write(&l->rungs[i].to, w, "to");
        jw_int(w, "wait_s", l->rungs[i].wait_ms / 1000);
        jw_int(w, "need", l->rungs[i].need);
        jw_close(w, '}');
    }
    jw_close(w, ']');
    jw_int(w, "reopen_s", l->reopen_ms / 1000);
    jw_close(w, '}');
}

void ladder_builtin(struct arena *a, struct ladder *out)
{
    *out = (struct ladder){.rungs = ARENA_ARRAY(a, struct rung, 2), .n = 2};
    out->rungs[0] = (struct rung){.to = {.audience = true}, .wait_ms = WAIT_S * 1000, .need = 1};
    out->rungs[1] = (struct rung){.to = {.supervisors = true}, .wait_ms = WAIT_S * 1000, .need = 1};
}
