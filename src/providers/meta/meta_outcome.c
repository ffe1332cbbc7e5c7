/*
 * What Meta's answer to a send means. A 200 with an id is an acceptance, not a delivery; a 200
 * without one, a 5xx without Meta's error and silence are ambiguous. A 5xx *with* Meta's error is a
 * refusal: the error was written by the code that would have taken the message.
 */
#include "base/json.h"

#include "../provider_actions.h"
#include "meta_int.h"

/* clang-format off */
static const struct provider_error
    sent = {0, 0, OUTCOME_SENT, SCOPE_MESSAGE, false, 0, 0, "Accepted", ""},
    no_id = {0, 0, AMBIGUOUS, "Meta's answer names no message",
             "The message may have been accepted. A delivery status decides."},
    no_error = {0, 0, AMBIGUOUS, "Meta's service failed without saying what became of the message",
                "The message may have been accepted. A delivery status decides."},
    transient = {0, 0, RETRY_UP_TO(3), "Something went wrong at Meta for the moment",
                 "It is tried again up to three times. If it goes on, look at metastatus.com."},
    busy = {0, 0, THROTTLE(SCOPE_SENDER), "Meta asks to send more slowly",
            "Sending slows down by itself; nothing is lost."},
    token = {0, 0, STOP_ACCOUNT, "Meta does not accept the access token",
             "Create a new system-user token in Meta Business settings, put it into the "
             "configuration and reload."},
    elsewhere = {0, 0, STOP_SENDER, "The API address does not lead to Meta",
                 "Check WHATSAPP_API_BASE: the answer was a redirect, which the API never gives."},
    refused = {0, 0, DROP_ALERT, "The message was refused without Meta's error code",
               "Check WHATSAPP_API_BASE and WHATSAPP_API_VERSION; something between us and Meta "
               "may have answered."};
/* clang-format on */

/* By the HTTP status, where there is no error or its code is not in the table. */
static const struct provider_error *by_status(int status, bool has_error, bool is_transient)
{
    if (status == 429) {
        return &busy;
    }
    if (status == 401) {
        return &token;
    }
    if (has_error) {
        return status >= 500 || is_transient ? &transient : NULL;
    }
    if (status == 408 || status >= 500 || status < 200) {
        return &no_error;
    }
    return status >= 400 ? &refused : status >= 300 ? &elsewhere : &no_id;
}

static bool known_code(int64_t code)
{
    return error_row(meta_errors, meta_nerrors, code >= 200 && code <= 299 ? 200 : code, 0) != NULL;
}

static struct str details_of(struct arena *a, const struct json *e)
{
    const struct json *data = json_get(e, "error_data");
    struct str s = json_kind(data) == JSON_STRING ? json_str(data) : json_get_str(data, "details");

    if (s.n == 0) {
        s = json_get_str(e, "error_user_msg");
    }
    return arena_dup(a, s.n == 0 ? json_get_str(e, "message") : s);
}

static void of_error(struct arena *a, int status, const struct json *e, int64_t retry_after_s,
                     struct outcome *out)
{
    int64_t code = json_get_int(e, "code", -1), subcode = json_get_int(e, "error_subcode", 0);
    const struct provider_error *row = NULL;

    if (code == 0) {
        row = &meta_errors[0];
    } else if (code > 0 && known_code(code)) {
        row = meta_error_find(code, subcode);
    } else {
        row = by_status(status, true, json_get_bool(e, "is_transient", false));
    }
    outcome_of_row(row == NULL ? meta_error_find(code, subcode) : row, retry_after_s, out);
    out->code = code < 0 ? 0 : code;
    out->details = details_of(a, e);
}

/* ---- the answer that nearly every send gets ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A string without escapes, in ASCII. */
static bool plain_string(struct str text, size_t *at, struct str *out)
{
    size_t from = ++*at;

    if (from > text.n || text.p[from - 1] != '"') {
        return false;
    }
    while (*at < text.n && text.p[*at] != '"') {
        if (text.p[*at] < ' ' || text.p[*at] > '~' || text.p[*at] == '\\') {
            return false;
        }
        ++*at;
    }
    *out = str_slice(text, from, *at);
    return (*at)++ < text.n;
}

/* Is the text @shape, with strings where it has stars, and blanks between the parts? */
static bool fits(struct str text, const char *shape, struct str *strings)
{
    bool name = false;
    size_t at = 0;

    for (;; shape++) {
        while (!name && at < text.n && is_blank(text.p[at])) {
            at++;
        }
        if (*shape == '\0') {
            return at == text.n;
        }
        if (*shape == '*') {
            if (!plain_string(text, &at, strings++)) {
                return false;
            }
        } else if (at == text.n || text.p[at++] != *shape) {
            return false;
        }
        name ^= *shape == '"';
    }
}

/* Read without a tree: that costs ten times as much, for each message. */
static bool is_acceptance(struct arena *a, struct str body, struct outcome *out)
{
    static const char *const shapes[] = {
        "{\"messaging_product\":*,\"contacts\":[{\"input\":*,\"wa_id\":*}],\"messages\":[{\"id\":*}"
        "]}",
        "{\"messaging_product\":*,\"contacts\":[{\"input\":*,\"wa_id\":*}],\"messages\":[{\"id\":*,"
        "\"message_status\":*}]}"};

    for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
        struct str strings[5] = {
            {NULL, 0}
        };

        if (fits(body, shapes[i], strings) && strings[3].n > 0) {
            outcome_of_row(&sent, 0, out);
            out->provider_id = arena_dup(a, strings[3]);
            out->details = arena_dup(a, strings[4]);
            return true;
        }
    }
    return false;
}

void meta_outcome(struct arena *a, int status, struct str body, int64_t retry_after_s,
                  const struct err *err, struct outcome *out)
{
    const struct json *e, *message;
    struct json *j = NULL;
    struct str id;

    *out = (struct outcome){0};
    if (status == 0) {
        outcome_of_silence(a, err, out);
        return;
    }
    if (status >= 200 && status < 300 && is_acceptance(a, body, out)) {
        return;
    }
    json_parse(body, ANSWER_BYTES_MAX, &j, NULL);
    e = json_get(j, "error");
    message = json_at(json_get(j, "messages"), 0);
    id = json_get_str(message, "id");
    if (status >= 200 && status < 300 && (id.n > 0 || json_get_bool(j, "success", false))) {
        outcome_of_row(&sent, 0, out);
        out->provider_id = arena_dup(a, id);
        out->details = arena_dup(a, json_get_str(message, "message_status"));
    } else if (json_kind(e) == JSON_OBJECT) {
        of_error(a, status, e, retry_after_s, out);
    } else {
        outcome_of_row(by_status(status, false, false), retry_after_s, out);
    }
    json_free(&j);
}
