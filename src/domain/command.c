#include "domain/command.h"

#include "command_int.h"
#include "i18n_int.h"

static bool take_alone(const struct words *w, size_t i, struct command_call *c);
static bool take_stop(const struct words *w, size_t i, struct command_call *c);
static bool take_help(const struct words *w, size_t i, struct command_call *c);
static bool take_status(const struct words *w, size_t i, struct command_call *c);
static bool take_show(const struct words *w, size_t i, struct command_call *c);
static bool take_order(const struct words *w, size_t i, struct command_call *c);
static bool take_text(const struct words *w, size_t i, struct command_call *c);
static bool take_words(const struct words *w, size_t i, struct command_call *c);
static bool take_number(const struct words *w, size_t i, struct command_call *c);
static bool take_search(const struct words *w, size_t i, struct command_call *c);
static bool take_language(const struct words *w, size_t i, struct command_call *c);

/*
 * What may stand behind a command's words, from word @i on. False: what follows does not fit, so
 * that the text is no such command ("start the pump").
 */
typedef bool take_fn(const struct words *w, size_t i, struct command_call *c);

static const struct {
    const char *name;
    take_fn *take; /* NULL: has no words of its own */
} commands[CMD_COUNT] = {
    [CMD_NONE] = {"none",       NULL         },
    [CMD_HELP] = {"help",       take_help    },
    [CMD_MY_WORK] = {"my_work",    take_alone   },
    [CMD_PENDING] = {"pending",    take_alone   },
    [CMD_MORE] = {"more",       take_alone   },
    [CMD_STATUS] = {"status",     take_status  },
    [CMD_SET_STATUS] = {"set_status", NULL         },
    [CMD_SHOW] = {"show",       take_show    },
    [CMD_ACK] = {"ack",        take_order   },
    [CMD_START] = {"start",      take_order   },
    [CMD_COMPLETE] = {"complete",   take_order   },
    [CMD_NOTE] = {"note",       take_text    },
    [CMD_DELAY] = {"delay",      take_text    },
    [CMD_ESCALATE] = {"escalate",   take_text    },
    [CMD_RESPONDING] = {"responding", take_order   },
    [CMD_CONFIRM] = {"confirm",    take_order   },
    [CMD_RESCHEDULE] = {"reschedule", take_words   },
    [CMD_CHECKLIST] = {"checklist",  take_order   },
    [CMD_CORRECT] = {"correct",    take_number  },
    [CMD_REPORT] = {"report",     take_words   },
    [CMD_TEAM] = {"team",       take_words   },
    [CMD_TRAINING] = {"training",   take_search  },
    [CMD_LANGUAGE] = {"language",   take_language},
    [CMD_SETTINGS] = {"settings",   take_alone   },
    [CMD_STOP] = {"stop",       take_stop    },
    [CMD_STOP_ALL] = {"stop_all",   take_stop    },
    [CMD_SAFE] = {"safe",       take_alone   },
    [CMD_ORIGINAL] = {"original",   take_order   },
    [CMD_HELP_ME] = {"help_me",    take_alone   },
};

#define COMMAND_KEY "commands."

const char *command_name(enum command_id id)
{
    return commands[id].name;
}

/* The command of a word list, CMD_NONE for lists of other things. */
static enum command_id list_command(const struct word_list *list)
{
    struct str name;

    if (!str_starts(list->key, STR(COMMAND_KEY))) {
        return CMD_NONE;
    }
    name = str_slice(list->key, sizeof(COMMAND_KEY) - 1, list->key.n);
    for (int id = CMD_NONE + 1; id < CMD_COUNT; id++) {
        if (str_eqz(name, commands[id].name)) {
            return (enum command_id)id;
        }
    }
    return CMD_NONE;
}

static bool find_status(const struct lang *l, struct str phrase, enum order_status *out)
{
    const struct lang *langs[] = {l, l->english};

    for (size_t k = 0; k < ARRAY_LEN(langs); k++) {
        const struct word_use *u = lang_word_uses(langs[k], phrase);

        for (; u != NULL; u = u->next) {
            if (str_starts(u->list->key, STR("status.")) &&
                order_status_parse(str_slice(u->list->key, 7, u->list->key.n), out)) {
                return true;
            }
        }
    }
    return false;
}

static size_t end_of(const struct words *w)
{
    return w->n - w->polite;
}

static bool take_alone(const struct words *w, size_t i, struct command_call *c)
{
    return c->order.n == 0 && i >= end_of(w) && !w->more;
}

/* Any further word, even "please", makes it text: nobody is opted out by half a sentence. */
static bool take_stop(const struct words *w, size_t i, struct command_call *c)
{
    return c->order.n == 0 && i >= w->n && !w->more;
}

static bool take_help(const struct words *w, size_t i, struct command_call *c)
{
    char phrase[PHRASE_BYTES_MAX];

    if (w->more || c->order.n > 0) {
        return false;
    }
    /* "Help me" is a cry for help, not a question about commands. */
    if (i18n_is_word(w->l, "words.help_me", words_join(w, 0, w->n, phrase))) {
        return false;
    }
    if (i >= end_of(w)) {
        c->rest = STR("");
        return true;
    }
    c->rest = arena_dup(w->arena, words_join(w, i, end_of(w), phrase));
    return end_of(w) - i == 1 || command_named(w->l, c->rest) != CMD_NONE;
}

