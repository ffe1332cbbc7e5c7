#include "domain/notice.h"

#include "base/mem.h"
#include "domain/template.h"
#include "notice_int.h"

#define TEXT_MAX        4000 /* under every provider's limit with room for the frame */
#define DESCRIPTION_MAX 500

const struct lang *notice_lang(const struct plan *p, const struct user *to)
{
    return i18n_lang(p->tenant->i18n, to->language, p->tenant->conf->default_language);
}

struct str notice_timezone(const struct plan *p, const struct user *to)
{
    return to->timezone.n > 0 ? to->timezone : p->tenant->conf->timezone;
}

void page_init(struct page *g, const struct plan *p, const struct user *to)
{
    *g = (struct page){.p = p, .l = notice_lang(p, to), .timezone = notice_timezone(p, to)};
    buf_init(&g->text, 64 * 1024);
}

struct str page_end(struct page *g)
{
    struct str out;

    if (g->original.n > 0) {
        page_blank(g);
        page_add(g, "line.translated");
    }
    out = i18n_cut(g->p->a, arena_dup(g->p->a, str_trim(buf_str(&g->text))), TEXT_MAX);

    buf_fini(&g->text);
    return out;
}

struct str page_word(const struct page *g, const char *kind, const char *name)
{
    return i18n_text(g->p->a, g->l, g->timezone, arena_printf(g->p->a, "name.%s.%s", kind, name).p,
                     NULL, 0);
}

void page_blank(struct page *g)
{
    buf_add_char(&g->text, '\n');
}

/* A date or a time alone, as a value of a template. */
struct str page_moment(const struct page *g, const char *key, struct wall at)
{
    return at.ms > 0 ? I18N(g->p->a, g->l, g->timezone, key, ARG_T("at", at)) : STR_NONE;
}

static void add_order_lines(struct page *g, const struct order *o)
{
    page_add(g, "line.number", ARG_IDENT("number", o->number));
    page_add(g, "line.title", ARG_S("title", o->title));
    if (o->asset_name.n > 0) {
        page_add(g, "line.asset", ARG_S("asset", o->asset_name));
    }
    if (o->location_name.n > 0) {
        page_add(g, "line.location", ARG_S("location", o->location_name));
    }
    if (o->priority != ORDER_PRIO_NONE) {
        struct str priority = page_word(g, "priority", order_priority_name(o->priority));

        page_add(g, "line.priority", ARG_S("priority", priority));
    }
    if (o->due.ms > 0 && o->due.ms < g->p->now.ms && order_is_open(o)) {
        page_add(g, "line.overdue", ARG_T("due", o->due));
    } else if (o->due.ms > 0) {
        page_add(g, "line.due", ARG_T("due", o->due));
    }
}

static void add_description(struct page *g, const struct order *o)
{
    if (o->description.n > 0) {
        page_blank(g);
        buf_add(&g->text, i18n_paragraph(g->p->a, i18n_cut(g->p->a, str_trim(o->description),
                                                           DESCRIPTION_MAX)));
        buf_add_char(&g->text, '\n');
    }
}

struct str notice_order_text(const struct plan *p, const struct order *o, const struct user *to)
{
    struct page g;
    struct str status;

    page_init(&g, p, to);
    status = page_word(&g, "status", order_status_name(o->status));
    page_add(&g, "reply.order", ARG_IDENT("number", o->number));
    page_blank(&g);
    add_order_lines(&g, o);
    page_add(&g, "line.status", ARG_S("status", status));
    if (o->team_name.n > 0) {
        page_add(&g, "line.team", ARG_S("team", o->team_name));
    }
    if (o->requester.name.n > 0) {
        page_add(&g, "line.requester", ARG_S("name", o->requester.name));
    }
    add_description(&g, o);
    if (o->url.n > 0) {
        page_blank(&g);
        page_add(&g, "line.url", ARG_IDENT("url", o->url));
    }
    return page_end(&g);
}

/* ---- buttons ---- */

static void button(const struct plan *p, const struct user *to, const struct order *o,
                   struct message *m, const char *action, const char *key)
{
    struct str title = i18n_text(p->a, notice_lang(p, to), notice_timezone(p, to), key, NULL, 0);

    m->options[m->noptions++] =
        (struct message_option){arena_printf(p->a, "%s:%.*s", action, STR_ARG(o->id)),
                                i18n_cut(p->a, title, 20), STR_NONE, STR_NONE};
}

