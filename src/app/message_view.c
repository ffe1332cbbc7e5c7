/*
 * message_view: a message as the API shows it: the sealed record and the plain fields beside it
 * (state, attempts, timeline), which commit.lua keeps as lines "state,ms,detail".
 */
#include "app_int.h"
#include "base/log.h"
#include "domain/team.h"
#include "jobs/metrics.h"

static const char *const prio_names[PRIO_COUNT] = {
    [PRIO_CRITICAL] = "critical", [PRIO_REPLY] = "reply", [PRIO_HIGH] = "high",
    [PRIO_NORMAL] = "medium",     [PRIO_LOW] = "low",
};

/*
 * Why a message failed: "code|title|advice". Of older versions, what a status told is "code title",
 * to which the table of its sender's provider knows the advice. Returns the code.
 */
struct str message_state_error(struct arena *a, struct str state, struct str detail,
                               const struct provider *provider, struct str *title,
                               struct str *advice)
{
    const struct provider_error *row = NULL;
    struct str code, rest;
    int64_t number;

    *title = *advice = STR_NONE;
    if (str_cut(detail, '|', &code, &rest)) {
        str_cut(rest, '|', title, advice);
        return code;
    }
    str_cut(detail, ' ', &code, &rest);
    if (!str_eqz(state, "failed") || !str_to_i64(code, 0, INT64_MAX, &number)) {
        return STR_NONE;
    }
    row = provider != NULL ? provider->error_find(number, 0) : NULL;
    *title = row != NULL ? str_of(row->title) : arena_dup(a, rest);
    *advice = row != NULL ? str_of(row->advice) : STR_NONE;
    return code;
}

static void write_error(struct jw *w, struct str code, struct str title, struct str advice)
{
    jw_open(w, "error", '{');
    jw_str(w, "code", code);
    jw_str(w, "title", title);
    jw_str(w, "advice", advice);
    jw_close(w, '}');
}

/* One line of the timeline. */
static bool line_of(struct str *rest, struct str *state, struct wall *at, struct str *detail)
{
    struct str line, tail, ms;

    while (rest->n > 0) {
        str_cut(*rest, '\n', &line, rest);
        if (str_cut(line, ',', state, &tail) &&
            (str_cut(tail, ',', &ms, detail), str_to_i64(ms, 0, INT64_MAX, &at->ms))) {
            return true;
        }
    }
    return false;
}

static void write_timeline(struct arena *a, struct str timeline, const struct provider *provider,
                           struct jw *w)
{
    struct str state, detail, code, title, advice;
    struct wall at;

    jw_open(w, "timeline", '[');
    while (line_of(&timeline, &state, &at, &detail)) {
        jw_open(w, NULL, '{');
        jw_str(w, "state", state);
        jw_wall(w, "at", at);
        code = message_state_error(a, state, detail, provider, &title, &advice);
        if (code.n > 0) {
            write_error(w, code, title, advice);
        } else if (detail.n > 0) {
            jw_str(w, "detail", detail);
        }
        jw_close(w, '}');
    }
    jw_close(w, ']');
}

/* Where it stands now: the time of the last line, and why it failed. */
static void write_last(struct arena *a, struct str timeline, const struct provider *provider,
                       struct jw *w)
{
    struct str state, detail, code, title, advice;
    struct wall at = {0};

    while (line_of(&timeline, &state, &at, &detail)) {
    }
    jw_wall(w, "updated_at", at);
    if (at.ms == 0) {
        return;
    }
    code = message_state_error(a, state, detail, provider, &title, &advice);
    if (code.n > 0) {
        write_error(w, code, title, advice);
    }
}

static void write_options(const struct message *m, struct jw *w)
{
    struct str section = STR_NONE;

    if (m->kind == MESSAGE_BUTTONS) {
        jw_open(w, "buttons", '[');
    } else {
        jw_open(w, "list", '{');
        jw_str(w, "button", m->list_button);
        jw_open(w, "sections", '[');
    }
    for (size_t i = 0; i < m->noptions; i++) {
        if (m->kind == MESSAGE_LIST && (i == 0 || !str_eq(m->options[i].section, section))) {
            if (i > 0) {
                jw_close(w, ']');
                jw_close(w, '}');
            }
            section = m->options[i].section;
            jw_open(w, NULL, '{');
            jw_str(w, "title", section);
            jw_open(w, "rows", '[');
        }
        jw_open(w, NULL, '{');
        jw_str(w, "id", m->options[i].id);
        jw_str(w, "title", m->options[i].title);
        if (m->options[i].description.n > 0) {
            jw_str(w, "description", m->options[i].description);
        }
        jw_close(w, '}');
    }
    if (m->kind == MESSAGE_LIST) {
        if (m->noptions > 0) {
            jw_close(w, ']');
            jw_close(w, '}');
        }
        jw_close(w, ']');
        jw_close(w, '}');
    } else {
        jw_close(w, ']');
    }
}

