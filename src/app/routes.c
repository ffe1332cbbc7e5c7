/*
 * routes: every path there is, with who may call it. The table is the one source: the matcher, the
 * access rules, the OpenAPI document and the tests of route and role all read it.
 */
#include "app_int.h"

#define ALL   KEY_ANY
#define WRITE (KEY_CMMS | KEY_ADMIN)
#define ADMIN KEY_ADMIN

const struct route routes[] = {
  /* providers */
    {"POST",   "/whatsapp/webhook",                     0,     ROUTE_META,                       webhook_meta_post,           "Webhooks",
     "Messages and statuses from Meta",                                                                                                                                          NULL,                                                        "MetaWebhook",      NULL,                  200},
    {"GET",    "/whatsapp/webhook",                     0,     ROUTE_META_GET | ROUTE_NOT_READY, webhook_meta_get,            "Webhooks",
     "Handshake with Meta",                                                                                                                                                      "hub.mode hub.verify_token hub.challenge",                   NULL,               NULL,                  200},
    {"POST",   "/api/whatsappwebhook/incoming",         0,     ROUTE_TWILIO,                     webhook_twilio_incoming,     "Webhooks",
     "Messages from Twilio",                                                                                                                                                     NULL,                                                        "TwilioForm",       NULL,                  200},
    {"POST",   "/api/whatsappwebhook/status",           0,     ROUTE_TWILIO,                     webhook_twilio_status,       "Webhooks",
     "Statuses from Twilio",                                                                                                                                                     NULL,                                                        "TwilioForm",       NULL,                  200},
    {"GET",    "/api/whatsappwebhook/health",           ALL,   ROUTE_PUBLIC | ROUTE_NOT_READY,   health_ready,
     "Health",                                                                                                                               "Is it ready? The same as /readyz", NULL,                                                        NULL,               "Health",              200},

 /* events */
    {"POST",   "/api/v1/events",                        WRITE, 0,                                api_event_post,              "Events",
     "Events of the CMMS: one, a batch, or binary mode",                                                                                                                         NULL,                                                        "Events",           "EventResults",        202},
    {"GET",    "/api/v1/outbox",                        ALL,   0,                                api_outbox_get,              "Events",      "Events for the CMMS, in order",
     "after wait limit",                                                                                                                                                                                                                      NULL,               "Outbox",              200},

 /* messages */
    {"POST",   "/api/v1/messages",                      WRITE, 0,                                api_message_post,            "Messages",    "Send one message",                 NULL,
     "MessageRequest",                                                                                                                                                                                                                                            "Accepted",            202},
    {"GET",    "/api/v1/messages",                      ALL,   0,                                api_message_list,            "Messages",
     "The log of messages, newest first",                                                                                                                                        "user state work_order kind direction from to limit cursor", NULL,               "Messages",            200},
    {"GET",    "/api/v1/messages/{id}",                 ALL,   0,                                api_message_get,             "Messages",
     "One message with its timeline",                                                                                                                                            NULL,                                                        NULL,               "Message",             200},
    {"POST",   "/api/whatsapp/send-test",               ADMIN, 0,                                api_send_test,               "Messages",
     "Send a test message to any number",                                                                                                                                        NULL,                                                        "SendTest",         "Accepted",            202},

/* teams */
    {"POST",   "/api/v1/teams/{team}/messages",         WRITE, 0,                                api_team_post,               "Messages",
     "Say something to a team: its members get it and can answer each other",                                                                                                    NULL,                                                        "TeamMessage",      "Accepted",            202},

 /* broadcasts */
    {"POST",   "/api/v1/broadcasts",                    WRITE, 0,                                api_broadcast_post,          "Broadcasts",
     "Send one message to many people, with or without a question",                                                                                                              "dry_run",                                                   "BroadcastRequest",
     "BroadcastAccepted",                                                                                                                                                                                                                                                                202},
    {"GET",    "/api/v1/broadcasts",                    ALL,   0,                                api_broadcast_list,          "Broadcasts",
     "Broadcasts, newest first",                                                                                                                                                 "limit cursor",                                              NULL,               "Broadcasts",          200},
    {"GET",    "/api/v1/broadcasts/{id}",               ALL,   0,                                api_broadcast_get,           "Broadcasts",
     "One broadcast with its counts",                                                                                                                                            NULL,                                                        NULL,               "Broadcast",           200},
    {"GET",    "/api/v1/broadcasts/{id}/recipients",    ALL,   0,                                api_broadcast_recipients,    "Broadcasts",
     "Whom it was meant for, and what became of it; Accept: text/csv exports",                                                                                                   "recipient_state limit cursor",                              NULL,               "Recipients",          200},
    {"POST",   "/api/v1/broadcasts/{id}/cancel",        WRITE, 0,                                api_broadcast_cancel,        "Broadcasts",
     "Stop it at once; answers with the exact split",                                                                                                                            NULL,                                                        NULL,               "Broadcast",           200},
    {"POST",   "/api/v1/broadcasts/{id}/resend",        WRITE, 0,                                api_broadcast_resend,        "Broadcasts",
     "Send it again to those who got it and have not answered",                                                                                                                  NULL,                                                        "BroadcastResend",  "Broadcast",           202},
    {"POST",   "/whatsapp/emergency",                   WRITE, 0,                                api_emergency_post,          "Broadcasts",
     "Emergency broadcast: JSON, or the form of the page",                                                                                                                       "dry_run",                                                   "Emergency",
     "BroadcastAccepted",                                                                                                                                                                                                                                                                202},

 /* people */
    {"GET",    "/api/v1/users",                         ALL,   0,                                api_user_list,               "People",      "People, by id",
     "team site limit cursor",                                                                                                                                                                                                                NULL,               "Users",               200},
    {"GET",    "/api/whatsapp/users",                   ALL,   0,                                api_user_list,               "People",      "People, by id",
     "team site limit cursor",                                                                                                                                                                                                                NULL,               "Users",               200},
    {"POST",   "/api/v1/users",                         WRITE, 0,                                api_user_post,               "People",      "Create a person",                  NULL,                                                        "User",
     "User",                                                                                                                                                                                                                                                                             201},
    {"POST",   "/api/v1/users/import",                  WRITE, ROUTE_UPLOAD,                     api_user_import,             "People",
     "Create and update many people: a JSON array, or CSV",                                                                                                                      NULL,                                                        "Import",           "ImportResult",        200},
    {"GET",    "/api/v1/users/{id}",                    ALL,   0,                                api_user_get,                "People",      "One person",                       NULL,                                                        NULL,               "User",
     200                                                                                                                                                                                                                                                                                    },
    {"PUT",    "/api/v1/users/{id}",                    WRITE, 0,                                api_user_put,                "People",
     "Change a person; members left out stay as they are",                                                                                                                       NULL,                                                        "User",             "User",                200},
    {"DELETE", "/api/v1/users/{id}",                    WRITE, 0,                                api_user_delete,             "People",
     "Delete a person with conversation and messages",                                                                                                                           NULL,                                                        NULL,               NULL,                  204},

 /* work orders */
    {"GET",    "/api/v1/work_orders",                   ALL,   0,                                api_order_list,              "Work orders",
     "Work orders, last changed first",                                                                                                                                          "status overdue assignee team site limit cursor",                    NULL,
     "WorkOrders",                                                                                                                                                                                                                                                                       200},
    {"GET",    "/api/v1/work_orders/{number}",          ALL,   0,                                api_order_get,               "Work orders",
     "One work order, by number or id",                                                                                                                                          NULL,                                                        NULL,               "WorkOrder",           200},
    {"GET",    "/api/v1/work_orders/{number}/timeline", ALL,   0,                                api_order_timeline,          "Work orders",
     "What happened to it, oldest first",                                                                                                                                        "export limit cursor",                                              NULL,               "Timeline",            200},
    {"GET",    "/api/v1/work_orders/{number}/media",    ALL,   0,                                api_order_media,             "Work orders",
     "Photos and files of it",                                                                                                                                                   "limit cursor",                                              NULL,               "MediaList",           200},
    {"GET",    "/media/{id}", ALL, ROUTE_PUBLIC, api_media_get, "Work orders",
     "A file that somebody sent, with a key or by a signed link, to be saved", "exp sig", NULL, NULL, 200},

/* alerts */
    {"GET",    "/api/v1/alerts",                        ALL,   0,                                api_alert_list,              "Alerts",
     "Critical alerts, last raised first",                                                                                                                                       "state limit cursor",                                        NULL,               "Alerts",              200},
    {"GET",    "/api/v1/alerts/{id}",                   ALL,   0,                                api_alert_get,               "Alerts",
     "One alert: whom it called on each rung, who responded and how soon",                                                                                                       NULL,                                                        NULL,               "Alert",               200},

/* assets */
    {"GET",    "/api/v1/assets/{id}/qr.svg",            ALL,   0,                                api_asset_qr_svg,            "Assets",
     "QR code for a machine: opens WhatsApp with REPORT and the asset typed in",                                                                                                 "sender",                                                    NULL,               NULL,                  200},
    {"GET",    "/api/v1/assets/{id}/qr.png",            ALL,   0,                                api_asset_qr_png,            "Assets",
     "The same as a PNG",                                                                                                                                                        "sender",                                                    NULL,               NULL,                  200},

 /* templates */
    {"GET",    "/api/v1/templates",                     ALL,   0,                                api_template_list,           "Templates",
     "Message templates and how they stand with each provider, by name",                                                                                                         "limit cursor",                                              NULL,
     "MessageTemplates",                                                                                                                                                                                                                                                                 200},
    {"POST",   "/api/v1/templates",                     ADMIN, 0,                                api_template_post,           "Templates",
     "Make a template in one language, or change it, and register it",                                                                                                           NULL,
     "MessageTemplateRequest",                                                                                                                                                                                                                                    "MessageTemplate",     201},
    {"POST",   "/api/v1/templates/sync",                ADMIN, 0,                                api_template_sync,           "Templates",
     "Register what the providers do not have, and ask how the rest stands; goes on by itself",                                                                                  NULL,                                                        NULL,               "MessageTemplateSync", 202},
    {"GET",    "/api/v1/templates/{name}",              ALL,   0,                                api_template_get,            "Templates",
     "One template in all its languages",                                                                                                                                        NULL,                                                        NULL,               "MessageTemplate",     200},
    {"DELETE", "/api/v1/templates/{name}",              ADMIN, 0,                                api_template_delete,         "Templates",
     "Delete it here and at the providers, in every language",                                                                                                                   NULL,                                                        NULL,               NULL,                  204},

 /* what runs by itself */
    {"GET",    "/api/v1/senders",                       ALL,   0,                                api_sender_list,             "Operation",   "State of each sender",
     "limit cursor",                                                                                                                                                                                                                          NULL,               "Senders",             200},
    {"POST",   "/api/v1/senders/{id}/resume",           ADMIN, 0,                                api_sender_resume,           "Operation",
     "Let a paused sender go on",                                                                                                                                                NULL,                                                        NULL,               "Sender",              200},
    {"GET",    "/api/v1/callbacks",                     ALL,   0,                                api_callback_list,           "Operation",
     "Events that the CMMS has not taken yet, next try first",                                                                                                                   "limit cursor",                                              NULL,               "Callbacks",
     200                                                                                                                                                                                                                                                                                    },
    {"POST",   "/api/v1/callbacks/{id}/replay",         ADMIN, 0,                                api_callback_replay,         "Operation",
     "Try it now",                                                                                                                                                               NULL,                                                        NULL,               "Accepted",            202},
    {"GET",    "/api/v1/dead_letters",                  ALL,   0,                                api_dead_letter_list,        "Operation",
     "What was given up, newest first",                                                                                                                                          "dead_kind limit cursor",                                              NULL,               "DeadLetters",         200},
    {"POST",   "/api/v1/dead_letters/replay",           ADMIN, 0,                                api_dead_letter_replay_many, "Operation",
     "Put back all that fit a filter",                                                                                                                                           "dry_run",                                                   "ReplayFilter",     "Replayed",            202},
    {"POST",   "/api/v1/dead_letters/{id}/replay",      ADMIN, 0,                                api_dead_letter_replay,      "Operation",
     "Put it back into its queue",                                                                                                                                               NULL,                                                        NULL,               "Accepted",            202},

 /* access */
    {"GET",    "/api/v1/keys",                          ADMIN, 0,                                api_key_list,                "Access",      "API keys, without their secrets",
     "limit cursor",                                                                                                                                                                                                                          NULL,               "Keys",                200},
    {"POST",   "/api/v1/keys",                          ADMIN, 0,                                api_key_post,                "Access",
     "Create a key; its secret is shown this once",                                                                                                                              NULL,                                                        "KeyRequest",       "NewKey",              201},
    {"DELETE", "/api/v1/keys/{id}",                     ADMIN, 0,                                api_key_delete,              "Access",      "Revoke a key",                     NULL,                                                        NULL,
     NULL,                                                                                                                                                                                                                                                                               204},
    {"GET",    "/api/v1/audit",                         ADMIN, 0,                                api_audit_list,              "Access",      "Who did what, newest first",
     "limit cursor",                                                                                                                                                                                                                          NULL,               "Audit",               200},

/* pages: of people, who have no key */
    {"GET", "/whatsapp/settings", ALL, ROUTE_PUBLIC | ROUTE_PAGE, web_settings_get, "Pages",
     "What reaches a person, when and in which language, by the link that SETTINGS sends; asked for JSON, with the token of its form",
     "saved token", NULL, NULL, 200},
    {"POST", "/whatsapp/settings", ALL, ROUTE_PUBLIC | ROUTE_PAGE, web_settings_post, "Pages",
     "Save it: a form is led back to the page (303), JSON answered with the person", NULL, "SettingsForm", "User", 200},
    {"GET", "/whatsapp/verify", ALL, ROUTE_PUBLIC | ROUTE_PAGE, web_verify_get, "Pages",
     "Prove a number by a code", NULL, NULL, NULL, 200},
    {"POST", "/whatsapp/verify", ALL, ROUTE_PUBLIC | ROUTE_PAGE, web_verify_post, "Pages",
     "With phone alone: send a code by WhatsApp (202 for JSON); with phone and code: verify, and open the settings", NULL, "VerifyForm", "Verified", 200},
    {"GET", "/static/{file}", ALL, ROUTE_PUBLIC | ROUTE_NOT_READY, web_static, "Pages",
     "A file that pages are made of", "v", NULL, NULL, 200},

 /* watching it */
    {"GET",    "/healthz",                              ALL,   ROUTE_PUBLIC | ROUTE_NOT_READY,   health_live,                 "Health",
     "Does the loop turn?",                                                                                                                                                      NULL,                                                        NULL,               "Alive",               200},
    {"GET",    "/readyz",                               ALL,   ROUTE_PUBLIC | ROUTE_NOT_READY,   health_ready,                "Health",
     "Is it ready? Details with a key",                                                                                                                                          NULL,                                                        NULL,               "Health",              200},
    {"GET",    "/metrics",                              ALL,   ROUTE_LOOPBACK | ROUTE_NOT_READY, health_metrics,              "Health",
     "Prometheus text; without a key from loopback only, and not through a proxy there",                                                                                         NULL,                                                        NULL,               NULL,                  200},
    {"GET",    "/api/openapi.json",                     ALL,   ROUTE_PUBLIC | ROUTE_NOT_READY,   api_openapi,                 "Documents",
     "This document",                                                                                                                                                            NULL,                                                        NULL,               NULL,                  200},
    {"GET",    "/api/docs",                             ALL,   ROUTE_PUBLIC | ROUTE_NOT_READY,   api_docs,                    "Documents",
     "This document as a page",                                                                                                                                                  NULL,                                                        NULL,               NULL,                  200},
};
const size_t nroutes = ARRAY_LEN(routes);

