/*
 * Twilio's own list of messages; see the header.
 *
 * Source: Twilio, "Messages resource", "Read multiple messages": dates are RFC 2822, filters go by
 * day, next_page_uri is relative. A tapped button's payload, a place and the referral are not in
 * the list.
 */
#include "providers/twilio_messages.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/text.h"
#include "twilio_int.h"

#define PAGE_SIZE      100
#define CLOCK_SLACK_MS 5000  /* their clock behind ours */
#define LATEST_MS      60000 /* a send that took longer has ended in a timeout of its own */

static void get(struct arena *a, const struct sender *s, struct str path, struct outgoing *out)
{
    *out = (struct outgoing){
        .method = "GET", .basic_user = s->account_sid, .basic_password = s->auth_token};
    out->url = arena_printf(a, "%.*s%.*s", STR_ARG(s->api_base), STR_ARG(path));
}

void twilio_messages_build(struct arena *a, const struct sender *s, struct str person,
                           struct wall since, struct outgoing *out)
{
    char day[WALL_TEXT_BYTES];
    struct buf path;

    buf_init(&path, 4096);
    buf_addf(&path, "/" TWILIO_API_VERSION "/Accounts/%.*s/Messages.json?PageSize=%d",
             STR_ARG(s->account_sid), PAGE_SIZE);
    if (person.n > 0) {
        buf_addz(&path, "&From=whatsapp%3A");
        percent_add(&path, s->number);
        buf_addz(&path, "&To=whatsapp%3A");
        percent_add(&path, person);
    } else {
        buf_addz(&path, "&To=whatsapp%3A");
        percent_add(&path, s->number);
    }
    /* The parameter's name is "DateSent>"; with its '=' it reads "from that day on". */
    buf_addf(&path, "&DateSent%%3E=%.10s", wall_format(since, day));
    get(a, s, buf_str(&path), out);
    buf_fini(&path);
}

/* "Wed, 04 Mar 2026 10:15:00 +0000" by way of RFC 3339. */
static struct wall date_of(struct str s)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct wall t = {0};
    char text[64];
    size_t month;

    if (s.n != 31 || s.p[3] != ',' || s.p[25] != ' ') {
        return t;
    }
    month = str_find(str_of(months), str_slice(s, 8, 11));
    if (month == SIZE_MAX || month % 3 != 0) {
        return t;
    }
    snprintf(text, sizeof(text), "%.4s-%02zu-%.2sT%.8s%.3s:%.2s", s.p + 12, month / 3 + 1, s.p + 5,
             s.p + 17, s.p + 26, s.p + 29);
    return wall_parse(str_of(text), &t) ? t : (struct wall){0};
}

static struct str address(const struct json *m, const char *name)
{
    struct str s = json_get_str(m, name), prefix = STR("whatsapp:");

    return str_starts(s, prefix) ? str_slice(s, prefix.n, s.n) : s;
}

static void take_inbound(struct arena *a, const struct json *m, struct inbound *in)
{
    struct buf raw;

    in->kind = INBOUND_MESSAGE;
    in->event = STR("recovered");
    in->number_id = phone_of(a, address(m, "to"));
    in->type = INBOUND_TEXT;
    if (!str_eqz(json_get_str(m, "num_media"), "0") || in->text.n == 0) {
        in->type = INBOUND_UNSUPPORTED;
        buf_init(&raw, ANSWER_BYTES_MAX);
        json_dump(m, &raw);
        in->raw = buf_to_arena(a, &raw);
    }
}

static void take_outbound(struct arena *a, const struct json *m, struct inbound *in)
{
    in->kind = INBOUND_STATUS;
    in->number_id = phone_of(a, address(m, "from"));
    in->event = arena_dup(a, json_get_str(m, "status"));
    in->state = twilio_state(in->event);
    in->error.code = json_get_int(m, "error_code", 0);
    in->error.details = arena_dup(a, json_get_str(m, "error_message"));
}

