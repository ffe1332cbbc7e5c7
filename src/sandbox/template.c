#include "template.h"

#include "base/mem.h"
#include "meta.h"

#define TEMPLATES_MAX 2000

struct templates {
    struct template *v[TEMPLATES_MAX];
    size_t n;
};

struct templates *templates_new(void)
{
    return MEM_NEW(struct templates);
}

static void free_one(struct template *t)
{
    mem_free(&t->id);
    mem_free(&t->waba);
    mem_free(&t->name);
    mem_free(&t->language);
    mem_free(&t->category);
    json_free(&t->components);
    mem_free(&t);
}

void templates_free(struct templates **owner)
{
    for (size_t i = 0; *owner != NULL && i < (*owner)->n; i++) {
        free_one((*owner)->v[i]);
    }
    mem_free(owner);
}

size_t template_count(const struct templates *t)
{
    return t->n;
}

struct template *template_at(const struct templates *t, size_t i)
{
    return t->v[i];
}

struct template *template_find(struct templates *t, const char *waba, struct str name,
                               struct str language)
{
    for (size_t i = 0; i < t->n; i++) {
        if (strcmp(t->v[i]->waba, waba) == 0 && str_eqz(name, t->v[i]->name) &&
            str_eqz(language, t->v[i]->language)) {
            return t->v[i];
        }
    }
    return NULL;
}

struct template *template_by_id(struct templates *t, struct str id)
{
    for (size_t i = 0; i < t->n; i++) {
        if (str_eqz(id, t->v[i]->id)) {
            return t->v[i];
        }
    }
    return NULL;
}

bool template_remove(struct templates *t, struct template *which)
{
    for (size_t i = 0; i < t->n; i++) {
        if (t->v[i] == which) {
            memmove(&t->v[i], &t->v[i + 1], (t->n - i - 1) * sizeof(t->v[0]));
            t->n--;
            free_one(which);
            return true;
        }
    }
    return false;
}

const struct json *template_component(const struct template *t, const char *type)
{
    for (size_t i = 0; i < json_len(t->components); i++) {
        const struct json *c = json_at(t->components, i);

        if (str_ieq(json_get_str(c, "type"), str_of(type))) {
            return c;
        }
    }
    return NULL;
}

/* The next {{…}} at or after *at: its name in *name, *at behind it. */
static bool next_variable(struct str text, size_t *at, struct str *name, size_t *begin)
{
    struct str rest = str_slice(text, *at, text.n);
    size_t open = str_find(rest, STR("{{")), close;

    if (open == SIZE_MAX) {
        return false;
    }
    close = str_find(str_slice(rest, open, rest.n), STR("}}"));
    if (close == SIZE_MAX) {
        return false;
    }
    *begin = *at + open;
    *name = str_trim(str_slice(rest, open + 2, open + close));
    *at += open + close + 2;
    return true;
}

size_t template_variables(struct str text)
{
    struct str names[100], name;
    size_t n = 0, at = 0, begin;

    while (n < ARRAY_LEN(names) && next_variable(text, &at, &name, &begin)) {
        bool known = false;

        for (size_t i = 0; i < n; i++) {
            known = known || str_eq(names[i], name);
        }
        if (!known) {
            names[n++] = name;
        }
    }
    return n;
}

static bool bad(struct err *err, int64_t *subcode, int64_t code, const char *why)
{
    *subcode = code;
    return err_set(err, ERR_INVALID, "%s", why);
}

static bool name_ok(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        if (strchr("abcdefghijklmnopqrstuvwxyz0123456789_", name.p[i]) == NULL) {
            return false;
        }
    }
    return name.n >= 1 && name.n <= 512;
}

static bool body_ok(const struct json *c, bool named, int64_t *subcode, struct err *err)
{
    struct str text = json_get_str(c, "text"), name, trimmed = str_trim(text);
    const struct json *example = json_get(c, "example");
    size_t at = 0, begin, end = 0, n = 0;
    bool touching = false;

    if (json_get_bool(c, "add_security_recommendation", false)) {
        return true;
    }
    if (text.n == 0 || str_utf8_len(text) > 1024) {
        return bad(err, subcode, 2388040, "The body needs 1 to 1024 characters.");
    }
    while (next_variable(text, &at, &name, &begin)) {
        touching = touching || (n > 0 && begin == end);
        end = at;
        n++;
    }
    if (str_starts(trimmed, STR("{{")) || str_ends(trimmed, STR("}}")) || touching) {
        return bad(err, subcode, 2388299,
                   "Variables cannot be at the start or end of the body, nor adjacent.");
    }
    n = template_variables(text);
    if (n > 0 && named && json_len(json_get(example, "body_text_named_params")) != n) {
        return bad(err, subcode, 2388043,
                   "The body's variables need examples in body_text_named_params.");
    }
    if (n > 0 && !named && json_len(json_at(json_get(example, "body_text"), 0)) != n) {
        return bad(err, subcode, 2388043, "The body's variables need examples in body_text.");
    }
    return true;
}

