/*
 * talk_team: TEAM text, and answers that quote what was said to a team: the others hear them. Who
 * is in several teams names one ("TEAM mechanics: …") or is asked which.
 */
#include "base/mem.h"
#include "domain/team.h"
#include "matter_int.h"
#include "talk_int.h"

static bool in_team(const struct user *u, struct str team)
{
    for (size_t i = 0; i < u->nteams; i++) {
        if (str_eq(u->teams[i], team)) {
            return true;
        }
    }
    return false;
}

static void post(struct talk *t, struct str team, struct str text)
{
    const struct team_post said = {
        .team = team,
        .from = t->u->id,
        .name = t->u->name.n > 0 ? t->u->name : t->u->id,
        .text = text,
    };
    char id[ID_BYTES];

    id_new(id);
    plan_matter(t->p, team_post_new(t->a, arena_dup(t->a, str_of(id)), &said, t->p->now));
    talk_say(t, "reply.team_sent", ARG_S("team", team));
}

/* "mechanics: the belt is back": the team of that name, and the rest. */
static bool names_team(const struct talk *t, struct str *text, struct str *team)
{
    for (size_t i = 0; i < t->u->nteams; i++) {
        struct str name = t->u->teams[i], rest;

        if (text->n < name.n || !str_ieq(str_slice(*text, 0, name.n), name)) {
            continue;
        }
        rest = str_slice(*text, name.n, text->n);
        if (rest.n == 0 || rest.p[0] == ':' || rest.p[0] == ' ') {
            *team = name;
            *text = str_trim(rest.n > 0 ? str_slice(rest, 1, rest.n) : rest);
            return true;
        }
    }
    return false;
}

static void ask_which(struct talk *t, struct str text)
{
    struct message *m = talk_say(t, "reply.team_which");

    m->kind = MESSAGE_LIST;
    m->list_button = I18N(t->a, t->l, t->timezone, "list.choose");
    for (size_t i = 0; i < t->u->nteams; i++) {
        talk_add_option(t, m, arena_printf(t->a, "team:%.*s", STR_ARG(t->u->teams[i])),
                        t->u->teams[i], STR_NONE);
    }
    t->conv.question = STR("team");
    t->conv.question_rest = text;
    t->conv.question_at = t->p->now;
    t->conv_changed = true;
}

void talk_cmd_team(struct talk *t)
{
    struct str text = str_trim(t->call.rest), team = STR_NONE;

    if (t->u->nteams == 0) {
        talk_say(t, "reply.team_none");
        return;
    }
    if (!names_team(t, &text, &team) && t->u->nteams == 1) {
        team = t->u->teams[0];
    }
    if (text.n == 0) {
        talk_say(t, "help.detail.team");
    } else if (team.n > 0) {
        post(t, team, text);
    } else {
        ask_which(t, text);
    }
}

void talk_tap_team(struct talk *t, struct str team)
{
    if (!str_eqz(t->conv.question, "team") ||
        t->conv.question_at.ms + QUESTION_MS <= t->p->now.ms) {
        talk_say(t, "reply.question_expired");
        return;
    }
    t->conv.question = STR_NONE;
    t->conv_changed = true;
    if (in_team(t->u, team)) {
        post(t, team, t->conv.question_rest);
    } else {
        talk_say(t, "reply.team_left", ARG_S("team", team));
    }
}

bool talk_answers_team(struct talk *t)
{
    const struct matter *m = talk_matter_meant(t, MATTER_TEAM, STR_NONE);
    struct str text = str_trim(t->in->text);
    struct team_post quoted;
    struct err err = {0};

    if (m == NULL || text.n == 0 || !team_post_decode(t->a, m->body, &quoted, &err)) {
        return false;
    }
    if (in_team(t->u, quoted.team)) {
        post(t, quoted.team, text);
    } else {
        talk_say(t, "reply.team_left", ARG_S("team", quoted.team));
    }
    return true;
}
