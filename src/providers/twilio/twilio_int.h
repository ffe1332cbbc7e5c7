/* Twilio inside: what its files tell one another. */
#ifndef CREWLINE_PROVIDERS_TWILIO_INT_H
#define CREWLINE_PROVIDERS_TWILIO_INT_H

#include "../provider_int.h"

#define TWILIO_API_VERSION   "2010-04-01"
#define TWILIO_BODY_MAX      1600
#define TWILIO_CONTENT_MAX   1024
#define TWILIO_VARIABLES_MAX 100
#define TWILIO_STATUS_PATH   "/api/whatsappwebhook/status?c="

bool twilio_parse(struct arena *a, struct str body, struct inbound_batch *out, struct err *err);
bool twilio_check(const struct message *m, struct err *err);
bool twilio_build(struct arena *a, const struct sender *s, const struct message *m,
                  struct str correlation, struct str callback_base, struct outgoing *out,
                  struct err *err);
bool twilio_probe(struct arena *a, const struct sender *s, struct outgoing *out);
void twilio_outcome(struct arena *a, int status, struct str body, int64_t retry_after_s,
                    const struct err *err, struct outcome *out);
const struct provider_error *twilio_error_find(int64_t code, int64_t subcode);

/* The table itself, for the test that it is sorted and complete. */
extern const struct provider_error twilio_errors[];
extern const size_t twilio_nerrors;

/** Twilio's word for a status; DELIVERY_NONE for those that only prove that Twilio has the message.
 */
enum delivery_state twilio_state(struct str word);

/** Header, text and footer as one text: "*header*", blank line, text, blank line, "_footer_". */
void twilio_whole_text(const struct message *m, struct buf *out);
/** The variables of a Content message as a JSON object: what the key leaves out. */
void twilio_content_variables(const struct message *m, struct buf *out);
/** How many there are; checked against TWILIO_VARIABLES_MAX. */
size_t twilio_content_count(const struct message *m);

#endif
