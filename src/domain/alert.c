/* alert: its shape in events, stored, and in the API. The rules are in alert_rules.c. */
#include "domain/alert.h"

#include "base/mem.h"
#include "domain/user_store.h"

#define ALERT_FRESH_BYTES_MAX ((size_t)256 * 1024) /* as told: people are added to it */
#define TEXT_MAX              600

static const char *const states[] = {[ALERT_OPEN] = "open",
                                     [ALERT_RESPONDED] = "responded",
                                     [ALERT_UNANSWERED] = "unanswered",
                                     [ALERT_CLEARED] = "cleared"};

const char *alert_state_name(enum alert_state s)
{
    return states[s];
}

bool alert_state_parse(struct str name, enum alert_state *out)
{
    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        if (str_eqz(name, states[i])) {
            *out = (enum alert_state)i;
            return true;
        }
    }
    return false;
}

/* ---- severities: two families of words, in one order ---- */

static const struct {
    const char *name;
    int rank;
} severities[] = {
    {"info",     0},
    {"low",      1},
    {"minor",    1},
    {"warning",  2},
    {"medium",   2},
    {"major",    3},
    {"high",     3},
    {"critical", 4},
};

static int rank_of(struct str severity)
{
    for (size_t i = 0; i < ARRAY_LEN(severities); i++) {
        if (str_eqz(severity, severities[i].name)) {
            return severities[i].rank;
        }
    }
    return -1;
}

bool alert_severity_ok(struct str s)
{
    return rank_of(s) >= 0;
}

bool alert_is_graver(struct str severity, struct str than)
{
    return rank_of(severity) > rank_of(than);
}

/* ---- from the event ---- */

static bool member(struct err *err, const char *name, const char *what)
{
    err_set(err, ERR_INVALID, "%s", what);
    return err_member(err, "data.alert.%s", name);
}

static bool number(const struct json *j, const char *name, double *out, bool *has)
{
    const struct json *v = json_get(j, name);
    enum json_kind kind = json_kind(v);

    *has = kind == JSON_INT || kind == JSON_REAL;
    *out = json_as_real(v, 0);
    return *has || kind == JSON_NONE || kind == JSON_NULL;
}

static void read_asset(struct arena *a, const struct json *j, struct alert *out)
{
    const struct json *asset = json_get(j, "asset");

    if (json_kind(asset) == JSON_OBJECT) {
        out->asset_id = json_get_text(asset, "id", a);
        out->asset_name = arena_dup(a, json_get_str(asset, "name"));
    } else {
        out->asset_id = json_get_text(j, "asset", a);
    }
    out->asset_name = out->asset_name.n > 0 ? out->asset_name : out->asset_id;
    out->site = arena_dup(a, json_get_str(j, "site").n > 0 ? json_get_str(j, "site")
                                                           : json_get_str(asset, "site"));
}

/* What is said is there; whom to tell is well formed. */
static bool read_rest(struct arena *a, const struct json *j, const struct ladder *otherwise,
                      struct alert *out, struct err *err)
{
    const struct json *audience = json_get(j, "audience"), *ladder = json_get(j, "ladder");

    if (!number(j, "value", &out->value, &out->has_value)) {
        return member(err, "value", "\"value\" is no number");
    }
    if (!number(j, "threshold", &out->threshold, &out->has_threshold)) {
        return member(err, "threshold", "\"threshold\" is no number");
    }
    if (out->text.n == 0 && (out->metric.n == 0 || !out->has_threshold)) {
        return member(err, "text", "\"text\" is missing");
    }
    if (!alert_severity_ok(out->severity)) {
        return member(err, "severity",
                      "\"severity\" is none of info, low, minor, warning, medium, major, high, "
                      "critical");
    }
    if (audience != NULL &&
        !crowd_from_json(a, audience, "data.alert.audience", &out->audience, err)) {
        return false;
    }
    if (ladder != NULL) {
        return ladder_from_json(a, ladder, "data.alert.ladder", &out->ladder, err);
    }
    if (otherwise != NULL) {
        out->ladder = *otherwise;
    } else {
        ladder_builtin(a, &out->ladder);
    }
    return true;
}

