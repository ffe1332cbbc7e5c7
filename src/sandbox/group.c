#include "group.h"

#include <stdio.h>

#include "base/mem.h"
#include "events.h"
#include "meta.h"
#include "status.h"

#define GROUPS_MAX 64
#define VALUE_MAX  16384

struct groups {
    struct group list[GROUPS_MAX];
    size_t n;
};

struct groups *groups_new(void)
{
    return MEM_NEW(struct groups);
}

void groups_free(struct groups **owner)
{
    for (size_t i = 0; *owner != NULL && i < (*owner)->n; i++) {
        mem_free(&(*owner)->list[i].id);
    }
    mem_free(owner);
}

struct group *group_find(const struct sandbox *sb, const struct number *n, struct str id)
{
    for (size_t i = 0; i < sb->groups->n; i++) {
        struct group *g = &sb->groups->list[i];

        if ((n == NULL || g->number == n) && str_eqz(id, g->id)) {
            return g;
        }
    }
    return NULL;
}

bool group_has(const struct group *g, const struct phone *p)
{
    for (size_t i = 0; i < g->npeople; i++) {
        if (g->people[i] == p) {
            return true;
        }
    }
    return false;
}

struct str group_message_id(struct str id)
{
    struct str base, copy;

    str_cut(id, '#', &base, &copy);
    return base;
}

/* ---- what the gateway is told ---- */

static void tell(struct sandbox *sb, const struct group *g, const char *field, const char *type,
                 const char *list, const struct phone *p)
{
    char seconds[24];
    struct buf b;
    struct jw w;

    snprintf(seconds, sizeof(seconds), "%lld", (long long)(wall_us() / 1000000));
    buf_init(&b, VALUE_MAX);
    jw_init(&w, &b);
    meta_hook_open(&w, g->number);
    jw_open(&w, "groups", '[');
    jw_open(&w, NULL, '{');
    jw_z(&w, "timestamp", seconds);
    jw_z(&w, "group_id", g->id);
    jw_z(&w, "type", type);
    if (list != NULL) {
        jw_open(&w, list, '[');
        jw_open(&w, NULL, '{');
        if (p->e164 != NULL) {
            jw_str(&w, "wa_id", str_slice(str_of(p->e164), 1, SIZE_MAX));
        }
        jw_z(&w, "user_id", p->bsuid);
        jw_close(&w, '}');
        jw_close(&w, ']');
        jw_z(&w, strcmp(list, "added_participants") == 0 ? "reason" : "initiated_by",
             strcmp(list, "added_participants") == 0 ? "invite_link" : "participant");
    }
    jw_close(&w, '}');
    jw_close(&w, ']');
    jw_close(&w, '}');
    meta_hook_value(sb, g->number, field, buf_str(&b), NULL, NULL);
    buf_fini(&b);
}

static void tell_changes(struct sandbox *sb, const struct group *before, const struct group *now)
{
    for (size_t i = 0; i < now->npeople; i++) {
        if (!group_has(before, now->people[i])) {
            tell(sb, now, "group_participants_update", "group_participants_add",
                 "added_participants", now->people[i]);
        }
    }
    for (size_t i = 0; i < before->npeople; i++) {
        if (!group_has(now, before->people[i])) {
            tell(sb, now, "group_participants_update", "group_participants_remove",
                 "removed_participants", before->people[i]);
        }
    }
    if (before->suspended != now->suspended) {
        tell(sb, now, "group_status_update",
             now->suspended ? "group_suspend" : "group_suspend_cleared", NULL, NULL);
    }
}

/* ---- configuration ---- */

static bool take_people(struct sandbox *sb, const struct json *list, struct group *g,
                        struct err *err)
{
    if (json_kind(list) != JSON_ARRAY || json_len(list) > GROUP_PEOPLE_MAX) {
        return err_set(err, ERR_INVALID, "participants is not a list of at most %d phones",
                       GROUP_PEOPLE_MAX);
    }
    g->npeople = 0;
    for (size_t i = 0; i < json_len(list); i++) {
        struct str who = json_str(json_at(list, i));
        struct phone *p = str_is_e164(who) ? phone_need(sb, who) : NULL;

        if (p == NULL) {
            return err_set(err, ERR_INVALID, "participant \"%.*s\" is not E.164", STR_ARG(who));
        }
        g->people[g->npeople++] = p;
    }
    return true;
}

static struct number *number_of(struct sandbox *sb, struct str id)
{
    for (size_t i = 0; i < sb->nnumbers; i++) {
        struct number *n = sb->numbers[i];

        if (n->dialect == DIALECT_META &&
            (id.n == 0 || str_eqz(id, n->id) || str_eqz(id, n->e164))) {
            return n;
        }
    }
    return NULL;
}

bool group_configure(struct sandbox *sb, const struct json *j, struct err *err)
{
    struct str id = json_get_str(j, "id");
    struct group *g = group_find(sb, NULL, id), before, now;

    if (id.n == 0 || (g == NULL && sb->groups->n == GROUPS_MAX)) {
        return err_set(err, ERR_INVALID, "a group needs an id; at most %d are there", GROUPS_MAX);
    }
    now = g != NULL ? *g : (struct group){.number = number_of(sb, json_get_str(j, "number"))};
    before = now;
    now.suspended = json_get_bool(j, "suspended", now.suspended);
    if (now.number == NULL) {
        return err_set(err, ERR_INVALID, "group: number is no number of Meta's here");
    }
    if (json_get(j, "participants") != NULL &&
        !take_people(sb, json_get(j, "participants"), &now, err)) {
        return false;
    }
    if (g == NULL) {
        g = &sb->groups->list[sb->groups->n++];
        set_text(&now.id, id);
        *g = now;
        return true;
    }
    *g = now;
    tell_changes(sb, &before, g);
    return true;
}

void groups_state(const struct sandbox *sb, struct jw *w)
{
    jw_open(w, "groups", '[');
    for (size_t i = 0; i < sb->groups->n; i++) {
        const struct group *g = &sb->groups->list[i];

        jw_open(w, NULL, '{');
        jw_z(w, "id", g->id);
        jw_z(w, "number", g->number->id);
        jw_bool(w, "suspended", g->suspended);
        jw_open(w, "participants", '[');
        for (size_t k = 0; k < g->npeople; k++) {
            jw_str(w, NULL, phone_address(g->people[k]));
        }
        jw_close(w, ']');
        jw_close(w, '}');
    }
    jw_close(w, ']');
}

/* ---- on the phones ---- */

void group_deliver(struct sandbox *sb, const struct group *g, const struct entry *e)
{
    struct arena *a = arena_new();

    for (size_t i = 0; i < g->npeople; i++) {
        struct entry proto = *e, *copy;

        proto.copy = true;
        proto.id = arena_printf(a, "%.*s#%zu", STR_ARG(e->id), i + 1);
        proto.phone = phone_address(g->people[i]);
        copy = ledger_add(sb->ledger, &proto);
        events_message(sb, copy);
        status_begin(sb, copy);
    }
    arena_free(&a);
}
