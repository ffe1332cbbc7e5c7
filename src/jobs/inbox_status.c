/*
 * inbox_status: a status that needs a decision: a message failed, or the CMMS wants to hear of
 * each. Which message it is about stands in our correlation, or the provider's id leads to it. A
 * status may come before the answer to the send it is about: then it waits, and at last is left
 * with the id for whoever learns it. One that a provider accepted and then refused for being
 * outside the 24-hour window goes again, once, in the form that goes there. A limit, and what stops
 * the sender, mean the same as in the answer to the send: the sender is told, and the message waits.
 */
#include "base/log.h"
#include "base/mem.h"
#include "inbox_int.h"
#include "outbox_int.h"

#define DAY_MS        ((int64_t)24 * 3600 * 1000)
#define NEWS_MS       60000 /* older words tell how the sender was, not how it is */
#define EARLY_MS      30000 /* an answer comes within the timeout of a send */
#define EARLY_LOOK_MS 1000

struct kept { /* what is read of a message */
    struct str state, body, form;
    int64_t sends, refused;  /* attempts; those up to this one were refused after all */
    bool there, another_way; /* it is, or was, said by another message */
};

static const char *word_of(enum delivery_state state)
{
    return state == DELIVERY_FAILED      ? "failed"
           : state == DELIVERY_READ      ? "read"
           : state == DELIVERY_DELIVERED ? "delivered"
                                         : "sent";
}

static const struct provider_error *row_of(const struct inbox_job *j)
{
    return provider_of(tenant_sender(j->et->t.conf, j->sender_id)->provider)
        ->error_find(j->in.error.code, 0);
}

/*
 * In the words of whoever said so: it may have gone by another sender than its own, and that may be
 * another provider's. A code that is not in the table has the provider's own words.
 */
static struct str failure(struct inbox_job *j)
{
    const struct provider_error *row = row_of(j);
    struct outcome why = {.code = j->in.error.code};
    struct str rest;

    str_cut(j->in.error.title, '|', &why.title, &rest); /* which ends it, in the record */
    if (row != NULL) {
        why.advice = str_of(row->advice);
        why.title = row->code != 0 || why.title.n == 0 ? str_of(row->title) : why.title;
    }
    return ended_detail(j->work, &why);
}

void inbox_check_status(struct inbox_job *j, struct commit *c)
{
    if (j->again > 0) {
        commit_check_once_sent(c, j->message_id, j->again);
    }
}

void inbox_write_status(struct inbox_job *j, struct commit *c)
{
    struct str detail = j->in.state == DELIVERY_FAILED ? failure(j) : STR("by webhook");

    if (j->trouble != NULL) {
        sender_told(j->et, j->sender_id, j->trouble_user, j->trouble,
                    j->again > 0 ? j->again - 1 : 0, c);
    }
    if (j->again > 0) {
        detail = arena_printf(j->work, "refused after it was accepted: %lld %.*s; it goes again%s",
                              (long long)j->in.error.code, STR_ARG(j->in.error.title),
                              row_of(j)->cls == OUTCOME_NEED_TEMPLATE
                                  ? ", as a template or when the person writes"
                                  : "");
        commit_again(c, j->message_id, j->in.at, ended_line(j->work, detail));
        return;
    }
    commit_status(c, j->message_id, j->message_hash, word_of(j->in.state), j->in.at, detail);
    if (j->stopped != 0) {
        consent_put(j->et, j->work, c, j->stopped_person, j->stopped);
    }
    if (j->critical_failed) {
        failover_watch(&j->et->t, j->work, c, j->message_id, "now", (struct wall){0});
    }
}

/* ---- what follows ---- */

static void write_reason(struct inbox_job *j, const struct provider_error *row, struct jw *w)
{
    jw_open(w, "reason", '{');
    jw_int(w, "code", j->in.error.code);
    jw_str(w, "text", row != NULL ? str_of(row->title) : j->in.error.title);
    jw_str(w, "advice", row != NULL ? str_of(row->advice) : STR(""));
    jw_close(w, '}');
}

static void tell_cmms(struct inbox_job *j, const struct message *m)
{
    const struct provider_error *row = row_of(j);
    struct buf data;
    struct jw w;

    buf_init(&data, 64 * 1024);
    jw_init(&w, &data);
    jw_open(&w, NULL, '{');
    jw_open(&w, "message", '{');
    jw_str(&w, "id", m->id);
    jw_z(&w, "state", word_of(j->in.state));
    if (m->order_number.n > 0) {
        jw_str(&w, "work_order", m->order_number);
    }
    if (j->in.state == DELIVERY_FAILED) {
        write_reason(j, row, &w);
    }
    jw_close(&w, '}');
    jw_close(&w, '}');
    plan_event(&j->plan, "gateway.message.status_changed.v1",
               m->order_number.n > 0 ? m->order_number : m->id, arena_dup(j->work, buf_str(&data)),
               m->cause);
    if (m->order_id.n > 0 && j->in.state == DELIVERY_FAILED) {
        plan_entry(&j->plan, m->order_id, "message", m->user,
                   arena_printf(j->work, "message %.*s failed: %s", STR_ARG(m->id),
                                row != NULL ? row->title : "the provider says so"));
    }
    buf_fini(&data);
}

