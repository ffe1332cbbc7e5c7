/* POST /{phone_number_id}/messages: judge, count, accept. */
#include "events.h"
#include "group.h"
#include "link.h"
#include "meta.h"
#include "status.h"

#define EXTRA_MAX (256u << 10)

/* {"status":"read","message_id":…}: blue ticks for the person, perhaps "typing…" too. */
static void receipt(struct sandbox *sb, struct http_req *r, struct number *n,
                    const struct json *body)
{
    struct str id = json_get_str(body, "message_id");
    struct entry *e = ledger_find(sb->ledger, id);

    if (!str_eqz(json_get_str(body, "messaging_product"), "whatsapp")) {
        meta_refuse(sb, r, 0, 100, 0, "The parameter messaging_product is required.");
        return;
    }
    if (!str_eqz(json_get_str(body, "status"), "read")) {
        meta_refuse(sb, r, 0, 100, 0, "Param status must be one of {READ}.");
        return;
    }
    if (e == NULL || !e->inbound || e->number != n) {
        meta_refuse(sb, r, 0, 131009, 0, "Message id '%.*s' was not received by this number.",
                    STR_ARG(str_slice(id, 0, 80)));
        return;
    }
    e->step_us[STEP_READ] = wall_us();
    events_status(sb, e);
    if (json_kind(json_get(body, "typing_indicator")) == JSON_OBJECT) {
        events_typing(sb, n, e->phone, e->id);
    }
    meta_answer(sb, r, STR("{\"success\":true}"));
}

/* The person behind the address; a user id shows as the phone number we know for it. */
static void settle_phone(struct draft *d)
{
    struct phone *p = d->group == NULL ? phone_need(d->sb, d->phone) : NULL;

    if (p != NULL && d->by_bsuid) {
        d->phone = phone_address(p);
    }
}

static bool over_limits(struct sandbox *sb, struct http_req *r, struct draft *d)
{
    struct number *n = d->number;

    if (n->rate_per_second > 0 &&
        (int64_t)rate_count(&n->second, wall_us()) >= n->rate_per_second) {
        meta_refuse(sb, r, 0, 130429, 2494055, "Cloud API message throughput has been reached.");
        return true;
    }
    if (!d->template && !pair_window_open(sb, n, d->phone)) {
        meta_refuse(sb, r, 0, 131047, 0, "%s", "");
        return true;
    }
    if (!pair_take(sb, pair_need(sb, n, d->phone))) {
        meta_refuse(sb, r, 0, 131056, 0, "%s", "");
        return true;
    }
    return false;
}

static void accept(struct sandbox *sb, struct http_req *r, struct draft *d)
{
    struct entry proto = {.number = d->number,
                          .wire_us = wall_us(),
                          .id = id_wamid(sb, d->arena, d->phone, false),
                          .phone = d->phone,
                          .kind = d->kind,
                          .text = d->text,
                          .correlation = d->correlation,
                          .quote = d->quote,
                          .extra = buf_str(&d->extra),
                          .category = d->category,
                          .group = d->group != NULL ? d->phone : STR_NONE};
    struct entry *e = ledger_add(sb->ledger, &proto);
    const struct group *group = d->group;
    struct answer a = {.status = 200, .content_type = "application/json; charset=UTF-8"};
    struct buf body;
    struct jw w;

    buf_init(&body, 8192);
    jw_init(&w, &body);
    jw_open(&w, NULL, '{');
    jw_z(&w, "messaging_product", "whatsapp");
    jw_open(&w, "contacts", '[');
    jw_open(&w, NULL, '{');
    jw_str(&w, "input", d->to);
    if (d->by_bsuid) {
        jw_str(&w, "user_id", d->to);
    } else {
        jw_str(&w, "wa_id", d->group != NULL ? d->phone : str_slice(d->phone, 1, SIZE_MAX));
    }
    jw_close(&w, '}');
    jw_close(&w, ']');
    jw_open(&w, "messages", '[');
    jw_open(&w, NULL, '{');
    jw_str(&w, "id", e->id);
    if (d->group != NULL) {
        jw_str(&w, "group_id", d->phone);
    }
    if (d->template) {
        jw_z(&w, "message_status", "accepted");
    }
    jw_close(&w, '}');
    jw_close(&w, ']');
    jw_close(&w, '}');
    a.body = buf_str(&body);
    a.fields[a.nfields++] = (struct http_field){"facebook-api-version", STR("v23.0")};
    events_message(sb, e);
    if (d->fetch.n > 0) {
        link_fetch(sb, e, d->fetch); /* first: the request's memory goes with its answer */
    }
    answer_accepted(sb, r, DIALECT_META, e, &a);
    status_begin(sb, e);
    if (group != NULL) {
        group_deliver(sb, group, e);
    }
    buf_fini(&body);
}

static void judge(struct sandbox *sb, struct http_req *r, struct draft *d)
{
    const struct trigger *t;

    d->arena = http_req_arena(r);
    buf_init(&d->extra, EXTRA_MAX);
    jw_init(&d->w, &d->extra);
    if (!meta_check(d)) {
        meta_refuse(sb, r, 0, d->code, d->subcode, "%s", d->details);
        return;
    }
    settle_phone(d);
    t = fault_hit(sb, FAULT_ERROR, DIALECT_META, d->phone);
    if (t != NULL) {
        meta_refuse_trigger(sb, r, t);
        return;
    }
    if (!over_limits(sb, r, d)) {
        accept(sb, r, d);
    }
}

static void send_now(struct sandbox *sb, struct http_req *r, struct number *n)
{
    struct json *body = NULL;
    struct err err = {0};
    struct draft d = {.sb = sb, .number = n};

    if (answer_fault_before(sb, r, DIALECT_META)) {
        return;
    }
    if (!json_parse(http_req_body(r), 1 << 20, &body, &err)) {
        meta_refuse(sb, r, 0, 100, 0, "The body is not valid JSON: %s", err.msg);
        return;
    }
    if (json_kind(json_get(body, "status")) != JSON_NONE) {
        receipt(sb, r, n, body);
    } else {
        d.body = body;
        judge(sb, r, &d);
        buf_fini(&d.extra);
    }
    json_free(&body);
}

void meta_send(struct sandbox *sb, struct http_req *r, struct number *n)
{
    answer_after_wait(sb, r, n, send_now);
}
