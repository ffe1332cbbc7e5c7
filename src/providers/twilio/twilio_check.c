/*
 * Twilio's limits, in characters (code points), before anything is sent.
 * Source: Twilio, "Messages resource", "Content types", "WhatsApp best practices". Texts over the
 * limit are refused, not split: whoever writes them knows where they may be cut.
 */
#include <stdio.h>

#include "base/buf.h"
#include "twilio_int.h"

#define OPTION_ID_MAX     200
#define URL_MAX           2000
#define VARIABLE_NAME_MAX 16
#define OUR_NAME_MAX      32

static bool check_options(const struct message *m, struct err *err)
{
    bool list = m->kind == MESSAGE_LIST, ok;
    char member[48];
    struct buf whole;

    if (m->noptions < 1 || m->noptions > (list ? MESSAGE_ROWS_MAX : MESSAGE_BUTTONS_MAX)) {
        return refuse(err, list ? "list.rows" : "buttons",
                      list ? "must be 1 to 10" : "must be 1 to 3");
    }
    for (size_t i = 0; i < m->noptions; i++) {
        snprintf(member, sizeof(member), "list.rows.%zu.description", i);
        if (!limit_chars(m->options[i].description, member, 0, 72, err)) {
            return false;
        }
    }
    if (!limit_chars(m->text, "text", 1, TWILIO_CONTENT_MAX, err) ||
        !limit_chars(m->header, "header", 0, 60, err) ||
        !limit_chars(m->footer, "footer", 0, 60, err) ||
        !limit_chars(m->list_button, "list.button", list ? 1 : 0, 20, err) ||
        !limit_options(m, OPTION_ID_MAX, list ? 24 : 20, err)) {
        return false;
    }
    buf_init(&whole, 8 * TWILIO_CONTENT_MAX);
    twilio_whole_text(m, &whole);
    ok = limit_chars(buf_str(&whole), "text", 1, TWILIO_CONTENT_MAX, err);
    buf_fini(&whole);
    if (ok && twilio_content_count(m) > TWILIO_VARIABLES_MAX) {
        return refuse(err, "text", "has too many lines: lines and options are at most 100");
    }
    return ok;
}

static bool check_media(const struct message *m, struct err *err)
{
    bool captioned =
        str_starts(m->media.mime, STR("image/")) || str_starts(m->media.mime, STR("video/"));

    if (m->text.n > 0 && (!captioned || str_starts(m->media.mime, STR("image/webp")))) {
        return refuse(err, "media.caption",
                      "is possible with pictures and videos only: send it as a text of its own");
    }
    return limit_chars(m->media.url, "media.url", 1, URL_MAX, err) &&
           limit_chars(m->text, "media.caption", 0, TWILIO_CONTENT_MAX, err);
}

static bool check_template(const struct message *m, struct err *err)
{
    char member[48];

    for (size_t i = 0; i < m->template_.nparams; i++) {
        struct str name = m->template_.params[i].name;
        /* Names of ours (button.0.url) become numbers. */
        size_t max = str_find_char(name, '.', 0) == SIZE_MAX ? VARIABLE_NAME_MAX : OUR_NAME_MAX;

        snprintf(member, sizeof(member), "template.params.%zu", i);
        if (!limit_chars(name, member, 0, max, err) ||
            !limit_param(m->template_.params[i].value, member, TWILIO_BODY_MAX, err)) {
            return false;
        }
    }
    for (size_t i = 0; i < m->noptions; i++) {
        snprintf(member, sizeof(member), "buttons.%zu.id", i);
        if (!limit_param(m->options[i].id, member, OPTION_ID_MAX, err)) {
            return false;
        }
    }
    return true;
}

static bool check_content(const struct message *m, struct err *err)
{
    switch (m->kind) {
    case MESSAGE_TEXT:
        return limit_chars(m->text, "text", 1, TWILIO_BODY_MAX, err);
    case MESSAGE_BUTTONS:
    case MESSAGE_LIST:
        return check_options(m, err);
    case MESSAGE_MEDIA:
        return check_media(m, err);
    case MESSAGE_LOCATION:
        return limit_place(m, err);
    case MESSAGE_TEMPLATE:
        return check_template(m, err);
    case MESSAGE_READ:
        return limit_chars(m->quoted, "quoted", 1, 64, err);
    case MESSAGE_REACTION:
        break;
    }
    return refuse(err, "kind", "is not possible over Twilio");
}

bool twilio_check(const struct message *m, struct err *err)
{
    if (m->group.n > 0) {
        return refuse(err, "to.group", "is of Meta's: Twilio has no groups");
    }
    return limit_address(m, err) && check_content(m, err);
}