bool alert_from_json(struct arena *a, const struct json *j, const struct ladder *otherwise,
                     struct alert *out, struct err *err)
{
    struct str severity = json_get_str(j, "severity");

    *out = (struct alert){
        .id = json_get_text(j, "id", a),
        .severity = severity.n > 0 ? arena_dup(a, severity) : STR("critical"),
        .text = i18n_cut(a, arena_dup(a, str_trim(json_get_str(j, "text"))), TEXT_MAX),
        .unit = arena_dup(a, str_slice(json_get_str(j, "unit"), 0, 32)),
        .metric = arena_dup(a, str_slice(json_get_str(j, "metric"), 0, 128)),
        .below = json_get_bool(j, "below", false),
        .filling = true};
    if (!matter_id_ok(out->id)) {
        return member(err, "id", "\"id\" is 1 to 128 bytes without blanks and '|'");
    }
    read_asset(a, j, out);
    return read_rest(a, j, otherwise, out, err);
}

bool alert_check(struct arena *a, const struct json *j, struct err *err)
{
    struct alert *al = ARENA_NEW(a, struct alert);
    struct buf body;
    bool fits;

    if (!alert_from_json(a, j, NULL, al, err)) {
        return false;
    }
    buf_init(&body, ALERT_FRESH_BYTES_MAX);
    alert_encode(al, &body);
    fits = buf_ok(&body);
    buf_fini(&body);
    return fits || member(err, "ladder", "it names too many: more than 256 KiB of names");
}

/* ---- stored ---- */

static void write_numbers(const struct alert *al, struct jw *w)
{
    if (al->has_value) {
        jw_real(w, "value", al->value);
    }
    if (al->unit.n > 0) {
        jw_str(w, "unit", al->unit);
    }
    if (al->has_threshold) {
        jw_real(w, "threshold", al->threshold);
    }
    if (al->metric.n > 0) {
        jw_str(w, "metric", al->metric);
        jw_bool(w, "below", al->below);
    }
}

/* What stands in the stored form and in the API's alike. */
static void write_head(const struct alert *al, struct jw *w)
{
    jw_str(w, "id", al->id);
    jw_open(w, "asset", '{');
    jw_str(w, "id", al->asset_id);
    jw_str(w, "name", al->asset_name);
    jw_close(w, '}');
    jw_str(w, "site", al->site);
    jw_str(w, "severity", al->severity);
    jw_str(w, "text", al->text);
    write_numbers(al, w);
    jw_z(w, "state", states[al->state]);
}

static void write_people(const struct alert *al, struct jw *w)
{
    jw_open(w, "told", '[');
    for (size_t i = 0; i < al->ntold; i++) {
        jw_open(w, NULL, '{');
        jw_str(w, "id", al->told[i].id);
        jw_str(w, "name", al->told[i].name);
        jw_int(w, "rung", al->told[i].rung);
        jw_int(w, "at", al->told[i].at.ms);
        jw_str(w, "why", al->told[i].why);
        jw_close(w, '}');
    }
    jw_close(w, ']');
    jw_open(w, "answers", '[');
    for (size_t i = 0; i < al->nanswers; i++) {
        jw_open(w, NULL, '{');
        jw_str(w, "id", al->answers[i].id);
        jw_str(w, "name", al->answers[i].name);
        jw_int(w, "at", al->answers[i].at.ms);
        jw_int(w, "after", al->answers[i].after_ms);
        jw_bool(w, "silent", al->answers[i].silent);
        jw_close(w, '}');
    }
    jw_close(w, ']');
    jw_open(w, "supervisors", '[');
    for (size_t i = 0; i < al->nsupervisors; i++) {
        jw_str(w, NULL, al->supervisors[i]);
    }
    jw_close(w, ']');
    jw_open(w, "news", '[');
    for (size_t i = 0; i < al->nnews; i++) {
        jw_open(w, NULL, '{');
        jw_int(w, "kind", (int64_t)al->news[i].kind);
        jw_str(w, "id", al->news[i].id);
        jw_str(w, "name", al->news[i].name);
        jw_int(w, "next", al->news[i].next);
        jw_close(w, '}');
    }
    jw_close(w, ']');
}

