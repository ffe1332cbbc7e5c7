/*
 * media: files in memory: uploads of the gateway, what phones sent, what links were fetched.
 * Bounded: past MEDIA_BYTES_MAX the oldest go, as they do at the providers after 7 or 30 days.
 */
#ifndef CREWLINE_SANDBOX_MEDIA_H
#define CREWLINE_SANDBOX_MEDIA_H

#include "sandbox.h"

#define MEDIA_BYTES_MAX (512u << 20)
#define MEDIA_ONE_MAX   (100u << 20)

struct media {
    struct list node;
    char *id;     /* Meta: digits; Twilio: ME sid */
    char *parent; /* Twilio: the message sid, or NULL */
    char *mime, *filename;
    struct number *number;
    char *bytes;
    size_t n;
    char sha256_hex[65];
    struct str sha256; /* 32 raw bytes */
    uint8_t digest[32];
    int64_t misses; /* how often a 404 was given first */
};

struct media_store *media_store_new(void);
void media_store_free(struct media_store **owner);
/** Copies all; never fails, drops the oldest instead. */
struct media *media_add(struct media_store *s, struct number *n, struct str id, struct str mime,
                        struct str filename, struct str bytes);
struct media *media_find(struct media_store *s, struct str id);
bool media_delete(struct media_store *s, struct str id);
bool media_belongs(const struct media *m, const struct number *n); /* same account */

/** Whether a file of @mime may be sent as @kind (image, video, audio, document, sticker). */
bool media_kind_takes(const char *kind, const char *mime);
/** The most bytes for @mime; 0: Meta takes no such files. */
size_t media_mime_max(struct str mime);
/** The kind that a file of @mime shows as. */
const char *media_kind_of(struct str mime);

/** Answers @r with the file, as slowly as the faults ask. */
void media_serve(struct sandbox *sb, struct http_req *r, const struct media *m);

#endif
