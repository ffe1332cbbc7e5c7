/*
 * inbox_assist: what the optional helpers (domain/assist.h) are asked, one item each:
 *
 *   "chat <sender> <person>", and the text:     READ -> ASK -> READ -> COMMIT
 *   "speech <sender> <person>", and the medium: READ -> FILE -> ASK -> READ -> COMMIT
 *
 * Asked once a lease: a plan that conflicts is made again from the same answer. What fails is as if
 * there were no helper: the text gets the answer of the rules; a voice note is tried again a few
 * times, later.
 */
#include "base/log.h"
#include "base/mem.h"
#include "domain/assist.h"
#include "domain/order_store.h"
#include "inbox_int.h"
#include "jobs/media.h"

#define SPEECH_TRIES    4
#define SPEECH_LATER_MS 30000

struct assist {
    bool speech, asked, failed;
    struct str person, text; /* text: of the person; or what was heard */
    struct str medium_id;
    struct medium *medium; /* anew for each try */
    struct order *order;
    struct buf bytes;
    struct op *reading;
    struct assist_answer answer;
};

static void read_docs(struct inbox_job *j);

void inbox_assist_free(struct inbox_job *j)
{
    if (j->assist != NULL) {
        op_cancel(&j->assist->reading);
        buf_fini(&j->assist->bytes);
        j->assist = NULL; /* in the arena */
    }
}

/* ---- the answer is known ---- */

static void decide(struct inbox_job *j, const struct view *view)
{
    struct assist *x = j->assist;

    inbox_plan(j, STR_NONE);
    if (view->user == NULL || view->user->removed) {
        inbox_run(j);
        return;
    }
    if (!x->speech) {
        struct inbound in = {.kind = INBOUND_MESSAGE,
                             .type = INBOUND_TEXT,
                             .phone = view->user->phone,
                             .text = x->text,
                             .at = j->plan.now};

        assist_decide_chat(view, &in, j->sender_id, &x->answer, &j->plan);
    } else if (!x->failed) {
        assist_decide_speech(view, x->medium, x->order, j->sender_id, x->text, &j->plan);
    } else if (j->item->sends < SPEECH_TRIES) {
        j->later_ms = SPEECH_LATER_MS * j->item->sends;
    }
    inbox_run(j);
}

static void ask(struct inbox_job *j, const struct view *view);

static void on_view(void *ctx, const struct err *err, const struct view *view)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);

    j->pending = NULL;
    if (err != NULL && err->code == ERR_DAMAGED) {
        inbox_set_aside(j, err);
    } else if (err != NULL) {
        inbox_again(j, err);
    } else if (j->assist->asked) {
        decide(j, view);
    } else {
        ask(j, view);
    }
}

static void read_view(struct inbox_job *j)
{
    struct view_query query = {.user = j->assist->person};

    j->pending = view_load(j->et->e->store, &j->et->t, j->work, &query, on_view, j);
}

/* ---- asking ---- */

static void on_answer(void *ctx, const struct err *err, const struct http_answer *answer)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);
    struct assist *x = j->assist;
    struct err own = {0};
    bool ok = err == NULL && answer->status == 200;

    j->pending = NULL;
    if (ok) {
        ok = x->speech ? assist_speech_read(j->a, answer->body, &x->text, &own)
                       : assist_chat_read(j->a, answer->body, &x->answer, &own);
    } else if (err != NULL) {
        own = *err;
    } else {
        err_set(&own, ERR_PROVIDER, "the endpoint answered %d", answer->status);
    }
    if (!ok) {
        log_warn(x->speech ? "a voice note could not be written down"
                           : "the assistant did not help",
                 LF_STR("tenant", j->et->t.id), LF_Z("reason", own.msg));
    }
    x->asked = true;
    x->failed = !ok;
    if (!inbox_over(j)) {
        arena_reset(j->work);
        j->read(j);
    }
}

static void post(struct inbox_job *j, struct str url, struct str key, struct str type,
                 struct str body)
{
    struct pair headers[2] = {
        {STR("Content-Type"), type}
    };
    struct http_call call = {.method = "POST",
                             .url = url,
                             .headers = headers,
                             .nheaders = 1,
                             .body = body,
                             .timeout_ms = j->et->e->o.settings->assist_timeout_ms,
                             .response_bytes_max = ASSIST_ANSWER_MAX};

    if (key.n > 0) {
        headers[call.nheaders++] =
            (struct pair){STR("Authorization"), arena_printf(j->work, "Bearer %.*s", STR_ARG(key))};
    }
    j->pending = http_call_start(j->et->e->http, &call, on_answer, j);
}

