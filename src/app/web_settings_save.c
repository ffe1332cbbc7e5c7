/*
 * web_settings_save: saving /whatsapp/settings the way of PUT /api/v1/users: the same rules, trail
 * and events.
 *
 * A class that is shown as off may be so for two reasons: switched off here, or stopped by STOP.
 * Switching it on ends both; switching it off here is never an opt-out, so STOP ALL keeps its
 * meaning.
 */
#include "web_settings.h"

#include "base/mem.h"

#define TRIES_MAX 8

struct saving {
    struct settings_values v;
    struct plan plan;
    int tries;
    bool json, said_quiet, said_timezone;
};

static void wrong(struct settings_values *v, const char **bad, const char *key, const char *member,
                  const char *what)
{
    *bad = key;
    if (v->err.code == ERR_NONE) {
        err_set(&v->err, ERR_INVALID, "%s %s", member, what);
        err_member(&v->err, "%s", member);
    }
}

/*
 * In a form a class that is not there is off: that is how browsers send it. JSON with true and
 * false says what is to change; JSON that has "on" only, as a form has, is read as one.
 */
static void read_classes(struct request *r, const struct web_form *f, struct settings_values *v)
{
    unsigned named = 0, on = 0;
    bool as_form = f->json == NULL;
    struct str text;

    for (unsigned c = 0; c < CLASS_COUNT; c++) {
        const char *name = user_class_name((enum user_class)c);

        if (web_form_get(f, r, name, &text)) {
            named |= 1u << c;
            on |= str_eqz(text, "on") || str_eqz(text, "true") || str_eqz(text, "1") ? 1u << c : 0;
            as_form = as_form || json_kind(json_get(f->json, name)) == JSON_STRING;
        }
    }
    v->on = as_form ? on : (v->on & ~named) | on;
}

/* "22:00", "7:30"; browsers that show seconds send them. */
static bool is_time(struct str s)
{
    struct str h, m, rest;
    int64_t n;

    return str_cut(s, ':', &h, &rest) && h.n <= 2 && str_to_i64(h, 0, 23, &n) &&
           (str_cut(rest, ':', &m, &rest), m.n == 2) && str_to_i64(m, 0, 59, &n);
}

static void read_quiet(struct request *r, const struct web_form *f, struct saving *s)
{
    struct settings_values *v = &s->v;

    s->said_quiet = web_form_get(f, r, "quiet_from", &v->from);
    s->said_quiet = web_form_get(f, r, "quiet_to", &v->to) || s->said_quiet;
    if (v->from.n > 0 && !is_time(v->from)) {
        wrong(v, &v->bad_from, "page.error.time", "quiet_from", "is not a time such as 22:00");
    } else if (v->from.n == 0 && v->to.n > 0) {
        wrong(v, &v->bad_from, "page.error.pair", "quiet_from", "is missing: give both, or none");
    }
    if (v->to.n > 0 && !is_time(v->to)) {
        wrong(v, &v->bad_to, "page.error.time", "quiet_to", "is not a time such as 06:00");
    } else if (v->to.n == 0 && v->from.n > 0) {
        wrong(v, &v->bad_to, "page.error.pair", "quiet_to", "is missing: give both, or none");
    }
}

static void read_values(struct request *r, const struct web_form *f, struct saving *s)
{
    struct settings_values *v = &s->v;

    *v = settings_values_of(r, r->session->user);
    read_classes(r, f, v);
    web_form_get(f, r, "language", &v->language);
    if (web_speaks(r->app->i18n, v->language) == NULL) {
        wrong(v, &v->bad_language, "page.error.language", "language", "is none that we speak");
    }
    s->said_timezone = web_form_get(f, r, "timezone", &v->timezone);
    if (v->timezone.n > 0 && !timezone_ok(v->timezone)) {
        wrong(v, &v->bad_timezone, "page.error.timezone", "timezone",
              "is not a time zone such as \"Europe/Madrid\"");
    }
    read_quiet(r, f, s);
}

/* Those he wants again are no longer stopped; wanting one after STOP ALL ends that for all. */
static unsigned still_stopped(const struct user *kept, unsigned on)
{
    if ((kept->opted_out & OPTED_OUT_ALL) != 0) {
        return on != 0 ? 0 : kept->opted_out;
    }
    return kept->opted_out & ~on;
}

static void write_change(struct request *r, const struct saving *s, const struct user *kept,
                         struct jw *w)
{
    const struct settings_values *v = &s->v;
    unsigned stopped = still_stopped(kept, v->on), before = settings_on(kept);
    bool anew = ((kept->opted_out & ~stopped) & OPTED_OUT_ALL) != 0;

