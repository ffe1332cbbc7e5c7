/*
 * html: a page written piece by piece. Tags and names of attributes are literals of ours; all else
 * goes through html_text() or html_attr(), which escape it: nothing that somebody typed can become
 * markup. Elements are closed in the order in which they were opened; a tag is ended by whatever
 * comes behind its attributes.
 */
#ifndef CREWLINE_APP_HTML_H
#define CREWLINE_APP_HTML_H

#include "base/buf.h"

#define HTML_DEPTH_MAX 24

struct html {
    struct buf *out;
    const char *open[HTML_DEPTH_MAX];
    size_t depth;
    bool in_tag;
};

/** Begins a document at @out: only the doctype. */
void html_init(struct html *h, struct buf *out);
/** Opens an element; one that has no content (input, meta, link, br) is not to be closed. */
void html_tag(struct html *h, const char *tag);
/** An attribute of the tag just opened. */
void html_attr(struct html *h, const char *name, struct str value);
void html_attrz(struct html *h, const char *name, const char *value);
/** One without a value ("checked"), where @set. */
void html_flag(struct html *h, const char *name, bool set);
void html_text(struct html *h, struct str text);
/** Closes the innermost element. */
void html_end(struct html *h);
/** An element with nothing but a text in it, and a class (or NULL). */
void html_line(struct html *h, const char *tag, const char *class, struct str text);
/** Closes all that is open. */
void html_fini(struct html *h);

#endif
