/* POST Messages.json: judge, count, accept. Channel trouble (63xxx) comes later, by status
 * callback. */
#include "events.h"
#include "link.h"
#include "status.h"
#include "twilio.h"

#define BODY_CHARS_MAX 1600
#define EXTRA_MAX      (64u << 10)
#define QUEUE_MS_MAX   (4 * 3600 * 1000LL)

/* A send being judged. */
struct order {
    struct sandbox *sb;
    struct http_req *req;
    struct arena *arena;
    struct pairs form;
    struct number *account, *number;
    struct str from, phone, sms_from, service, body, kind, text, media, correlation, callback;
    const struct content *content;
    int64_t trouble; /* of the content, told later */
    struct buf extra;
    struct jw w;
};

static bool refuse(struct order *o, int64_t code, const char *why)
{
    twilio_refuse(o->sb, o->req, 400, code, "%s", why);
    return false;
}

static struct str get(const struct order *o, const char *name)
{
    return pairs_get(&o->form, str_of(name));
}

static bool is_bsuid(struct str s)
{
    return s.n > 3 && s.n < 160 && s.p[2] == '.' && s.p[0] >= 'A' && s.p[0] <= 'Z' &&
           s.p[1] >= 'A' && s.p[1] <= 'Z';
}

static bool check_to(struct order *o)
{
    struct str to = get(o, "To");

    o->from = get(o, "From");
    if (to.n == 0) {
        return refuse(o, 21604, "A 'To' phone number is required.");
    }
    if (str_starts(to, STR("whatsapp:")) != str_starts(o->from, STR("whatsapp:")) &&
        o->from.n > 0) {
        return refuse(o, 21910,
                      "Invalid From and To pair. From and To should be of the same channel");
    }
    o->phone = str_starts(to, STR("whatsapp:")) ? str_slice(to, 9, to.n) : to;
    if (!str_is_e164(o->phone) && !is_bsuid(o->phone)) {
        twilio_refuse(o->sb, o->req, 400, 21211,
                      "The 'To' number %.*s is not a valid phone number.",
                      STR_ARG(str_slice(to, 0, 60)));
        return false;
    }
    return true;
}

static bool check_from(struct order *o)
{
    struct str from = o->from;

    o->service = get(o, "MessagingServiceSid");
    if (from.n == 0 && o->service.n == 0) {
        return refuse(o, 21603, "A 'From' phone number is required.");
    }
    if (o->service.n > 0 && (o->service.n != 34 || !str_starts(o->service, STR("MG")))) {
        return refuse(o, 21701, "The Messaging Service does not exist.");
    }
    if (o->service.n > 0) {
        jw_str(&o->w, "service", o->service);
    }
    if (from.n == 0) {
        o->number = o->account; /* the service has one sender: the account's */
        return true;
    }
    if (str_starts(from, STR("whatsapp:"))) {
        from = str_slice(from, 9, from.n);
    } else {
        o->sms_from = from; /* the account has whatever number the gateway is told to use */
        o->number = o->account;
    }
    if (!str_is_e164(from)) {
        return refuse(o, 21212, "The 'From' number is not a valid phone number.");
    }
    if (o->sms_from.n > 0) {
        return !str_eq(o->phone, from) ||
               refuse(o, 21266, "'To' and 'From' number cannot be the same");
    }
    o->number = number_by_e164(o->sb, DIALECT_TWILIO, from);
    if (o->number == NULL || strcmp(o->number->account, o->account->account) != 0) {
        return refuse(o, 63007, "Twilio could not find a Channel with the specified From address");
    }
    if (str_eqz(o->phone, o->number->e164)) {
        return refuse(o, 63031, "Channels message cannot have same From and To");
    }
    return true;
}

static bool check_callback(struct order *o)
{
    struct str name, value, rest, host;
    struct err err = {0};
    size_t q;

    o->callback = get(o, "StatusCallback");
    if (o->callback.n == 0) {
        return true;
    }
    rest = str_slice(o->callback, str_find(o->callback, STR("://")), o->callback.n);
    str_cut(str_slice(rest, 3, rest.n), '/', &host, &value);
    if (!http_url_check(o->callback, false, &err) || str_find_char(host, '_', 0) != SIZE_MAX) {
        return refuse(o, 21609, "The 'StatusCallback' URL is not a valid URL.");
    }
    q = str_find_char(o->callback, '?', 0);
    if (q != SIZE_MAX) {
        /* What identifies the message is the gateway's to choose; we take its first parameter. */
        struct pairs query;

        if (form_parse(o->arena, str_slice(o->callback, q + 1, o->callback.n), &query, &err) &&
            query.n > 0) {
            name = pairs_get(&query, STR("mid"));
            o->correlation = name.n > 0 ? name : query.v[0].value;
        }
    }
    return true;
}

