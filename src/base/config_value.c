/*
 * config_value: one setting read from text or JSON. Errors are the reason alone, as in
 * `"abc" is not a whole number from 1000 to 600000`; a secret is called "the value".
 */
#include "base/mem.h"
#include "config_int.h"

#define SHOWN_BYTES_MAX 80

void config_value_fini(struct config_value *v)
{
    if (v->text != NULL) {
        mem_wipe(v->text, v->n);
    }
    mem_free(&v->text);
    json_free(&v->json);
    mem_free(&v->place);
    *v = (struct config_value){0};
}

/* Appends what the operator wrote, shortened, unless it is secret. */
static void add_shown(struct buf *out, const struct config_row *row, struct str text)
{
    size_t n = SHOWN_BYTES_MAX;

    if ((row->flags & CONFIG_SECRET) != 0) {
        buf_addz(out, "the value");
    } else if (text.n > n) {
        while (n > 0 && ((unsigned char)text.p[n] & 0xc0) == 0x80) {
            n--;
        }
        buf_add(out, str_slice(text, 0, n));
        buf_addz(out, "...");
    } else {
        buf_add(out, text);
    }
}

/* What this row would have taken: "a whole number from 1 to 5". */
static void add_wanted(struct buf *out, const struct config_row *row)
{
    struct str rest, item;

    switch (row->type) {
    case CONFIG_STR:
        buf_addz(out, "a text");
        break;
    case CONFIG_INT:
        buf_addz(out, "a whole number");
        if (row->min != 0 || row->max != 0) {
            buf_addf(out, row->max == INT64_MAX ? " of at least %lld" : " from %lld to %lld",
                     (long long)row->min, (long long)row->max);
        }
        break;
    case CONFIG_BOOL:
        buf_addz(out, "true or false");
        break;
    case CONFIG_ENUM:
        buf_addz(out, "one of ");
        for (rest = str_of(row->choices); rest.n > 0;) {
            if (str_cut(rest, '|', &item, &rest)) {
                buf_addf(out, "%.*s, ", STR_ARG(item));
            } else {
                buf_add(out, item);
            }
        }
        break;
    case CONFIG_LIST:
        buf_addz(out, "a list of texts");
        break;
    case CONFIG_JSON:
        buf_addz(out, "JSON");
        break;
    }
}

/* @shown is the value as JSON, quotes and all. */
static bool refuse(const struct config_row *row, struct str shown, struct err *err)
{
    struct buf b;

    buf_init(&b, 4096);
    add_shown(&b, row, shown);
    buf_addz(&b, " is not ");
    add_wanted(&b, row);
    err_set(err, ERR_CONFIG, "%.*s", STR_ARG(buf_str(&b)));
    buf_fini(&b);
    return false;
}

static bool refuse_text(const struct config_row *row, struct str text, struct err *err)
{
    struct buf b;

    buf_init(&b, CONFIG_FILE_BYTES_MAX);
    json_escape_add(&b, text);
    refuse(row, buf_str(&b), err);
    buf_fini(&b);
    return false;
}

static bool refuse_json(const struct config_row *row, const struct json *j, struct err *err)
{
    struct buf b;

    buf_init(&b, CONFIG_FILE_BYTES_MAX);
    json_dump(j, &b);
    refuse(row, buf_str(&b), err);
    buf_fini(&b);
    return false;
}

bool config_value_length(const struct config_row *row, struct str text, struct err *err)
{
    if (!str_is_utf8(text)) {
        return err_set(err, ERR_CONFIG, "the value is not valid UTF-8 or holds a NUL");
    }
    if (row->type != CONFIG_STR || (row->min == 0 && row->max == 0)) {
        return true;
    }
    if (text.n < (uint64_t)row->min || text.n > (uint64_t)row->max) {
        return err_set(err, ERR_CONFIG, "%zu bytes are not %lld to %lld", text.n,
                       (long long)row->min, (long long)row->max);
    }
    return true;
}

static bool set_str(const struct config_row *row, struct str text, struct config_value *out,
                    struct err *err)
{
    if ((row->flags & CONFIG_SECRET) == 0 && !config_value_length(row, text, err)) {
        return false;
    }
    out->text = mem_dupz(text);
    out->n = text.n;
    return true;
}

