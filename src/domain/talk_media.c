/*
 * talk_media: a person sends a file. Which order it is for: the one that he quotes, the one his
 * caption names, the one that an open question is about, the only one in progress, else the only
 * open one; otherwise he is asked, and what he sends meanwhile waits for the same answer. He is
 * answered at once; the file is fetched behind it (an inbound item of its own), also while he still
 * thinks about the order.
 */
#include "domain/media.h"
#include "talk_int.h"

#define MOST_SHOWN VIEW_ORDERS_MAX

/* ---- the caption ---- */

static bool trailing(char c)
{
    return strchr(".,;:!?)(\"'", c) != NULL;
}

struct str talk_caption_order(struct arena *a, struct str text, const struct command_call *call,
                              bool *sure)
{
    struct str guess = STR_NONE, rest = str_slice(text, 0, 1024), word;

    (void)a;
    *sure = call->order_sure;
    if (call->order.n > 0 && call->order_sure) {
        return call->order;
    }
    while (rest.n > 0) {
        str_cut(rest, ' ', &word, &rest);
        word = str_trim(word);
        while (word.n > 0 && trailing(word.p[word.n - 1])) {
            word.n--;
        }
        while (word.n > 0 && trailing(word.p[0])) {
            word = str_slice(word, 1, word.n);
        }
        if (word.n < 3 || word.n > 64 || !command_order_like(word)) {
            continue;
        }
        if (word.p[0] == '#' || (word.n > 3 && str_ieq(str_slice(word, 0, 3), STR("WO-")))) {
            *sure = true;
            return word;
        }
        guess =
            guess.n == 0 ? word : guess; /* a number of something: it counts if it is an order's */
    }
    return call->order.n > 0 ? call->order : guess;
}

/* ---- words ---- */

static struct str kind_text(const struct medium *m)
{
    return str_of(media_kind_name(m->kind));
}

static void say_attached(struct talk *t, struct str kind, const struct order *o, size_t n)
{
    struct message *m =
        n > 1 ? talk_say(t, "reply.media.several", ARG_N("n", (int64_t)n),
                         ARG_IDENT("number", o->number))
              : talk_say_text(t, I18N(t->a, t->l, t->timezone,
                                      arena_printf(t->a, "reply.media.%.*s", STR_ARG(kind)).p,
                                      ARG_IDENT("number", o->number)));

    m->order_id = o->id;
    m->order_number = o->number;
    if (!str_eq(t->conv.last_order, o->id)) {
        t->conv.last_order = o->id;
        t->conv_changed = true;
    }
}

/* ---- the file ---- */

static struct medium *new_medium(struct talk *t)
{
    const struct inbound *in = t->in;
    struct medium *m = ARENA_NEW(t->a, struct medium);

    *m = (struct medium){.id = media_id_new(t->a, t->p->tenant),
                         .person = t->u->id,
                         .name = t->u->name,
                         .sender = t->sender_id,
                         .provider_id = in->provider_id,
                         .kind = media_kind_told(in),
                         .caption = t->in->text,
                         .filename = in->media.filename,
                         .state = STR("fetching"),
                         .at = t->p->now};
    return m;
}

/* The item that fetches it holds what the webhook said of it. */
static void fetch(struct talk *t, struct medium *m, const struct order *o)
{
    struct buf todo;

    if (o != NULL) {
        m->order_id = o->id;
        m->order_number = o->number;
    }
    buf_init(&todo, (size_t)1 << 20);
    buf_addf(&todo, "fetch %.*s %.*s %.*s\n", STR_ARG(m->id), STR_ARG(t->p->cause),
             STR_ARG(t->sender_id));
    inbound_encode(t->in, &todo);
    plan_medium(t->p, m, arena_dup(t->a, buf_str(&todo)));
    buf_fini(&todo);
}

/* What waited for an order ("photo:<id>") is given one, by items behind those that fetch. */
static void settle(struct talk *t, const struct order *o)
{
    struct str kind = STR_NONE, id;

    for (size_t i = 0; i < t->conv.nmedia; i++) {
        str_cut(t->conv.media[i], ':', &kind, &id);
        plan_medium(t->p, NULL,
                    arena_printf(t->a, "attach %.*s %.*s %.*s", STR_ARG(id), STR_ARG(t->p->cause),
                                 STR_ARG(o->id)));
    }
    say_attached(t, kind, o, t->conv.nmedia);
    t->conv.nmedia = 0;
    t->conv_changed = true;
}

