/* Interactive messages: buttons, lists and their relatives, with Meta's limits. */
#include "meta.h"

#define HEADER_MAX 60
#define FOOTER_MAX 60
#define BODY_MAX   1024
#define ROWS_MAX   10

static bool check_header(struct draft *d, const struct json *h, bool text_only)
{
    struct str type = json_get_str(h, "type"), text;

    if (json_kind(h) == JSON_NONE) {
        return true;
    }
    if (json_kind(h) != JSON_OBJECT) {
        return draft_refuse(d, 100, "Param interactive['header'] must be a JSON object.");
    }
    if (str_eqz(type, "text")) {
        if (!draft_text(d, h, "interactive.header", "text", 1, HEADER_MAX, &text)) {
            return false;
        }
        jw_str(&d->w, "header", text);
        return true;
    }
    if (text_only ||
        !(str_eqz(type, "image") || str_eqz(type, "video") || str_eqz(type, "document"))) {
        return draft_refuse(d, 131009, "Header type '%.*s' is not allowed here.",
                            STR_ARG(str_slice(type, 0, 20)));
    }
    return meta_check_media(d, json_get(h, arena_dup(d->arena, type).p),
                            arena_dup(d->arena, type).p, "media");
}

static bool check_frame(struct draft *d, const struct json *j, bool text_header)
{
    const struct json *footer = json_get(j, "footer");
    struct str text, foot = STR_NONE;

    if (!draft_text(d, json_get(j, "body"), "interactive.body", "text", 1, BODY_MAX, &text) ||
        !check_header(d, json_get(j, "header"), text_header)) {
        return false;
    }
    if (json_kind(footer) != JSON_NONE) {
        if (!draft_text(d, footer, "interactive.footer", "text", 1, FOOTER_MAX, &foot)) {
            return false;
        }
        jw_str(&d->w, "footer", foot);
    }
    d->text = text;
    return true;
}

static bool check_buttons(struct draft *d, const struct json *action)
{
    const struct json *list = json_get(action, "buttons");
    struct str ids[3], titles[3];

    if (json_kind(list) != JSON_ARRAY || json_len(list) < 1 || json_len(list) > 3) {
        return draft_refuse(
            d, 131009, "Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: 3");
    }
    jw_open(&d->w, "buttons", '[');
    for (size_t i = 0; i < json_len(list); i++) {
        const struct json *b = json_at(list, i), *reply = json_get(b, "reply");

        if (!draft_only(d, b, "interactive.action.buttons", "type|reply") ||
            !draft_only(d, reply, "interactive.action.buttons.reply", "id|title") ||
            !draft_text(d, reply, "buttons.reply", "id", 1, 256, &ids[i]) ||
            !draft_text(d, reply, "buttons.reply", "title", 1, 20, &titles[i])) {
            return false;
        }
        if (!str_eqz(json_get_str(b, "type"), "reply")) {
            return draft_refuse(d, 131009, "Button type must be 'reply'.");
        }
        for (size_t k = 0; k < i; k++) {
            if (str_eq(ids[k], ids[i]) || str_eq(titles[k], titles[i])) {
                return draft_refuse(d, 131009, "Duplicated button ids or titles.");
            }
        }
        jw_open(&d->w, NULL, '{');
        jw_str(&d->w, "id", ids[i]);
        jw_str(&d->w, "title", titles[i]);
        jw_close(&d->w, '}');
    }
    jw_close(&d->w, ']');
    return true;
}

struct rows {
    struct str ids[ROWS_MAX];
    size_t n;
};

static bool check_row(struct draft *d, const struct json *row, struct str section, struct rows *all)
{
    struct str id, title, about;

    if (all->n == ROWS_MAX) {
        return draft_refuse(d, 131009, "Total row count exceed max allowed count: %d", ROWS_MAX);
    }
    if (!draft_only(d, row, "sections.rows", "id|title|description") ||
        !draft_text(d, row, "sections.rows", "id", 1, 200, &id) ||
        !draft_text(d, row, "sections.rows", "title", 1, 24, &title) ||
        !draft_text(d, row, "sections.rows", "description", 0, 72, &about)) {
        return false;
    }
    for (size_t i = 0; i < all->n; i++) {
        if (str_eq(all->ids[i], id)) {
            return draft_refuse(d, 131009, "Duplicated row id is not allowed: %.*s", STR_ARG(id));
        }
    }
    all->ids[all->n++] = id;
    jw_open(&d->w, NULL, '{');
    jw_str(&d->w, "id", id);
    jw_str(&d->w, "title", title);
    if (about.n > 0) {
        jw_str(&d->w, "description", about);
    }
    if (section.n > 0) {
        jw_str(&d->w, "section", section);
    }
    jw_close(&d->w, '}');
    return true;
}

