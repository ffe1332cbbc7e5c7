/* /{waba}/message_templates and /{template id}. */
#include "meta_template.h"

static void created(struct sandbox *sb, struct http_req *r, const struct template *t)
{
    meta_answer(sb, r,
                arena_printf(http_req_arena(r),
                             "{\"id\":\"%s\",\"status\":\"%s\",\"category\":\"%s\"}", t->id,
                             t->status, t->category));
}

static void create(struct sandbox *sb, struct http_req *r, struct str waba)
{
    const char *account = arena_dup(http_req_arena(r), waba).p;
    struct json *spec = NULL;
    struct err err = {0};
    int64_t subcode = 0;
    struct template *t;

    if (!json_parse(http_req_body(r), 1 << 20, &spec, &err)) {
        meta_refuse(sb, r, 0, 100, 0, "The body is not valid JSON: %s", err.msg);
        return;
    }
    t = template_add(sb, account, spec, &subcode, &err);
    if (t != NULL) {
        created(sb, r, t);
    } else {
        meta_refuse(sb, r, 0, 100, subcode, "%s", err.msg);
    }
    json_free(&spec);
}

static bool listed(const struct template *t, struct str waba, const struct pairs *q)
{
    struct str name = pairs_get(q, STR("name")), status = pairs_get(q, STR("status"));
    struct str language = pairs_get(q, STR("language")), category = pairs_get(q, STR("category"));

    return str_eqz(waba, t->waba) && (name.n == 0 || str_find(str_of(t->name), name) != SIZE_MAX) &&
           (status.n == 0 || str_ieq(status, str_of(t->status))) &&
           (language.n == 0 || str_eqz(language, t->language)) &&
           (category.n == 0 || str_ieq(category, str_of(t->category)));
}

static void paging(struct sandbox *sb, struct http_req *r, struct jw *w, size_t from, size_t to,
                   bool more, int64_t limit)
{
    jw_open(w, "paging", '{');
    jw_open(w, "cursors", '{');
    jw_str(w, "before", arena_printf(http_req_arena(r), "QVFI%zu", from));
    jw_str(w, "after", arena_printf(http_req_arena(r), "QVFI%zu", to));
    jw_close(w, '}');
    if (more) {
        jw_str(w, "next",
               arena_printf(http_req_arena(r), "%s%.*s?limit=%lld&after=QVFI%zu", sb->public_url,
                            STR_ARG(http_req_path(r)), (long long)limit, to));
    }
    jw_close(w, '}');
}

static void list(struct sandbox *sb, struct http_req *r, struct str waba)
{
    const struct pairs *q = http_req_params(r);
    struct str after = pairs_get(q, STR("after"));
    int64_t limit = 25, from = 0, seen = 0, shown = 0;
    bool more = false;
    struct buf b;
    struct jw w;

    str_to_i64(pairs_get(q, STR("limit")), 1, 1000, &limit);
    if (after.n > 0 && (!str_starts(after, STR("QVFI")) ||
                        !str_to_i64(str_slice(after, 4, after.n), 0, INT32_MAX, &from))) {
        meta_refuse(sb, r, 0, 131059, 0, "Param after is not a valid cursor.");
        return;
    }
    buf_init(&b, 16u << 20);
    jw_init(&w, &b);
    jw_open(&w, NULL, '{');
    jw_open(&w, "data", '[');
    for (size_t i = 0; i < template_count(sb->templates); i++) {
        const struct template *t = template_at(sb->templates, i);

        if (!listed(t, waba, q) || seen++ < from) {
            continue;
        }
        if (shown == limit) {
            more = true;
            break;
        }
        template_json(t, &w);
        shown++;
    }
    jw_close(&w, ']');
    paging(sb, r, &w, (size_t)from, (size_t)(from + shown), more, limit);
    jw_close(&w, '}');
    meta_answer(sb, r, buf_str(&b));
    buf_fini(&b);
}

static void remove_by_name(struct sandbox *sb, struct http_req *r, struct str waba)
{
    const struct pairs *q = http_req_params(r);
    struct str name = pairs_get(q, STR("name")), id = pairs_get(q, STR("hsm_id"));
    size_t removed = 0;

    for (size_t i = template_count(sb->templates); i-- > 0;) {
        struct template *t = template_at(sb->templates, i);

        if (str_eqz(waba, t->waba) && str_eqz(name, t->name) && (id.n == 0 || str_eqz(id, t->id))) {
            template_remove(sb->templates, t);
            removed++;
        }
    }
    if (removed == 0) {
        meta_refuse(sb, r, 0, 100, 2593002, "Message template was not found.");
        return;
    }
    meta_answer(sb, r, STR("{\"success\":true}"));
}

void meta_templates(struct sandbox *sb, struct http_req *r, struct str waba)
{
    if (str_eqz(http_req_method(r), "POST")) {
        create(sb, r, waba);
    } else if (str_eqz(http_req_method(r), "DELETE")) {
        remove_by_name(sb, r, waba);
    } else {
        list(sb, r, waba);
    }
}

void meta_template_node(struct sandbox *sb, struct http_req *r, struct template *t)
{
    struct json *spec = NULL;
    struct err err = {0};
    int64_t subcode = 0;
    struct buf b;
    struct jw w;

    if (str_eqz(http_req_method(r), "POST")) {
        if (!json_parse(http_req_body(r), 1 << 20, &spec, &err) ||
            !template_edit(sb, t, json_get(spec, "components"), &subcode, &err)) {
            meta_refuse(sb, r, 0, 100, subcode, "%s", err.msg);
        } else {
            meta_answer(sb, r, STR("{\"success\":true}"));
        }
        json_free(&spec);
        return;
    }
    buf_init(&b, 1 << 20);
    jw_init(&w, &b);
    template_json(t, &w);
    meta_answer(sb, r, buf_str(&b));
    buf_fini(&b);
}
