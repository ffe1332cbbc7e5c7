#include "dead_letter.h"

#include "domain/user_store.h"

static const struct {
    const char *prefix, *name, *queue;
} kinds[DEAD_KINDS] = {
    [DEAD_CALLBACK] = {"cb:",  "callback", QUEUE_CB},
    [DEAD_INBOUND] = {"in:",  "inbound",  QUEUE_IN},
    [DEAD_MESSAGE] = {"out:", "message",  NULL    },
};

bool dead_kind_of(struct str id, enum dead_kind *out)
{
    for (int k = 0; k < DEAD_KINDS; k++) {
        if (str_starts(id, str_of(kinds[k].prefix))) {
            *out = (enum dead_kind)k;
            return true;
        }
    }
    return false;
}

bool dead_kind_named(struct str name, enum dead_kind *out)
{
    for (int k = 0; k < DEAD_KINDS; k++) {
        if (str_eqz(name, kinds[k].name)) {
            *out = (enum dead_kind)k;
            return true;
        }
    }
    return false;
}

/* ---- reading ---- */

static bool open_json(struct request *r, struct arena *a, struct str key, struct str sealed,
                      struct json **out)
{
    struct str text;
    struct err err = {0};

    return sealed.n > 0 &&
           vault_open_arena(r->who.tenant->vault, a, key, "b", sealed, &text, &err) &&
           json_parse(text, (size_t)4 << 20, out, &err);
}

static bool read_item(struct request *r, struct arena *a, struct str sealed, struct dead *d)
{
    struct json *j = NULL;

    if (!open_json(r, a, arena_printf(a, "dl:%.*s", STR_ARG(d->id)), sealed, &j)) {
        return false;
    }
    d->lane = arena_dup(a, json_get_str(j, "lane"));
    d->reason = arena_dup(a, json_get_str(j, "reason"));
    d->tries = json_get_int(j, "tries", 0);
    wall_parse(json_get_str(j, "at"), &d->at);
    json_free(&j);
    return true;
}

static void read_event(struct request *r, struct arena *a, struct str sealed, struct dead *d)
{
    struct json *j = NULL;

    if (open_json(r, a, STR("ev"), sealed, &j)) {
        d->has_event = true;
        d->event_id = arena_dup(a, json_get_str(j, "id"));
        d->type = arena_dup(a, json_get_str(j, "type"));
        d->subject = arena_dup(a, json_get_str(j, "subject"));
        d->event_time = arena_dup(a, json_get_str(j, "time"));
        json_free(&j);
    }
}

static const struct provider *provider_for(struct request *r, const struct message *m)
{
    const struct sender *s = tenant_sender(r->who.tenant->conf, m->sender);

    return s == NULL ? NULL : provider_of(s->provider);
}

/* "131026: the number is not on WhatsApp", of the last line that tells why. */
static struct str reason_of(struct request *r, struct arena *a, const struct dead *d)
{
    struct str rest = d->rec.timeline, line, state, tail, ms, detail, code, title, advice;
    struct str reason = d->rec.state;

    while (rest.n > 0) {
        str_cut(rest, '\n', &line, &rest);
        str_cut(line, ',', &state, &tail);
        str_cut(tail, ',', &ms, &detail);
        code = message_state_error(a, state, detail, provider_for(r, &d->m), &title, &advice);
        if (code.n > 0) {
            reason = str_eqz(code, "0")
                         ? arena_dup(a, title)
                         : arena_printf(a, "%.*s: %.*s", STR_ARG(code), STR_ARG(title));
        }
    }
    return reason;
}

static bool read_message(struct request *r, struct arena *a, const struct reply *row,
                         struct dead *d)
{
    int64_t ms = 0;

