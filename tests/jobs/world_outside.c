#include "world_int.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

static struct str between(struct arena *a, struct str s, const char *from, const char *end)
{
    size_t at = str_find(s, str_of(from));
    struct str rest;

    if (at == SIZE_MAX) {
        return STR("");
    }
    rest = str_slice(s, at + strlen(from), s.n);
    at = str_find(rest, str_of(end));
    return arena_dup(a, str_slice(rest, 0, at == SIZE_MAX ? rest.n : at));
}

static void answer(struct world *w, struct http_req *r, const struct act *act, const char *usual)
{
    struct http_field field = {"Retry-After", arena_printf(w->a, "%d", act->retry_after_s)};
    struct http_reply reply = {.status = act->status == 0 ? 200 : act->status,
                               .content_type = "application/json",
                               .fields = &field,
                               .nfields = act->retry_after_s > 0 ? 1 : 0};

    if (act->how == HANG) {
        w->hanging[w->nhanging++ % 64] = r;
        http_req_set_user(r, w);
        return;
    }
    if (act->how != ANSWER) {
        http_req_break(r, act->how == HALF
                              ? STR("HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{\"mess")
                              : STR_NONE);
        return;
    }
    reply.body = str_of(act->body != NULL ? act->body : act->status == 0 ? usual : "{}");
    http_reply(r, &reply);
}

const char *world_listed(struct world *w, const char *sid, const char *to, const char *body,
                         const char *status, int ago_s)
{
    time_t t = time(NULL) - ago_s;
    char date[64];
    struct tm tm;

    gmtime_r(&t, &tm);
    strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S +0000", &tm);
    return arena_printf(w->a,
                        "{\"account_sid\":\"AC0123456789abcdef0123456789abcdef\",\"sid\":\"%s\","
                        "\"direction\":\"outbound-api\",\"from\":\"whatsapp:+12025550177\","
                        "\"to\":\"whatsapp:%s\",\"body\":\"%s\",\"status\":\"%s\","
                        "\"num_media\":\"0\",\"error_code\":%s,\"date_created\":\"%s\"}",
                        sid, to, body, status,
                        strcmp(status, "undelivered") == 0 ? "63024"
                        : strcmp(status, "failed") == 0    ? "63016"
                                                           : "null",
                        date)
        .p;
}

static struct post *note(struct world *w, struct http_req *r, struct post *posts, size_t *n)
{
    struct post *p = &posts[*n < POSTS ? *n : POSTS - 1];

    *p = (struct post){.path = arena_dup(w->a, http_req_path(r)),
                       .body = arena_dup(w->a, http_req_body(r)),
                       .at_ms = mono_now().us / 1000};
    ++*n;
    return p;
}

static void on_meta(struct world *w, struct http_req *r)
{
    struct post *p = note(w, r, w->sent, &w->nsent);
    static const struct act good = {0};
    const struct act *act = w->asends < w->nsends ? &w->sends[w->asends++] : &good;

    p->to = arena_printf(w->a, "+%.*s", STR_ARG(between(w->a, p->body, "\"to\":\"+", "\"")));
    p->text = between(w->a, p->body, "\"body\":\"", "\"");
    p->correlation = between(w->a, p->body, "\"biz_opaque_callback_data\":\"", "\"");
    p->id = arena_printf(w->a, "wamid.T%zu", w->nsent);
    p->answered = act->how == ANSWER;
    answer(w, r, act,
           arena_printf(w->a,
                        "{\"messaging_product\":\"whatsapp\",\"messages\":[{\"id\":\"%.*s\"}]}",
                        STR_ARG(p->id))
               .p);
}

static void on_twilio(struct world *w, struct http_req *r)
{
    struct post *p = note(w, r, w->sent, &w->nsent);
    static const struct act good = {0};
    const struct act *act = w->asends < w->nsends ? &w->sends[w->asends++] : &good;
    struct pairs form = {0};
    struct err err = {0};
    struct str callback;

    form_parse(w->a, p->body, &form, &err);
    p->to = pairs_get(&form, STR("To"));
    p->sms = !str_starts(p->to, STR("whatsapp:"));
    p->to = str_slice(p->to, p->sms ? 0 : 9, 100);
    p->text = pairs_get(&form, STR("Body"));
    callback = pairs_get(&form, STR("StatusCallback"));
    p->correlation = between(w->a, callback, "c=", "&");
    p->id = arena_printf(w->a, "SM%032zu", w->nsent);
    p->answered = act->how == ANSWER;
    answer(w, r, act,
           arena_printf(w->a, "{\"sid\":\"%.*s\",\"status\":\"queued\"}", STR_ARG(p->id)).p);
}

