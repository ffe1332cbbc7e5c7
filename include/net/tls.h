/*
 * tls: TLS 1.2+ for our listener, on mbedtls, in memory: bytes in, bytes out, no sockets. The http
 * server drives it. Certificates are reloadable: connections keep the one they began with.
 */
#ifndef CREWLINE_NET_TLS_H
#define CREWLINE_NET_TLS_H

#include "base/buf.h"
#include "base/err.h"

struct tls_server; /* certificate, key, session tickets */
/** Reads PEM files. Fails: ERR_CONFIG (unreadable, invalid, or the key does not fit). */
bool tls_server_new(const char *cert_file, const char *key_file, struct tls_server **out,
                    struct err *err);
bool tls_server_reload(struct tls_server *s, struct err *err); /* keeps the old one on failure */
void tls_server_free(struct tls_server **owner);

struct tls_conn;
struct tls_conn *tls_conn_new(struct tls_server *s); /* @s may be freed before it */
void tls_conn_free(struct tls_conn **owner);
/**
 * Feed received @cipher bytes; plain text is appended to @plain and what must be sent to @out.
 * False: no more will come, and the connection is to be closed after sending @out. Then @err is left
 * as it was when the peer said goodbye, and ERR_IO when the handshake or a record is bad.
 */
bool tls_conn_feed(struct tls_conn *c, struct str cipher, struct buf *plain, struct buf *out,
                   struct err *err);
/** Only after tls_conn_feed() gave plain text. */
bool tls_conn_write(struct tls_conn *c, struct str plain, struct buf *out, struct err *err);
void tls_conn_close(struct tls_conn *c, struct buf *out); /* close_notify */

#endif
