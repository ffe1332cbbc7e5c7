/*
 * openapi: the OpenAPI 3.1 document and the page to read it, both from the table of routes and the
 * schemas: what is routed is documented. Source: spec.openapis.org/oas/v3.1.0.
 */
#include "app_int.h"

#include <stdio.h>

static const struct {
    const char *name, *schema, *text;
} params[] = {
    {"after",            "{\"type\":\"string\"}",
     "A next_cursor: events behind it; without it, from the oldest kept"                                                                               },
    {"assignee",         "{\"type\":\"string\"}",                                                 "Id of a person it is assigned to"                   },
    {"cursor",           "{\"type\":\"string\"}",                                                 "next_cursor of the page before"                     },
    {"dead_kind",        "{\"enum\":[\"message\",\"callback\",\"inbound\"]}",                     "Kind of dead letter"                                },
    {"direction",        "{\"enum\":[\"out\",\"in\"]}",                                           "Said by us, or to us"                               },
    {"dry_run",          "{\"enum\":[\"true\",\"1\",\"false\",\"0\"]}",                           "Only say what would be done"                        },
    {"exp",              "{\"type\":\"integer\"}",                                                "Of a signed link: the second (Unix) when it ends"   },
    {"export",           "{\"const\":\"evidence\"}",
     "All of it as a document whose items are chained by hashes"                                                                                       },
    {"from",             "{\"type\":\"string\",\"format\":\"date-time\"}",                        "Not before"                                         },
    {"hub.challenge",    "{\"type\":\"string\"}",                                                 "Comes back as it is"                                },
    {"hub.mode",         "{\"const\":\"subscribe\"}",                                             "Of the handshake"                                   },
    {"hub.verify_token", "{\"type\":\"string\"}",                                                 "The configured token"                               },
    {"kind",             "{\"$ref\":\"#/components/schemas/MessageKind\"}",                       "Kind of message"                                    },
    {"limit",            "{\"type\":\"integer\",\"minimum\":1,\"maximum\":500,\"default\":50}",
     "Items of a page"                                                                                                                                 },
    {"overdue",          "{\"enum\":[\"true\",\"false\"]}",
     "Only those that are open and were due before now"                                                                                                },
    {"recipient_state",
     "{\"enum\":[\"queued\",\"sending\",\"sent\",\"delivered\",\"read\",\"failed\",\"uncertain\","
     "\"expired\",\"cancelled\",\"skipped\",\"unknown\",\"answered\",\"silent\",\"ack\",\"safe\",\"help\"]}", "State of his message, or of his answer"             },
    {"saved",            "{\"const\":\"1\"}",                                                     "Say that it was saved"                              },
    {"sender",           "{\"type\":\"string\"}",                                                 "Id of a sender; the first when left out"            },
    {"sig",              "{\"type\":\"string\"}",                                                 "Of a signed link: its signature"                    },
    {"site",             "{\"type\":\"string\"}",                                                 "Id of a site"                                       },
    {"state",            "{\"$ref\":\"#/components/schemas/MessageState\"}",                      "State it is in"                                     },
    {"status",           "{\"type\":\"string\"}",                                                 "Status of the work order"                           },
    {"team",             "{\"type\":\"string\"}",                                                 "Id of a team"                                       },
    {"to",               "{\"type\":\"string\",\"format\":\"date-time\"}",                        "Not after"                                          },
    {"token",            "{\"type\":\"string\"}",                                                 "Of a link that was sent; it works once"             },
    {"user",             "{\"type\":\"string\"}",                                                 "Id of a person"                                     },
    {"v",                "{\"type\":\"string\"}",                                                 "Version: with the right one it may be kept for good"},
    {"wait",             "{\"type\":\"integer\",\"minimum\":0,\"maximum\":30}",
     "Seconds to wait while there is nothing"                                                                                                          },
    {"work_order",       "{\"type\":\"string\"}",                                                 "Number of a work order"                             },
};

