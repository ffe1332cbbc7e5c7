/* Finds what a Graph API path means, and who asks. */
#include "meta.h"
#include "meta_media.h"
#include "meta_template.h"
#include "template.h"

#define UPLOAD_MAX (MEDIA_ONE_MAX + (1u << 20))

/* "/v23.0/306/messages" -> node "306", edge "messages". Unversioned paths work too, as at Meta. */
static bool split(struct str path, struct str *node, struct str *edge)
{
    struct str rest = str_slice(path, 1, path.n), head, tail;

    if (rest.n > 3 && rest.p[0] == 'v' &&
        str_find_char(rest, '.', 0) < str_find_char(rest, '/', 0)) {
        str_cut(rest, '/', &head, &tail);
        for (size_t i = 1; i < head.n; i++) {
            if (head.p[i] != '.' && (head.p[i] < '0' || head.p[i] > '9')) {
                return false;
            }
        }
        rest = tail;
    }
    str_cut(rest, '/', node, edge);
    if (edge->n > 0 && edge->p[edge->n - 1] == '/') {
        edge->n--;
    }
    for (size_t i = 0; i < node->n; i++) {
        if (node->p[i] < '0' || node->p[i] > '9') {
            return false;
        }
    }
    return node->n > 0;
}

size_t meta_limit(struct http_req *r)
{
    struct str node, edge;

    if (str_starts(http_req_path(r), STR(META_DOWNLOAD_PATH))) {
        return 1;
    }
    if (!split(http_req_path(r), &node, &edge)) {
        return 0;
    }
    return str_eqz(edge, "media") ? UPLOAD_MAX : 1 << 20;
}

/* Whose token it is; NULL after having answered. */
static struct number *authorize(struct sandbox *sb, struct http_req *r)
{
    struct str auth = http_req_header(r, STR("authorization"));
    struct str token = pairs_get(http_req_params(r), STR("access_token"));
    struct number *n;

    if (str_starts(auth, STR("Bearer "))) {
        token = str_slice(auth, 7, auth.n);
    }
    if (token.n == 0) {
        meta_refuse(sb, r, 0, 104, 0,
                    "(#104) An access token is required to request this resource.");
        return NULL;
    }
    n = number_by_token(sb, DIALECT_META, token);
    if (n == NULL) {
        meta_refuse(sb, r, 0, 190, 0, "Invalid OAuth access token - Cannot parse access token");
        return NULL;
    }
    if (fault_hit(sb, FAULT_EXPIRED_TOKEN, DIALECT_META, STR_NONE) != NULL) {
        meta_refuse(sb, r, 0, 190, 463,
                    "Error validating access token: Session has expired on Tuesday, 15-Sep-26 "
                    "00:00:00 PDT. The current time is Tuesday, 15-Sep-26 01:00:00 PDT.");
        return NULL;
    }
    return n;
}

static void unknown(struct sandbox *sb, struct http_req *r, struct str node)
{
    struct str method = http_req_method(r);

    meta_refuse(
        sb, r, 0, 100, 33,
        "Unsupported %s request. Object with ID '%.*s' does not exist, cannot be loaded due to "
        "missing permissions, or does not support this operation. Please read the Graph API "
        "documentation at https://developers.facebook.com/docs/graph-api",
        str_eqz(method, "GET")    ? "get"
        : str_eqz(method, "POST") ? "post"
                                  : "delete",
        STR_ARG(node));
}

static void number_json(struct jw *w, const struct number *n)
{
    jw_open(w, NULL, '{');
    jw_z(w, "verified_name", n->name);
    jw_z(w, "code_verification_status", "VERIFIED");
    jw_z(w, "display_phone_number", n->e164);
    jw_z(w, "quality_rating", "GREEN");
    jw_z(w, "platform_type", "CLOUD_API");
    jw_open(w, "throughput", '{');
    jw_z(w, "level", n->rate_per_second > 80 ? "HIGH" : "STANDARD");
    jw_close(w, '}');
    jw_z(w, "status", "CONNECTED");
    jw_z(w, "name_status", "APPROVED");
    jw_z(w, "account_mode", "LIVE");
    jw_z(w, "whatsapp_business_manager_messaging_limit", n->tier);
    jw_open(w, "webhook_configuration", '{');
    jw_z(w, "application", n->inbound_url);
    jw_close(w, '}');
    jw_open(w, "health_status", '{');
    jw_z(w, "can_send_message", "AVAILABLE");
    jw_open(w, "entities", '[');
    jw_open(w, NULL, '{');
    jw_z(w, "entity_type", "PHONE_NUMBER");
    jw_z(w, "id", n->id);
    jw_z(w, "can_send_message", "AVAILABLE");
    jw_close(w, '}');
    jw_close(w, ']');
    jw_close(w, '}');
    jw_z(w, "id", n->id);
    jw_close(w, '}');
}

