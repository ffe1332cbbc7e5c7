#include "domain/plan.h"

#include "base/mem.h"
#include "domain/consent.h"
#include "domain/failover.h"
#include "domain/media.h"
#include "domain/order_store.h"
#include "domain/user_store.h"

#include <stdio.h>

/* Words of people are up to 64 K characters, escaped at worst; a plan over COMMIT_BYTES_MAX is
 * refused whole. */
#define NO_SENDER        "0|no sender is configured to send it by|configure a sender for this tenant"
#define RECORD_BYTES_MAX (2 * 1024 * 1024)

void plan_init(struct plan *p, struct arena *a, const struct tenant *t, struct wall now,
               struct str cause)
{
    *p = (struct plan){.a = a, .tenant = t, .now = now, .cause = cause};
}

/* The lists grow by doubling inside the arena: a plan is small and lives shortly. */
static bool grow(struct plan *p, void *list, size_t n, size_t bytes, size_t most)
{
    void **items = list;
    void *bigger;

    if (n >= most) {
        p->over = true;
        return false;
    }
    if ((n & (n - 1)) != 0 || (n > 0 && n < 4)) {
        return true;
    }
    bigger = arena_room(p->a, bytes * (n < 4 ? 4 : 2 * n));
    if (n > 0) {
        memcpy(bigger, *items, bytes * n);
    }
    *items = bigger;
    return true;
}

struct message *plan_message(struct plan *p, const struct user *to, enum message_kind kind)
{
    char id[ID_BYTES];
    struct message *m;

    if (!grow(p, &p->messages, p->nmessages, sizeof(*p->messages), PLAN_MESSAGES_MAX)) {
        return ARENA_NEW(p->a, struct message); /* written to, never sent: the plan is refused */
    }
    p->messages[p->nmessages] = (struct plan_message){0};
    m = &p->messages[p->nmessages++].m;
    id_new(id);
    m->id = arena_dup(p->a, str_of(id));
    m->kind = kind;
    m->user = to->id;
    m->phone = to->phone;
    m->bsuid = to->bsuid;
    m->sender = to->sender;
    m->prio = PRIO_NORMAL;
    m->lang = to->language.n > 0 ? to->language : p->tenant->conf->default_language;
    m->cause = p->cause;
    m->created = p->now;
    return m;
}

void plan_message_ready(struct plan *p, const struct message *m, struct str detail)
{
    if (grow(p, &p->messages, p->nmessages, sizeof(*p->messages), PLAN_MESSAGES_MAX)) {
        p->messages[p->nmessages++] = (struct plan_message){.m = *m, .detail = detail};
    }
}

void plan_event(struct plan *p, const char *type, struct str subject, struct str data,
                struct str causation)
{
    if (grow(p, &p->events, p->nevents, sizeof(*p->events), PLAN_PARTS_MAX)) {
        p->events[p->nevents++] = (struct plan_event){str_of(type), subject, data, causation};
    }
}

void plan_entry_more(struct plan *p, struct str order_id, const char *kind, struct str who,
                     struct str text, struct str more)
{
    if (grow(p, &p->entries, p->nentries, sizeof(*p->entries), PLAN_PARTS_MAX)) {
        p->entries[p->nentries++] =
            (struct plan_entry){order_id, str_of(kind), who, text, more, p->now};
    }
}

void plan_entry(struct plan *p, struct str order_id, const char *kind, struct str who,
                struct str text)
{
    plan_entry_more(p, order_id, kind, who, text, STR_NONE);
}

void plan_medium(struct plan *p, const struct medium *m, struct str todo)
{
    if (grow(p, &p->media, p->nmedia, sizeof(*p->media), PLAN_PARTS_MAX)) {
        p->media[p->nmedia++] = (struct plan_medium){m, todo};
    }
}

