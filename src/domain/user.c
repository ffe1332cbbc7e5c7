#include "domain/user.h"

#include <stdio.h>

#include "domain/i18n.h"

#define USER_ID_MAX     128
#define USER_NAME_MAX   256
#define PHONE_TYPED_MAX 64
#define DAY_MS          86400000LL

static const char *const class_names[CLASS_COUNT] = {
#define X(name, text) [CLASS_##name] = text,
    CLASS_LIST(X)
#undef X
};
static const struct {
    const char *name;
    unsigned role;
} roles[] = {
    {"technician",  ROLE_TECHNICIAN },
    {"supervisor",  ROLE_SUPERVISOR },
    {"admin",       ROLE_ADMIN      },
    {"stakeholder", ROLE_STAKEHOLDER},
};

const char *user_class_name(enum user_class c)
{
    return class_names[c];
}

bool user_class_parse(struct str name, enum user_class *out)
{
    for (size_t i = 0; i < CLASS_COUNT; i++) {
        if (str_eqz(name, class_names[i])) {
            *out = (enum user_class)i;
            return true;
        }
    }
    return false;
}

static bool invalid(struct err *err, const char *member, const char *why)
{
    err_set(err, ERR_INVALID, "%s %s", member, why);
    return err_member(err, "%s", member);
}

/* A text member: left out keeps *out, null and "" clear it. */
static bool get_text(struct arena *a, const struct json *j, const char *name, size_t max,
                     struct str *out, struct err *err)
{
    const struct json *v = json_get(j, name);

    switch (json_kind(v)) {
    case JSON_NONE:
        return true;
    case JSON_NULL:
        *out = STR("");
        return true;
    case JSON_STRING:
    case JSON_INT:
        *out = json_get_text(j, name, a);
        return out->n <= max || invalid(err, name, "is too long");
    default:
        return invalid(err, name, "is not a text");
    }
}

static bool get_bool(const struct json *j, const char *name, bool *out, struct err *err)
{
    const struct json *v = json_get(j, name);

    if (json_kind(v) != JSON_NONE && json_kind(v) != JSON_BOOL && json_kind(v) != JSON_NULL) {
        return invalid(err, name, "is not true or false");
    }
    *out = json_get_bool(j, name, *out);
    return true;
}

/*
 * Bytes of what stands between digits at the start of @s: blanks, dashes, brackets, dots; no-break
 * space and U+2000 to U+206F, for numbers copied from address books come with invisible marks
 * around them.
 */
static size_t filler_length(struct str s)
{
    if (memchr(" -().", s.p[0], 5) != NULL) {
        return 1;
    }
    if (str_starts(s, STR("\xc2\xa0"))) {
        return 2;
    }
    return str_starts(s, STR("\xe2\x80")) || str_starts(s, STR("\xe2\x81")) ? 3 : 0;
}

bool user_phone_parse(struct arena *a, struct str typed, struct str *out)
{
    char digits[PHONE_TYPED_MAX];
    size_t n = 0;

    typed = str_trim(typed);
    if (typed.n > PHONE_TYPED_MAX) {
        return false;
    }
    while (typed.n > 0) {
        size_t filler = filler_length(typed);

        if (filler == 0) {
            digits[n++] = typed.p[0];
        }
        typed = str_slice(typed, filler == 0 ? 1 : filler, typed.n);
    }
    if (!str_is_e164(str_make(digits, n))) {
        return false;
    }
    *out = arena_dup(a, str_make(digits, n));
    return true;
}

static bool get_phone(struct arena *a, const struct json *j, struct str *out, struct err *err)
{
    struct str typed = *out;

    if (!get_text(a, j, "phone", PHONE_TYPED_MAX, &typed, err)) {
        return false;
    }
    if (typed.n == 0) {
        *out = STR("");
        return true;
    }
    return user_phone_parse(a, typed, out) ||
           invalid(err, "phone", "is not an international number such as +12025550117");
}

static bool alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* BCP 47 as far as it concerns us: a language of 2 or 3 letters, then subtags. */
static bool language_ok(struct str s)
{
    bool first = true;

    if (s.n == 0 || s.n > 35 || s.p[s.n - 1] == '-') {
        return false;
    }
    while (s.n > 0) {
        struct str tag;

        str_cut(s, '-', &tag, &s);
        for (size_t i = 0; i < tag.n; i++) {
            if (!alpha(tag.p[i]) && (first || tag.p[i] < '0' || tag.p[i] > '9')) {
                return false;
            }
        }
        if (tag.n < (first ? 2 : 1) || tag.n > (first ? 3 : 8)) {
            return false;
        }
        first = false;
    }
    return true;
}

