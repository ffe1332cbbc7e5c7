/* message_merge: several changes of one order that wait for the same person, told in one message.
 */
#include "base/mem.h"
#include "domain/template.h"

#define BUTTONS_BODY_MAX 1024 /* characters */
#define TEXT_BODY_MAX    4000

/* What tells of an order as it is or has become: by their forms, which only notices have. */
static bool is_change(struct str form)
{
    static const char *const forms[] = {TEMPLATE_ASSIGNED, TEMPLATE_REMOVED,  TEMPLATE_UPDATED,
                                        TEMPLATE_STATUS,   TEMPLATE_PRIORITY, TEMPLATE_CREATED,
                                        TEMPLATE_PROGRESS, TEMPLATE_RESOLVED, TEMPLATE_COMMENT,
                                        TEMPLATE_PARTS};

    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        if (str_eqz(form, forms[i])) {
            return true;
        }
    }
    return false;
}

bool message_is_change(const struct message *m)
{
    return m->order_id.n > 0 && (m->kind == MESSAGE_TEXT || m->kind == MESSAGE_BUTTONS) &&
           m->prio >= PRIO_HIGH && m->quoted.n == 0 && is_change(m->template_.name);
}

static size_t body_max(const struct message *m)
{
    return m->kind == MESSAGE_BUTTONS ? BUTTONS_BODY_MAX : TEXT_BODY_MAX;
}

/*
 * The very words that were said last. What was said before something else is news again (on hold, open, on
 * hold), and "No" is more than the beginning of "Not yet".
 */
static bool said_last(struct str text, struct str next)
{
    return str_ends(text, next) &&
           (text.n == next.n || str_ends(str_slice(text, 0, text.n - next.n), STR("\n\n")));
}

bool message_merge(struct arena *a, const struct message *first, const struct message *next,
                   struct message *out)
{
    struct message m = *next;

    if (!message_is_change(first) || !message_is_change(next) ||
        !str_eq(first->order_id, next->order_id) || !str_eq(first->sender, next->sender) ||
        !str_eq(first->user, next->user)) {
        return false;
    }
    m.text = said_last(first->text, next->text)
                 ? first->text
                 : arena_printf(a, "%.*s\n\n%.*s", STR_ARG(first->text), STR_ARG(next->text));
    if (str_utf8_len(m.text) > body_max(&m)) {
        return false;
    }
    if (str_eqz(first->template_.name, TEMPLATE_ASSIGNED) &&
        !str_eqz(next->template_.name, TEMPLATE_REMOVED)) {
        m.template_ = first->template_; /* outside the window: that it is his comes first */
    }
    m.id = first->id;
    m.cause = first->cause;
    m.created = first->created;
    m.send_at = first->send_at;
    m.expires = first->expires;
    *out = m;
    return true;
}
