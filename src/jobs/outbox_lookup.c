/*
 * outbox_lookup: before a message is handed over once more, or given up as uncertain, Twilio is
 * asked for what it has: its list of messages to this person. One of the same words, accepted when
 * an attempt of ours was out, whose sid we know of no other message, is that attempt. Meta has no
 * such list.
 *
 * Where the list cannot be had, or Redis does not say what of it is ours, the message waits: the
 * send would fare no better. After LOOKS_MAX times it goes on without.
 */
#include "base/log.h"
#include "base/mem.h"
#include "outbox_int.h"
#include "providers/twilio_messages.h"

#define ATTEMPTS_MAX 8
#define PAGES_MAX    10
#define FOUND_MAX    32
#define LOOK_MS      8000 /* with the send behind it it stays within a lease */
#define LOOKS_MAX    5

struct lookup {
    struct outbox *by;              /* the sender that made them; NULL: none with a list did */
    struct wall sent[ATTEMPTS_MAX]; /* attempts that nobody answered, the oldest first */
    size_t nsent;
    int64_t looks; /* in vain, before this one */
    int pages;
    struct inbound found[FOUND_MAX];
    size_t nfound, judged;
};

bool outbox_lookup_possible(const struct attempt *at)
{
    bool has_list = false;

    for (size_t i = 0; i < at->ob->et->noutboxes; i++) {
        has_list = has_list || at->ob->et->outboxes[i].sender->provider == PROVIDER_TWILIO;
    }
    return has_list && at->m.kind != MESSAGE_READ && !at->m.sms;
}

static void go_on(struct attempt *at)
{
    at->looked = true;
    outbox_begin(at);
}

/* ---- what was found ---- */

static void end_found(struct attempt *at, const struct inbound *item)
{
    const struct provider_error *row;

    at->local = at->found = true; /* the attempt that the claim counted is not made */
    at->o = (struct outcome){.cls = OUTCOME_SENT, .provider_id = item->provider_id};
    log_info("attempt without an answer found in the provider's list",
             LF_STR("tenant", at->ob->et->t.id), LF_STR("message", at->m.id));
    if (item->state != DELIVERY_FAILED) {
        attempt_end(at, THEN_SENT, 0);
        return;
    }
    row = at->lookup->by->provider->error_find(item->error.code, 0);
    at->o.cls = row != NULL ? row->cls : OUTCOME_REFUSED;
    at->o.code = item->error.code;
    at->o.title = row != NULL ? str_of(row->title) : STR("the provider could not deliver it");
    at->o.advice = row != NULL ? str_of(row->advice) : item->error.details;
    at->o.scope = row != NULL ? row->scope : SCOPE_MESSAGE;
    at->o.retry_after_ms = row != NULL ? row->retry_after_ms : 0;
    /* Refused for its form alone, for a limit, or for its sender: it goes again, as after a status
     * that says so. */
    at->again = at->lookup->by == at->ob && at->lookup->nsent == 1 && !at->uncounted;
    if (!at->again || !(outbox_form_refused(at) || outbox_held_back(at))) {
        attempt_end(at, THEN_FAILED, 0);
    }
}

static void judge(struct attempt *at);

static void look_later(struct attempt *at, struct str why)
{
    struct lookup *l = at->lookup;

    if (l->looks >= LOOKS_MAX) {
        go_on(at);
        return;
    }
    at->local = true;
    at->look_failed = true;
    at->o = (struct outcome){.cls = OUTCOME_NOT_SENT, .title = why};
    attempt_end(at, THEN_LATER, outbox_backoff_ms(l->looks));
}

/* Whether we know the sid: of another message it is no evidence, of ours it was written meanwhile.
 */
static void on_known(void *ctx, const struct err *err, const struct reply *reply)
{
    struct attempt *at = obj_check(ctx, ATTEMPT_MAGIC);
    struct lookup *l = at->lookup;
    struct str known = reply_str(reply);

    at->pending = NULL;
    if (err != NULL) {
        look_later(at, STR("whose the message in the provider's list is could not be read"));
        return;
    }
    if (known.n == 0 || str_eq(known, at->m.id)) {
        end_found(at, &l->found[l->judged]);
        return;
    }
    l->judged++;
    judge(at);
}

static void judge(struct attempt *at)
{
    struct engine_tenant *et = at->ob->et;
    struct lookup *l = at->lookup;
    struct call call;

    if (l->judged == l->nfound) {
        go_on(at);
        return;
    }
    call_init_script(&call, "message", arena_printf(at->a, "{%.*s}:", STR_ARG(et->t.id)));
    call_str(&call, vault_hash_arena(et->t.vault, at->a, "pid", l->found[l->judged].provider_id));
    at->pending = store_run(et->e->store, &call, on_known, at);
}

/* ---- the list ---- */

/* Outside the window it went in the form of its template, whose words are others. */
static bool is_it(const struct attempt *at, const struct inbound *item, struct wall sent)
{
    const struct lookup *l = at->lookup;
    struct message formed;

    if (at->m.template_.name.n == 0 || l->by != at->ob ||
        sent.ms - at->item->window.ms < WINDOW_MS) {
        return twilio_messages_same(item, &at->m, sent);
    }
    formed = at->m;
    formed.kind = MESSAGE_TEMPLATE;
    return twilio_messages_same(item, &formed, sent);
}

