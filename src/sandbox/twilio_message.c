/* Reading messages back: one, a list, their media; redacting and deleting. */
#include <stdio.h>
#include <time.h>

#include "media.h"
#include "twilio.h"

static struct str rfc2822(char out[40], int64_t us)
{
    time_t t = (time_t)(us / 1000000);
    struct tm tm;

    gmtime_r(&t, &tm);
    return str_make(out, strftime(out, 40, "%a, %d %b %Y %H:%M:%S +0000", &tm));
}

static const char *word(const struct entry *e)
{
    static const char *const words[] = {"queued", "sent", "delivered", "read", "failed"};

    if (e->inbound || e->canceled || entry_step(e) == STEP_NONE) {
        return e->inbound     ? "received"
               : e->canceled  ? "canceled"
               : e->scheduled ? "scheduled"
               : e->service   ? "accepted"
                              : "queued";
    }
    return entry_step(e) == STEP_FAILED && e->error_code != 63016 &&
                   (e->error_code >= 63000 || e->sms_from.n > 0)
               ? "undelivered"
               : words[entry_step(e)];
}

static void channel(struct jw *w, const char *name, bool sms, struct str who)
{
    char text[256];
    int n = snprintf(text, sizeof(text), "%s%.*s",
                     sms ? "" : "whatsapp:", STR_ARG(str_slice(who, 0, 200)));

    jw_str(w, name, str_make(text, (size_t)n));
}

static struct str ours_of(const struct entry *e)
{
    return e->sms_from.n > 0 ? e->sms_from : str_of(e->number->e164);
}

/* Kept among the extra members: few messages have one. */
static struct str service_of(const struct entry *e)
{
    size_t at = str_find(e->extra, STR("\"service\":\""));

    return at == SIZE_MAX ? STR("") : str_slice(e->extra, at + 11, at + 45);
}

static void price(struct jw *w, const struct entry *e)
{
    if (!e->inbound && e->step_us[STEP_DELIVERED] != 0) {
        jw_z(w, "price", "-0.00500");
        jw_z(w, "price_unit", "USD");
    } else {
        jw_null(w, "price");
        jw_null(w, "price_unit");
    }
}

void twilio_message_json(const struct entry *e, struct jw *w)
{
    const char *ac = e->number->account;
    bool media = str_find(e->extra, STR("\"media\":{")) != SIZE_MAX, sms = e->sms_from.n > 0;
    int64_t sent = e->inbound ? e->wire_us : e->step_us[STEP_SENT];
    char date[40], uri[160];

    jw_open(w, NULL, '{');
    jw_z(w, "account_sid", ac);
    jw_z(w, "api_version", "2010-04-01");
    jw_str(w, "body", e->text);
    jw_str(w, "date_created", rfc2822(date, e->wire_us));
    if (sent != 0) {
        jw_str(w, "date_sent", rfc2822(date, sent));
    } else {
        jw_null(w, "date_sent");
    }
    jw_str(w, "date_updated", rfc2822(date, sent != 0 ? sent : e->wire_us));
    jw_z(w, "direction", e->inbound ? "inbound" : "outbound-api");
    if (e->error_code != 0) {
        jw_int(w, "error_code", e->error_code);
        jw_z(w, "error_message", "Channel provider error");
    } else {
        jw_null(w, "error_code");
        jw_null(w, "error_message");
    }
    if (e->service && entry_step(e) == STEP_NONE) {
        jw_null(w, "from"); /* the service has not chosen its sender yet */
    } else {
        channel(w, "from", sms, e->inbound ? e->phone : ours_of(e));
    }
    if (e->service) {
        jw_str(w, "messaging_service_sid", service_of(e));
    } else {
        jw_null(w, "messaging_service_sid");
    }
    jw_z(w, "num_media", media ? "1" : "0");
    jw_z(w, "num_segments", "1");
    price(w, e);
    jw_str(w, "sid", e->id);
    jw_z(w, "status", word(e));
    jw_open(w, "subresource_uris", '{');
    snprintf(uri, sizeof(uri), "/2010-04-01/Accounts/%s/Messages/%.*s/Media.json", ac,
             STR_ARG(e->id));
    jw_z(w, "media", uri);
    jw_close(w, '}');
    channel(w, "to", sms, e->inbound ? ours_of(e) : e->phone);
    snprintf(uri, sizeof(uri), "/2010-04-01/Accounts/%s/Messages/%.*s.json", ac, STR_ARG(e->id));
    jw_z(w, "uri", uri);
    jw_close(w, '}');
}

struct filter {
    struct str to, from;
    int64_t since_us, until_us;
};

