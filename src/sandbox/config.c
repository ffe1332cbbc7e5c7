#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "group.h"
#include "ledger.h"
#include "template.h"

#define FILE_MAX_BYTES (4u << 20)

static struct number *number_new(struct sandbox *sb, enum dialect d, struct str id)
{
    struct number *n;

    if (sb->nnumbers == NUMBERS_MAX) {
        return NULL;
    }
    n = MEM_NEW(struct number);
    n->dialect = d;
    set_text(&n->id, id);
    set_text(&n->name, STR("Sandbox Plant"));
    set_text(&n->tier, d == DIALECT_META ? STR("TIER_UNLIMITED") : STR("Unlimited Customers/24hr"));
    n->rate_per_second = 80;
    rate_init(&n->second, 1000000);
    rate_init(&n->tenth, 100000);
    buf_init(&n->statuses, 4u << 20);
    buf_init(&n->contacts, 4u << 20);
    sb->numbers[sb->nnumbers++] = n;
    return n;
}

static void take(char **slot, const struct json *j, const char *name)
{
    struct str s = json_get_str(j, name);

    if (s.p != NULL) {
        set_text(slot, s);
    }
}

static void url_default(struct sandbox *sb, char **slot, const char *path)
{
    if (*slot == NULL) {
        struct arena *a = arena_new();

        set_text(slot, arena_printf(a, "%s%s", sb->gateway, path));
        arena_free(&a);
    }
}

static bool number_common(struct number *n, const struct json *j, struct err *err)
{
    take(&n->e164, j, "number");
    take(&n->name, j, "name");
    take(&n->tier, j, "tier");
    n->rate_per_second = json_get_int(j, "rate_per_second", n->rate_per_second);
    if (n->e164 == NULL || !str_is_e164(str_of(n->e164))) {
        return err_set(err, ERR_INVALID, "number \"%s\" is not E.164",
                       n->e164 != NULL ? n->e164 : "");
    }
    return n->rate_per_second >= 0 || err_set(err, ERR_INVALID, "rate_per_second is below 0");
}

static bool meta_number(struct sandbox *sb, const struct json *j, struct err *err)
{
    struct arena *a = arena_new();
    struct str id = json_get_text(j, "phone_number_id", a);
    struct str waba = json_get_text(j, "business_account_id", a);
    struct number *n = number_by_meta_id(sb, id);

    waba = waba.n > 0 ? waba : json_get_text(j, "waba_id", a);
    if (id.n == 0) {
        arena_free(&a);
        return err_set(err, ERR_INVALID, "meta: phone_number_id is missing");
    }
    n = n != NULL ? n : number_new(sb, DIALECT_META, id);
    if (n != NULL && waba.n > 0) {
        set_text(&n->account, waba);
    }
    arena_free(&a);
    if (n == NULL) {
        return err_set(err, ERR_INVALID, "more than %d numbers", NUMBERS_MAX);
    }
    take(&n->token, j, "access_token");
    take(&n->app_secret, j, "app_secret");
    take(&n->verify_token, j, "verify_token");
    n->official = json_get_bool(j, "official", n->official);
    take(&n->inbound_url, j, "webhook_url");
    url_default(sb, &n->inbound_url, "/whatsapp/webhook");
    if (n->account == NULL || n->token == NULL || n->app_secret == NULL ||
        n->verify_token == NULL) {
        return err_set(err, ERR_INVALID,
                       "meta %s: waba_id, access_token, app_secret and verify_token are needed",
                       n->id);
    }
    template_seed(sb, n->account);
    return number_common(n, j, err);
}

