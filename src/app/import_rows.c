#include "import_rows.h"

#include <stdio.h>

#include "domain/user.h"

#define ROW_BYTES_MAX  ((size_t)64 << 10)
#define CALL_BYTES_MAX ((size_t)16 << 10) /* looked at in one call beside a row: 0.5 ms at most */

/* ---- the objects of a JSON array ---- */

enum scan_event { SCAN_NONE, SCAN_BEGINS, SCAN_ENDS_WITH, SCAN_ENDS_BEFORE };

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static enum scan_event scan_nested(struct array_scan *s, char c)
{
    if (s->in_string) {
        if (s->escaped) {
            s->escaped = false;
        } else if (c == '\\') {
            s->escaped = true;
        } else if (c == '"') {
            s->in_string = false;
        }
    } else if (c == '"') {
        s->in_string = true;
    } else if (c == '{' || c == '[') {
        s->depth++;
    } else if (c == '}' || c == ']') {
        s->depth--;
    }
    if (s->depth == 0 && !s->in_string) {
        s->state = SCAN_AFTER;
        return SCAN_ENDS_WITH;
    }
    return SCAN_NONE;
}

static enum scan_event scan_value(struct array_scan *s, char c)
{
    if (blank(c)) {
        return SCAN_NONE;
    }
    if (c == ']' && s->first) {
        s->state = SCAN_END;
        return SCAN_NONE;
    }
    if (c == ',' || c == ']' || c == '}') {
        s->state = SCAN_BAD;
        return SCAN_NONE;
    }
    s->state = SCAN_SCALAR;
    if (c == '{' || c == '[' || c == '"') {
        s->state = SCAN_NESTED;
        s->depth = c == '"' ? 0 : 1;
        s->in_string = c == '"';
        s->escaped = false;
    }
    return SCAN_BEGINS;
}

/* Behind a value: what may follow there. */
static void scan_behind(struct array_scan *s, char c)
{
    s->first = false;
    s->state = blank(c) ? SCAN_AFTER : c == ',' ? SCAN_VALUE : c == ']' ? SCAN_END : SCAN_BAD;
}

static enum scan_event scan_byte(struct array_scan *s, char c)
{
    switch (s->state) {
    case SCAN_START:
        s->first = true;
        s->state = blank(c) ? SCAN_START : c == '[' ? SCAN_VALUE : SCAN_BAD;
        return SCAN_NONE;
    case SCAN_VALUE:
        return scan_value(s, c);
    case SCAN_NESTED:
        return scan_nested(s, c);
    case SCAN_SCALAR:
        if (blank(c) || c == ',' || c == ']') {
            scan_behind(s, c);
            return SCAN_ENDS_BEFORE;
        }
        return SCAN_NONE;
    case SCAN_AFTER:
        scan_behind(s, c);
        return SCAN_NONE;
    case SCAN_END:
        s->state = blank(c) ? SCAN_END : SCAN_BAD;
        return SCAN_NONE;
    case SCAN_BAD:
        break;
    }
    return SCAN_NONE;
}

bool import_check(struct import_source *s, size_t *at, size_t bytes, struct err *err)
{
    size_t end = *at + bytes < s->text.n ? *at + bytes : s->text.n;

    if (s->csv) {
        return true;
    }
    for (; *at < end && s->scan.state != SCAN_BAD; ++*at) {
        if (scan_byte(&s->scan, s->text.p[*at]) == SCAN_BEGINS && ++s->row > IMPORT_ROWS_MAX) {
            return err_set(err, ERR_TOO_LONG,
                           "the file has more than %d people; import it in parts", IMPORT_ROWS_MAX);
        }
    }
    if (s->scan.state == SCAN_BAD) {
        return err_set(err, ERR_BAD_JSON, "the file is no JSON array: byte %zu does not fit", *at);
    }
    if (*at < s->text.n) {
        return false;
    }
    if (s->scan.state != SCAN_END) {
        return err_set(err, ERR_BAD_JSON,
                       "the file is no JSON array: it ends too early, in element %zu", s->row);
    }
    s->scan = (struct array_scan){0};
    s->row = 0;
    return true;
}

static enum import_took next_object(struct import_source *s, struct json **out, struct err *err)
{
    size_t stop = s->at + CALL_BYTES_MAX;
    struct str item;

