#include "domain/failover.h"

#include "domain/template.h"
#include "domain/user.h"

#include <stdio.h>

bool failover_can_say(const struct message *m)
{
    /* What was said to one number, what lies with one provider, and whom one account alone knows.
     */
    return !m->sms && m->kind != MESSAGE_READ && m->kind != MESSAGE_REACTION &&
           !(m->kind == MESSAGE_MEDIA && m->media.url.n == 0) && m->phone.n > 0;
}

/* Is @id among the senders that were tried, "main tw"? */
static bool tried(struct str list, struct str id)
{
    struct str one;

    while (list.n > 0) {
        str_cut(list, ' ', &one, &list);
        if (str_eq(one, id)) {
            return true;
        }
    }
    return false;
}

static bool wants_sms(const struct tenant_settings *t, const struct message *m)
{
    enum user_class cls;

    return user_class_parse(m->cls, &cls) && (t->sms_classes & (1u << cls)) != 0;
}

static bool next_sms(const struct tenant_settings *t, const struct message *m, const bool *usable,
                     struct failover_step *out)
{
    for (size_t i = 0; wants_sms(t, m) && m->phone.n > 0 && i < t->nsenders; i++) {
        if (t->senders[i].sms_from.n > 0 && (usable == NULL || usable[i])) {
            *out = (struct failover_step){&t->senders[i], true};
            return true;
        }
    }
    return false;
}

bool failover_next(const struct tenant_settings *t, const struct message *m, const bool *usable,
                   struct failover_step *out)
{
    const struct sender *by = tenant_sender(t, m->sender);

    if (m->prio != PRIO_CRITICAL || t->failover_critical_after_ms == 0 || m->sms ||
        str_eqz(m->template_.name, TEMPLATE_WAITING)) { /* that one only asks him to write */
        return false;
    }
    for (size_t k = 0; k < t->nsenders; k++) { /* those behind its own first; NULL: not configured any more */
        size_t i = ((by != NULL ? (size_t)(by - t->senders) + 1 : 0) + k) % t->nsenders;

        if (&t->senders[i] != by && (usable == NULL || usable[i]) && !tried(m->tried, t->senders[i].id) &&
            failover_can_say(m)) {
            *out = (struct failover_step){&t->senders[i], false};
            return true;
        }
    }
    return next_sms(t, m, usable, out);
}

/* Born with the message it stands for, as far as its name tells: so both are forgotten together. */
static struct str id_of(struct arena *a, const struct message *m, const struct failover_step *step)
{
    struct str what =
        arena_printf(a, "%.*s|%.*s|%d", STR_ARG(m->id), STR_ARG(step->sender->id), step->sms);
    uint8_t digest[SHA256_BYTES];
    char id[ID_BYTES];
    int n;

    sha256(what, digest);
    n = snprintf(id, sizeof(id), "%.10s", id_is(m->id) ? m->id.p : "0000000000");
    for (size_t i = 0; i < 8; i++) {
        n += snprintf(id + n, sizeof(id) - (size_t)n, "%02X", digest[i]);
    }
    return arena_dup(a, str_of(id));
}

/* ---- an SMS: words ---- */

static void add_line(struct buf *b, struct str s)
{
    if (s.n > 0) {
        buf_addz(b, b->n > 0 ? "\n" : "");
        buf_add(b, s);
    }
}

static void add_place(struct arena *a, struct buf *b, const struct message *m)
{
    add_line(b, m->location.name);
    add_line(b, m->location.address);
    add_line(b, arena_printf(a, "%.6f, %.6f", m->location.latitude, m->location.longitude));
}

static struct str words_of(struct arena *a, const struct message *m, struct str answer)
{
    struct str all;
    struct buf b;
    size_t n = 0, chars = 0;

    buf_init(&b, 256 * 1024);
    add_line(&b, m->header);
    add_line(&b, m->text);
    for (size_t i = 0; m->text.n == 0 && i < m->template_.nparams; i++) {
        add_line(&b, m->template_.params[i].value);
    }
    add_line(&b, m->media.url);
    if (m->kind == MESSAGE_LOCATION) {
        add_place(a, &b, m);
    }
    add_line(&b, m->footer);
    all = arena_dup(a, buf_str(&b));
    buf_fini(&b);
    while (n < all.n && chars < FAILOVER_SMS_CHARS_MAX) { /* whole characters */
        n++;
        while (n < all.n && ((unsigned char)all.p[n] & 0xc0) == 0x80) {
            n++;
        }
        chars++;
    }
    return answer.n > 0
               ? arena_printf(a, "%.*s\n%.*s", STR_ARG(str_slice(all, 0, n)), STR_ARG(answer))
               : str_slice(all, 0, n);
}

void failover_take(struct arena *a, struct message *m, const struct failover_step *step,
                   struct wall now, struct str answer)
{
    struct message sms;

    m->tried = m->tried.n > 0 ? arena_printf(a, "%.*s %.*s", STR_ARG(m->tried), STR_ARG(m->sender))
                              : m->sender;
    m->instead_of = m->id;
    m->id = id_of(a, m, step);
    m->sender = step->sender->id;
    m->quoted = m->media.provider_id = m->template_.content_sid = STR_NONE;
    m->created = now;
    m->send_at.ms = 0;
    if (!step->sms) {
        return;
    }
    sms = (struct message){.id = m->id,
                           .kind = MESSAGE_TEXT,
                           .user = m->user,
                           .phone = m->phone,
                           .sender = m->sender,
                           .prio = m->prio,
                           .cls = m->cls,
                           .lang = m->lang,
                           .text = words_of(a, m, answer),
                           .order_id = m->order_id,
                           .order_number = m->order_number,
                           .broadcast = m->broadcast,
                           .cause = m->cause,
                           .created = m->created,
                           .expires = m->expires,
                           .max_sends = m->max_sends,
                           .instead_of = m->instead_of,
                           .tried = m->tried,
                           .sms = true};
    *m = sms;
}

/* ---- the watch ---- */

void failover_watch(const struct tenant *t, struct arena *a, struct commit *c,
                    struct str message_id, const char *name, struct wall at)
{
    static const struct rate none;
    /* At once may be several times before the first of them has ended: each is an item. */
    struct str id = at.ms > 0 ? arena_printf(a, "%s-%.*s", name, STR_ARG(message_id))
                              : arena_printf(a, "%s-%.*s-%lld", name, STR_ARG(message_id),
                                             (long long)wall_now().ms);
    struct str key = arena_printf(a, "i:%.*s", STR_ARG(id));
    struct str text = arena_printf(a, "%c%.*s", FAILOVER_ITEM, STR_ARG(message_id));
    struct buf sealed;

    buf_init(&sealed, text.n + SEAL_EXTRA_BYTES + 64);
    vault_seal(t->vault, key, "b", text, &sealed);
    commit_hset(c, key, STR("b"), arena_dup(a, buf_str(&sealed)));
    buf_fini(&sealed);
    commit_enqueue(c, STR(QUEUE_IN),
                   arena_printf(a, "%df:%.*s", (int)PRIO_REPLY, STR_ARG(message_id)), id, at, false,
                   &none);
}
