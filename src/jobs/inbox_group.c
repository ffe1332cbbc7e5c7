/*
 * inbox_group: a team's group on WhatsApp (domain/team.h) in the inbox. What was said there and not
 * taken goes to the members one by one: an item for it is put by the commit that writes down the
 * refusal, and the post's matter strikes once more by it. What the provider tells of a group is
 * kept.
 */
#include "base/log.h"
#include "domain/team.h"
#include "inbox_int.h"

struct group_word {     /* of an item */
    struct str message; /* ours, to the group */
    struct str missed;  /* hash of the only one whom it did not reach, or empty: nobody got it */
    struct str title, advice;
};

/* ---- what was said there was not taken ---- */

/* Once for a message, and for each person whom it did not reach. */
void group_refused_put(const struct tenant *t, struct arena *a, struct commit *c,
                       const struct message *m, struct str missed, struct str title,
                       struct str advice)
{
    struct str id =
        arena_printf(a, "g-%.*s%s%.*s", STR_ARG(m->id), missed.n > 0 ? "-" : "", STR_ARG(missed));
    struct str text = arena_printf(a, "%c%.*s\n%.*s\n%.*s\n%.*s\n%.*s", ITEM_GROUP,
                                   STR_ARG(m->matter), STR_ARG(m->id), STR_ARG(missed),
                                   STR_ARG(ended_line(a, title)), STR_ARG(ended_line(a, advice)));
    const struct plan_input item = {matter_lane(t, a, m->matter), text};

    plan_input_put(t, a, id, &item, (struct wall){0}, c);
}

static void write_note(struct inbox_job *j, struct commit *c)
{
    const struct group_word *g = j->group;

    commit_message_note(c, g->message, wall_now(),
                        arena_printf(j->work, "%s: %.*s",
                                     g->missed.n > 0
                                         ? "one of the group did not get it, and is told apart"
                                         : "said to the members one by one",
                                     STR_ARG(g->title)));
}

bool inbox_open_group(struct inbox_job *j, struct str text, struct err *err)
{
    struct group_word *g = ARENA_NEW(j->a, struct group_word);
    enum matter_kind kind;
    struct str id;

    if (!str_cut(text, '\n', &j->matter_ref, &text) || !str_cut(text, '\n', &g->message, &text) ||
        !str_cut(text, '\n', &g->missed, &text) || !matter_ref_parse(j->matter_ref, &kind, &id) ||
        kind != MATTER_TEAM) {
        return err_set(err, ERR_DAMAGED, "it names no message to a team");
    }
    str_cut(text, '\n', &g->title, &g->advice);
    j->group = g;
    j->also_write = write_note;
    j->read = inbox_read_matter;
    return true;
}

static void raise_alert(struct inbox_job *j, struct str team)
{
    alert_raise(j->et, arena_printf(j->work, "group:%.*s", STR_ARG(team)), "warning",
                arena_printf(j->work,
                             "What is said to the team goes to its members one by one: %.*s",
                             STR_ARG(j->group->title)),
                j->group->advice);
}

/* ---- what is known of it, for a strike ---- */

static struct str field_of(struct inbox_job *j, const struct team_group *g, struct str what)
{
    struct str group = vault_hash_arena(j->et->t.vault, j->work, "group", g->group);

    return arena_printf(j->work, "%.*s|%.*s", STR_ARG(group), STR_ARG(what));
}

/* A person there goes by his phone or his BSUID. */
static struct str hash_of(struct inbox_job *j, struct str who)
{
    return vault_hash_arena(j->et->t.vault, j->work, "phone", who);
}

static struct str left_field(struct inbox_job *j, const struct team_group *g, struct str who)
{
    return field_of(j, g, hash_of(j, who));
}

static struct str in_field(struct inbox_job *j, const struct team_group *g, struct str who)
{
    return field_of(j, g, arena_printf(j->work, "in|%.*s", STR_ARG(hash_of(j, who))));
}

/* Something said there was delivered to him: perhaps later than he left. */
static struct str got_field(struct inbox_job *j, const struct team_group *g, struct str who)
{
    return field_of(j, g, arena_printf(j->work, "got|%.*s", STR_ARG(hash_of(j, who))));
}

/* When, or 0. */
static int64_t time_of(const struct reply *r, struct str field)
{
    for (size_t i = 0; i + 1 < reply_len(r); i += 2) {
        if (str_eq(reply_str(reply_at(r, i)), field)) {
            return reply_int(reply_at(r, i + 1));
        }
    }
    return 0;
}

/*
 * Known to be in it; all others get what is said there from us as well. What the provider tells may
 * come late and in another order: its times count.
 */