static bool twilio_number(struct sandbox *sb, const struct json *j, struct err *err)
{
    struct str e164 = json_get_str(j, "number"), ac = json_get_str(j, "account_sid");
    struct number *n = number_by_e164(sb, DIALECT_TWILIO, e164);

    if (n == NULL) {
        struct arena *a = arena_new();

        n = number_new(sb, DIALECT_TWILIO, id_sid(sb, a, "XE"));
        arena_free(&a);
    }
    if (n == NULL) {
        return err_set(err, ERR_INVALID, "more than %d numbers", NUMBERS_MAX);
    }
    if (ac.n > 0) {
        set_text(&n->account, ac);
    }
    take(&n->token, j, "auth_token");
    take(&n->inbound_url, j, "inbound_url");
    take(&n->status_url, j, "status_url");
    url_default(sb, &n->inbound_url, "/api/whatsappwebhook/incoming");
    url_default(sb, &n->status_url, "/api/whatsappwebhook/status");
    if (n->account == NULL || n->token == NULL) {
        return err_set(err, ERR_INVALID, "twilio: account_sid and auth_token are needed");
    }
    return number_common(n, j, err);
}

static bool one_phone(struct sandbox *sb, const struct json *j, struct err *err)
{
    struct str e164 = json_get_str(j, "number"), bsuid = json_get_str(j, "bsuid");
    struct phone *p;

    if (e164.n > 0 && !str_is_e164(e164)) {
        return err_set(err, ERR_INVALID, "phone \"%.*s\" is not E.164", STR_ARG(e164));
    }
    if (e164.n == 0 && bsuid.n == 0) {
        return err_set(err, ERR_INVALID, "a phone needs a number or a bsuid");
    }
    p = phone_need(sb, e164.n > 0 ? e164 : bsuid);
    if (p == NULL) {
        return err_set(err, ERR_INVALID, "more than %d phones", PHONES_MAX);
    }
    if (e164.n > 0 && bsuid.n > 0) {
        map_del(sb->phones, str_of(p->bsuid));
        set_text(&p->bsuid, bsuid);
        map_put(sb->phones, str_of(p->bsuid), p);
    }
    take(&p->name, j, "name");
    take(&p->language, j, "language");
    p->receipts = json_get_bool(j, "receipts", p->receipts);
    p->fail_code = json_get_int(j, "fail_code", p->fail_code);
    return true;
}

static bool one_template(struct sandbox *sb, const struct json *j, struct err *err)
{
    struct arena *a = arena_new();
    struct number *first = NULL;
    struct str waba = json_get_text(j, "waba_id", a);
    struct template *t;
    int64_t subcode;
    bool ok = true;

    for (size_t i = 0; i < sb->nnumbers && first == NULL; i++) {
        first = sb->numbers[i]->dialect == DIALECT_META ? sb->numbers[i] : NULL;
    }
    if (waba.n == 0 && first != NULL) {
        waba = str_of(first->account);
    }
    t = template_find(sb->templates, waba.n > 0 ? waba.p : "", json_get_str(j, "name"),
                      json_get_str(j, "language"));
    if (t == NULL) {
        t = template_add(sb, waba.n > 0 ? waba.p : "", j, &subcode, err);
        ok = t != NULL;
    }
    if (ok) {
        /* Given by configuration: there already, without a review and without a webhook. */
        t->status = "APPROVED";
    }
    arena_free(&a);
    return ok;
}

static bool each(struct sandbox *sb, const struct json *list, const char *what,
                 bool (*one)(struct sandbox *, const struct json *, struct err *), struct err *err)
{
    if (list != NULL && json_kind(list) != JSON_ARRAY) {
        return err_set(err, ERR_INVALID, "%s is not a list", what);
    }
    for (size_t i = 0; i < json_len(list); i++) {
        if (!one(sb, json_at(list, i), err)) {
            return err_wrap(err, "%s[%zu]", what, i);
        }
    }
    return true;
}

static const struct {
    const char *name;
    size_t at;
    int64_t def;
} timings[] = {
    {"sent_ms",      offsetof(struct timing, sent_ms),      20    },
    {"delivered_ms", offsetof(struct timing, delivered_ms), 80    },
    {"read_ms",      offsetof(struct timing, read_ms),      1500  },
    {"batch_ms",     offsetof(struct timing, batch_ms),     10    },
    {"batch_max",    offsetof(struct timing, batch_max),    50    },
    {"review_ms",    offsetof(struct timing, review_ms),    300   },
    {"retry_ms",     offsetof(struct timing, retry_ms),     1000  },
    {"retry_max_ms", offsetof(struct timing, retry_max_ms), 60000 },
    {"url_life_ms",  offsetof(struct timing, url_life_ms),  300000},
};