    d->rec = message_record_of(row, 4);
    /* A receipt ("read") is a message to the provider: nobody would say it again. */
    if (!message_record_open(r, a, d->item, &d->rec, &d->m) || d->m.kind == MESSAGE_READ) {
        return false;
    }
    str_to_i64(reply_str(reply_at(row, 1)), 0, INT64_MAX, &ms);
    d->at.ms = ms;
    d->tries = d->rec.sends;
    d->reason = reason_of(r, a, d);
    d->person = (struct doc){reply_int(reply_at(row, 8)), reply_str(reply_at(row, 9))};
    d->withdrawn = str_eqz(reply_str(reply_at(row, 10)), "cancelled");
    return true;
}

bool dead_read(struct request *r, struct arena *a, const struct reply *row, struct dead *out)
{
    *out = (struct dead){.id = arena_dup(a, reply_str(reply_at(row, 0)))};
    if (!dead_kind_of(out->id, &out->kind)) {
        return false;
    }
    out->item = str_slice(out->id, strlen(kinds[out->kind].prefix), out->id.n);
    if (out->kind == DEAD_MESSAGE) {
        return read_message(r, a, row, out);
    }
    read_event(r, a, reply_str(reply_at(row, 3)), out);
    return read_item(r, a, reply_str(reply_at(row, 2)), out);
}

void dead_write(struct request *r, const struct dead *d, struct jw *w)
{
    jw_open(w, NULL, '{');
    jw_str(w, "id", d->id);
    jw_z(w, "kind", kinds[d->kind].name);
    if (d->kind != DEAD_MESSAGE) {
        jw_str(w, "sequence", d->item);
    }
    jw_str(w, "reason", d->reason);
    jw_int(w, "tries", d->tries);
    jw_wall(w, "at", d->at);
    if (d->has_event) {
        jw_open(w, "event", '{');
        jw_str(w, "id", d->event_id);
        jw_str(w, "type", d->type);
        jw_str(w, "subject", d->subject);
        jw_str(w, "time", d->event_time);
        jw_close(w, '}');
    } else {
        jw_null(w, "event");
    }
    if (d->kind == DEAD_MESSAGE) {
        message_view_write(&d->m, &d->rec, provider_for(r, &d->m), false, w, "message");
    }
    jw_close(w, '}');
}

/* ---- replay ---- */

static void answer(struct replay *p, struct str id)
{
    struct buf body;
    struct jw w;

    p->id = id;
    buf_init(&body, 1024);
    jw_init(&w, &body);
    jw_open(&w, NULL, '{');
    jw_str(&w, "id", id);
    jw_z(&w, "state", "queued");
    jw_close(&w, '}');
    p->body = arena_dup(p->a, buf_str(&body));
    buf_fini(&body);
}

/* What was given up at this very time is replayed once; a message once at all. */
static struct str mark(const struct replay *p)
{
    char at[WALL_TEXT_BYTES];

    return p->d.kind == DEAD_MESSAGE
               ? arena_printf(p->a, "rp:%.*s", STR_ARG(p->d.id))
               : arena_printf(p->a, "rp:%.*s:%s", STR_ARG(p->d.id), wall_format(p->d.at, at));
}

static void checks(void *ctx, struct commit *c)
{
    struct replay *p = ctx;

    if (p->key) {
        idempotency_checks(p->r, c);
    }
    commit_check_new(c, mark(p), STR_NONE);
}

static void writes(void *ctx, struct commit *c)
{
    struct replay *p = ctx;

    commit_remember(c, mark(p), STR_NONE, p->d.kind == DEAD_MESSAGE ? p->id : STR_NONE);
    commit_zrem(c, STR("dl"), p->d.id);
    if (p->d.kind == DEAD_MESSAGE) {
        commit_message_note(c, p->d.item, wall_now(),
                            arena_printf(p->a, "said again in message %.*s", STR_ARG(p->id)));
        commit_broadcast_copy(c, p->d.item, p->id);
    } else {
        commit_delete(c, arena_printf(p->a, "dl:%.*s", STR_ARG(p->d.id)));
        commit_enqueue(c, str_of(kinds[p->d.kind].queue), p->d.lane, p->d.item, (struct wall){0},
                       false, NULL);
    }
    if (p->key) {
        idempotency_writes(p->r, c, 202, p->body);
    }
    audit_write(p->r, c, "dead_letter.replay", p->d.id);
}

