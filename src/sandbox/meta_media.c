#include "meta_media.h"

#include "base/crypto.h"
#include "multipart.h"

/* The hash of a download URL binds id and expiry, so that neither can be changed. */
static struct str url_hash(struct arena *a, const struct media *m, struct str expiry)
{
    struct buf text, hex;
    uint8_t mac[SHA256_BYTES];

    buf_init(&text, 1024);
    buf_init(&hex, 128);
    buf_addf(&text, "%s|%.*s", m->id, STR_ARG(expiry));
    hmac_sha256(str_of(m->number->token), buf_str(&text), mac);
    buf_addz(&hex, "AR");
    hex_add(&hex, str_make(mac, 16));
    struct str out = arena_dup(a, buf_str(&hex));

    buf_fini(&text);
    buf_fini(&hex);
    return out;
}

struct str meta_media_url(struct sandbox *sb, struct arena *a, const struct media *m)
{
    struct str ext =
        arena_printf(a, "%lld", (long long)((wall_now().ms + sb->timing.url_life_ms + 999) / 1000));

    return arena_printf(a, "%s" META_DOWNLOAD_PATH "?mid=%s&source=getMedia&ext=%.*s&hash=%.*s",
                        sb->public_url, m->id, STR_ARG(ext), STR_ARG(url_hash(a, m, ext)));
}

void meta_media_upload(struct sandbox *sb, struct http_req *r, struct number *n)
{
    struct part parts[PARTS_MAX], file = {.has_mime = false};
    size_t count, max;
    struct str product = STR_NONE, type = STR_NONE, id;

    if (!multipart_parse(http_req_header(r, STR("content-type")), http_req_body(r), parts,
                         &count)) {
        meta_refuse(sb, r, 0, 100, 0, "The body is not multipart/form-data.");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (str_eqz(parts[i].name, "messaging_product")) {
            product = parts[i].body;
        } else if (str_eqz(parts[i].name, "type")) {
            type = parts[i].body;
        } else if (str_eqz(parts[i].name, "file")) {
            file = parts[i];
        }
    }
    if (!str_eqz(product, "whatsapp")) {
        meta_refuse(sb, r, 0, 100, 0, "The parameter messaging_product is required.");
        return;
    }
    if (file.name.n == 0) {
        meta_refuse(sb, r, 0, 100, 0, "The parameter file is required.");
        return;
    }
    max = media_mime_max(file.mime);
    if (!file.has_mime || max == 0) {
        meta_refuse(sb, r, 0, 100, 0,
                    "Param file must be a file with one of the supported types; got '%.*s'.",
                    STR_ARG(file.mime));
        return;
    }
    if (type.n > 0 && media_mime_max(type) == 0) {
        meta_refuse(sb, r, 0, 100, 0, "Param type '%.*s' is not supported.", STR_ARG(type));
        return;
    }
    if (file.body.n == 0 || file.body.n > max) {
        meta_refuse(sb, r, 0, 131053, 0, "File of %zu bytes; 1 to %zu are allowed for %.*s.",
                    file.body.n, max, STR_ARG(file.mime));
        return;
    }
    id = id_digits(sb, http_req_arena(r), 16);
    media_add(sb->media, n, id, file.mime, file.filename, file.body);
    meta_answer(sb, r, arena_printf(http_req_arena(r), "{\"id\":\"%.*s\"}", STR_ARG(id)));
}

void meta_media_node(struct sandbox *sb, struct http_req *r, struct number *n, struct media *m)
{
    struct str only = pairs_get(http_req_params(r), STR("phone_number_id"));
    struct buf b;
    struct jw w;

    if (only.n > 0 && !str_eqz(only, m->number->id)) {
        meta_refuse(sb, r, 0, 100, 33, "Object with ID '%s' does not belong to this phone number.",
                    m->id);
        return;
    }
    if (str_eqz(http_req_method(r), "DELETE")) {
        media_delete(sb->media, str_of(m->id));
        meta_answer(sb, r, STR("{\"success\":true}"));
        return;
    }
    (void)n;
    buf_init(&b, 8192);
    jw_init(&w, &b);
    jw_open(&w, NULL, '{');
    jw_str(&w, "url", meta_media_url(sb, http_req_arena(r), m));
    jw_z(&w, "mime_type", m->mime);
    jw_z(&w, "sha256", m->sha256_hex);
    jw_int(&w, "file_size", (int64_t)m->n);
    jw_z(&w, "id", m->id);
    jw_z(&w, "messaging_product", "whatsapp");
    jw_close(&w, '}');
    meta_answer(sb, r, buf_str(&b));
    buf_fini(&b);
}

static void html(struct sandbox *sb, struct http_req *r, int status, int64_t code)
{
    struct answer a = {.status = status,
                       .content_type = "text/html; charset=utf-8",
                       .body = STR("<!DOCTYPE html><html><title>Error</title></html>")};

    ledger_reject(sb->ledger, DIALECT_META, status, code);
    answer_now(r, &a);
}

void meta_media_download(struct sandbox *sb, struct http_req *r)
{
    const struct pairs *q = http_req_params(r);
    struct str auth = http_req_header(r, STR("authorization"));
    struct str ext = q == NULL ? STR_NONE : pairs_get(q, STR("ext"));
    struct media *m = q == NULL ? NULL : media_find(sb->media, pairs_get(q, STR("mid")));
    int64_t until = 0;

    if (m == NULL || m->number == NULL || m->number->dialect != DIALECT_META ||
        !str_to_i64(ext, 0, INT64_MAX, &until) || until < wall_now().ms / 1000 ||
        !str_eq(pairs_get(q, STR("hash")), url_hash(http_req_arena(r), m, ext))) {
        html(sb, r, 404, 0); /* expired, foreign or never there: Meta does not tell */
        return;
    }
    if (!str_starts(auth, STR("Bearer ")) ||
        number_by_token(sb, DIALECT_META, str_slice(auth, 7, auth.n)) == NULL) {
        html(sb, r, 401, 190);
        return;
    }
    if (http_req_header(r, STR("user-agent")).n == 0) {
        html(sb, r, 400, 0); /* seen in the field: clients without a name get an error page */
        return;
    }
    if (fault_hit(sb, FAULT_MEDIA_404, DIALECT_META, STR_NONE) != NULL) {
        html(sb, r, 404, 0);
        return;
    }
    media_serve(sb, r, m);
}