void plan_order(struct plan *p, const struct order *o, const struct order *before)
{
    for (size_t i = 0; i < p->norders; i++) {
        if (str_eq(p->orders[i]->id, o->id)) {
            p->orders[i] = o;
            return;
        }
    }
    if (grow(p, &p->orders_before, p->norders, sizeof(*p->orders_before), PLAN_PARTS_MAX) &&
        grow(p, &p->orders, p->norders, sizeof(*p->orders), PLAN_PARTS_MAX)) {
        p->orders_before[p->norders] = before;
        p->orders[p->norders++] = o;
    }
}

void plan_matter(struct plan *p, const struct matter *m)
{
    for (size_t i = 0; i < p->nmatters; i++) {
        if (p->matters[i]->kind == m->kind && str_eq(p->matters[i]->id, m->id)) {
            p->matters[i] = m;
            return;
        }
    }
    if (grow(p, &p->matters, p->nmatters, sizeof(*p->matters), PLAN_PARTS_MAX)) {
        p->matters[p->nmatters++] = m;
    }
}

void plan_ask(struct plan *p, const struct matter *m, struct str person, bool asked)
{
    if (grow(p, &p->asks, p->nasks, sizeof(*p->asks), PLAN_PARTS_MAX)) {
        p->asks[p->nasks++] = (struct plan_ask){person, matter_ref(p->a, m->kind, m->id), asked};
    }
}

void plan_input(struct plan *p, struct str lane, struct str text)
{
    if (grow(p, &p->inputs, p->ninputs, sizeof(*p->inputs), PLAN_PARTS_MAX)) {
        p->inputs[p->ninputs++] = (struct plan_input){lane, text};
    }
}

void plan_input_put(const struct tenant *t, struct arena *a, struct str id,
                    const struct plan_input *in, struct wall at, struct commit *c)
{
    static const struct rate none;
    struct str key = arena_printf(a, "i:%.*s", STR_ARG(id));
    struct buf sealed;

    buf_init(&sealed, in->text.n + SEAL_EXTRA_BYTES + 64);
    vault_seal(t->vault, key, "b", in->text, &sealed);
    commit_hset(c, key, STR("b"), arena_dup(a, buf_str(&sealed)));
    buf_fini(&sealed);
    commit_enqueue(c, STR(QUEUE_IN), in->lane, id, at, false, &none);
}

static size_t write_inputs(struct plan *p, struct commit *c)
{
    char id[ID_BYTES];

    if (p->stopped != 0) {
        struct plan_input in =
            consent_input(p->tenant, p->a, STOPPED_ITEM, p->stopped_person, p->stopped);

        plan_input(p, in.lane, in.text);
        p->stopped = 0;
    }
    consent_moved(p);
    for (size_t i = 0; i < p->ninputs; i++) {
        id_new(id);
        plan_input_put(p->tenant, p->a, str_of(id), &p->inputs[i], (struct wall){0}, c);
    }
    return p->ninputs;
}

void plan_user(struct plan *p, const struct user *u, const struct user *before)
{
    for (size_t i = 0; i < p->nusers; i++) {
        if (str_eq(p->users[i]->id, u->id)) {
            p->users[i] = u;
            return;
        }
    }
    if (grow(p, &p->users_before, p->nusers, sizeof(*p->users_before), PLAN_PARTS_MAX) &&
        grow(p, &p->users, p->nusers, sizeof(*p->users), PLAN_PARTS_MAX)) {
        p->users_before[p->nusers] = before;
        p->users[p->nusers++] = u;
    }
}

void plan_phone(struct plan *p, struct str phone, struct str owner)
{
    if (grow(p, &p->phones, p->nphones, sizeof(*p->phones), PLAN_PARTS_MAX)) {
        p->phones[p->nphones++] = (struct plan_phone){phone, owner};
    }
}

void plan_user_gone(struct plan *p, const struct user *u)
{
    p->gone = u;
}

void plan_audit(struct plan *p, const char *what, struct str subject)
{
    if (grow(p, &p->audits, p->naudits, sizeof(*p->audits), PLAN_PARTS_MAX)) {
        p->audits[p->naudits++] = (struct plan_audit){str_of(what), subject};
    }
}

