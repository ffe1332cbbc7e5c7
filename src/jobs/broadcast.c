/* broadcast: its record as read, texts checked, items, cancelling and another round. */
#include "broadcast_int.h"

#include "providers/provider.h"

#define STEM_CHARS 10

enum {
#define X(name) AT_##name,
    BROADCAST_COUNT_LIST(X)
#undef X
};

/* ---- the record ---- */

void broadcast_call(struct arena *a, const struct tenant *t, struct str id, struct call *out)
{
    call_init_script(out, "broadcast", arena_printf(a, "{%.*s}:", STR_ARG(t->id)));
    call_str(out, id);
    for (size_t i = 0; broadcast_count_names[i] != NULL; i++) {
        call_str(out, str_of(broadcast_count_names[i]));
    }
}

void broadcast_state_read(struct arena *a, const struct reply *r, struct broadcast_state *out)
{
    const struct reply *b = reply_at(r, 0), *counts = reply_at(r, 1);

    *out = (struct broadcast_state){
        .version = reply_int(reply_at(b, 0)),
        .body = arena_dup(a, reply_str(reply_at(b, 1))),
        .state = arena_dup(a, reply_str(reply_at(b, 2))),
        .accepted = {reply_int(reply_at(b, 3))},
        .chunks = reply_int(reply_at(b, 4)),
        .cursor = reply_int(reply_at(b, 5)),
        .round = reply_int(reply_at(b, 6)),
        .stem = arena_dup(a, reply_str(reply_at(b, 7))),
        .began = {reply_int(reply_at(b, 8))},
        .senders = arena_dup(a, reply_str(reply_at(b, 9))),
        .told = arena_dup(a, reply_str(reply_at(b, 10))),
        .end_told = reply_int(reply_at(b, 11)) != 0,
        .told_at = {reply_int(reply_at(b, 12))},
        .first = arena_dup(a, reply_str(reply_at(b, 13))),
        .list = arena_dup(a, reply_str(reply_at(b, 14))),
    };
    out->counts = (struct broadcast_counts){
#define X(name) .name = reply_int(reply_at(counts, AT_##name)),
        BROADCAST_COUNT_LIST(X)
#undef X
    };
}

bool broadcast_open(struct arena *a, const struct tenant *t, struct str id,
                    const struct broadcast_state *s, struct broadcast *out, struct err *err)
{
    struct str text;

    return vault_open_arena(t->vault, a, arena_printf(a, "b:%.*s", STR_ARG(id)), "b", s->body,
                            &text, err) &&
           broadcast_decode(a, text, out, err);
}

void broadcast_pace(const struct tenant *t, const struct broadcast_state *s, int64_t *rate,
                    int64_t *eta_s)
{
    int64_t left = s->counts.queued + s->counts.uncertain;
    struct str rest = s->senders, item;
    bool limited = true;

    *rate = *eta_s = 0;
    while (rest.n > 0) {
        const struct sender *sender;
        struct str id, number;
        int64_t people, seconds;

        str_cut(rest, ' ', &item, &rest);
        if (!str_cut(item, '=', &id, &number) || !str_to_i64(number, 0, INT32_MAX, &people) ||
            (sender = tenant_sender(t->conf, id)) == NULL) {
            continue;
        }
        limited = limited && sender->rate_per_second > 0;
        *rate += sender->rate_per_second;
        if (sender->rate_per_second > 0 && s->counts.total > 0) {
            /* What is left is spread over the senders as all of it was. */
            int64_t share = (people * left + s->counts.total - 1) / s->counts.total;

            seconds = (share + sender->rate_per_second - 1) / sender->rate_per_second;
            *eta_s = seconds > *eta_s ? seconds : *eta_s;
        }
    }
    *rate = limited ? *rate : 0;
}

/* ---- the texts ---- */