static void on_mark(struct world *w, struct http_req *r)
{
    w->nmarked++;
    w->marked = between(w->a, http_req_body(r), "\"message_id\":\"", "\"");
    answer(w, r, &w->mark, "{\"success\":true}");
}

/* Where it is (Meta), or where to go (Twilio); and the file itself. */
static bool on_file(struct world *w, struct http_req *r)
{
    struct str path = http_req_path(r);
    struct str url = arena_printf(w->a, "http://127.0.0.1:%d/file", http_server_port(w->outside));
    struct http_field to = {"Location", url};
    struct http_reply reply = {.status = w->file_status == 0 ? 200 : w->file_status,
                               .content_type = "image/jpeg",
                               .body = w->file};

    if (str_starts(path, STR("/v23.0/5501"))) {
        reply.status = w->place_status == 0 ? 200 : w->place_status;
        reply.body = arena_printf(w->a, "{\"url\":\"%.*s\",\"id\":\"5501\"}", STR_ARG(url));
    } else if (str_find(path, STR("/Media/")) != SIZE_MAX) {
        reply.status = 307;
        reply.fields = &to;
        reply.nfields = 1;
    } else if (!str_eqz(path, "/file")) {
        return false;
    } else {
        w->nfiles++;
        w->nfiles_signed += http_req_header_count(r, STR("Authorization"));
        if (w->file_hangs) {
            w->hanging[w->nhanging++ % 64] = r;
            http_req_set_user(r, w);
            return true;
        }
    }
    http_reply(r, &reply);
    return true;
}

static void on_outside(void *ctx, struct http_req *r)
{
    struct world *w = ctx;
    struct str path = http_req_path(r);
    struct act act = {0};

    if (world_templates(w, r) || on_file(w, r)) {
        return;
    }
    if (str_eqz(http_req_method(r), "GET") && str_ends(path, STR("/Messages.json"))) {
        w->nlists++;
        act.status = w->list_status;
        answer(w, r, &act,
               arena_printf(w->a, "{\"messages\":[%s],\"next_page_uri\":null}",
                            w->list == NULL ? "" : w->list)
                   .p);
    } else if (str_eqz(http_req_method(r), "GET")) {
        w->nprobes++;
        act.status = w->probe_status;
        answer(w, r, &act, "{\"id\":\"1\"}");
    } else if (str_find(http_req_body(r), STR("gateway.system.alert.v1")) != SIZE_MAX) {
        w->nalerts++; /* they come between the others, and are taken */
        answer(w, r, &act, "");
    } else if (str_eqz(path, "/hooks")) {
        note(w, r, w->hooked, &w->nhooked)->id =
            arena_dup(w->a, http_req_header(r, STR("webhook-id")));
        answer(w, r, w->ahooks < w->nhooks ? &w->hooks[w->ahooks++] : &act, "");
    } else if (str_find(http_req_body(r), STR("\"status\":\"read\"")) != SIZE_MAX) {
        on_mark(w, r);
    } else if (str_starts(path, STR("/v23.0/"))) {
        on_meta(w, r);
    } else if (str_find(path, STR("/Messages.json")) != SIZE_MAX) {
        on_twilio(w, r);
    } else { /* Content */
        w->ncontent++;
        usleep((useconds_t)(w->content_stall_ms * 1000));
        w->content_stall_ms = 0;
        act.status = w->content_status == 0 ? 201 : w->content_status;
        act.body =
            act.status == 201 ? arena_printf(w->a, "{\"sid\":\"HX%032zu\"}", w->ncontent).p : "{}";
        answer(w, r, &act, "");
    }
}

static void on_headers(void *ctx, struct http_req *r)
{
    (void)ctx;
    (void)r;
}

static void on_gone(void *ctx, struct http_req *r)
{
    struct world *w = ctx;

    for (size_t i = 0; i < 64; i++) {
        w->hanging[i] = w->hanging[i] == r ? NULL : w->hanging[i];
    }
}

static void on_error(void *ctx, const struct err *err, struct buf *headers, struct buf *body)
{
    (void)ctx;
    (void)headers;
    buf_addz(body, err->msg);
}

const struct http_handler world_outside = {on_headers, on_outside, on_gone, on_error};