static bool waiting_order(const struct talk *t)
{
    return t->conv.nmedia > 0 && t->conv.media_at.ms + QUESTION_MS > t->p->now.ms;
}

static bool waiting_words(const struct talk *t)
{
    return t->conv.nfault > 0 && t->conv.fault_at.ms + QUESTION_MS > t->p->now.ms;
}

/* ---- the answer to "which order?" ---- */

bool talk_media_picked(struct talk *t, struct str order_id)
{
    const struct order *o = talk_order_by_id(t, order_id);

    if (str_eqz(t->conv.question, "media")) {
        t->conv.question = STR_NONE;
        t->conv_changed = true;
    }
    if (!waiting_order(t)) {
        talk_say(t, "reply.media_expired");
    } else if (o == NULL || o->deleted) {
        talk_say(t, "reply.tap_unknown");
    } else if (!talk_may_change(t, o)) {
        talk_say(t, "reply.not_yours", ARG_IDENT("number", o->number));
    } else {
        settle(t, o);
    }
    return true;
}

bool talk_media_typed(struct talk *t)
{
    struct str typed = str_trim(t->in->text);
    const struct order *o;

    if (t->in->type != INBOUND_TEXT || !str_eqz(t->conv.question, "media") || !waiting_order(t) ||
        !command_order_like(typed)) {
        return false;
    }
    t->call = (struct command_call){.id = CMD_NONE, .order = typed, .order_sure = true};
    o = talk_resolve(t, CMD_SHOW, FIT_OPEN);
    if (o != NULL) {
        talk_media_picked(t, o->id);
    }
    return true;
}

void talk_media_follow(struct talk *t, const struct order *o)
{
    if (o != NULL && waiting_order(t)) {
        settle(t, o);
    }
}

static struct str waiting_id(struct talk *t, const struct medium *m)
{
    return arena_printf(t->a, "%s:%.*s", media_kind_name(m->kind), STR_ARG(m->id));
}

static void add_fault(struct talk *t, const struct medium *m)
{
    t->conv.fault[t->conv.nfault++] = waiting_id(t, m);
    t->conv.fault_at = t->p->now;
    t->conv_changed = true;
}

/* It is fetched meanwhile. False: too many wait; he was told. */
static bool wait_for_answer(struct talk *t, struct medium *m)
{
    if (!waiting_order(t)) {
        t->conv.nmedia = 0;
    }
    if (t->conv.nmedia == CONVERSATION_MEDIA_MAX) {
        talk_say(t, "reply.media_many", ARG_N("most", CONVERSATION_MEDIA_MAX));
        return false;
    }
    fetch(t, m, NULL);
    t->conv.media[t->conv.nmedia++] = waiting_id(t, m);
    t->conv.media_at = t->p->now;
    t->conv_changed = true;
    return true;
}

static void ask(struct talk *t, struct medium *m, struct str why, const struct order *const *orders,
                size_t n)
{
    struct str question =
        I18N(t->a, t->l, t->timezone, "reply.which.media", ARG_S("kind", kind_text(m)));
    bool asked = waiting_order(t) && str_eqz(t->conv.question, "media") && why.n == 0;

    if (!wait_for_answer(t, m)) {
        return;
    }
    if (asked) {
        talk_say(t, "reply.media_waits", ARG_N("n", (int64_t)t->conv.nmedia));
        return;
    }
    if (why.n > 0) {
        question = arena_printf(t->a, "%.*s\n%.*s", STR_ARG(why), STR_ARG(question));
    }
    talk_list_orders(t, "media", question, orders, n);
    t->conv.question = STR("media");
    t->conv.question_rest = STR_NONE;
    t->conv.question_at = t->p->now;
}

/* ---- which order ---- */

struct choice {
    const struct order *order; /* or, where it is to be asked: */
    const struct order *found[MOST_SHOWN];
    size_t n;
    struct str why; /* what was wrong with the one he named */
};