void plan_conversation(struct plan *p, struct str user_id, const struct conversation *c)
{
    p->conversation = c;
    p->conversation_user = user_id;
}

/* Whom the index may name for the phone of users[i]. */
static struct str phone_owner(const struct plan *p, struct str phone)
{
    for (size_t i = 0; i < p->nphones; i++) {
        if (str_eq(p->phones[i].phone, phone)) {
            return p->phones[i].owner;
        }
    }
    return STR_NONE;
}

static void check_phones(const struct plan *p, struct commit *c)
{
    for (size_t i = 0; i < p->nusers; i++) {
        const struct user *u = p->users[i], *before = p->users_before[i];

        if (u->phone.n > 0 && (before == NULL || !str_eq(u->phone, before->phone))) {
            commit_check_owner(c, STR("ux"),
                               vault_hash_arena(p->tenant->vault, p->a, "phone", u->phone),
                               phone_owner(p, u->phone), u->id);
        }
    }
}

void plan_checks(const struct plan *p, struct commit *c)
{
    for (size_t i = 0; i < p->norders; i++) {
        order_check(p->orders[i], c);
    }
    for (size_t i = 0; i < p->nusers; i++) {
        user_check(p->users[i], c);
    }
    for (size_t i = 0; i < p->nmatters; i++) {
        matter_check(p->matters[i], c);
    }
    check_phones(p, c);
    for (size_t i = 0; i < p->nmedia; i++) {
        if (p->media[i].medium != NULL) {
            medium_check(p->media[i].medium, c);
        }
    }
    if (p->gone != NULL) {
        user_check(p->gone, c);
    }
    if (p->conversation != NULL) {
        commit_check_version(c, conversation_key(p->a, p->conversation_user),
                             p->conversation->version);
    }
}

static bool too_long(struct err *err, const char *what)
{
    return err_set(err, ERR_TOO_LONG, "%s is longer than %d bytes", what, RECORD_BYTES_MAX);
}

static bool write_conversation(const struct plan *p, struct commit *c, struct err *err)
{
    struct str key = conversation_key(p->a, p->conversation_user);
    struct buf text, sealed;
    bool ok;

    buf_init(&text, RECORD_BYTES_MAX);
    buf_init(&sealed, RECORD_BYTES_MAX + SEAL_EXTRA_BYTES);
    conversation_encode(p->conversation, &text);
    ok = buf_ok(&text) || too_long(err, "the conversation");
    vault_seal(p->tenant->vault, key, "b", buf_str(&text), &sealed);
    commit_doc(c, key, p->conversation->version + 1, buf_str(&sealed));
    commit_doc_field(c, "lo", p->conversation->last_order);
    if (p->conversation->options_over) {
        commit_hdel(c, key, STR("op"));
    }
    buf_fini(&text);
    buf_fini(&sealed);
    return ok;
}

static void write_audit(struct plan *p, const struct plan_audit *audit, struct commit *c)
{
    struct buf text, sealed;
    struct jw w;

    buf_init(&text, 16 * 1024);
    buf_init(&sealed, 16 * 1024 + SEAL_EXTRA_BYTES);
    jw_init(&w, &text);
    jw_open(&w, NULL, '{');
    jw_wall(&w, "at", p->now);
    jw_z(&w, "key", "");
    jw_z(&w, "by", "crewline");
    jw_z(&w, "role", "system");
    jw_z(&w, "from", "");
    jw_str(&w, "what", audit->what);
    jw_str(&w, "subject", str_slice(audit->subject, 0, 512));
    jw_close(&w, '}');
    vault_seal(p->tenant->vault, STR("au"), "b", buf_str(&text), &sealed);
    commit_log(c, STR("au"), buf_str(&sealed));
    buf_fini(&text);
    buf_fini(&sealed);
}

