#include "base/mem.h"
#include "books_int.h"

#define AGAIN_MOST  500
#define INPUTS_KEPT ((int64_t)8 * 24 * 3600 * 1000) /* what was seen is known so long at least */

static const struct {
    const char *kind, *word;
} names[BOOKS_STATES] = {
#define X(name, kind, state) {kind, state},
    BOOKS_LIST(X)
#undef X
};

const char *books_kind(enum books_state s)
{
    return names[s].kind;
}

const char *books_word(enum books_state s)
{
    return names[s].word;
}

static void books_free(struct books *b)
{
    job_end(&b->job);
    op_cancel(&b->pending);
    map_free(&b->inputs);
    map_free(&b->events);
    map_free(&b->messages);
    map_free(&b->lanes);
    arena_free(&b->a);
    arena_free(&b->scratch);
    mem_free(&b);
}

static void drop_books(struct job *job)
{
    books_free(LIST_OF(job, struct books, job));
}

static void books_cancel(struct op *op)
{
    books_free(LIST_OF(op, struct books, op));
}

static void finish(struct books *b, const struct err *err)
{
    const struct books_options o = b->o;
    const struct books_result result = b->result;

    books_free(b);
    o.done(o.ctx, err, err == NULL ? &result : NULL);
}

void books_found(struct books *b, const char *kind, struct str id, const char *reason)
{
    b->result.unbalanced++;
    if (b->o.found != NULL) {
        b->o.found(b->o.ctx, kind, id, reason);
    }
}

static void on_reply(void *ctx, const struct err *err, const struct reply *reply);

void books_send(struct books *b, struct call *call)
{
    b->pending = store_run(b->et->e->store, call, on_reply, b);
}

struct str books_key(struct books *b, const char *key)
{
    return arena_printf(b->scratch, "{%.*s}:%s", STR_ARG(b->et->t.id), key);
}

/* ---- the judgement ---- */

static void judge_input(struct books *b, struct books_entry *e, struct wall known_since)
{
    if (e->ended > 1) {
        books_found(b, "input", e->id, "it came to its end more than once");
    }
    if (e->ended > 0) {
        b->result.counts[BOOKS_IN_DONE] += e->accepted;
    } else if (e->dead) {
        b->result.counts[BOOKS_IN_DEAD]++;
    } else if (e->record && e->lane) {
        b->result.counts[BOOKS_IN_WAITING]++;
        if (e->damaged) {
            books_found(b, "input", e->id, BOOKS_DAMAGED);
        }
    } else if (e->record) {
        e->doubtful = true;
    } else if (e->accepted && !e->lane && id_time(e->id).ms >= known_since.ms) {
        books_found(b, "input", e->id,
                    "it was accepted, and there is no trace of what became of it");
    }
}

static void judge_event(struct books *b, struct books_entry *e)
{
    if (e->dead) {
        b->result.counts[BOOKS_EV_DEAD] += e->record;
    } else if (e->lane) {
        b->result.counts[BOOKS_EV_WAITING] += e->record;
    } else {
        e->doubtful = true;
    }
}

static bool judge(struct books *b, const struct reply *reply)
{
    struct wall known = {wall_now().ms - INPUTS_KEPT};

    (void)reply;
    for (struct books_entry *e = b->all_inputs; e != NULL; e = e->next) {
        judge_input(b, e, known);
    }
    for (struct books_entry *e = b->all_events; e != NULL; e = e->next) {
        judge_event(b, e);
    }
    return false;
}

/* ---- once more what may only have moved ---- */

static void ask_again(struct books *b, const char *queue, struct books_entry *all)
{
    struct call call;
    int n = 0;

    call_init_script(&call, "books_again", books_key(b, ""));
    call_str(&call, str_of(queue));
    for (struct books_entry *e = all; e != NULL && n < AGAIN_MOST; e = e->next) {
        if (e->doubtful) {
            call_str(&call, e->id);
            n++;
        }
    }
    if (n == 0) {
        call_fini(&call);
        return;
    }
    books_send(b, &call);
}

static bool take_again(struct books *b, const char *kind, enum books_state end,
                       struct books_entry *all, const struct reply *reply)
{
    size_t n = 0;

    for (struct books_entry *e = all; e != NULL && n < reply_len(reply); e = e->next) {
        if (!e->doubtful) {
            continue;
        }
        e->doubtful = false;
        if (reply_int(reply_at(reply, n++)) == 1) {
            books_found(b, kind, e->id, "it waits, but in no lane: nobody would come to it");
        } else {
            b->result.counts[end]++;
        }
    }
    return true; /* until there is none */
}

static void ask_inputs_again(struct books *b)
{
    ask_again(b, QUEUE_IN, b->all_inputs);
}

static bool take_inputs_again(struct books *b, const struct reply *reply)
{
    return take_again(b, "input", BOOKS_IN_DONE, b->all_inputs, reply);
}

static void ask_events_again(struct books *b)
{
    ask_again(b, QUEUE_CB, b->all_events);
}

static bool take_events_again(struct books *b, const struct reply *reply)
{
    return take_again(b, "event", BOOKS_EV_TAKEN, b->all_events, reply);
}

/* ---- the walk ---- */

static const struct books_step last_steps[] = {
    {NULL,             judge            },
    {ask_inputs_again, take_inputs_again},
    {ask_events_again, take_events_again},
};

/* NULL: all are done. */
static const struct books_step *step_at(size_t i)
{
    for (const struct books_step *s = books_reads; s->take != NULL; s++, i--) {
        if (i == 0) {
            return s;
        }
    }
    return i < ARRAY_LEN(last_steps) ? &last_steps[i] : NULL;
}

/* Asks for the next piece; false: all steps are done. */
static bool go_on(struct books *b, bool more)
{
    const struct books_step *step;

    for (;;) {
        if (!more) {
            b->step++;
            b->cursor[0] = '\0';
            b->turn = b->offset = 0;
        }
        step = step_at(b->step);
        if (step == NULL) {
            return false;
        }
        if (step->ask != NULL) {
            step->ask(b);
        } else {
            step->take(b, NULL);
        }
        if (b->pending != NULL) {
            return true;
        }
        more = false;
    }
}

static void on_reply(void *ctx, const struct err *err, const struct reply *reply)
{
    struct books *b = ctx;
    bool more;

    b->pending = NULL;
    if (err != NULL) {
        finish(b, err);
        return;
    }
    arena_reset(b->scratch);
    more = step_at(b->step)->take(b, reply);
    arena_reset(b->scratch);
    if (!go_on(b, more)) {
        finish(b, NULL);
    }
}

struct op *books_prove(struct engine *e, struct engine_tenant *et, const struct books_options *o)
{
    struct books *b = MEM_NEW(struct books);

    *b = (struct books){.op = {books_cancel},
                        .et = et,
                        .o = *o,
                        .a = arena_new(),
                        .scratch = arena_new(),
                        .inputs = map_new(),
                        .events = map_new(),
                        .messages = map_new(),
                        .lanes = map_new()};
    job_begin(e, &b->job, drop_books);
    go_on(b, true);
    return &b->op;
}