static bool get_place(struct arena *a, const struct json *j, struct user *u, struct err *err)
{
    if (!get_text(a, j, "site", USER_ID_MAX, &u->site, err) ||
        !get_text(a, j, "language", USER_ID_MAX, &u->language, err) ||
        !get_text(a, j, "timezone", USER_ID_MAX, &u->timezone, err) ||
        !get_text(a, j, "supervisor", USER_ID_MAX, &u->supervisor, err)) {
        return false;
    }
    if (u->language.n > 0 && !language_ok(u->language)) {
        return invalid(err, "language", "is not a language tag such as \"es\" or \"pt-BR\"");
    }
    if (u->timezone.n > 0 && !timezone_ok(u->timezone)) {
        return invalid(err, "timezone", "is not a time zone such as \"Europe/Madrid\"");
    }
    return true;
}

bool user_role_parse(struct str name, unsigned *out)
{
    for (size_t r = 0; r < ARRAY_LEN(roles); r++) {
        if (str_eqz(name, roles[r].name)) {
            *out = roles[r].role;
            return true;
        }
    }
    return false;
}

void user_roles_write(unsigned set, struct jw *w, const char *name)
{
    jw_open(w, name, '[');
    for (size_t r = 0; r < ARRAY_LEN(roles); r++) {
        if ((set & roles[r].role) != 0) {
            jw_z(w, NULL, roles[r].name);
        }
    }
    jw_close(w, ']');
}

static bool get_roles(const struct json *j, unsigned *out, struct err *err)
{
    const struct json *v = json_get(j, "roles");
    unsigned set = 0;

    if (json_kind(v) == JSON_NONE) {
        return true;
    }
    if (json_kind(v) != JSON_ARRAY) {
        return invalid(err, "roles", "is not a list");
    }
    for (size_t i = 0; i < json_len(v); i++) {
        unsigned role;

        if (!user_role_parse(json_str(json_at(v, i)), &role)) {
            return invalid(err, "roles",
                           "holds something else than technician, supervisor, admin, stakeholder");
        }
        set |= role;
    }
    *out = set;
    return true;
}

static bool get_teams(struct arena *a, const struct json *j, struct user *u, struct err *err)
{
    const struct json *v = json_get(j, "teams");

    if (json_kind(v) == JSON_NONE) {
        return true;
    }
    if (json_kind(v) != JSON_ARRAY || json_len(v) > USER_TEAMS_MAX) {
        return invalid(err, "teams", "is not a list of up to 32 team ids");
    }
    u->nteams = 0;
    for (size_t i = 0; i < json_len(v); i++) {
        struct str id = json_str(json_at(v, i));

        if (id.n == 0 || id.n > USER_ID_MAX) {
            return invalid(err, "teams", "holds something that is no team id");
        }
        u->teams[u->nteams++] = arena_dup(a, id);
    }
    return true;
}

static bool get_follows(struct arena *a, const struct json *j, const char *name, struct str **list,
                        size_t *n, struct err *err)
{
    const struct json *v = json_path(j, name);
    struct str *ids;

    if (json_kind(v) == JSON_NONE) {
        return true;
    }
    if (json_kind(v) != JSON_ARRAY || json_len(v) > USER_FOLLOWS_MAX) {
        return invalid(err, name, "is not a list of up to 64 ids");
    }
    ids = ARENA_ARRAY(a, struct str, json_len(v) + 1);
    for (size_t i = 0; i < json_len(v); i++) {
        struct str id = json_str(json_at(v, i));

        if (id.n == 0 || id.n > USER_ID_MAX || str_find_char(id, '\n', 0) != SIZE_MAX) {
            return invalid(err, name, "holds something that is no id");
        }
        ids[i] = arena_dup(a, id);
    }
    *list = ids;
    *n = json_len(v);
    return true;
}

/* "22:00" */
static bool clock_parse(struct str s, int32_t *out)
{
    struct str h, m;
    int64_t hours, minutes;

    if (!str_cut(s, ':', &h, &m) || h.n > 2 || m.n != 2 || !str_to_i64(h, 0, 23, &hours) ||
        !str_to_i64(m, 0, 59, &minutes)) {
        return false;
    }
    *out = (int32_t)(hours * 60 + minutes);
    return true;
}

static bool get_quiet(const struct json *prefs, struct user *u, struct err *err)
{
    const struct json *v = json_get(prefs, "quiet_hours");

    switch (json_kind(v)) {
    case JSON_NONE:
        return true;
    case JSON_NULL:
        u->has_quiet = false;
        return true;
    default:
        break;
    }
    if (!clock_parse(json_get_str(v, "from"), &u->quiet_from_min) ||
        !clock_parse(json_get_str(v, "to"), &u->quiet_to_min)) {
        return invalid(err, "preferences.quiet_hours",
                       "is not null or {\"from\":\"22:00\",\"to\":\"06:00\"}");
    }
    u->has_quiet = u->quiet_from_min != u->quiet_to_min;
    return true;
}

