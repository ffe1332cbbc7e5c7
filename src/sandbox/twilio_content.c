/* Content resources: made, listed, submitted for approval, and filled in by sends. */
#include <stdio.h>
#include <time.h>

#include "base/mem.h"
#include "twilio.h"

#define CONTENTS_MAX 5000

struct contents {
    struct content *v[CONTENTS_MAX];
    size_t n;
    struct map *by_sid;
};

struct contents *contents_new(void)
{
    struct contents *c = MEM_NEW(struct contents);

    c->by_sid = map_new();
    return c;
}

static void content_free(struct content *c)
{
    mem_free(&c->sid);
    mem_free(&c->account);
    mem_free(&c->language);
    mem_free(&c->approval_name);
    mem_free(&c->approval_category);
    json_free(&c->spec);
    mem_free(&c);
}

void contents_free(struct contents **owner)
{
    if (*owner == NULL) {
        return;
    }
    for (size_t i = 0; i < (*owner)->n; i++) {
        content_free((*owner)->v[i]);
    }
    map_free(&(*owner)->by_sid);
    mem_free(owner);
}

struct content *content_find(struct contents *c, struct str sid)
{
    return map_get(c->by_sid, sid);
}

static void content_remove(struct contents *all, struct content *c)
{
    for (size_t i = 0; i < all->n; i++) {
        if (all->v[i] == c) {
            memmove(&all->v[i], &all->v[i + 1], (all->n - i - 1) * sizeof(all->v[0]));
            all->n--;
            break;
        }
    }
    map_del(all->by_sid, str_of(c->sid));
    content_free(c);
}

bool content_set_approval(struct content *c, struct str status)
{
    static const char *const known[] = {"unsubmitted", "received", "pending", "approved",
                                        "rejected",    "paused",   "disabled"};

    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (str_ieq(status, str_of(known[i]))) {
            c->approval = known[i];
            return true;
        }
    }
    return false;
}

static struct str iso(char out[40], int64_t ms)
{
    time_t t = (time_t)(ms / 1000);
    struct tm tm;

    gmtime_r(&t, &tm);
    return str_make(out, strftime(out, 40, "%Y-%m-%dT%H:%M:%SZ", &tm));
}

static void content_json(const struct content *c, struct jw *w)
{
    static const char base[] = "https://content.twilio.com/v1/Content/";
    char text[160], date[40];

    jw_open(w, NULL, '{');
    jw_z(w, "sid", c->sid);
    jw_z(w, "account_sid", c->account);
    jw_str(w, "friendly_name", json_get_str(c->spec, "friendly_name"));
    jw_z(w, "language", c->language);
    if (json_get(c->spec, "variables") != NULL) {
        jw_json(w, "variables", json_get(c->spec, "variables"));
    }
    jw_json(w, "types", json_get(c->spec, "types"));
    snprintf(text, sizeof(text), "%s%s", base, c->sid);
    jw_z(w, "url", text);
    jw_str(w, "date_created", iso(date, c->created_ms));
    jw_str(w, "date_updated", iso(date, c->created_ms));
    jw_open(w, "links", '{');
    snprintf(text, sizeof(text), "%s%s/ApprovalRequests/whatsapp", base, c->sid);
    jw_z(w, "approval_create", text);
    snprintf(text, sizeof(text), "%s%s/ApprovalRequests", base, c->sid);
    jw_z(w, "approval_fetch", text);
    jw_close(w, '}');
    jw_close(w, '}');
}

static const char *content_type(const struct content *c)
{
    struct str name = STR_NONE;
    static char text[64];

    json_member_at(json_get(c->spec, "types"), 0, &name);
    snprintf(text, sizeof(text), "%.*s", STR_ARG(str_slice(name, 0, 60)));
    return text;
}

