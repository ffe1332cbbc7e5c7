/*
 * talk_team: TEAM text, answers that quote what was said to a team, and what is written in the
 * group of a team: the others hear it, and the CMMS. Who is in several teams names one ("TEAM
 * mechanics: …") or is asked which.
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

static const struct team_group *spoken_in(const struct talk *t)
{
    return tenant_group(t->p->tenant->conf, t->spoken_to, t->in->group_id);
}

static void tell_cmms(struct talk *t, struct str team, struct str text)
{
    struct jw w;
    struct buf *data = talk_event_begin(t, &w, NULL);

    jw_str(&w, "team", team);
    jw_str(&w, "text", text);
    jw_close(&w, '}');
    plan_event(t->p, "gateway.team.message.v1", team, arena_dup(t->a, buf_str(data)), STR_NONE);
    buf_fini(data);
}

static void post(struct talk *t, struct str team, struct str text)
{
    const struct team_group *g = spoken_in(t);
    const struct team_post said = {
        .team = team,
        .from = t->u->id,
        .name = t->u->name.n > 0 ? t->u->name : t->u->id,
        .text = text,
        .heard = g != NULL && str_eq(g->team, team),
    };
    char id[ID_BYTES];

    id_new(id);
    plan_matter(t->p, team_post_new(t->a, arena_dup(t->a, str_of(id)), &said, t->p->now));
    tell_cmms(t, team, text);
    if (!said.heard) {
        talk_say(t, "reply.team_sent", ARG_S("team", team));
    }
}

/* "mechanics: the belt is back": the team of that name, and the rest. The longest name counts: "mech
 * night: …" is not for "mech". */
static bool names_team(const struct talk *t, struct str *text, struct str *team)
{
    struct str rest;

    for (size_t i = 0; i < t->u->nteams; i++) {
        struct str name = t->u->teams[i];

        if (text->n < name.n || name.n <= team->n ||
            !str_ieq(str_slice(*text, 0, name.n), name)) {
            continue;
        }
        rest = str_slice(*text, name.n, text->n);
        if (rest.n == 0 || rest.p[0] == ':' || rest.p[0] == ' ') {
            *team = name;
        }
    }
    if (team->n == 0) {
        return false;
    }
    rest = str_slice(*text, team->n, text->n);
    *text = str_trim(rest.n > 0 ? str_slice(rest, 1, rest.n) : rest);
    return true;
}

static void ask_which(struct talk *t, struct str text)
{
    struct message *m = talk_say(t, "reply.team_which");

    m->kind = MESSAGE_LIST;
    m->list_button = I18N(t->a, t->l, t->timezone, "list.choose");
    for (size_t i = 0; i < t->u->nteams; i++) {
        talk_add_option(t, m, talk_asked_now(t, "team", t->u->teams[i]), t->u->teams[i], STR_NONE);
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
    if (!talk_asked_so(t, "team")) {
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

bool talk_in_group(struct talk *t)
{
    const struct team_group *g = spoken_in(t);
    struct str text = str_trim(t->in->text);

    if (g == NULL || t->v->user == NULL || t->u->removed || text.n == 0 ||
        (t->in->type != INBOUND_TEXT && t->in->type != INBOUND_MEDIA)) {
        return false;
    }
    t->via = "group";
    if (t->in->type == INBOUND_TEXT && text.p[0] == '/') {
        /* His own window is that of the number he wrote to himself. */
        t->sender_id = t->u->sender.n > 0 ? t->u->sender : t->sender_id;
        return true;
    }
    if (t->u->verified && in_team(t->u, g->team)) {
        post(t, g->team, text);
    }
    return false;
}
