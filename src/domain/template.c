/* template: the catalogue, and what is known of each template's approval. */
#include "domain/template.h"

#include "base/embed.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/pack.h"
#include "catalogue_dir.h"

#define TEMPLATES_MAX 1000
#define STATE_VERSION 1

extern const struct embedded templates_embedded[];

struct templates {
    struct arena *arena;
    const struct template_def *defs[TEMPLATES_MAX];
    size_t n;
    struct map *names; /* name -> one of them */
};

/* ---- the catalogue ---- */

static int compare(struct str name, struct str language, const struct template_def *d)
{
    int by_name = str_cmp(name, d->name);

    return by_name != 0 ? by_name : str_cmp(language, d->language);
}

/* Where it is, or belongs. */
static size_t place_of(const struct templates *t, struct str name, struct str language)
{
    size_t low = 0, high = t->n;

    while (low < high) {
        size_t mid = (low + high) / 2;

        if (compare(name, language, t->defs[mid]) <= 0) {
            high = mid;
        } else {
            low = mid + 1;
        }
    }
    return low;
}

const struct template_def *templates_find(const struct templates *t, struct str name,
                                          struct str language)
{
    size_t at = place_of(t, name, language);

    return at < t->n && compare(name, language, t->defs[at]) == 0 ? t->defs[at] : NULL;
}

bool templates_has(const struct templates *t, struct str name)
{
    return map_get(t->names, name) != NULL;
}

size_t templates_count(const struct templates *t)
{
    return t->n;
}

const struct template_def *templates_at(const struct templates *t, size_t i)
{
    return t->defs[i];
}

static bool put(struct templates *t, struct str name, struct str language, const struct json *j,
                struct err *err)
{
    struct template_def *d = ARENA_NEW(t->arena, struct template_def);
    size_t at;

    if (!template_from_json(t->arena, name, language, j, d, err)) {
        err->code = ERR_CONFIG;
        return err_wrap(err, "%.*s", STR_ARG(name));
    }
    at = place_of(t, name, language);
    if (at == t->n || compare(name, language, t->defs[at]) != 0) {
        if (t->n == TEMPLATES_MAX) {
            return err_set(err, ERR_CONFIG, "there are more than %d templates", TEMPLATES_MAX);
        }
        memmove(&t->defs[at + 1], &t->defs[at], (t->n - at) * sizeof(t->defs[0]));
        t->n++;
    }
    t->defs[at] = d;
    map_put(t->names, d->name, d);
    return true;
}

static bool load(void *ctx, struct str code, struct str text, struct err *err)
{
    struct templates *t = ctx;
    struct json *j = NULL;
    const struct json *list;
    struct str language, name;
    bool ok = true;

    if (!json_parse(text, CATALOGUE_MAX, &j, err)) {
        err->code = ERR_CONFIG;
        return false;
    }
    list = json_get(j, "templates");
    language = json_get_str(j, "language");
    if (code.n == 0 || language.n == 0 || json_kind(list) != JSON_OBJECT) {
        ok = err_set(err, ERR_CONFIG, "it has not language and templates");
    }
    for (size_t i = 0; ok && i < json_len(list); i++) {
        const struct json *one = json_member_at(list, i, &name);

        ok = put(t, name, language, one, err);
    }
    json_free(&j);
    return ok;
}

bool templates_new(const char *config_dir, struct templates **out, struct err *err)
{
    struct templates *t = MEM_NEW(struct templates);
    struct err local = {0};
    bool ok = true;

    t->arena = arena_new();
    t->names = map_new();
    for (const struct embedded *e = templates_embedded; ok && e->name != NULL; e++) {
        ok = load(t, catalogue_code(str_of(e->name)), str_make(e->data, e->bytes), &local) ||
             err_wrap(&local, "%s", e->name);
    }
    ok = ok && (config_dir == NULL || config_dir[0] == '\0' ||
                catalogue_dir_each(config_dir, "templates", load, t, &local));
    if (!ok) {
        templates_free(&t);
        if (err != NULL) {
            *err = local;
        }
        return false;
    }
    *out = t;
    return true;
}