static bool get_preferences(const struct json *j, struct user *u, struct err *err)
{
    const struct json *prefs = json_get(j, "preferences"), *classes = json_get(prefs, "classes");

    if (json_kind(prefs) == JSON_NONE || json_kind(prefs) == JSON_NULL) {
        return true;
    }
    if (json_kind(prefs) != JSON_OBJECT) {
        return invalid(err, "preferences", "is not an object");
    }
    if (json_kind(classes) != JSON_NONE && json_kind(classes) != JSON_OBJECT) {
        return invalid(err, "preferences.classes", "is not an object");
    }
    for (size_t i = 0; i < json_len(classes); i++) {
        struct str name;
        const struct json *on = json_member_at(classes, i, &name);
        enum user_class c;

        if (!user_class_parse(name, &c) || json_kind(on) != JSON_BOOL) {
            err_set(err, ERR_INVALID, "\"%.*s\" is no class, or not true or false", STR_ARG(name));
            return err_member(err, "preferences.classes");
        }
        u->off =
            json_get_bool(classes, class_names[c], true) ? u->off & ~(1u << c) : u->off | (1u << c);
    }
    return get_quiet(prefs, u, err);
}

static bool opt_out(struct str name, unsigned *set)
{
    enum user_class c;

    if (str_eq(name, STR("all"))) {
        *set |= OPTED_OUT_ALL;
        return true;
    }
    if (!user_class_parse(name, &c)) {
        return false;
    }
    *set |= 1u << c;
    return true;
}

/* A list of classes, or "all" alone or in the list. */
static bool get_opted_out(const struct json *j, unsigned *out, struct err *err)
{
    const struct json *v = json_get(j, "opted_out");
    unsigned set = 0;
    bool ok = true;

    switch (json_kind(v)) {
    case JSON_NONE:
        return true;
    case JSON_NULL:
        break;
    case JSON_STRING:
        ok = opt_out(json_str(v), &set);
        break;
    case JSON_ARRAY:
        for (size_t i = 0; ok && i < json_len(v); i++) {
            ok = opt_out(json_str(json_at(v, i)), &set);
        }
        break;
    default:
        ok = false;
    }
    if (!ok) {
        return invalid(err, "opted_out", "is neither \"all\" nor a list of classes");
    }
    *out = set;
    return true;
}

bool user_from_json(struct arena *a, const struct json *j, const struct user *base,
                    struct user *out, struct err *err)
{
    struct user u = {.roles = ROLE_TECHNICIAN};

    if (base != NULL) {
        u = *base;
    }
    if (json_kind(j) != JSON_OBJECT) {
        return err_set(err, ERR_INVALID, "a person is an object");
    }
    if (!get_text(a, j, "id", USER_ID_MAX, &u.id, err) ||
        !get_text(a, j, "name", USER_NAME_MAX, &u.name, err) || !get_phone(a, j, &u.phone, err) ||
        !get_text(a, j, "bsuid", USER_ID_MAX, &u.bsuid, err) || !get_place(a, j, &u, err) ||
        !get_roles(j, &u.roles, err) || !get_teams(a, j, &u, err) ||
        !get_follows(a, j, "subscriptions.assets", &u.assets, &u.nassets, err) ||
        !get_follows(a, j, "subscriptions.sites", &u.sites, &u.nsites, err) ||
        !get_bool(j, "verified", &u.verified, err) ||
        !get_bool(j, "consented", &u.consented, err) || !get_preferences(j, &u, err) ||
        !get_opted_out(j, &u.opted_out, err)) {
        return false;
    }
    if (json_get(j, "id") != NULL && u.id.n == 0) {
        err_set(err, ERR_INVALID, "id is empty");
        return err_member(err, "id");
    }
    *out = u;
    return true;
}

