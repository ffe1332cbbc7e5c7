/*
 * command_int: what the command files know of one another. A text is seen as its first few words,
 * each with its place in the text and its normalized form; emoji and lone punctuation are no words.
 */
#ifndef CREWLINE_DOMAIN_COMMAND_INT_H
#define CREWLINE_DOMAIN_COMMAND_INT_H

#include "domain/command.h"

#define WORDS_MAX        8  /* looked at; a longer text has `more` */
#define WORD_BYTES_MAX   64 /* a longer word is none of ours */
#define PHRASE_WORDS_MAX 4
#define PHRASE_BYTES_MAX 160

struct word {
    size_t from, to; /* place in the text */
    struct str plain;
};
struct words {
    struct arena *arena;
    const struct lang *l;
    struct str text;
    bool slash; /* begins with '/' */
    struct word v[WORDS_MAX];
    size_t n;
    bool more;
    size_t polite; /* how many words at the end are "please" and the like */
};

void words_split(struct arena *a, struct str text, const struct lang *l, struct words *out);
/** Words [from, to) with one blank between them, in @out; empty when there are none or too many
 * bytes. */
struct str words_join(const struct words *w, size_t from, size_t to, char out[PHRASE_BYTES_MAX]);
/** The text from word @i on; empty behind the last. */
struct str words_rest(const struct words *w, size_t i);

struct order_words {
    struct str order;
    bool sure;   /* "WO" or '#' before it; else a bare number or code */
    size_t next; /* the word behind it */
};
/** "WO-12", "work order 12", "#12", "12" at word @i. */
bool words_order(const struct words *w, size_t i, struct order_words *out);

/** Fills call.nearest for @w, which is no command. */
void command_nearest(const struct words *w, struct command_call *call);

#endif
