/*
 * app: the HTTP face of the gateway: webhooks of the providers, the JSON API, health and metrics. Wiring
 * only: routes, credentials, problem+json; the work is done by jobs/ and domain/.
 */
#ifndef CREWLINE_APP_APP_H
#define CREWLINE_APP_APP_H

#include "jobs/engine.h"
#include "net/http_server.h"
#include "net/tls.h"

struct app;

/** Adds the scripts of this room to those of the store, once: before engine_new(), by whoever calls it first. */
void app_scripts_add(void);
/** Calls app_scripts_add(): so it comes before engine_new(), or that was called by hand. */
struct app *app_new(struct loop *l, struct settings *s, const struct i18n *i18n);
/** Opens the listening sockets: before the engine is ready everything but /healthz answers 503. */
bool app_listen(struct app *app, struct err *err);
/** At one place of the caller's choice instead, without TLS (the command line). */
bool app_listen_at(struct app *app, struct str where, struct err *err);
/** From then on requests reach the engine. */
void app_serve(struct app *app, struct engine *e);
void app_reloaded(struct app *app, struct err *err); /* certificates, secrets of webhooks */
/** Not ready any more, though everything is still served: load balancers look away meanwhile. */
void app_retire(struct app *app);
void app_drain(struct app *app, loop_fn *on_drained, void *ctx);
/**
 * Closes what is still open, at the end of a drain that took too long: before engine_free(), since open
 * requests hold operations of its store. Only app_free() may follow. Not from inside a handler.
 */
void app_close(struct app *app);
void app_free(struct app **owner);
/** "127.0.0.1:8080" as really taken (port 0 in tests). */
int app_port(const struct app *app);

/** The OpenAPI 3.1 document, made from the table of routes. */
void openapi_write(struct buf *out);

#endif