    jw_open(w, NULL, '{');
    if (!str_eq(v->language, settings_language(r, kept))) {
        jw_str(w, "language", v->language);
    }
    if (s->said_timezone) {
        jw_str(w, "timezone", v->timezone);
    }
    jw_open(w, "preferences", '{');
    jw_open(w, "classes", '{');
    for (unsigned c = 0; c < CLASS_COUNT; c++) {
        if (((v->on | before) & (1u << c)) != 0 || anew) {
            jw_bool(w, user_class_name((enum user_class)c), (v->on & (1u << c)) != 0);
        }
    }
    jw_close(w, '}');
    if (s->said_quiet && v->from.n > 0) {
        jw_open(w, "quiet_hours", '{');
        jw_str(w, "from", str_slice(v->from, 0, 5));
        jw_str(w, "to", str_slice(v->to, 0, 5));
        jw_close(w, '}');
    } else if (s->said_quiet) {
        jw_null(w, "quiet_hours");
    }
    jw_close(w, '}');
    if (stopped != kept->opted_out) {
        jw_open(w, "opted_out", '[');
        for (unsigned c = 0; c < CLASS_COUNT; c++) {
            if ((stopped & (1u << c)) != 0) {
                jw_z(w, NULL, user_class_name((enum user_class)c));
            }
        }
        jw_close(w, ']');
    }
    jw_close(w, '}');
}

static bool plan_change(struct request *r, struct saving *s)
{
    const struct user *kept = r->session->user;
    struct json *j = NULL;
    struct buf text;
    struct jw w;
    bool fresh, ok;

    plan_init(&s->plan, r->a, r->who.tenant, wall_now(), STR_NONE);
    buf_init(&text, 8192);
    jw_init(&w, &text);
    write_change(r, s, kept, &w);
    ok = json_parse(buf_str(&text), 8192, &j, &r->err) &&
         user_change(&s->plan, j, kept->id, kept, &fresh, &r->err);
    buf_fini(&text);
    json_free(&j);
    if (ok) {
        consent_changed(&s->plan, s->plan.users[0], kept, "page");
    }
    return ok;
}

static void save(struct request *r);

static void save_checks(void *ctx, struct commit *c)
{
    idempotency_checks(obj_check(ctx, REQUEST_MAGIC), c);
}

static void save_writes(void *ctx, struct commit *c)
{
    struct request *r = obj_check(ctx, REQUEST_MAGIC);

    audit_write(r, c, "user.settings", r->session->user->id);
}

static void answer_saved(struct request *r, const struct saving *s)
{
    struct jw w;

    if (!s->json) {
        web_go(r, STR("settings?saved=1"));
        return;
    }
    reply_begin(r, &w);
    user_write(s->plan.users[0], &w, NULL);
    reply_built(r, 200, &r->out);
}

static void on_saved(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct request *r;
    struct saving *s;
    bool done;

    if (!request_resume(ctx, err, &r) || idempotency_answered(r, outcome, &done)) {
        return;
    }
    s = r->user;
    if (done) {
        answer_saved(r, s);
    } else if (++s->tries < TRIES_MAX) {
        session_find(r, save);
    } else {
        err_set(&r->err, ERR_STORE_CONFLICT, "this person is being changed by others; ask again");
        reply_error(r, &r->err);
    }
}

static void save(struct request *r)
{
    const struct plan_run run = {save_checks, save_writes, on_saved, r};
    struct saving *s = r->user;

    if (r->session == NULL) {
        settings_refuse(r);
    } else if (!plan_change(r, s)) {
        reply_error(r, &r->err);
    } else {
        r->pending = engine_run_plan(r->e, r->who.et, &s->plan, &run);
    }
}

static void on_form(struct request *r)
{
    struct saving *s = ARENA_NEW(r->a, struct saving);
    struct web_form f;

    if (r->session == NULL) {
        settings_refuse(r);
        return;
    }
    if (!web_form_read(r, &f)) {
        return;
    }
    if (!web_is_ours(r, &f, web_token(r, r->session->secret), &r->err)) {
        reply_error(r, &r->err);
        return;
    }
    s->json = f.json != NULL;
    read_values(r, &f, s);
    r->user = s;
    if (s->v.err.code == ERR_NONE) {
        save(r);
    } else if (s->json) {
        reply_error(r, &s->v.err);
    } else {
        settings_show(r, &s->v, 422);
    }
}

void web_settings_post(struct request *r)
{
    r->idempotency = STR_NONE; /* saving the same twice is saving it once */
    session_find(r, on_form);
}
