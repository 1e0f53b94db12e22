#include "STUNReader.h"

#include <netinet/in.h>
#include <string.h>
#include <stun/stunagent.h>
#include <stun/usages/bind.h>
#include <stun/usages/ice.h>
#include <stun/usages/turn.h>

static const uint16_t known[] = {
    STUN_ATTRIBUTE_MAPPED_ADDRESS, STUN_ATTRIBUTE_USERNAME, STUN_ATTRIBUTE_MESSAGE_INTEGRITY, STUN_ATTRIBUTE_ERROR_CODE,
    STUN_ATTRIBUTE_UNKNOWN_ATTRIBUTES, STUN_ATTRIBUTE_REALM, STUN_ATTRIBUTE_NONCE, STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS,
    STUN_ATTRIBUTE_PRIORITY, STUN_ATTRIBUTE_USE_CANDIDATE, STUN_ATTRIBUTE_SOFTWARE, STUN_ATTRIBUTE_FINGERPRINT,
    STUN_ATTRIBUTE_ICE_CONTROLLED, STUN_ATTRIBUTE_ICE_CONTROLLING, 0};

static void readAddresses(const StunMessage *message) {
    struct sockaddr_storage address, other;
    socklen_t length = sizeof address, otherLength = sizeof other;
    stun_message_find_addr(message, STUN_ATTRIBUTE_MAPPED_ADDRESS, &address, &length);
    length = sizeof address;
    stun_message_find_xor_addr(message, STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS, &address, &length);
    uint32_t bandwidth = 0, lifetime = 0;
    length = sizeof address;
    StunMessage copy = *message;
    stun_usage_turn_process(&copy, &address, &length, &other, &otherLength, &other, &otherLength, &bandwidth, &lifetime,
                            STUN_USAGE_TURN_COMPATIBILITY_RFC5766);
    length = sizeof address;
    otherLength = sizeof other;
    stun_usage_bind_process(&copy, &address, &length, &other, &otherLength);
    length = sizeof address;
    stun_usage_ice_conncheck_process(&copy, &address, &length, STUN_USAGE_ICE_COMPATIBILITY_RFC5245);
}

static void readTexts(const StunMessage *message) {
    char text[256];
    int code = 0;
    uint32_t priority = 0;
    uint64_t tie = 0;
    stun_message_find_error(message, &code);
    stun_message_find_string(message, STUN_ATTRIBUTE_SOFTWARE, text, sizeof text);
    stun_message_find_string(message, STUN_ATTRIBUTE_REALM, text, sizeof text);
    stun_message_find32(message, STUN_ATTRIBUTE_PRIORITY, &priority);
    stun_message_find64(message, STUN_ATTRIBUTE_ICE_CONTROLLING, &tie);
    stun_message_find_flag(message, STUN_ATTRIBUTE_USE_CANDIDATE);
    stun_usage_ice_conncheck_priority(message);
    stun_usage_ice_conncheck_use_candidate(message);
}

static void answer(StunAgent *agent, StunMessage *request) {
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_port = htons(5000), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct sockaddr_storage source;
    memset(&source, 0, sizeof source);
    memcpy(&source, &from, sizeof from);
    uint8_t bytes[1500];
    size_t length = sizeof bytes;
    bool controls = false;
    StunMessage message;
    stun_usage_ice_conncheck_create_reply(agent, request, &message, bytes, &length, &source, sizeof from, &controls, 7,
                                          STUN_USAGE_ICE_COMPATIBILITY_RFC5245);
}

void readSTUN(const uint8_t *bytes, size_t count, int believes) {
    StunAgent agent;
    stun_agent_init(&agent, known, STUN_COMPATIBILITY_RFC5389,
                    believes ? STUN_AGENT_USAGE_IGNORE_CREDENTIALS : STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT);
    StunDefaultValidaterData people[] = {{(uint8_t *)"abcd:efgh", 9, (uint8_t *)"0123456789012345678901", 22}, {NULL, 0, NULL, 0}};
    // A copy of its own size, for the reader must not look behind it.
    uint8_t copy[2048];
    if (count > sizeof copy) count = sizeof copy;
    memcpy(copy, bytes, count);
    // An answer counts only where its question was asked.
    if (believes && count >= 20) {
        memcpy(agent.sent_ids[0].id, copy + 4, sizeof agent.sent_ids[0].id);
        agent.sent_ids[0].method = (StunMethod)((copy[0] & 0x3E) << 2 | (copy[1] & 0xE0) >> 1 | (copy[1] & 0x0F));
        agent.sent_ids[0].valid = true;
    }
    stun_message_validate_buffer_length(copy, count, true);
    StunMessage message;
    switch (stun_agent_validate(&agent, &message, copy, count, stun_agent_default_validater, people)) {
    case STUN_VALIDATION_NOT_STUN:
    case STUN_VALIDATION_INCOMPLETE_STUN: return;
    case STUN_VALIDATION_SUCCESS: break;
    default:
        if (!believes) return;
    }
    readAddresses(&message);
    readTexts(&message);
    if (stun_message_get_class(&message) == STUN_REQUEST && stun_message_get_method(&message) == STUN_BINDING) answer(&agent, &message);
}
