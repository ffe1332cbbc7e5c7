#include "html.h"

#include <assert.h>

static bool is_void(const char *tag)
{
    static const char *const tags[] = {"input", "meta", "link", "br"};

    for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
        if (strcmp(tag, tags[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void end_tag(struct html *h)
{
    if (h->in_tag) {
        buf_add_char(h->out, '>');
        h->in_tag = false;
    }
}

static const char *entity(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

static void escape(struct buf *out, struct str s)
{
    size_t from = 0;

    for (size_t i = 0; i < s.n; i++) {
        const char *e = entity(s.p[i]);

        if (e != NULL) {
            buf_add(out, str_slice(s, from, i));
            buf_addz(out, e);
            from = i + 1;
        }
    }
    buf_add(out, str_slice(s, from, s.n));
}

void html_init(struct html *h, struct buf *out)
{
    *h = (struct html){.out = out};
    buf_addz(out, "<!DOCTYPE html>\n");
}

void html_tag(struct html *h, const char *tag)
{
    end_tag(h);
    buf_addf(h->out, "<%s", tag);
    h->in_tag = true;
    if (!is_void(tag)) {
        assert(h->depth < HTML_DEPTH_MAX);
        h->open[h->depth++] = tag;
    }
}

void html_attr(struct html *h, const char *name, struct str value)
{
    assert(h->in_tag);
    buf_addf(h->out, " %s=\"", name);
    escape(h->out, value);
    buf_add_char(h->out, '"');
}

void html_attrz(struct html *h, const char *name, const char *value)
{
    html_attr(h, name, str_of(value));
}

void html_flag(struct html *h, const char *name, bool set)
{
    assert(h->in_tag);
    if (set) {
        buf_addf(h->out, " %s", name);
    }
}

void html_text(struct html *h, struct str text)
{
    end_tag(h);
    escape(h->out, text);
}

void html_end(struct html *h)
{
    end_tag(h);
    assert(h->depth > 0);
    buf_addf(h->out, "</%s>\n", h->open[--h->depth]);
}

void html_line(struct html *h, const char *tag, const char *class, struct str text)
{
    html_tag(h, tag);
    if (class != NULL) {
        html_attrz(h, "class", class);
    }
    html_text(h, text);
    html_end(h);
}

void html_fini(struct html *h)
{
    while (h->depth > 0) {
        html_end(h);
    }
}
