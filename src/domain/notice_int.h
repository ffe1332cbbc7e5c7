/*
 * notice_int: one text under construction, shared by the files of notices: notice.c (orders and people),
 * notice_more.c (notes, parts, reminders; requests, machines), notice_matter.c (matters).
 */
#ifndef CREWLINE_DOMAIN_NOTICE_INT_H
#define CREWLINE_DOMAIN_NOTICE_INT_H

#include "domain/notice.h"

#define BUTTONS_BODY_MAX 1024 /* characters of a message with buttons */

/* In one person's language and time. */
struct page {
    const struct plan *p;
    const struct lang *l;
    struct str timezone;
    struct buf text;
    struct str original; /* what was translated in it, as the CMMS wrote it; or empty */
};


void page_init(struct page *g, const struct plan *p, const struct user *to);
/** Frees it; the text, cut to what every provider takes. */
struct str page_end(struct page *g);
/** "name.<kind>.<name>" of the catalogue. */
struct str page_word(const struct page *g, const char *kind, const char *name);
/** @text, or its translation for this person with the mark of one; page_end() says how to see the original. */
struct str page_words(struct page *g, struct str text);
const struct order *page_order(struct page *g, const struct order *o); /* the same of title and description */
/** Behind notice_tell() and the buttons: the original can be asked for. */
void page_mark(struct page *g, struct plan *p, struct message *m);
/** A date or a time alone, as a value of a template. */
struct str page_moment(const struct page *g, const char *key, struct wall at);
void page_blank(struct page *g);
/* A line by a key of the catalogue. */
#define page_add(g, key, ...)                                                                 \
    do {                                                                                 \
        buf_add(&(g)->text, I18N((g)->p->a, (g)->l, (g)->timezone, key, ##__VA_ARGS__)); \
        buf_add_char(&(g)->text, '\n');                                                  \
    } while (0)

/** One message, when user_notify() allows it; else an entry of @o (or NULL) says why not, and NULL. */
struct message *notice_tell(struct plan *p, const struct order *o, const struct user *to,
                            enum user_class cls, struct str text);
struct pm;
struct str notice_pm_text(struct plan *p, const struct pm *pm, const struct user *to, bool now);
/** [Mark as Done] [Reschedule] [Confirm] */
void notice_pm_buttons(struct plan *p, const struct pm *pm, const struct matter *m,
                       const struct user *to, struct message *out);
/** In a person's quiet hours what is not urgent waits for the morning. */
void notice_priority_set(const struct plan *p, const struct user *to, struct message *m,
                         enum prio prio);

#endif
