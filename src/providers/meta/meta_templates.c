/*
 * /{waba}/message_templates: list, create, edit, delete.
 *
 * Source: Graph API v23.0, "WhatsApp Business Account Message Templates" and "Message Template": a
 * template is identified by name and language; an edit replaces all components, and is possible
 * where it was decided (approved, rejected, paused). paging.next is there while there is more, and
 * is followed by its cursor, never by its address. Examples are required for every variable.
 */
#include "base/buf.h"
#include "base/json.h"
#include "base/text.h"
#include "meta_int.h"
#include "providers/templates.h"

#define PAGE_SIZE    "100"
#define CODE_MINUTES 10

static void request(struct arena *a, const struct sender *s, const char *method, struct str path,
                    struct outgoing *out)
{
    *out = (struct outgoing){.method = method};
    out->url = arena_printf(a, "%.*s/%.*s/%.*s", STR_ARG(s->api_base), STR_ARG(s->api_version),
                            STR_ARG(path));
    out->headers[out->nheaders++] = (struct pair){
        STR("Authorization"), arena_printf(a, "Bearer %.*s", STR_ARG(s->access_token))};
}

static void request_json(struct arena *a, const struct sender *s, struct str path, struct buf *body,
                         struct outgoing *out)
{
    request(a, s, "POST", path, out);
    out->headers[out->nheaders++] = (struct pair){STR("Content-Type"), STR("application/json")};
    out->body = buf_to_arena(a, body);
}

/* ---- list ---- */

static struct str list_path(struct arena *a, const struct sender *s, struct str after)
{
    struct str path = arena_printf(a,
                                   "%.*s/message_templates?fields=id,name,language,status,category,"
                                   "rejected_reason,components&limit=" PAGE_SIZE,
                                   STR_ARG(s->business_account_id));
    struct buf b;

    if (after.n == 0) {
        return path;
    }
    buf_init(&b, 8192);
    buf_add(&b, path);
    buf_addz(&b, "&after=");
    percent_add(&b, after);
    return buf_to_arena(a, &b);
}

static void list(struct arena *a, const struct sender *s, struct outgoing *out)
{
    request(a, s, "GET", list_path(a, s, STR_NONE), out);
}

static void take_buttons(const struct json *list, struct template_def *d)
{
    for (size_t i = 0; i < json_len(list) && d->nbuttons < TEMPLATE_BUTTONS_MAX; i++) {
        const struct json *b = json_at(list, i);

        d->buttons[d->nbuttons++] =
            (struct template_button){.text = json_get_str(b, "text"),
                                     .url = json_get_str(b, "url"),
                                     .phone = json_get_str(b, "phone_number")};
    }
}

/* What is compared with ours: the words, wherever they were registered from. */
static struct str hash_of(struct arena *a, const struct json *t)
{
    struct template_def d = {.category = json_get_str(t, "category")};
    const struct json *list = json_get(t, "components");
    char hash[TEMPLATE_HASH_CHARS + 1];

    for (size_t i = 0; i < json_len(list); i++) {
        const struct json *c = json_at(list, i);
        struct str type = json_get_str(c, "type"), text = json_get_str(c, "text");

        if (str_ieq(type, STR("HEADER"))) {
            d.header = text;
        } else if (str_ieq(type, STR("BODY"))) {
            d.body = text;
        } else if (str_ieq(type, STR("FOOTER"))) {
            d.footer = text;
        } else if (str_ieq(type, STR("BUTTONS"))) {
            take_buttons(json_get(c, "buttons"), &d);
        }
    }
    template_hash(&d, hash);
    return arena_dup(a, str_of(hash));
}

static void take(struct arena *a, const struct json *t, struct template_listed *out)
{
    struct str reason = json_get_str(t, "rejected_reason");

    out->name = arena_dup(a, json_get_str(t, "name"));
    out->language = arena_dup(a, json_get_str(t, "language"));
    out->state = (struct template_state){
        .status = template_status_of(json_get_str(t, "status")),
        .category = arena_dup(a, json_get_str(t, "category")),
        .reason = str_eqz(reason, "NONE") ? STR_NONE : arena_dup(a, reason),
        .id = arena_dup(a, json_get_str(t, "id")),
        .hash = hash_of(a, t),
    };
}

static bool listed(struct arena *a, const struct sender *s, struct str body,
                   struct template_page *out, struct err *err)
{
    const struct json *data, *paging;
    struct json *j = NULL;

    *out = (struct template_page){0};
    if (!json_parse(body, ANSWER_BYTES_MAX * 4, &j, NULL) ||
        json_kind(data = json_get(j, "data")) != JSON_ARRAY) {
        json_free(&j);
        return err_set(err, ERR_PROVIDER, "the answer is no list of templates");
    }
    out->v = ARENA_ARRAY(a, struct template_listed, json_len(data) + 1);
    for (size_t i = 0; i < json_len(data); i++) {
        take(a, json_at(data, i), &out->v[out->n]);
        out->n += out->v[out->n].name.n > 0 && out->v[out->n].language.n > 0 ? 1 : 0;
    }
    paging = json_get(j, "paging");
    if (json_get_str(paging, "next").n > 0) {
        struct str after = json_get_str(json_get(paging, "cursors"), "after");

        if (after.n > 0) {
            request(a, s, "GET", list_path(a, s, after), &out->next);
        }
    }
    json_free(&j);
    return true;
}

/* ---- create ---- */

static void put_example(struct jw *w, const struct template_def *d)
{
    if (d->nparams == 0) {
        return;
    }
    jw_open(w, "example", '{');
    jw_open(w, "body_text", '[');
    jw_open(w, NULL, '[');
    for (size_t i = 0; i < d->nparams; i++) {
        jw_str(w, NULL, d->examples[i]);
    }
    jw_close(w, ']');
    jw_close(w, ']');
    jw_close(w, '}');
}