/* Without the window in hand the claim must read it: no grant. */
static void choose_grant(const struct plan *p, struct plan_message *pm, const struct sender *s,
                         plan_grant_fn *grant, void *ctx)
{
    if (pm->m.user.n > 0 && str_eq(pm->m.user, p->speaker) && str_eq(s->id, p->spoken_to)) {
        pm->window = p->spoken_at;
        pm->grant = pm->window.ms > 0 ? GRANT_ANSWER : GRANT_NONE;
    }
    if (pm->grant != GRANT_NONE && (grant == NULL || !grant(ctx, pm->queue))) {
        pm->grant = GRANT_NONE;
    }
}

/* A critical message is looked after: it reaches him by another way if not by this one. */
static void watch_message(struct plan *p, const struct message *m, struct commit *c, size_t *marked)
{
    const struct tenant_settings *t = p->tenant->conf;
    struct wall at = {(m->send_at.ms > p->now.ms ? m->send_at.ms : p->now.ms) +
                      t->failover_critical_after_ms};
    struct failover_step step;

    if (failover_next(t, m, NULL, &step)) {
        failover_watch(p->tenant, p->a, c, m->id, "late", at);
        (*marked)++;
    }
}

/*
 * A tenant without a sender keeps its orders all the same: what it cannot send has ended before it
 * began, and is a dead letter.
 */
static void write_unsendable(struct plan *p, const struct plan_message *pm, struct str key,
                             struct str body, struct commit *c, size_t *marked)
{
    commit_doc(c, key, 1, body);
    commit_doc_field(c, "s", STR("queued"));
    commit_doc_field(c, "u", pm->m.user);
    commit_doc_field(c, "o", pm->m.order_id);
    if (pm->m.broadcast.n > 0) {
        commit_doc_field(c, "br", pm->m.broadcast);
    }
    if (pm->m.matter.n > 0) {
        commit_doc_field(c, "mt", pm->m.matter);
    }
    if (pm->first) {
        commit_hset(c, arena_printf(p->a, "bm:%.*s", STR_ARG(pm->m.broadcast)), pm->m.user,
                    pm->m.id);
    }
    commit_message_state(c, pm->m.id, "failed", p->now, STR(NO_SENDER)); /* its broadcast counts */
    (*marked)++;
    commit_zadd(c, STR("mx"), 0, pm->m.id);
    commit_zadd(c, arena_printf(p->a, "mu:%.*s", STR_ARG(pm->m.user)), 0, pm->m.id);
    if (pm->m.order_id.n > 0) {
        commit_zadd(c, arena_printf(p->a, "mo:%.*s", STR_ARG(pm->m.order_id)), 0, pm->m.id);
    }
}

/* The record, its indexes, and its place in the lane of its person and class. */
static void write_sendable(struct plan *p, struct plan_message *pm, const struct sender *s,
                           struct str body, struct commit *c, plan_grant_fn *grant, void *ctx)
{
    struct rate rate;

    pm->queue = arena_printf(p->a, QUEUE_OUT_PREFIX "%.*s", STR_ARG(s->id));
    /* An SMS does not wait behind a WhatsApp message that it is said instead of. */
    pm->lane = arena_printf(p->a, "%d%.*s%s", (int)pm->m.prio, STR_ARG(pm->m.user),
                            pm->m.sms ? ":sms" : "");
    sender_rate(s, &rate);
    choose_grant(p, pm, s, grant, ctx);
    commit_message(c, &(struct commit_message){
                          .id = pm->m.id,
                          .body = body,
                          .user = pm->m.user,
                          .order = pm->m.order_id,
                          .broadcast = pm->m.broadcast,
                          .first = pm->first,
                          .matter = pm->m.matter,
                          .line = arena_printf(p->a, "queued,%lld,%.*s\n", (long long)p->now.ms,
                                               STR_ARG(pm->detail)),
                          .queue = pm->queue,
                          .lane = pm->lane,
                          .not_before = pm->m.send_at,
                          .grant = pm->grant,
                          .rate = &rate,
                      });
}

