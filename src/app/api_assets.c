/* api_assets: the QR code to stick on a machine: it opens WhatsApp with "REPORT <asset> " typed in.
 */
#include "app_int.h"
#include "base/qr.h"
#include "base/text.h"
#include "domain/matter.h"

#define SCALE_PIXELS 8 /* a module: a label of 3 cm prints at 300 dpi and more */

static const struct sender *sender_asked(struct request *r)
{
    const struct tenant_settings *t = r->who.tenant->conf;
    struct str id = request_param(r, "sender");
    const struct sender *s =
        id.n > 0 ? tenant_sender(t, id) : tenant_sender_for(t, STR_NONE, STR_NONE);

    if (s == NULL) {
        err_set(&r->err, ERR_NOT_FOUND, "there is no sender%s%.*s", id.n > 0 ? " " : "",
                STR_ARG(str_slice(id, 0, 64)));
        reply_error(r, &r->err);
    }
    return s;
}

/* wa.me takes the number without its '+', and any text. */
static bool link_of(struct request *r, struct str *out)
{
    const struct sender *s;
    struct buf link;

    if (!matter_id_ok(r->args[0])) {
        err_set(&r->err, ERR_INVALID,
                "the id of an asset is 1 to 128 bytes without blanks and '|'");
        reply_error(r, &r->err);
        return false;
    }
    s = sender_asked(r);
    if (s == NULL) {
        return false;
    }
    if (s->number.n == 0) { /* Meta sends without being told it */
        err_set(&r->err, ERR_INVALID,
                "sender %.*s has no number in the configuration for the code to open",
                STR_ARG(s->id));
        reply_error(r, &r->err);
        return false;
    }
    buf_init(&link, 4096);
    buf_addf(&link, "https://wa.me/%.*s?text=", STR_ARG(str_slice(s->number, 1, s->number.n)));
    percent_add(&link, arena_printf(r->a, "REPORT %.*s ", STR_ARG(r->args[0])));
    *out = arena_dup(r->a, buf_str(&link));
    buf_fini(&link);
    return true;
}

static void answer(struct request *r, bool png)
{
    struct str link;
    struct buf code;
    bool ok;

    if (!link_of(r, &link)) {
        return;
    }
    buf_init(&code, (size_t)1 << 20);
    ok = png ? qr_png(link, SCALE_PIXELS, &code, &r->err) : qr_svg(link, &code, &r->err);
    if (ok) {
        reply_text(r, 200, png ? "image/png" : "image/svg+xml", arena_dup(r->a, buf_str(&code)));
    } else {
        reply_error(r, &r->err);
    }
    buf_fini(&code);
}

void api_asset_qr_svg(struct request *r)
{
    answer(r, false);
}

void api_asset_qr_png(struct request *r)
{
    answer(r, true);
}
