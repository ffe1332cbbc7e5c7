#include "net/tls.h"

#include <assert.h>
#include <string.h>

#include <mbedtls/error.h>
#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ticket.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
#include <psa/crypto.h>
#endif

#include "base/crypto.h"
#include "base/mem.h"

#define TICKET_LIFE_S (24 * 60 * 60)
#define RECORD_BYTES  16384

/*
 * One certificate with all that goes with it. Two kinds of equal owners hold a reference: the
 * server, for those to come, and every connection that began with it; so a reload disturbs nobody.
 */
struct tls_identity {
    unsigned refs;
    mbedtls_ssl_config config;
    mbedtls_x509_crt chain;
    mbedtls_pk_context key;
    mbedtls_ssl_ticket_context tickets;
};

struct tls_server {
    char *cert_file, *key_file;
    struct tls_identity *identity;
};

struct tls_conn {
    mbedtls_ssl_context ssl;
    struct tls_identity *identity;
    struct str in;   /* received and not yet taken, during one call */
    struct buf *out; /* where to send to, during one call */
    bool ready;      /* the handshake is done */
};

/* Forward secrecy and authenticated encryption only. */
static const int suites[] = {
#ifdef MBEDTLS_SSL_PROTO_TLS1_3
    MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
    MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
    MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
#endif
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    0,
};

static const char *protocols[] = {"http/1.1", NULL};

static int random_for_tls(void *ctx, unsigned char *out, size_t n)
{
    (void)ctx;
    random_bytes(out, n);
    return 0;
}

static void identity_unref(struct tls_identity **owner)
{
    struct tls_identity *id = *owner;

    *owner = NULL;
    if (id == NULL || --id->refs > 0) {
        return;
    }
    mbedtls_ssl_ticket_free(&id->tickets);
    mbedtls_ssl_config_free(&id->config);
    mbedtls_x509_crt_free(&id->chain);
    mbedtls_pk_free(&id->key);
    mem_free(&id);
}

static bool tls_err(struct err *err, enum err_code code, const char *what, int rc)
{
    char reason[128];

    mbedtls_strerror(rc, reason, sizeof(reason));
    return err_set(err, code, "%s: %s", what, reason);
}

static bool read_files(struct tls_identity *id, const struct tls_server *s, struct err *err)
{
    int rc = mbedtls_x509_crt_parse_file(&id->chain, s->cert_file);

    if (rc > 0) {
        return err_set(err, ERR_CONFIG, "certificate file %s: %d of its certificates are invalid",
                       s->cert_file, rc);
    }
    if (rc < 0) {
        tls_err(err, ERR_CONFIG, s->cert_file, rc);
        return err_wrap(err, "certificate file");
    }
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    rc = mbedtls_pk_parse_keyfile(&id->key, s->key_file, NULL, random_for_tls, NULL);
#else
    rc = mbedtls_pk_parse_keyfile(&id->key, s->key_file, NULL);
#endif
    if (rc != 0) {
        tls_err(err, ERR_CONFIG, s->key_file, rc);
        return err_wrap(err, "key file");
    }
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    rc = mbedtls_pk_check_pair(&id->chain.pk, &id->key, random_for_tls, NULL);
#else
    rc = mbedtls_pk_check_pair(&id->chain.pk, &id->key);
#endif
    return rc == 0 || err_set(err, ERR_CONFIG, "the key in %s does not fit the certificate in %s",
                              s->key_file, s->cert_file);
}

static bool configure(struct tls_identity *id, struct err *err)
{
    int rc = mbedtls_ssl_config_defaults(&id->config, MBEDTLS_SSL_IS_SERVER,
                                         MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);

    if (rc == 0) {
        rc = mbedtls_ssl_ticket_setup(&id->tickets, random_for_tls, NULL,
                                      MBEDTLS_CIPHER_AES_256_GCM, TICKET_LIFE_S);
    }
    if (rc == 0) {
        rc = mbedtls_ssl_conf_own_cert(&id->config, &id->chain, &id->key);
    }
    if (rc == 0) {
        rc = mbedtls_ssl_conf_alpn_protocols(&id->config, protocols);
    }
    if (rc != 0) {
        return tls_err(err, ERR_CONFIG, "cannot set up TLS", rc);
    }
    mbedtls_ssl_conf_rng(&id->config, random_for_tls, NULL);
    mbedtls_ssl_conf_ciphersuites(&id->config, suites);
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    mbedtls_ssl_conf_min_tls_version(&id->config, MBEDTLS_SSL_VERSION_TLS1_2);
#else
    mbedtls_ssl_conf_min_version(&id->config, MBEDTLS_SSL_MAJOR_VERSION_3,
                                 MBEDTLS_SSL_MINOR_VERSION_3);
#endif
    mbedtls_ssl_conf_session_tickets_cb(&id->config, mbedtls_ssl_ticket_write,
                                        mbedtls_ssl_ticket_parse, &id->tickets);
    return true;
}

