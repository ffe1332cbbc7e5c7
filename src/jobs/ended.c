/* ended: what the CMMS and an order's timeline are told of a message that came to a bad end. */
#include "jobs_int.h"

void ended_tell(struct plan *p, const struct message *m, const char *state,
                const struct outcome *why)
{
    struct buf data;
    struct jw w;

    if (p->tenant->conf->message_status_events != STATUS_EVENTS_NONE) {
        buf_init(&data, 64 * 1024);
        jw_init(&w, &data);
        jw_open(&w, NULL, '{');
        jw_open(&w, "message", '{');
        jw_str(&w, "id", m->id);
        jw_z(&w, "state", state);
        if (m->order_number.n > 0) {
            jw_str(&w, "work_order", m->order_number);
        }
        jw_open(&w, "reason", '{');
        jw_int(&w, "code", why->code);
        jw_str(&w, "text", why->title);
        jw_str(&w, "advice", why->advice);
        jw_close(&w, '}');
        jw_close(&w, '}');
        jw_close(&w, '}');
        plan_event(p, "gateway.message.status_changed.v1",
                   m->order_number.n > 0 ? m->order_number : m->id, arena_dup(p->a, buf_str(&data)),
                   m->cause);
        buf_fini(&data);
    }
    if (m->order_id.n > 0) {
        plan_entry(p, m->order_id, "message", m->user,
                   arena_printf(p->a, "message %.*s %s: %.*s", STR_ARG(m->id), state,
                                STR_ARG(why->title)));
    }
}

struct str ended_line(struct arena *a, struct str s)
{
    char *p = arena_alloc(a, s.n + 1);

    for (size_t i = 0; i < s.n; i++) {
        p[i] = s.p[i] == '\n' ? ' ' : s.p[i];
    }
    return str_make(p, s.n);
}

struct str ended_detail(struct arena *a, const struct outcome *why)
{
    return ended_line(a, arena_printf(a, "%lld|%.*s|%.*s", (long long)why->code,
                                      STR_ARG(why->title), STR_ARG(why->advice)));
}

/* It is that already, mostly: then this says that it stays so, and why. */
void ended_uncertain(struct arena *a, struct commit *c, const struct message *m,
                     const struct outcome *why)
{
    commit_message_state(c, m->id, "uncertain", wall_now(), ended_detail(a, why));
    commit_message_note(c, m->id, wall_now(), ended_detail(a, why));
    commit_zadd(c, STR("dl"), (double)wall_now().ms, arena_printf(a, "out:%.*s", STR_ARG(m->id)));
    if (m->broadcast.n > 0) {
        commit_given_up(c, m->id);
    }
}