/* What leaves the message where it is, or may not move it any more, is no news. */
static bool is_news(const struct kept *kept, enum delivery_state state)
{
    static const char *const ends[] = {"read", "failed", "expired", "cancelled"};

    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        if (str_eqz(kept->state, ends[i])) {
            return false;
        }
    }
    return state == DELIVERY_READ || !str_eqz(kept->state, "delivered");
}

static bool told(const struct inbox_job *j)
{
    enum status_events which = j->et->t.conf->message_status_events;

    return which == STATUS_EVENTS_ALL ||
           (which == STATUS_EVENTS_FAILURES && j->in.state == DELIVERY_FAILED);
}

/*
 * Of two hand-overs the later one counts: that the first was refused in the end says nothing about
 * the second, which is out or on its way.
 */
static bool superseded(const struct inbox_job *j, const struct kept *kept)
{
    struct str id;
    int64_t attempt;

    if (j->in.state != DELIVERY_FAILED) {
        return false;
    }
    if (!correlation_check(vault_mac_key(j->et->t.vault), j->et->t.id, j->in.correlation, &id,
                           &attempt)) {
        return kept->refused == kept->sends && kept->sends > 0;
    }
    return attempt < kept->sends || attempt <= kept->refused;
}

/* ---- refused for its form or its sender, after it was accepted ---- */

/* A limit of the sender or of the pair, or the sender is stopped. */
static bool is_trouble(const struct provider_error *row)
{
    return row != NULL &&
           (row->cls == OUTCOME_THROTTLED || row->cls == OUTCOME_SENDER_STOPPED);
}

/*
 * Only what was handed over once, but for attempts that were refused: of another one nobody knows
 * whether it arrived. Its window was shut by the provider's clock: then in the other form, once.
 * What passes by itself it waits for, for a day; without the pair's clock nothing would hold it. A
 * critical one that can go by another way does not wait.
 */
static bool may_go_again(const struct inbox_job *j, const struct kept *kept,
                         const struct message *m)
{
    const struct sender *s = tenant_sender(j->et->t.conf, j->sender_id);
    const struct provider_error *row = row_of(j);
    struct wall due = m->send_at.ms > m->created.ms ? m->send_at : m->created;

    if (j->in.state != DELIVERY_FAILED || row == NULL || kept->sends != kept->refused + 1 ||
        kept->another_way || m->kind == MESSAGE_READ) {
        return false;
    }
    if (is_trouble(row)) {
        return wall_now().ms - due.ms < DAY_MS &&
               (row->scope != SCOPE_PAIR || s->pair_interval_ms > 0) &&
               !failover_next(j->et->t.conf, m, NULL, &(struct failover_step){0});
    }
    return row->cls == OUTCOME_NEED_TEMPLATE && kept->form.n == 0 && kept->refused == 0 &&
           !m->sms && m->kind != MESSAGE_TEMPLATE;
}

static void note_trouble(struct inbox_job *j, const struct message *m)
{
    const struct provider_error *row = row_of(j);

    if (j->in.state == DELIVERY_FAILED && is_trouble(row) &&
        wall_now().ms - j->in.at.ms < NEWS_MS) {
        j->trouble = row;
        j->trouble_user = m->user;
    }
}

/* Whoever sent it has not written down that it was accepted: then it is his still. */
static bool still_sending(const struct inbox_job *j, const struct kept *kept)
{
    return str_eqz(kept->state, "sending") && wall_now().ms - j->in.at.ms < EARLY_MS;
}

static void go_again(struct inbox_job *j, const struct kept *kept, const struct message *m)
{
    if (still_sending(j, kept)) {
        j->message_id = STR_NONE;
        j->later_ms = EARLY_LOOK_MS;
        return;
    }
    if (!is_trouble(row_of(j))) {
        inbox_note_template(j, m, kept->form);
    }
    j->again = kept->sends;
}

/* Refused after all, because he does not want it. */
static void note_stopped(struct inbox_job *j, const struct message *m)
{
    const struct provider_error *row = row_of(j);

    if (row != NULL && row->cls == OUTCOME_OPTED_OUT && m->user.n > 0) {
        j->stopped_person = m->user;
        j->stopped = consent_refused(j->in.error.code, m->cls);
    }
}

/* ---- of a group ---- */

static void write_missed(struct inbox_job *j, struct commit *c)
{
    struct str who = j->in.phone.n > 0 ? j->in.phone : j->in.bsuid;
    const struct provider_error *row = row_of(j);

    group_refused_put(&j->et->t, j->work, c, j->group_message,
                      who.n > 0 ? vault_hash_arena(j->et->t.vault, j->work, "phone", who)
                                : STR_NONE,
                      row != NULL ? str_of(row->title) : j->in.error.title,
                      row != NULL ? str_of(row->advice) : STR_NONE);
}

/* That one of them did not get it does not move the message. */
static bool of_one(const struct inbox_job *j)
{
    return j->in.state == DELIVERY_FAILED && j->in.group_id.n > 0 &&
           (j->in.phone.n > 0 || j->in.bsuid.n > 0);
}