/* What the messages of a plan are written with, one after the other. */
struct writing {
    struct commit *c;
    plan_grant_fn *grant;
    void *ctx;
    size_t *marked;
    struct buf record, sealed;
};

static bool write_message(struct plan *p, struct plan_message *pm, struct writing *w,
                          struct err *err)
{
    const struct sender *s = tenant_sender_for(p->tenant->conf, pm->m.sender, STR_NONE);
    struct str key = arena_printf(p->a, "m:%.*s", STR_ARG(pm->m.id));

    pm->m.sender = s != NULL ? s->id : STR_NONE;
    message_fit(p->a, &pm->m, s != NULL && s->provider == PROVIDER_TWILIO);
    buf_reset(&w->record);
    buf_reset(&w->sealed);
    message_encode(&pm->m, &w->record);
    vault_seal(p->tenant->vault, key, "b", buf_str(&w->record), &w->sealed);
    if (s != NULL) {
        write_sendable(p, pm, s, buf_str(&w->sealed), w->c, w->grant, w->ctx);
        pm->result = (*w->marked)++;
        pm->record = pm->grant != GRANT_NONE ? arena_dup(p->a, buf_str(&w->record)) : STR_NONE;
        watch_message(p, &pm->m, w->c, w->marked);
    } else {
        write_unsendable(p, pm, key, buf_str(&w->sealed), w->c, w->marked);
    }
    return buf_ok(&w->record) || too_long(err, "a message");
}

static bool write_messages(struct plan *p, struct writing *w, struct err *err)
{
    bool ok = true;

    buf_init(&w->record, RECORD_BYTES_MAX);
    buf_init(&w->sealed, RECORD_BYTES_MAX + SEAL_EXTRA_BYTES);
    for (size_t i = 0; ok && i < p->nmessages; i++) {
        ok = write_message(p, &p->messages[i], w, err);
    }
    buf_fini(&w->record);
    buf_fini(&w->sealed);
    return ok;
}

static bool write_event(struct plan *p, const struct plan_event *e, struct commit *c,
                        struct err *err)
{
    char id[ID_BYTES];
    struct buf text, sealed, lane;
    bool ok;

    buf_init(&text, RECORD_BYTES_MAX);
    buf_init(&sealed, RECORD_BYTES_MAX + SEAL_EXTRA_BYTES);
    buf_init(&lane, 128);
    id_new(id);
    event_encode(p->tenant, e, str_of(id), p->now, p->cause, &text);
    ok = buf_ok(&text) || too_long(err, "an event");
    event_lane(p->tenant, e->subject, &lane);
    /* The sequence is not known yet, so the record is bound to the stream, not to the entry. */
    vault_seal(p->tenant->vault, STR("ev"), "b", buf_str(&text), &sealed);
    commit_event(c, buf_str(&lane), buf_str(&sealed), p->tenant->conf->callback_url.n > 0);
    buf_fini(&text);
    buf_fini(&sealed);
    buf_fini(&lane);
    return ok;
}

/* Who gives a phone up goes first, so that its new owner's entry is the one that stays. */
static void write_users(struct plan *p, struct commit *c)
{
    for (int taking = 0; taking < 2; taking++) {
        for (size_t i = 0; i < p->nusers; i++) {
            if ((p->users[i]->phone.n > 0) == (taking == 1)) {
                user_put(p->tenant, p->a, p->users[i], p->users_before[i], c);
            }
        }
    }
    if (p->gone != NULL) {
        user_delete(p->tenant, p->a, p->gone, c);
    }
}

static void write_asks(struct plan *p, struct commit *c)
{
    for (size_t i = 0; i < p->nasks; i++) {
        struct str field = arena_printf(p->a, "%.*s|y", STR_ARG(p->asks[i].person));

        if (p->asks[i].asked) {
            commit_line_add(c, STR("bq"), field, p->asks[i].ref, MATTER_ASKED_MAX);
        } else {
            commit_line_drop(c, STR("bq"), field, p->asks[i].ref);
        }
    }
}

