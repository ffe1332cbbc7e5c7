/* media, evidence: types by their bytes, names, links; chains that show every change. */
#include "base/mem.h"
#include "base/text.h"
#include "domain/evidence.h"
#include "domain/media.h"
#include "harness.h"

#include <stdio.h>

#define S(literal)                   \
    {                                \
        literal, sizeof(literal) - 1 \
    }

static struct arena *a;
static struct settings settings = {.public_url = S("https://wa.example.com"), .media_link_s = 60};
static struct tenant acme = {.id = S("acme"), .settings = &settings},
                     beta = {.id = S("beta"), .settings = &settings};

static void open_vault(struct tenant *t)
{
    static const uint8_t master[32] = {1, 2, 3};
    struct err err = {0};
    struct buf wrapped;

    buf_init(&wrapped, 256);
    vault_key_make(master, t->id, &wrapped);
    CHECK("vault", vault_new(master, NULL, t->id, buf_str(&wrapped), &t->vault, &err));
    buf_fini(&wrapped);
}

static const struct {
    const char *label;
    struct str head;
    const char *told, *want; /* want NULL: not taken */
} types[] = {
    {"jpeg",                 S("\xFF\xD8\xFF\xE0 JFIF"),                                             "image/png",                "image/jpeg"     },
    {"png",                  S("\x89PNG\r\n\x1A\nIHDR"),                                             "",                         "image/png"      },
    {"webp",                 S("RIFF\x10\0\0\0WEBPVP8 "),                                            "",                         "image/webp"     },
    {"another RIFF",         S("RIFF\x10\0\0\0WAVEfmt "),                                            "audio/ogg",                NULL             },
    {"gif",                  S("GIF89a...."),                                                        "",                         "image/gif"      },
    {"mp4",
     S("\0\0\0\x18"
       "ftypisom"),
     "video/mp4",                                                                                                                "video/mp4"      },
    {"sound in mp4",
     S("\0\0\0\x18"
       "ftypisom"),
     "audio/mp4",                                                                                                                "audio/mp4"      },
    {"mp4, told nonsense",
     S("\0\0\0\x18"
       "ftypmp42"),
     "image/png",                                                                                                                "video/mp4"      },
    {"m4a",
     S("\0\0\0\x18"
       "ftypM4A "),
     "video/mp4",                                                                                                                "audio/mp4"      },
    {"3gp",
     S("\0\0\0\x18"
       "ftyp3gp5"),
     "",                                                                                                                         "video/3gpp"     },
    {"heic",
     S("\0\0\0\x18"
       "ftypheic"),
     "image/jpeg",                                                                                                               NULL             },
    {"opus",                 S("OggS\0\2"),                                                          "audio/ogg; codecs=opus",   "audio/ogg"      },
    {"mp3 with tags",        S("ID3\4\0"),                                                           "",                         "audio/mpeg"     },
    {"mp3",                  S("\xFF\xFB\x90\x64"),                                                  "",                         "audio/mpeg"     },
    {"aac",                  S("\xFF\xF1\x50\x80"),                                                  "audio/mpeg",               "audio/aac"      },
    {"frames of no layer",   S("\xFF\xE8\x90\x64"),                                                  "audio/mpeg",               NULL             },
    {"amr",                  S("#!AMR\n"),                                                           "",                         "audio/amr"      },
    {"pdf",                  S("%PDF-1.7"),                                                          "text/plain",               "application/pdf"},
    {"doc",                  S("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"),                                  "application/vnd.ms-excel",
     "application/vnd.ms-excel"                                                                                                                   },
    {"docx",                 S("PK\3\4aaaaaaaaaaaaaaaaaaaaaa\x11\0\0\0word/document.xml.........."), "",
     "application/vnd.openxmlformats-officedocument.wordprocessingml.document"                                                                    },
    {"any archive",          S("PK\3\4aaaaaaaaaaaaaaaaaaaaaa\5\0\0\0x.exe.........."),               "application/msword",
     NULL                                                                                                                                         },
    {"an archive cut short", S("PK\3\4"),                                                            "",                         NULL             },
    {"text",                 S("Bearing: SKF 6204\nGrüße"),                                        "text/plain",               "text/plain"     },
    {"csv",                  S("a;b\n1;2\n"),                                                        "text/csv",                 "text/csv"       },
    {"page",                 S("  <!DOCTYPE html><script>"),                                         "text/plain",               NULL             },
    {"page behind a mark",   S("\xEF\xBB\xBF<svg onload=x>"),                                        "image/png",                NULL             },
    {"script",               S("#!/bin/sh\nrm"),                                                     "text/plain",               NULL             },
    {"program",
     S("\x7F"
       "ELF\2\1\1"),
     "application/pdf",                                                                                                          NULL             },
    {"not quite text",       S("abc\0def"),                                                          "text/plain",               NULL             },
    {"broken text",          S("abc\xC3"),                                                           "text/plain",               NULL             },
    {"nothing",              S(""),                                                                  "image/jpeg",               NULL             },
};

