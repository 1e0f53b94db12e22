// What Swift cannot import of libsrtp2: policies, which are set by macros and unions.
#pragma once
#include <srtp2/srtp.h>
#include <string.h>

/// A session for all streams of one direction; `key` is the master key and the salt behind it (RFC 3711; RFC 7714 for `is_gcm`).
static inline srtp_err_status_t gatehouse_srtp_create(srtp_t *session, int is_gcm, int is_inbound, unsigned char *key) {
    srtp_policy_t policy;
    memset(&policy, 0, sizeof policy);
    if (is_gcm) {
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
    } else {
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
    }
    policy.ssrc.type = is_inbound ? ssrc_any_inbound : ssrc_any_outbound;
    policy.key = key;
    policy.window_size = 1024;
    return srtp_create(session, &policy);
}