/* DateSent=2026-03-04, DateSent>=…, DateSent<=…; the comparison is part of the name. */
static void filter_dates(const struct pairs *q, struct filter *f)
{
    static const struct {
        const char *name;
        bool since, until;
    } names[] = {
        {"DateSent",  true,  true },
        {"DateSent>", true,  false},
        {"DateSent<", false, true },
    };

    f->since_us = 0;
    f->until_us = INT64_MAX;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct str v = pairs_get(q, str_of(names[i].name));
        struct wall day;

        if (v.n == 0 || !wall_parse(v, &day)) {
            continue;
        }
        if (names[i].since) {
            f->since_us = day.ms * 1000;
        }
        if (names[i].until) {
            /* A bare day means all of it. */
            f->until_us = (day.ms + (v.n <= 10 ? 86400000LL : 0)) * 1000;
        }
    }
}

static bool listed(const struct entry *e, const struct number *account, const struct filter *f)
{
    struct str to = e->inbound ? ours_of(e) : e->phone;
    struct str from = e->inbound ? e->phone : ours_of(e);

    return e->number->dialect == DIALECT_TWILIO &&
           strcmp(e->number->account, account->account) == 0 &&
           (f->to.n == 0 || str_eq(f->to, to)) && (f->from.n == 0 || str_eq(f->from, from)) &&
           e->wire_us >= f->since_us && e->wire_us <= f->until_us;
}

static struct str bare(struct str who)
{
    return str_starts(who, STR("whatsapp:")) ? str_slice(who, 9, who.n) : who;
}

static void list_tail(struct http_req *r, struct jw *w, const char *ac, int64_t page, int64_t size,
                      int64_t shown, bool more)
{
    struct arena *a = http_req_arena(r);
    const char *form = "/2010-04-01/Accounts/%s/Messages.json?PageSize=%lld&Page=%lld%s%.*s";
    struct str token = pairs_get(http_req_params(r), STR("To"));
    struct buf keep;

    buf_init(&keep, 4096);
    if (token.n > 0) {
        percent_add(&keep, token);
    }
    struct str tail = arena_dup(a, buf_str(&keep));
    const char *amp = token.n > 0 ? "&To=" : "";

    buf_fini(&keep);
    jw_int(w, "start", page * size);
    jw_int(w, "end", page * size + (shown > 0 ? shown - 1 : 0));
    jw_int(w, "page", page);
    jw_int(w, "page_size", size);
    jw_str(w, "first_page_uri",
           arena_printf(a, form, ac, (long long)size, 0LL, amp, STR_ARG(tail)));
    jw_str(w, "uri",
           arena_printf(a, form, ac, (long long)size, (long long)page, amp, STR_ARG(tail)));
    if (page > 0) {
        jw_str(w, "previous_page_uri",
               arena_printf(a, form, ac, (long long)size, (long long)page - 1, amp, STR_ARG(tail)));
    } else {
        jw_null(w, "previous_page_uri");
    }
    if (more) {
        jw_str(w, "next_page_uri",
               arena_printf(a, form, ac, (long long)size, (long long)page + 1, amp, STR_ARG(tail)));
    } else {
        jw_null(w, "next_page_uri");
    }
}

void twilio_list(struct sandbox *sb, struct http_req *r, struct number *account)
{
    const struct pairs *q = http_req_params(r);
    struct filter f = {.to = bare(pairs_get(q, STR("To"))),
                       .from = bare(pairs_get(q, STR("From")))};
    int64_t size = 50, page = 0, skip, shown = 0;
    bool more = false;
    struct buf b;
    struct jw w;

    str_to_i64(pairs_get(q, STR("PageSize")), 1, 1000, &size);
    str_to_i64(pairs_get(q, STR("Page")), 0, 100000, &page);
    filter_dates(q, &f);
    skip = page * size;
    buf_init(&b, 8u << 20);
    jw_init(&w, &b);
    jw_open(&w, NULL, '{');
    jw_open(&w, "messages", '[');
    for (int64_t seq = ledger_next(sb->ledger) - 1; seq >= ledger_oldest(sb->ledger); seq--) {
        struct entry *e = ledger_at(sb->ledger, seq);

        if (e == NULL || !listed(e, account, &f) || ledger_find(sb->ledger, e->id) != e ||
            skip-- > 0) {
            continue;
        }
        if (shown == size) {
            more = true;
            break;
        }
        twilio_message_json(e, &w);
        shown++;
    }
    jw_close(&w, ']');
    list_tail(r, &w, account->account, page, size, shown, more);
    jw_close(&w, '}');
    twilio_answer(sb, r, 200, buf_str(&b));
    buf_fini(&b);
}

static void media_json(const struct media *m, struct jw *w)
{
    char date[40], uri[200];

    jw_open(w, NULL, '{');
    jw_z(w, "account_sid", m->number->account);
    jw_z(w, "content_type", m->mime);
    jw_str(w, "date_created", rfc2822(date, wall_us()));
    jw_str(w, "date_updated", rfc2822(date, wall_us()));
    jw_z(w, "parent_sid", m->parent);
    jw_z(w, "sid", m->id);
    snprintf(uri, sizeof(uri), "/2010-04-01/Accounts/%s/Messages/%s/Media/%s.json",
             m->number->account, m->parent, m->id);
    jw_z(w, "uri", uri);
    jw_close(w, '}');
}