static void write_preferences(const struct user *u, struct jw *w)
{
    jw_open(w, "preferences", '{');
    jw_open(w, "classes", '{');
    for (size_t c = 0; c < CLASS_COUNT; c++) {
        jw_bool(w, class_names[c], (u->off & (1u << c)) == 0);
    }
    jw_close(w, '}');
    if (u->has_quiet) {
        char text[2][16];

        snprintf(text[0], sizeof(text[0]), "%02d:%02d", u->quiet_from_min / 60,
                 u->quiet_from_min % 60);
        snprintf(text[1], sizeof(text[1]), "%02d:%02d", u->quiet_to_min / 60, u->quiet_to_min % 60);
        jw_open(w, "quiet_hours", '{');
        jw_z(w, "from", text[0]);
        jw_z(w, "to", text[1]);
        jw_close(w, '}');
    } else {
        jw_null(w, "quiet_hours");
    }
    jw_close(w, '}');
    if ((u->opted_out & OPTED_OUT_ALL) != 0) {
        jw_z(w, "opted_out", "all");
        return;
    }
    jw_open(w, "opted_out", '[');
    for (size_t c = 0; c < CLASS_COUNT; c++) {
        if ((u->opted_out & (1u << c)) != 0) {
            jw_z(w, NULL, class_names[c]);
        }
    }
    jw_close(w, ']');
}

static void write_ids(const struct str *ids, size_t n, struct jw *w, const char *name)
{
    jw_open(w, name, '[');
    for (size_t i = 0; i < n; i++) {
        jw_str(w, NULL, ids[i]);
    }
    jw_close(w, ']');
}

void user_write(const struct user *u, struct jw *w, const char *name)
{
    jw_open(w, name, '{');
    jw_str(w, "id", u->id);
    jw_str(w, "name", u->name);
    jw_str(w, "phone", u->phone);
    if (u->bsuid.n > 0) {
        jw_str(w, "bsuid", u->bsuid);
    }
    user_roles_write(u->roles, w, "roles");
    write_ids(u->teams, u->nteams, w, "teams");
    jw_open(w, "subscriptions", '{');
    write_ids(u->assets, u->nassets, w, "assets");
    write_ids(u->sites, u->nsites, w, "sites");
    jw_close(w, '}');
    jw_str(w, "site", u->site);
    jw_str(w, "language", u->language);
    jw_str(w, "timezone", u->timezone);
    jw_str(w, "supervisor", u->supervisor);
    jw_bool(w, "verified", u->verified);
    jw_bool(w, "consented", u->consented);
    write_preferences(u, w);
    jw_close(w, '}');
}

enum notify_verdict user_notify(const struct user *u, enum user_class cls, bool critical)
{
    bool must = cls == CLASS_EMERGENCY && critical;
    unsigned bit = 1u << cls;

    if (u->removed) {
        return NOTIFY_REMOVED;
    }
    if (u->phone.n == 0 && u->bsuid.n == 0) {
        return NOTIFY_NO_ADDRESS;
    }
    if ((u->opted_out & OPTED_OUT_ALL) != 0 || ((u->opted_out & bit) != 0 && !must)) {
        return NOTIFY_OPTED_OUT;
    }
    /* Whom the CMMS marks as consenting counts as verified for news about his own requests. */
    if (!u->verified && !(u->consented && cls == CLASS_UPDATES)) {
        return NOTIFY_UNVERIFIED;
    }
    return (u->off & bit) != 0 && !must ? NOTIFY_OFF : NOTIFY_YES;
}

const char *notify_reason(enum notify_verdict v)
{
    static const char *const reasons[] = {
        [NOTIFY_YES] = "",
        [NOTIFY_UNVERIFIED] = "not verified",
        [NOTIFY_OPTED_OUT] = "opted out",
        [NOTIFY_OFF] = "switched off in the preferences",
        [NOTIFY_NO_ADDRESS] = "no phone number",
        [NOTIFY_REMOVED] = "removed",
    };

    return reasons[v];
}

/* The instant at which the local clock shows @minutes on the day that begins at @midnight. */
static struct wall at_clock(struct str timezone, struct wall midnight, int32_t minutes)
{
    struct wall t = {midnight.ms + minutes * 60000LL}, day;
    int32_t shown;

    timezone_local(timezone, t, &shown, &day);
    /* An hour more or less on the day the clocks change. */
    t.ms += (minutes - shown) * 60000LL;
    return t;
}

struct wall user_quiet_until(const struct user *u, struct str tenant_timezone, struct wall now)
{
    struct str zone = u->timezone.n > 0 ? u->timezone : tenant_timezone;
    int32_t from = u->quiet_from_min, to = u->quiet_to_min, minutes, other;
    struct wall midnight, tomorrow;

    if (!u->has_quiet) {
        return now;
    }
    timezone_local(zone, now, &minutes, &midnight);
    if (from < to) {
        return minutes >= from && minutes < to ? at_clock(zone, midnight, to) : now;
    }
    if (minutes < to) {
        return at_clock(zone, midnight, to);
    }
    if (minutes < from) {
        return now;
    }
    /* 36 hours after a midnight is always the next day. */
    timezone_local(zone, (struct wall){midnight.ms + DAY_MS * 3 / 2}, &other, &tomorrow);
    return at_clock(zone, tomorrow, to);
}
