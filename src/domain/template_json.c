/*
 * template_json: one template as the catalogue and POST /api/v1/templates give it. The limits are
 * Meta's, which are the tighter ones; what its review alone can judge is left to it.
 */
#include "domain/template.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/text.h"

static bool invalid(struct err *err, const char *member, const char *why)
{
    err_set(err, ERR_INVALID, "%s %s", member, why);
    return err_member(err, "%s", member);
}

bool template_is_code(const struct template_def *d)
{
    return str_eqz(d->category, "AUTHENTICATION");
}

/* ---- its texts ---- */

static bool take_text(struct arena *a, const struct json *j, const char *member, size_t max,
                      struct str *out, struct err *err)
{
    const struct json *v = json_get(j, member);
    char why[64];

    if (json_kind(v) == JSON_NONE || json_kind(v) == JSON_NULL) {
        return true;
    }
    if (json_kind(v) != JSON_STRING) {
        return invalid(err, member, "is not a text");
    }
    *out = arena_dup(a, str_trim(json_str(v)));
    if (str_utf8_len(*out) > max) {
        snprintf(why, sizeof(why), "has more than %zu characters", max);
        return invalid(err, member, why);
    }
    return true;
}

static bool has_variable(struct str s)
{
    return str_find(s, STR("{{")) != SIZE_MAX || str_find(s, STR("}}")) != SIZE_MAX;
}

static bool is_mark(char c)
{
    return strchr("*_~ \t\r\n", c) != NULL;
}

/*
 * {{1}}, {{2}}, …: each once, in whatever order, none at the ends and no two side by side (blanks
 * and marks of bold and italic do not count as something between).
 */
static bool count_parameters(struct str body, size_t *n, struct err *err)
{
    bool seen[MESSAGE_PARAMS_MAX + 1] = {false}, apart = false;
    int64_t number;

    *n = 0;
    for (size_t i = 0; i < body.n; i++) {
        size_t close;

        if (!str_starts(str_slice(body, i, body.n), STR("{{"))) {
            apart = apart || !is_mark(body.p[i]);
            continue;
        }
        close = str_find(str_slice(body, i, body.n), STR("}}"));
        if (close == SIZE_MAX || !str_to_i64(str_trim(str_slice(body, i + 2, i + close)), 1,
                                             MESSAGE_PARAMS_MAX, &number)) {
            return invalid(err, "body", "has a parameter that is not {{1}} to {{16}}");
        }
        if (seen[number]) {
            return invalid(err, "body", "has a parameter twice");
        }
        if (!apart) {
            return invalid(err, "body",
                           "begins with a parameter, or has two without words between");
        }
        seen[number] = true;
        apart = false;
        ++*n;
        i += close + 1;
    }
    for (size_t k = 1; k <= *n; k++) {
        if (!seen[k]) {
            return invalid(err, "body", "has parameters that are not numbered from 1 without gaps");
        }
    }
    return apart || invalid(err, "body", "ends with a parameter");
}

static bool take_body(struct arena *a, const struct json *j, struct template_def *d,
                      struct err *err)
{
    if (!take_text(a, j, "body", TEMPLATE_BODY_MAX, &d->body, err)) {
        return false;
    }
    if (d->body.n == 0) {
        return invalid(err, "body", "is missing or empty");
    }
    return count_parameters(d->body, &d->nparams, err);
}

static bool take_short(struct arena *a, const struct json *j, const char *member, size_t max,
                       struct str *out, struct err *err)
{
    if (!take_text(a, j, member, max, out, err)) {
        return false;
    }
    return !has_variable(*out) || invalid(err, member, "may hold no parameter");
}

/* ---- buttons, examples ---- */

/* A text is short for a quick reply that carries its own words. */
static bool take_button(struct arena *a, const struct json *j, const char *member,
                        struct template_button *b, struct err *err)
{
    struct str label = json_kind(j) == JSON_STRING ? json_str(j) : json_get_str(j, "text");

