#include "domain/team.h"

#include "base/mem.h"
#include "domain/notice.h"
#include "matter_int.h"

#define BODY_BYTES_MAX ((size_t)64 * 1024)

static struct str encode(struct arena *a, const struct team_post *post)
{
    struct buf text;
    struct str body;
    struct jw w;

    buf_init(&text, BODY_BYTES_MAX);
    jw_init(&w, &text);
    jw_open(&w, NULL, '{');
    jw_str(&w, "team", post->team);
    jw_str(&w, "from", post->from);
    jw_str(&w, "name", post->name);
    jw_str(&w, "text", i18n_cut(a, post->text, TEAM_SAID_MAX));
    jw_bool(&w, "heard", post->heard);
    jw_bool(&w, "one_by_one", post->one_by_one);
    jw_str(&w, "told", post->told);
    jw_close(&w, '}');
    body = arena_dup(a, buf_str(&text));
    buf_fini(&text);
    return body;
}

struct matter *team_post_new(struct arena *a, struct str id, const struct team_post *post,
                             struct wall now)
{
    struct matter *m = ARENA_NEW(a, struct matter);

    *m = (struct matter){.kind = MATTER_TEAM, .id = id, .body = encode(a, post), .clock = now};
    return m;
}

bool team_post_decode(struct arena *a, struct str text, struct team_post *out, struct err *err)
{
    struct json *j;

    if (!json_parse(text, BODY_BYTES_MAX, &j, err)) {
        return false;
    }
    *out = (struct team_post){.team = arena_dup(a, json_get_str(j, "team")),
                              .from = arena_dup(a, json_get_str(j, "from")),
                              .name = arena_dup(a, json_get_str(j, "name")),
                              .text = arena_dup(a, json_get_str(j, "text")),
                              .heard = json_get_bool(j, "heard", false),
                              .one_by_one = json_get_bool(j, "one_by_one", false),
                              .told = arena_dup(a, json_get_str(j, "told"))};
    json_free(&j);
    return true;
}

struct str team_address(struct arena *a, struct str team)
{
    return arena_printf(a, MESSAGE_TEAM "%.*s", STR_ARG(team));
}

struct str team_of_address(struct str user)
{
    return str_starts(user, STR(MESSAGE_TEAM)) ? str_slice(user, strlen(MESSAGE_TEAM), user.n)
                                               : STR_NONE;
}

struct str team_group_key(struct arena *a, struct str team)
{
    return arena_printf(a, "gr:%.*s", STR_ARG(team));
}

void team_wants(struct arena *a, const struct tenant *t, const struct matter *m,
                struct matter_wants *out)
{
    struct team_post post;
    struct err err = {0};

    if (!team_post_decode(a, m->body, &post, &err)) {
        return;
    }
    out->teams[out->nteams++] = post.team;
    if (tenant_team_group(t->conf, post.team) != NULL) {
        out->team = post.team;
    }
}

/* ---- the clock strikes ---- */

_Static_assert(PLAN_MESSAGES_MAX >= 4 * MATTER_PEOPLE_MAX, "a long text takes up to four messages to each");

static bool has_line(struct str list, struct str line)
{
    struct str one;

    while (list.n > 0) {
        str_cut(list, '\n', &one, &list);
        if (str_eq(one, line)) {
            return true;
        }
    }
    return false;
}

static bool is_outside(const struct matter_view *v, struct str person)
{
    for (size_t i = 0; i < v->noutside; i++) {
        if (str_eq(v->outside[i], person)) {
            return true;
        }
    }
    return false;
}

/* What those hear whom the group does not reach: who left it, who missed it, or all of them. */
static void tell_members(const struct matter_view *v, struct plan *p, struct team_post *post,
                         const struct matter *m)
{
    struct buf told;

    buf_init(&told, BODY_BYTES_MAX / 2);
    buf_add(&told, post->told);
    for (size_t i = 0; i < v->npeople; i++) {
        struct str id = v->people[i]->id;
        bool meant =
            post->one_by_one || (v->missed.n > 0 ? str_eq(id, v->missed) : is_outside(v, id));

        if (!meant || str_eq(id, post->from) || has_line(post->told, id)) {
            continue;
        }
        notice_team(p, post, m, v->people[i]);
        buf_addf(&told, "%s%.*s", told.n > 0 ? "\n" : "", STR_ARG(id));
    }
    post->told = arena_dup(p->a, buf_str(&told));
    buf_fini(&told);
}

bool team_strike(const struct matter_view *v, struct plan *p, struct err *err)
{
    struct matter *m = ARENA_NEW(p->a, struct matter);
    bool first = !v->m->over;
    const struct team_group *g;
    struct team_post post;

    *m = *v->m;
    if (!team_post_decode(p->a, m->body, &post, err)) {
        return false;
    }
    if (!first && (post.one_by_one || !(v->refused || v->missed.n > 0))) {
        return true; /* all of them have got it */
    }
    g = tenant_team_group(p->tenant->conf, post.team);
    post.one_by_one = !post.heard && (v->refused || (first && (g == NULL || v->suspended)));
    if (first && !post.heard && !post.one_by_one) {
        notice_team_group(p, &post, m, g);
    }
    tell_members(v, p, &post, m);
    m->body = encode(p->a, &post);
    m->clock = (struct wall){0};
    m->over = true;
    plan_matter(p, m);
    return true;
}