void alert_encode(const struct alert *al, struct buf *out)
{
    struct jw w;

    jw_init(&w, out);
    jw_open(&w, NULL, '{');
    write_head(al, &w);
    crowd_write(&al->audience, &w, "audience");
    ladder_write(&al->ladder, &w, "ladder");
    jw_int(&w, "at", al->at.ms);
    jw_int(&w, "raised", al->raised.ms);
    jw_int(&w, "cleared", al->cleared.ms);
    jw_int(&w, "rung", (int64_t)al->rung);
    jw_bool(&w, "filling", al->filling);
    jw_bool(&w, "widened", al->widened);
    jw_str(&w, "cursor", al->cursor);
    jw_int(&w, "deadline", al->deadline.ms);
    jw_open(&w, "begun", '[');
    for (size_t i = 0; i < al->ladder.n; i++) {
        jw_int(&w, NULL, al->begun[i].ms);
    }
    jw_close(&w, ']');
    jw_bool(&w, "asked", al->asked);
    jw_str(&w, "escalated_by", al->escalated_by);
    jw_str(&w, "why", al->why);
    write_people(al, &w);
    jw_close(&w, '}');
}

static void decode_people(struct arena *a, const struct json *j, struct alert *out)
{
    const struct json *told = json_get(j, "told"), *answers = json_get(j, "answers");

    out->told = ARENA_ARRAY(a, struct alert_told, json_len(told) + 1);
    for (; out->ntold < json_len(told); out->ntold++) {
        const struct json *one = json_at(told, out->ntold);

        out->told[out->ntold] = (struct alert_told){.id = arena_dup(a, json_get_str(one, "id")),
                                                    .name = arena_dup(a, json_get_str(one, "name")),
                                                    .why = arena_dup(a, json_get_str(one, "why")),
                                                    .rung = json_get_int(one, "rung", 0),
                                                    .at = {json_get_int(one, "at", 0)}};
    }
    out->answers = ARENA_ARRAY(a, struct alert_answer, json_len(answers) + 1);
    for (; out->nanswers < json_len(answers); out->nanswers++) {
        const struct json *one = json_at(answers, out->nanswers);

        out->answers[out->nanswers] =
            (struct alert_answer){.id = arena_dup(a, json_get_str(one, "id")),
                                  .name = arena_dup(a, json_get_str(one, "name")),
                                  .at = {json_get_int(one, "at", 0)},
                                  .after_ms = json_get_int(one, "after", 0),
                                  .silent = json_get_bool(one, "silent", false)};
    }
}

static void decode_rest(struct arena *a, const struct json *j, struct alert *out)
{
    const struct json *begun = json_get(j, "begun"), *news = json_get(j, "news");
    const struct json *supervisors = json_get(j, "supervisors");

    for (size_t i = 0; i < json_len(begun) && i < LADDER_RUNGS_MAX; i++) {
        out->begun[i].ms = json_as_int(json_at(begun, i), 0);
    }
    for (; out->nnews < json_len(news) && out->nnews < ALERT_NEWS_MAX; out->nnews++) {
        const struct json *one = json_at(news, out->nnews);

        out->news[out->nnews] =
            (struct alert_news){.kind = (enum alert_news_kind)json_get_int(one, "kind", 0),
                                .id = arena_dup(a, json_get_str(one, "id")),
                                .name = arena_dup(a, json_get_str(one, "name")),
                                .next = json_get_int(one, "next", 0)};
    }
    out->supervisors = ARENA_ARRAY(a, struct str, json_len(supervisors) + 1);
    for (; out->nsupervisors < json_len(supervisors); out->nsupervisors++) {
        out->supervisors[out->nsupervisors] =
            arena_dup(a, json_str(json_at(supervisors, out->nsupervisors)));
    }
    out->at.ms = json_get_int(j, "at", 0);
    out->raised.ms = json_get_int(j, "raised", 0);
    out->cleared.ms = json_get_int(j, "cleared", 0);
    out->filling = json_get_bool(j, "filling", false);
    out->widened = json_get_bool(j, "widened", false);
    out->cursor = arena_dup(a, json_get_str(j, "cursor"));
    out->deadline.ms = json_get_int(j, "deadline", 0);
    out->asked = json_get_bool(j, "asked", false);
    out->escalated_by = arena_dup(a, json_get_str(j, "escalated_by"));
    out->why = arena_dup(a, json_get_str(j, "why"));
    out->rung = (size_t)json_get_int(j, "rung", 0);
}