static const struct {
    int status;
    const char *when;
} problems[] = {
    {400, "The request cannot be read"                                                     },
    {401, "No valid key"                                                                   },
    {403, "This key may not do this"                                                       },
    {404, "There is no such thing"                                                         },
    {409, "It does not fit what is there, or an Idempotency-Key was used with another body"},
    {410, "The link has expired"                                                           },
    {413, "The body is too long"                                                           },
    {415, "The body has another content type than this path takes"                         },
    {422, "A member is wrong; `member` says which"                                         },
    {503, "Not now: ask again after Retry-After seconds"                                   },
};

/* ---- parts of an operation ---- */

static void write_ref(struct jw *w, const char *name, const char *schema)
{
    char text[96];

    jw_open(w, name, '{');
    snprintf(text, sizeof(text), "#/components/schemas/%s", schema);
    jw_z(w, "$ref", text);
    jw_close(w, '}');
}

static void write_param(struct jw *w, const char *name, const char *in, bool required,
                        const char *schema, const char *text)
{
    jw_open(w, NULL, '{');
    jw_z(w, "name", name);
    jw_z(w, "in", in);
    if (required) {
        jw_bool(w, "required", true);
    }
    jw_z(w, "description", text);
    jw_raw(w, "schema", str_of(schema));
    jw_close(w, '}');
}

/* One name, with other values than at other paths. */
static const char *wire_name(const char *name)
{
    return strcmp(name, "recipient_state") == 0 ? "state"
           : strcmp(name, "dead_kind") == 0     ? "kind"
                                                : name;
}

static void write_query(struct jw *w, const char *names)
{
    struct str rest = str_of(names), name;

    while (rest.n > 0) {
        str_cut(rest, ' ', &name, &rest);
        for (size_t i = 0; i < ARRAY_LEN(params); i++) {
            if (str_eqz(name, params[i].name)) {
                write_param(w, wire_name(params[i].name), "query", false, params[i].schema,
                            params[i].text);
            }
        }
    }
}

static bool takes_key(const struct route *route)
{
    return strcmp(route->method, "POST") == 0 && (route->flags & (ROUTE_WEBHOOK | ROUTE_PAGE)) == 0;
}

static void write_params(struct jw *w, const struct route *route)
{
    struct str path = str_of(route->path), head, name;
    char text[64];

    jw_open(w, "parameters", '[');
    while (str_cut(path, '{', &head, &path)) {
        str_cut(path, '}', &name, &path);
        snprintf(text, sizeof(text), "%.*s", STR_ARG(name));
        write_param(w, text, "path", true, "{\"type\":\"string\"}", "Which one");
    }
    if (route->query != NULL) {
        write_query(w, route->query);
    }
    if (takes_key(route)) {
        write_param(w, "Idempotency-Key", "header", false,
                    "{\"type\":\"string\",\"maxLength\":255}",
                    "The same key and body within a day get the first answer again");
    }
    jw_close(w, ']');
}

static void write_content(struct jw *w, const char *type, const char *schema)
{
    jw_open(w, type, '{');
    if (schema == NULL) {
        jw_raw(w, "schema", STR("{\"type\":\"string\"}"));
    } else if (strcmp(schema, "Timeline") == 0) {
        jw_raw(w, "schema",
               STR("{\"anyOf\":[{\"$ref\":\"#/components/schemas/Timeline\"},"
                   "{\"$ref\":\"#/components/schemas/Evidence\"}]}"));
    } else {
        write_ref(w, "schema", schema);
    }
    jw_close(w, '}');
}

static void write_body(struct jw *w, const struct route *route)
{
    const char *schema = route->request;

    jw_open(w, "requestBody", '{');
    jw_bool(w, "required", strcmp(schema, "BroadcastResend") != 0);
    jw_open(w, "content", '{');
    if (strcmp(schema, "Events") == 0) {
        write_content(w, "application/cloudevents+json", "CloudEvent");
        write_content(w, "application/cloudevents-batch+json", schema);
        write_content(w, "application/json", schema);
    } else if (strcmp(schema, "TwilioForm") == 0) {
        write_content(w, "application/x-www-form-urlencoded", schema);
    } else {
        write_content(w, "application/json", schema);
    }
    if (strcmp(schema, "Emergency") == 0 || (route->flags & ROUTE_PAGE) != 0) {
        write_content(w, "application/x-www-form-urlencoded", schema);
    }
    if (strcmp(schema, "Import") == 0) {
        write_content(w, "text/csv", NULL);
    }
    jw_close(w, '}');
    jw_close(w, '}');
}