static void test_types(void)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        const struct media_type *t = media_type_of(types[i].head, str_of(types[i].told));

        CHECK_Z(types[i].label, str_of(t == NULL ? "-" : t->mime),
                types[i].want == NULL ? "-" : types[i].want);
    }
}

static void test_filename(void)
{
    static const struct {
        struct str sent, mime;
        const char *want;
    } rows[] = {
        {S(""),                 S("image/jpeg"),      "photo-X.jpg"         },
        {S("report.pdf"),       S("application/pdf"), "report.pdf"          },
        {S("report.PDF"),       S("application/pdf"), "report.PDF"          },
        {S("../../etc/passwd"), S("text/plain"),      "_._.._etc_passwd.txt"},
        {S("a\"\r\nX: y.html"), S("text/plain"),      "a___X__y.html.txt"   },
        {S("\xC3\xA4.jpg"),     S("image/jpeg"),      "__.jpg"              },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct medium m = {.id = STR("X"), .filename = rows[i].sent, .mime = rows[i].mime};

        CHECK_Z(rows[i].want, media_filename(a, &m), rows[i].want);
    }
}

static void test_record(void)
{
    struct medium m = {.id = STR("M1"),
                       .order_id = STR("w1"),
                       .caption = STR("a \"b\"\n"),
                       .kind = MEDIA_VOICE,
                       .state = STR("kept"),
                       .bytes = 77,
                       .at = {5}},
                  back;
    struct err err = {0};
    struct buf b;

    buf_init(&b, 4096);
    medium_encode(&m, &b);
    CHECK("reads", medium_decode(a, buf_str(&b), 3, &back, &err));
    CHECK_Z("caption", back.caption, "a \"b\"\n");
    CHECK_INT("kind", back.kind, MEDIA_VOICE);
    CHECK_INT("bytes", back.bytes, 77);
    CHECK_INT("version", back.version, 3);
    CHECK("no record", !medium_decode(a, STR("{"), 1, &back, &err));
    buf_fini(&b);
}

static void test_links(void)
{
    struct str id = media_id_new(a, &acme), link = media_link(a, &acme, id, (struct wall){99000});
    size_t at = str_find(link, STR("&sig="));
    struct str sig = str_slice(link, at + 5, link.n);

    CHECK("begins", str_starts(link, STR("https://wa.example.com/media/")));
    CHECK("says when", str_find(link, STR("?exp=99&")) != SIZE_MAX);
    CHECK("is ours", media_id_is_of(id, &acme) && !media_id_is_of(id, &beta));
    CHECK("signed", media_link_signed(&acme, id, STR("99"), sig));
    CHECK("another time", !media_link_signed(&acme, id, STR("98"), sig));
    CHECK("another file", !media_link_signed(&acme, media_id_new(a, &acme), STR("99"), sig));
    CHECK("another tenant", !media_link_signed(&beta, id, STR("99"), sig));
    CHECK("cut", !media_link_signed(&acme, id, STR("99"), str_slice(sig, 0, sig.n - 1)));
    CHECK("none", !media_link_signed(&acme, id, STR("99"), STR_NONE));
}

/* ---- evidence ---- */

static int64_t told[8];
static size_t ntold;

static void tell(void *ctx, int64_t n, const struct json *item)
{
    (void)ctx;
    (void)item;
    told[ntold++ % 8] = n;
}

static struct str exported(void)
{
    struct evidence e;
    struct buf b;
    struct str out;

    buf_init(&b, 1 << 16);
    evidence_begin(&e, acme.id, STR("WO-1"), (struct wall){1700000000000}, &b);
    evidence_item(&e, STR("{\"at\":\"1\",\"kind\":\"note\",\"text\":\"one\"}"), &b);
    evidence_item(&e, STR("{\"at\":\"2\",\"kind\":\"note\",\"text\":\"two\"}"), &b);
    evidence_item(&e, STR("no json"), &b);
    evidence_end(&e, &acme, &b);
    out = arena_dup(a, buf_str(&b));
    buf_fini(&b);
    return out;
}

static struct str with(struct str text, const char *from, const char *to)
{
    size_t at = str_find(text, str_of(from));

    return arena_printf(a, "%.*s%s%.*s", (int)at, text.p, to,
                        STR_ARG(str_slice(text, at + strlen(from), text.n)));
}