/* The real file lives elsewhere: a short-lived address that needs, and takes, no credentials. */
static void media_redirect(struct sandbox *sb, struct http_req *r, const struct media *m)
{
    struct answer a = {.status = 302};

    if (fault_hit(sb, FAULT_MEDIA_404, DIALECT_TWILIO, STR_NONE) != NULL) {
        twilio_refuse(sb, r, 404, 20404, "The requested resource %.*s was not found",
                      STR_ARG(http_req_path(r)));
        return;
    }
    a.fields[a.nfields++] = (struct http_field){
        "Location",
        arena_printf(http_req_arena(r), "%s/cdn/%s/%s?Expires=%lld", sb->public_url, m->parent,
                     m->id, (long long)((wall_now().ms + sb->timing.url_life_ms) / 1000))};
    answer_send(sb, r, &a);
}

static void media_node(struct sandbox *sb, struct http_req *r, struct str parent, struct str rest)
{
    bool json = str_ends(rest, STR(".json"));
    struct str sid = json ? str_slice(rest, 0, rest.n - 5) : rest;
    struct media *m = media_find(sb->media, sid);
    struct buf b;
    struct jw w;

    if (m == NULL || m->parent == NULL || !str_eqz(parent, m->parent)) {
        twilio_refuse(sb, r, 404, 20404, "The requested resource %.*s was not found",
                      STR_ARG(http_req_path(r)));
        return;
    }
    if (str_eqz(http_req_method(r), "DELETE")) {
        media_delete(sb->media, sid);
        twilio_answer(sb, r, 204, STR(""));
        return;
    }
    if (!json) {
        media_redirect(sb, r, m);
        return;
    }
    buf_init(&b, 8192);
    jw_init(&w, &b);
    media_json(m, &w);
    twilio_answer(sb, r, 200, buf_str(&b));
    buf_fini(&b);
}

static void media_list(struct sandbox *sb, struct http_req *r, const struct entry *e)
{
    struct buf b;
    struct jw w;
    struct media *m = NULL;
    size_t at = str_find(e->extra, STR("\"id\":\"ME"));

    if (at != SIZE_MAX) {
        m = media_find(sb->media, str_slice(e->extra, at + 6, at + 40));
    }
    buf_init(&b, 8192);
    jw_init(&w, &b);
    jw_open(&w, NULL, '{');
    jw_open(&w, "media_list", '[');
    if (m != NULL) {
        media_json(m, &w);
    }
    jw_close(&w, ']');
    jw_int(&w, "page", 0);
    jw_int(&w, "page_size", 50);
    jw_null(&w, "next_page_uri");
    jw_close(&w, '}');
    twilio_answer(sb, r, 200, buf_str(&b));
    buf_fini(&b);
}

void twilio_message(struct sandbox *sb, struct http_req *r, struct number *account, struct str path)
{
    struct str sid, rest;
    bool sub = str_cut(path, '/', &sid, &rest);
    struct entry *e;
    struct buf b;
    struct jw w;

    sid = str_ends(sid, STR(".json")) ? str_slice(sid, 0, sid.n - 5) : sid;
    e = ledger_find(sb->ledger, sid);
    if (e == NULL || e->number->dialect != DIALECT_TWILIO ||
        strcmp(e->number->account, account->account) != 0) {
        twilio_refuse(sb, r, 404, 20404, "The requested resource %.*s was not found",
                      STR_ARG(http_req_path(r)));
        return;
    }
    if (sub && str_starts(rest, STR("Media/"))) {
        media_node(sb, r, sid, str_slice(rest, 6, rest.n));
        return;
    }
    if (sub && str_eqz(rest, "Media.json")) {
        media_list(sb, r, e);
        return;
    }
    if (str_eqz(http_req_method(r), "DELETE")) {
        ledger_forget(sb->ledger, sid);
        twilio_answer(sb, r, 204, STR(""));
        return;
    }
    if (str_eqz(http_req_method(r), "POST") && str_eqz(http_req_body(r), "Status=canceled")) {
        if (!e->scheduled) {
            twilio_refuse(sb, r, 400, 30409, "Cannot cancel a message that is not scheduled");
            return;
        }
        e->canceled = true;
    }
    if (str_eqz(http_req_method(r), "POST") && str_starts(http_req_body(r), STR("Body="))) {
        e->text = STR(""); /* redacted; the ledger's copy goes too, as the person's data would */
    }
    buf_init(&b, 65536);
    jw_init(&w, &b);
    twilio_message_json(e, &w);
    twilio_answer(sb, r, 200, buf_str(&b));
    buf_fini(&b);
}