/* With its header and question, in each language that somebody may get it in. */
static bool check_text(struct arena *a, const struct tenant *t, const struct broadcast *b,
                       size_t nth, struct err *err)
{
    const struct lang *langs[BROADCAST_LANGS_MAX];
    size_t n = i18n_langs(t->i18n, langs, BROADCAST_LANGS_MAX);
    struct message m;

    for (size_t i = 0; i < n; i++) {
        if (b->langs[nth].n > 0 &&
            langs[i] != i18n_lang(t->i18n, b->langs[nth], t->conf->default_language)) {
            continue;
        }
        broadcast_message(a, t, b, langs[i], nth, &m);
        m.user = STR("someone");
        m.phone = STR("+12025550100");
        for (size_t k = 0; k < t->conf->nsenders; k++) {
            m.sender = t->conf->senders[k].id;
            if (!provider_of(t->conf->senders[k].provider)->check(&m, err)) {
                return b->langs[nth].n > 0 ? err_member(err, "texts.%.*s", STR_ARG(b->langs[nth]))
                                           : err_member(err, "text");
            }
        }
    }
    return true;
}

bool broadcast_check(struct arena *a, const struct tenant *t, const struct broadcast *b,
                     struct err *err)
{
    for (size_t i = 0; i < b->ntexts; i++) {
        if (!check_text(a, t, b, i, err)) {
            return false;
        }
    }
    return true;
}

/* ---- items ---- */

struct str broadcast_item_text(struct arena *a, char mode, struct str id, int64_t round)
{
    return arena_printf(a, "%c%c%.*s\n%lld", ITEM_BROADCAST, mode, STR_ARG(id), (long long)round);
}

void broadcast_item_put(struct engine_tenant *et, struct arena *a, struct commit *c, bool grant,
                        enum prio prio, char mode, struct str id, int64_t round,
                        struct wall not_before, struct broadcast_item *out)
{
    static const struct rate none = {0};
    char fresh[ID_BYTES];
    struct str key;

    id_new(fresh);
    out->id = arena_dup(a, str_of(fresh));
    out->lane = arena_printf(a, "%db%c:%.*s:%lld", (int)prio, mode, STR_ARG(id), (long long)round);
    out->text = broadcast_item_text(a, mode, id, round);
    key = arena_printf(a, "i:%.*s", STR_ARG(out->id));
    commit_hset(c, key, STR("b"), job_seal(et, a, key, "b", out->text));
    commit_enqueue(c, STR(QUEUE_IN), out->lane, out->id, not_before,
                   grant && et->in != NULL && lane_worker_has_slot(et->in), &none);
}

/* ---- changes ---- */

void broadcast_cancel(struct engine_tenant *et, struct arena *a, struct str id, struct commit *c)
{
    size_t n = et->t.conf->nsenders;
    struct str *queues = ARENA_ARRAY(a, struct str, n + 1);
    struct broadcast_item item;

    for (size_t i = 0; i < n; i++) {
        queues[i] = arena_printf(a, QUEUE_OUT_PREFIX "%.*s", STR_ARG(et->t.conf->senders[i].id));
    }
    commit_broadcast_cancel(c, id, queues, n);
    broadcast_item_put(et, a, c, false, PRIO_HIGH, 's', id, 0, (struct wall){0}, &item);
}

void broadcast_resend(struct engine_tenant *et, struct arena *a, struct str id,
                      const struct broadcast_state *s, enum prio prio, struct commit *c)
{
    struct str key = arena_printf(a, "b:%.*s", STR_ARG(id));
    struct broadcast_item item;
    char fresh[ID_BYTES];

    id_new(fresh);
    commit_hset(c, key, STR("v"), arena_printf(a, "%lld", (long long)s->version + 1));
    commit_hset(c, key, STR("st"), STR("sending"));
    commit_hset(c, key, STR("cu"), STR("0"));
    commit_hset(c, key, STR("rd"), arena_printf(a, "%lld", (long long)s->round + 1));
    commit_hset(c, key, STR("rs"), str_make(fresh, STEM_CHARS));
    commit_hset(c, key, STR("ra"), arena_printf(a, "%lld", (long long)wall_now().ms));
    commit_hdel(c, key, STR("cl"));
    broadcast_item_put(et, a, c, false, prio, 'r', id, s->round + 1, (struct wall){0}, &item);
}

void broadcast_wake(struct engine_tenant *et)
{
    if (et->in != NULL) {
        lane_worker_wake(et->in);
    }
}