static bool set_enum(const struct config_row *row, struct str text, struct config_value *out,
                     struct err *err)
{
    struct str rest = str_of(row->choices), item;

    while (rest.n > 0) {
        str_cut(rest, '|', &item, &rest);
        if (str_eq(item, text)) {
            out->text = mem_dupz(text);
            out->n = text.n;
            return true;
        }
    }
    return refuse_text(row, text, err);
}

static bool in_range(const struct config_row *row, int64_t v)
{
    return (row->min == 0 && row->max == 0) || (v >= row->min && v <= row->max);
}

static bool set_bool(const struct config_row *row, struct str text, struct config_value *out,
                     struct err *err)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {
        {"true",  true },
        {"1",     true },
        {"yes",   true },
        {"on",    true },
        {"false", false},
        {"0",     false},
        {"no",    false},
        {"off",   false},
    };

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (str_ieq(text, str_of(words[i].word))) {
            out->i = words[i].value;
            return true;
        }
    }
    return refuse_text(row, text, err);
}

/* "a, b" as JSON array; empty items are dropped. */
static struct json *split(struct str text)
{
    struct json *list = json_new_array();
    struct str item;

    while (text.n > 0) {
        str_cut(text, ',', &item, &text);
        item = str_trim(item);
        if (item.n > 0) {
            json_push(list, json_new_str(item));
        }
    }
    return list;
}

static bool is_list(const struct json *j)
{
    for (size_t i = 0; i < json_len(j); i++) {
        if (json_kind(json_at(j, i)) != JSON_STRING) {
            return false;
        }
    }
    return json_kind(j) == JSON_ARRAY;
}

static bool set_parsed(const struct config_row *row, struct str text, struct config_value *out,
                       struct err *err)
{
    struct json *j;
    bool ok;

    if (!json_parse(text, CONFIG_FILE_BYTES_MAX, &j, err)) {
        err_wrap(err, "the value is not JSON");
        if (err != NULL) {
            err->code = ERR_CONFIG;
        }
        return false;
    }
    ok = config_value_json(row, j, out, err);
    json_free(&j);
    return ok;
}

bool config_value_text(const struct config_row *row, struct str text, struct config_value *out,
                       struct err *err)
{
    switch (row->type) {
    case CONFIG_STR:
        return set_str(row, text, out, err);
    case CONFIG_ENUM:
        return set_enum(row, text, out, err);
    case CONFIG_INT:
        if (!str_to_i64(text, INT64_MIN, INT64_MAX, &out->i) || !in_range(row, out->i)) {
            return refuse_text(row, text, err);
        }
        return true;
    case CONFIG_BOOL:
        return set_bool(row, text, out, err);
    case CONFIG_LIST:
        if (!str_is_utf8(text)) {
            return err_set(err, ERR_CONFIG, "the value is not valid UTF-8 or holds a NUL");
        }
        if (str_starts(text, STR("["))) {
            return set_parsed(row, text, out, err);
        }
        out->json = split(text);
        return true;
    case CONFIG_JSON:
        return set_parsed(row, text, out, err);
    }
    return false;
}

bool config_value_json(const struct config_row *row, const struct json *j, struct config_value *out,
                       struct err *err)
{
    enum json_kind kind = json_kind(j);
    bool taken = false;

    switch (row->type) {
    case CONFIG_STR:
    case CONFIG_ENUM:
        if (kind == JSON_STRING) {
            return config_value_text(row, json_str(j), out, err);
        }
        break;
    case CONFIG_INT:
        out->i = json_as_int(j, 0);
        taken = kind == JSON_INT && in_range(row, out->i);
        break;
    case CONFIG_BOOL:
        out->i = json_as_bool(j, false);
        taken = kind == JSON_BOOL;
        break;
    case CONFIG_LIST:
        if (kind == JSON_STRING) {
            return config_value_text(row, json_str(j), out, err);
        }
        taken = is_list(j);
        out->json = taken ? json_dup(j) : NULL;
        break;
    case CONFIG_JSON:
        taken = true;
        out->json = json_dup(j);
        break;
    }
    return taken || refuse_json(row, j, err);
}
