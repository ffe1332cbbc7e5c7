/*
 * media_type: what a file is by its first bytes. What the provider calls it is a hint among types
 * that begin alike, never a reason to take one: a page or a program under the name of a photo is
 * not taken.
 *
 * Source: the formats' own documents (JPEG ITU T.81; PNG, RFC 2083; RIFF/WebP; ISO 14496-12 "ftyp";
 * Ogg, RFC 3533; RFC 3640 ADTS; RFC 4867 AMR; ID3v2; PDF ISO 32000; ZIP APPNOTE; MS-CFB).
 */
#include "domain/media.h"

static const struct media_type types[] = {
    {"image/jpeg",                                                                "jpg",  MEDIA_PHOTO   },
    {"image/png",                                                                 "png",  MEDIA_PHOTO   },
    {"image/webp",                                                                "webp", MEDIA_PHOTO   },
    {"image/gif",                                                                 "gif",  MEDIA_PHOTO   },
    {"video/mp4",                                                                 "mp4",  MEDIA_VIDEO   },
    {"video/3gpp",                                                                "3gp",  MEDIA_VIDEO   },
    {"audio/ogg",                                                                 "ogg",  MEDIA_VOICE   },
    {"audio/mpeg",                                                                "mp3",  MEDIA_VOICE   },
    {"audio/mp4",                                                                 "m4a",  MEDIA_VOICE   },
    {"audio/aac",                                                                 "aac",  MEDIA_VOICE   },
    {"audio/amr",                                                                 "amr",  MEDIA_VOICE   },
    {"application/pdf",                                                           "pdf",  MEDIA_DOCUMENT},
    {"application/msword",                                                        "doc",  MEDIA_DOCUMENT},
    {"application/vnd.ms-excel",                                                  "xls",  MEDIA_DOCUMENT},
    {"application/vnd.ms-powerpoint",                                             "ppt",  MEDIA_DOCUMENT},
    {"application/vnd.openxmlformats-officedocument.wordprocessingml.document",   "docx",
     MEDIA_DOCUMENT                                                                                     },
    {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",         "xlsx", MEDIA_DOCUMENT},
    {"application/vnd.openxmlformats-officedocument.presentationml.presentation", "pptx",
     MEDIA_DOCUMENT                                                                                     },
    {"text/csv",                                                                  "csv",  MEDIA_DOCUMENT},
    {"text/plain",                                                                "txt",  MEDIA_DOCUMENT},
};

const struct media_type *media_type_named(struct str mime)
{
    struct str bare, rest;

    str_cut(mime, ';', &bare, &rest);
    bare = str_trim(bare);
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (str_ieq(bare, str_of(types[i].mime))) {
            return &types[i];
        }
    }
    return NULL;
}

static const struct media_type *named(const char *mime)
{
    return media_type_named(str_of(mime));
}

/* The word of the provider, where it is one of @mimes; else the first of them. */
static const struct media_type *told_among(struct str told, const char *const *mimes, size_t n)
{
    const struct media_type *t = media_type_named(told);

    for (size_t i = 0; t != NULL && i < n; i++) {
        if (str_eqz(str_of(t->mime), mimes[i])) {
            return t;
        }
    }
    return named(mimes[0]);
}

static struct str at(struct str head, size_t from, size_t n)
{
    return str_slice(head, from, from + n);
}

/* ---- containers ---- */

static const struct media_type *iso_media(struct str head, struct str told)
{
    static const char *const film_or_sound[] = {"video/mp4", "audio/mp4"};
    static const char *const films[] = {"isom", "iso2", "iso4", "iso5", "iso6", "mp41",
                                        "mp42", "avc1", "MSNV", "dash", "M4V ", "qt  "};
    struct str brand = at(head, 8, 4);

    if (!str_eqz(at(head, 4, 4), "ftyp")) {
        return NULL;
    }
    if (str_starts(brand, STR("3g"))) {
        return named("video/3gpp");
    }
    if (str_starts(brand, STR("M4A")) || str_starts(brand, STR("M4B"))) {
        return named("audio/mp4");
    }
    for (size_t i = 0; i < ARRAY_LEN(films); i++) {
        if (str_eqz(brand, films[i])) {
            return told_among(told, film_or_sound, ARRAY_LEN(film_or_sound));
        }
    }
    return NULL; /* HEIC, AVIF and others that not everybody can open */
}

static const struct media_type *riff(struct str head, struct str told)
{
    (void)told;
    return str_starts(head, STR("RIFF")) && str_eqz(at(head, 8, 4), "WEBP") ? named("image/webp")
                                                                            : NULL;
}

/*
 * Office documents are archives; their parts are named in the local headers, the first of them
 * mostly the list of types, which says little. Any other archive is not taken.
 */
