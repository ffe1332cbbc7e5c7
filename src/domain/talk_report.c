/*
 * talk_report: REPORT [asset] text: a fault somebody saw. The first word is the asset when it is
 * one that we have heard of, or looks like a code ("P-01"); the CMMS makes a request of it, and
 * tells what becomes of it.
 */
#include "base/mem.h"
#include "talk_int.h"

#define REPORT_TEXT_MAX 4000

struct fault {
    struct str asset_id, asset_name, text;
};

static bool looks_like_code(struct str word)
{
    bool digit = false;

    for (size_t i = 0; i < word.n; i++) {
        digit = digit || (word.p[i] >= '0' && word.p[i] <= '9');
    }
    return digit &&
           (str_find_char(word, '-', 0) != SIZE_MAX || (word.n >= 2 && command_order_like(word)));
}

/* "P-01 leaks oil", "P-01: leaks oil" */
static struct fault read_fault(struct talk *t, struct str words)
{
    struct fault f = {.text = str_trim(words)};
    struct str head, rest;

    str_cut(f.text, ' ', &head, &rest);
    while (head.n > 0 && strchr(":,.", head.p[head.n - 1]) != NULL) {
        head = str_slice(head, 0, head.n - 1);
    }
    if (t->v->asset_id.n > 0 && str_ieq(head, t->v->asset_id)) {
        f = (struct fault){t->v->asset_id, t->v->asset_name, str_trim(rest)};
    } else if (looks_like_code(head)) {
        f = (struct fault){head, STR_NONE, str_trim(rest)};
    }
    f.text = i18n_cut(t->a, f.text, REPORT_TEXT_MAX);
    return f;
}

bool talk_report_asked(const struct talk *t)
{
    return str_eqz(t->conv.question, "report") &&
           t->conv.question_at.ms + QUESTION_MS > t->p->now.ms;
}

static void say_ask(struct talk *t, const struct fault *f)
{
    if (f->asset_id.n > 0) {
        talk_say(t, "reply.report_ask_asset",
                 ARG_IDENT("asset", f->asset_name.n > 0 ? f->asset_name : f->asset_id));
    } else {
        talk_say(t, "reply.report_ask");
    }
}

void talk_report_ask_again(struct talk *t)
{
    const struct fault f = {.asset_id = t->conv.question_rest};

    say_ask(t, &f);
    t->conv.question_at = t->p->now;
    t->conv_changed = true;
}

/* What is wrong is still missing: the next text is it. */
static void ask(struct talk *t, const struct fault *f)
{
    say_ask(t, f);
    talk_media_unworded(t);
    t->conv.question = STR("report");
    t->conv.question_rest = f->asset_id;
    t->conv.question_at = t->p->now;
    t->conv_changed = true;
}

static void write_requester(struct talk *t, struct jw *w)
{
    jw_open(w, "requester", '{');
    jw_str(w, "id", t->u->id);
    jw_str(w, "name", t->u->name);
    if (t->u->phone.n > 0) {
        jw_str(w, "phone", t->u->phone);
    }
    jw_close(w, '}');
}

static void submit(struct talk *t, const struct fault *f)
{
    struct jw w;
    struct buf *data = talk_event_begin(t, &w, NULL);
    struct str echo;

    if (f->asset_id.n > 0) {
        jw_open(&w, "asset", '{');
        jw_str(&w, "id", f->asset_id);
        if (f->asset_name.n > 0) {
            jw_str(&w, "name", f->asset_name);
        }
        jw_close(&w, '}');
    }
    write_requester(t, &w);
    jw_str(&w, "text", f->text);
    jw_str(&w, "language", lang_code(t->l));
    talk_media_reported(t, &w);
    talk_event_end(t, "gateway.request.submitted.v1", NULL, &w, data);
    echo = i18n_cut(t->a, f->text, TALK_ECHO_MAX);
    if (f->asset_id.n > 0) {
        talk_say(t, "reply.reported_asset",
                 ARG_IDENT("asset", f->asset_name.n > 0 ? f->asset_name : f->asset_id),
                 ARG_S("text", echo));
    } else {
        talk_say(t, "reply.reported", ARG_S("text", echo));
    }
}

void talk_cmd_report(struct talk *t)
{
    struct fault f = read_fault(t, t->call.rest);

    if (f.text.n == 0) {
        ask(t, &f);
    } else {
        submit(t, &f);
    }
}

bool talk_answers_report(struct talk *t)
{
    struct fault f = {.asset_id = t->conv.question_rest, .text = str_trim(t->in->text)};

    if (!talk_report_asked(t) || f.text.n == 0) {
        return false;
    }
    t->conv.question = STR_NONE;
    t->conv_changed = true;
    f.text = i18n_cut(t->a, f.text, REPORT_TEXT_MAX);
    submit(t, &f);
    return true;
}
