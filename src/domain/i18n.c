#include "domain/i18n.h"

#include <assert.h>
#include <unicode/uloc.h>

#include "base/embed.h"
#include "base/json.h"
#include "base/mem.h"
#include "catalogue_dir.h"
#include "i18n_int.h"

#define LANGS_MAX     32
#define LANG_CODE_MAX 16
#define KEY_MAX       96

extern const struct embedded locales_embedded[];

struct i18n {
    struct arena *arena; /* codes, patterns and words */
    struct lang *langs[LANGS_MAX];
    size_t n;
    struct map *names; /* normalized name or code -> struct lang */
};

const struct word_list *lang_list(const struct lang *l, const char *key)
{
    return map_get(l->lists, str_of(key));
}

const struct word_use *lang_word_uses(const struct lang *l, struct str word)
{
    return map_get(l->words, word);
}

static struct str normal_dup(struct arena *a, struct str text)
{
    struct buf b;
    struct str plain;

    buf_init(&b, CATALOGUE_MAX);
    i18n_normalize(text, &b);
    plain = arena_dup(a, b.n == 0 ? STR("") : buf_str(&b));
    buf_fini(&b);
    return plain;
}

/* A list given again (by the operator's catalogue) takes the place of the one before. */
static void forget_list(struct lang *l, const struct word_list *old)
{
    for (size_t i = 0; i < old->n; i++) {
        struct word_use *first = map_get(l->words, old->plain[i]), **at = &first;

        while (*at != NULL) {
            if ((*at)->list == old) {
                *at = (*at)->next;
            } else {
                at = &(*at)->next;
            }
        }
        if (first == NULL) {
            map_del(l->words, old->plain[i]);
        } else {
            map_put(l->words, old->plain[i], first);
        }
    }
    for (struct word_list **at = &l->all_lists; *at != NULL; at = &(*at)->next) {
        if (*at == old) {
            *at = old->next;
            break;
        }
    }
}

static bool add_list(struct i18n *i, struct lang *l, struct str key, const struct json *words,
                     struct err *err)
{
    struct word_list *list = ARENA_NEW(i->arena, struct word_list);
    const struct word_list *old = map_get(l->lists, key);

    if (old != NULL) {
        forget_list(l, old);
    }
    list->key = arena_dup(i->arena, key);
    list->n = json_len(words);
    list->words = ARENA_ARRAY(i->arena, struct str, list->n);
    list->plain = ARENA_ARRAY(i->arena, struct str, list->n);
    for (size_t w = 0; w < list->n; w++) {
        struct word_use *use = ARENA_NEW(i->arena, struct word_use);
        struct str plain;

        list->words[w] = arena_dup(i->arena, json_str(json_at(words, w)));
        plain = normal_dup(i->arena, list->words[w]);
        list->plain[w] = plain;
        if (plain.n == 0) {
            return err_set(err, ERR_CONFIG, "word %zu has no letter or digit", w + 1);
        }
        use->list = list;
        use->next = map_get(l->words, plain);
        map_put(l->words, plain, use);
    }
    list->next = l->all_lists;
    l->all_lists = list;
    map_put(l->lists, list->key, list);
    return true;
}

static bool add_pattern(struct i18n *i, struct lang *l, struct str key, struct str text,
                        struct err *err)
{
    const struct node *english = map_get(l->english->patterns, key);
    struct str odd, kept = arena_dup(i->arena, text);
    struct node *pattern;

    if (!pattern_compile(i->arena, kept, &pattern, err)) {
        return false;
    }
    /* Callers bring what English asks for, so no other catalogue may ask for more. */
    if (english != NULL && !pattern_fits(pattern, english, &odd)) {
        return err_set(err, ERR_CONFIG, "parameter \"%.*s\" is not that of English", STR_ARG(odd));
    }
    map_put(l->patterns, key, pattern);
    if (str_eq(key, STR("lang.name"))) {
        l->name = kept;
    }
    return true;
}

static bool add_entry(struct i18n *i, struct lang *l, struct str key, const struct json *value,
                      struct err *err)
{
    bool ok;

    if (str_find_char(key, '@', 0) != SIZE_MAX) {
        return true; /* limits are the build's business */
    }
    if (key.n > KEY_MAX) {
        return err_set(err, ERR_CONFIG, "key \"%.*s\" is longer than %d", STR_ARG(key), KEY_MAX);
    }
    if (json_kind(value) == JSON_ARRAY) {
        ok = add_list(i, l, key, value, err);
    } else if (json_kind(value) == JSON_STRING) {
        ok = add_pattern(i, l, key, json_str(value), err);
    } else {
        ok = err_set(err, ERR_CONFIG, "neither a text nor a list of words");
    }
    return ok || err_wrap(err, "%.*s", STR_ARG(key));
}

static struct lang *find(const struct i18n *i, struct str code)
{
    for (size_t n = 0; n < i->n; n++) {
        if (str_ieq(i->langs[n]->code, code)) {
            return i->langs[n];
        }
    }
    return NULL;
}

static struct lang *lang_add(struct i18n *i, struct str code)
{
    struct lang *l = find(i, code);

    if (l != NULL || i->n == LANGS_MAX) {
        return l;
    }
    l = ARENA_NEW(i->arena, struct lang);
    l->code = arena_dup(i->arena, code);
    l->name = l->code;
    l->rtl = uloc_isRightToLeft(l->code.p);
    l->patterns = map_new();
    l->lists = map_new();
    l->words = map_new();
    l->format = lang_format_new(l->code.p);
    l->english = i->n == 0 ? l : i->langs[0];
    i->langs[i->n++] = l;
    return l;
}