static bool is_in(struct inbox_job *j, const struct reply *known, const struct team_group *g,
                  const struct user *u)
{
    const struct str names[] = {u->phone, u->bsuid};
    int64_t in = 0, left = 0, got = 0;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (names[i].n > 0) {
            int64_t here = time_of(known, in_field(j, g, names[i])),
                    gone = time_of(known, left_field(j, g, names[i]));

            in = here > in ? here : in;
            left = gone > left ? gone : left;
            got += time_of(known, got_field(j, g, names[i])) > 0;
        }
    }
    return left > 0 ? in > left : in > 0 || got > 0;
}

/* The one whom the provider names as not reached. */
static bool is_missed(struct inbox_job *j, const struct user *u)
{
    struct str missed = j->group != NULL ? j->group->missed : STR_NONE;

    return missed.n > 0 && ((u->phone.n > 0 && str_eq(missed, hash_of(j, u->phone))) ||
                            (u->bsuid.n > 0 && str_eq(missed, hash_of(j, u->bsuid))));
}

void inbox_group_view(struct inbox_job *j, const struct reply *reply, struct matter_view *v)
{
    struct str team = j->matter_wants->team, *outside;
    const struct team_group *g = tenant_team_group(j->et->t.conf, team);

    if (j->group != NULL) {
        v->refused = j->group->missed.n == 0;
        if (v->refused) {
            raise_alert(j, team);
        }
    }
    if (g == NULL) {
        return;
    }
    outside = ARENA_ARRAY(j->work, struct str, v->npeople + 1);
    v->suspended = time_of(reply, field_of(j, g, STR("su"))) > 0;
    for (size_t i = 0; i < v->npeople; i++) {
        const struct user *u = v->people[i];

        if (!is_in(j, reply, g, u)) {
            outside[v->noutside++] = u->id;
        }
        if (is_missed(j, u)) {
            v->missed = u->id;
        }
    }
    v->outside = outside;
}

/* ---- what the provider tells ---- */

static void write_group(struct inbox_job *j, struct commit *c)
{
    const struct team_group *g = tenant_group(j->et->t.conf, j->sender_id, j->in.group_id);
    struct str people = j->in.subject, who, key;
    struct str since = arena_printf(j->work, "%lld", (long long)j->in.at.ms);

    if (g == NULL) { /* taken out by a reload since the first try */
        return;
    }
    key = team_group_key(j->work, g->team);
    if (str_eqz(j->in.detail, "suspended") || str_eqz(j->in.detail, "gone")) {
        commit_hset(c, key, field_of(j, g, STR("su")), since);
    } else if (str_eqz(j->in.detail, "restored")) {
        commit_hdel(c, key, field_of(j, g, STR("su")));
    }
    while (people.n > 0) {
        str_cut(people, '\n', &who, &people);
        if (str_eqz(j->in.detail, "left")) {
            commit_hset(c, key, left_field(j, g, who), since);
        } else {
            commit_hset(c, key, in_field(j, g, who), since);
        }
    }
}

static void write_seen(struct inbox_job *j, struct commit *c)
{
    const struct team_group *g = tenant_group(j->et->t.conf, j->sender_id, j->in.group_id);
    const struct str names[] = {j->in.phone, j->in.bsuid};
    struct str key;

    if (g == NULL) { /* as above */
        return;
    }
    key = team_group_key(j->work, g->team);
    /* A status may be of what was said before he left. */
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (names[i].n > 0) {
            commit_hset(c, key,
                        j->in.kind == INBOUND_MESSAGE ? in_field(j, g, names[i])
                                                      : got_field(j, g, names[i]),
                        arena_printf(j->work, "%lld", (long long)j->in.at.ms));
        }
    }
}

void inbox_seen_in_group(struct inbox_job *j)
{
    bool there = j->in.kind == INBOUND_MESSAGE || j->in.state == DELIVERY_DELIVERED ||
                 j->in.state == DELIVERY_READ;

    if (there && j->in.group_id.n > 0 &&
        tenant_group(j->et->t.conf, j->sender_id, j->in.group_id) != NULL) {
        j->also_write = write_seen;
    }
}

void inbox_read_group(struct inbox_job *j)
{
    const struct team_group *g = tenant_group(j->et->t.conf, j->sender_id, j->in.group_id);

    j->keep = true;
    if (g != NULL && j->in.detail.n > 0) {
        log_info("the provider tells of a team's group", LF_STR("tenant", j->et->t.id),
                 LF_STR("team", g->team), LF_STR("event", j->in.event));
        j->also_write = write_group;
    }
    inbox_read_nothing(j);
}
