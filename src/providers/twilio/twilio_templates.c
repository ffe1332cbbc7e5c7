/*
 * /v1/Content as a store of templates, and its ApprovalRequests.
 *
 * Source: Twilio, Content API: a resource cannot be changed; meta.next_page_url is absolute (its
 * query is taken, its host is not); a Content sid is submitted for WhatsApp's approval once, under
 * a name of small letters, digits and underscores; names of rejected ones are blocked for 30 days,
 * so ours end with the hash of the words. Payloads of quick replies are variables behind those of
 * the body, as twilio_content_variables() fills them in.
 */
#include <stdio.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/text.h"
#include "providers/templates.h"
#include "twilio_int.h"

#define PAGE_SIZE    100
#define CODE_MINUTES 10

static void request(struct arena *a, const struct sender *s, const char *method, struct str path,
                    struct outgoing *out)
{
    *out = (struct outgoing){
        .method = method, .basic_user = s->account_sid, .basic_password = s->auth_token};
    out->url = arena_printf(a, "%.*s/v1/Content%.*s", STR_ARG(s->content_base), STR_ARG(path));
}

static void request_json(struct arena *a, const struct sender *s, struct str path, struct buf *body,
                         struct outgoing *out)
{
    request(a, s, "POST", path, out);
    out->headers[out->nheaders++] = (struct pair){STR("Content-Type"), STR("application/json")};
    out->body = buf_to_arena(a, body);
}

/* ---- list, look ---- */

static void list(struct arena *a, const struct sender *s, struct outgoing *out)
{
    request(a, s, "GET", arena_printf(a, "?PageSize=%d", PAGE_SIZE), out);
}

/* "<name>.<hash>": one of ours. */
static bool take(struct arena *a, const struct json *c, struct template_listed *out)
{
    struct str full = json_get_str(c, "friendly_name"), name, hash;

    if (!str_cut(full, '.', &name, &hash) || name.n == 0 || hash.n != TEMPLATE_HASH_CHARS) {
        return false;
    }
    out->name = arena_dup(a, name);
    out->language = arena_dup(a, json_get_str(c, "language"));
    out->state = (struct template_state){.id = arena_dup(a, json_get_str(c, "sid")),
                                         .hash = arena_dup(a, hash)};
    return out->language.n > 0 && out->state.id.n > 0;
}

static bool listed(struct arena *a, const struct sender *s, struct str body,
                   struct template_page *out, struct err *err)
{
    const struct json *data;
    struct json *j = NULL;
    struct str next;
    size_t query;

    *out = (struct template_page){0};
    if (!json_parse(body, ANSWER_BYTES_MAX * 4, &j, NULL) ||
        json_kind(data = json_get(j, "contents")) != JSON_ARRAY) {
        json_free(&j);
        return err_set(err, ERR_PROVIDER, "the answer is no list of Content");
    }
    out->v = ARENA_ARRAY(a, struct template_listed, json_len(data) + 1);
    for (size_t i = 0; i < json_len(data); i++) {
        out->n += take(a, json_at(data, i), &out->v[out->n]) ? 1 : 0;
    }
    next = json_get_str(json_get(j, "meta"), "next_page_url");
    query = str_find_char(next, '?', 0);
    if (query != SIZE_MAX) {
        request(a, s, "GET", str_slice(next, query, next.n), &out->next);
    }
    json_free(&j);
    return true;
}

static void look(struct arena *a, const struct sender *s, struct str id, struct outgoing *out)
{
    request(a, s, "GET", arena_printf(a, "/%.*s/ApprovalRequests", STR_ARG(id)), out);
}

/* ---- create, submit ---- */

static const char *type_of(const struct template_def *d)
{
    bool replies = d->nbuttons > 0;

    for (size_t i = 0; i < d->nbuttons; i++) {
        replies = replies && d->buttons[i].action.n > 0;
    }
    return template_is_code(d)                  ? "whatsapp/authentication"
           : d->header.n > 0 || d->footer.n > 0 ? "whatsapp/card"
           : replies                            ? "twilio/quick-reply"
           : d->nbuttons > 0                    ? "whatsapp/card"
                                                : "twilio/text";
}

static void put_button(struct jw *w, const struct template_button *b, size_t *n)
{
    char id[16];

    jw_open(w, NULL, '{');
    jw_z(w, "type", b->url.n > 0 ? "URL" : b->phone.n > 0 ? "PHONE_NUMBER" : "QUICK_REPLY");
    jw_str(w, "title", b->text);
    if (b->url.n > 0) {
        jw_str(w, "url", b->url);
    } else if (b->phone.n > 0) {
        jw_str(w, "phone", b->phone);
    } else {
        snprintf(id, sizeof(id), "{{%zu}}", ++*n);
        jw_z(w, "id", id);
    }
    jw_close(w, '}');
}

