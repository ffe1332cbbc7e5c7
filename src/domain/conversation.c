#include "domain/conversation.h"

#include "matter_int.h"

#define CONVERSATION_BYTES_MAX \
    (2 * 1024 * 1024) /* words of a question, as long as a message can be */

static void put_files(struct jw *w, const char *name, const struct str *ids, size_t n)
{
    jw_open(w, name, '[');
    for (size_t i = 0; i < n; i++) {
        jw_str(w, NULL, ids[i]);
    }
    jw_close(w, ']');
}

static size_t read_files(struct arena *a, const struct json *list, struct str *out)
{
    size_t n = json_len(list) < CONVERSATION_MEDIA_MAX ? json_len(list) : CONVERSATION_MEDIA_MAX;

    for (size_t i = 0; i < n; i++) {
        out[i] = arena_dup(a, json_str(json_at(list, i)));
    }
    return n;
}

void conversation_encode(const struct conversation *c, struct buf *out)
{
    struct jw w;

    jw_init(&w, out);
    jw_open(&w, NULL, '{');
    if (c->question.n > 0) {
        jw_str(&w, "question", c->question);
        jw_str(&w, "question_rest", c->question_rest);
    }
    if (c->question_at.ms > 0) { /* of a stranger there is only that: when he was answered */
        jw_int(&w, "question_at", c->question_at.ms);
    }
    if (c->more.n > 0) {
        jw_str(&w, "more", c->more);
        jw_int(&w, "more_from", c->more_from);
    }
    if (c->last_order.n > 0) {
        jw_str(&w, "last_order", c->last_order);
    }
    if (c->nmedia > 0) {
        jw_int(&w, "media_at", c->media_at.ms);
        put_files(&w, "media", c->media, c->nmedia);
    }
    if (c->nfault > 0) {
        jw_int(&w, "fault_at", c->fault_at.ms);
        put_files(&w, "fault", c->fault, c->nfault);
    }
    jw_open(&w, "tapped", '[');
    for (size_t i = 0; i < TAPPED_MAX && c->tapped[i].n > 0; i++) {
        jw_str(&w, NULL, c->tapped[i]);
    }
    jw_close(&w, ']');
    jw_close(&w, '}');
}

bool conversation_decode(struct arena *a, struct str text, int64_t version,
                         struct conversation *out, struct err *err)
{
    struct json *j;

    *out = (struct conversation){.version = version};
    if (text.n == 0) {
        return true;
    }
    if (!json_parse(text, CONVERSATION_BYTES_MAX, &j, err)) {
        return err_wrap(err, "conversation");
    }
    out->question = arena_dup(a, json_get_str(j, "question"));
    out->question_rest = arena_dup(a, json_get_str(j, "question_rest"));
    out->question_at.ms = json_get_int(j, "question_at", 0);
    out->more = arena_dup(a, json_get_str(j, "more"));
    out->more_from = json_get_int(j, "more_from", 0);
    out->last_order = arena_dup(a, json_get_str(j, "last_order"));
    for (size_t i = 0; i < TAPPED_MAX; i++) {
        out->tapped[i] = arena_dup(a, json_str(json_at(json_get(j, "tapped"), i)));
    }
    out->media_at.ms = json_get_int(j, "media_at", 0);
    out->nmedia = read_files(a, json_get(j, "media"), out->media);
    out->fault_at.ms = json_get_int(j, "fault_at", 0);
    out->nfault = read_files(a, json_get(j, "fault"), out->fault);
    if (json_get_bool(j, "media_fault", false)) { /* as it was written before they had a list */
        out->fault_at = out->media_at;
        out->nfault = read_files(a, json_get(j, "media"), out->fault);
        out->nmedia = 0;
    }
    json_free(&j);
    return true;
}

void conversation_options_encode(const struct message *m, struct wall now, struct buf *out)
{
    struct jw w;

    jw_init(&w, out);
    jw_open(&w, NULL, '{');
    jw_int(&w, "at", now.ms);
    jw_open(&w, "ids", '[');
    for (size_t i = 0; i < m->noptions; i++) {
        jw_str(&w, NULL, m->options[i].id);
    }
    jw_close(&w, ']');
    jw_close(&w, '}');
}

struct str conversation_options_matter(struct arena *a, const struct message *m)
{
    struct str ref, action;

    for (size_t i = 0; i < m->noptions; i++) {
        if (matter_payload_parse(m->options[i].id, &ref, &action, a)) {
            return ref;
        }
    }
    return STR("");
}

void conversation_options_decode(struct arena *a, struct str text, struct wall now,
                                 struct conversation *out)
{
    const struct json *ids;
    struct json *j;

    if (text.n == 0 || !json_parse(text, CONVERSATION_BYTES_MAX, &j, NULL)) {
        return;
    }
    ids = json_get(j, "ids");
    out->options_at.ms = json_get_int(j, "at", 0);
    if (out->options_at.ms + OPTIONS_MS > now.ms) {
        for (size_t i = 0; i < json_len(ids) && i < MESSAGE_ROWS_MAX; i++) {
            out->options[out->noptions++] = arena_dup(a, json_str(json_at(ids, i)));
        }
    }
    json_free(&j);
}