void templates_free(struct templates **owner)
{
    struct templates *t = *owner;

    if (t != NULL) {
        map_free(&t->names);
        arena_free(&t->arena);
        mem_free(owner);
    }
}

/* ---- approval ---- */

static const char *const status_names[] = {
    [TEMPLATE_UNKNOWN] = "unregistered", [TEMPLATE_PENDING] = "pending",
    [TEMPLATE_APPROVED] = "approved",    [TEMPLATE_REJECTED] = "rejected",
    [TEMPLATE_PAUSED] = "paused",        [TEMPLATE_DISABLED] = "disabled",
    [TEMPLATE_MISSING] = "missing",
};

const char *template_status_name(enum template_status s)
{
    return (size_t)s < ARRAY_LEN(status_names) ? status_names[s] : "unregistered";
}

enum template_status template_status_of(struct str word)
{
    static const struct {
        const char *word;
        enum template_status status;
    } words[] = {
        {"APPROVED",         TEMPLATE_APPROVED},
        {"REINSTATED",       TEMPLATE_APPROVED},
        {"FLAGGED",          TEMPLATE_APPROVED}, /* of low quality, and in danger: still sent */
        {"PENDING",          TEMPLATE_PENDING },
        {"RECEIVED",         TEMPLATE_PENDING },
        {"IN_APPEAL",        TEMPLATE_PENDING },
        {"REJECTED",         TEMPLATE_REJECTED},
        {"PAUSED",           TEMPLATE_PAUSED  },
        {"UNSUBMITTED",      TEMPLATE_MISSING },
        {"DELETED",          TEMPLATE_MISSING },
        {"PENDING_DELETION", TEMPLATE_MISSING },
    };

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (str_ieq(word, str_of(words[i].word))) {
            return words[i].status;
        }
    }
    return TEMPLATE_DISABLED;
}

/* A row's place is its tag in records that exist: new rows go to the end. */
enum state_tag { TAG_STATUS, TAG_CATEGORY, TAG_REASON, TAG_ID, TAG_HASH, TAG_AT };

void template_state_encode(const struct template_state *s, struct buf *out)
{
    pack_begin(out, STATE_VERSION);
    pack_int(out, TAG_STATUS, s->status);
    pack_str(out, TAG_CATEGORY, s->category);
    pack_str(out, TAG_REASON, s->reason);
    pack_str(out, TAG_ID, s->id);
    pack_str(out, TAG_HASH, s->hash);
    pack_int(out, TAG_AT, s->at.ms);
}

bool template_state_decode(struct arena *a, struct str text, struct template_state *out,
                           struct err *err)
{
    struct template_state s = {0};
    struct unpack u;
    struct str value;
    uint8_t tag;
    int64_t status = 0;

    if (unpack_begin(&u, text) != STATE_VERSION) {
        return err_set(err, ERR_DAMAGED, "state of a template has not version %d", STATE_VERSION);
    }
    while (unpack_next(&u, &tag, &value)) {
        struct str *texts[] = {
            [TAG_CATEGORY] = &s.category,
            [TAG_REASON] = &s.reason,
            [TAG_ID] = &s.id,
            [TAG_HASH] = &s.hash,
        };

        if (tag == TAG_STATUS) {
            status = unpack_int(value);
        } else if (tag == TAG_AT) {
            s.at.ms = unpack_int(value);
        } else if (tag < ARRAY_LEN(texts)) {
            *texts[tag] = arena_dup(a, value);
        }
    }
    if (u.broken || status < 0 || status > TEMPLATE_MISSING) {
        return err_set(err, ERR_DAMAGED, "state of a template is damaged");
    }
    s.status = (enum template_status)status;
    *out = s;
    return true;
}