/* What is no JSON. */
static const char *text_type(const struct route *route)
{
    static const struct {
        const char *path, *type;
    } types[] = {
        {"/api/docs",                     "text/html"               },
        {"/api/openapi.json",             "application/json"        },
        {"/static/{file}",                "application/octet-stream"},
        {"/media/{id}",                   "application/octet-stream"},
        {"/api/whatsappwebhook/incoming", "text/xml"                },
        {"/api/whatsappwebhook/status",   "text/xml"                },
    };

    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (strcmp(route->path, types[i].path) == 0) {
            return types[i].type;
        }
    }
    return (route->flags & ROUTE_PAGE) != 0 ? "text/html" : "text/plain";
}

static bool may_answer(const struct route *route, int status)
{
    bool webhook = (route->flags & ROUTE_WEBHOOK) != 0, open = (route->flags & ROUTE_PUBLIC) != 0;

    if (route->run == api_media_get) {
        return status == 400 || status == 401 || status == 403 || status == 404 || status == 410 ||
               status == 503;
    }
    if ((route->flags & ROUTE_PAGE) != 0 && (status == 403 || status == 503)) {
        return true;
    }
    switch (status) {
    case 400:
        return true;
    case 401:
        return !open && (route->flags & (ROUTE_TWILIO | ROUTE_META_GET)) == 0;
    case 403:
        return webhook ? (route->flags & ROUTE_META) == 0 : !open && route->roles != KEY_ANY;
    case 404:
        return strchr(route->path, '{') != NULL;
    case 410:
        return false;
    case 409:
        return takes_key(route);
    case 413:
        return route->request != NULL;
    case 415:
    case 422:
        return route->request != NULL && !webhook;
    default:
        return !open || strcmp(route->path, "/readyz") == 0 ||
               strcmp(route->path, "/api/whatsappwebhook/health") == 0;
    }
}

static void write_success(struct jw *w, const struct route *route)
{
    char code[8];

    snprintf(code, sizeof(code), "%d", route->status);
    jw_open(w, code, '{');
    jw_z(w, "description",
         route->status == 202   ? "Accepted and kept"
         : route->status == 204 ? "Done"
                                : "OK");
    if (route->status != 204) {
        jw_open(w, "content", '{');
        if (route->reply != NULL) {
            write_content(w, "application/json", route->reply);
        } else if (strcmp(route->path, "/api/openapi.json") == 0) {
            jw_raw(w, "application/json", STR("{\"schema\":{\"type\":\"object\"}}"));
        } else {
            write_content(w, text_type(route), NULL);
        }
        if ((route->flags & ROUTE_PAGE) != 0 && strcmp(route->method, "GET") == 0) {
            jw_raw(w, "application/json", STR("{\"schema\":{\"type\":\"object\"}}"));
        }
        if (route->reply != NULL &&
            (strcmp(route->reply, "Messages") == 0 || strcmp(route->reply, "Recipients") == 0)) {
            write_content(w, "text/csv", NULL);
        }
        jw_close(w, '}');
    }
    jw_close(w, '}');
}

static void write_responses(struct jw *w, const struct route *route)
{
    char code[8];

    jw_open(w, "responses", '{');
    write_success(w, route);
    for (size_t i = 0; i < ARRAY_LEN(problems); i++) {
        if (may_answer(route, problems[i].status)) {
            snprintf(code, sizeof(code), "%d", problems[i].status);
            jw_open(w, code, '{');
            jw_z(w, "$ref",
                 problems[i].status == 400   ? "#/components/responses/400"
                 : problems[i].status == 401 ? "#/components/responses/401"
                 : problems[i].status == 403 ? "#/components/responses/403"
                 : problems[i].status == 404 ? "#/components/responses/404"
                 : problems[i].status == 409 ? "#/components/responses/409"
                 : problems[i].status == 410 ? "#/components/responses/410"
                 : problems[i].status == 413 ? "#/components/responses/413"
                 : problems[i].status == 415 ? "#/components/responses/415"
                 : problems[i].status == 422 ? "#/components/responses/422"
                                             : "#/components/responses/503");
            jw_close(w, '}');
        }
    }
    jw_close(w, '}');
}

