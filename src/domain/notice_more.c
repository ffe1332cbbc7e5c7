/* notice_more: notes, parts, reminders; requests and machines, which are about no order. */
#include "base/mem.h"
#include "domain/broadcast.h"
#include "domain/template.h"
#include "notice_int.h"

#define HOUR_MS           ((int64_t)3600 * 1000)
#define DAY_MS            (24 * HOUR_MS)
#define VALUE_MAX         300 /* characters of a text within a template */
#define PARTS_MAX         20
#define WAS_REQUESTED_MAX 500

static struct message *tell_of_order(struct plan *p, const struct order *o, const struct user *to,
                                     enum user_class cls, struct str text)
{
    struct message *m = notice_tell(p, o, to, cls, text);

    if (m != NULL) {
        notice_order_buttons(p, o, to, m);
    }
    return m;
}

void notice_comment(struct plan *p, const struct order *o, const struct user *to, struct str author,
                    struct str text)
{
    struct message *m;
    struct page g;

    page_init(&g, p, to);
    text = page_words(&g, text);
    if (author.n > 0) {
        page_add(&g, "notice.comment_by", ARG_IDENT("number", o->number), ARG_S("name", author),
                 ARG_S("text", text));
    } else {
        page_add(&g, "notice.comment", ARG_IDENT("number", o->number), ARG_S("text", text));
    }
    m = tell_of_order(p, o, to, CLASS_ASSIGNMENTS, page_end(&g));
    if (m != NULL) {
        page_mark(&g, p, m);
        TEMPLATE_SET(p->a, m, TEMPLATE_COMMENT, o->number, o->title,
                     author.n > 0 ? author : p->tenant->conf->name,
                     i18n_cut(p->a, text, VALUE_MAX));
    }
}

/* "Bearing 6204 (2), Grease" */
static struct str part_list(const struct page *g, const struct json *const *parts, size_t n)
{
    struct buf list;
    struct str out;

    buf_init(&list, 16 * 1024);
    for (size_t i = 0; i < n && i < PARTS_MAX; i++) {
        struct str name = json_get_text(parts[i], "name", g->p->a),
                   qty = json_get_text(parts[i], "qty", g->p->a);

        if (name.n == 0) {
            name = json_get_text(parts[i], "id", g->p->a);
        }
        if (i > 0) {
            i18n_add(g->l, g->timezone, "list.comma", NULL, 0, &list);
        }
        buf_add(&list, qty.n == 0 ? name
                                  : I18N(g->p->a, g->l, g->timezone, "notice.part",
                                         ARG_S("name", name), ARG_S("qty", qty)));
    }
    out = arena_dup(g->p->a, buf_str(&list));
    buf_fini(&list);
    return out;
}

void notice_parts(struct plan *p, const struct order *o, const struct user *to,
                  const struct json *const *parts, size_t n)
{
    struct message *m;
    struct str list;
    struct page g;

    page_init(&g, p, to);
    list = part_list(&g, parts, n);
    page_add(&g, "notice.parts", ARG_IDENT("number", o->number), ARG_S("parts", list));
    m = tell_of_order(p, o, to, CLASS_PARTS, page_end(&g));
    if (m != NULL) {
        TEMPLATE_SET(p->a, m, TEMPLATE_PARTS, o->number, o->title, i18n_cut(p->a, list, VALUE_MAX));
    }
}

/* ---- reminders ---- */

/* "2 days", or hours or minutes where it is soon; empty: it is due now. */
static struct str time_left(const struct page *g, int64_t ms)
{
    static const struct {
        int64_t from_ms, unit_ms;
        const char *key;
    } rows[] = {
        {36 * HOUR_MS,    DAY_MS,  "unit.days"   },
        {HOUR_MS - 60000, HOUR_MS, "unit.hours"  },
        {60000,           60000,   "unit.minutes"}
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (ms >= rows[i].from_ms) {
            return i18n_text(g->p->a, g->l, g->timezone, rows[i].key,
                             &ARG_N("n", (ms + rows[i].unit_ms / 2) / rows[i].unit_ms), 1);
        }
    }
    return STR_NONE;
}

/* How it stands with the time, as a line of the text. */
static struct str due_line(const struct page *g, struct wall due, struct wall now, struct str left)
{
    if (due.ms + 60000 <= now.ms) {
        return I18N(g->p->a, g->l, g->timezone, "line.overdue", ARG_T("due", due));
    }
    return left.n > 0 ? I18N(g->p->a, g->l, g->timezone, "line.due_in", ARG_S("left", left))
                      : I18N(g->p->a, g->l, g->timezone, "line.due_now");
}

