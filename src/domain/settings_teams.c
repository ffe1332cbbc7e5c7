/*
 * settings_teams: `teams` of a tenant: {"mechanics": {"group": "…", "sender": "main"}}, a team that
 * talks in a group on WhatsApp. Only Meta has such groups, so the sender is one of Meta's; it may
 * be left out where the tenant has a single one. No complaint names the group: its id holds a
 * phone.
 */
#include "settings_int.h"

#include <stdio.h>

#define GROUPS_MAX    256
#define GROUP_ID_MAX  256
#define TEAM_NAME_MAX 60 /* in complaints */

/* The one it names; else the only one of Meta's. */
static const struct sender *sender_of(struct place *p, const struct tenant_settings *t)
{
    struct str id = place_text(p, "sender", 32);
    const struct sender *found = NULL;

    for (size_t i = 0; i < t->nsenders; i++) {
        const struct sender *s = &t->senders[i];

        if (s->provider != PROVIDER_META || (id.n > 0 && !str_eq(s->id, id))) {
            continue;
        }
        if (found != NULL) {
            place_wrong(p, "sender", "several senders of Meta's are there: it names one");
            return NULL;
        }
        found = s;
    }
    if (found == NULL) {
        place_wrong(p, "sender", "it is no sender of Meta's: only Meta has groups");
    }
    return found;
}

static bool group_ok(struct str s)
{
    bool ok = s.n > 0 && s.n <= GROUP_ID_MAX;

    for (size_t i = 0; ok && i < s.n; i++) {
        ok = s.p[i] > ' ' && s.p[i] < 0x7f;
    }
    return ok;
}

static bool read_team(struct place *p, struct str team, struct tenant_settings *t)
{
    static const char *const known[] = {"group", "sender", NULL};
    struct str group = place_text(p, "group", GROUP_ID_MAX);
    const struct sender *s;

    place_unknown(p, known);
    if (p->ok && !group_ok(group)) {
        return place_wrong(p, "group", "it is no id of a group");
    }
    s = sender_of(p, t);
    if (s == NULL || !p->ok) {
        return false;
    }
    if (tenant_group(t, s->id, group) != NULL) {
        return place_wrong(p, "group", "another team has it");
    }
    t->groups[t->ngroups++] = (struct team_group){.team = team, .group = group, .sender = s->id};
    return true;
}

bool settings_read_teams(struct place *tenant, struct tenant_settings *t)
{
    const struct json *teams = json_get(tenant->j, "teams");
    struct str name;

    if (teams == NULL) {
        return true;
    }
    if (json_kind(teams) != JSON_OBJECT || json_len(teams) > GROUPS_MAX) {
        return place_wrong(tenant, "teams", "it is not an object of at most 256 teams");
    }
    t->groups = settings_alloc(tenant->s, (json_len(teams) + 1) * sizeof(*t->groups));
    for (size_t i = 0; tenant->ok && i < json_len(teams); i++) {
        struct place p = *tenant;

        p.j = json_member_at(teams, i, &name);
        if (str_starts(name, STR("//"))) {
            continue;
        }
        snprintf(p.at, sizeof(p.at), "%.80s.teams.%.*s", tenant->at,
                 STR_ARG(str_slice(name, 0, TEAM_NAME_MAX)));
        tenant->ok = json_kind(p.j) == JSON_OBJECT ? read_team(&p, settings_own(tenant->s, name), t)
                                                   : place_wrong(&p, "group", "it is missing");
    }
    return tenant->ok;
}

void settings_reload_teams(struct tenant_settings *to, const struct tenant_settings *from)
{
    to->groups = from->groups;
    to->ngroups = from->ngroups;
}