bool alert_decode(struct arena *a, struct str text, struct alert *out, struct err *err)
{
    const struct json *audience;
    struct json *j, *shaped;
    bool ok;

    if (!json_parse(text, ALERT_BYTES_MAX, &j, err)) {
        return false;
    }
    /* "Nobody named" is good in a record, though not in an event. */
    shaped = json_dup(j);
    audience = json_get(shaped, "audience");
    if (json_len(audience) == 0) {
        json_del(shaped, "audience");
    }
    ok = alert_from_json(a, shaped, NULL, out, err) &&
         alert_state_parse(json_get_str(j, "state"), &out->state);
    if (ok) {
        decode_rest(a, j, out);
        decode_people(a, j, out);
        ok = out->rung < out->ladder.n;
    }
    json_free(&shaped);
    json_free(&j);
    return ok || err_set(err, ERR_DAMAGED, "it is no alert");
}

void alert_store(struct arena *a, const struct alert *al, struct wall now, struct matter *m)
{
    struct buf body;

    buf_init(&body, ALERT_BYTES_MAX);
    alert_encode(al, &body);
    m->kind = MATTER_ALERT;
    m->id = al->id;
    m->body = arena_dup(a, buf_str(&body));
    m->over = al->state == ALERT_CLEARED;
    alert_next(al, now, &m->clock);
    buf_fini(&body);
}

/* ---- in the API and in events ---- */

static void write_told(const struct alert *al, size_t rung, bool told, struct jw *w)
{
    jw_open(w, told ? "told" : "not_told", '[');
    for (size_t i = 0; i < al->ntold; i++) {
        const struct alert_told *one = &al->told[i];

        if (one->rung != (int64_t)rung + 1 || (one->why.n == 0) != told) {
            continue;
        }
        jw_open(w, NULL, '{');
        jw_str(w, "id", one->id);
        jw_str(w, "name", one->name);
        if (!told) {
            jw_str(w, "reason", one->why);
        }
        jw_close(w, '}');
    }
    jw_close(w, ']');
}

void alert_write_tried(const struct alert *al, struct jw *w, const char *name)
{
    jw_open(w, name, '[');
    for (size_t i = 0; i < al->ladder.n && al->begun[i].ms > 0; i++) {
        jw_open(w, NULL, '{');
        jw_int(w, "rung", (int64_t)i + 1);
        jw_wall(w, "at", al->begun[i]);
        crowd_write(&al->ladder.rungs[i].to, w, "to");
        jw_int(w, "wait_s", al->ladder.rungs[i].wait_ms / 1000);
        jw_int(w, "need", al->ladder.rungs[i].need);
        write_told(al, i, true, w);
        write_told(al, i, false, w);
        jw_close(w, '}');
    }
    jw_close(w, ']');
}

void alert_write(const struct alert *al, struct jw *w, const char *name, bool full)
{
    jw_open(w, name, '{');
    write_head(al, w);
    jw_int(w, "rung", (int64_t)al->rung + 1);
    jw_int(w, "of_rungs", (int64_t)al->ladder.n);
    jw_wall(w, "raised_at", al->raised);
    jw_wall(w, "cleared_at", al->cleared);
    jw_open(w, "responders", '[');
    for (size_t i = 0; i < al->nanswers; i++) {
        jw_open(w, NULL, '{');
        jw_str(w, "id", al->answers[i].id);
        jw_str(w, "name", al->answers[i].name);
        jw_wall(w, "at", al->answers[i].at);
        jw_int(w, "after_ms", al->answers[i].after_ms);
        jw_close(w, '}');
    }
    jw_close(w, ']');
    if (full) {
        alert_write_tried(al, w, "rungs");
        ladder_write(&al->ladder, w, "ladder");
    }
    jw_close(w, '}');
}