/* "STATUS done WO-12": the status first. */
static bool status_then_order(const struct words *w, size_t i, struct command_call *c)
{
    char phrase[PHRASE_BYTES_MAX];
    struct order_words o;

    for (size_t k = PHRASE_WORDS_MAX; k > 0; k--) {
        if (i + k < end_of(w) && find_status(w->l, words_join(w, i, i + k, phrase), &c->status) &&
            words_order(w, i + k, &o) && o.next == end_of(w)) {
            c->order = o.order;
            c->order_sure = o.sure;
            return true;
        }
    }
    return false;
}

static bool take_status(const struct words *w, size_t i, struct command_call *c)
{
    char phrase[PHRASE_BYTES_MAX];
    struct order_words o;
    size_t end = end_of(w);
    bool named = c->order.n > 0;

    if (w->more || (i >= end && named)) {
        return false;
    }
    if (i >= end) {
        return true; /* the counts */
    }
    c->id = CMD_SET_STATUS;
    if (!named && words_order(w, i, &o)) {
        c->order = o.order;
        c->order_sure = o.sure;
        i = o.next;
        if (i >= end) {
            c->id = CMD_SHOW;
            return true;
        }
    } else if (!named && w->slash && end - i >= 2 &&
               !find_status(w->l, words_join(w, i, end, phrase), &c->status)) {
        /* "/status ABC completed": a slash says that a number stands here. */
        c->order = str_slice(w->text, w->v[i].from, w->v[i].to);
        i++;
    } else if (!named && status_then_order(w, i, c)) {
        c->status_ok = c->explicit_ = true;
        return true;
    }
    c->rest = words_rest(w, i);
    c->status_ok = find_status(w->l, words_join(w, i, end, phrase), &c->status);
    c->explicit_ = c->status_ok && c->order.n > 0;
    return c->status_ok || c->order_sure || (w->slash && c->order.n > 0);
}

static bool take_show(const struct words *w, size_t i, struct command_call *c)
{
    struct order_words o;

    if (c->order.n > 0 || i >= end_of(w)) {
        return i >= end_of(w) && !w->more;
    }
    if (words_order(w, i, &o) && o.next >= end_of(w)) {
        c->order = o.order;
        c->order_sure = true;
        return true;
    }
    if (w->slash && i + 1 == end_of(w)) {
        c->order = str_slice(w->text, w->v[i].from, w->v[i].to);
        return true;
    }
    return false;
}

static bool take_order(const struct words *w, size_t i, struct command_call *c)
{
    struct order_words o;

    if (c->order.n > 0 || i >= end_of(w)) {
        return i >= end_of(w) && !w->more;
    }
    if (!words_order(w, i, &o)) {
        return false;
    }
    c->order = o.order;
    c->order_sure = o.sure;
    if (o.next >= end_of(w) && !w->more) {
        return true;
    }
    /* "start 2 pumps" is no command; "complete WO-12 new seal fitted" is one with a note. */
    c->rest = words_rest(w, o.next);
    return o.sure;
}

/* A number of up to three digits before a text counts something: "DELAY 2 hours". */
static bool counts(struct str order)
{
    int64_t v;

    return order.n <= 3 && str_to_i64(order, 0, 999, &v);
}

static bool take_text(const struct words *w, size_t i, struct command_call *c)
{
    struct order_words o;

    c->rest = words_rest(w, i);
    if (c->order.n == 0 && words_order(w, i, &o) &&
        (o.sure || o.next >= w->n || !counts(o.order))) {
        c->order = o.order;
        c->order_sure = o.sure;
        c->rest = words_rest(w, o.next);
    }
    return true;
}

/* All that follows, none of it an order. */
static bool take_words(const struct words *w, size_t i, struct command_call *c)
{
    c->rest = words_rest(w, i);
    return c->order.n == 0;
}

/* Some words to look for; a sentence is no such command. */
static bool take_search(const struct words *w, size_t i, struct command_call *c)
{
    c->rest = str_trim(words_rest(w, i));
    return c->order.n == 0 && !w->more && w->n - i <= 3;
}

/* "CORRECT 3" */
static bool take_number(const struct words *w, size_t i, struct command_call *c)
{
    int64_t n;

    c->rest = i < end_of(w) ? w->v[i].plain : STR("");
    return c->order.n == 0 && !w->more &&
           (i >= end_of(w) || (i + 1 == end_of(w) && str_to_i64(c->rest, 1, 999, &n)));
}

static bool take_language(const struct words *w, size_t i, struct command_call *c)
{
    c->rest = str_trim(words_rest(w, i));
    return c->order.n == 0 && !w->more && w->n - i <= 2;
}