    while (s->at < s->text.n) {
        enum scan_event e;

        if (s->at == stop) {
            return IMPORT_MORE;
        }
        e = scan_byte(&s->scan, s->text.p[s->at++]);
        if (e == SCAN_BEGINS) {
            s->began = s->at - 1;
        }
        if (e == SCAN_ENDS_WITH || e == SCAN_ENDS_BEFORE) {
            s->row++;
            item = str_slice(s->text, s->began, s->at - (e == SCAN_ENDS_BEFORE ? 1 : 0));
            if (item.n > ROW_BYTES_MAX) {
                err_set(err, ERR_TOO_LONG, "this person takes more than %zu bytes", ROW_BYTES_MAX);
                return IMPORT_BAD_ROW;
            }
            if (!json_parse(item, ROW_BYTES_MAX, out, err)) {
                return IMPORT_BAD_ROW;
            }
            if (json_kind(*out) == JSON_OBJECT) {
                return IMPORT_ROW;
            }
            json_free(out);
            err_set(err, ERR_INVALID, "a person is a JSON object");
            return IMPORT_BAD_ROW;
        }
    }
    return IMPORT_DONE;
}

/* ---- the lines of a table ---- */

enum cell_kind { CELL_TEXT, CELL_LIST, CELL_BOOL, CELL_JSON, CELL_QUIET, CELL_FOLLOWS, CELL_CLASS };
#define FOLLOWS_PREFIX "subscriptions."
#define CLASS_PREFIX   "preferences.classes."
static const struct {
    const char *name;
    enum cell_kind kind;
} known[] = {
    {"id",                      CELL_TEXT   },
    {"name",                    CELL_TEXT   },
    {"phone",                   CELL_TEXT   },
    {"bsuid",                   CELL_TEXT   },
    {"roles",                   CELL_LIST   },
    {"teams",                   CELL_LIST   },
    {"site",                    CELL_TEXT   },
    {"language",                CELL_TEXT   },
    {"timezone",                CELL_TEXT   },
    {"supervisor",              CELL_TEXT   },
    {"verified",                CELL_BOOL   },
    {"consented",               CELL_BOOL   },
    {"opted_out",               CELL_LIST   },
    {"subscriptions",           CELL_JSON   },
    {"subscriptions.assets",    CELL_FOLLOWS},
    {"subscriptions.sites",     CELL_FOLLOWS},
    {"preferences",             CELL_JSON   },
    {"quiet_hours",             CELL_QUIET  },
    {"preferences.quiet_hours", CELL_QUIET  },
};

static bool kind_of(struct str column, enum cell_kind *out)
{
    enum user_class cls;

    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (str_eqz(column, known[i].name)) {
            *out = known[i].kind;
            return true;
        }
    }
    *out = CELL_CLASS;
    return str_starts(column, STR(CLASS_PREFIX)) &&
           user_class_parse(str_slice(column, sizeof(CLASS_PREFIX) - 1, column.n), &cls);
}

/*
 * One cell from s->at on; *more: another one follows on its line. False: a quote is not closed, or
 * too long; where it goes on behind @stop, s->skip says where we are in it.
 */
static bool next_cell(struct import_source *s, size_t stop, struct buf *cell, bool *more)
{
    bool quoted = s->at < s->text.n && s->text.p[s->at] == '"';

    buf_reset(cell);
    s->at += quoted ? 1 : 0;
    for (; s->at < s->text.n; s->at++) {
        char c = s->text.p[s->at];

        if (s->at >= stop) {
            s->skip = quoted ? SKIP_QUOTED : SKIP_PLAIN;
            return *more = false;
        }
        if (quoted && c == '"') {
            if (s->at + 1 < s->text.n && s->text.p[s->at + 1] == '"') {
                s->at++;
            } else {
                quoted =
                    false; /* what stands between the quote and the separator is taken as it is */
                continue;
            }
        } else if (!quoted && (c == s->delimiter || c == '\n')) {
            break;
        }
        buf_add_char(cell, c);
    }
    *more = s->at < s->text.n && s->text.p[s->at] == s->delimiter;
    s->at += s->at < s->text.n ? 1 : 0;
    if (!*more && cell->n > 0 && cell->p[cell->n - 1] == '\r') {
        buf_cut(cell, cell->n - 1);
    }
    return !quoted && buf_ok(cell);
}

