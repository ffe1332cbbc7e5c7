/*
 * outbox_via: a paused sender's messages go by the next sender of the tenant (domain/failover.h).
 * Which one, Redis says with the claim; the lane stays where it is, so the order of a person's
 * messages holds when the first sender goes on. What another one cannot say stays: it waits for its
 * own sender, and claims by others leave it alone.
 */
#include "approvals.h"
#include "base/mem.h"
#include "domain/failover.h"
#include "outbox_int.h"

#define STAY_MS 1000 /* by then its sender may go on; else the claim lets it wait */

/* ---- the ways of a queue ---- */

void outbox_ways_make(struct outbox *ob)
{
    const struct tenant_settings *t = ob->et->t.conf;
    const struct sender *own = tenant_sender(t, ob->sender->id); /* NULL: not configured any more */
    size_t from = own != NULL ? (size_t)(own - t->senders) + 1 : 0;

    ob->nways = t->nsenders - (own != NULL);
    ob->ways = mem_array(ob->nways + 1, sizeof(*ob->ways));
    for (size_t k = 0; k < ob->nways; k++) {
        ob->ways[k].sender = t->senders[(from + k) % t->nsenders].id;
    }
    outbox_ways_rate(ob);
}

void outbox_ways_rate(struct outbox *ob)
{
    for (size_t i = 0; i < ob->nways; i++) {
        sender_rate(tenant_sender(ob->et->t.conf, ob->ways[i].sender), &ob->ways[i].rate);
    }
}

struct outbox *outbox_of_sender(struct engine_tenant *et, struct str sender)
{
    for (size_t i = 0; i < et->noutboxes; i++) {
        if (str_eq(et->outboxes[i].sender->id, sender)) {
            return &et->outboxes[i];
        }
    }
    return NULL;
}

/* ---- an attempt ---- */

void outbox_stay(struct attempt *at, const char *why)
{
    at->local = at->stays = true;
    at->o = (struct outcome){
        .cls = OUTCOME_NOT_SENT,
        .title = arena_printf(at->a, "it waits for %.*s: %.*s cannot say it (%s)",
                              STR_ARG(at->own->sender->id), STR_ARG(at->ob->sender->id), why)};
    attempt_end(at, THEN_LATER, STAY_MS);
}

bool outbox_via(struct attempt *at)
{
    if (at->m.kind == MESSAGE_READ) {
        attempt_end_here(at, THEN_EXPIRED, "a mark that it was read, of a sender that is paused",
                         "");
        return false;
    }
    if (outbox_is_waiting(&at->m)) { /* a word to another number releases nothing that waits here */
        at->o.title = STR("the sender that it asks him to write to is paused");
        attempt_end(at, THEN_NEEDLESS, 0);
        return false;
    }
    if (at->m.group.n > 0) { /* its members can be told by another one, the group cannot */
        at->ob = at->own;
        attempt_end_here(at, THEN_FAILED, "the sender of the group is paused",
                         "see what is wrong with the sender");
        return false;
    }
    if (!failover_can_say(&at->m)) {
        outbox_stay(at, at->m.phone.n == 0 ? "it has no number of his"
                                           : "it is about what was said to the other number");
        return false;
    }
    at->m.quoted = STR_NONE;
    if (!str_eq(sender_account(at->ob->sender), sender_account(at->own->sender))) {
        at->m.template_.content_sid = at->m.media.provider_id = STR_NONE;
    }
    return true;
}

void outbox_via_writes(struct attempt *at, struct commit *c)
{
    struct failover_step step;

    if (!at->stays) {
        return;
    }
    commit_hset(c, arena_printf(at->scratch, "m:%.*s", STR_ARG(at->m.id)), STR("st"), STR("1"));
    if (failover_next(at->ob->et->t.conf, &at->m, NULL, &step)) {
        failover_watch(&at->ob->et->t, at->scratch, c, at->m.id, "stays", (struct wall){0});
    }
}
