/* Meta's errors: code, HTTP status, title. Source: Cloud API error codes; captured answers. */
#include "base/log.h"
#include "meta.h"

static const struct meta_error {
    int64_t code;
    int status;
    const char *title, *details;
} errors[] = {
    {0,      401, "AuthException",                                                         "We were unable to authenticate the app user."             },
    {1,      400, "API Unknown",                                                           "Invalid request or possible server error."                },
    {2,      503, "API Service",                                                           "Temporary due to downtime or due to being overloaded."    },
    {3,      500, "API Method",                                                            "Capability or permissions issue."                         },
    {4,      400, "API Too Many Calls",                                                    "The app has reached its API call rate limit."             },
    {10,     403, "API Permission Denied",                                                 "Permission is either not granted or has been removed."    },
    {33,     400, "Parameter value is not valid",                                          "The business phone number has been deleted."              },
    {100,    400, "Invalid parameter",                                                     "The request included one or more unsupported parameters." },
    {104,    401, "An access token is required to request this resource.",                 ""                                                         },
    {190,    401, "Invalid OAuth access token",                                            ""                                                         },
    {200,    403, "API Permission",                                                        "Permission is either not granted or has been removed."    },
    {368,    403, "Temporarily blocked for policies violations",                           "The account has been restricted."                         },
    {80007,  400, "Rate limit issues",                                                     "The WhatsApp Business Account has reached its rate limit."},
    {130403, 400, "User is blocked",                                                       "The user is blocked by the business."                     },
    {130429, 400, "Rate limit hit",                                                        "Cloud API message throughput has been reached."           },
    {130472, 400, "User's number is part of an experiment",
     "Message was not sent as part of an experiment."                                                                                                 },
    {130497, 403, "Business account is restricted from messaging users in this country.",  ""                                                         },
    {131000, 500, "Something went wrong",                                                  "Message failed to send due to an unknown error."          },
    {131005, 403, "Access denied",                                                         "Permission is either not granted or has been removed."    },
    {131008, 400, "Required parameter is missing",                                         "The request is missing a required parameter."             },
    {131009, 400, "Parameter value is not valid",                                          "One or more parameter values are invalid."                },
    {131016, 500, "Service unavailable",                                                   "A service is temporarily unavailable."                    },
    {131020, 400, "Group has only one member",
     "The group has no participant besides the business."                                                                                             },
    {131021, 400, "Recipient cannot be sender",                                            "Sender and recipient phone number is the same."           },
    {131026, 400, "Message undeliverable",                                                 "Message Undeliverable."                                   },
    {131030, 400, "Recipient phone number not in allowed list",
     "Add the number to the allowed list."                                                                                                            },
    {131031, 403, "Business Account locked",                                               "The account has been restricted or disabled."             },
    {131041, 400, "Group is unknown",                                                      "The group does not exist, or the business is not in it."  },
    {131042, 400, "Business eligibility payment issue",
     "There was an error related to your payment method."                                                                                             },
    {131045, 500, "Incorrect certificate",
     "Message failed to send due to a phone number registration error."                                                                               },
    {131047, 400, "Re-engagement message",
     "Message failed to send because more than 24 hours have passed since the customer last "
     "replied to this number."                                                                                                                        },
    {131048, 400, "Spam rate limit hit",
     "Restrictions on how many messages can be sent from this number."                                                                                },
    {131049, 400, "Message not delivered to maintain healthy ecosystem engagement",        ""                                                         },
    {131050, 400, "User has stopped marketing messages",
     "The recipient chose to stop marketing messages."                                                                                                },
    {131051, 400, "Message type is currently not supported",                               "Unsupported message type."                                },
    {131052, 400, "Media download error",                                                  "Unable to download the media sent by the user."           },
    {131053, 400, "Media upload error",                                                    "Unable to upload the media used in the message."          },
    {131056, 400, "Pair rate limit hit",
     "Too many messages sent from the sender phone number to the same recipient phone number in a "
     "short period of time."                                                                                                                          },
    {131057, 500, "Account in maintenance mode",                                           "The number is being upgraded."                            },
    {131062, 400, "Business-scoped user id recipients are not supported for this message", ""                                                         },
    {131207, 403, "Group is suspended",                                                    "Messages cannot be sent to a suspended group."            },
    {131215, 400, "Group is not eligible",                                                 "This phone number is not eligible for groups."            },
    {132000, 400, "Number of parameters does not match the expected number of params",     ""                                                         },
    {132001, 404, "Template name does not exist in the translation",                       ""                                                         },
    {132005, 400, "Translated text too long",                                              ""                                                         },
    {132007, 400, "Template format character policy violated",                             ""                                                         },
    {132008, 400, "Template parameter violates policy",                                    ""                                                         },
    {132012, 400, "Parameter format does not match format in the created template",        ""                                                         },
    {132015, 400, "Template is paused",                                                    "Template is paused due to low quality."                   },
    {132016, 400, "Template is disabled",                                                  "Template has been paused too many times."                 },
    {132018, 400, "There's an issue with the parameters in your template",                 ""                                                         },
    {133010, 400, "Phone number not registered",                                           "The account is not registered."                           },
    {135000, 400, "Generic user error",                                                    "Message failed to send because of an unknown error."      },
    {137000, 400, "Recipient identity key hash mismatch",                                  ""                                                         },
};

