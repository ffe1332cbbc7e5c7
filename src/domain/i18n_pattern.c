#include "i18n_int.h"

#include <assert.h>

#define PATTERN_DEPTH_MAX 4

struct parser {
    struct arena *a;
    const char *p, *end;
    size_t depth;
    struct err *err;
};

static bool parse_nodes(struct parser *p, bool plural, struct node **out);

static bool bad(const struct parser *p, const char *why)
{
    return err_set(p->err, ERR_CONFIG, "%s near \"%.*s\"", why,
                   (int)(p->end - p->p > 20 ? 20 : p->end - p->p), p->p);
}

static void skip_blanks(struct parser *p)
{
    while (p->p < p->end && (*p->p == ' ' || *p->p == '\n' || *p->p == '\t')) {
        p->p++;
    }
}

static bool eat(struct parser *p, char c)
{
    skip_blanks(p);
    if (p->p < p->end && *p->p == c) {
        p->p++;
        return true;
    }
    return false;
}

static struct str eat_word(struct parser *p)
{
    const char *start;

    skip_blanks(p);
    start = p->p;
    while (p->p < p->end && (*p->p == '_' || *p->p == '=' || (*p->p >= '0' && *p->p <= '9') ||
                             (*p->p >= 'a' && *p->p <= 'z') || (*p->p >= 'A' && *p->p <= 'Z'))) {
        p->p++;
    }
    return str_make(start, (size_t)(p->p - start));
}

static bool parse_branch(struct parser *p, bool plural, struct branch *b)
{
    b->key = eat_word(p);
    if (b->key.n == 0) {
        return bad(p, "a choice without a name");
    }
    if (plural && b->key.p[0] == '=') {
        b->exact = true;
        if (!str_to_i64(str_slice(b->key, 1, b->key.n), 0, 1000, &b->n)) {
            return bad(p, "no number after \"=\"");
        }
    } else if (plural && !plural_form_parse(b->key, &b->form)) {
        return bad(p, "no plural category");
    }
    if (!eat(p, '{')) {
        return bad(p, "\"{\" expected");
    }
    return parse_nodes(p, plural, &b->body) && (eat(p, '}') || bad(p, "\"}\" missing"));
}

static bool parse_branches(struct parser *p, bool plural, struct branch **out)
{
    struct branch **tail = out;
    bool other = false;

    if (!eat(p, ',')) {
        return bad(p, "\",\" expected");
    }
    for (skip_blanks(p); p->p < p->end && *p->p != '}'; skip_blanks(p)) {
        *tail = ARENA_NEW(p->a, struct branch);
        if (!parse_branch(p, plural, *tail)) {
            return false;
        }
        other = other || str_eq((*tail)->key, STR("other"));
        tail = &(*tail)->next;
    }
    return other || bad(p, "choice \"other\" missing");
}

/* After the opening brace: {name}  {name, kind}  {name, plural, …}  {name, select, …}. */
static bool parse_argument(struct parser *p, struct node *n)
{
    static const struct {
        const char *word;
        enum node_kind kind;
        enum time_style style;
    } kinds[] = {
        {"number",   NODE_NUMBER, TIME_DATE },
        {"date",     NODE_TIME,   TIME_DATE },
        {"time",     NODE_TIME,   TIME_CLOCK},
        {"datetime", NODE_TIME,   TIME_BOTH },
        {"plural",   NODE_PLURAL, TIME_DATE },
        {"select",   NODE_SELECT, TIME_DATE },
    };
    struct str kind;
    size_t i = 0;

    n->kind = NODE_ARG;
    n->text = eat_word(p);
    if (n->text.n == 0) {
        return bad(p, "a parameter without a name");
    }
    if (!eat(p, ',')) {
        return eat(p, '}') || bad(p, "\"}\" missing");
    }
    kind = eat_word(p);
    while (i < ARRAY_LEN(kinds) && !str_eqz(kind, kinds[i].word)) {
        i++;
    }
    if (i == ARRAY_LEN(kinds)) {
        return bad(p, "no kind of parameter");
    }
    n->kind = kinds[i].kind;
    n->style = kinds[i].style;
    if ((n->kind == NODE_PLURAL || n->kind == NODE_SELECT) &&
        !parse_branches(p, n->kind == NODE_PLURAL, &n->branches)) {
        return false;
    }
    return eat(p, '}') || bad(p, "\"}\" missing");
}

