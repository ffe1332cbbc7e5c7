/*
 * web_verify: what the parts of /whatsapp/verify share: the page (web_verify.c) and the codes
 * (web_code.c).
 *
 * A code has 6 digits, holds for 10 minutes and 5 tries; 3 are sent to a number in an hour, 300
 * from an address. The page says the same of a number that nobody has, after the same time. With
 * several tenants each that has the number sends a code of its own, and any of them verifies with
 * its tenant.
 */
#ifndef CREWLINE_APP_WEB_VERIFY_H
#define CREWLINE_APP_WEB_VERIFY_H

#include "web.h"

#define CODE_DIGITS      6
#define CODE_LIFE_MS     ((int64_t)10 * 60 * 1000)
#define CODE_TRIES       5
#define CODE_PHONE_HOUR  3
#define CODE_SOURCE_HOUR 300

struct verify {
    struct str phone; /* E.164 */
    struct str code;  /* digits, or empty: one is asked for */
    struct str typed; /* as typed */
    bool json;
    size_t tenant;   /* at it */
    int64_t wait_ms; /* too many were asked for; 0: no */
    int tries;
    struct mono began;
    struct timer *timer;
    struct plan plan;
    struct str key;   /* of the new session */
    struct str moved; /* when his number changed last, or empty */
};

/** Makes and sends codes for r->user; @done when all tenants are through. */
void code_send(struct request *r, handler_fn *done);
/** Looks for the tenant whose code it is: then he is verified and r->session is set; then @done. */
void code_check(struct request *r, handler_fn *done);

#endif
