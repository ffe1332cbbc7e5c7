#include "golden_text.h"

#include <stdio.h>
#include <stdlib.h>

#include "harness.h"

#define FSI      "\xe2\x81\xa8"
#define PDI      "\xe2\x81\xa9"
#define ZWJ      "\xe2\x80\x8d"
#define ELLIPSIS "\xe2\x80\xa6"

static size_t units_of(struct str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        n += (c & 0xc0) == 0x80 ? 0 : c >= 0xf0 ? 2 : 1;
    }
    return n;
}

static bool isolates_balanced(struct str s)
{
    int open = 0;

    for (size_t i = 0; i + 2 < s.n && open >= 0; i++) {
        if (s.p[i] == '\xe2' && s.p[i + 1] == '\x81') {
            unsigned char c = (unsigned char)s.p[i + 2];

            open += c >= 0xa6 && c <= 0xa8 ? 1 : c == 0xa9 ? -1 : 0;
        }
        if (s.p[i] == '\xe2' && s.p[i + 1] == '\x80') {
            unsigned char c = (unsigned char)s.p[i + 2];

            open = c >= 0xaa && c <= 0xae ? -1 : open; /* an embedding got through */
        }
    }
    return open == 0;
}

/* In right-to-left text "WO-2024-001" stands in isolates, or in a longer run that does. */
static bool numbers_isolated(struct str text, struct str number)
{
    bool inside = false;

    for (size_t i = 0; i < text.n; i++) {
        struct str rest = str_slice(text, i, text.n);

        inside = str_starts(rest, STR(FSI)) || (inside && !str_starts(rest, STR(PDI)));
        if (str_starts(rest, number) && !inside) {
            return false;
        }
    }
    return true;
}

void golden_check_text(const char *label, struct str text, size_t max, bool rtl)
{
    CHECK(label, str_is_utf8(text) && isolates_balanced(text));
    CHECK(label, units_of(text) <= max);
    CHECK(label, str_find(text, STR(ZWJ ELLIPSIS)) == SIZE_MAX);
    CHECK(label, !rtl || numbers_isolated(text, STR("WO-2024-001")));
}

void golden_check_message(const char *label, const struct message *m, bool rtl)
{
    bool list = m->kind == MESSAGE_LIST;

    golden_check_text(label, m->text, m->kind == MESSAGE_BUTTONS ? 1024 : 4096, rtl);
    CHECK(label, m->text.n > 0);
    CHECK(label, units_of(m->header) <= 60 && units_of(m->footer) <= 60);
    CHECK(label, m->noptions <= (list ? MESSAGE_ROWS_MAX : MESSAGE_BUTTONS_MAX));
    for (size_t i = 0; i < m->noptions; i++) {
        golden_check_text(label, m->options[i].title, list ? 24 : 20, false);
        golden_check_text(label, m->options[i].description, 72, false);
        CHECK(label, m->options[i].title.n > 0 && m->options[i].id.n > 0);
    }
}

void golden_add_options(const struct message *m, struct buf *out)
{
    for (size_t i = 0; i < m->noptions; i++) {
        const struct message_option *o = &m->options[i];

        buf_addf(out, "%s[%.*s]", i > 0 ? " " : "", STR_ARG(o->title));
        if (o->description.n > 0) {
            buf_addf(out, " (%.*s)", STR_ARG(o->description));
        }
    }
    if (m->noptions > 0) {
        buf_add_char(out, '\n');
    }
}

void golden_add_message(const struct message *m, struct buf *out)
{
    if (m->header.n > 0) {
        buf_addf(out, "^ %.*s\n", STR_ARG(m->header));
    }
    buf_addf(out, "%.*s\n", STR_ARG(m->text));
    if (m->footer.n > 0) {
        buf_addf(out, "_ %.*s\n", STR_ARG(m->footer));
    }
    golden_add_options(m, out);
}

void golden_compare(const char *code, struct str got)
{
    char path[64];
    const char *wish = getenv("GOLDEN_WRITE");
    struct buf want;

    snprintf(path, sizeof(path), "golden/notices/%s.txt", code);
    if (wish != NULL && wish[0] == '1') {
        char full[512];
        FILE *f;

        snprintf(full, sizeof(full), "%s/%s", getenv("CREWLINE_TEST_DATA"), path);
        f = fopen(full, "w");
        CHECK(full, f != NULL && fwrite(got.p, 1, got.n, f) == got.n && fclose(f) == 0);
        return;
    }
    buf_init(&want, GOLDEN_MAX);
    test_data(path, &want);
    /* Line by line: a whole file in a failed check says nothing. */
    for (struct str a = got, b = buf_str(&want); a.n > 0 || b.n > 0;) {
        struct str x, y;

        str_cut(a, '\n', &x, &a);
        str_cut(b, '\n', &y, &b);
        if (!str_eq(x, y)) {
            CHECK_STR("GOLDEN_WRITE=1 writes it anew", x, y);
            break;
        }
    }
    buf_fini(&want);
}