static bool header_ok(const struct json *c, int64_t *subcode, struct err *err)
{
    static const char *const formats[] = {"TEXT", "IMAGE", "VIDEO", "DOCUMENT", "LOCATION"};
    struct str format = json_get_str(c, "format"), text = json_get_str(c, "text");
    bool known = false;

    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        known = known || str_ieq(format, str_of(formats[i]));
    }
    if (!known) {
        return bad(err, subcode, 2388047, "The header's format is not known.");
    }
    if (str_ieq(format, STR("TEXT")) &&
        (text.n == 0 || str_utf8_len(text) > 60 || template_variables(text) > 1)) {
        return bad(err, subcode, 2388047,
                   "A text header has 1 to 60 characters and one variable at most.");
    }
    return true;
}

static bool buttons_ok(const struct json *c, int64_t *subcode, struct err *err)
{
    const struct json *list = json_get(c, "buttons");
    size_t urls = 0, calls = 0;

    if (json_kind(list) != JSON_ARRAY || json_len(list) == 0 || json_len(list) > 10) {
        return bad(err, subcode, 2388073, "There may be 1 to 10 buttons.");
    }
    for (size_t i = 0; i < json_len(list); i++) {
        const struct json *b = json_at(list, i);
        struct str type = json_get_str(b, "type"), text = json_get_str(b, "text");

        urls += str_ieq(type, STR("URL")) ? 1 : 0;
        calls += str_ieq(type, STR("PHONE_NUMBER")) ? 1 : 0;
        if (str_utf8_len(text) > 25 ||
            (text.n == 0 && !str_ieq(type, STR("OTP")) && !str_ieq(type, STR("COPY_CODE")))) {
            return bad(err, subcode, 2388073, "A button's label has 1 to 25 characters.");
        }
    }
    if (urls > 2 || calls > 1) {
        return bad(err, subcode, 2388073, "At most 2 URL buttons and 1 phone button.");
    }
    return true;
}

static bool components_ok(const struct json *list, bool named, int64_t *subcode, struct err *err)
{
    bool body = false;

    if (json_kind(list) != JSON_ARRAY) {
        return bad(err, subcode, 0, "Parameter 'components' is required.");
    }
    for (size_t i = 0; i < json_len(list); i++) {
        const struct json *c = json_at(list, i);
        struct str type = json_get_str(c, "type"), text = json_get_str(c, "text");
        bool ok = true;

        if (str_ieq(type, STR("BODY"))) {
            body = true;
            ok = body_ok(c, named, subcode, err);
        } else if (str_ieq(type, STR("HEADER"))) {
            ok = header_ok(c, subcode, err);
        } else if (str_ieq(type, STR("BUTTONS"))) {
            ok = buttons_ok(c, subcode, err);
        } else if (str_ieq(type, STR("FOOTER"))) {
            if (str_utf8_len(text) > 60 || template_variables(text) > 0) {
                ok = bad(err, subcode, 2388073,
                         "A footer has at most 60 characters and no variable.");
            }
        } else {
            ok = bad(err, subcode, 0, "A component's type is not known.");
        }
        if (!ok) {
            return false;
        }
    }
    return body || bad(err, subcode, 0, "A template needs a BODY.");
}

static void review(void *ctx, int64_t seq)
{
    struct sandbox *sb = ctx;
    struct templates *all = sb->templates;

    for (size_t i = 0; i < all->n; i++) {
        if (all->v[i]->seq == seq && strcmp(all->v[i]->status, "PENDING") == 0) {
            template_set_status(sb, all->v[i], STR("APPROVED"), NULL);
        }
    }
}

static void submit(struct sandbox *sb, struct template *t)
{
    static int64_t seq;

    t->status = "PENDING";
    t->seq = ++seq;
    if (sb->timing.review_ms >= 0) {
        sched_in(sb->sched, sb->timing.review_ms, review, sb, t->seq);
    }
}

struct template *template_add(struct sandbox *sb, const char *waba, const struct json *spec,
                              int64_t *subcode, struct err *err)
{
    struct templates *all = sb->templates;
    struct str name = json_get_str(spec, "name"), language = json_get_str(spec, "language");
    struct str category = json_get_str(spec, "category");
    bool named = str_ieq(json_get_str(spec, "parameter_format"), STR("NAMED"));
    struct template *t;
    struct arena *a;

    *subcode = 0;
    if (!name_ok(name)) {
        bad(err, subcode, 0, "Param name must be 1 to 512 of a-z, 0-9 and underscore.");
        return NULL;
    }
    if (language.n < 2 || language.n > 15) {
        bad(err, subcode, 0, "Param language is required.");
        return NULL;
    }
    if (!str_eqz(category, "UTILITY") && !str_eqz(category, "MARKETING") &&
        !str_eqz(category, "AUTHENTICATION")) {
        bad(err, subcode, 0, "Param category must be one of {UTILITY, MARKETING, AUTHENTICATION}.");
        return NULL;
    }
    if (template_find(all, waba, name, language) != NULL) {
        bad(err, subcode, 2388024, "There is already content in this language for that name.");
        return NULL;
    }
    if (!components_ok(json_get(spec, "components"), named, subcode, err)) {
        return NULL;
    }
    if (all->n == TEMPLATES_MAX) {
        bad(err, subcode, 2388019, "Too many templates.");
        return NULL;
    }
    a = arena_new();
    t = MEM_NEW(struct template);
    t->id = mem_dupz(id_digits(sb, a, 16));
    arena_free(&a);
    t->waba = mem_dupz(str_of(waba));
    t->name = mem_dupz(name);
    t->language = mem_dupz(language);
    t->category = mem_dupz(category);
    t->named = named;
    t->components = json_dup(json_get(spec, "components"));
    all->v[all->n++] = t;
    submit(sb, t);
    return t;
}

