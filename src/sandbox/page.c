/* The page's files and the samples that phones send, all embedded. */
#include "page.h"

#include "answer.h"
#include "base/embed.h"
#include "say.h"

extern const struct embedded sandbox_pages[];

bool page_route(struct http_req *r)
{
    struct str path = http_req_path(r);
    static const struct {
        const char *path, *file, *type;
    } files[] = {
        {"/",           "index.html", "text/html; charset=utf-8"      },
        {"/phones.css", "phones.css", "text/css; charset=utf-8"       },
        {"/phones.mjs", "phones.mjs", "text/javascript; charset=utf-8"},
        {"/chat.mjs",   "chat.mjs",   "text/javascript; charset=utf-8"},
        {"/icon.svg",   "icon.svg",   "image/svg+xml"                 },
        {"/photo.jpg",  "photo.jpg",  "image/jpeg"                    },
        {"/voice.ogg",  "voice.ogg",  "audio/ogg"                     },
    };

    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        struct answer a = {.status = 200, .content_type = files[i].type};

        if (!str_eqz(path, files[i].path)) {
            continue;
        }
        a.body = embed_find(sandbox_pages, str_of(files[i].file));
        a.fields[a.nfields++] = (struct http_field){
            "Content-Security-Policy",
            STR("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: "
                "data:; "
                "media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
                "frame-ancestors 'none'")};
        a.fields[a.nfields++] = (struct http_field){"X-Content-Type-Options", STR("nosniff")};
        a.fields[a.nfields++] = (struct http_field){"Referrer-Policy", STR("no-referrer")};
        a.fields[a.nfields++] = (struct http_field){"Cache-Control", STR("no-cache")};
        answer_now(r, &a);
        return true;
    }
    return false;
}

struct str sample_media(struct str name, const char **mime, const char **filename)
{
    static const struct {
        const char *name, *kind, *mime, *filename;
    } samples[] = {
        {"photo",    "image",    "image/jpeg",             "photo.jpg" },
        {"voice",    "audio",    "audio/ogg; codecs=opus", "voice.ogg" },
        {"document", "document", "application/pdf",        "report.pdf"},
    };

    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        if (str_eqz(name, samples[i].name) || str_eqz(name, samples[i].kind)) {
            *mime = samples[i].mime;
            *filename = samples[i].filename;
            return embed_find(sandbox_pages, str_of(samples[i].filename));
        }
    }
    return STR_NONE;
}