static void approval_members(const struct content *c, struct jw *w)
{
    jw_z(w, "name", c->approval_name != NULL ? c->approval_name : "");
    jw_z(w, "category", c->approval_category != NULL ? c->approval_category : "");
    jw_z(w, "content_type", content_type(c));
    jw_z(w, "status", c->approval);
    jw_z(w, "rejection_reason", strcmp(c->approval, "rejected") == 0 ? "INVALID_FORMAT" : "");
    jw_bool(w, "allow_category_change", true);
}

static void reply(struct sandbox *sb, struct http_req *r, int status, const struct content *c,
                  void (*fill)(const struct content *c, struct jw *w))
{
    struct buf b;
    struct jw w;

    buf_init(&b, 1 << 20);
    jw_init(&w, &b);
    fill(c, &w);
    twilio_answer(sb, r, status, buf_str(&b));
    buf_fini(&b);
}

static void fill_created(const struct content *c, struct jw *w)
{
    jw_open(w, NULL, '{');
    approval_members(c, w);
    jw_close(w, '}');
}

static void fill_approval(const struct content *c, struct jw *w)
{
    char url[160];

    jw_open(w, NULL, '{');
    jw_z(w, "sid", c->sid);
    jw_z(w, "account_sid", c->account);
    jw_open(w, "whatsapp", '{');
    jw_z(w, "type", "whatsapp");
    approval_members(c, w);
    jw_close(w, '}');
    snprintf(url, sizeof(url), "https://content.twilio.com/v1/Content/%s/ApprovalRequests", c->sid);
    jw_z(w, "url", url);
    jw_close(w, '}');
}

static const char *const type_names[] = {
    "twilio/quick-reply", "twilio/list-picker", "twilio/call-to-action",
    "twilio/card",        "whatsapp/card",      "twilio/media",
    "twilio/location",    "twilio/text",        "whatsapp/authentication",
};

static bool spec_ok(struct sandbox *sb, struct http_req *r, const struct json *spec)
{
    const struct json *types = json_get(spec, "types");

    if (json_get_str(spec, "language").n < 2) {
        twilio_refuse(sb, r, 400, 20001, "language is required");
        return false;
    }
    if (json_kind(types) != JSON_OBJECT || json_len(types) == 0) {
        twilio_refuse(sb, r, 400, 20001, "types is required");
        return false;
    }
    for (size_t i = 0; i < json_len(types); i++) {
        struct str name;
        bool known = false;

        json_member_at(types, i, &name);
        for (size_t k = 0; k < ARRAY_LEN(type_names); k++) {
            known = known || str_eqz(name, type_names[k]);
        }
        if (!known) {
            twilio_refuse(sb, r, 400, 20001, "Unknown content type %.*s", STR_ARG(name));
            return false;
        }
    }
    return true;
}

static void create(struct sandbox *sb, struct http_req *r, struct number *account)
{
    struct contents *all = sb->contents;
    struct json *spec = NULL;
    struct err err = {0};
    struct content *c;

    if (!json_parse(http_req_body(r), 1 << 20, &spec, &err)) {
        twilio_refuse(sb, r, 400, 20001, "%s", err.msg);
        return;
    }
    if (!spec_ok(sb, r, spec)) {
        json_free(&spec);
        return;
    }
    if (all->n == CONTENTS_MAX) {
        content_remove(all, all->v[0]);
    }
    c = MEM_NEW(struct content);
    c->sid = mem_dupz(id_sid(sb, http_req_arena(r), "HX"));
    c->account = mem_dupz(str_of(account->account));
    c->language = mem_dupz(json_get_str(spec, "language"));
    c->approval = "unsubmitted";
    c->spec = spec;
    c->created_ms = wall_now().ms;
    all->v[all->n++] = c;
    map_put(all->by_sid, str_of(c->sid), c);
    reply(sb, r, 201, c, content_json);
}