static void write_template(const struct message *m, struct jw *w)
{
    jw_open(w, "template", '{');
    jw_str(w, "name", m->template_.name);
    jw_str(w, "language", m->template_.language);
    jw_open(w, "params", '[');
    for (size_t i = 0; i < m->template_.nparams; i++) {
        if (m->template_.params[i].name.n > 0) {
            jw_open(w, NULL, '{');
            jw_str(w, "name", m->template_.params[i].name);
            jw_str(w, "value", m->template_.params[i].value);
            jw_close(w, '}');
        } else {
            jw_str(w, NULL, m->template_.params[i].value);
        }
    }
    jw_close(w, ']');
    jw_close(w, '}');
}

static void write_content(const struct message *m, struct jw *w)
{
    if (m->text.n > 0 && m->kind != MESSAGE_MEDIA) {
        jw_str(w, "text", m->text);
    }
    if (m->header.n > 0) {
        jw_str(w, "header", m->header);
    }
    if (m->footer.n > 0) {
        jw_str(w, "footer", m->footer);
    }
    if (m->kind == MESSAGE_BUTTONS || m->kind == MESSAGE_LIST) {
        write_options(m, w);
    }
    if (m->kind == MESSAGE_TEMPLATE) {
        write_template(m, w);
    }
    if (m->kind == MESSAGE_MEDIA) {
        jw_open(w, "media", '{');
        jw_str(w, "url", m->media.url);
        jw_str(w, "mime", m->media.mime);
        jw_str(w, "caption", m->text);
        jw_str(w, "filename", m->media.filename);
        jw_close(w, '}');
    }
    if (m->kind == MESSAGE_LOCATION) {
        jw_open(w, "location", '{');
        jw_real(w, "latitude", m->location.latitude);
        jw_real(w, "longitude", m->location.longitude);
        jw_str(w, "name", m->location.name);
        jw_str(w, "address", m->location.address);
        jw_close(w, '}');
    }
}

static void write_optional(struct jw *w, const char *name, struct str text)
{
    if (text.n > 0) {
        jw_str(w, name, text);
    }
}

void message_view_write(const struct message *m, const struct message_record *rec,
                        const struct provider *provider, bool whole, struct jw *w, const char *name)
{
    struct arena *a = arena_new();

    jw_open(w, name, '{');
    jw_str(w, "id", m->id);
    jw_str(w, "state", rec->state);
    jw_z(w, "direction", "out");
    jw_z(w, "kind", message_kind_name(m->kind));
    jw_open(w, "to", '{');
    if (m->user.n > 0 && m->user.p[0] != '~') {
        jw_str(w, "user", m->user);
    }
    write_optional(w, "team", team_of_address(m->user)); /* its group: the id is private */
    write_optional(w, "phone", m->phone);
    jw_close(w, '}');
    jw_z(w, "priority", prio_names[m->prio]);
    write_optional(w, "class", m->cls);
    write_content(m, w);
    write_optional(w, "work_order", m->order_number);
    jw_str(w, "sender", m->sender);
    jw_z(w, "channel", m->sms ? "sms" : "whatsapp");
    write_optional(w, "instead_of", m->instead_of);
    write_optional(w, "said_again_as", rec->again);
    jw_wall(w, "created_at", m->created);
    if (m->send_at.ms > 0) {
        jw_wall(w, "send_at", m->send_at);
    }
    if (m->expires.ms > 0) {
        jw_wall(w, "expires_at", m->expires);
    }
    jw_int(w, "attempts", rec->sends);
    /* Handed over again without knowing of the time before: the claim says so. */
    if (str_find(rec->timeline, STR("possible_duplicate")) != SIZE_MAX) {
        jw_bool(w, "possible_duplicate", true);
    }
    write_last(a, rec->timeline, provider, w);
    if (whole) {
        write_timeline(a, rec->timeline, provider, w);
    }
    jw_close(w, '}');
    arena_free(&a);
}

struct message_record message_record_of(const struct reply *list, size_t from)
{
    return (struct message_record){.sealed = reply_str(reply_at(list, from)),
                                   .state = reply_str(reply_at(list, from + 1)),
                                   .timeline = reply_str(reply_at(list, from + 2)),
                                   .sends = reply_int(reply_at(list, from + 3))};
}

/* Who reads the log must not be able to verify in another's name. */
static void hide_code(struct message *m)
{
    if (!str_eqz(m->template_.name, TEMPLATE_CODE)) {
        return;
    }
    m->text = m->text.n > 0 ? STR("\u2022\u2022\u2022\u2022\u2022\u2022") : m->text;
    for (size_t i = 0; i < m->template_.nparams; i++) {
        m->template_.params[i].value = STR("\u2022\u2022\u2022\u2022\u2022\u2022");
    }
}

bool message_record_open(struct request *r, struct arena *a, struct str id,
                         const struct message_record *rec, struct message *out)
{
    struct str key = arena_printf(a, "m:%.*s", STR_ARG(id)), text;
    struct err err = {0};

    if (rec->sealed.n == 0) {
        return false;
    }
    if (!vault_open_arena(r->who.tenant->vault, a, key, "b", rec->sealed, &text, &err) ||
        !message_decode(a, text, out, &err)) {
        log_error("message cannot be shown: its record does not open",
                  LF_STR("tenant", r->who.tenant->id), LF_STR("message", id),
                  LF_Z("reason", err.msg));
        metric_add(METRIC_DAMAGED, 1);
        return false;
    }
    hide_code(out);
    return true;
}