static bool named(struct talk *t, struct choice *c)
{
    bool sure, any = false;
    struct str typed = talk_caption_order(t->a, t->in->text, &t->call, &sure);
    const struct order *o = NULL;

    if (typed.n == 0) {
        return false;
    }
    for (size_t i = 0; i < t->v->norders; i++) {
        struct order *one = t->v->orders[i].order;
        enum order_match match = command_order_match(one->number, typed);

        if (match == MATCH_NO || one->deleted) {
            continue;
        }
        any = true;
        if (!talk_may_change(t, one)) {
            continue;
        }
        if (match == MATCH_EXACT) {
            c->order = one;
            return true;
        }
        o = one;
        c->found[c->n++ % MOST_SHOWN] = one;
    }
    if (c->n == 1) {
        c->order = o;
        return true;
    }
    if (c->n > 1 || !sure) {
        c->n = c->n < MOST_SHOWN ? c->n : MOST_SHOWN;
        return c->n > 1;
    }
    c->why = I18N(t->a, t->l, t->timezone, any ? "reply.not_yours" : "reply.not_found",
                  ARG_IDENT("number", typed));
    c->n = talk_orders_that_fit(t, FIT_OPEN, c->found);
    return true;
}

/* "text:note:<order>" and "confirm:<order>" are about one. */
static const struct order *asked_about(const struct talk *t)
{
    struct str kind, name, id;

    if (t->conv.question_at.ms + QUESTION_MS <= t->p->now.ms) {
        return NULL;
    }
    str_cut(t->conv.question, ':', &kind, &id);
    if (str_eqz(kind, "text")) {
        str_cut(id, ':', &name, &id); /* which may hold colons of its own */
    } else if (!str_eqz(kind, "confirm")) {
        return NULL;
    }
    return talk_order_by_id(t, id);
}

static void choose(struct talk *t, struct choice *c)
{
    const struct order *o = talk_quoted_order(t);

    *c = (struct choice){0};
    if (o == NULL && named(t, c)) {
        return;
    }
    o = o != NULL ? o : asked_about(t);
    if (o != NULL && !o->deleted && talk_may_change(t, o)) {
        c->order = o;
        return;
    }
    if (o != NULL) {
        c->why = I18N(t->a, t->l, t->timezone, o->deleted ? "reply.gone" : "reply.not_yours",
                      ARG_IDENT("number", o->number));
    }
    c->n = c->why.n > 0 ? 0 : talk_orders_that_fit(t, FIT_COMPLETE, c->found);
    if (c->n == 1 && !(waiting_order(t) && str_eqz(t->conv.question, "media"))) {
        c->order = c->found[0];
        return;
    }
    c->n = c->n > 0 ? c->n : talk_orders_that_fit(t, FIT_OPEN, c->found);
    if (c->n == 1 && c->why.n == 0) {
        c->order = c->found[0];
    }
}

/* ---- files of a fault ---- */

static void write_reported(struct talk *t, struct jw *w, struct str id, struct str kind,
                           struct str caption)
{
    struct wall until = {t->p->now.ms + t->p->tenant->settings->media_link_s * 1000};

    jw_open(w, NULL, '{');
    jw_str(w, "id", id);
    jw_str(w, "url", media_link(t->a, t->p->tenant, id, until));
    jw_str(w, "kind", kind);
    jw_str(w, "caption", caption);
    jw_close(w, '}');
}

void talk_media_reported(struct talk *t, struct jw *w)
{
    struct str kind, id;

    jw_open(w, "media", '[');
    if (t->reported != NULL) {
        write_reported(t, w, t->reported->id, kind_text(t->reported), t->reported->caption);
    }
    for (size_t i = 0; i < t->conv.nfault && waiting_words(t); i++) {
        str_cut(t->conv.fault[i], ':', &kind, &id);
        write_reported(t, w, id, kind, STR_NONE);
    }
    t->conv_changed = t->conv_changed || t->conv.nfault > 0;
    t->conv.nfault = 0;
    jw_close(w, ']');
}

void talk_media_unworded(struct talk *t)
{
    if (t->reported != NULL) {
        t->conv.nfault = 0;
        add_fault(t, t->reported);
    }
}

/*
 * One more of a fault whose words are missing: of several that are sent together one has them. The
 * item of a checklist that wants a photo goes first where it was asked since.
 */