static void on_done(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct replay *p = ctx;

    p->pending = NULL;
    p->done(p, err, outcome);
}

/*
 * What he may be told is asked anew, by the class of the message; a welcome or an answer is of none.
 */
static enum notify_verdict verdict_of(const struct message *m, const struct user *to)
{
    bool critical = m->prio == PRIO_CRITICAL;
    enum user_class cls = critical ? CLASS_EMERGENCY : CLASS_UPDATES;
    bool classed = user_class_parse(m->cls, &cls);
    enum notify_verdict verdict = user_notify(to, cls, critical);

    if (verdict == NOTIFY_OFF || (verdict == NOTIFY_UNVERIFIED && !classed)) {
        verdict = NOTIFY_YES;
    }
    return verdict;
}

static bool person_of(struct replay *p, struct user *out, struct err *err)
{
    const struct message *m = &p->d.m;
    enum notify_verdict verdict;

    if (m->user.n > 0 && m->user.p[0] == '~') { /* a number that an admin named */
        *out = (struct user){.id = m->user, .phone = m->phone, .bsuid = m->bsuid};
        return true;
    }
    if (p->d.person.version == 0 ||
        !user_open(p->r->who.tenant, p->a, m->user, &p->d.person, out, err) || out->removed) {
        return err_set(err, ERR_INVALID, "its person is not here any more");
    }
    verdict = verdict_of(m, out);
    if (verdict != NOTIFY_YES) {
        return err_set(err, ERR_INVALID, "its person cannot be written to by now: %s",
                       notify_reason(verdict));
    }
    return true;
}

/* The same content, to where the person is reached now, without times that are over. */
static bool message_again(struct replay *p, struct err *err)
{
    const struct tenant *t = p->r->who.tenant;
    const struct plan_run run = {checks, writes, on_done, p};
    struct message *m, old = p->d.m;
    struct user to;

    if (old.max_sends == 1) {
        return err_set(err, ERR_INVALID,
                       "it is a code that is handed over once; ask for a new one");
    }
    if (p->d.withdrawn) {
        return err_set(err, ERR_CONFLICT, "its broadcast was cancelled");
    }
    if (!person_of(p, &to, err)) {
        return false;
    }
    plan_init(&p->plan, p->a, t, wall_now(), old.cause);
    m = plan_message(&p->plan, &to, old.kind);
    old.id = m->id;
    old.user = m->user;
    old.phone = m->phone;
    old.bsuid = m->bsuid;
    old.created = m->created;
    old.send_at = (struct wall){0};
    old.expires = old.expires.ms > m->created.ms ? old.expires : (struct wall){0};
    *m = old;
    answer(p, m->id);
    p->pending = engine_run_plan(p->r->e, p->r->who.et, &p->plan, &run);
    return true;
}

bool replay_start(struct replay *p, struct err *err)
{
    const struct tenant *t = p->r->who.tenant;
    struct commit *c;

    if (p->d.kind == DEAD_MESSAGE) {
        return message_again(p, err);
    }
    if (p->d.kind == DEAD_CALLBACK && t->conf->callback_url.n == 0) {
        return err_set(err, ERR_CONFLICT,
                       "tenant \"%.*s\" has no callback URL: its CMMS polls /api/v1/outbox",
                       STR_ARG(t->id));
    }
    answer(p, p->d.id);
    c = commit_new(t->id);
    checks(p, c);
    writes(p, c);
    p->pending = commit_run(engine_store(p->r->e), &c, on_done, p);
    return true;
}

bool replay_done(struct replay *p, const struct commit_outcome *outcome)
{
    if (outcome->result == COMMIT_DUPLICATE && (outcome->value.n == 0 || id_is(outcome->value))) {
        /* Somebody else has done it meanwhile, or our own commit was asked again. */
        answer(p, outcome->value.n > 0 ? arena_dup(p->a, outcome->value) : p->d.id);
        return true;
    }
    return outcome->result == COMMIT_OK;
}