/* The same without the marks of the line: in a template the label stands already. */
static struct str due_value(const struct page *g, struct wall due, struct str left)
{
    return left.n > 0 ? left : I18N(g->p->a, g->l, g->timezone, "value.moment", ARG_T("at", due));
}

void notice_reminder(struct plan *p, const struct order *o, const struct user *to)
{
    /* What he reads in the morning counts from the morning. */
    bool urgent = o->priority == ORDER_PRIO_CRITICAL || o->priority == ORDER_PRIO_HIGH;
    struct wall read = urgent ? p->now : user_quiet_until(to, p->tenant->conf->timezone, p->now);
    struct message *m;
    struct page g;
    struct str left;

    page_init(&g, p, to);
    left = time_left(&g, o->due.ms - read.ms);
    page_add(&g, "notice.reminder");
    page_blank(&g);
    page_add(&g, "line.number", ARG_IDENT("number", o->number));
    page_add(&g, "line.title", ARG_S("title", o->title));
    buf_add(&g.text, due_line(&g, o->due, read, left));
    page_blank(&g);
    if (o->due.ms - read.ms >= 36 * HOUR_MS) {
        page_add(&g, "line.due_date", ARG_T("due", o->due));
    } else if (o->due.ms + 60000 > read.ms) {
        page_add(&g, "line.due_date_time", ARG_T("due", o->due));
    }
    page_blank(&g);
    page_add(&g, "reply_with.title");
    page_add(&g, "reply_with.status");
    page_add(&g, "reply_with.delay");
    page_add(&g, "reply_with.complete");
    m = tell_of_order(p, o, to, CLASS_REMINDERS, page_end(&g));
    if (m != NULL) {
        TEMPLATE_SET(p->a, m, TEMPLATE_REMINDER, o->number, o->title, due_value(&g, o->due, left),
                     page_moment(&g, "value.date", o->due));
        plan_entry(p, o->id, "reminded", to->id, STR_NONE);
    }
}

/* ---- requests and machines ---- */

static const struct {
    const char *name, *key;
} request_states[] = {
    [REQUEST_RECEIVED] = {"received", "notice.request_received"},
    [REQUEST_APPROVED] = {"approved", "notice.request_approved"},
    [REQUEST_REFUSED] = {"refused",  "notice.request_refused" },
    [REQUEST_DONE] = {"done",     "notice.request_done"    },
};

static void request_page(struct page *g, enum request_state state, struct str text,
                         struct str reason, struct wall at)
{
    buf_add(&g->text, I18N(g->p->a, g->l, g->timezone, request_states[state].key,
                           ARG_S("text", text), ARG_T("at", at)));
    page_blank(g);
    if (reason.n > 0) {
        page_add(g, "line.reason", ARG_S("reason", reason));
    }
}

void notice_request(struct plan *p, const struct user *to, enum request_state state,
                    struct str text, struct str reason, struct wall at)
{
    struct message *m;
    struct page g;

    page_init(&g, p, to);
    text = i18n_cut(p->a, str_trim(text), WAS_REQUESTED_MAX);
    request_page(&g, state, text, reason, at);
    m = notice_tell(p, NULL, to, CLASS_UPDATES, page_end(&g));
    if (m != NULL) {
        TEMPLATE_SET(p->a, m, TEMPLATE_REQUEST, i18n_cut(p->a, text, VALUE_MAX),
                     page_word(&g, "request", request_states[state].name));
    }
}

void notice_report_refused(struct plan *p, const struct user *to, struct str text,
                           struct str reason)
{
    struct message *m = plan_message(p, to, MESSAGE_TEXT);
    struct page g;

    page_init(&g, p, to);
    text = i18n_cut(p->a, str_trim(text), WAS_REQUESTED_MAX);
    request_page(&g, REQUEST_REFUSED, text, reason, p->now);
    m->text = page_end(&g);
    m->prio = PRIO_REPLY;
    TEMPLATE_SET(p->a, m, TEMPLATE_REQUEST, i18n_cut(p->a, text, VALUE_MAX),
                 page_word(&g, "request", request_states[REQUEST_REFUSED].name));
}