static void group_failed(struct inbox_job *j, const struct message *m)
{
    struct message *copy = ARENA_NEW(j->work, struct message);

    if (m->group.n == 0 || m->matter.n == 0) {
        return;
    }
    *copy = *m;
    j->group_message = copy;
    j->also_write = write_missed;
}

static void decide(struct inbox_job *j, const struct kept *kept)
{
    struct err err = {0};
    struct message m;
    struct str text, key = arena_printf(j->work, "m:%.*s", STR_ARG(j->message_id));

    inbox_plan(j, STR_NONE);
    j->critical_failed = false;
    j->trouble = NULL;
    j->again = j->later_ms = 0;
    j->stopped = 0;
    j->also_write = NULL;
    inbox_seen_in_group(j);
    j->template_key = j->unheard = j->shut = STR_NONE;
    if (!kept->there || superseded(j, kept)) {
        j->message_id = STR_NONE; /* no message of ours, or not of this hand-over */
    } else if (of_one(j) || is_news(kept, j->in.state)) {
        if (!vault_open_arena(j->et->t.vault, j->work, key, "b", kept->body, &text, &err) ||
            !message_decode(j->work, text, &m, &err)) {
            log_error("the CMMS is not told of a message: its record does not open",
                      LF_STR("message", j->message_id), LF_Z("reason", err.msg));
            metric_add(METRIC_DAMAGED, 1);
            inbox_run(j);
            return;
        }
        if (of_one(j)) {
            group_failed(j, &m);
            j->message_id = STR_NONE;
            inbox_run(j);
            return;
        }
        note_trouble(j, &m);
        if (may_go_again(j, kept, &m)) {
            go_again(j, kept, &m);
            inbox_run(j);
            return;
        }
        metric_add(METRIC_SEND_FAILED, j->in.state == DELIVERY_FAILED);
        j->critical_failed = j->in.state == DELIVERY_FAILED &&
                             failover_next(j->et->t.conf, &m, NULL, &(struct failover_step){0});
        if (j->in.state == DELIVERY_FAILED) {
            inbox_note_template(j, &m, kept->form);
            note_stopped(j, &m);
            group_failed(j, &m);
        }
        if (told(j)) {
            tell_cmms(j, &m);
        }
    }
    inbox_run(j);
}

/* ---- reading ---- */

static void on_message(void *ctx, const struct err *err, const struct reply *reply)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);
    struct kept kept;

    j->pending = NULL;
    if (err != NULL) {
        inbox_again(j, err);
        return;
    }
    kept = (struct kept){arena_dup(j->work, reply_str(reply_at(reply, 0))),
                         arena_dup(j->work, reply_str(reply_at(reply, 1))),
                         arena_dup(j->work, reply_str(reply_at(reply, 3))),
                         reply_int(reply_at(reply, 2)),
                         reply_int(reply_at(reply, 4)),
                         reply_str(reply_at(reply, 0)).n > 0,
                         reply_str(reply_at(reply, 5)).n > 0};
    decide(j, &kept);
}

static void read_message(struct inbox_job *j)
{
    struct call call;

    call_init_script(&call, "record", arena_printf(j->work, "{%.*s}:", STR_ARG(j->et->t.id)));
    call_str(&call, j->message_id);
    call_str(&call, STR("s"));
    call_str(&call, STR("b"));
    call_str(&call, STR("n"));
    call_str(&call, STR("f"));
    call_str(&call, STR("ag"));
    call_str(&call, STR("fb"));
    j->pending = store_run(j->et->e->store, &call, on_message, j);
}

/* Nobody knows this id, yet. */
static void early(struct inbox_job *j)
{
    inbox_plan(j, STR_NONE);
    if (wall_now().ms - j->in.at.ms < EARLY_MS) {
        j->later_ms = EARLY_LOOK_MS;
    } else {
        j->message_hash = vault_hash_arena(j->et->t.vault, j->a, "pid", j->in.provider_id);
    }
    inbox_run(j);
}

static void on_found(void *ctx, const struct err *err, const struct reply *reply)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);

    j->pending = NULL;
    if (err != NULL) {
        inbox_again(j, err);
        return;
    }
    j->message_id = arena_dup(j->a, reply_str(reply));
    if (j->message_id.n == 0) {
        early(j);
    } else {
        read_message(j);
    }
}

void inbox_read_status(struct inbox_job *j)
{
    char hash[VAULT_HASH_CHARS + 1];
    struct call call;
    struct str id;
    int64_t attempt;

    j->message_id = j->message_hash = STR_NONE;
    if (correlation_check(vault_mac_key(j->et->t.vault), j->et->t.id, j->in.correlation, &id,
                          &attempt)) {
        j->message_id = id;
        read_message(j);
        return;
    }
    vault_hash(j->et->t.vault, "pid", j->in.provider_id, hash);
    call_init_script(&call, "message", arena_printf(j->work, "{%.*s}:", STR_ARG(j->et->t.id)));
    call_str(&call, str_of(hash));
    j->pending = store_run(j->et->e->store, &call, on_found, j);
}