static void post_speech(struct inbox_job *j, const struct view *view)
{
    const struct settings *s = j->et->e->o.settings;
    struct str lang =
        view->user->language.n > 0 ? view->user->language : j->et->t.conf->default_language;
    char boundary[ID_BYTES];
    struct buf body;

    id_new(boundary);
    buf_init(&body, ASSIST_VOICE_MAX + 16 * 1024);
    assist_speech_body(s, j->assist->medium, lang, buf_str(&j->assist->bytes), boundary, &body);
    post(j, s->assist_speech_url, s->assist_speech_key,
         arena_printf(j->work, "multipart/form-data; boundary=%s", boundary), buf_str(&body));
    buf_fini(&body);
    buf_reset(&j->assist->bytes);
}

static void ask(struct inbox_job *j, const struct view *view)
{
    const struct settings *s = j->et->e->o.settings;
    struct buf body;

    if (view->user == NULL || view->user->removed ||
        (j->assist->speech ? s->assist_speech_url.n : s->assist_chat_url.n) == 0) {
        j->assist->asked = j->assist->failed = true; /* switched off meanwhile */
        decide(j, view);
        return;
    }
    if (j->assist->speech) {
        post_speech(j, view);
        return;
    }
    buf_init(&body, 256 * 1024);
    assist_chat_body(s, view, j->assist->text, &body);
    post(j, s->assist_chat_url, s->assist_chat_key, STR("application/json"), buf_str(&body));
    buf_fini(&body);
}

/* ---- the voice note ---- */

static void on_bytes(void *ctx, struct str bytes)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);

    buf_add(&j->assist->bytes, bytes);
}

static void on_end(void *ctx, const struct err *err)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);

    j->assist->reading = NULL;
    if (err != NULL || !buf_ok(&j->assist->bytes)) {
        j->assist->asked = j->assist->failed = true;
    }
    read_view(j);
}

static bool open_medium(struct inbox_job *j, const struct doc *docs, struct err *err)
{
    struct assist *x = j->assist;

    x->order = NULL;
    x->medium = ARENA_NEW(j->work, struct medium);
    if (!medium_open(&j->et->t, j->work, x->medium_id, &docs[0], x->medium, err)) {
        return false;
    }
    if (docs[1].version > 0) {
        x->order = ARENA_NEW(j->work, struct order);
        return order_open(&j->et->t, j->work, x->medium->order_id, &docs[1], x->order, err);
    }
    return true;
}

static void with_medium(struct inbox_job *j, const struct doc *docs)
{
    const struct media_sink sink = {on_bytes, on_end, j};
    struct err err = {0};

    if (!open_medium(j, docs, &err)) {
        inbox_set_aside(j, &err);
    } else if (j->assist->asked) {
        read_view(j);
    } else {
        buf_reset(&j->assist->bytes);
        j->assist->reading = media_read(j->et, j->assist->medium->blob, &sink);
    }
}

static void on_order(void *ctx, const struct err *err, const struct doc *docs, size_t n)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);

    (void)n;
    j->pending = NULL;
    if (err != NULL) {
        inbox_again(j, err);
    } else {
        with_medium(j, docs);
    }
}

/* Which order it is of is known from the medium itself. */
static void on_medium(void *ctx, const struct err *err, const struct doc *docs, size_t n)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);
    struct medium m;
    struct err own = {0};
    struct str keys[2];

    (void)n;
    j->pending = NULL;
    if (err != NULL) {
        inbox_again(j, err);
        return;
    }
    if (docs[0].version == 0) {
        inbox_read_nothing(j); /* gone, with its person or by age */
        return;
    }
    if (!medium_open(&j->et->t, j->work, j->assist->medium_id, &docs[0], &m, &own)) {
        inbox_set_aside(j, &own);
        return;
    }
    keys[0] = medium_key(j->work, m.id);
    keys[1] = order_key(j->work, m.order_id);
    j->pending = fetch_run(j->et->e->store, j->et->t.id, keys, 2, on_order, j);
}

static void read_docs(struct inbox_job *j)
{
    struct str key;

    j->later_ms = 0;
    if (!j->assist->speech) {
        read_view(j);
        return;
    }
    key = medium_key(j->work, j->assist->medium_id);
    j->pending = fetch_run(j->et->e->store, j->et->t.id, &key, 1, on_medium, j);
}

bool inbox_open_assist(struct inbox_job *j, struct str text, struct err *err)
{
    struct assist *x = ARENA_NEW(j->a, struct assist);
    struct str line, what, rest;

    buf_init(&x->bytes, ASSIST_VOICE_MAX);
    str_cut(text, '\n', &line, &x->text);
    str_cut(line, ' ', &what, &rest);
    str_cut(rest, ' ', &j->sender_id, &x->person);
    x->speech = str_eqz(what, "speech");
    x->medium_id = x->text;
    j->assist = x;
    j->read = read_docs;
    return (x->speech || str_eqz(what, "chat")) && x->person.n > 0
               ? true
               : err_set(err, ERR_DAMAGED, "it does not say what is asked, or for whom");
}
