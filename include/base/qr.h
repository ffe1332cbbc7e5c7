/*
 * qr: a text as a QR code (libqrencode), error correction M, with the quiet zone of four modules that
 * scanners want. Smudged labels in a hall are read by the 15 % that M can lose.
 */
#ifndef CREWLINE_BASE_QR_H
#define CREWLINE_BASE_QR_H

#include "base/buf.h"
#include "base/err.h"

#define QR_TEXT_MAX 1000 /* bytes */

/** An SVG without scripts or styles; one unit a module. ERR_TOO_LONG above QR_TEXT_MAX. */
bool qr_svg(struct str text, struct buf *out, struct err *err);
/** A black and white PNG, @scale pixels a module (1 to 32). */
bool qr_png(struct str text, int scale, struct buf *out, struct err *err);

#endif