static const struct meta_error *find(int64_t code)
{
    for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
        if (errors[i].code == code) {
            return &errors[i];
        }
    }
    return NULL;
}

const char *meta_title(int64_t code)
{
    const struct meta_error *e = find(code);

    return e != NULL ? e->title : "Something went wrong";
}

static void envelope(struct sandbox *sb, struct http_req *r, struct buf *out, int64_t code,
                     int64_t subcode, struct str details)
{
    const char *title = meta_title(code);
    bool plain = code == 0 || code == 104 || code == 190 || subcode == 33;
    struct jw w;

    jw_init(&w, out);
    jw_open(&w, NULL, '{');
    jw_open(&w, "error", '{');
    if (plain) {
        /* Authentication and node errors carry their reason in the message and have no error_data.
         */
        jw_str(&w, "message", details.n > 0 ? details : str_of(title));
    } else {
        jw_str(&w, "message",
               arena_printf(http_req_arena(r), "(#%lld) %s", (long long)code, title));
    }
    jw_z(&w, "type", subcode == 33 ? "GraphMethodException" : "OAuthException");
    jw_int(&w, "code", code);
    if (subcode != 0) {
        jw_int(&w, "error_subcode", subcode);
    }
    if (!plain) {
        jw_open(&w, "error_data", '{');
        jw_z(&w, "messaging_product", "whatsapp");
        jw_str(&w, "details", details);
        jw_close(&w, '}');
    }
    jw_str(&w, "fbtrace_id", str_slice(id_sid(sb, http_req_arena(r), "Ax"), 0, 23));
    jw_close(&w, '}');
    jw_close(&w, '}');
}

static void refuse(struct sandbox *sb, struct http_req *r, int status, int64_t code,
                   int64_t subcode, struct str details)
{
    const struct meta_error *e = find(code);
    struct buf body;
    struct answer a = {.content_type = "application/json; charset=UTF-8"};

    if (details.n == 0 && e != NULL) {
        details = str_of(e->details);
    }
    a.status = status != 0 ? status : e != NULL ? e->status : 400;
    buf_init(&body, 8192);
    envelope(sb, r, &body, code, subcode, details);
    a.body = buf_str(&body);
    a.fields[a.nfields++] =
        (struct http_field){"x-fb-trace-id", str_slice(id_sid(sb, http_req_arena(r), "B"), 0, 12)};
    if (status == 401 || a.status == 401) {
        a.fields[a.nfields++] = (struct http_field){
            "WWW-Authenticate", STR("OAuth \"Facebook Platform\" \"invalid_token\"")};
    }
    ledger_reject(sb->ledger, DIALECT_META, a.status, code);
    log_debug("meta refuses", LF_INT("status", a.status), LF_INT("code", code),
              LF_STR("details", details));
    answer_send(sb, r, &a);
    buf_fini(&body);
}

void meta_refuse(struct sandbox *sb, struct http_req *r, int status, int64_t code, int64_t subcode,
                 const char *fmt, ...)
{
    struct buf details;
    va_list ap;

    buf_init(&details, 2048);
    va_start(ap, fmt);
    buf_vaddf(&details, fmt, ap);
    va_end(ap);
    refuse(sb, r, status, code, subcode, buf_str(&details));
    buf_fini(&details);
}

void meta_refuse_trigger(struct sandbox *sb, struct http_req *r, const struct trigger *t)
{
    int64_t code = t->code != 0 ? t->code : 131000;
    struct answer a = {.status = t->status != 0 ? (int)t->status : 503,
                       .content_type = "text/html",
                       .body = STR("<!DOCTYPE html><html><title>Error</title>Sorry, something went "
                                   "wrong.</html>")};

    if (t->body == BODY_JSON) {
        refuse(sb, r, (int)t->status, code,
               code == 190      ? 463
               : code == 130429 ? 2494055
                                : 0,
               STR(""));
        return;
    }
    if (t->body == BODY_EMPTY) {
        a.body = STR("");
    }
    ledger_reject(sb->ledger, DIALECT_META, a.status, code);
    answer_send(sb, r, &a);
}

void meta_answer(struct sandbox *sb, struct http_req *r, struct str body)
{
    struct answer a = {
        .status = 200, .content_type = "application/json; charset=UTF-8", .body = body};

    a.fields[a.nfields++] = (struct http_field){"facebook-api-version", STR("v23.0")};
    answer_send(sb, r, &a);
}
