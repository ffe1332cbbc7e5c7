/* broadcast: what may be asked for, the form it is kept in, its counts. */
#include "domain/broadcast.h"

#include "domain/user_store.h"

#define ID_MAX    64
#define TITLE_MAX 200
#define TEXT_MAX                                                                    \
    ((size_t)16 * 1024) /* what the providers take is judged with the whole message \
                         */
#define GROUP_MAX 256
#define AHEAD_MAX (366 * (int64_t)86400000)

static const char *const asks[] = {"none", "ack", "safety", "read"};
static const char *const priorities[PRIO_COUNT] = {[PRIO_CRITICAL] = "critical",
                                                   [PRIO_REPLY] = "high",
                                                   [PRIO_HIGH] = "high",
                                                   [PRIO_NORMAL] = "medium",
                                                   [PRIO_LOW] = "low"};

const char *broadcast_ask_name(enum broadcast_ask ask)
{
    return asks[ask];
}

bool broadcast_ask_parse(struct str name, enum broadcast_ask *out)
{
    for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
        if (str_eqz(name, asks[i])) {
            *out = (enum broadcast_ask)i;
            return true;
        }
    }
    return false;
}

const char *broadcast_priority_name(enum prio prio)
{
    return priorities[prio];
}

bool broadcast_id_ok(struct str id)
{
    bool ok = id.n > 0 && id.n <= ID_MAX;

    for (size_t i = 0; ok && i < id.n; i++) {
        char c = id.p[i];

        ok = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
             c == '.' || c == '_' || c == '-';
    }
    return ok;
}

static bool invalid(struct err *err, const char *member, const char *why)
{
    err_set(err, ERR_INVALID, "%s %s", member, why);
    return err_member(err, "%s", member);
}

/* ---- texts ---- */

static bool text_ok(struct str s, size_t most)
{
    return str_trim(s).n > 0 && s.n <= most;
}

static bool add_text(struct arena *a, struct str lang, const struct json *v, const char *member,
                     struct broadcast *b, struct err *err)
{
    if (json_kind(v) != JSON_STRING || !text_ok(json_str(v), TEXT_MAX)) {
        return invalid(err, member, "is not a text, is empty, or is longer than 16384 bytes");
    }
    b->langs[b->ntexts] = arena_dup(a, lang);
    b->texts[b->ntexts++] = arena_dup(a, str_trim(json_str(v)));
    return true;
}

static bool lang_code_ok(struct str s)
{
    bool ok = s.n >= 2 && s.n <= 16;

    for (size_t i = 0; ok && i < s.n; i++) {
        ok = (s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= 'A' && s.p[i] <= 'Z') ||
             s.p[i] == '-' || s.p[i] == '_' || (s.p[i] >= '0' && s.p[i] <= '9');
    }
    return ok;
}

static bool take_texts(struct arena *a, const struct json *j, struct broadcast *b, struct err *err)
{
    const struct json *one = json_get(j, "text"), *many = json_get(j, "texts");
    struct str lang;

    if (one != NULL && many != NULL) {
        return invalid(err, "texts", "and text cannot both be told");
    }
    if (many == NULL) {
        return one != NULL ? add_text(a, STR(""), one, "text", b, err)
                           : invalid(err, "text", "is missing: text, or texts by language");
    }
    if (json_kind(many) != JSON_OBJECT || json_len(many) == 0 ||
        json_len(many) > BROADCAST_TEXTS_MAX) {
        return invalid(err, "texts", "is not an object of 1 to 32 texts by language");
    }
    for (size_t i = 0; i < json_len(many); i++) {
        const struct json *v = json_member_at(many, i, &lang);
        struct str member = arena_printf(a, "texts.%.*s", STR_ARG(str_slice(lang, 0, 40)));

        if (!lang_code_ok(lang)) {
            return invalid(err, member.p, "is no language such as en or pt-BR");
        }
        if (!add_text(a, lang, v, member.p, b, err)) {
            return false;
        }
    }
    return true;
}

static bool take_title(struct arena *a, const struct json *j, struct broadcast *b, struct err *err)
{
    const struct json *v = json_get(j, "title");

    if (json_kind(v) == JSON_NONE || json_kind(v) == JSON_NULL) {
        return true;
    }
    if (json_kind(v) != JSON_STRING || str_utf8_len(json_str(v)) > TITLE_MAX ||
        str_find_char(json_str(v), '\n', 0) != SIZE_MAX) {
        return invalid(err, "title", "is not one line of at most 200 characters");
    }
    b->title = arena_dup(a, str_trim(json_str(v)));
    return true;
}