static void test_export(void)
{
    struct str text = exported();
    struct evidence_found f;
    struct err err = {0};

    CHECK("reads", evidence_check(a, text, &f, tell, NULL, &err));
    CHECK_INT("intact", f.broken, 0);
    CHECK_INT("items", f.items, 3);
    CHECK("sealed by us", evidence_sealed_by(&acme, &f));
    CHECK("not by others", !evidence_sealed_by(&beta, &f));
    ntold = 0;
    CHECK("changed", evidence_check(a, with(text, "two", "too"), &f, tell, NULL, &err));
    CHECK("names it", f.broken == 1 && ntold == 1 && told[0] == 2);
    ntold = 0;
    CHECK("its chain in the store",
          evidence_check(a, with(text, "intact", "broken"), &f, tell, NULL, &err));
    CHECK("is part of the seal", f.broken == 0 && !evidence_sealed_by(&acme, &f));
    CHECK("another format",
          !evidence_check(a, with(text, "crewline-e", "x"), &f, tell, NULL, &err));
    CHECK_INT("another format", err.code, ERR_INVALID);
    CHECK("no JSON", !evidence_check(a, STR("PDF"), &f, tell, NULL, &err));
}

/* As the commit script does it. */
static struct str stored(const char *entry, int64_t n, struct str before)
{
    struct buf sealed, hex;
    struct hasher h;
    uint8_t sum[SHA1_BYTES];
    struct str out;

    buf_init(&sealed, 4096);
    buf_init(&hex, 64);
    evidence_entry_seal(&acme, STR("ot:1"), str_of(entry), &sealed);
    hasher_init(&h, HASH_SHA1);
    hasher_add(&h, arena_printf(a, "%.*s|%lld|%.*s", STR_ARG(before), (long long)n,
                                STR_ARG(str_slice(buf_str(&sealed), 0, 64))));
    hasher_done(&h, sum);
    hex_add(&hex, str_make(sum, sizeof(sum)));
    {
        struct str rest = str_slice(buf_str(&sealed), 64, sealed.n);
        char *p = arena_alloc(a, rest.n + 100);
        int k = snprintf(p, 100, "%lld|%s|", (long long)n, hex.p);

        memcpy(p + k, rest.p, rest.n);
        out = str_make(p, (size_t)k + rest.n);
    }
    buf_fini(&sealed);
    buf_fini(&hex);
    return out;
}

static struct str link_of(struct str entry)
{
    size_t at = str_find_char(entry, '|', 0) + 1;

    return str_slice(entry, at, at + EVIDENCE_LINK);
}

static bool chain_of(const struct str *entries, const size_t *order, size_t n)
{
    struct evidence_chain chain = {0};
    struct err err = {0};
    struct str text;

    for (size_t i = 0; i < n; i++) {
        evidence_entry_open(&acme, a, STR("ot:1"), entries[order[i]], &chain, &text, &err);
    }
    return !chain.broken;
}

static void test_stored(void)
{
    struct str e[4];
    struct evidence_chain chain = {0};
    struct err err = {0};
    struct str text;

    e[0] = stored("{\"n\":1}", 1, STR(""));
    e[1] = stored("{\"n\":2}", 2, link_of(e[0]));
    e[2] = stored("{\"n\":3}", 3, link_of(e[1]));
    e[3] = stored("{\"n\":\"put in\"}", 2, STR("0000000000000000000000000000000000000000"));
    CHECK("whole", chain_of(e, (const size_t[]){0, 1, 2}, 3));
    CHECK("the oldest gone by age", chain_of(e, (const size_t[]){1, 2}, 2));
    CHECK("the middle gone", !chain_of(e, (const size_t[]){0, 2}, 2));
    CHECK("swapped", !chain_of(e, (const size_t[]){0, 2, 1}, 3));
    CHECK("twice", !chain_of(e, (const size_t[]){0, 1, 1, 2}, 4));
    CHECK("another in its place", !chain_of(e, (const size_t[]){0, 3, 2}, 3));
    CHECK("opens", evidence_entry_open(&acme, a, STR("ot:1"), e[0], NULL, &text, &err));
    CHECK_Z("as it was", text, "{\"n\":1}");
    CHECK("another order's",
          !evidence_entry_open(&acme, a, STR("ot:2"), e[0], &chain, &text, &err));
    CHECK("said", chain.broken);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_types), TEST(test_filename), TEST(test_record),
        TEST(test_links), TEST(test_export),   TEST(test_stored),
    };
    int code;

    a = arena_new();
    open_vault(&acme);
    open_vault(&beta);
    code = test_main(argc, argv, tests, ARRAY_LEN(tests));
    vault_free(&acme.vault);
    vault_free(&beta.vault);
    arena_free(&a);
    return code;
}