static bool read_header(struct arena *a, struct import_source *s, struct err *err)
{
    struct str first, rest;
    struct buf cell;
    enum cell_kind kind;
    bool more = true, ok = true;

    str_cut(s->text, '\n', &first, &rest);
    s->delimiter =
        str_find_char(first, ';', 0) != SIZE_MAX && str_find_char(first, ',', 0) == SIZE_MAX ? ';'
                                                                                             : ',';
    buf_init(&cell, 256);
    while (more && ok) {
        ok = next_cell(s, ROW_BYTES_MAX, &cell, &more) && s->ncolumns < IMPORT_COLUMNS_MAX &&
             kind_of(str_trim(buf_str(&cell)), &kind);
        if (ok) {
            s->columns[s->ncolumns++] = arena_dup(a, str_trim(buf_str(&cell)));
        }
    }
    if (!ok) {
        err_set(
            err, ERR_INVALID,
            "column \"%.*s\" is none of id, name, phone, roles, teams, site, language, timezone, "
            "supervisor, verified, consented, opted_out, preferences, quiet_hours, "
            "subscriptions, subscriptions.assets, subscriptions.sites",
            STR_ARG(str_slice(str_trim(buf_str(&cell)), 0, 40)));
    }
    buf_fini(&cell);
    return ok;
}

bool import_open(struct arena *a, struct str text, bool csv, struct import_source *out,
                 struct err *err)
{
    *out = (struct import_source){.text = text, .csv = csv};
    if (str_starts(text, STR("\xEF\xBB\xBF"))) {
        out->text = str_slice(text, 3, text.n);
    }
    if (str_trim(out->text).n == 0) {
        return err_set(err, ERR_BAD_REQUEST, "the file is empty");
    }
    return !csv || read_header(a, out, err);
}

static bool parse_bool(struct str cell, bool *out)
{
    static const char *const yes[] = {"true", "yes", "1", "y"}, *const no[] = {"false", "no", "0",
                                                                               "n"};

    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        if (str_ieq(cell, str_of(yes[i])) || str_ieq(cell, str_of(no[i]))) {
            *out = str_ieq(cell, str_of(yes[i]));
            return true;
        }
    }
    return false;
}

static struct json *list_of(struct str cell)
{
    struct json *list = json_new_array();
    size_t begin = 0;

    for (size_t i = 0; i <= cell.n; i++) {
        if (i == cell.n || strchr(";,|", cell.p[i]) != NULL) {
            struct str item = str_trim(str_slice(cell, begin, i));

            if (item.n > 0) {
                json_push(list, json_new_str(item));
            }
            begin = i + 1;
        }
    }
    return list;
}

/* preferences of @j, made when they are missing; NULL: the column preferences held something else.
 */
static struct json *preferences_of(struct json *j, const char *member)
{
    struct json *p = json_get(j, "preferences"), *child;

    if (p == NULL) {
        p = json_new_object();
        json_set(j, "preferences", p);
    }
    if (json_kind(p) != JSON_OBJECT || member == NULL) {
        return json_kind(p) == JSON_OBJECT ? p : NULL;
    }
    child = json_get(p, member);
    if (child == NULL) {
        child = json_new_object();
        json_set(p, member, child);
    }
    return json_kind(child) == JSON_OBJECT ? child : NULL;
}

static bool put_quiet(struct json *j, struct str cell)
{
    struct json *quiet;
    struct str from, to;

    if (!str_cut(cell, '-', &from, &to) || (quiet = preferences_of(j, "quiet_hours")) == NULL) {
        return false;
    }
    json_set_str(quiet, "from", str_trim(from));
    json_set_str(quiet, "to", str_trim(to));
    return true;
}

static bool put_follows(struct json *j, struct str column, struct str cell)
{
    struct json *follows = json_get(j, "subscriptions");
    char name[32];

    if (follows == NULL) {
        follows = json_new_object();
        json_set(j, "subscriptions", follows);
    }
    if (json_kind(follows) != JSON_OBJECT) {
        return false; /* the column subscriptions held something else */
    }
    snprintf(name, sizeof(name), "%.*s",
             STR_ARG(str_slice(column, sizeof(FOLLOWS_PREFIX) - 1, column.n)));
    json_set(follows, name, list_of(cell));
    return true;
}

static bool put_class(struct json *j, struct str column, struct str cell)
{
    struct json *classes = preferences_of(j, "classes");
    char name[32];
    bool on;

    if (classes == NULL || !parse_bool(cell, &on)) {
        return false;
    }
    snprintf(name, sizeof(name), "%.*s",
             STR_ARG(str_slice(column, sizeof(CLASS_PREFIX) - 1, column.n)));
    json_set(classes, name, json_new_bool(on));
    return true;
}

