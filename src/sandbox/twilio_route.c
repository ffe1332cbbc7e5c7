/* Finds what a Twilio path means, and who asks. */
#include <stdio.h>

#include "base/text.h"
#include "events.h"
#include "media.h"
#include "twilio.h"

#define ACCOUNTS "/2010-04-01/Accounts/"

size_t twilio_limit(struct http_req *r)
{
    struct str p = http_req_path(r);

    return str_starts(p, STR(ACCOUNTS)) || str_starts(p, STR("/v1/Content")) ||
                   str_starts(p, STR("/v2/")) || str_starts(p, STR("/v3/")) ||
                   str_starts(p, STR("/cdn/"))
               ? 1 << 20
               : 0;
}

/* The account behind the credentials; NULL after having answered. */
static struct number *authorize(struct sandbox *sb, struct http_req *r, struct str account)
{
    struct str header = http_req_header(r, STR("authorization")), user, secret;
    struct number *n = NULL;
    struct buf b;

    buf_init(&b, 1024);
    if (str_starts(header, STR("Basic ")) && base64_decode(&b, str_slice(header, 6, header.n))) {
        str_cut(buf_str(&b), ':', &user, &secret);
        for (size_t i = 0; i < sb->nnumbers && n == NULL; i++) {
            struct number *k = sb->numbers[i];

            if (k->dialect == DIALECT_TWILIO && str_eqz(user, k->account) &&
                str_eqz(secret, k->token) && (account.n == 0 || str_eqz(account, k->account))) {
                n = k;
            }
        }
    }
    buf_fini(&b);
    if (n == NULL || fault_hit(sb, FAULT_EXPIRED_TOKEN, DIALECT_TWILIO, STR_NONE) != NULL) {
        twilio_refuse(sb, r, 401, 20003, "Authenticate");
        return NULL;
    }
    return n;
}

static void not_found(struct sandbox *sb, struct http_req *r)
{
    twilio_refuse(sb, r, 404, 20404, "The requested resource %.*s was not found",
                  STR_ARG(http_req_path(r)));
}

static void account_get(struct sandbox *sb, struct http_req *r, const struct number *n)
{
    struct buf b;
    struct jw w;

    buf_init(&b, 4096);
    jw_init(&w, &b);
    jw_open(&w, NULL, '{');
    jw_z(&w, "auth_token", n->token);
    jw_z(&w, "date_created", "Wed, 04 Mar 2026 10:15:00 +0000");
    jw_z(&w, "date_updated", "Wed, 04 Mar 2026 10:15:00 +0000");
    jw_z(&w, "friendly_name", n->name);
    jw_z(&w, "owner_account_sid", n->account);
    jw_z(&w, "sid", n->account);
    jw_z(&w, "status", "active");
    jw_open(&w, "subresource_uris", '{');
    jw_str(&w, "messages",
           arena_printf(http_req_arena(r), ACCOUNTS "%s/Messages.json", n->account));
    jw_close(&w, '}');
    jw_z(&w, "type", "Full");
    jw_str(&w, "uri", arena_printf(http_req_arena(r), ACCOUNTS "%s.json", n->account));
    jw_close(&w, '}');
    twilio_answer(sb, r, 200, buf_str(&b));
    buf_fini(&b);
}

static void account_path(struct sandbox *sb, struct http_req *r, struct str rest)
{
    struct str account, path;
    bool sub = str_cut(rest, '/', &account, &path);
    struct number *n;

    if (!sub && str_ends(account, STR(".json"))) {
        account = str_slice(account, 0, account.n - 5);
    }
    n = authorize(sb, r, account);
    if (n == NULL) {
        return;
    }
    if (!sub) {
        account_get(sb, r, n);
    } else if (str_eqz(path, "Messages.json")) {
        if (str_eqz(http_req_method(r), "POST")) {
            twilio_send(sb, r, n);
        } else {
            twilio_list(sb, r, n);
        }
    } else if (str_eqz(path, "Balance.json")) {
        twilio_answer(
            sb, r, 200,
            arena_printf(http_req_arena(r),
                         "{\"account_sid\":\"%s\",\"balance\":\"12.345\",\"currency\":\"USD\"}",
                         n->account));
    } else if (str_starts(path, STR("Messages/"))) {
        twilio_message(sb, r, n, str_slice(path, 9, path.n));
    } else {
        not_found(sb, r);
    }
}

