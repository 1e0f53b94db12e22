// What Swift cannot import of OpenSSL: macros that are calls, and variadic functions.
#pragma once
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/srtp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string.h>

static inline EVP_PKEY *gatehouse_ssl_make_key(void) { return EVP_EC_gen("P-256"); }

/// A certificate for `key`, signed by itself, good from yesterday for so many days; viewers know it by its fingerprint alone.
static inline X509 *gatehouse_ssl_make_certificate(EVP_PKEY *key, long days) {
    X509 *certificate = X509_new();
    unsigned long long serial = 0;
    if (!certificate) return NULL;
    X509_NAME *name = X509_get_subject_name(certificate);
    if (RAND_bytes((unsigned char *)&serial, sizeof serial) == 1 && X509_set_version(certificate, 2)
        && ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1)
        && X509_gmtime_adj(X509_getm_notBefore(certificate), -86400L)
        && X509_gmtime_adj(X509_getm_notAfter(certificate), 86400L * days)
        && X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"WebRTC", -1, -1, 0)
        && X509_set_issuer_name(certificate, name) && X509_set_pubkey(certificate, key)
        && X509_sign(certificate, key, EVP_sha256()))
        return certificate;
    X509_free(certificate);
    return NULL;
}

/// The certificate itself is judged by its fingerprint, which the session's description told.
static inline int gatehouse_ssl_take_any(int ok, X509_STORE_CTX *store) {
    (void)ok;
    (void)store;
    return 1;
}

/// DTLS 1.2 with SRTP's keys (RFC 6347, RFC 5764), for either side.
static inline SSL_CTX *gatehouse_ssl_context(X509 *certificate, EVP_PKEY *key) {
    SSL_CTX *context = SSL_CTX_new(DTLS_method());
    if (!context) return NULL;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, gatehouse_ssl_take_any);
    SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    if (SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION) == 1
        && SSL_CTX_set_cipher_list(context, "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
                                            "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305") == 1
        && SSL_CTX_use_certificate(context, certificate) == 1 && SSL_CTX_use_PrivateKey(context, key) == 1
        && SSL_CTX_set_tlsext_use_srtp(context, "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80") == 0)
        return context;
    SSL_CTX_free(context);
    return NULL;
}

/// A connection over two memory BIOs of its own.
static inline SSL *gatehouse_ssl_make(SSL_CTX *context, int is_server, long mtu) {
    SSL *ssl = SSL_new(context);
    if (!ssl) return NULL;
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    if (!in || !out) {
        BIO_free(in);
        BIO_free(out);
        SSL_free(ssl);
        return NULL;
    }
    // Nothing there yet is not the end.
    BIO_set_mem_eof_return(in, -1);
    BIO_set_mem_eof_return(out, -1);
    SSL_set_bio(ssl, in, out);
    DTLS_set_link_mtu(ssl, mtu);
    if (is_server) SSL_set_accept_state(ssl);
    else SSL_set_connect_state(ssl);
    return ssl;
}
static inline int gatehouse_ssl_feed(SSL *ssl, const void *bytes, int count) { return BIO_write(SSL_get_rbio(ssl), bytes, count); }
static inline int gatehouse_ssl_drain(SSL *ssl, void *bytes, int room) { return BIO_read(SSL_get_wbio(ssl), bytes, room); }
/// Milliseconds until something has to be sent again; -1 for never.
static inline long gatehouse_ssl_timeout(SSL *ssl) {
    struct timeval left;
    if (DTLSv1_get_timeout(ssl, &left) != 1) return -1;
    return left.tv_sec * 1000 + left.tv_usec / 1000;
}
static inline long gatehouse_ssl_handle_timeout(SSL *ssl) { return DTLSv1_handle_timeout(ssl); }