/* Text up to a brace or a plural's '#', with ICU's quoting: '' is an apostrophe, '{…' is literal.
 */
static struct str parse_text(struct parser *p, bool plural)
{
    char *text = arena_alloc(p->a, (size_t)(p->end - p->p));
    bool quoted = false;
    size_t n = 0;

    for (; p->p < p->end; p->p++) {
        char c = *p->p, next = p->p + 1 < p->end ? p->p[1] : '\0';

        if (c == '\'' && next == '\'') {
            p->p++;
        } else if (c == '\'' && (quoted || next == '{' || next == '}' || (plural && next == '#'))) {
            quoted = !quoted;
            continue;
        } else if (!quoted && (c == '{' || c == '}' || (plural && c == '#'))) {
            break;
        }
        text[n++] = c;
    }
    return str_make(text, n);
}

static bool parse_nodes(struct parser *p, bool plural, struct node **out)
{
    struct node **tail = out;
    bool ok = true;

    if (++p->depth > PATTERN_DEPTH_MAX) {
        return bad(p, "nested too deep");
    }
    while (ok && p->p < p->end && *p->p != '}') {
        struct node *n = ARENA_NEW(p->a, struct node);

        if (*p->p == '{') {
            p->p++;
            ok = parse_argument(p, n);
        } else if (plural && *p->p == '#') {
            p->p++;
            n->kind = NODE_HASH;
        } else {
            n->kind = NODE_TEXT;
            n->text = parse_text(p, plural);
        }
        *tail = n;
        tail = &n->next;
    }
    p->depth--;
    return ok;
}

bool pattern_compile(struct arena *a, struct str text, struct node **out, struct err *err)
{
    struct parser p = {a, text.p, text.p + text.n, 0, err};
    struct node *first = NULL;

    if (!parse_nodes(&p, false, &first)) {
        return false;
    }
    if (p.p < p.end) {
        return bad(&p, "\"}\" without \"{\"");
    }
    if (first == NULL) {
        /* An empty text is a text: NULL stands for a key that is missing. */
        first = ARENA_NEW(a, struct node);
    }
    *out = first;
    return true;
}

/* What a call must bring for a node: a text, a number or a time. */
static enum arg_kind needs(const struct node *n)
{
    switch (n->kind) {
    case NODE_NUMBER:
    case NODE_PLURAL:
        return ARG_INT;
    case NODE_TIME:
        return ARG_TIME;
    default:
        return ARG_STR;
    }
}

static bool has_param(const struct node *p, const struct node *wanted)
{
    for (; p != NULL; p = p->next) {
        if (p->kind != NODE_TEXT && p->kind != NODE_HASH && str_eq(p->text, wanted->text) &&
            needs(p) == needs(wanted)) {
            return true;
        }
        for (const struct branch *b = p->branches; b != NULL; b = b->next) {
            if (has_param(b->body, wanted)) {
                return true;
            }
        }
    }
    return false;
}

bool pattern_fits(const struct node *p, const struct node *of, struct str *odd)
{
    for (; p != NULL; p = p->next) {
        if (p->kind != NODE_TEXT && p->kind != NODE_HASH && !has_param(of, p)) {
            *odd = p->text;
            return false;
        }
        for (const struct branch *b = p->branches; b != NULL; b = b->next) {
            if (!pattern_fits(b->body, of, odd)) {
                return false;
            }
        }
    }
    return true;
}