static void list(struct sandbox *sb, struct http_req *r, const struct number *account)
{
    struct buf b;
    struct jw w;
    int64_t size = 50, page = 0, seen = 0, shown = 0;
    bool more = false;

    str_to_i64(pairs_get(http_req_params(r), STR("PageSize")), 1, 1000, &size);
    str_to_i64(pairs_get(http_req_params(r), STR("Page")), 0, 100000, &page);
    buf_init(&b, 16u << 20);
    jw_init(&w, &b);
    jw_open(&w, NULL, '{');
    jw_open(&w, "contents", '[');
    for (size_t i = sb->contents->n; i-- > 0;) {
        const struct content *c = sb->contents->v[i];

        if (strcmp(c->account, account->account) != 0 || seen++ < page * size) {
            continue;
        }
        if (shown++ == size) {
            more = true;
            break;
        }
        content_json(c, &w);
    }
    jw_close(&w, ']');
    jw_open(&w, "meta", '{');
    jw_int(&w, "page", page);
    jw_int(&w, "page_size", size);
    jw_z(&w, "key", "contents");
    if (more) {
        jw_str(&w, "next_page_url",
               arena_printf(http_req_arena(r), "%s/v1/Content?PageSize=%lld&Page=%lld",
                            sb->public_url, (long long)size, (long long)page + 1));
    } else {
        jw_null(&w, "next_page_url");
    }
    jw_close(&w, '}');
    jw_close(&w, '}');
    twilio_answer(sb, r, 200, buf_str(&b));
    buf_fini(&b);
}

static void on_reviewed(void *ctx, int64_t arg)
{
    struct sandbox *sb = ctx;

    for (size_t i = 0; i < sb->contents->n; i++) {
        struct content *c = sb->contents->v[i];

        if (c->created_ms == arg && strcmp(c->approval, "received") == 0) {
            c->approval = "approved";
        }
    }
}

static void submit(struct sandbox *sb, struct http_req *r, struct content *c)
{
    struct json *spec = NULL;
    struct str name;

    if (!json_parse(http_req_body(r), 65536, &spec, NULL) ||
        (name = json_get_str(spec, "name")).n == 0 || json_get_str(spec, "category").n == 0) {
        twilio_refuse(sb, r, 400, 20001, "name and category are required");
    } else if (strcmp(c->approval, "unsubmitted") != 0) {
        twilio_refuse(sb, r, 400, 92009, "The content was already submitted for approval");
    } else if (json_get(json_get(c->spec, "types"), "twilio/list-picker") != NULL) {
        twilio_refuse(sb, r, 400, 92008, "list-picker cannot be submitted for approval");
    } else {
        set_text(&c->approval_name, name);
        set_text(&c->approval_category, json_get_str(spec, "category"));
        c->approval = "received";
        if (sb->timing.review_ms >= 0) {
            sched_in(sb->sched, sb->timing.review_ms, on_reviewed, sb, c->created_ms);
        }
        reply(sb, r, 201, c, fill_created);
    }
    json_free(&spec);
}

void twilio_content(struct sandbox *sb, struct http_req *r, struct number *account, struct str rest)
{
    bool post = str_eqz(http_req_method(r), "POST");
    struct str sid, sub;
    struct content *c;

    if (rest.n == 0 && post) {
        create(sb, r, account);
        return;
    }
    if (rest.n == 0) {
        list(sb, r, account);
        return;
    }
    str_cut(rest, '/', &sid, &sub);
    c = content_find(sb->contents, sid);
    if (c == NULL || strcmp(c->account, account->account) != 0) {
        twilio_refuse(sb, r, 404, 20404, "The requested resource %.*s was not found",
                      STR_ARG(http_req_path(r)));
    } else if (str_eqz(sub, "ApprovalRequests/whatsapp") && post) {
        submit(sb, r, c);
    } else if (str_eqz(sub, "ApprovalRequests")) {
        reply(sb, r, 200, c, fill_approval);
    } else if (sub.n == 0 && str_eqz(http_req_method(r), "DELETE")) {
        content_remove(sb->contents, c);
        twilio_answer(sb, r, 204, STR(""));
    } else {
        reply(sb, r, 200, c, content_json);
    }
}