static void take_page(struct attempt *at, const struct inbound_batch *page)
{
    struct lookup *l = at->lookup;

    for (size_t i = 0; i < page->n; i++) {
        bool fits = false;

        for (size_t k = 0; k < l->nsent; k++) {
            fits = fits || is_it(at, &page->items[i], l->sent[k]);
        }
        if (fits && l->nfound < FOUND_MAX) {
            l->found[l->nfound++] = page->items[i];
        }
    }
}

static void ask(struct attempt *at, const struct outgoing *out);

static void on_page(void *ctx, const struct err *err, const struct http_answer *answer)
{
    struct attempt *at = obj_check(ctx, ATTEMPT_MAGIC);
    struct lookup *l = at->lookup;
    struct inbound_batch page;
    struct outgoing next;
    struct err own = {0};

    at->pending = NULL;
    if (err != NULL) {
        look_later(at, STR("the provider's list of messages cannot be reached"));
        return;
    }
    if (!twilio_messages_parse(at->a, l->by->sender, answer->status, answer->body, &page, &next,
                               &own)) {
        look_later(at, STR("the provider does not give its list of messages"));
        return;
    }
    take_page(at, &page);
    /* The newest come first: what is older than the first attempt is not looked through. */
    if (next.method != NULL && page.n > 0 && ++l->pages < PAGES_MAX &&
        page.items[page.n - 1].at.ms >= l->sent[0].ms) {
        ask(at, &next);
    } else {
        judge(at);
    }
}

static void ask(struct attempt *at, const struct outgoing *out)
{
    const struct http_call call = outgoing_call(out, HTTP_IDEMPOTENT, LOOK_MS);

    if (!lane_item_live(at->item)) {
        at->local = true;
        at->o = (struct outcome){.cls = OUTCOME_NOT_SENT};
        attempt_end(at, THEN_LATER, 0);
        return;
    }
    at->pending = http_call_start(at->ob->et->e->http, &call, on_page, at);
}

/* ---- which attempts ---- */

/* "attempt 2 by tw, because main is paused"; else by its own. */
static struct outbox *sender_of(struct attempt *at, struct str detail)
{
    size_t from = str_find(detail, STR(" by "));
    struct str id, rest;

    if (from == SIZE_MAX) {
        return at->own;
    }
    str_cut(str_slice(detail, from + 4, detail.n), ',', &id, &rest);
    return outbox_of_sender(at->own->et, id);
}

static void add_attempt(struct attempt *at, struct wall began, struct str detail)
{
    struct outbox *by = sender_of(at, detail);
    struct lookup *l = at->lookup;

    if (by != NULL && by->sender->provider == PROVIDER_TWILIO && (l->by == NULL || l->by == by) &&
        l->nsent < ATTEMPTS_MAX) {
        l->by = by;
        l->sent[l->nsent++] = began;
    }
}

/* Lines "sending,<ms>,attempt <n>…"; the last one is the claim's, which is not out, where it
 * counted one. */
static void attempts_of(struct attempt *at, struct str timeline)
{
    struct str line, head, tail, ms, detail, before = STR_NONE;
    struct wall began, began_before = {0};

    while (timeline.n > 0) {
        str_cut(timeline, '\n', &line, &timeline);
        if (str_cut(line, ',', &head, &tail) && str_eqz(head, "sending") &&
            str_cut(tail, ',', &ms, &detail) && str_starts(detail, STR("attempt ")) &&
            str_to_i64(ms, 0, INT64_MAX, &began.ms)) {
            if (before.n > 0) {
                add_attempt(at, began_before, before);
            }
            before = detail;
            began_before = began;
        }
    }
    if (at->uncounted && before.n > 0) {
        add_attempt(at, began_before, before);
    }
}

static void on_record(void *ctx, const struct err *err, const struct reply *reply)
{
    struct attempt *at = obj_check(ctx, ATTEMPT_MAGIC);
    struct lookup *l = at->lookup;
    struct outgoing out;

    at->pending = NULL;
    if (err != NULL) {
        look_later(at, STR("its attempts could not be read"));
        return;
    }
    attempts_of(at, reply_str(reply_at(reply, 0)));
    l->looks = reply_int(reply_at(reply, 1));
    if (l->nsent == 0) {
        go_on(at);
        return;
    }
    twilio_messages_build(at->a, l->by->sender, at->m.phone.n > 0 ? at->m.phone : at->m.bsuid,
                          l->sent[0], &out);
    ask(at, &out);
}

void outbox_lookup(struct attempt *at)
{
    struct call call;

    at->lookup = ARENA_NEW(at->a, struct lookup);
    call_init_script(&call, "record", arena_printf(at->a, "{%.*s}:", STR_ARG(at->ob->et->t.id)));
    call_str(&call, at->m.id);
    call_str(&call, STR("tl"));
    call_str(&call, STR("lu"));
    at->pending = store_run(at->ob->et->e->store, &call, on_record, at);
}