static bool check_content(struct order *o)
{
    struct str sid = get(o, "ContentSid"), vars_text = get(o, "ContentVariables");
    struct json *vars = NULL;
    int64_t code = 0;
    bool ok;

    if (o->body.n > 0 || get(o, "MediaUrl").n > 0) {
        return refuse(o, 21622, "ContentSid replaces Body and MediaUrl; omit both.");
    }
    o->content = content_find(o->sb->contents, sid);
    if (o->content == NULL || strcmp(o->content->account, o->account->account) != 0) {
        return refuse(o, 21655, "The ContentSid is invalid.");
    }
    if (vars_text.n > 0 &&
        (!json_parse(vars_text, 262144, &vars, NULL) || json_kind(vars) != JSON_OBJECT)) {
        json_free(&vars);
        return refuse(o, 21656, "The Content Variables parameter is invalid.");
    }
    ok = content_render(o->arena, o->content, vars, &o->kind, &o->text, &o->w, &code);
    json_free(&vars);
    o->trouble = code;
    return ok || refuse(o, code, "The Content Variables parameter is invalid.");
}

static bool check_location(struct order *o, struct str action)
{
    struct str head, label, lat, lon;
    double y = 0, x = 0;

    str_cut(str_slice(action, 4, action.n), '|', &head, &label);
    str_cut(head, ',', &lat, &lon);
    if (!str_starts(action, STR("geo:")) || !str_to_double(lat, &y) || !str_to_double(lon, &x) ||
        y < -90 || y > 90 || x < -180 || x > 180) {
        return refuse(o, 63005, "The PersistentAction is not a valid location.");
    }
    o->kind = STR("location");
    jw_open(&o->w, "location", '{');
    jw_real(&o->w, "latitude", y);
    jw_real(&o->w, "longitude", x);
    jw_str(&o->w, "name", o->body);
    jw_str(&o->w, "address", label);
    jw_close(&o->w, '}');
    return true;
}

static bool check_media(struct order *o)
{
    struct err err = {0};
    size_t n = 0;

    for (size_t i = 0; i < o->form.n; i++) {
        n += str_eqz(o->form.v[i].name, "MediaUrl") ? 1 : 0;
    }
    if (n > 10) {
        return refuse(o, 21623, "Number of media files exceeds allowed limit");
    }
    o->media = get(o, "MediaUrl");
    if (!http_url_check(o->media, false, &err)) {
        return refuse(o, 21620, "Invalid media URL(s)");
    }
    o->kind = STR("media");
    jw_open(&o->w, "media", '{');
    jw_z(&o->w, "kind", "file");
    jw_str(&o->w, "link", o->media);
    jw_close(&o->w, '}');
    return true;
}

static bool check_what(struct order *o)
{
    struct str action = get(o, "PersistentAction");

    o->body = get(o, "Body");
    o->kind = STR("text");
    o->text = o->body;
    if (str_utf8_len(o->body) > BODY_CHARS_MAX) {
        return refuse(o, 21617, "The concatenated message body exceeds the 1600 character limit.");
    }
    if (get(o, "ContentSid").n > 0) {
        return check_content(o);
    }
    if (get(o, "MediaUrl").n > 0) {
        return check_media(o);
    }
    if (o->body.n == 0) {
        return refuse(o, 21602, "Message body is required.");
    }
    return action.n == 0 || check_location(o, action);
}

