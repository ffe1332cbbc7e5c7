/*
 * media: the bytes of the files that people sent (domain/media.h has what is known of them). They lie under
 * the data directory, media/<tenant>/ab/cd/<name>, or in an S3-compatible bucket under the same path; equal
 * content once a tenant, its name being the tenant's keyed hash of the SHA-256.
 *
 * Form of a stored file: "CWM1", the file's own random key sealed by the tenant's vault (record mb:<name>), then
 * chunks of 64 KiB, each sealed by that key (base/crypto.h) with its number as AAD, that of the last with '$'
 * behind: none can be changed, moved, left out or cut off, and no file passes for another.
 *
 * Everything that touches a disk or a whole chunk happens in the pool of the loop.
 */
#ifndef CREWLINE_JOBS_MEDIA_H
#define CREWLINE_JOBS_MEDIA_H

#include "base/err.h"
#include "jobs/engine.h"

struct media_sink {
    void (*on_bytes)(void *ctx, struct str bytes); /* in order */
    void (*on_end)(void *ctx, const struct err *err); /* once, the last; NULL: all of it came and is whole */
    void *ctx;
};
/**
 * Reads the stored content @name (medium.blob), unsealed. ERR_NOT_FOUND: it is not there, with nothing handed
 * over; ERR_DAMAGED: it was changed, found out perhaps in the middle.
 */
struct op *media_read(struct engine_tenant *et, struct str name, const struct media_sink *sink);
/** What is under way still comes (some 200 KiB at most); then nothing until it is resumed. */
void media_read_pause(struct op *op);
void media_read_resume(struct op *op);

typedef void media_done_fn(void *ctx, const struct err *err);
/**
 * The medium goes, and its content with the last that points to it. @on_done also where it was gone. @person: in
 * whose list it was found, or empty: it goes from there also where its record does not tell him.
 */
struct op *media_forget(struct engine_tenant *et, struct str id, struct str person,
                        media_done_fn *on_done, void *ctx);

#endif
