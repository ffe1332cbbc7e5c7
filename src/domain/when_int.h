/*
 * when_int: the words of a moment (when_words.c), what they say (when_read.c), and which moment
 * that is (when.c).
 */
#ifndef CREWLINE_DOMAIN_WHEN_INT_H
#define CREWLINE_DOMAIN_WHEN_INT_H

#include "domain/when.h"

#define TOKENS_MAX 40

enum token_kind { TOKEN_NUMBER, TOKEN_SIGN, TOKEN_WORD };
struct token {
    enum token_kind kind;
    int64_t number;
    size_t digits; /* of the number */
    char sign;     /* between digits: / . - : */
    struct str word;
    bool glued;  /* nothing stands between it and the token before */
    size_t from; /* of the typed word it is from, in the text */
};
/** How many of @text's tokens there are in @out; words in @a. */
size_t when_tokens(struct arena *a, struct str text, struct token out[TOKENS_MAX]);

/** What a phrase says: the lists "when.<name>" in the order of the table in when_words.c. */
enum when_word {
    SAYS_TODAY,
    SAYS_TONIGHT,
    SAYS_TOMORROW,
    SAYS_OVERMORROW, /* the day after */
    SAYS_THIS,
    SAYS_NEXT,   /* of the next week, or the first to come: people differ */
    SAYS_COMING, /* the first to come */
    SAYS_WEEK,
    SAYS_IN, /* "in" before or after a span */
    SAYS_MINUTES,
    SAYS_HOURS,
    SAYS_DAYS,
    SAYS_WEEKS,
    SAYS_AT,   /* an hour follows */
    SAYS_HOUR, /* an hour stands before it */
    SAYS_AM,
    SAYS_PM,
    SAYS_NIGHT,
    SAYS_NOON,
    SAYS_MIDNIGHT,
    SAYS_ORDINAL, /* behind a number: "24th" */
    SAYS_DAY_OF,  /* a day of the month follows: "the 24" */
    SAYS_FILLER,
    SAYS_COUNT
};
/** Is the list of @what among those that hold the longest phrase at @t (@n tokens)? How many
 * tokens. */
size_t when_says(const struct lang *l, const struct token *t, size_t n, enum when_word what);
/** As that, of any list of words that stand by themselves; SAYS_COUNT: none. */
enum when_word when_any(const struct lang *l, const struct token *t, size_t n, size_t *taken);
/** The month (1 to 12) that the first tokens name in @l or English: how many they are. */
size_t when_month(const struct lang *l, const struct token *t, size_t n, int *month);
/** The weekday (0: Monday) that @word names in @l or English; -1: none. */
int when_weekday(const struct lang *l, struct str word);

enum half { HALF_NONE, HALF_AM, HALF_PM, HALF_NIGHT };

/* What the tokens said so far. */
struct reading {
    const struct lang *l;
    struct str timezone;
    struct wall now;
    struct token t[TOKENS_MAX];
    size_t n;

    int year, month, day; /* 0: not said; a day alone is of the month */
    int month2, day2;     /* the other way to read "3/4", or 0 */
    int weekday;          /* -1: not said */
    int rel;              /* days from today, -1: not said */
    bool week, next, coming, this_;
    int hour, minute; /* -1: not said */
    bool hour_sure;   /* of 24 hours */
    enum half half;
    bool midnight, in;
    int64_t amount; /* of a span */
    enum when_word unit;
    bool wrong; /* "31/13", "25:00" */
};
/** Reads r->t as far as it goes; the token where it ends, 0: nothing was said. */
size_t when_read(struct reading *r);
bool when_day_ok(int year, int month, int day);

#endif