void notice_order_buttons(const struct plan *p, const struct order *o, const struct user *to,
                          struct message *m)
{
    m->order_id = o->id;
    m->order_number = o->number;
    if (!order_is_open(o) || (to->roles & ROLE_CREW) == 0 ||
        str_utf8_len(m->text) > BUTTONS_BODY_MAX) {
        return; /* the words go first: with buttons there is no room for all of them */
    }
    m->kind = MESSAGE_BUTTONS;
    m->noptions = 0;
    switch (o->status) {
    case ORDER_OPEN:
        button(p, to, o, m, "start", "button.start");
        button(p, to, o, m, "view", "button.view");
        button(p, to, o, m, "ack", "button.ack");
        break;
    case ORDER_ACKNOWLEDGED:
        button(p, to, o, m, "start", "button.start");
        button(p, to, o, m, "view", "button.view");
        break;
    case ORDER_ON_HOLD:
        button(p, to, o, m, "start", "button.resume");
        button(p, to, o, m, "view", "button.view");
        break;
    default:
        button(p, to, o, m, "complete", "button.complete");
        button(p, to, o, m, "escalate", "button.escalate");
        button(p, to, o, m, "view", "button.view");
    }
}

/* ---- who may be told, and when ---- */

/* In a person's quiet hours what is not urgent waits for the morning. */
void notice_priority_set(const struct plan *p, const struct user *to, struct message *m,
                         enum prio prio)
{
    struct wall awake = user_quiet_until(to, p->tenant->conf->timezone, p->now);

    m->prio = prio;
    m->send_at.ms = prio >= PRIO_NORMAL && awake.ms > p->now.ms ? awake.ms : 0;
}

struct message *notice_tell(struct plan *p, const struct order *o, const struct user *to,
                            enum user_class cls, struct str text)
{
    enum notify_verdict verdict = user_notify(to, cls, false);
    struct message *m;

    if (verdict != NOTIFY_YES) {
        if (o != NULL) {
            plan_entry(p, o->id, "not_told", to->id, str_of(notify_reason(verdict)));
        }
        return NULL;
    }
    m = plan_message(p, to, MESSAGE_TEXT);
    m->text = text;
    m->cls = str_of(user_class_name(cls));
    notice_priority_set(p, to, m, PRIO_NORMAL);
    if (o != NULL) {
        m->order_id = o->id;
        m->order_number = o->number;
        if (o->priority == ORDER_PRIO_CRITICAL || o->priority == ORDER_PRIO_HIGH) {
            notice_priority_set(p, to, m, PRIO_HIGH);
        }
    }
    return m;
}

/* ---- the notices ---- */

void notice_assigned(struct plan *p, const struct order *o, const struct user *to)
{
    struct message *m;
    struct page g;

    page_init(&g, p, to);
    o = page_order(&g, o);
    page_add(&g, "notice.assigned");
    page_blank(&g);
    add_order_lines(&g, o);
    add_description(&g, o);
    page_blank(&g);
    page_add(&g, "reply_with.title");
    page_add(&g, "reply_with.ack");
    page_add(&g, "reply_with.start");
    page_add(&g, "reply_with.help");
    m = notice_tell(p, o, to, CLASS_ASSIGNMENTS, page_end(&g));
    if (m != NULL) {
        TEMPLATE_SET(p->a, m, TEMPLATE_ASSIGNED, o->number, o->title, o->asset_name,
                     o->location_name, page_word(&g, "priority", order_priority_name(o->priority)),
                     page_moment(&g, "value.date", o->due));
        m->text = i18n_cut(p->a, m->text, BUTTONS_BODY_MAX);
        notice_order_buttons(p, o, to, m);
        page_mark(&g, p, m);
        plan_entry(p, o->id, "assigned", to->id, STR_NONE);
    }
}

void notice_removed(struct plan *p, const struct order *o, const struct user *to)
{
    struct message *m;
    struct page g;

    page_init(&g, p, to);
    page_add(&g, "notice.removed", ARG_IDENT("number", o->number), ARG_S("title", o->title));
    m = notice_tell(p, o, to, CLASS_ASSIGNMENTS, page_end(&g));
    if (m != NULL) {
        TEMPLATE_SET(p->a, m, TEMPLATE_REMOVED, o->number, o->title);
    }
}

static struct str field_name(struct page *g, struct str field)
{
    static const char *const known[] = {
        "title",    "description", "status",       "priority",  "type",       "asset",
        "location", "site",        "due_at",       "start_at",  "estimate_s", "assignees",
        "team",     "requester",   "stakeholders", "checklist", "parts",      "url"};

    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (str_eqz(field, known[i])) {
            return page_word(g, "field", known[i]);
        }
    }
    return page_word(g, "field", "other");
}

