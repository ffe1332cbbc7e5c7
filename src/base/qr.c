#include "base/qr.h"

#include "base/mem.h"

#include <png.h>
#include <qrencode.h>
#include <setjmp.h>

#define QUIET     4 /* modules around it */
#define SCALE_MAX 32

static bool encode(struct str text, QRcode **out, struct err *err)
{
    if (text.n == 0 || text.n > QR_TEXT_MAX) {
        return err_set(err, ERR_TOO_LONG, "a QR code takes 1 to %d bytes", QR_TEXT_MAX);
    }
    *out = QRcode_encodeData((int)text.n, (const unsigned char *)text.p, 0, QR_ECLEVEL_M);
    return *out != NULL || err_set(err, ERR_INTERNAL, "the QR code could not be made");
}

static bool dark(const QRcode *q, int x, int y)
{
    return x >= 0 && y >= 0 && x < q->width && y < q->width && (q->data[y * q->width + x] & 1) != 0;
}

bool qr_svg(struct str text, struct buf *out, struct err *err)
{
    QRcode *q;
    int side;

    if (!encode(text, &q, err)) {
        return false;
    }
    side = q->width + 2 * QUIET;
    buf_addf(out,
             "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
             "shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h%dv%dH0z\"/><path d=\"",
             side, side, side, side);
    for (int y = 0; y < q->width; y++) {
        for (int x = 0; x < q->width; x++) {
            int from = x;

            while (dark(q, x, y)) { /* a run is one rectangle */
                x++;
            }
            if (x > from) {
                buf_addf(out, "M%d %dh%dv1h-%dz", from + QUIET, y + QUIET, x - from, x - from);
            }
        }
    }
    buf_addz(out, "\"/></svg>\n");
    QRcode_free(q);
    return buf_ok(out) || err_set(err, ERR_TOO_LONG, "the QR code is too large");
}

/* ---- PNG ---- */

static void on_bytes(png_structp png, png_bytep bytes, size_t n)
{
    buf_add(png_get_io_ptr(png), str_make((const char *)bytes, n));
}

static void on_flush(png_structp png)
{
    (void)png;
}

static void draw(png_structp png, png_infop info, const QRcode *q, int scale, png_bytep row)
{
    int side = (q->width + 2 * QUIET) * scale;

    png_set_IHDR(png, info, (png_uint_32)side, (png_uint_32)side, 1, PNG_COLOR_TYPE_GRAY,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (int y = 0; y < side; y++) {
        memset(row, 0, (size_t)side / 8 + 1);
        for (int x = 0; x < side; x++) {
            if (!dark(q, x / scale - QUIET, y / scale - QUIET)) {
                row[x / 8] |= (png_byte)(0x80 >> (x % 8));
            }
        }
        png_write_row(png, row);
    }
    png_write_end(png, info);
}

/* libpng leaves by longjmp when something is wrong. */
static bool write_png(png_structp png, png_infop info, const QRcode *q, int scale, png_bytep row,
                      struct buf *out)
{
    if (setjmp(png_jmpbuf(png)) != 0) {
        return false;
    }
    png_set_write_fn(png, out, on_bytes, on_flush);
    draw(png, info, q, scale, row);
    return buf_ok(out);
}

bool qr_png(struct str text, int scale, struct buf *out, struct err *err)
{
    int pixels = scale < 1 ? 1 : scale > SCALE_MAX ? SCALE_MAX : scale;
    png_structp png;
    png_infop info;
    png_bytep row;
    QRcode *q;
    bool ok;

    if (!encode(text, &q, err)) {
        return false;
    }
    png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    info = png != NULL ? png_create_info_struct(png) : NULL;
    row = mem_new((size_t)((q->width + 2 * QUIET) * pixels) / 8 + 1);
    ok = info != NULL && write_png(png, info, q, pixels, row, out);
    png_destroy_write_struct(&png, &info);
    QRcode_free(q);
    mem_free(&row);
    return ok || err_set(err, ERR_INTERNAL, "the PNG could not be made");
}
