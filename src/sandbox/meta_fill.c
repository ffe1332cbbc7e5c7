/* Template sends: the parameters must fit the approved template, and fill it in. */
#include "meta.h"
#include "template.h"

#define PARAMS_MAX 100

static const struct json *component_of(const struct json *send, const char *type, int64_t index)
{
    const struct json *list = json_get(send, "components");

    for (size_t i = 0; i < json_len(list); i++) {
        const struct json *c = json_at(list, i);
        struct str at = json_get_str(c, "index");
        int64_t n = -1;

        if (!str_ieq(json_get_str(c, "type"), str_of(type))) {
            continue;
        }
        str_to_i64(at, 0, 9, &n);
        if (index < 0 || n == index || json_get_int(c, "index", -1) == index) {
            return c;
        }
    }
    return NULL;
}

static bool text_ok(struct draft *d, struct str s)
{
    if (s.n == 0) {
        return draft_refuse(d, 131008, "Parameter of type text is missing text value");
    }
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\n' || s.p[i] == '\t' || s.p[i] == '\r') {
            return draft_refuse(d, 132018,
                                "Param text cannot have new-line/tab characters or more than "
                                "4 consecutive spaces");
        }
    }
    return str_find(s, STR("     ")) == SIZE_MAX ||
           draft_refuse(d, 132018,
                        "Param text cannot have new-line/tab characters or more than 4 "
                        "consecutive spaces");
}

/* What a parameter shows as. */
static bool param_text(struct draft *d, const struct json *p, struct str *out)
{
    struct str type = json_get_str(p, "type");

    if (str_eqz(type, "text")) {
        *out = json_get_str(p, "text");
        return text_ok(d, *out);
    }
    if (str_eqz(type, "currency") || str_eqz(type, "date_time")) {
        *out = json_get_str(json_get(p, arena_dup(d->arena, type).p), "fallback_value");
        return out->n > 0 ||
               draft_refuse(d, 131008, "Parameter of type %.*s is missing fallback_value.",
                            STR_ARG(type));
    }
    if (str_eqz(type, "group_id")) {
        *out = json_get_str(p, "group_id");
        return true;
    }
    return draft_refuse(d, 132012, "Parameter type '%.*s' does not fit.",
                        STR_ARG(str_slice(type, 0, 20)));
}

static bool lookup(struct draft *d, const struct template *t, const struct json *params,
                   struct str name, struct str *out)
{
    int64_t at = 0;

    if (!t->named) {
        if (!str_to_i64(name, 1, PARAMS_MAX, &at)) {
            return draft_refuse(d, 132000, "Variable {{%.*s}} has no number.", STR_ARG(name));
        }
        return param_text(d, json_at(params, (size_t)at - 1), out);
    }
    for (size_t i = 0; i < json_len(params); i++) {
        if (str_eq(json_get_str(json_at(params, i), "parameter_name"), name)) {
            return param_text(d, json_at(params, i), out);
        }
    }
    return draft_refuse(d, 132012, "Parameter name '%.*s' is missing.", STR_ARG(name));
}

/* Fills the variables of @text from the component's parameters. */
static bool fill(struct draft *d, const struct template *t, const char *where, struct str text,
                 const struct json *component, size_t max, struct str *out)
{
    const struct json *params = json_get(component, "parameters");
    size_t want = template_variables(text), at = 0;
    struct buf b;
    bool ok = true;

    if (json_len(params) != want) {
        return draft_refuse(d, 132000,
                            "%s: number of localizable_params (%zu) does not match the expected "
                            "number of params (%zu)",
                            where, json_len(params), want);
    }
    buf_init(&b, 65536);
    while (ok && at < text.n) {
        struct str rest = str_slice(text, at, text.n), name, value = STR_NONE;
        size_t open = str_find(rest, STR("{{")), close = str_find(rest, STR("}}"));

        if (open == SIZE_MAX || close == SIZE_MAX || close < open) {
            buf_add(&b, rest);
            break;
        }
        buf_add(&b, str_slice(rest, 0, open));
        name = str_trim(str_slice(rest, open + 2, close));
        ok = lookup(d, t, params, name, &value);
        buf_add(&b, value);
        at += close + 2;
    }
    *out = arena_dup(d->arena, buf_str(&b));
    buf_fini(&b);
    return ok &&
           (str_utf8_len(*out) <= max || draft_refuse(d, 132005, "%s: %zu characters, at most %zu",
                                                      where, str_utf8_len(*out), max));
}

static bool fill_header(struct draft *d, const struct template *t, const struct json *send)
{
    const struct json *h = template_component(t, "HEADER"),
                      *given = component_of(send, "header", -1);
    struct str format = json_get_str(h, "format"), text;
    const struct json *param = json_at(json_get(given, "parameters"), 0);
    char kind[16] = "";

    if (h == NULL) {
        return given == NULL || draft_refuse(d, 132012, "The template has no header.");
    }
    if (str_ieq(format, STR("TEXT"))) {
        if (!fill(d, t, "header", json_get_str(h, "text"), given, 60, &text)) {
            return false;
        }
        jw_str(&d->w, "header", text);
        return true;
    }
    for (size_t i = 0; i < format.n && i < sizeof(kind) - 1; i++) {
        kind[i] = (char)(format.p[i] | 0x20);
    }
    if (param == NULL || !str_eqz(json_get_str(param, "type"), kind)) {
        return draft_refuse(d, 132012, "header: Format mismatch, expected %.*s, received %s",
                            STR_ARG(format), param == NULL ? "UNKNOWN" : "another");
    }
    if (strcmp(kind, "location") == 0) {
        return true;
    }
    return meta_check_media(d, json_get(param, kind), kind, "media");
}

