/* broadcast_audience: who is meant, and whether he may be written to. */
#include <stdio.h>

#include "domain/broadcast.h"

/* As stored: bits that are never given another meaning. */
#define FLAG_VERIFIED  (1u << 0)
#define FLAG_CONSENTED (1u << 1)
#define FLAG_REMOVED   (1u << 2)
#define FLAG_ADDRESS   (1u << 3)

bool audience_scans(const struct audience *to)
{
    return to->all || to->roles != 0 || to->nteams > 0 || to->nsites > 0;
}

static bool has(const struct str *list, size_t n, struct str item)
{
    for (size_t i = 0; i < n; i++) {
        if (str_eq(list[i], item)) {
            return true;
        }
    }
    return false;
}

bool audience_fits(const struct audience *to, const struct user *u)
{
    if (to->all || (to->roles & u->roles) != 0 ||
        (u->site.n > 0 && has(to->sites, to->nsites, u->site))) {
        return true;
    }
    for (size_t i = 0; i < u->nteams && to->nteams > 0; i++) {
        if (has(to->teams, to->nteams, u->teams[i])) {
            return true;
        }
    }
    return false;
}

/* "<flags> <roles> <off> <opted out>", then a line each: language, sender, site, teams. */
void audience_encode(const struct user *u, struct buf *out)
{
    unsigned flags = (u->verified ? FLAG_VERIFIED : 0) | (u->consented ? FLAG_CONSENTED : 0) |
                     (u->removed ? FLAG_REMOVED : 0) |
                     (u->phone.n > 0 || u->bsuid.n > 0 ? FLAG_ADDRESS : 0);

    buf_addf(out, "%u %u %u %u\n%.*s\n%.*s\n%.*s", flags, u->roles, u->off, u->opted_out,
             STR_ARG(u->language), STR_ARG(u->sender), STR_ARG(u->site));
    for (size_t i = 0; i < u->nteams; i++) {
        buf_add_char(out, '\n');
        buf_add(out, u->teams[i]);
    }
}

static bool number(struct str *rest, char end, unsigned *out)
{
    struct str head;
    int64_t v;

    str_cut(*rest, end, &head, rest);
    if (!str_to_i64(head, 0, UINT32_MAX, &v)) {
        return false;
    }
    *out = (unsigned)v;
    return true;
}

bool audience_decode(struct str id, struct str record, struct user *out)
{
    struct user u = {.id = id};
    unsigned flags;

    if (!number(&record, ' ', &flags) || !number(&record, ' ', &u.roles) ||
        !number(&record, ' ', &u.off) || !number(&record, '\n', &u.opted_out)) {
        return false;
    }
    str_cut(record, '\n', &u.language, &record);
    str_cut(record, '\n', &u.sender, &record);
    str_cut(record, '\n', &u.site, &record);
    while (record.n > 0 && u.nteams < USER_TEAMS_MAX) {
        str_cut(record, '\n', &u.teams[u.nteams++], &record);
    }
    u.verified = (flags & FLAG_VERIFIED) != 0;
    u.consented = (flags & FLAG_CONSENTED) != 0;
    u.removed = (flags & FLAG_REMOVED) != 0;
    u.phone = (flags & FLAG_ADDRESS) != 0 ? STR("+") : STR(""); /* only whether there is one */
    *out = u;
    return true;
}

enum notify_verdict broadcast_verdict(const struct broadcast *b, const struct user *u)
{
    return b->training ? user_notify(u, CLASS_TRAINING, false)
                       : user_notify(u, CLASS_EMERGENCY, b->prio == PRIO_CRITICAL);
}
