/* talk_broadcast: answers to broadcasts that asked for one: by their buttons, or SAFE, HELP ME,
 * ACK. */
#include "domain/broadcast.h"
#include "talk_int.h"

static void tell_cmms(struct talk *t, struct str id, struct str answer)
{
    struct jw w;
    struct buf *data = talk_event_begin(t, &w, NULL);

    jw_open(&w, "broadcast", '{');
    jw_str(&w, "id", id);
    jw_close(&w, '}');
    jw_str(&w, "answer", answer);
    jw_close(&w, '}');
    plan_event(t->p, "gateway.broadcast.answered.v1", id, arena_dup(t->a, buf_str(data)), STR_NONE);
    buf_fini(data);
}

/* Whoever is nearest and can do something hears it at once. */
static void call_supervisor(struct talk *t)
{
    struct user *to = t->v->supervisor;
    struct message *m;
    const struct lang *l;

    if (to == NULL || user_notify(to, CLASS_EMERGENCY, true) != NOTIFY_YES) {
        return;
    }
    l = notice_lang(t->p, to);
    m = plan_message(t->p, to, MESSAGE_TEXT);
    m->prio = PRIO_CRITICAL;
    m->cls = str_of(user_class_name(CLASS_EMERGENCY));
    m->text =
        I18N(t->a, l, notice_timezone(t->p, to), "notice.needs_help",
             ARG_S("name", t->u->name.n > 0 ? t->u->name : t->u->id), ARG_S("phone", t->u->phone));
}

static void answered(struct talk *t, struct str id, struct str answer)
{
    t->p->broadcast = id;
    t->p->broadcast_answer = answer;
    tell_cmms(t, id, answer);
    talk_say(t, str_eqz(answer, "safe")   ? "reply.broadcast_safe"
                : str_eqz(answer, "help") ? "reply.broadcast_help"
                : str_eqz(answer, "read") ? "reply.read_thanks"
                                          : "reply.broadcast_ack");
    if (str_eqz(answer, "help")) {
        call_supervisor(t);
    }
}

static void roll_call(struct talk *t, const char *answer)
{
    struct str id = t->v->roll_call;

    if (id.n == 0) {
        talk_say(t, "reply.no_roll_call");
    } else {
        answered(t, id, str_of(answer));
    }
}

void talk_cmd_safe(struct talk *t)
{
    roll_call(t, "safe");
}

void talk_cmd_help_me(struct talk *t)
{
    roll_call(t, "help");
}

/* ACK is for orders first: it means the broadcast when he quotes it, or when no order waits for it.
 */
bool talk_ack_broadcast(struct talk *t)
{
    struct str id = t->v->to_ack;

    if (id.n == 0 || t->call.order.n > 0 || t->tap_order.n > 0) {
        return false;
    }
    if (!str_eq(t->v->quoted_broadcast, id)) {
        for (size_t i = 0; i < t->v->norders; i++) {
            const struct view_order *vo = &t->v->orders[i];

            if ((vo->flags & VIEW_QUOTED) != 0 ||
                (talk_is_mine(vo) && vo->order->status == ORDER_OPEN && !vo->order->deleted)) {
                return false;
            }
        }
    }
    answered(t, id, STR("ack"));
    return true;
}

bool talk_tap_broadcast(struct talk *t, struct str payload)
{
    struct str answer, id;

    if (!broadcast_payload(payload, &answer, &id)) {
        return false;
    }
    answered(t, id, answer);
    return true;
}