bool plan_writes(struct plan *p, struct commit *c, plan_grant_fn *grant, void *ctx, struct err *err)
{
    size_t marked = 0;
    struct writing writing = {.c = c, .grant = grant, .ctx = ctx, .marked = &marked};

    if (p->over) {
        return err_set(err, ERR_INVALID, "it would change more than %d things at once",
                       PLAN_PARTS_MAX);
    }
    for (size_t i = 0; i < p->norders; i++) {
        if (!order_put(p->tenant, p->a, p->orders[i], p->orders_before[i], p->now, c)) {
            return err_set(err, ERR_TOO_LONG, "work order \"%.*s\" is too long",
                           STR_ARG(p->orders[i]->number));
        }
    }
    for (size_t i = 0; i < p->nmatters; i++) {
        marked += matter_put(p->tenant, p->a, p->matters[i], p->now, c);
    }
    marked += write_inputs(p, c);
    write_asks(p, c);
    write_users(p, c);
    if (p->conversation != NULL && !write_conversation(p, c, err)) {
        return false;
    }
    for (size_t i = 0; i < p->naudits; i++) {
        write_audit(p, &p->audits[i], c);
    }
    for (size_t i = 0; i < p->nentries; i++) {
        const struct plan_entry *e = &p->entries[i];

        order_timeline_put(p->tenant, p->a, e->order_id, e->kind.p, e->who, e->text, e->more, e->at,
                           c);
    }
    for (size_t i = 0; i < p->nmedia; i++) {
        if (p->media[i].medium != NULL) {
            medium_put(p->tenant, p->a, p->media[i].medium, c);
        }
    }
    if (!write_messages(p, &writing, err)) {
        return false;
    }
    for (size_t i = 0; i < p->nevents; i++) {
        if (!write_event(p, &p->events[i], c, err)) {
            return false;
        }
        marked++;
    }
    if (p->broadcast.n > 0) {
        commit_broadcast_answer(c, p->broadcast, p->speaker,
                                arena_printf(p->a, "%.*s", STR_ARG(p->broadcast_answer)).p,
                                p->spoken_at.ms > 0 ? p->spoken_at : p->now);
    }
    return true;
}

void event_encode(const struct tenant *t, const struct plan_event *e, struct str id, struct wall at,
                  struct str correlation, struct buf *out)
{
    char source[TENANT_ID_MAX + 16];
    struct jw w;

    snprintf(source, sizeof(source), "/gateway/%.*s", STR_ARG(t->id));
    jw_init(&w, out);
    jw_open(&w, NULL, '{');
    jw_z(&w, "specversion", "1.0");
    jw_str(&w, "id", id);
    jw_z(&w, "source", source);
    jw_str(&w, "type", e->type);
    jw_str(&w, "subject", e->subject);
    jw_wall(&w, "time", at);
    jw_z(&w, "datacontenttype", "application/json");
    jw_str(&w, "tenantid", t->id);
    if (correlation.n > 0) {
        jw_str(&w, "correlationid", correlation);
    }
    if (e->causation.n > 0) {
        jw_str(&w, "causationid", e->causation);
    }
    jw_raw(&w, "data", e->data);
    jw_close(&w, '}');
}

void event_render(struct str stored, int64_t sequence, struct buf *out)
{
    /* Spliced in front, so the same event always has the same bytes, whoever renders it. */
    buf_addf(out, "{\"sequence\":\"%lld\",", (long long)sequence);
    buf_add(out, str_slice(stored, 1, stored.n));
}

void event_lane(const struct tenant *t, struct str subject, struct buf *lane)
{
    char hash[VAULT_HASH_CHARS + 1];

    vault_hash(t->vault, "subject", subject, hash);
    buf_addf(lane, "%d%.16s", (int)PRIO_NORMAL, hash);
}