static bool try_take(const struct words *w, enum command_id id, size_t i, struct command_call *c)
{
    struct command_call made = {.id = id, .order = c->order, .order_sure = c->order_sure};

    made.whole = words_rest(w, i);
    if (commands[id].take == NULL || !commands[id].take(w, i, &made)) {
        return false;
    }
    *c = made;
    return true;
}

/* The longest phrase at word @i that is a command and whose rest fits. */
static bool parse_at(const struct words *w, size_t i, struct command_call *c)
{
    const struct lang *langs[] = {w->l, w->l->english};
    size_t longest = w->n - i < PHRASE_WORDS_MAX ? w->n - i : PHRASE_WORDS_MAX;
    char phrase[PHRASE_BYTES_MAX];

    for (size_t k = longest; k > 0; k--) {
        struct str text = words_join(w, i, i + k, phrase);

        for (size_t n = 0; text.n > 0 && n < ARRAY_LEN(langs); n++) {
            const struct word_use *u = lang_word_uses(langs[n], text);

            for (; u != NULL; u = u->next) {
                enum command_id id = list_command(u->list);

                if (id != CMD_NONE && try_take(w, id, i + k, c)) {
                    return true;
                }
            }
        }
    }
    return false;
}

enum command_id command_named(const struct lang *l, struct str words)
{
    const struct lang *langs[] = {l, l->english};
    enum command_id id = CMD_NONE;
    struct buf plain;

    buf_init(&plain, PHRASE_BYTES_MAX * 8);
    i18n_normalize(str_slice(words, 0, PHRASE_BYTES_MAX), &plain);
    for (size_t n = 0; plain.n > 0 && id == CMD_NONE && n < ARRAY_LEN(langs); n++) {
        const struct word_use *u = lang_word_uses(langs[n], buf_str(&plain));

        for (; u != NULL && id == CMD_NONE; u = u->next) {
            id = list_command(u->list);
        }
    }
    buf_fini(&plain);
    return id;
}

/* The order alone shows it; "WO-12 start" and "WO-12 note …" are its commands; else text about it.
 */
static bool order_first(const struct words *w, size_t *text_from, struct command_call *c)
{
    struct order_words o;

    if (!words_order(w, 0, &o)) {
        return false;
    }
    if (o.next >= end_of(w) && !w->more) {
        int64_t number;

        c->order = o.order;
        c->order_sure = o.sure;
        if (!o.sure && str_to_i64(o.order, 0, INT32_MAX, &number)) {
            c->number = number; /* an answer to a question, or an order's number */
            return false;
        }
        c->id = CMD_SHOW;
        return o.sure || o.order.n >= 4;
    }
    if (!o.sure) {
        return false;
    }
    c->order = o.order;
    c->order_sure = true;
    *text_from = o.next;
    return parse_at(w, o.next, c);
}

/* "ok done", "sí, terminado": the words from @from on that only agree. */
static size_t lead_length(const struct words *w, size_t from)
{
    char phrase[PHRASE_BYTES_MAX];

    for (size_t k = 2; k > 0; k--) {
        if (from + k < end_of(w) &&
            i18n_is_word(w->l, "words.yes", words_join(w, from, from + k, phrase))) {
            return k;
        }
    }
    return from + 1 < end_of(w) && i18n_is_word(w->l, "words.polite", w->v[from].plain) ? 1 : 0;
}

static bool is_question(struct str text)
{
    return str_ends(text, STR("?")) || str_ends(text, STR("\xd8\x9f"));
}

/* What the words from @from on say as a whole; whether they say anything. */
static bool read_says(const struct words *w, size_t from, struct command_call *c)
{
    static const char *const keys[] = {"words.done", "words.started", "words.yes", "words.no"};
    bool *const says[] = {&c->says_done, &c->says_started, &c->says_yes, &c->says_no};
    char phrase[PHRASE_BYTES_MAX];
    bool any = false;

    for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
        *says[k] = i18n_is_word(w->l, keys[k], words_join(w, from, w->n, phrase)) ||
                   i18n_is_word(w->l, keys[k], words_join(w, from, end_of(w), phrase));
        any = any || *says[k];
    }
    if (any && is_question(str_trim(w->text))) {
        c->says_done = c->says_started = false;
    }
    return any;
}

static void read_free_text(const struct words *w, size_t from, struct command_call *c)
{
    bool any;

    if (w->more) {
        return;
    }
    any = read_says(w, from, c);
    if (!any && lead_length(w, from) > 0) {
        any = read_says(w, from + lead_length(w, from), c);
    }
    if (!any && c->order.n == 0) {
        command_nearest(w, c);
    }
}

void command_parse(struct arena *a, struct str text, const struct lang *l, struct command_call *out)
{
    size_t text_from = 0;
    struct words w;

    *out = (struct command_call){.id = CMD_NONE};
    text = str_trim(text);
    words_split(a, text, l, &w);
    if (w.n == 0) {
        out->rest = text;
        return;
    }
    if (parse_at(&w, 0, out) || order_first(&w, &text_from, out)) {
        return;
    }
    out->id = CMD_NONE;
    out->rest = text;
    out->whole = text;
    read_free_text(&w, text_from, out);
}