    b->text = arena_dup(a, str_trim(label));
    b->action = arena_dup(a, json_get_str(j, "action"));
    b->url = arena_dup(a, json_get_str(j, "url"));
    b->phone = arena_dup(a, json_get_str(j, "phone"));
    if (b->text.n == 0 || str_utf8_len(b->text) > TEMPLATE_LABEL_MAX || has_variable(b->text)) {
        return invalid(err, member, "has no text of 1 to 25 characters without parameters");
    }
    if (b->url.n > 0 &&
        (!str_starts(b->url, STR("https://")) || b->url.n > 2000 || has_variable(b->url))) {
        return invalid(err, member, "has a url that is not https without parameters");
    }
    if (b->phone.n > 0 && !str_is_e164(b->phone)) {
        return invalid(err, member, "has a phone that is not E.164");
    }
    if ((b->url.n > 0) + (b->phone.n > 0) + (b->action.n > 0) > 1) {
        return invalid(err, member, "has more than one of url, phone and action");
    }
    if (b->url.n == 0 && b->phone.n == 0 && b->action.n == 0) {
        b->action = STR("option");
    }
    return b->action.n <= 64 || invalid(err, member, "has an action of more than 64 characters");
}

static bool take_buttons(struct arena *a, const struct json *j, struct template_def *d,
                         struct err *err)
{
    const struct json *list = json_get(j, "buttons");

    if (json_kind(list) == JSON_NONE || json_kind(list) == JSON_NULL) {
        return true;
    }
    if (json_kind(list) != JSON_ARRAY || json_len(list) > TEMPLATE_BUTTONS_MAX) {
        return invalid(err, "buttons", "is not a list of up to 3 buttons");
    }
    for (size_t i = 0; i < json_len(list); i++) {
        char member[32];

        snprintf(member, sizeof(member), "buttons.%zu", i);
        if (!take_button(a, json_at(list, i), member, &d->buttons[d->nbuttons++], err)) {
            return false;
        }
        for (size_t k = 0; k < i; k++) {
            if (str_eq(d->buttons[k].text, d->buttons[i].text)) {
                return invalid(err, member, "has the text of another button");
            }
        }
    }
    return true;
}

static bool take_examples(struct arena *a, const struct json *j, struct template_def *d,
                          struct err *err)
{
    const struct json *list = json_get(j, "examples");

    if (json_len(list) != d->nparams || (d->nparams > 0 && json_kind(list) != JSON_ARRAY)) {
        return invalid(err, "examples", "is not a list of one text for each parameter");
    }
    for (size_t i = 0; i < d->nparams; i++) {
        d->examples[i] = arena_dup(a, str_trim(json_str(json_at(list, i))));
        if (d->examples[i].n == 0) {
            return invalid(err, "examples", "is not a list of one text for each parameter");
        }
    }
    return true;
}

/* ---- the whole ---- */

static bool word_of(struct str s, const char *letters, size_t max)
{
    for (size_t i = 0; i < s.n; i++) {
        if (strchr(letters, s.p[i]) == NULL) {
            return false;
        }
    }
    return s.n > 0 && s.n <= max;
}

static bool take_names(struct arena *a, struct str name, struct str language, const struct json *j,
                       struct template_def *d, struct err *err)
{
    static const char *const categories[] = {"UTILITY", "MARKETING", "AUTHENTICATION"};
    struct str category = json_get_str(j, "category");
    char *lang;

    if (!word_of(name, "abcdefghijklmnopqrstuvwxyz0123456789_", TEMPLATE_NAME_MAX)) {
        return invalid(err, "name", "is not 1 to 100 of a to z, 0 to 9 and _");
    }
    if (!word_of(language, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_",
                 TEMPLATE_LANGUAGE_MAX)) {
        return invalid(err, "language", "is not a language such as es or en_US");
    }
    d->name = arena_dup(a, name);
    d->language = arena_dup(a, language);
    lang = arena_alloc(a, language.n + 1);
    for (size_t i = 0; i < language.n; i++) {
        lang[i] = language.p[i] == '_' ? '-' : language.p[i];
    }
    d->lang = str_make(lang, language.n);
    for (size_t i = 0; i < ARRAY_LEN(categories); i++) {
        if (str_ieq(category, str_of(categories[i]))) {
            d->category = str_of(categories[i]);
            return true;
        }
    }
    return invalid(err, "category", "is none of UTILITY, MARKETING, AUTHENTICATION");
}