void notice_refused_about(struct plan *p, struct str name, const struct user *to, struct str reason)
{
    struct message *m = plan_message(p, to, MESSAGE_TEXT);
    struct page g;

    page_init(&g, p, to);
    page_add(&g, "notice.refused_about", ARG_S("name", name), ARG_S("reason", reason));
    m->text = page_end(&g);
    m->prio = PRIO_REPLY;
    TEMPLATE_SET(p->a, m, TEMPLATE_PM_REFUSED, name, reason);
}

/* What CMMSs call the states of a machine; another word is told as it came. */
static struct str asset_status(const struct page *g, struct str status)
{
    static const struct {
        const char *word, *name;
    } rows[] = {
        {"up",             "up"         },
        {"running",        "up"         },
        {"operational",    "up"         },
        {"available",      "up"         },
        {"down",           "down"       },
        {"failed",         "down"       },
        {"broken",         "down"       },
        {"out_of_order",   "down"       },
        {"out_of_service", "down"       },
        {"offline",        "down"       },
        {"maintenance",    "maintenance"},
        {"in_maintenance", "maintenance"},
        {"idle",           "idle"       },
        {"standby",        "idle"       },
        {"stopped",        "idle"       }
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (str_ieq(status, str_of(rows[i].word))) {
            return page_word(g, "asset", rows[i].name);
        }
    }
    return status;
}

void notice_asset(struct plan *p, const struct user *to, struct str asset, struct str status,
                  struct wall at)
{
    struct message *m;
    struct page g;
    struct str now;

    page_init(&g, p, to);
    now = asset_status(&g, status);
    page_add(&g, "notice.asset", ARG_S("asset", asset), ARG_S("status", now), ARG_T("at", at));
    m = notice_tell(p, NULL, to, CLASS_UPDATES, page_end(&g));
    if (m != NULL) {
        TEMPLATE_SET(p->a, m, TEMPLATE_ASSET, asset, now, page_moment(&g, "value.time", at));
    }
}

/* ---- a new person ---- */

/* In his language, else the tenant's, else the first that there is. */
static struct str onboarding_text(const struct plan *p, const struct user *to,
                                  const struct json *item)
{
    const struct json *many = json_get(item, "texts");
    struct str code = lang_code(notice_lang(p, to)), name, text;

    if (json_len(many) == 0) {
        return json_get_str(item, "text");
    }
    text = json_get_str(many, arena_dup(p->a, code).p);
    if (text.n == 0) {
        text = json_get_str(many, arena_dup(p->a, p->tenant->conf->default_language).p);
    }
    return text.n > 0 ? text : json_str(json_member_at(many, 0, &name));
}

static void add_file(struct plan *p, struct message *m, const struct json *media)
{
    m->kind = MESSAGE_MEDIA;
    m->text = i18n_cut(p->a, m->text, BUTTONS_BODY_MAX);
    m->media.url = json_get_str(media, "url");
    m->media.mime = json_get_str(media, "mime");
    m->media.filename = json_get_str(media, "filename");
}

void notice_onboarding(struct plan *p, struct user *to)
{
    const struct json *list = p->tenant->conf->onboarding;

    if (to->onboarded || json_len(list) == 0 || !to->verified) {
        return;
    }
    to->onboarded = true;
    for (size_t i = 0; i < json_len(list); i++) {
        const struct json *item = json_at(list, i), *media = json_get(item, "media");
        struct str text = onboarding_text(p, to, item);
        bool together = media == NULL || broadcast_captioned(json_get_str(media, "mime"));
        struct message *m = NULL;

        if (text.n > 0 || together) {
            m = notice_tell(p, NULL, to, CLASS_TRAINING, text);
        }
        if (!together) {
            m = notice_tell(p, NULL, to, CLASS_TRAINING, STR_NONE);
        }
        if (m != NULL && media != NULL) {
            add_file(p, m, media);
        }
    }
}

/* ---- codes ---- */

void notice_code(struct plan *p, const struct user *to, struct str code, struct wall until)
{
    struct message *m;
    struct page g;

    page_init(&g, p, to);
    page_add(&g, "notice.code", ARG_IDENT("code", code));
    m = plan_message(p, to, MESSAGE_TEXT);
    m->text = page_end(&g);
    m->prio = PRIO_REPLY; /* he waits for it, with the page before him */
    m->max_sends = p->tenant->settings->max_sends_code;
    m->expires = until;
    TEMPLATE_SET(p->a, m, TEMPLATE_CODE, code);
}
