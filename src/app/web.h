/*
 * web: pages for people in a browser: written here, without script, so that the strictest policy
 * shows them. What a page is made of (its frame, its words, its fields with what is wrong with
 * them), and what every page that takes something asks: where the form comes from (Origin, CSRF
 * token).
 *
 * Addresses within a page are relative ("settings", "../static/page.css"): the public URL may have
 * a path.
 */
#ifndef CREWLINE_APP_WEB_H
#define CREWLINE_APP_WEB_H

#include "app_int.h"
#include "domain/user_store.h"
#include "html.h"

struct web {
    struct request *r;
    struct html h;
    const struct lang *l;
    struct str timezone;
};

/** The text of @key in the language of the page. */
#define WEB_WORD(page, key, ...) I18N((page)->r->a, (page)->l, (page)->timezone, key, ##__VA_ARGS__)

/** The language of a tag ("es-MX") that we speak, or NULL. */
const struct lang *web_speaks(const struct i18n *i18n, struct str tag);
/** Language and time zone of @u, or (NULL) of the browser. */
void web_init(struct web *p, struct request *r, const struct user *u);
/** Everything up to the heading. @company: whose page it is, or empty. */
void web_begin(struct web *p, struct str company, const char *title_key);
/** The rest, and the answer. */
void web_end(struct web *p, int status);

/* ---- fields; @error is the key of what is wrong with it, or NULL ---- */

/** Says, in front of all fields, that something is wrong with some of them. */
void web_trouble(struct web *p);
/** A label, then the tag of the field itself, to which the caller adds attributes and content. */
void web_label(struct web *p, const char *id, const char *label_key);
void web_field(struct web *p, const char *tag, const char *id, const char *note_id,
               const char *error);
/** What is wrong with it, behind the field. */
void web_error(struct web *p, const char *id, const char *error);
void web_hidden(struct web *p, const char *name, struct str value);
void web_button(struct web *p, const char *label_key);

/* ---- what a page is sent ---- */

struct web_form { /* a form, or JSON with the same members */
    struct pairs pairs;
    const struct json *json; /* NULL: a form */
};
/** False: answered (400, 415). */
bool web_form_read(struct request *r, struct web_form *f);
/** The text of a field; true and false are "on" and "off", null is empty. False: it is not there.
 */
bool web_form_get(const struct web_form *f, struct request *r, const char *name, struct str *out);
/** Is the Origin that of the public URL? Browsers always name one; what is none may leave it out
 * unless @needed. */
bool web_origin_ok(struct request *r, bool needed, struct err *err);
/**
 * Does it come from a page of ours: with the Origin of the public URL and @token? ERR_FORBIDDEN.
 */
bool web_is_ours(struct request *r, const struct web_form *f, struct str token, struct err *err);
/** The token of a page for whoever holds @secret (a cookie). */
struct str web_token(struct request *r, struct str secret);

/** A cookie of the request, or STR_NONE. */
struct str web_cookie(struct request *r, const char *name);
/** Set-Cookie for our pages alone, as long as the browser runs, out of reach of scripts: for
 * r->cookie. */
struct str web_cookie_set(struct request *r, const char *name, struct str value);
/** 303: on to another page. */
void web_go(struct request *r, struct str where);
/** Does whoever asks this path want HTML back? Scripts say "json" in Accept or Content-Type. */
bool web_is_wanted(struct request *r);
/** The page that says what went wrong, and what to do. */
void web_problem(struct request *r, const struct err *err);
/** It is only looked at beforehand (HEAD, a browser that guesses): what works once must not be used
 * up. */
bool web_is_preview(struct request *r);

/* ---- who it is ---- */

/*
 * The session of a technician's browser: a cookie with 32 random bytes, kept as a keyed hash
 * (ss:<hash>), over after 30 minutes without a request, after 12 hours, and when his number is another
 * or he is deleted. It opens his own pages, nothing of the API.
 */
#define SESSION_COOKIE  "crewline_person"
#define SESSION_IDLE_MS ((int64_t)30 * 60 * 1000)
#define SESSION_MOST_MS USER_SESSION_MS

struct web_session {
    struct str secret; /* the cookie's value */
    struct str key;    /* ss:<hash> */
    struct user *user;
};
/** r->session and r->who, from the cookie, then @next; where there is none, or it is over,
 * r->session is NULL. */
void session_find(struct request *r, handler_fn *next);
/**
 * A new secret for @t and its key, for a script that makes a session of it. In r->a.
 */
void session_make(struct request *r, const struct tenant *t, struct str *secret, struct str *key);
/** r->session and r->who of a person read back as @version and @body. False: he is not there (any
 * more). */
bool session_is(struct request *r, struct engine_tenant *et, struct str secret, struct str person,
                const struct reply *version, const struct reply *body);

#endif