static bool load(struct i18n *i, struct str code, struct str text, struct err *err)
{
    struct json *j = NULL;
    struct lang *l;
    bool ok;

    if (code.n == 0 || code.n > LANG_CODE_MAX) {
        return err_set(err, ERR_CONFIG, "\"%.*s\" is no language code", STR_ARG(code));
    }
    if (!json_parse(text, CATALOGUE_MAX, &j, err)) {
        err->code = ERR_CONFIG;
        return false;
    }
    l = lang_add(i, code);
    ok = l != NULL || err_set(err, ERR_CONFIG, "more than %d languages", LANGS_MAX);
    for (size_t n = 0; ok && n < json_len(j); n++) {
        struct str key;
        const struct json *value = json_member_at(j, n, &key);

        ok = add_entry(i, l, key, value, err);
    }
    json_free(&j);
    return ok;
}

static bool load_embedded(struct i18n *i, struct err *err)
{
    struct str en = STR("en" CATALOGUE_SUFFIX);

    /* English first: the others are measured against it. */
    if (!load(i, STR("en"), embed_find(locales_embedded, en), err)) {
        return err_wrap(err, "%.*s", STR_ARG(en));
    }
    for (const struct embedded *e = locales_embedded; e->name != NULL; e++) {
        struct str name = str_of(e->name);

        if (!str_eq(name, en) && !load(i, catalogue_code(name), str_make(e->data, e->bytes), err)) {
            return err_wrap(err, "%s", e->name);
        }
    }
    return true;
}

static bool load_own(void *ctx, struct str code, struct str text, struct err *err)
{
    return load(ctx, code, text, err);
}

static void name_langs(struct i18n *i)
{
    for (size_t n = 0; n < i->n; n++) {
        struct lang *l = i->langs[n];
        const struct word_list *names = lang_list(l, "lang.names");

        map_put(i->names, normal_dup(i->arena, l->code), l);
        map_put(i->names, normal_dup(i->arena, l->name), l);
        for (size_t w = 0; names != NULL && w < names->n; w++) {
            map_put(i->names, names->plain[w], l);
        }
    }
}

bool i18n_new(const char *config_dir, struct i18n **out, struct err *err)
{
    struct i18n *i = MEM_NEW(struct i18n);
    struct err local = {0};

    i->arena = arena_new();
    i->names = map_new();
    if (!load_embedded(i, &local) ||
        (config_dir != NULL && !catalogue_dir_each(config_dir, "locales", load_own, i, &local))) {
        i18n_free(&i);
        if (err != NULL) {
            *err = local;
        }
        return false;
    }
    name_langs(i);
    *out = i;
    return true;
}

void i18n_free(struct i18n **owner)
{
    struct i18n *i = *owner;

    if (i == NULL) {
        return;
    }
    for (size_t n = 0; n < i->n; n++) {
        map_free(&i->langs[n]->patterns);
        map_free(&i->langs[n]->lists);
        map_free(&i->langs[n]->words);
        lang_format_free(&i->langs[n]->format);
    }
    map_free(&i->names);
    arena_free(&i->arena);
    mem_free(owner);
}

/* "pt-BR" -> pt-BR, else pt. */
static const struct lang *look_up(const struct i18n *i, struct str code)
{
    while (code.n > 0) {
        const struct lang *l = find(i, code);

        if (l != NULL) {
            return l;
        }
        do {
            code.n--;
        } while (code.n > 0 && code.p[code.n] != '-' && code.p[code.n] != '_');
    }
    return NULL;
}

const struct lang *i18n_lang(const struct i18n *i, struct str code, struct str otherwise)
{
    const struct lang *l = look_up(i, code);

    l = l != NULL ? l : look_up(i, otherwise);
    return l != NULL ? l : i->langs[0];
}

struct str lang_code(const struct lang *l)
{
    return l->code;
}

bool lang_is_rtl(const struct lang *l)
{
    return l->rtl;
}

struct str lang_name(const struct lang *l)
{
    return l->name;
}

size_t i18n_langs(const struct i18n *i, const struct lang **out, size_t max)
{
    size_t n = i->n < max ? i->n : max;

    for (size_t k = 0; k < n; k++) {
        out[k] = i->langs[k];
    }
    return n;
}

const struct lang *i18n_lang_named(const struct i18n *i, struct str name)
{
    const struct lang *l;
    struct buf plain;

    buf_init(&plain, CATALOGUE_MAX);
    i18n_normalize(name, &plain);
    l = plain.n == 0 ? NULL : map_get(i->names, buf_str(&plain));
    if (l == NULL) {
        l = look_up(i, str_trim(name)); /* "es-MX" */
    }
    buf_fini(&plain);
    return l;
}

static bool in_list(const struct lang *l, const char *key, struct str word)
{
    for (const struct word_use *u = lang_word_uses(l, word); u != NULL; u = u->next) {
        if (str_eqz(u->list->key, key)) {
            return true;
        }
    }
    return false;
}

bool i18n_is_word(const struct lang *l, const char *key, struct str word)
{
    return in_list(l, key, word) || in_list(l->english, key, word);
}

struct str i18n_word(const struct lang *l, const char *key, size_t i)
{
    const struct word_list *list = lang_list(l, key);

    return list == NULL || i >= list->n ? STR_NONE : list->words[i];
}