/* "POST /api/v1/users/{id}" -> "post_api_v1_users_id" */
static struct str operation_id(const struct route *route, char *out, size_t max)
{
    size_t n = 0;

    for (const char *c = route->method; *c != '\0' && n + 1 < max; c++) {
        out[n++] = (char)(*c + 32);
    }
    for (const char *c = route->path; *c != '\0' && n + 1 < max; c++) {
        bool word = (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9');

        if (word) {
            out[n++] = *c;
        } else if (n > 0 && out[n - 1] != '_') {
            out[n++] = '_';
        }
    }
    while (n > 0 && out[n - 1] == '_') {
        n--;
    }
    return str_make(out, n);
}

static void write_security(struct jw *w, const struct route *route)
{
    static const unsigned all[] = {KEY_CMMS, KEY_ADMIN, KEY_VIEWER};

    if ((route->flags & (ROUTE_PUBLIC | ROUTE_WEBHOOK)) != 0) {
        jw_raw(w, "security", STR("[]"));
        return;
    }
    if ((route->flags & ROUTE_LOOPBACK) != 0) {
        jw_raw(w, "security", STR("[{\"bearer\":[]},{}]"));
    }
    jw_open(w, "x-roles", '[');
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        if ((route->roles & all[i]) != 0) {
            jw_z(w, NULL, api_key_role_name(all[i]));
        }
    }
    jw_close(w, ']');
}

static void write_operation(struct jw *w, const struct route *route)
{
    char id[96], method[8];
    size_t n = strlen(route->method);

    for (size_t i = 0; i <= n && i < sizeof(method); i++) {
        method[i] = (char)(route->method[i] == '\0' ? 0 : route->method[i] + 32);
    }
    jw_open(w, method, '{');
    jw_str(w, "operationId", operation_id(route, id, sizeof(id)));
    jw_z(w, "summary", route->summary);
    jw_open(w, "tags", '[');
    jw_z(w, NULL, route->tag);
    jw_close(w, ']');
    write_security(w, route);
    write_params(w, route);
    if (route->request != NULL) {
        write_body(w, route);
    }
    write_responses(w, route);
    jw_close(w, '}');
}

/* ---- the document ---- */

static bool first_of_path(size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (strcmp(routes[k].path, routes[i].path) == 0) {
            return false;
        }
    }
    return true;
}

static void write_paths(struct jw *w)
{
    jw_open(w, "paths", '{');
    for (size_t i = 0; i < nroutes; i++) {
        if (!first_of_path(i)) {
            continue;
        }
        jw_open(w, routes[i].path, '{');
        for (size_t k = i; k < nroutes; k++) {
            if (strcmp(routes[k].path, routes[i].path) == 0) {
                write_operation(w, &routes[k]);
            }
        }
        jw_close(w, '}');
    }
    jw_close(w, '}');
}

static void write_components(struct jw *w)
{
    char code[8];

    jw_open(w, "components", '{');
    jw_raw(w, "securitySchemes",
           STR("{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\",\"description\":\"An API key "
               "of one tenant "
               "and one role: cmms, admin or viewer\"}}"));
    jw_open(w, "responses", '{');
    for (size_t i = 0; i < ARRAY_LEN(problems); i++) {
        snprintf(code, sizeof(code), "%d", problems[i].status);
        jw_open(w, code, '{');
        jw_z(w, "description", problems[i].when);
        if (problems[i].status == 503) {
            jw_raw(w, "headers", STR("{\"Retry-After\":{\"schema\":{\"type\":\"integer\"}}}"));
        }
        jw_open(w, "content", '{');
        write_content(w, "application/problem+json", "Problem");
        jw_close(w, '}');
        jw_close(w, '}');
    }
    jw_close(w, '}');
    jw_open(w, "schemas", '{');
    for (size_t i = 0; i < nopenapi_schemas; i++) {
        jw_raw(w, openapi_schemas[i].name, str_of(openapi_schemas[i].json));
    }
    jw_close(w, '}');
    jw_close(w, '}');
}