static void put_text(struct jw *w, const char *type, struct str text)
{
    jw_open(w, NULL, '{');
    jw_z(w, "type", type);
    if (strcmp(type, "HEADER") == 0) {
        jw_z(w, "format", "TEXT");
    }
    jw_str(w, "text", text);
}

static void put_button(struct jw *w, const struct template_button *b)
{
    jw_open(w, NULL, '{');
    jw_z(w, "type", b->url.n > 0 ? "URL" : b->phone.n > 0 ? "PHONE_NUMBER" : "QUICK_REPLY");
    jw_str(w, "text", b->text);
    if (b->url.n > 0) {
        jw_str(w, "url", b->url);
    } else if (b->phone.n > 0) {
        jw_str(w, "phone_number", b->phone);
    }
    jw_close(w, '}');
}

/* Quick replies must stand together, so they come first. */
static void put_buttons(struct jw *w, const struct template_def *d)
{
    jw_open(w, NULL, '{');
    jw_z(w, "type", "BUTTONS");
    jw_open(w, "buttons", '[');
    for (int fixed = 0; fixed < 2; fixed++) {
        for (size_t i = 0; i < d->nbuttons; i++) {
            if ((d->buttons[i].action.n == 0) == (fixed == 1)) {
                put_button(w, &d->buttons[i]);
            }
        }
    }
    jw_close(w, ']');
    jw_close(w, '}');
}

/* One-time codes: the words are Meta's own. */
static void put_code(struct jw *w)
{
    jw_open(w, NULL, '{');
    jw_z(w, "type", "BODY");
    jw_bool(w, "add_security_recommendation", true);
    jw_close(w, '}');
    jw_open(w, NULL, '{');
    jw_z(w, "type", "FOOTER");
    jw_int(w, "code_expiration_minutes", CODE_MINUTES);
    jw_close(w, '}');
    jw_open(w, NULL, '{');
    jw_z(w, "type", "BUTTONS");
    jw_open(w, "buttons", '[');
    jw_open(w, NULL, '{');
    jw_z(w, "type", "OTP");
    jw_z(w, "otp_type", "COPY_CODE");
    jw_close(w, '}');
    jw_close(w, ']');
    jw_close(w, '}');
}

static void put_components(struct jw *w, const struct template_def *d)
{
    jw_open(w, "components", '[');
    if (template_is_code(d)) {
        put_code(w);
        jw_close(w, ']');
        return;
    }
    if (d->header.n > 0) {
        put_text(w, "HEADER", d->header);
        jw_close(w, '}');
    }
    put_text(w, "BODY", d->body);
    put_example(w, d);
    jw_close(w, '}');
    if (d->footer.n > 0) {
        put_text(w, "FOOTER", d->footer);
        jw_close(w, '}');
    }
    if (d->nbuttons > 0) {
        put_buttons(w, d);
    }
    jw_close(w, ']');
}

static bool can_edit(const struct template_state *known)
{
    return known != NULL && known->id.n > 0 &&
           (known->status == TEMPLATE_APPROVED || known->status == TEMPLATE_REJECTED ||
            known->status == TEMPLATE_PAUSED);
}

static void create(struct arena *a, const struct sender *s, const struct template_def *d,
                   const struct template_state *known, struct outgoing *out)
{
    bool edit = can_edit(known);
    struct buf body;
    struct jw w;

    buf_init(&body, OUTGOING_MAX);
    jw_init(&w, &body);
    jw_open(&w, NULL, '{');
    if (!edit) {
        jw_str(&w, "name", d->name);
        jw_str(&w, "language", d->language);
        jw_str(&w, "category", d->category);
    }
    put_components(&w, d);
    jw_close(&w, '}');
    request_json(a, s,
                 edit ? known->id
                      : arena_printf(a, "%.*s/message_templates", STR_ARG(s->business_account_id)),
                 &body, out);
}

/* An edit is answered by {"success":true} alone: it is under review then. */
static bool answered(struct arena *a, struct str body, struct template_state *state,
                     struct err *err)
{
    struct json *j = NULL;
    struct str id, category;

    if (!json_parse(body, ANSWER_BYTES_MAX, &j, NULL)) {
        return err_set(err, ERR_PROVIDER, "the answer is not JSON");
    }
    id = json_get_str(j, "id");
    category = json_get_str(j, "category");
    if (id.n == 0 && !json_get_bool(j, "success", false)) {
        json_free(&j);
        return err_set(err, ERR_PROVIDER, "the answer names no template");
    }
    state->status = id.n > 0 ? template_status_of(json_get_str(j, "status")) : TEMPLATE_PENDING;
    state->id = id.n > 0 ? arena_dup(a, id) : state->id;
    state->category = category.n > 0 ? arena_dup(a, category) : state->category;
    json_free(&j);
    return true;
}

static void remove_one(struct arena *a, const struct sender *s, struct str name, struct str id,
                       struct outgoing *out)
{
    struct str one = id.n > 0 ? arena_printf(a, "&hsm_id=%.*s", STR_ARG(id)) : STR("");

    request(a, s, "DELETE",
            arena_printf(a, "%.*s/message_templates?name=%.*s%.*s", STR_ARG(s->business_account_id),
                         STR_ARG(name), STR_ARG(one)),
            out);
}

const struct template_calls meta_template_calls = {
    .list = list,
    .listed = listed,
    .create = create,
    .answered = answered,
    .remove = remove_one,
};