/* ---- audience ---- */

typedef bool item_fn(struct arena *a, struct str item, struct audience *to, struct str *out);

static bool item_text(struct arena *a, struct str item, struct audience *to, struct str *out)
{
    (void)to;
    *out = arena_dup(a, item);
    return item.n <= GROUP_MAX;
}

static bool item_user(struct arena *a, struct str item, struct audience *to, struct str *out)
{
    (void)to;
    *out = arena_dup(a, item);
    return user_id_ok(item);
}

static bool item_phone(struct arena *a, struct str item, struct audience *to, struct str *out)
{
    (void)to;
    return user_phone_parse(a, item, out);
}

static bool item_role(struct arena *a, struct str item, struct audience *to, struct str *out)
{
    unsigned role = 0;

    (void)a;
    (void)out;
    if (!user_role_parse(item, &role)) {
        return false;
    }
    to->roles |= role;
    return true;
}

/* The lists by name: how an item is read, and where it goes (offsets; SIZE_MAX: a set of bits). */
static const struct {
    const char *name, *want;
    item_fn *read;
    size_t list, n;
} lists[] = {
    {"users",     "is the id of a person",                           item_user, offsetof(struct audience, users),
     offsetof(struct audience,                                                                                        nusers)},
    {"teams",     "is the name of a team",                           item_text, offsetof(struct audience, teams),
     offsetof(struct audience,                                                                                        nteams)},
    {"roles",     "is technician, supervisor, admin or stakeholder", item_role, SIZE_MAX,                 SIZE_MAX},
    {"sites",  "is the name of a site",                           item_text,    offsetof(struct audience,                                                                            sites),
     offsetof(struct audience, nsites) },
    {"phones", "is a number such as +12025550117",                          item_phone,   offsetof(struct audience,                                                                            phones),
     offsetof(struct audience,                                                                             nphones)                                                                           },
};

static bool take_list(struct arena *a, size_t row, const struct json *v, struct audience *to,
                      struct err *err)
{
    struct str member = arena_printf(a, "audience.%s", lists[row].name);
    struct str *items;
    struct str dummy;

    if (json_kind(v) != JSON_ARRAY) {
        return invalid(err, member.p, "is not a list");
    }
    items = ARENA_ARRAY(a, struct str, json_len(v) + 1);
    for (size_t i = 0; i < json_len(v); i++) {
        struct str item = str_trim(json_str(json_at(v, i)));
        struct str place = arena_printf(a, "%.*s.%zu", STR_ARG(member), i);

        if (item.n == 0 ||
            !lists[row].read(a, item, to, lists[row].list == SIZE_MAX ? &dummy : &items[i])) {
            err_set(err, ERR_INVALID, "%s is \"%.*s\"; each of this list %s", place.p,
                    STR_ARG(str_slice(item, 0, 40)), lists[row].want);
            return err_member(err, "%s", place.p);
        }
    }
    if (lists[row].list != SIZE_MAX) {
        *(struct str **)((uintptr_t)to + lists[row].list) = items;
        *(size_t *)((uintptr_t)to + lists[row].n) = json_len(v);
    }
    return true;
}

/* A member that nobody knows is a typing mistake, and then somebody is not told: refused. */
static bool take_audience(struct arena *a, const struct json *j, struct audience *to,
                          struct err *err)
{
    const struct json *v = json_get(j, "audience");
    struct str name;

    if (json_kind(v) != JSON_OBJECT) {
        return invalid(err, "audience", "is missing or no object: who is to be told?");
    }
    for (size_t i = 0; i < json_len(v); i++) {
        const struct json *value = json_member_at(v, i, &name);
        size_t row = 0;

        if (str_eqz(name, "all")) {
            if (json_kind(value) != JSON_BOOL) {
                return invalid(err, "audience.all", "is not true or false");
            }
            to->all = json_as_bool(value, false);
            continue;
        }
        while (row < ARRAY_LEN(lists) && !str_eqz(name, lists[row].name)) {
            row++;
        }
        if (row == ARRAY_LEN(lists)) {
            return invalid(err, arena_printf(a, "audience.%.*s", STR_ARG(str_slice(name, 0, 40))).p,
                           "is none of all, users, teams, roles, sites, phones");
        }
        if (!take_list(a, row, value, to, err)) {
            return false;
        }
    }
    return audience_scans(to) || to->nusers > 0 || to->nphones > 0 ||
           invalid(err, "audience", "names nobody");
}

