#include "command_int.h"

#include "i18n_int.h"

#define NEAR_CHARS_MAX 32
#define NEAR_NONE      99

struct chars {
    uint32_t v[NEAR_CHARS_MAX];
    size_t n;
};

/* Code points of valid UTF-8; false when there are too many to be a command. */
static bool decode(struct str s, struct chars *out)
{
    out->n = 0;
    for (size_t i = 0; i < s.n;) {
        unsigned char c = (unsigned char)s.p[i++];
        uint32_t v = c < 0x80 ? c : c < 0xe0 ? c & 0x1fu : c < 0xf0 ? c & 0x0fu : c & 0x07u;

        while (i < s.n && ((unsigned char)s.p[i] & 0xc0) == 0x80) {
            v = v << 6 | ((unsigned char)s.p[i++] & 0x3fu);
        }
        if (out->n == NEAR_CHARS_MAX) {
            return false;
        }
        out->v[out->n++] = v;
    }
    return true;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/*
 * Optimal string alignment: insert, delete, replace, swap of neighbours cost one each. Gives up
 * with NEAR_NONE as soon as it must be over @bound, which most words are after two rows.
 */
static size_t distance(const struct chars *a, const struct chars *b, size_t bound)
{
    size_t rows[3][NEAR_CHARS_MAX + 1];
    size_t *before = rows[0], *last = rows[1], *row = rows[2];

    for (size_t j = 0; j <= b->n; j++) {
        last[j] = j;
        before[j] = 0;
    }
    for (size_t i = 1; i <= a->n; i++) {
        size_t *spare = before, best = i;

        row[0] = i;
        for (size_t j = 1; j <= b->n; j++) {
            size_t same = a->v[i - 1] == b->v[j - 1] ? 0 : 1;

            row[j] = least(least(last[j] + 1, row[j - 1] + 1), last[j - 1] + same);
            if (i > 1 && j > 1 && a->v[i - 1] == b->v[j - 2] && a->v[i - 2] == b->v[j - 1]) {
                row[j] = least(row[j], before[j - 2] + 1);
            }
            best = least(best, row[j]);
        }
        /* A swap looks back two rows, so one row over the bound may still be mended. */
        if (best > bound + 1) {
            return NEAR_NONE;
        }
        before = last;
        last = row;
        row = spare;
    }
    return last[b->n];
}

/* How far @typed is from @word, NEAR_NONE when too far: short words bear one slip, longer ones two.
 */
static size_t nearness(const struct chars *typed, struct str word)
{
    size_t bound = typed->n <= 5 ? 1 : 2, d;
    struct chars c;

    if (!decode(word, &c) || typed->n < 3 || c.n < 2) {
        return NEAR_NONE;
    }
    if (typed->n < c.n && memcmp(typed->v, c.v, typed->n * sizeof(typed->v[0])) == 0) {
        return 1; /* its beginning */
    }
    if (typed->n > c.n + bound || c.n > typed->n + bound) {
        return NEAR_NONE;
    }
    d = distance(typed, &c, bound);
    return d <= bound ? d : NEAR_NONE;
}

static size_t list_nearness(const struct lang *l, const char *key, const struct chars *typed,
                            const struct chars *first)
{
    const struct word_list *list = lang_list(l, key);
    size_t best = NEAR_NONE;

    for (size_t i = 0; list != NULL && i < list->n; i++) {
        best = least(best, nearness(typed, list->plain[i]));
        /* "status foo": the first word is one, what follows did not fit it. */
        if (first->n > 0 && nearness(first, list->plain[i]) == 0) {
            best = least(best, 1);
        }
    }
    return best;
}

void command_nearest(const struct words *w, struct command_call *call)
{
    size_t far[ARRAY_LEN(call->nearest)] = {0}, n = w->n;
    char phrase[PHRASE_BYTES_MAX];
    struct chars typed, first = {.n = 0};
    struct order_words order;

    if (n == 0 || n > 2 || w->more) {
        return;
    }
    if (n == 2 && words_order(w, 1, &order)) {
        n = 1; /* "strat WO-12" */
    }
    if (!decode(words_join(w, 0, n, phrase), &typed) ||
        (n == 2 && !decode(w->v[0].plain, &first))) {
        return;
    }
    for (int id = CMD_NONE + 1; id < CMD_COUNT; id++) {
        const char *name = command_name((enum command_id)id);
        char key[64] = "commands.";
        bool stops = id == CMD_STOP || id == CMD_STOP_ALL;
        size_t d, at;

        memcpy(key + 9, name, strlen(name) + 1);
        /* "stop pump" is about the pump: nobody is pointed to opting out by it. */
        d = list_nearness(w->l, key, &typed, stops ? &(struct chars){.n = 0} : &first);
        if (w->l->english != w->l) {
            d = least(d, list_nearness(w->l->english, key, &typed,
                                       stops ? &(struct chars){.n = 0} : &first));
        }
        for (at = 0; at < call->nnearest && far[at] <= d; at++) {
        }
        if (d == NEAR_NONE || at == ARRAY_LEN(far)) {
            continue;
        }
        if (call->nnearest < ARRAY_LEN(far)) {
            call->nnearest++;
        }
        for (size_t k = call->nnearest - 1; k > at; k--) {
            call->nearest[k] = call->nearest[k - 1];
            far[k] = far[k - 1];
        }
        call->nearest[at] = i18n_word(w->l, key, 0);
        if (call->nearest[at].n == 0) {
            call->nearest[at] = i18n_word(w->l->english, key, 0);
        }
        far[at] = d;
    }
}