static bool put_cell(struct json *j, struct str column, struct str cell)
{
    enum cell_kind kind = CELL_TEXT;
    struct json *value = NULL;
    char name[64];
    bool flag;

    kind_of(column, &kind);
    snprintf(name, sizeof(name), "%.*s", STR_ARG(column));
    if (cell.n > 1 && cell.p[0] == '\'' && strchr("=+-@", cell.p[1]) != NULL) {
        cell = str_slice(cell, 1, cell.n); /* as our own exports neutralise them */
    }
    switch (kind) {
    case CELL_LIST:
        json_set(j, name, list_of(cell));
        return true;
    case CELL_BOOL:
        if (!parse_bool(cell, &flag)) {
            return false;
        }
        json_set(j, name, json_new_bool(flag));
        return true;
    case CELL_JSON:
        if (!json_parse(cell, ROW_BYTES_MAX, &value, NULL)) {
            return false;
        }
        json_set(j, name, value);
        return true;
    case CELL_QUIET:
        return put_quiet(j, cell);
    case CELL_FOLLOWS:
        return put_follows(j, column, cell);
    case CELL_CLASS:
        return put_class(j, column, cell);
    case CELL_TEXT:
        break;
    }
    json_set_str(j, name, cell);
    return true;
}

/* The rest of a line that is too long. False: call again. */
static bool skip_line(struct import_source *s, size_t stop)
{
    while (s->skip != SKIP_NONE && s->at < s->text.n) {
        char c = s->text.p[s->at];

        if (s->at >= stop) {
            return false;
        }
        s->at++;
        if (s->skip == SKIP_QUOTED) {
            if (c == '"' && s->at < s->text.n && s->text.p[s->at] == '"') {
                s->at++;
            } else if (c == '"') {
                s->skip = SKIP_PLAIN;
            }
        } else if (c == '\n') {
            s->skip = SKIP_NONE;
        } else {
            s->skip = c == s->delimiter                      ? SKIP_CELL
                      : c == '"' && s->skip == SKIP_CELL ? SKIP_QUOTED
                                                             : SKIP_PLAIN;
        }
    }
    s->skip = SKIP_NONE;
    return true;
}

static enum import_took next_line(struct import_source *s, struct json **out, struct err *err)
{
    size_t stop = s->at + ROW_BYTES_MAX;
    struct json *j = json_new_object();
    bool more = true, ok = true, any = false;
    struct buf cell;
    size_t i = 0;

    buf_init(&cell, ROW_BYTES_MAX);
    for (; more; i++) {
        bool whole = next_cell(s, stop, &cell, &more);
        struct str text = str_trim(buf_str(&cell));

        if (s->skip != SKIP_NONE) {
            ok = ok && err_set(err, ERR_TOO_LONG,
                               "this person takes more than %zu bytes; is a quote not closed?",
                               ROW_BYTES_MAX);
            break;
        }
        any = any || text.n > 0;
        if (!ok || (text.n == 0 && whole)) {
            continue;
        }
        if (!whole || !str_is_utf8(text)) {
            ok = err_set(err, ERR_INVALID,
                         whole ? "cell %zu is not UTF-8"
                               : "cell %zu is too long, or its quote is not closed",
                         i + 1);
        } else if (i >= s->ncolumns) {
            ok = err_set(err, ERR_INVALID, "it has more cells than the header has columns (%zu)",
                         s->ncolumns);
        } else if (!put_cell(j, s->columns[i], text)) {
            ok = err_set(err, ERR_INVALID, "%.*s \"%.*s\" cannot be read", STR_ARG(s->columns[i]),
                         STR_ARG(str_slice(text, 0, 40)));
        }
    }
    buf_fini(&cell);
    s->row++;
    if (ok && any) {
        *out = j;
        return IMPORT_ROW;
    }
    json_free(&j);
    if (ok) { /* an empty line, as at the end of many files */
        s->row--;
        return IMPORT_DONE;
    }
    return IMPORT_BAD_ROW;
}

enum import_took import_next(struct import_source *s, struct arena *a, struct json **out,
                             struct err *err)
{
    enum import_took took = IMPORT_DONE;
    size_t stop = s->at + CALL_BYTES_MAX;

    (void)a;
    if (!s->csv) {
        return next_object(s, out, err);
    }
    if (!skip_line(s, stop)) {
        return IMPORT_MORE;
    }
    while (s->at < s->text.n && took == IMPORT_DONE) {
        if (s->at >= stop) {
            return IMPORT_MORE; /* of nothing but empty lines */
        }
        took = next_line(s, out, err);
    }
    if (took != IMPORT_DONE && s->row > IMPORT_ROWS_MAX) { /* said once, then it is over */
        json_free(out);
        err_set(err, ERR_TOO_LONG, "the file has more than %d people; import the rest by itself",
                IMPORT_ROWS_MAX);
        s->at = s->text.n;
        return IMPORT_BAD_ROW;
    }
    return took;
}