static bool check_list(struct draft *d, const struct json *action)
{
    const struct json *sections = json_get(action, "sections");
    struct rows all = {.n = 0};
    struct str button;

    if (!draft_only(d, action, "interactive.action", "button|sections") ||
        !draft_text(d, action, "interactive.action", "button", 1, 20, &button)) {
        return false;
    }
    if (json_kind(sections) != JSON_ARRAY || json_len(sections) < 1 || json_len(sections) > 10) {
        return draft_refuse(
            d, 131009, "Invalid sections count. Min allowed sections: 1, Max allowed sections: 10");
    }
    jw_str(&d->w, "list_button", button);
    jw_open(&d->w, "rows", '[');
    for (size_t i = 0; i < json_len(sections); i++) {
        const struct json *s = json_at(sections, i), *rows = json_get(s, "rows");
        struct str title;

        if (!draft_only(d, s, "interactive.action.sections", "title|rows") ||
            !draft_text(d, s, "sections", "title", json_len(sections) > 1 ? 1 : 0, 24, &title)) {
            return false;
        }
        if (json_kind(rows) != JSON_ARRAY || json_len(rows) == 0) {
            return draft_refuse(d, 131009, "Section %zu has no rows.", i);
        }
        for (size_t k = 0; k < json_len(rows); k++) {
            if (!check_row(d, json_at(rows, k), title, &all)) {
                return false;
            }
        }
    }
    jw_close(&d->w, ']');
    return true;
}

static bool check_cta(struct draft *d, const struct json *action)
{
    const struct json *p = json_get(action, "parameters");
    struct str label, url;

    if (!str_eqz(json_get_str(action, "name"), "cta_url")) {
        return draft_refuse(d, 131009, "action.name must be 'cta_url'.");
    }
    if (!draft_only(d, p, "interactive.action.parameters", "display_text|url") ||
        !draft_text(d, p, "parameters", "display_text", 1, 20, &label) ||
        !draft_text(d, p, "parameters", "url", 1, 2000, &url)) {
        return false;
    }
    jw_open(&d->w, "link", '{');
    jw_str(&d->w, "title", label);
    jw_str(&d->w, "url", url);
    jw_close(&d->w, '}');
    return true;
}

static bool check_flow(struct draft *d, const struct json *action)
{
    const struct json *p = json_get(action, "parameters");
    struct str label;

    if (json_get_text(p, "flow_id", d->arena).n == 0 && json_get_str(p, "flow_name").n == 0) {
        return draft_refuse(d, 131008, "Parameter 'flow_id' or 'flow_name' is required.");
    }
    if (!draft_text(d, p, "parameters", "flow_cta", 1, 30, &label)) {
        return false;
    }
    jw_open(&d->w, "link", '{');
    jw_str(&d->w, "title", label);
    jw_close(&d->w, '}');
    return true;
}

static bool check_ask(struct draft *d, const struct json *action)
{
    struct str name = json_get_str(action, "name");

    jw_str(&d->w, "asks", name);
    return str_eqz(name, "send_location") || str_eqz(name, "request_contact_info") ||
           draft_refuse(d, 131009, "action.name '%.*s' does not fit the type.",
                        STR_ARG(str_slice(name, 0, 40)));
}

static const struct {
    const char *type, *kind;
    bool text_header;
    bool (*check)(struct draft *d, const struct json *action);
} types[] = {
    {"button",                   "button",           false, check_buttons},
    {"list",                     "list",             true,  check_list   },
    {"cta_url",                  "cta_url",          false, check_cta    },
    {"flow",                     "flow",             false, check_flow   },
    {"location_request_message", "location_request", true,  check_ask    },
    {"request_contact_info",     "contact_request",  true,  check_ask    },
};

bool meta_check_interactive(struct draft *d, const struct json *j)
{
    struct str type = json_get_str(j, "type");

    if (!draft_only(d, j, "interactive", "type|header|body|footer|action")) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (str_eqz(type, types[i].type)) {
            const struct json *action = json_get(j, "action");

            d->kind = str_of(types[i].kind);
            if (json_kind(action) != JSON_OBJECT) {
                return draft_refuse(d, 131008, "Parameter 'interactive.action' is required.");
            }
            return check_frame(d, j, types[i].text_header) && types[i].check(d, action);
        }
    }
    return draft_refuse(d, 131009, "Interactive type '%.*s' is not valid.",
                        STR_ARG(str_slice(type, 0, 40)));
}
