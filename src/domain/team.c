#include "domain/team.h"

#include "base/mem.h"
#include "domain/notice.h"
#include "matter_int.h"

#define BODY_BYTES_MAX ((size_t)64 * 1024)

struct matter *team_post_new(struct arena *a, struct str id, const struct team_post *post,
                             struct wall now)
{
    struct matter *m = ARENA_NEW(a, struct matter);
    struct buf body;
    struct jw w;

    buf_init(&body, BODY_BYTES_MAX);
    jw_init(&w, &body);
    jw_open(&w, NULL, '{');
    jw_str(&w, "team", post->team);
    jw_str(&w, "from", post->from);
    jw_str(&w, "name", post->name);
    jw_str(&w, "text", i18n_cut(a, post->text, TEAM_TEXT_MAX));
    jw_close(&w, '}');
    *m = (struct matter){
        .kind = MATTER_TEAM, .id = id, .body = arena_dup(a, buf_str(&body)), .clock = now};
    buf_fini(&body);
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
                              .text = arena_dup(a, json_get_str(j, "text"))};
    json_free(&j);
    return true;
}

void team_wants(struct arena *a, const struct tenant *t, const struct matter *m,
                struct matter_wants *out)
{
    struct team_post post;
    struct err err = {0};

    (void)t;
    if (team_post_decode(a, m->body, &post, &err)) {
        out->teams[out->nteams++] = post.team;
    }
}

bool team_strike(const struct matter_view *v, struct plan *p, struct err *err)
{
    struct matter *m = ARENA_NEW(p->a, struct matter);
    struct team_post post;

    *m = *v->m;
    if (!team_post_decode(p->a, m->body, &post, err)) {
        return false;
    }
    for (size_t i = 0; i < v->npeople && !m->over; i++) {
        if (!str_eq(v->people[i]->id, post.from)) {
            notice_team(p, &post, m, v->people[i]);
        }
    }
    m->clock = (struct wall){0};
    m->over = true;
    plan_matter(p, m);
    return true;
}