bool template_from_json(struct arena *a, struct str name, struct str language, const struct json *j,
                        struct template_def *out, struct err *err)
{
    struct template_def d = {0};

    if (!take_names(a, name, language, j, &d, err)) {
        return false;
    }
    if (template_is_code(&d)) {
        d.nparams = 1; /* the code, in the provider's own wording */
    } else if (!take_body(a, j, &d, err) ||
               !take_short(a, j, "header", TEMPLATE_HEADER_MAX, &d.header, err) ||
               !take_short(a, j, "footer", TEMPLATE_FOOTER_MAX, &d.footer, err) ||
               !take_buttons(a, j, &d, err)) {
        return false;
    }
    if (!take_examples(a, j, &d, err)) {
        return false;
    }
    *out = d;
    return true;
}

static void write_button(const struct template_button *b, struct jw *w)
{
    jw_open(w, NULL, '{');
    jw_str(w, "text", b->text);
    if (b->url.n > 0) {
        jw_str(w, "url", b->url);
    } else if (b->phone.n > 0) {
        jw_str(w, "phone", b->phone);
    } else {
        jw_str(w, "action", b->action);
    }
    jw_close(w, '}');
}

void template_write(const struct template_def *d, struct jw *w)
{
    jw_str(w, "category", d->category);
    if (d->header.n > 0) {
        jw_str(w, "header", d->header);
    }
    if (d->body.n > 0) {
        jw_str(w, "body", d->body);
    }
    if (d->footer.n > 0) {
        jw_str(w, "footer", d->footer);
    }
    if (d->nbuttons > 0) {
        jw_open(w, "buttons", '[');
        for (size_t i = 0; i < d->nbuttons; i++) {
            write_button(&d->buttons[i], w);
        }
        jw_close(w, ']');
    }
    jw_open(w, "examples", '[');
    for (size_t i = 0; i < d->nparams; i++) {
        jw_str(w, NULL, d->examples[i]);
    }
    jw_close(w, ']');
}

static void hash_buttons(struct hasher *h, const struct template_def *d, bool fixed)
{
    for (size_t i = 0; i < d->nbuttons; i++) {
        const struct template_button *b = &d->buttons[i];
        struct str to = b->url.n > 0 ? b->url : b->phone;

        if ((to.n > 0) == fixed) {
            hasher_add(h, b->text);
            hasher_add(h, STR("\n"));
            hasher_add(h, to);
            hasher_add(h, STR("\n"));
        }
    }
}

void template_hash(const struct template_def *d, char out[TEMPLATE_HASH_CHARS + 1])
{
    uint8_t digest[SHA256_BYTES];
    struct hasher h;
    struct buf hex;

    hasher_init(&h, HASH_SHA256);
    if (template_is_code(d)) {
        hasher_add(&h, d->category); /* the words are the provider's own */
    } else {
        const struct str texts[] = {d->header, d->body, d->footer};

        for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
            hasher_add(&h, texts[i]);
            hasher_add(&h, STR("\n\n\n"));
        }
        hash_buttons(&h, d, false); /* quick replies first, as Meta lists them */
        hash_buttons(&h, d, true);
    }
    hasher_done(&h, digest);
    buf_init(&hex, 2 * SHA256_BYTES + 1);
    hex_add(&hex, str_make(digest, TEMPLATE_HASH_CHARS / 2));
    memcpy(out, hex.p, TEMPLATE_HASH_CHARS);
    out[TEMPLATE_HASH_CHARS] = '\0';
    buf_fini(&hex);
}