static bool waits_for_words(struct talk *t)
{
    struct medium *m;

    if (!talk_report_asked(t) || t->in->text.n > 0 || talk_quoted_order(t) != NULL ||
        (media_kind_told(t->in) == MEDIA_PHOTO &&
         talk_checklist_photo_since(t, t->conv.question_at))) {
        return false;
    }
    if (!waiting_words(t)) {
        t->conv.nfault = 0;
    }
    if (t->conv.nfault == CONVERSATION_MEDIA_MAX) {
        talk_say(t, "reply.media_many", ARG_N("most", CONVERSATION_MEDIA_MAX));
        return true;
    }
    m = new_medium(t);
    fetch(t, m, NULL);
    add_fault(t, m);
    talk_report_ask_again(t);
    return true;
}

/* A fault's, in its words or in answer to what is wrong: no order is asked for. */
static bool reports(struct talk *t)
{
    bool answer = talk_report_asked(t) && t->in->text.n > 0 && t->call.id == CMD_NONE;
    struct medium *m;

    if (t->call.id != CMD_REPORT && !answer) {
        return false;
    }
    m = new_medium(t);
    fetch(t, m, NULL);
    t->reported = m;
    if (t->call.id == CMD_REPORT) {
        talk_command(t);
        return true;
    }
    return talk_answers_report(t);
}

/* The item of a checklist that was asked last wants a photo: it is the answer. */
static bool answers_item(struct talk *t)
{
    const struct order *o = NULL;
    struct medium *m;

    if (media_kind_told(t->in) != MEDIA_PHOTO || !talk_checklist_takes_photo(t, &o)) {
        return false;
    }
    m = new_medium(t);
    fetch(t, m, o);
    talk_checklist_photo(t, m->id);
    return true;
}

/* ---- one file ---- */

/* A number alone is the caption of a file, not a wish to see the order. */
static bool is_command(const struct talk *t)
{
    return t->in->text.n > 0 && t->call.id != CMD_NONE && t->call.id != CMD_SHOW;
}

/* The caption is a command too: it is carried out, on the same order. */
static void run_caption(struct talk *t, const struct order *o)
{
    if (o != NULL && t->call.order.n == 0) {
        t->tap_order = o->id;
    }
    talk_command(t);
    t->tap_order = STR_NONE;
}

void talk_media(struct talk *t)
{
    struct choice c;
    struct medium *m;
    struct inbound *in = ARENA_NEW(t->a, struct inbound);

    *in = *t->in;
    t->in = in;
    in->text = str_trim(in->text);
    if (str_eq(in->text, in->media.filename)) {
        in->text = STR_NONE; /* Twilio has the name of a document there */
        t->call = (struct command_call){.id = CMD_NONE};
    }

    if (reports(t) || waits_for_words(t) || answers_item(t)) {
        return;
    }
    if ((t->u->roles & ROLE_CREW) == 0) {
        if (is_command(t)) {
            talk_command(t);
        } else {
            talk_say(t, "reply.no_commands");
        }
        return;
    }
    m = new_medium(t);
    m->quoted = talk_quoted_order(t) != NULL;
    choose(t, &c);
    if (is_command(t)) {
        bool asked = c.order == NULL;

        run_caption(t, c.order);
        if (asked && talk_command_named(t->conv.question) != CMD_NONE &&
            t->conv.question_at.ms == t->p->now.ms) {
            wait_for_answer(t, m); /* the command asked which order: one answer for both */
            return;
        }
        c.order = c.order != NULL ? c.order : t->resolved;
    } else if (c.order != NULL && t->call.says_done && talk_quoted_order(t) == c.order) {
        talk_step(t, c.order, STEP_COMPLETE, false);
    } else if (c.order != NULL && t->call.says_started && talk_quoted_order(t) == c.order) {
        talk_step(t, c.order, STEP_START, false);
    }
    if (c.order != NULL) {
        say_attached(t, kind_text(m), c.order, 1);
        fetch(t, m, c.order);
    } else if (c.n > 0) {
        ask(t, m, c.why, c.found, c.n);
    } else {
        talk_say_text(t, c.why.n > 0 ? c.why : I18N(t->a, t->l, t->timezone, "reply.media_none"));
    }
}