void notice_updated(struct plan *p, const struct order *o, const struct user *to,
                    const struct json *changed, const struct json *previous)
{
    struct message *m;
    struct buf fields;
    struct str names;
    struct page g;

    (void)previous; /* one line: what changed, not what it was */
    page_init(&g, p, to);
    buf_init(&fields, 4096);
    for (size_t i = 0; i < json_len(changed); i++) {
        if (i > 0) {
            i18n_add(g.l, g.timezone, "list.comma", NULL, 0, &fields);
        }
        buf_add(&fields, field_name(&g, json_str(json_at(changed, i))));
    }
    if (fields.n == 0) {
        buf_add(&fields, page_word(&g, "field", "other"));
    }
    names = arena_dup(p->a, buf_str(&fields));
    page_add(&g, "notice.updated", ARG_IDENT("number", o->number), ARG_S("fields", names));
    buf_fini(&fields);
    m = notice_tell(p, o, to, CLASS_ASSIGNMENTS, page_end(&g));
    if (m != NULL) {
        TEMPLATE_SET(p->a, m, TEMPLATE_UPDATED, o->number, o->title, names);
    }
}

void notice_status(struct plan *p, const struct order *o, const struct user *to,
                   enum order_status before, struct str by)
{
    struct message *m;
    struct page g;
    struct str from, now;

    page_init(&g, p, to);
    from = page_word(&g, "status", order_status_name(before));
    now = page_word(&g, "status", order_status_name(o->status));
    if (by.n > 0) {
        page_add(&g, "notice.status_changed_by", ARG_IDENT("number", o->number),
                 ARG_S("before", from), ARG_S("after", now), ARG_S("name", by));
    } else {
        page_add(&g, "notice.status_changed", ARG_IDENT("number", o->number), ARG_S("before", from),
                 ARG_S("after", now));
    }
    m = notice_tell(p, o, to, CLASS_ASSIGNMENTS, page_end(&g));
    if (m != NULL) {
        TEMPLATE_SET(p->a, m, TEMPLATE_STATUS, o->number, o->title, from, now);
        notice_order_buttons(p, o, to, m);
    }
}

void notice_priority(struct plan *p, const struct order *o, const struct user *to,
                     enum order_priority before)
{
    struct message *m;
    struct page g;
    struct str from, now;

    page_init(&g, p, to);
    from = page_word(&g, "priority", order_priority_name(before));
    now = page_word(&g, "priority", order_priority_name(o->priority));
    page_add(&g, "notice.priority");
    page_blank(&g);
    page_add(&g, "line.number", ARG_IDENT("number", o->number));
    if (o->asset_name.n > 0) {
        page_add(&g, "line.asset", ARG_S("asset", o->asset_name));
    }
    page_add(&g, "line.priority_change", ARG_S("before", from), ARG_S("after", now));
    page_add(&g, "notice.priority_ask");
    m = notice_tell(p, o, to, CLASS_ESCALATIONS, page_end(&g));
    if (m != NULL) {
        notice_priority_set(p, to, m, PRIO_HIGH);
        TEMPLATE_SET(p->a, m, TEMPLATE_PRIORITY, o->number, o->asset_name, from, now);
        notice_order_buttons(p, o, to, m);
    }
}

void notice_stakeholder(struct plan *p, const struct order *o, const struct user *to,
                        enum order_status reached, bool created)
{
    static const char *const keys[] = {
        [ORDER_IN_PROGRESS] = "notice.stakeholder_started",
        [ORDER_ON_HOLD] = "notice.stakeholder_on_hold",
        [ORDER_COMPLETED] = "notice.stakeholder_resolved",
        [ORDER_CANCELLED] = "notice.stakeholder_cancelled",
    };
    const char *key = created                             ? "notice.stakeholder_created"
                      : (size_t)reached < ARRAY_LEN(keys) ? keys[reached]
                                                          : NULL;
    struct wall at = o->updated.ms > 0 ? o->updated : p->now;
    struct message *m;
    struct page g;

    if (key == NULL) {
        return;
    }
    page_init(&g, p, to);
    o = page_order(&g, o);
    page_add(&g, key, ARG_IDENT("number", o->number), ARG_S("title", o->title), ARG_T("at", at));
    m = notice_tell(p, o, to, CLASS_UPDATES, page_end(&g));
    if (m == NULL) {
        return;
    }
    page_mark(&g, p, m);
    if (created) {
        TEMPLATE_SET(p->a, m, TEMPLATE_CREATED, o->number, o->title);
    } else if (reached == ORDER_COMPLETED) {
        TEMPLATE_SET(p->a, m, TEMPLATE_RESOLVED, o->number, o->title,
                     page_moment(&g, "value.time", at));
    } else {
        TEMPLATE_SET(p->a, m, TEMPLATE_PROGRESS, o->number, o->title,
                     page_word(&g, "status", order_status_name(reached)));
    }
}