static void take(struct arena *a, const struct json *m, struct inbound *in)
{
    bool inbound = str_eqz(json_get_str(m, "direction"), "inbound");
    struct str person = address(m, inbound ? "from" : "to");

    in->account = arena_dup(a, json_get_str(m, "account_sid"));
    in->provider_id = arena_dup(a, json_get_str(m, "sid"));
    in->phone = phone_of(a, person);
    in->bsuid = bsuid_is(person) ? arena_dup(a, person) : STR_NONE;
    in->text = arena_dup(a, json_get_str(m, "body"));
    in->at = date_of(json_get_str(m, "date_created"));
    if (inbound) {
        take_inbound(a, m, in);
    } else {
        take_outbound(a, m, in);
    }
}

/* The page to come must be one of this account's lists: it is called with the account's password.
 */
static void next_page(struct arena *a, const struct sender *s, const struct json *j,
                      struct outgoing *next)
{
    struct str uri = json_get_str(j, "next_page_uri");
    struct str prefix = arena_printf(a, "/" TWILIO_API_VERSION "/Accounts/%.*s/Messages.json?",
                                     STR_ARG(s->account_sid));

    *next = (struct outgoing){0};
    if (str_starts(uri, prefix)) {
        get(a, s, uri, next);
    }
}

bool twilio_messages_parse(struct arena *a, const struct sender *s, int status, struct str body,
                           struct inbound_batch *out, struct outgoing *next, struct err *err)
{
    struct inbound_batch batch = {0};
    const struct json *list;
    struct json *j = NULL;
    struct outcome o;
    size_t cap = 0;

    if (status == 200 && json_parse(body, ANSWER_BYTES_MAX, &j, NULL)) {
        list = json_get(j, "messages");
        for (size_t i = 0; i < json_len(list); i++) {
            const struct json *m = json_at(list, i);
            struct inbound *in;

            if (json_get_str(m, "sid").n > 0 && (in = batch_add(a, &batch, &cap)) != NULL) {
                take(a, m, in);
            }
        }
    }
    if (json_kind(json_get(j, "messages")) != JSON_ARRAY) {
        json_free(&j);
        provider_twilio.outcome(a, status, body, 0, NULL, &o);
        return err_set(err,
                       o.cls == OUTCOME_SENDER_STOPPED || o.cls == OUTCOME_REFUSED
                           ? ERR_PROVIDER
                           : ERR_NET_NOT_SENT,
                       "provider answered %d: %.*s", status, STR_ARG(o.title));
    }
    next_page(a, s, j, next);
    json_free(&j);
    *out = batch;
    return true;
}

/* The next byte that counts: not a blank, and none of the marks that we put around header and
 * footer. */
static size_t step(struct str s, size_t i)
{
    while (i < s.n && strchr(" \t\r\n*_", s.p[i]) != NULL && s.p[i] != '\0') {
        i++;
    }
    return i;
}

static bool same_words(struct str a, struct str b)
{
    size_t i = step(a, 0), k = step(b, 0);

    while (i < a.n && k < b.n && a.p[i] == b.p[k]) {
        i = step(a, i + 1);
        k = step(b, k + 1);
    }
    return i >= a.n && k >= b.n;
}

bool twilio_messages_same(const struct inbound *item, const struct message *m, struct wall sent)
{
    struct buf whole;
    bool same;

    if (item->kind != INBOUND_STATUS || item->at.ms < sent.ms - CLOCK_SLACK_MS ||
        item->at.ms > sent.ms + LATEST_MS) {
        return false;
    }
    if (!(m->phone.n > 0 ? str_eq(item->phone, m->phone) : str_eq(item->bsuid, m->bsuid))) {
        return false;
    }
    /* What a template or a place looks like is known to Twilio only: person and minute must do. */
    if (m->kind == MESSAGE_TEMPLATE || m->kind == MESSAGE_LOCATION) {
        return true;
    }
    buf_init(&whole, 8 * TWILIO_BODY_MAX);
    twilio_whole_text(m, &whole);
    same = same_words(item->text, buf_str(&whole));
    buf_fini(&whole);
    return same;
}
