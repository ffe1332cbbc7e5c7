/*
 * assist: the two optional helpers behind OpenAI-compatible endpoints, off unless configured (assistant.*):
 * one that writes down voice notes (/v1/audio/transcriptions), one that makes a command of free text which
 * no rule understands (/v1/chat/completions, with the commands as the only tools and the person's own open
 * orders as context). Pure; jobs/inbox_assist.c does the HTTP.
 *
 * Neither is ever on the path of a command: what they are asked is an inbound item of its own (letter A, lane
 * "4a:<person>"), with a deadline (assistant.timeout_ms); without an answer the person hears what he would
 * have heard without them. Whatever changes something is shown first, and done when he taps "Yes":
 * conversation question "do", with the command as its rest.
 */
#ifndef CREWLINE_DOMAIN_ASSIST_H
#define CREWLINE_DOMAIN_ASSIST_H

#include "domain/media.h"
#include "domain/plan.h"
#include "domain/view.h"

#define ASSIST_ITEM       'A'
#define ASSIST_TEXT_MAX   2000              /* characters of what is asked and of what is said */
#define ASSIST_VOICE_MAX  ((size_t)4 << 20) /* bytes: half an hour and more */
#define ASSIST_ANSWER_MAX ((size_t)256 * 1024)

/** Free text for the assistant; false: there is none, say what is said without it. */
bool assist_ask(struct plan *p, struct str person, struct str sender, struct str text);
/** A voice note that is kept, to be written down where that is configured. */
void assist_transcribe(struct plan *p, const struct medium *m);

/* ---- the wire ---- */

void assist_chat_body(const struct settings *s, const struct view *v, struct str text, struct buf *out);
struct assist_answer { /* one of them; both empty: it does not know either */
    struct str command; /* "START WO-1", English */
    struct str says;
};
/** ERR_PROVIDER when it is no answer of that form. Texts in @a. */
bool assist_chat_read(struct arena *a, struct str body, struct assist_answer *out, struct err *err);

/** multipart/form-data with @boundary: model, language, file. */
void assist_speech_body(const struct settings *s, const struct medium *m, struct str lang, struct str bytes,
                        const char *boundary, struct buf *out);
bool assist_speech_read(struct arena *a, struct str body, struct str *text, struct err *err);
/** "start work order one two three" -> "start work order 123": runs of spoken digits, in @lang (ICU). */
struct str assist_digits(struct arena *a, struct str lang, struct str text);

/* ---- what follows ---- */

/** Of free text: run, asked about, or the answer of the rules. @in: as the person wrote it. */
void assist_decide_chat(const struct view *v, const struct inbound *in, struct str sender,
                        const struct assist_answer *answer, struct plan *p);
/** Of a voice note, as heard: a command is asked about, anything else is a note of its order. */
void assist_decide_speech(const struct view *v, const struct medium *m, const struct order *o, struct str sender,
                          struct str heard, struct plan *p);

#endif
