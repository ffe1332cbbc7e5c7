/*
 * A message as the form of POST /2010-04-01/Accounts/{sid}/Messages.json.
 *
 * Source: Twilio, "Messages resource"; "Typing indicators" for what marks a message as read.
 *
 *   - our correlation travels in the query of StatusCallback: Twilio has no field that comes back,
 *     and a callback may arrive before the answer to the POST is processed.
 *   - ContentVariables are always complete: what is left out is filled with the template's samples
 *     and shown to the person.
 *   - ContentSid replaces Body and MediaUrl.
 *   - an SMS has the same form: numbers without "whatsapp:" in front, a Body.
 */
#include <stdio.h>

#include "base/buf.h"
#include "base/text.h"
#include "twilio_int.h"

static void put(struct buf *form, const char *name, struct str value)
{
    if (form->n > 0) {
        buf_add_char(form, '&');
    }
    buf_addz(form, name);
    buf_add_char(form, '=');
    percent_add(form, value);
}

static void put_address(struct arena *a, struct buf *form, const char *name, struct str address)
{
    put(form, name, arena_printf(a, "whatsapp:%.*s", STR_ARG(address)));
}

static bool put_numbers(struct arena *a, struct buf *form, const struct sender *s,
                        const struct message *m, struct err *err)
{
    if (m->sms) {
        put(form, "To", m->phone);
        put(form, "From", s->sms_from);
        return (m->phone.n > 0 && s->sms_from.n > 0) ||
               refuse(err, "to", "is no number that this sender has an SMS for");
    }
    put_address(a, form, "To", m->phone.n > 0 ? m->phone : m->bsuid);
    if (s->number.n > 0) {
        put_address(a, form, "From", s->number);
    }
    if (s->messaging_service_sid.n > 0) {
        put(form, "MessagingServiceSid", s->messaging_service_sid);
    }
    return true;
}

static void put_content(struct buf *form, const struct message *m)
{
    struct buf variables;

    put(form, "ContentSid", m->template_.content_sid);
    buf_init(&variables, OUTGOING_MAX);
    twilio_content_variables(m, &variables);
    if (variables.n > 2) {
        put(form, "ContentVariables", buf_str(&variables));
    }
    buf_fini(&variables);
}

static void put_location(struct arena *a, struct buf *form, const struct message *m)
{
    struct str action =
        arena_printf(a, "geo:%.6f,%.6f", m->location.latitude, m->location.longitude);
    struct str body = m->location.name;

    if (m->location.address.n > 0) {
        action = arena_printf(a, "%.*s|%.*s", STR_ARG(action), STR_ARG(m->location.address));
    }
    if (body.n == 0) {
        body = m->location.address;
    }
    if (body.n == 0) {
        body = arena_printf(a, "%.6f, %.6f", m->location.latitude, m->location.longitude);
    }
    put(form, "Body", body);
    put(form, "PersistentAction", action);
}

static bool put_message(struct arena *a, struct buf *form, const struct message *m, struct err *err)
{
    struct str text;

    switch (m->kind) {
    case MESSAGE_TEXT:
        put(form, "Body", m->text);
        return true;
    case MESSAGE_BUTTONS:
    case MESSAGE_LIST:
        if (m->template_.content_sid.n > 0) {
            put_content(form, m);
            return true;
        }
        twilio_numbered_text(a, m, STR_NONE, &text);
        put(form, "Body", text);
        return limit_chars(text, "text", 1, TWILIO_BODY_MAX, err);
    case MESSAGE_MEDIA:
        if (m->text.n > 0) {
            put(form, "Body", m->text);
        }
        put(form, "MediaUrl", m->media.url);
        return true;
    case MESSAGE_LOCATION:
        put_location(a, form, m);
        return true;
    case MESSAGE_TEMPLATE:
        if (m->template_.content_sid.n == 0) {
            return refuse(err, "template", "has no Content sid at Twilio");
        }
        put_content(form, m);
        return true;
    case MESSAGE_READ:
    case MESSAGE_REACTION:
        break;
    }
    return refuse(err, "kind", "is not possible over Twilio");
}

static bool put_form(struct arena *a, const struct sender *s, const struct message *m,
                     struct str correlation, struct str callback_base, struct buf *form,
                     struct err *err)
{
    struct buf callback;

    if (m->phone.n == 0 && m->bsuid.n == 0) {
        return refuse(err, "to", "has neither phone nor id");
    }
    if (!put_numbers(a, form, s, m, err) || !put_message(a, form, m, err)) {
        return false;
    }
    if (callback_base.n > 0 && correlation.n > 0) {
        buf_init(&callback, 4096);
        buf_add(&callback, callback_base);
        buf_addz(&callback, TWILIO_STATUS_PATH);
        percent_add(&callback, correlation);
        put(form, "StatusCallback", buf_str(&callback));
        buf_fini(&callback);
    }
    return true;
}

/*
 * The typing indicator lives on the host messaging.twilio.com beside api.twilio.com (also with an
 * edge and a region behind it); any other base, such as a simulator's, serves both.
 */
static struct str typing_url(struct arena *a, struct str api_base)
{
    struct str rest = STR("https://api.");

    if (str_starts(api_base, rest) && str_ends(api_base, STR(".twilio.com"))) {
        return arena_printf(a, "https://messaging.%.*s/v2/Indicators/Typing.json",
                            STR_ARG(str_slice(api_base, rest.n, api_base.n)));
    }
    return arena_printf(a, "%.*s/v2/Indicators/Typing.json", STR_ARG(api_base));
}

bool twilio_build(struct arena *a, const struct sender *s, const struct message *m,
                  struct str correlation, struct str callback_base, struct outgoing *out,
                  struct err *err)
{
    struct buf form;

    if (!twilio_check(m, err)) {
        return false;
    }
    *out = (struct outgoing){
        .method = "POST", .basic_user = s->account_sid, .basic_password = s->auth_token};
    buf_init(&form, OUTGOING_MAX);
    if (m->kind == MESSAGE_READ) {
        /* Reading alone cannot be told: the indicator marks as read and shows "typing". */
        out->url = typing_url(a, s->api_base);
        put(&form, "channel", STR("whatsapp"));
        put(&form, "messageId", m->quoted);
    } else {
        out->url = arena_printf(a, "%.*s/" TWILIO_API_VERSION "/Accounts/%.*s/Messages.json",
                                STR_ARG(s->api_base), STR_ARG(s->account_sid));
        if (!put_form(a, s, m, correlation, callback_base, &form, err)) {
            buf_fini(&form);
            return false;
        }
    }
    out->headers[out->nheaders++] =
        (struct pair){STR("Content-Type"), STR("application/x-www-form-urlencoded")};
    out->headers[out->nheaders++] = (struct pair){STR("Accept"), STR("application/json")};
    out->body = buf_to_arena(a, &form);
    return true;
}
