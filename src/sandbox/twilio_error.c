/* Twilio's error answers. Source: Twilio error dictionary; captured bodies. */
#include "base/log.h"
#include "twilio.h"

void twilio_refuse(struct sandbox *sb, struct http_req *r, int status, int64_t code,
                   const char *fmt, ...)
{
    struct buf text, body;
    struct answer a = {.status = status, .content_type = "application/json; charset=utf-8"};
    struct jw w;
    va_list ap;

    buf_init(&text, 4096);
    buf_init(&body, 8192);
    va_start(ap, fmt);
    buf_vaddf(&text, fmt, ap);
    va_end(ap);
    jw_init(&w, &body);
    jw_open(&w, NULL, '{');
    jw_int(&w, "code", code);
    jw_str(&w, "message", buf_str(&text));
    jw_str(&w, "more_info",
           arena_printf(http_req_arena(r), "https://www.twilio.com/docs/errors/%lld",
                        (long long)code));
    jw_int(&w, "status", status);
    jw_close(&w, '}');
    a.body = buf_str(&body);
    if (status == 401) {
        a.fields[a.nfields++] =
            (struct http_field){"WWW-Authenticate", STR("Basic realm=\"Twilio API\"")};
    }
    ledger_reject(sb->ledger, DIALECT_TWILIO, status, code);
    log_debug("twilio refuses", LF_INT("status", status), LF_INT("code", code),
              LF_STR("message", buf_str(&text)));
    answer_send(sb, r, &a);
    buf_fini(&text);
    buf_fini(&body);
}

void twilio_refuse_trigger(struct sandbox *sb, struct http_req *r, const struct trigger *t)
{
    static const struct {
        int64_t code;
        int status;
        const char *text;
    } usual[] = {
        {20003, 401, "Authenticate"                                                         },
        {20429, 429, "Too Many Requests"                                                    },
        {20500, 500, "An internal server error has occurred"                                },
        {20503, 503, "Service Unavailable"                                                  },
        {21611, 429, "This 'From' number has exceeded the maximum number of queued messages"},
        {63038, 400, "Account exceeded the daily messages limit"                            },
    };
    int64_t code = t->code != 0       ? t->code
                   : t->status == 429 ? 20429
                   : t->status == 503 ? 20503
                                      : 20500;
    int status = t->status != 0 ? (int)t->status : 400;
    const char *text = "Simulated failure";
    struct answer a = {.content_type = "text/html",
                       .body = STR("<html><head><title>502 Bad Gateway</title></head></html>")};

    for (size_t i = 0; i < ARRAY_LEN(usual); i++) {
        if (usual[i].code == code) {
            text = usual[i].text;
            status = t->status != 0 ? (int)t->status : usual[i].status;
        }
    }
    if (t->body == BODY_JSON) {
        twilio_refuse(sb, r, status, code, "%s", text);
        return;
    }
    a.status = status;
    if (t->body == BODY_EMPTY) {
        a.body = STR("");
    }
    ledger_reject(sb->ledger, DIALECT_TWILIO, status, code);
    answer_send(sb, r, &a);
}

void twilio_answer(struct sandbox *sb, struct http_req *r, int status, struct str body)
{
    struct answer a = {
        .status = status, .content_type = "application/json; charset=utf-8", .body = body};

    a.fields[a.nfields++] = (struct http_field){
        "Twilio-Concurrent-Requests",
        arena_printf(http_req_arena(r), "%lld", (long long)(sb->in_flight + 1))};
    if (status == 204) {
        a.content_type = NULL;
        a.body = STR("");
    }
    answer_send(sb, r, &a);
}
