/* The templates of Meta's and Twilio's accounts: what is registered is listed from then on. */
#include "world_int.h"

#include <string.h>

#define META_LIST "/message_templates"

static void say(struct http_req *r, int status, struct str body)
{
    const struct http_reply reply = {
        .status = status, .content_type = "application/json", .body = body};

    http_reply(r, &reply);
}

static const char *word(const struct world *w, bool meta)
{
    return w->t.status != NULL ? w->t.status : meta ? "PENDING" : "received";
}

/* What was posted, with the id and the state that it has here. */
static struct str listed(struct world *w, bool meta, const char *head, const char *tail)
{
    struct buf b;
    struct str s;
    const char *comma = "";

    buf_init(&b, 4 << 20);
    buf_addz(&b, head);
    for (size_t i = 0; i < w->t.nmade; i++) {
        const struct made *m = &w->t.made[i];

        if (m->meta == meta && !m->gone) {
            buf_addf(&b, "%s%.*s,\"%s\":\"%s\",\"status\":\"%s\"}", comma, (int)m->body.n - 1,
                     m->body.p, meta ? "id" : "sid", m->id, word(w, meta));
            comma = ",";
        }
    }
    buf_addz(&b, tail);
    s = arena_dup(w->a, buf_str(&b));
    buf_fini(&b);
    return s;
}

static void make(struct world *w, struct http_req *r, bool meta)
{
    struct made *m;

    if (w->t.refuse_status != 0 && w->t.nmade >= w->t.refuse_from) {
        w->t.nrefused++;
        say(r, w->t.refuse_status, str_of(w->t.refuse_body));
        return;
    }
    m = &w->t.made[w->t.nmade < MADE_MAX ? w->t.nmade++ : MADE_MAX - 1];
    *m = (struct made){.meta = meta, .body = arena_dup(w->a, http_req_body(r))};
    snprintf(m->id, sizeof(m->id), meta ? "%zu" : "HX%032zu", 9000 + w->t.nmade);
    say(r, meta ? 200 : 201,
        arena_printf(w->a,
                     meta ? "{\"id\":\"%s\",\"status\":\"PENDING\",\"category\":\"UTILITY\"}"
                          : "{\"sid\":\"%s\"}",
                     m->id));
}

static void drop(struct world *w, struct http_req *r, struct str where)
{
    for (size_t i = 0; i < w->t.nmade; i++) {
        if (str_find(where, str_of(w->t.made[i].id)) != SIZE_MAX) {
            w->t.made[i].gone = true;
            w->t.ndeleted++;
        }
    }
    say(r, 200, STR("{\"success\":true}"));
}

bool world_templates(struct world *w, struct http_req *r)
{
    struct str path = http_req_path(r), method = http_req_method(r);
    bool meta = str_ends(path, STR(META_LIST)), post = str_eqz(method, "POST");
    bool content = str_find(path, STR("/v1/Content")) != SIZE_MAX;
    struct str body = http_req_body(r);
    bool buttons = str_starts(body, STR("{\"friendly_name\":\"crewline_")) &&
                   str_find_char(str_slice(body, 0, 44), '.', 0) == SIZE_MAX; /* of the session */

    if ((!meta && !content) || (post && buttons)) {
        return false;
    }
    if (str_eqz(method, "DELETE")) {
        drop(w, r, meta ? pairs_get(http_req_params(r), STR("hsm_id")) : path);
    } else if (post && str_ends(path, STR("/whatsapp"))) {
        w->t.nsubmitted++;
        say(r, 201, STR("{\"name\":\"x\",\"category\":\"UTILITY\",\"status\":\"received\"}"));
    } else if (post) {
        make(w, r, meta);
    } else if (meta && w->t.list_status != 0) {
        w->t.nlists++;
        say(r, w->t.list_status, STR("{\"error\":{\"message\":\"m\",\"code\":100}}"));
    } else if (meta) {
        w->t.nlists++;
        say(r, 200, listed(w, true, "{\"data\":[", "]}"));
    } else if (str_ends(path, STR("/ApprovalRequests"))) {
        say(r, 200,
            arena_printf(w->a, "{\"whatsapp\":{\"status\":\"%s\",\"category\":\"UTILITY\"}}",
                         word(w, false)));
    } else {
        say(r, 200, listed(w, false, "{\"contents\":[", "],\"meta\":{}}"));
    }
    return true;
}