struct render {
    const struct lang *l;
    struct str timezone;
    const struct text_arg *args;
    size_t n;
    struct buf *out;
};

static const struct text_arg *arg_of(const struct render *r, const struct node *n)
{
    for (size_t i = 0; i < r->n; i++) {
        if (str_eqz(n->text, r->args[i].name)) {
            return &r->args[i];
        }
    }
    /* i18n_new() has seen to it that no catalogue asks for more than English does. */
    assert(!"the caller gives every parameter of the key");
    return NULL;
}

static void add_arg(const struct render *r, const struct text_arg *arg)
{
    switch (arg->kind) {
    case ARG_STR:
    case ARG_ID:
        i18n_add_value(r->l->rtl, arg->s, r->out);
        break;
    case ARG_INT:
        lang_format_int(r->l->format, arg->i, r->out);
        break;
    case ARG_TIME:
        lang_format_time(r->l->format, r->timezone, arg->t, TIME_BOTH, r->out);
        break;
    }
}

static const struct branch *plural_branch(const struct render *r, const struct node *n, int64_t v)
{
    enum plural_form form = lang_format_plural(r->l->format, v);
    const struct branch *other = NULL, *fit = NULL;

    for (const struct branch *b = n->branches; b != NULL; b = b->next) {
        if (b->exact && b->n == v) {
            return b;
        }
        if (!b->exact && b->form == form) {
            fit = b;
        }
        if (!b->exact && b->form == FORM_OTHER) {
            other = b;
        }
    }
    return fit != NULL ? fit : other;
}

static const struct branch *select_branch(const struct node *n, struct str v)
{
    const struct branch *other = NULL;

    for (const struct branch *b = n->branches; b != NULL; b = b->next) {
        if (str_eq(b->key, v)) {
            return b;
        }
        if (str_eq(b->key, STR("other"))) {
            other = b;
        }
    }
    return other;
}

/* @hash: the number that '#' stands for. */
static void render(const struct render *r, const struct node *n, int64_t hash)
{
    for (; n != NULL; n = n->next) {
        const struct text_arg *arg;

        if (n->kind == NODE_TEXT) {
            buf_add(r->out, n->text);
            continue;
        }
        if (n->kind == NODE_HASH) {
            lang_format_int(r->l->format, hash, r->out);
            continue;
        }
        arg = arg_of(r, n);
        if (n->kind == NODE_PLURAL) {
            assert(arg->kind == ARG_INT);
            render(r, plural_branch(r, n, arg->i)->body, arg->i);
        } else if (n->kind == NODE_SELECT) {
            assert(arg->kind == ARG_STR || arg->kind == ARG_ID);
            render(r, select_branch(n, arg->s)->body, hash);
        } else if (n->kind == NODE_TIME) {
            assert(arg->kind == ARG_TIME);
            lang_format_time(r->l->format, r->timezone, arg->t, n->style, r->out);
        } else {
            add_arg(r, arg);
        }
    }
}

void i18n_add(const struct lang *l, struct str timezone, const char *key,
              const struct text_arg *args, size_t n, struct buf *out)
{
    const struct node *pattern = map_get(l->patterns, str_of(key));
    struct render r = {l, timezone, args, n, out};

    if (pattern == NULL) {
        /* English words want English plurals and no isolates. */
        r.l = l->english;
        pattern = map_get(r.l->patterns, str_of(key));
    }
    assert(pattern != NULL);
    render(&r, pattern, 0);
}

#define I18N_TEXT_BYTES_MAX (64 * 1024)

struct str i18n_text(struct arena *a, const struct lang *l, struct str timezone, const char *key,
                     const struct text_arg *args, size_t n)
{
    struct buf b;
    struct str text;

    buf_init(&b, I18N_TEXT_BYTES_MAX);
    i18n_add(l, timezone, key, args, n, &b);
    text = arena_dup(a, b.n == 0 ? STR("") : buf_str(&b));
    buf_fini(&b);
    return text;
}