/* ---- the rest ---- */

static bool take_prio(const struct json *j, enum prio *out, struct err *err)
{
    const struct json *v = json_get(j, "priority");

    *out = PRIO_NORMAL;
    if (json_kind(v) == JSON_NONE || json_kind(v) == JSON_NULL || str_eqz(json_str(v), "normal")) {
        return true;
    }
    for (int i = 0; i < PRIO_COUNT; i++) {
        if (i != PRIO_REPLY && str_eqz(json_str(v), priorities[i])) {
            *out = (enum prio)i;
            return true;
        }
    }
    return invalid(err, "priority", "is none of low, medium, high, critical");
}

static bool take_ask(const struct json *j, enum broadcast_ask *out, struct err *err)
{
    const struct json *v = json_get(j, "ask");

    /* Who has read it is asked of training material only. */
    return json_kind(v) == JSON_NONE || json_kind(v) == JSON_NULL ||
           (broadcast_ask_parse(json_str(v), out) &&
            (*out != BROADCAST_ASK_READ || json_get_bool(j, "training", false))) ||
           invalid(err, "ask", "is none of none, ack, safety");
}

static bool take_time(const struct json *j, const char *name, struct wall *out, struct err *err)
{
    const struct json *v = json_get(j, name);

    return json_kind(v) == JSON_NONE || json_kind(v) == JSON_NULL || wall_parse(json_str(v), out) ||
           invalid(err, name, "is not an RFC 3339 time");
}

static bool take_times(const struct json *j, struct wall now, struct broadcast *b, struct err *err)
{
    if (!take_time(j, "send_at", &b->send_at, err) ||
        !take_time(j, "expires_at", &b->expires, err)) {
        return false;
    }
    if (b->send_at.ms > now.ms + AHEAD_MAX) {
        return invalid(err, "send_at", "is more than a year away");
    }
    if (b->send_at.ms <= now.ms) {
        b->send_at.ms = 0; /* it is late already: at once */
    }
    return b->expires.ms == 0 || (b->expires.ms > now.ms && b->expires.ms > b->send_at.ms) ||
           invalid(err, "expires_at", "is over before it could be sent");
}

static bool take_confirm(const struct json *j, int64_t *out, struct err *err)
{
    const struct json *v = json_get(j, "confirm");

    *out = json_as_int(v, -1);
    return json_kind(v) == JSON_NONE || json_kind(v) == JSON_NULL || *out >= 0 ||
           invalid(err, "confirm", "is not a number of recipients");
}

bool broadcast_from_json(struct arena *a, const struct json *j, struct wall now,
                         struct broadcast *out, struct err *err)
{
    struct broadcast b = {.created = now};

    if (json_kind(j) != JSON_OBJECT) {
        return err_set(err, ERR_BAD_REQUEST, "a broadcast is a JSON object");
    }
    if (!take_texts(a, j, &b, err) || !take_title(a, j, &b, err) || !take_prio(j, &b.prio, err) ||
        !take_audience(a, j, &b.to, err) || !take_ask(j, &b.ask, err) ||
        !take_times(j, now, &b, err) || !take_confirm(j, &b.confirm, err)) {
        return false;
    }
    *out = b;
    return true;
}

/* ---- as kept and shown ---- */

static void write_list(struct jw *w, const char *name, const struct str *v, size_t n)
{
    if (n == 0) {
        return;
    }
    jw_open(w, name, '[');
    for (size_t i = 0; i < n; i++) {
        jw_str(w, NULL, v[i]);
    }
    jw_close(w, ']');
}

/* Of people named one by one only how many: who they are stands in the list of recipients. */
static void write_audience(const struct audience *to, struct jw *w)
{
    jw_open(w, "audience", '{');
    if (to->all) {
        jw_bool(w, "all", true);
    }
    if (to->roles != 0) {
        user_roles_write(to->roles, w, "roles");
    }
    write_list(w, "teams", to->teams, to->nteams);
    write_list(w, "sites", to->sites, to->nsites);
    if (to->nusers > 0) {
        jw_int(w, "users", (int64_t)to->nusers);
    }
    if (to->nphones > 0) {
        jw_int(w, "phones", (int64_t)to->nphones);
    }
    jw_close(w, '}');
}

