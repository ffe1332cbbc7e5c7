/*
 * inbox_stopped: somebody stopped messages, or has another number: those that wait for him already
 * (his quiet hours, a limit, a pause) are not said any more, and the CMMS and the order's timeline
 * hear of each. A page of what was said to him at a time, the newest first, to the first that is
 * kept: a message may be for a day a year after its acceptance. One that a worker has in hand just
 * now goes out, or comes back: then it is looked for again.
 */
#include "base/mem.h"
#include "domain/consent.h"
#include "inbox_int.h"

#define PAGE          50
#define APART_MS      1000 /* clocks of gateways: what was accepted later knew that he stopped it */
#define LOOK_AGAIN_MS 1000

struct stopping {
    struct str before,
        next; /* ids that end this page and the one behind it; empty: there is none */
    bool in_hand;
    struct {
        struct message m;
        struct str queue, lane;
    } found[PAGE];
    size_t n;
};

static struct outcome why(const struct inbox_job *j)
{
    if (j->moved_phone.n > 0) {
        return (struct outcome){
            .title = STR("the person's number changed before it was sent"),
            .advice = STR("Say it again when the person has verified the new number.")};
    }
    return (struct outcome){
        .title = STR("the person stopped such messages"),
        .advice = STR("Nothing to do; if he has to know of it, tell him another way.")};
}

static void read_page(struct inbox_job *j);

static void check_page(void *ctx, struct commit *c)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);
    const struct stopping *s = j->stopping;

    lane_check_lease(c, j->item);
    for (size_t i = 0; i < s->n; i++) {
        commit_check_untaken(c, s->found[i].queue, s->found[i].lane, s->found[i].m.id);
    }
}

static void write_page(void *ctx, struct commit *c)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);
    const struct stopping *s = j->stopping;

    for (size_t i = 0; i < s->n; i++) {
        commit_message_state(c, s->found[i].m.id, "cancelled", wall_now(), why(j).title);
        commit_withdraw(c, s->found[i].queue, s->found[i].lane, s->found[i].m.id);
    }
    if (s->next.n == 0 && s->in_hand) {
        inbox_got_on(j, c);
        lane_put_off(c, j->item, LOOK_AGAIN_MS);
    } else if (s->next.n == 0) {
        commit_done(c);
    }
}

static void on_withdrawn(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);
    struct stopping *s = j->stopping;

    j->pending = NULL;
    if (err == NULL && outcome->result == COMMIT_OK && s->next.n == 0) {
        inbox_free(j);
    } else if (err == NULL &&
               outcome->result == COMMIT_CONFLICT) { /* a worker took one meanwhile */
        arena_reset(j->work);
        read_page(j);
    } else if (inbox_slice_kept(j, err, outcome)) {
        s->before = s->next;
        read_page(j);
    }
}

/* Answers are neither stopped nor late: they go where the question came from. */
static bool concerns(const struct inbox_job *j, const struct message *m)
{
    if (j->moved_phone.n == 0) {
        return consent_stops(j->stopped, m);
    }
    return str_eq(m->phone, j->moved_phone) && m->prio != PRIO_REPLY && m->kind != MESSAGE_READ;
}

static void look_at(struct inbox_job *j, struct str id, const struct reply *row)
{
    struct stopping *s = j->stopping;
    struct message *m = &s->found[s->n].m;
    struct outcome stopped = why(j);
    struct err err = {0};
    struct str text;

    if (s->n < PAGE &&
        vault_open_arena(j->et->t.vault, j->work, arena_printf(j->work, "m:%.*s", STR_ARG(id)), "b",
                         reply_str(reply_at(row, 2)), &text, &err) &&
        message_decode(j->work, text, m, &err) && concerns(j, m)) {
        m->id = arena_dup(j->work, id);
        s->found[s->n].queue = arena_dup(j->work, reply_str(reply_at(row, 0)));
        s->found[s->n].lane = arena_dup(j->work, reply_str(reply_at(row, 1)));
        ended_tell(&j->plan, m, "cancelled", &stopped);
        s->n++;
    }
}

static void on_page(void *ctx, const struct err *err, const struct reply *reply)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);
    const struct plan_run run = {check_page, write_page, on_withdrawn, j};
    struct stopping *s = j->stopping;

    j->pending = NULL;
    if (err != NULL) {
        inbox_again(j, err);
        return;
    }
    s->next = arena_dup(j->a, reply_str(reply_at(reply, 0)));
    s->in_hand = s->in_hand || reply_int(reply_at(reply, 1)) > 0;
    s->n = 0;
    inbox_plan(j, STR_NONE);
    for (size_t i = 2; i < reply_len(reply); i++) {
        const struct reply *row = reply_at(reply, i);

        look_at(j, reply_str(reply_at(row, 0)), reply_at(row, 1));
    }
    if (s->n == 0 && s->next.n > 0) { /* nothing to do on this page */
        s->before = s->next;
        if (!inbox_over(j)) {
            arena_reset(j->work);
            read_page(j);
        }
        return;
    }
    j->pending = engine_run_plan(j->et->e, j->et, &j->plan, &run);
}

static void read_page(struct inbox_job *j)
{
    struct call call;

    call_init_script(&call, "waiting", arena_printf(j->work, "{%.*s}:", STR_ARG(j->et->t.id)));
    call_str(&call, j->stopped_person);
    call_str(&call, j->stopping->before);
    call_int(&call, PAGE);
    call_int(&call, PRIO_REPLY);
    j->pending = store_run(j->et->e->store, &call, on_page, j);
}

static void read_stopped(struct inbox_job *j)
{
    char time[ID_TIME_BYTES];

    id_of_time((struct wall){id_time(j->item->id).ms + APART_MS}, time);
    j->stopping = ARENA_NEW(j->a, struct stopping);
    j->stopping->before = arena_dup(j->a, str_of(time));
    read_page(j);
}

bool inbox_open_stopped(struct inbox_job *j, struct str text, struct err *err)
{
    if (!consent_item_read(text, &j->stopped_person, &j->stopped)) {
        return err_set(err, ERR_DAMAGED, "it does not say who stopped what");
    }
    j->read = read_stopped;
    return true;
}

bool inbox_open_moved(struct inbox_job *j, struct str text, struct err *err)
{
    if (!str_cut(text, '\n', &j->stopped_person, &j->moved_phone) || j->moved_phone.n == 0) {
        return err_set(err, ERR_DAMAGED, "it does not say whose number changed");
    }
    j->read = read_stopped;
    return true;
}