static bool fill_reply(struct draft *d, const struct json *button, const struct json *given)
{
    const struct json *param = json_at(json_get(given, "parameters"), 0);
    struct str title = json_get_str(button, "text"), payload = json_get_str(param, "payload");

    if (str_utf8_len(payload) > 256) {
        return draft_refuse(d, 131009, "A quick reply's payload has at most 256 characters.");
    }
    jw_open(&d->w, NULL, '{');
    jw_str(&d->w, "id", payload.n > 0 ? payload : title);
    jw_str(&d->w, "title", title);
    jw_bool(&d->w, "template", true);
    jw_close(&d->w, '}');
    return true;
}

static bool fill_url(struct draft *d, const struct json *button, const struct json *given)
{
    const struct json *param = json_at(json_get(given, "parameters"), 0);
    struct str url = json_get_str(button, "url"), suffix = json_get_str(param, "text");
    size_t at = str_find(url, STR("{{"));

    if ((at != SIZE_MAX) != (suffix.n > 0)) {
        return draft_refuse(d, 132000, "button: the URL has %s variable and %s parameter came.",
                            at != SIZE_MAX ? "a" : "no", suffix.n > 0 ? "a" : "no");
    }
    jw_open(&d->w, NULL, '{');
    jw_str(&d->w, "title", json_get_str(button, "text"));
    jw_str(&d->w, "url",
           at == SIZE_MAX ? url
                          : arena_printf(d->arena, "%.*s%.*s", (int)at, url.p, STR_ARG(suffix)));
    jw_close(&d->w, '}');
    return true;
}

static bool fill_buttons(struct draft *d, const struct template *t, const struct json *send)
{
    const struct json *list = json_get(template_component(t, "BUTTONS"), "buttons");

    if (json_len(list) == 0) {
        return component_of(send, "button", -1) == NULL ||
               draft_refuse(d, 132012, "The template has no buttons.");
    }
    jw_open(&d->w, "buttons", '[');
    for (size_t i = 0; i < json_len(list); i++) {
        const struct json *b = json_at(list, i), *given = component_of(send, "button", (int64_t)i);
        struct str type = json_get_str(b, "type");
        bool ok = str_ieq(type, STR("QUICK_REPLY")) ? fill_reply(d, b, given)
                  : str_ieq(type, STR("URL"))       ? fill_url(d, b, given)
                                                    : true;

        if (!ok) {
            return false;
        }
    }
    jw_close(&d->w, ']');
    return true;
}

/* Meta's fixed wording for one-time passwords. */
static struct str body_text(struct draft *d, const struct json *body)
{
    if (json_get_str(body, "text").n > 0) {
        return json_get_str(body, "text");
    }
    return arena_printf(d->arena, "*{{1}}* is your verification code.%s",
                        json_get_bool(body, "add_security_recommendation", false)
                            ? " For your security, do not share this code."
                            : "");
}

static bool find_template(struct draft *d, const struct json *j, struct template **out)
{
    struct str name = json_get_str(j, "name"),
               language = json_get_str(json_get(j, "language"), "code");
    struct template *t;

    if (name.n == 0 || language.n == 0) {
        return draft_refuse(
            d, 131008, "Parameters 'template.name' and 'template.language.code' are required.");
    }
    t = template_find(d->sb->templates, d->number->account, name, language);
    if (t != NULL && strcmp(t->status, "PAUSED") == 0) {
        return draft_refuse(d, 132015, "%s", "");
    }
    if (t != NULL && strcmp(t->status, "DISABLED") == 0) {
        return draft_refuse(d, 132016, "%s", "");
    }
    if (t == NULL || strcmp(t->status, "APPROVED") != 0) {
        return draft_refuse(d, 132001, "template name (%.*s) does not exist in %.*s",
                            STR_ARG(str_slice(name, 0, 100)), STR_ARG(str_slice(language, 0, 15)));
    }
    *out = t;
    return true;
}

static void add_params(struct draft *d, const struct json *params)
{
    jw_open(&d->w, "params", '[');
    for (size_t i = 0; i < json_len(params); i++) {
        jw_str(&d->w, NULL, json_get_str(json_at(params, i), "text"));
    }
    jw_close(&d->w, ']');
}

bool meta_check_template(struct draft *d, const struct json *j)
{
    struct template *t = NULL;
    const struct json *body, *given, *footer;
    struct str text;

    if (!draft_only(d, j, "template", "name|language|components|namespace") ||
        !find_template(d, j, &t)) {
        return false;
    }
    d->template = true;
    body = template_component(t, "BODY");
    given = component_of(j, "body", -1);
    if (!fill_header(d, t, j) || !fill(d, t, "body", body_text(d, body), given, 1024, &text) ||
        !fill_buttons(d, t, j)) {
        return false;
    }
    footer = template_component(t, "FOOTER");
    if (json_get_str(footer, "text").n > 0) {
        jw_str(&d->w, "footer", json_get_str(footer, "text"));
    }
    jw_open(&d->w, "template", '{');
    jw_z(&d->w, "name", t->name);
    jw_z(&d->w, "language", t->language);
    jw_z(&d->w, "category", t->category);
    add_params(d, json_get(given, "parameters"));
    jw_close(&d->w, '}');
    d->text = text;
    d->category = strcmp(t->category, "UTILITY") == 0     ? STR("utility")
                  : strcmp(t->category, "MARKETING") == 0 ? STR("marketing")
                                                          : STR("authentication");
    return true;
}