static const struct media_type *zip(struct str head, struct str told)
{
    static const struct {
        const char *part, *mime;
    } rows[] = {
        {"word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"  },
        {"xl/",   "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"        },
        {"ppt/",  "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
    };
    static const char *const office[] = {
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation"};
    struct str local = STR("PK\x03\x04"), rest = head;
    bool listed = false;

    if (!str_starts(head, local)) {
        return NULL;
    }
    for (size_t where; (where = str_find(rest, local)) != SIZE_MAX && rest.n - where > 30;) {
        size_t n = (unsigned char)rest.p[where + 26] | (size_t)(unsigned char)rest.p[where + 27]
                                                           << 8;
        struct str name = at(rest, where + 30, n);

        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
            if (str_starts(name, str_of(rows[i].part))) {
                return named(rows[i].mime);
            }
        }
        listed = listed || str_eqz(name, "[Content_Types].xml");
        rest = str_slice(rest, where + 4, rest.n);
    }
    return listed ? told_among(told, office, ARRAY_LEN(office)) : NULL;
}

static const struct media_type *compound(struct str head, struct str told)
{
    static const char *const office[] = {"application/msword", "application/vnd.ms-excel",
                                         "application/vnd.ms-powerpoint"};

    return str_starts(head, STR("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"))
               ? told_among(told, office, ARRAY_LEN(office))
               : NULL;
}

/* ---- sound without a container: a frame begins with eleven or twelve set bits ---- */

static const struct media_type *frames(struct str head, struct str told)
{
    unsigned char b0 = head.n > 2 ? (unsigned char)head.p[0] : 0,
                  b1 = head.n > 2 ? (unsigned char)head.p[1] : 0,
                  b2 = head.n > 2 ? (unsigned char)head.p[2] : 0;

    (void)told;
    if (b0 != 0xff) {
        return NULL;
    }
    if ((b1 & 0xf6) == 0xf0) {
        return named("audio/aac"); /* layer 0: ADTS */
    }
    /* MPEG audio, layer I to III, a bit rate and a sampling rate that exist. */
    return (b1 & 0xe0) == 0xe0 && (b1 & 0x18) != 0x08 && (b1 & 0x06) != 0 && (b2 & 0xf0) != 0xf0 &&
                   (b2 & 0x0c) != 0x0c
               ? named("audio/mpeg")
               : NULL;
}

/* ---- plain text ---- */

/* The last character may be cut where the head ends. */
static bool is_text(struct str head)
{
    size_t whole = head.n;

    for (size_t i = 0; i < head.n; i++) {
        unsigned char c = (unsigned char)head.p[i];

        if ((c < ' ' && c != '\t' && c != '\n' && c != '\r' && c != '\f') || c == 0x7f) {
            return false;
        }
    }
    for (size_t i = 0; i < 4; i++) {
        if (str_is_utf8(str_slice(head, 0, whole))) {
            return head.n - whole == 0 || head.n == MEDIA_HEAD_BYTES;
        }
        if (whole-- == 0) {
            return false;
        }
    }
    return false;
}

static const struct media_type *text(struct str head, struct str told)
{
    static const char *const flat[] = {"text/plain", "text/csv"};
    struct str body = head;

    if (str_starts(body, STR("\xEF\xBB\xBF"))) {
        body = str_slice(body, 3, body.n);
    }
    body = str_trim(body);
    /* What begins like a page, a picture with scripts or a program is none. */
    if (body.n == 0 || body.p[0] == '<' || str_starts(body, STR("#!")) || !is_text(head)) {
        return NULL;
    }
    return told_among(told, flat, ARRAY_LEN(flat));
}

static const struct {
    struct str magic;
    const char *mime; /* or by a look inside: */
    const struct media_type *(*look)(struct str head, struct str told);
} rows[] = {
    {{"\xFF\xD8\xFF", 3},      "image/jpeg",      NULL     },
    {{"\x89PNG\r\n\x1A\n", 8}, "image/png",       NULL     },
    {{"GIF87a", 6},            "image/gif",       NULL     },
    {{"GIF89a", 6},            "image/gif",       NULL     },
    {{"OggS", 4},              "audio/ogg",       NULL     },
    {{"ID3", 3},               "audio/mpeg",      NULL     },
    {{"#!AMR", 5},             "audio/amr",       NULL     },
    {{"%PDF-", 5},             "application/pdf", NULL     },
    {{"", 0},                  NULL,              iso_media},
    {{"", 0},                  NULL,              riff     },
    {{"", 0},                  NULL,              zip      },
    {{"", 0},                  NULL,              compound },
    {{"", 0},                  NULL,              frames   },
    {{"", 0},                  NULL,              text     },
};

const struct media_type *media_type_of(struct str head, struct str told)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct media_type *type = NULL;

        if (!str_starts(head, rows[i].magic)) {
            continue;
        }
        type = rows[i].look != NULL ? rows[i].look(head, told) : named(rows[i].mime);
        if (type != NULL) {
            return type;
        }
    }
    return NULL;
}