bool template_edit(struct sandbox *sb, struct template *t, const struct json *components,
                   int64_t *subcode, struct err *err)
{
    *subcode = 0;
    if (strcmp(t->status, "PENDING") == 0 || strcmp(t->status, "DISABLED") == 0) {
        return bad(err, subcode, 2388025,
                   "Only approved, rejected and paused templates can be edited.");
    }
    if (!components_ok(components, t->named, subcode, err)) {
        return false;
    }
    json_free(&t->components);
    t->components = json_dup(components);
    submit(sb, t);
    return true;
}

static void tell(struct sandbox *sb, const struct template *t)
{
    struct number *n = number_by_account(sb, DIALECT_META, str_of(t->waba));
    struct buf b;
    struct jw w;
    int64_t id = 0;

    if (n == NULL) {
        return;
    }
    buf_init(&b, 65536);
    jw_init(&w, &b);
    jw_open(&w, NULL, '{');
    jw_z(&w, "event", t->status);
    str_to_i64(str_of(t->id), 0, INT64_MAX, &id);
    jw_int(&w, "message_template_id", id);
    jw_z(&w, "message_template_name", t->name);
    jw_z(&w, "message_template_language", t->language);
    jw_z(&w, "message_template_category", t->category);
    jw_z(&w, "reason", t->reason != NULL ? t->reason : "NONE");
    if (strcmp(t->status, "PAUSED") == 0) {
        jw_open(&w, "other_info", '{');
        jw_z(&w, "title", "FIRST_PAUSE");
        jw_z(&w, "description", "Your template was paused because of low quality.");
        jw_close(&w, '}');
    }
    jw_close(&w, '}');
    meta_hook_value(sb, n, "message_template_status_update", buf_str(&b), NULL, NULL);
    buf_fini(&b);
}

bool template_set_status(struct sandbox *sb, struct template *t, struct str status,
                         const char *reason)
{
    static const char *const known[] = {"PENDING", "APPROVED", "REJECTED",
                                        "PAUSED",  "DISABLED", "ARCHIVED"};
    static const char *const reasons[] = {
        "ABUSIVE_CONTENT",     "INCORRECT_CATEGORY", "INVALID_FORMAT", "PROMOTIONAL", "SCAM",
        "TAG_CONTENT_MISMATCH"};

    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (!str_ieq(status, str_of(known[i]))) {
            continue;
        }
        t->status = known[i];
        t->reason = NULL;
        for (size_t k = 0; reason != NULL && k < ARRAY_LEN(reasons); k++) {
            t->reason = strcmp(reason, reasons[k]) == 0 ? reasons[k] : t->reason;
        }
        tell(sb, t);
        return true;
    }
    return false;
}

void template_seed(struct sandbox *sb, const char *waba)
{
    static const char hello[] =
        "{\"name\":\"hello_world\",\"language\":\"en_US\",\"category\":\"UTILITY\",\"components\":["
        "{\"type\":\"HEADER\",\"format\":\"TEXT\",\"text\":\"Hello World\"},"
        "{\"type\":\"BODY\",\"text\":\"Welcome and congratulations!! This message demonstrates "
        "your "
        "ability to send a WhatsApp message notification.\"},"
        "{\"type\":\"FOOTER\",\"text\":\"WhatsApp Business Platform sample message\"}]}";
    struct json *spec = NULL;
    struct template *t;
    int64_t subcode;

    if (template_find(sb->templates, waba, STR("hello_world"), STR("en_US")) != NULL) {
        return;
    }
    json_parse(str_of(hello), sizeof(hello), &spec, NULL);
    t = template_add(sb, waba, spec, &subcode, NULL);
    if (t != NULL) {
        t->status = "APPROVED";
    }
    json_free(&spec);
}

void template_json(const struct template *t, struct jw *w)
{
    jw_open(w, NULL, '{');
    jw_z(w, "name", t->name);
    jw_z(w, "parameter_format", t->named ? "NAMED" : "POSITIONAL");
    jw_json(w, "components", t->components);
    jw_z(w, "language", t->language);
    jw_z(w, "status", t->status);
    jw_z(w, "category", t->category);
    if (t->reason != NULL) {
        jw_z(w, "rejected_reason", t->reason);
    }
    jw_z(w, "id", t->id);
    jw_close(w, '}');
}
