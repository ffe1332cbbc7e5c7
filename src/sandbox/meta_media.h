/* meta_media: upload, look-up, download and deletion of Meta's media. */
#ifndef CREWLINE_SANDBOX_META_MEDIA_H
#define CREWLINE_SANDBOX_META_MEDIA_H

#include "media.h"
#include "meta.h"

#define META_DOWNLOAD_PATH "/whatsapp_business/attachments/"

void meta_media_upload(struct sandbox *sb, struct http_req *r, struct number *n);
/** GET or DELETE of a media id. */
void meta_media_node(struct sandbox *sb, struct http_req *r, struct number *n, struct media *m);
void meta_media_download(struct sandbox *sb, struct http_req *r);
/** A URL that serves @m for timing.url_life_ms. */
struct str meta_media_url(struct sandbox *sb, struct arena *a, const struct media *m);

#endif