static bool identity_new(const struct tls_server *s, struct tls_identity **out, struct err *err)
{
    struct tls_identity *id = MEM_NEW(struct tls_identity);

    id->refs = 1;
    mbedtls_ssl_config_init(&id->config);
    mbedtls_x509_crt_init(&id->chain);
    mbedtls_pk_init(&id->key);
    mbedtls_ssl_ticket_init(&id->tickets);
    if (!read_files(id, s, err) || !configure(id, err)) {
        identity_unref(&id);
        return false;
    }
    *out = id;
    return true;
}

bool tls_server_new(const char *cert_file, const char *key_file, struct tls_server **out,
                    struct err *err)
{
    struct tls_server *s = MEM_NEW(struct tls_server);

#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    psa_crypto_init();
#endif
    s->cert_file = mem_dupz(str_of(cert_file));
    s->key_file = mem_dupz(str_of(key_file));
    if (!identity_new(s, &s->identity, err)) {
        tls_server_free(&s);
        return false;
    }
    *out = s;
    return true;
}

bool tls_server_reload(struct tls_server *s, struct err *err)
{
    struct tls_identity *fresh = NULL;

    if (!identity_new(s, &fresh, err)) {
        return false;
    }
    identity_unref(&s->identity);
    s->identity = fresh;
    return true;
}

void tls_server_free(struct tls_server **owner)
{
    struct tls_server *s = *owner;

    if (s == NULL) {
        return;
    }
    *owner = NULL;
    identity_unref(&s->identity);
    mem_free(&s->cert_file);
    mem_free(&s->key_file);
    mem_free(&s);
}

/* A connection. */

static int send_to_buf(void *ctx, const unsigned char *bytes, size_t n)
{
    struct tls_conn *c = ctx;

    buf_add(c->out, str_make(bytes, n));
    return buf_ok(c->out) ? (int)n : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

static int recv_from_str(void *ctx, unsigned char *bytes, size_t n)
{
    struct tls_conn *c = ctx;

    if (c->in.n == 0) {
        return MBEDTLS_ERR_SSL_WANT_READ;
    }
    n = n < c->in.n ? n : c->in.n;
    memcpy(bytes, c->in.p, n);
    c->in = str_slice(c->in, n, c->in.n);
    return (int)n;
}

struct tls_conn *tls_conn_new(struct tls_server *s)
{
    struct tls_conn *c = MEM_NEW(struct tls_conn);
    int rc;

    c->identity = s->identity;
    c->identity->refs++;
    mbedtls_ssl_init(&c->ssl);
    rc = mbedtls_ssl_setup(&c->ssl, &c->identity->config);
    assert(rc == 0); /* it fails only for want of memory */
    (void)rc;
    mbedtls_ssl_set_bio(&c->ssl, c, send_to_buf, recv_from_str, NULL);
    return c;
}

void tls_conn_free(struct tls_conn **owner)
{
    struct tls_conn *c = *owner;

    if (c == NULL) {
        return;
    }
    *owner = NULL;
    mbedtls_ssl_free(&c->ssl);
    identity_unref(&c->identity);
    mem_free(&c);
}

static int read_plain(struct tls_conn *c, struct buf *plain)
{
    char *to = buf_reserve(plain, RECORD_BYTES);
    int rc;

    if (to == NULL) {
        return MBEDTLS_ERR_SSL_INTERNAL_ERROR;
    }
    rc = mbedtls_ssl_read(&c->ssl, (unsigned char *)to, RECORD_BYTES);
    if (rc > 0) {
        buf_grew(plain, (size_t)rc);
    }
    return rc;
}

bool tls_conn_feed(struct tls_conn *c, struct str cipher, struct buf *plain, struct buf *out,
                   struct err *err)
{
    int rc = 0;

    c->in = cipher;
    c->out = out;
    if (!c->ready) {
        rc = mbedtls_ssl_handshake(&c->ssl);
        c->ready = rc == 0;
    }
    while (c->ready && (rc = read_plain(c, plain)) > 0) {
    }
    c->in = STR_NONE;
    c->out = NULL;
    if (rc == MBEDTLS_ERR_SSL_WANT_READ) {
        return true;
    }
    if (rc == 0 || rc == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
        return false; /* goodbye, no error */
    }
    return tls_err(err, ERR_IO, c->ready ? "TLS record" : "TLS handshake", rc);
}

bool tls_conn_write(struct tls_conn *c, struct str plain, struct buf *out, struct err *err)
{
    assert(c->ready);
    c->out = out;
    while (plain.n > 0) {
        int rc = mbedtls_ssl_write(&c->ssl, (const unsigned char *)plain.p, plain.n);

        if (rc <= 0) {
            c->out = NULL;
            return tls_err(err, ERR_IO, "TLS record", rc);
        }
        plain = str_slice(plain, (size_t)rc, plain.n);
    }
    c->out = NULL;
    return true;
}

void tls_conn_close(struct tls_conn *c, struct buf *out)
{
    c->out = out;
    if (c->ready) {
        mbedtls_ssl_close_notify(&c->ssl);
    }
    c->out = NULL;
}