/* The next part of a path: "/a/b" -> "a", "/b". */
static bool part(struct str *path, struct str *out)
{
    struct str rest;

    if (path->n == 0 || path->p[0] != '/') {
        return false;
    }
    str_cut(str_slice(*path, 1, path->n), '/', out, &rest);
    *path = str_slice(*path, 1 + out->n, path->n);
    return true;
}

static bool decode(struct arena *a, struct str text, struct str *out)
{
    struct buf plain;
    bool ok;

    buf_init(&plain, 16 * 1024);
    ok = percent_decode(&plain, text, false) && buf_ok(&plain) && plain.n > 0 &&
         str_is_utf8(buf_str(&plain));
    if (ok) {
        *out = arena_dup(a, buf_str(&plain));
    }
    buf_fini(&plain);
    return ok;
}

static bool fits(struct arena *a, const char *pattern, struct str path, struct str args[3])
{
    struct str want = str_of(pattern), w, p;
    size_t n = 0;

    while (part(&want, &w)) {
        if (!part(&path, &p)) {
            return false;
        }
        if (w.n > 0 && w.p[0] == '{') {
            if (!decode(a, p, &args[n++])) {
                return false;
            }
        } else if (!str_eq(w, p)) {
            return false;
        }
    }
    return path.n == 0;
}

const struct route *route_find(struct arena *a, struct str method, struct str path,
                               struct str args[3], struct buf *allow)
{
    bool head = str_eqz(method, "HEAD");

    for (size_t i = 0; i < nroutes; i++) {
        if (!fits(a, routes[i].path, path, args)) {
            continue;
        }
        if (str_eqz(head ? STR("GET") : method, routes[i].method)) {
            return &routes[i];
        }
        buf_addf(allow, "%s%s%s", allow->n > 0 ? ", " : "", routes[i].method,
                 strcmp(routes[i].method, "GET") == 0 ? ", HEAD" : "");
    }
    return NULL;
}