/* One-time codes: the words are WhatsApp's own. */
static void put_code(struct jw *w)
{
    jw_bool(w, "add_security_recommendation", true);
    jw_int(w, "code_expiration_minutes", CODE_MINUTES);
    jw_open(w, "actions", '[');
    jw_open(w, NULL, '{');
    jw_z(w, "type", "COPY_CODE");
    jw_z(w, "copy_code_text", "Copy code");
    jw_close(w, '}');
    jw_close(w, ']');
}

static void put_types(struct jw *w, const struct template_def *d, size_t *n)
{
    jw_open(w, "types", '{');
    jw_open(w, type_of(d), '{');
    if (template_is_code(d)) {
        put_code(w);
    } else {
        jw_str(w, "body", d->body);
        if (d->header.n > 0) {
            jw_str(w, "header_text", d->header);
        }
        if (d->footer.n > 0) {
            jw_str(w, "footer", d->footer);
        }
        if (d->nbuttons > 0) {
            jw_open(w, "actions", '[');
            for (size_t i = 0; i < d->nbuttons; i++) {
                put_button(w, &d->buttons[i], n);
            }
            jw_close(w, ']');
        }
    }
    jw_close(w, '}');
    jw_close(w, '}');
}

static struct str named(struct arena *a, const struct template_def *d, char between)
{
    char hash[TEMPLATE_HASH_CHARS + 1];

    template_hash(d, hash);
    return arena_printf(a, "%.*s%c%s", STR_ARG(d->name), between, hash);
}

static void create(struct arena *a, const struct sender *s, const struct template_def *d,
                   const struct template_state *known, struct outgoing *out)
{
    struct buf body;
    struct jw w;
    size_t n = d->nparams;

    (void)known; /* it stays as it is: this is another one */
    buf_init(&body, OUTGOING_MAX);
    jw_init(&w, &body);
    jw_open(&w, NULL, '{');
    jw_str(&w, "friendly_name", named(a, d, '.'));
    jw_str(&w, "language", d->language);
    put_types(&w, d, &n);
    jw_open(&w, "variables", '{');
    for (size_t i = 0; i < n; i++) {
        char name[24];

        snprintf(name, sizeof(name), "%zu", i + 1);
        jw_str(&w, name, i < d->nparams ? d->examples[i] : STR("sample"));
    }
    jw_close(&w, '}');
    jw_close(&w, '}');
    request_json(a, s, STR(""), &body, out);
}

static void submit(struct arena *a, const struct sender *s, const struct template_def *d,
                   struct str id, struct outgoing *out)
{
    struct buf body;
    struct jw w;

    buf_init(&body, OUTGOING_MAX);
    jw_init(&w, &body);
    jw_open(&w, NULL, '{');
    jw_str(&w, "name", named(a, d, '_'));
    jw_str(&w, "category", d->category);
    jw_close(&w, '}');
    request_json(a, s, arena_printf(a, "/%.*s/ApprovalRequests/whatsapp", STR_ARG(id)), &body, out);
}

/* A resource just made has a sid and no approval; look() answers {"sid","whatsapp":{…}}. */
static bool answered(struct arena *a, struct str body, struct template_state *state,
                     struct err *err)
{
    const struct json *approval;
    struct json *j = NULL;
    struct str sid;

    if (!json_parse(body, ANSWER_BYTES_MAX, &j, NULL)) {
        return err_set(err, ERR_PROVIDER, "the answer is not JSON");
    }
    sid = json_get_str(j, "sid");
    approval = json_get(j, "whatsapp") != NULL ? json_get(j, "whatsapp") : j;
    if (sid.n > 0) {
        state->id = arena_dup(a, sid);
    }
    if (json_get_str(approval, "status").n > 0) {
        state->status = template_status_of(json_get_str(approval, "status"));
        state->category = arena_dup(a, json_get_str(approval, "category"));
        state->reason = arena_dup(a, json_get_str(approval, "rejection_reason"));
    } else if (sid.n == 0) {
        json_free(&j);
        return err_set(err, ERR_PROVIDER, "the answer names no Content");
    }
    json_free(&j);
    return true;
}

static void remove_one(struct arena *a, const struct sender *s, struct str name, struct str id,
                       struct outgoing *out)
{
    (void)name;
    request(a, s, "DELETE", arena_printf(a, "/%.*s", STR_ARG(id)), out);
}

const struct template_calls twilio_template_calls = {
    .list = list,
    .listed = listed,
    .look = look,
    .create = create,
    .submit = submit,
    .answered = answered,
    .remove = remove_one,
};