void openapi_write(struct buf *out)
{
    struct jw w;

    jw_init(&w, out);
    jw_open(&w, NULL, '{');
    jw_z(&w, "openapi", "3.1.0");
    jw_open(&w, "info", '{');
    jw_z(&w, "title", "crewline");
    jw_z(&w, "version", CREWLINE_VERSION);
    jw_z(&w, "summary", "The bridge between a maintenance crew on WhatsApp and its CMMS");
    jw_raw(&w, "license", STR("{\"name\":\"Apache 2.0\",\"identifier\":\"Apache-2.0\"}"));
    jw_close(&w, '}');
    jw_raw(&w, "servers", STR("[{\"url\":\"/\"}]"));
    jw_raw(&w, "security", STR("[{\"bearer\":[]}]"));
    write_paths(&w);
    write_components(&w);
    jw_close(&w, '}');
}

void api_openapi(struct request *r)
{
    reply_json(r, 200, buf_str(&r->app->openapi));
}

/* ---- the page: plain HTML, without script and style, so that the strictest policy shows it ----
 */

static void docs_route(struct buf *out, const struct route *route)
{
    static const unsigned all[] = {KEY_CMMS, KEY_ADMIN, KEY_VIEWER};
    bool open = (route->flags & (ROUTE_PUBLIC | ROUTE_WEBHOOK)) != 0;

    buf_addf(out, "<tr><td>%s</td><td><code>%s</code></td><td>%s</td><td>", route->method,
             route->path, route->summary);
    for (size_t i = 0; i < ARRAY_LEN(all) && !open; i++) {
        if ((route->roles & all[i]) != 0) {
            buf_addf(out, "%s ", api_key_role_name(all[i]));
        }
    }
    buf_addf(out, "%s</td><td>%s</td><td>%s</td><td>%d", open ? "anyone" : "",
             route->query != NULL ? route->query : "", route->request != NULL ? route->request : "",
             route->status);
    buf_addf(out, " %s</td></tr>\n", route->reply != NULL ? route->reply : "");
}

void api_docs(struct request *r)
{
    const char *tag = "";
    struct jw unused;
    struct buf *out = reply_begin(r, &unused);

    buf_addz(out,
             "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>crewline "
             "API</title>"
             "<meta name=\"viewport\" content=\"width=device-width, "
             "initial-scale=1\"></head><body><main>\n"
             "<h1>crewline API</h1>\n<p>Every path of this gateway. The whole contract, for tools: "
             "<a href=\"/api/openapi.json\">openapi.json</a> (OpenAPI 3.1).</p>\n"
             "<p>Keys go into <code>Authorization: Bearer &lt;key&gt;</code>. Errors are "
             "<code>application/problem+json</code>. Every POST takes an "
             "<code>Idempotency-Key</code>.</p>\n");
    for (size_t i = 0; i < nroutes; i++) {
        if (strcmp(tag, routes[i].tag) != 0) {
            buf_addf(out,
                     "%s<h2>%s</h2>\n<table><thead><tr><th>Method</th><th>Path</th><th>Does</"
                     "th><th>For</th>"
                     "<th>Query</th><th>Takes</th><th>Answers</th></tr></thead><tbody>\n",
                     i > 0 ? "</tbody></table>\n" : "", routes[i].tag);
            tag = routes[i].tag;
        }
        docs_route(out, &routes[i]);
    }
    buf_addz(out, "</tbody></table>\n<h2>Shapes</h2>\n<dl>\n");
    for (size_t i = 0; i < nopenapi_schemas; i++) {
        buf_addf(out, "<dt id=\"%s\">%s</dt><dd><pre>", openapi_schemas[i].name,
                 openapi_schemas[i].name);
        buf_addz(out, openapi_schemas[i].json); /* ours: no markup in it */
        buf_addz(out, "</pre></dd>\n");
    }
    buf_addz(out, "</dl></main></body></html>\n");
    reply_text(r, 200, "text/html; charset=utf-8", buf_str(out));
}