void broadcast_write(const struct broadcast *b, struct jw *w)
{
    char lang[32];

    jw_str(w, "id", b->id);
    jw_str(w, "title", b->title);
    if (b->ntexts == 1 && b->langs[0].n == 0) {
        jw_str(w, "text", b->texts[0]);
    } else {
        jw_open(w, "texts", '{');
        for (size_t i = 0; i < b->ntexts; i++) {
            size_t n = b->langs[i].n < sizeof(lang) ? b->langs[i].n : sizeof(lang) - 1;

            memcpy(lang, b->langs[i].p, n);
            lang[n] = '\0';
            jw_str(w, lang, b->texts[i]);
        }
        jw_close(w, '}');
    }
    jw_z(w, "priority", broadcast_priority_name(b->prio));
    jw_z(w, "ask", broadcast_ask_name(b->ask));
    if (b->training) {
        jw_bool(w, "training", true);
        jw_open(w, "media", '{');
        jw_str(w, "url", b->media.url);
        jw_str(w, "mime", b->media.mime);
        jw_str(w, "filename", b->media.filename);
        jw_close(w, '}');
    }
    write_audience(&b->to, w);
    jw_str(w, "by", b->by);
    jw_wall(w, "created_at", b->created);
    jw_wall(w, "send_at", b->send_at);
    jw_wall(w, "expires_at", b->expires);
}

bool broadcast_decode(struct arena *a, struct str text, struct broadcast *out, struct err *err)
{
    struct broadcast b = {.confirm = -1};
    struct json *j = NULL;
    bool ok = json_parse(text, (size_t)4 << 20, &j, err) && take_texts(a, j, &b, err) &&
              take_title(a, j, &b, err) && take_prio(j, &b.prio, err) && take_ask(j, &b.ask, err) &&
              take_time(j, "created_at", &b.created, err) &&
              take_time(j, "send_at", &b.send_at, err) &&
              take_time(j, "expires_at", &b.expires, err);

    if (ok) {
        const struct json *to = json_get(j, "audience");

        b.id = arena_dup(a, json_get_str(j, "id"));
        b.by = arena_dup(a, json_get_str(j, "by"));
        b.training = json_get_bool(j, "training", false);
        b.media.url = arena_dup(a, json_str(json_path(j, "media.url")));
        b.media.mime = arena_dup(a, json_str(json_path(j, "media.mime")));
        b.media.filename = arena_dup(a, json_str(json_path(j, "media.filename")));
        b.to.all = json_get_bool(to, "all", false);
        b.to.nusers = (size_t)json_get_int(to, "users", 0);
        b.to.nphones = (size_t)json_get_int(to, "phones", 0);
        for (size_t i = 1; i <= 3; i++) {
            const struct json *list = json_get(to, lists[i].name);

            ok = ok && (list == NULL || take_list(a, i, list, &b.to, err));
        }
    }
    json_free(&j);
    if (!ok) {
        return err_set(err, ERR_DAMAGED, "a stored broadcast does not read");
    }
    *out = b;
    return true;
}

struct wall broadcast_begins(const struct broadcast *b)
{
    return b->send_at.ms > b->created.ms ? b->send_at : b->created;
}

/* ---- counts ---- */

const char *const broadcast_count_names[] = {
#define X(name) #name,
    BROADCAST_COUNT_LIST(X)
#undef X
        NULL};

void broadcast_counts_write(const struct broadcast_counts *c, enum broadcast_ask ask, struct jw *w,
                            const char *name)
{
    jw_open(w, name, '{');
    jw_int(w, "total", c->total);
    jw_int(w, "queued", c->queued + c->uncertain);
    jw_int(w, "sent", c->sent);
    jw_int(w, "delivered", c->delivered);
    jw_int(w, "read", c->read);
    jw_int(w, "failed", c->failed);
    jw_int(w, "answered", c->answered);
    jw_int(w, "safe", c->safe);
    jw_int(w, "help", c->help);
    jw_int(w, "silent", ask == BROADCAST_ASK_NONE ? 0 : c->silent);
    jw_int(w, "skipped", c->skipped);
    jw_int(w, "cancelled", c->cancelled);
    jw_close(w, '}');
}

bool broadcast_is_over(const struct broadcast_counts *c, const struct broadcast *b,
                       struct wall began, struct wall now)
{
    bool asked = b->ask != BROADCAST_ASK_NONE, quiet = asked ? c->silent <= 0 : c->sent <= 0;
    bool late = now.ms >= began.ms + (asked ? BROADCAST_OPEN_MS : BROADCAST_QUIET_MS) ||
                (b->expires.ms > 0 && now.ms >= b->expires.ms);

    return c->queued + c->uncertain <= 0 && (late || quiet);
}