static bool check_rest(struct order *o)
{
    struct str validity = get(o, "ValidityPeriod"), schedule = get(o, "ScheduleType");
    int64_t seconds = 0;
    struct wall at = {0};

    if (validity.n > 0 && !str_to_i64(validity, 1, 36000, &seconds)) {
        return refuse(o, 21624, "The ValidityPeriod must be from 1 to 36000.");
    }
    if (schedule.n > 0) {
        if (o->service.n == 0) {
            return refuse(o, 35118, "MessagingServiceSid is required to schedule a message");
        }
        if (!wall_parse(get(o, "SendAt"), &at) || at.ms < wall_now().ms + 15 * 60000 ||
            at.ms > wall_now().ms + 35LL * 86400000) {
            return refuse(o, 35114, "SendAt time must be between 15 minutes and 35 days from now.");
        }
    }
    return true;
}

/* Why the channel will not take it, found out after Twilio has: 0 when it will. */
static int64_t channel_trouble(struct order *o)
{
    bool approved = o->content != NULL && strcmp(o->content->approval, "approved") == 0;

    if (o->trouble != 0 || o->sms_from.n > 0) {
        return o->trouble;
    }
    if (!approved && !pair_window_open(o->sb, o->number, o->phone)) {
        return 63016;
    }
    return pair_take(o->sb, pair_need(o->sb, o->number, o->phone)) ? 0 : 63018;
}

static void accept(struct order *o)
{
    bool rich = o->media.n > 0 || o->content != NULL;
    struct entry proto = {.number = o->number,
                          .wire_us = wall_us(),
                          .id = id_sid(o->sb, o->arena, rich ? "MM" : "SM"),
                          .phone = o->phone,
                          .sms_from = o->sms_from,
                          .kind = o->kind,
                          .text = o->text,
                          .correlation = o->correlation,
                          .callback = o->callback,
                          .extra = buf_str(&o->extra),
                          .category = STR("service"),
                          .service = o->service.n > 0,
                          .scheduled = get(o, "ScheduleType").n > 0,
                          .fails_with = channel_trouble(o)};
    struct entry *e = ledger_add(o->sb->ledger, &proto);
    struct answer a = {.status = 201, .content_type = "application/json; charset=utf-8"};
    struct buf body;
    struct jw w;

    buf_init(&body, 65536);
    jw_init(&w, &body);
    twilio_message_json(e, &w);
    a.body = buf_str(&body);
    a.fields[a.nfields++] = (struct http_field){"Twilio-Concurrent-Requests", STR("1")};
    events_message(o->sb, e);
    if (o->media.n > 0) {
        link_fetch(o->sb, e, o->media); /* first: the request's memory goes with its answer */
    }
    answer_accepted(o->sb, o->req, DIALECT_TWILIO, e, &a);
    if (!e->scheduled) {
        status_begin(o->sb, e);
    }
    buf_fini(&body);
}

static bool queue_full(struct order *o)
{
    if ((o->number->next_slot_us - mono_now().us) / 1000 > QUEUE_MS_MAX) {
        twilio_refuse(o->sb, o->req, 429, 21611,
                      "This 'From' number has exceeded the maximum number of queued messages");
        return true;
    }
    return false;
}

static void send_now(struct sandbox *sb, struct http_req *r, struct number *account)
{
    struct order o = {.sb = sb, .req = r, .arena = http_req_arena(r), .account = account};
    const struct trigger *t;
    struct err err = {0};

    if (answer_fault_before(sb, r, DIALECT_TWILIO)) {
        return;
    }
    if (sb->concurrency_max > 0 && sb->in_flight >= sb->concurrency_max) {
        twilio_refuse(sb, r, 429, 20429, "Too Many Requests");
        return;
    }
    if (!form_parse(o.arena, http_req_body(r), &o.form, &err)) {
        twilio_refuse(sb, r, 400, 20001, "%s", err.msg);
        return;
    }
    buf_init(&o.extra, EXTRA_MAX);
    jw_init(&o.w, &o.extra);
    if (check_to(&o) && check_from(&o) && check_callback(&o) && check_what(&o) && check_rest(&o)) {
        struct phone *p = phone_need(sb, o.phone);

        o.phone = p != NULL ? phone_address(p) : o.phone;
        t = fault_hit(sb, FAULT_ERROR, DIALECT_TWILIO, o.phone);
        if (t != NULL) {
            twilio_refuse_trigger(sb, r, t);
        } else if (!queue_full(&o)) {
            accept(&o);
        }
    }
    buf_fini(&o.extra);
}

void twilio_send(struct sandbox *sb, struct http_req *r, struct number *account)
{
    answer_after_wait(sb, r, account, send_now);
}