void notice_welcome(struct plan *p, const struct user *to)
{
    struct str company = p->tenant->conf->name;
    struct str url =
        arena_printf(p->a, "%.*s/whatsapp/verify", STR_ARG(p->tenant->settings->public_url));
    bool code = p->tenant->conf->require_code;
    struct message *m;
    struct page g;

    if ((to->opted_out & OPTED_OUT_ALL) != 0) {
        return; /* he has said that he wants nothing from us */
    }
    page_init(&g, p, to);
    if (code) {
        page_add(&g, "notice.welcome_code", ARG_S("company", company), ARG_S("url", url));
    } else if (to->name.n > 0) {
        page_add(&g, "notice.welcome", ARG_S("name", to->name), ARG_S("company", company));
    } else {
        page_add(&g, "notice.welcome_nameless", ARG_S("company", company));
    }
    /* The one message an unverified person gets: it asks him to verify. */
    m = plan_message(p, to, MESSAGE_TEXT);
    m->text = page_end(&g);
    if (code) {
        TEMPLATE_SET(p->a, m, TEMPLATE_VERIFY, company, url);
    } else {
        TEMPLATE_SET(p->a, m, TEMPLATE_WELCOME, company);
    }
}

void notice_alert(struct plan *p, const struct user *to, struct str component, const char *severity,
                  struct str text, struct str advice)
{
    struct message *m;
    struct page g;

    if (user_notify(to, CLASS_ESCALATIONS, true) != NOTIFY_YES) {
        return;
    }
    m = plan_message(p, to, MESSAGE_TEXT);
    page_init(&g, p, to);
    if (strcmp(severity, "ok") == 0) {
        page_add(&g, "notice.alert_over", ARG_IDENT("component", component));
    } else {
        page_add(&g, "notice.alert", ARG_IDENT("component", component), ARG_S("text", text));
        if (advice.n > 0) {
            page_blank(&g);
            page_add(&g, "notice.alert_advice", ARG_S("advice", advice));
        }
    }
    m->text = page_end(&g);
    m->prio = PRIO_HIGH;
}

void notice_refused(struct plan *p, const struct order *o, const struct user *to, struct str reason)
{
    struct message *m = plan_message(p, to, MESSAGE_TEXT);
    struct page g;
    struct str status;

    page_init(&g, p, to);
    status = page_word(&g, "status", order_status_name(o->status));
    if (reason.n > 0) {
        page_add(&g, "notice.refused", ARG_IDENT("number", o->number), ARG_S("reason", reason),
                 ARG_S("status", status));
    } else {
        page_add(&g, "notice.refused_plain", ARG_IDENT("number", o->number),
                 ARG_S("status", status));
    }
    m->text = page_end(&g);
    m->prio = PRIO_REPLY; /* the rest of the answer to what he asked for */
    TEMPLATE_SET(p->a, m, TEMPLATE_REFUSED, o->number, reason, status);
    notice_order_buttons(p, o, to, m);
}

void notice_refused_words(struct plan *p, const struct order *o, const struct user *to,
                          struct str reason)
{
    struct message *m = plan_message(p, to, MESSAGE_TEXT);
    struct page g;

    page_init(&g, p, to);
    page_add(&g, "notice.refused_note", ARG_IDENT("number", o->number), ARG_S("reason", reason));
    m->text = page_end(&g);
    m->prio = PRIO_REPLY;
    TEMPLATE_SET(p->a, m, TEMPLATE_NO_NOTE, o->number, reason);
    m->order_id = o->id;
    m->order_number = o->number;
}

bool notice_escalated(struct plan *p, const struct order *o, const struct user *to, struct str by,
                      struct str why)
{
    struct message *m;
    struct page g;

    page_init(&g, p, to);
    page_add(&g, "notice.escalated");
    page_add(&g, "notice.escalated_by", ARG_S("name", by), ARG_IDENT("number", o->number));
    page_blank(&g);
    add_order_lines(&g, o);
    if (why.n > 0) {
        page_add(&g, "line.reason", ARG_S("reason", why));
    }
    m = notice_tell(p, o, to, CLASS_ESCALATIONS, page_end(&g));
    if (m != NULL) {
        notice_priority_set(p, to, m, PRIO_HIGH);
        TEMPLATE_SET(p->a, m, TEMPLATE_ESCALATED, by, o->number, o->title, why);
        notice_order_buttons(p, o, to, m);
    }
    return m != NULL;
}