static void sender_json(struct jw *w, const struct number *n)
{
    char text[64];

    jw_open(w, NULL, '{');
    jw_z(w, "sid", n->id);
    jw_z(w, "status", "ONLINE");
    snprintf(text, sizeof(text), "whatsapp:%s", n->e164);
    jw_z(w, "sender_id", text);
    jw_open(w, "webhook", '{');
    jw_z(w, "callback_url", n->inbound_url);
    jw_z(w, "callback_method", "POST");
    jw_z(w, "status_callback_url", n->status_url);
    jw_z(w, "status_callback_method", "POST");
    jw_close(w, '}');
    jw_open(w, "profile", '{');
    jw_z(w, "name", n->name);
    jw_close(w, '}');
    jw_open(w, "properties", '{');
    jw_z(w, "quality_rating", "HIGH");
    jw_z(w, "messaging_limit", n->tier);
    jw_close(w, '}');
    jw_null(w, "offline_reasons");
    jw_close(w, '}');
}

static void senders(struct sandbox *sb, struct http_req *r)
{
    struct number *n = authorize(sb, r, STR_NONE);
    struct buf b;
    struct jw w;

    if (n == NULL) {
        return;
    }
    buf_init(&b, 1 << 20);
    jw_init(&w, &b);
    jw_open(&w, NULL, '{');
    jw_open(&w, "senders", '[');
    for (size_t i = 0; i < sb->nnumbers; i++) {
        if (sb->numbers[i]->dialect == DIALECT_TWILIO &&
            strcmp(sb->numbers[i]->account, n->account) == 0) {
            sender_json(&w, sb->numbers[i]);
        }
    }
    jw_close(&w, ']');
    jw_open(&w, "meta", '{');
    jw_int(&w, "page", 0);
    jw_int(&w, "page_size", 20);
    jw_null(&w, "next_page_url");
    jw_z(&w, "key", "senders");
    jw_close(&w, '}');
    jw_close(&w, '}');
    twilio_answer(sb, r, 200, buf_str(&b));
    buf_fini(&b);
}

static void typing(struct sandbox *sb, struct http_req *r)
{
    struct number *n = authorize(sb, r, STR_NONE);
    struct json *body = NULL;
    struct pairs form = {0};
    struct str channel, sid;
    struct entry *e;

    if (n == NULL) {
        return;
    }
    if (json_parse(http_req_body(r), 65536, &body, NULL)) {
        channel = json_get_str(body, "channel");
        sid = json_get_str(body, "messageId");
    } else {
        form_parse(http_req_arena(r), http_req_body(r), &form, NULL);
        channel = pairs_get(&form, STR("channel"));
        sid = pairs_get(&form, STR("messageId"));
    }
    e = ledger_find(sb->ledger, sid);
    if (!str_ieq(channel, STR("whatsapp")) || e == NULL || !e->inbound) {
        twilio_refuse(sb, r, 400, 20001, "Bad request");
    } else {
        e->step_us[STEP_READ] = wall_us();
        events_status(sb, e);
        events_typing(sb, n, e->phone, e->id);
        twilio_answer(sb, r, 200, STR("{\"success\":true}"));
    }
    json_free(&body);
}

/* The address that a media URL points on to: without credentials, and refusing them. */
static void cdn(struct sandbox *sb, struct http_req *r, struct str rest)
{
    const struct pairs *q = http_req_params(r);
    struct str parent, id;
    struct media *m;
    int64_t until = 0;

    str_cut(rest, '/', &parent, &id);
    m = media_find(sb->media, id);
    if (http_req_header(r, STR("authorization")).n > 0) {
        answer_problem(r, 400, "only one authentication mechanism is allowed");
    } else if (m == NULL || m->parent == NULL || !str_eqz(parent, m->parent) || q == NULL ||
               !str_to_i64(pairs_get(q, STR("Expires")), 0, INT64_MAX, &until) ||
               until < wall_now().ms / 1000) {
        answer_problem(r, 403, "access denied");
    } else {
        media_serve(sb, r, m);
    }
}

bool twilio_route(struct sandbox *sb, struct http_req *r)
{
    struct str p = http_req_path(r);
    struct number *n;

    if (twilio_limit(r) == 0) {
        return false;
    }
    if (str_starts(p, STR(ACCOUNTS))) {
        account_path(sb, r, str_slice(p, sizeof(ACCOUNTS) - 1, p.n));
    } else if (str_starts(p, STR("/cdn/"))) {
        cdn(sb, r, str_slice(p, 5, p.n));
    } else if (str_eqz(p, "/v2/Channels/Senders")) {
        senders(sb, r);
    } else if (str_find(p, STR("Typing")) != SIZE_MAX) {
        typing(sb, r);
    } else if (str_starts(p, STR("/v1/Content"))) {
        n = authorize(sb, r, STR_NONE);
        if (n != NULL) {
            twilio_content(sb, r, n, p.n > 12 ? str_slice(p, 12, p.n) : STR(""));
        }
    } else {
        not_found(sb, r);
    }
    return true;
}
