/*
 * What Twilio's answer to a send means. 201 with a sid means queued; most refusals of WhatsApp come
 * later, as a status. A 5xx is documented as ambiguous (20500), unlike Meta's; 429 is never
 * processed.
 */
#include "base/json.h"

#include "../provider_actions.h"
#include "twilio_int.h"

/* clang-format off */
static const struct provider_error
    sent = {0, 0, OUTCOME_SENT, SCOPE_MESSAGE, false, 0, 0, "Accepted", ""},
    no_sid = {0, 0, AMBIGUOUS, "Twilio's answer names no message",
              "The message may have been accepted. A delivery status decides."},
    failing = {0, 0, AMBIGUOUS, "Twilio failed without saying what became of the message",
               "The message may have been accepted. A delivery status decides."},
    busy = {0, 0, THROTTLE(SCOPE_ACCOUNT), "Twilio asks to send more slowly",
            "Sending slows down by itself; nothing is lost."},
    token = {0, 0, STOP_ACCOUNT, "Twilio does not accept the account sid or auth token",
             "Copy both from the Twilio console into the configuration and reload."},
    elsewhere = {0, 0, STOP_SENDER, "The API address does not lead to Twilio",
                 "Check TWILIO_API_BASE: the answer was a redirect, which the API never gives."},
    refused = {0, 0, DROP_ALERT, "The message was refused without Twilio's error code",
               "Check TWILIO_API_BASE; something between us and Twilio may have answered."};
/* clang-format on */

static const struct provider_error *by_status(int status, bool has_code)
{
    if (status == 429) {
        return &busy;
    }
    if (status == 401) {
        return &token;
    }
    if (status == 408 || status >= 500 || status < 200) {
        return &failing;
    }
    if (has_code) {
        return NULL;
    }
    return status >= 400 ? &refused : status >= 300 ? &elsewhere : &no_sid;
}

static void of_code(int status, int64_t code, int64_t retry_after_s, struct outcome *out)
{
    const struct provider_error *row = error_row(twilio_errors, twilio_nerrors, code, 0);

    if (row == NULL) {
        row = by_status(status, code > 0);
    }
    outcome_of_row(row == NULL ? twilio_error_find(code, 0) : row, retry_after_s, out);
    out->code = code;
}

void twilio_outcome(struct arena *a, int status, struct str body, int64_t retry_after_s,
                    const struct err *err, struct outcome *out)
{
    bool accepted = status >= 200 && status < 300;
    struct json *j = NULL;
    struct str sid;
    int64_t code;

    *out = (struct outcome){0};
    if (status == 0) {
        outcome_of_silence(a, err, out);
        return;
    }
    json_parse(body, ANSWER_BYTES_MAX, &j, NULL);
    sid = json_get_str(j, "sid");
    code = json_get_int(j, accepted ? "error_code" : "code", 0);
    if (accepted && code == 0 && (sid.n > 0 || json_get_bool(j, "success", false))) {
        outcome_of_row(&sent, 0, out);
    } else {
        of_code(status, code, retry_after_s, out);
        out->details = arena_dup(a, json_get_str(j, accepted ? "error_message" : "message"));
    }
    if (accepted) {
        out->provider_id = arena_dup(a, sid);
    }
    json_free(&j);
}