static int64_t *timing_slot(struct timing *t, size_t i)
{
    return (int64_t *)(void *)((char *)t + timings[i].at);
}

static bool timing_load(struct timing *t, const struct json *j, struct err *err)
{
    for (size_t i = 0; i < json_len(j); i++) {
        struct str name;
        bool found = false;

        json_member_at(j, i, &name);
        for (size_t k = 0; k < ARRAY_LEN(timings); k++) {
            if (str_eqz(name, timings[k].name)) {
                *timing_slot(t, k) = json_get_int(j, timings[k].name, timings[k].def);
                found = true;
            }
        }
        if (!found) {
            return err_set(err, ERR_INVALID, "timing.%.*s is not known", STR_ARG(name));
        }
    }
    return true;
}

bool sandbox_configure(struct sandbox *sb, const struct json *j, struct err *err)
{
    static const char *const known[] = {
        "listen",     "public_url",  "gateway",     "meta",       "twilio",
        "phones",     "timing",      "window_open", "pair_limit", "concurrency_max",
        "ledger_max", "fetch_links", "templates",   "groups"};
    int64_t max = json_get_int(j, "ledger_max", 0);

    if (json_kind(j) != JSON_OBJECT) {
        return err_set(err, ERR_INVALID, "the configuration is not an object");
    }
    for (size_t i = 0; i < json_len(j); i++) {
        struct str name;
        bool found = false;

        json_member_at(j, i, &name);
        for (size_t k = 0; k < ARRAY_LEN(known); k++) {
            found = found || str_eqz(name, known[k]);
        }
        if (!found) {
            return err_set(err, ERR_INVALID, "%.*s is not known", STR_ARG(name));
        }
    }
    take(&sb->gateway, j, "gateway");
    take(&sb->public_url, j, "public_url");
    sb->window_open = json_get_bool(j, "window_open", sb->window_open);
    sb->pair_limit = json_get_bool(j, "pair_limit", sb->pair_limit);
    sb->fetch_links = json_get_bool(j, "fetch_links", sb->fetch_links);
    sb->concurrency_max = json_get_int(j, "concurrency_max", sb->concurrency_max);
    if (max > 0) {
        ledger_set_max(sb->ledger, (size_t)max);
    }
    return timing_load(&sb->timing, json_get(j, "timing"), err) &&
           each(sb, json_get(j, "meta"), "meta", meta_number, err) &&
           each(sb, json_get(j, "twilio"), "twilio", twilio_number, err) &&
           each(sb, json_get(j, "phones"), "phones", one_phone, err) &&
           each(sb, json_get(j, "templates"), "templates", one_template, err) &&
           each(sb, json_get(j, "groups"), "groups", group_configure, err);
}

static bool read_file(const char *path, struct buf *out, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = 0;

    if (fd < 0) {
        return err_set(err, ERR_IO, "cannot read %s: %s", path, strerror(errno));
    }
    do {
        char *room = buf_reserve(out, 65536);

        n = room == NULL ? -1 : read(fd, room, 65536);
        if (n > 0) {
            buf_grew(out, (size_t)n);
        }
    } while (n > 0);
    close(fd);
    return n == 0 || err_set(err, ERR_IO, "cannot read %s", path);
}

bool sandbox_configure_file(struct sandbox *sb, const char *path, struct str *listen,
                            struct arena *a, struct err *err)
{
    struct json *j = NULL;
    struct buf b;
    bool ok;