static void number_get(struct sandbox *sb, struct http_req *r, struct number *n)
{
    struct str fields = pairs_get(http_req_params(r), STR("fields")), want, rest = fields;
    struct json *all = NULL, *some = json_new_object();
    struct buf b;
    struct jw w;

    buf_init(&b, 16384);
    jw_init(&w, &b);
    number_json(&w, n);
    if (fields.n > 0 && json_parse(buf_str(&b), b.n, &all, NULL)) {
        while (rest.n > 0) {
            str_cut(rest, ',', &want, &rest);
            const char *name = arena_dup(http_req_arena(r), str_trim(want)).p;

            if (json_get(all, name) != NULL) {
                json_set(some, name, json_dup(json_get(all, name)));
            }
        }
        json_set_str(some, "id", str_of(n->id));
        buf_reset(&b);
        json_dump(some, &b);
    }
    meta_answer(sb, r, buf_str(&b));
    json_free(&all);
    json_free(&some);
    buf_fini(&b);
}

static void number_post(struct sandbox *sb, struct http_req *r, struct number *n)
{
    struct json *body = NULL;
    const struct json *hook;

    if (!json_parse(http_req_body(r), 1 << 16, &body, NULL)) {
        meta_refuse(sb, r, 0, 100, 0, "The body is not valid JSON.");
        return;
    }
    hook = json_get(body, "webhook_configuration");
    if (json_get_str(hook, "override_callback_uri").n > 0) {
        set_text(&n->inbound_url, json_get_str(hook, "override_callback_uri"));
        set_text(&n->verify_token, json_get_str(hook, "verify_token"));
    }
    json_free(&body);
    meta_answer(sb, r, STR("{\"success\":true}"));
}

static void phone_numbers(struct sandbox *sb, struct http_req *r, struct str waba)
{
    struct buf b;
    struct jw w;

    buf_init(&b, 1 << 20);
    jw_init(&w, &b);
    jw_open(&w, NULL, '{');
    jw_open(&w, "data", '[');
    for (size_t i = 0; i < sb->nnumbers; i++) {
        if (sb->numbers[i]->dialect == DIALECT_META && str_eqz(waba, sb->numbers[i]->account)) {
            number_json(&w, sb->numbers[i]);
        }
    }
    jw_close(&w, ']');
    jw_close(&w, '}');
    meta_answer(sb, r, buf_str(&b));
    buf_fini(&b);
}

static void number_edge(struct sandbox *sb, struct http_req *r, struct number *n, struct str edge)
{
    bool post = str_eqz(http_req_method(r), "POST");

    if (edge.n == 0 && str_eqz(http_req_method(r), "GET")) {
        number_get(sb, r, n);
    } else if (edge.n == 0 && post) {
        number_post(sb, r, n);
    } else if (post && str_eqz(edge, "messages")) {
        meta_send(sb, r, n);
    } else if (post && str_eqz(edge, "media")) {
        meta_media_upload(sb, r, n);
    } else if (post && str_eqz(edge, "register")) {
        meta_answer(sb, r, STR("{\"success\":true}"));
    } else if (str_starts(edge, STR("groups"))) {
        meta_refuse(sb, r, 0, 131215, 0, "%s", "");
    } else {
        unknown(sb, r, str_of(n->id));
    }
}

static void account_edge(struct sandbox *sb, struct http_req *r, struct str waba, struct str edge)
{
    if (str_eqz(edge, "message_templates")) {
        meta_templates(sb, r, waba);
    } else if (str_eqz(edge, "phone_numbers")) {
        phone_numbers(sb, r, waba);
    } else if (str_eqz(edge, "subscribed_apps")) {
        meta_answer(sb, r, STR("{\"success\":true}"));
    } else if (edge.n == 0) {
        meta_answer(sb, r,
                    arena_printf(http_req_arena(r), "{\"id\":\"%.*s\",\"name\":\"Sandbox\"}",
                                 STR_ARG(waba)));
    } else {
        unknown(sb, r, waba);
    }
}

bool meta_route(struct sandbox *sb, struct http_req *r)
{
    struct str node, edge;
    struct number *who, *n;
    struct media *m;
    struct template *t;

    if (str_starts(http_req_path(r), STR(META_DOWNLOAD_PATH))) {
        meta_media_download(sb, r);
        return true;
    }
    if (!split(http_req_path(r), &node, &edge)) {
        return false;
    }
    if (http_req_params(r) == NULL) {
        meta_refuse(sb, r, 0, 100, 0, "The query is malformed.");
        return true;
    }
    who = authorize(sb, r);
    if (who == NULL) {
        return true;
    }
    n = number_by_meta_id(sb, node);
    if (n != NULL && strcmp(n->token, who->token) == 0) {
        number_edge(sb, r, n, edge);
    } else if (n == NULL && str_eqz(node, who->account)) {
        account_edge(sb, r, node, edge);
    } else if ((m = media_find(sb->media, node)) != NULL && edge.n == 0 && media_belongs(m, who)) {
        meta_media_node(sb, r, who, m);
    } else if ((t = template_by_id(sb->templates, node)) != NULL &&
               strcmp(t->waba, who->account) == 0) {
        meta_template_node(sb, r, t);
    } else {
        unknown(sb, r, node);
    }
    return true;
}