    buf_init(&b, FILE_MAX_BYTES);
    ok = read_file(path, &b, err) && json_parse(buf_str(&b), FILE_MAX_BYTES, &j, err) &&
         sandbox_configure(sb, j, err);
    if (ok && json_get_str(j, "listen").n > 0) {
        *listen = arena_dup(a, json_get_str(j, "listen"));
    }
    json_free(&j);
    buf_fini(&b);
    return ok || err_wrap(err, "%s", path);
}

static void number_state(const struct number *n, struct jw *w, bool secrets)
{
    bool meta = n->dialect == DIALECT_META;

    jw_open(w, NULL, '{');
    jw_z(w, "provider", meta ? "meta" : "twilio");
    jw_z(w, "id", n->id);
    jw_z(w, "number", n->e164);
    jw_z(w, "name", n->name);
    jw_z(w, meta ? "waba_id" : "account_sid", n->account);
    jw_z(w, meta ? "webhook_url" : "inbound_url", n->inbound_url);
    if (!meta) {
        jw_z(w, "status_url", n->status_url);
    }
    if (secrets) {
        jw_z(w, meta ? "access_token" : "auth_token", n->token);
        jw_z(w, "app_secret", n->app_secret != NULL ? n->app_secret : "");
        jw_z(w, "verify_token", n->verify_token != NULL ? n->verify_token : "");
    }
    if (meta) {
        jw_bool(w, "official", n->official);
    }
    jw_int(w, "rate_per_second", n->rate_per_second);
    jw_int(w, "max_in_1s", (int64_t)n->second.most);
    jw_int(w, "max_in_100ms", (int64_t)n->tenth.most);
    jw_close(w, '}');
}

void sandbox_state(struct sandbox *sb, struct jw *w, bool secrets)
{
    jw_open(w, NULL, '{');
    jw_z(w, "gateway", sb->gateway);
    jw_z(w, "public_url", sb->public_url);
    jw_bool(w, "window_open", sb->window_open);
    jw_bool(w, "pair_limit", sb->pair_limit);
    jw_bool(w, "fetch_links", sb->fetch_links);
    jw_open(w, "timing", '{');
    for (size_t i = 0; i < ARRAY_LEN(timings); i++) {
        jw_int(w, timings[i].name, *timing_slot(&sb->timing, i));
    }
    jw_close(w, '}');
    jw_open(w, "numbers", '[');
    for (size_t i = 0; i < sb->nnumbers; i++) {
        number_state(sb->numbers[i], w, secrets);
    }
    jw_close(w, ']');
    jw_open(w, "phones", '[');
    for (size_t i = 0; i < sb->nphones && i < 500; i++) {
        const struct phone *p = sb->phone_list[i];

        jw_open(w, NULL, '{');
        jw_str(w, "number", phone_address(p));
        jw_z(w, "name", p->name);
        jw_z(w, "bsuid", p->bsuid);
        jw_z(w, "language", p->language);
        jw_bool(w, "receipts", p->receipts);
        jw_close(w, '}');
    }
    jw_close(w, ']');
    groups_state(sb, w);
    jw_close(w, '}');
}

void sandbox_defaults(struct sandbox *sb)
{
    for (size_t i = 0; i < ARRAY_LEN(timings); i++) {
        *timing_slot(&sb->timing, i) = timings[i].def;
    }
    sb->pair_limit = sb->fetch_links = true;
    sb->concurrency_max = 100;
    set_text(&sb->gateway, STR("http://127.0.0.1:8080"));
}

void sandbox_default_phones(struct sandbox *sb)
{
    static const char phones[] =
        "{\"phones\":[{\"number\":\"+12025550117\",\"name\":\"Ada Quill\",\"language\":\"en\"},"
        "{\"number\":\"+12025550128\",\"name\":\"José Núñez\",\"language\":\"es\"},"
        "{\"number\":\"+12025550139\",\"name\":\"نور\",\"language\":\"ar\"}]}";
    struct json *j = NULL;

    json_parse(str_of(phones), sizeof(phones), &j, NULL);
    sandbox_configure(sb, j, NULL);
    json_free(&j);
}
