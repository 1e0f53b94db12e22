#include "STUNReader.h"

#include <netinet/in.h>
#include <string.h>
#include <stun/stunagent.h>
#include <stun/usages/bind.h>
#include <stun/usages/ice.h>
#include <stun/usages/turn.h>

// libnice is not instrumented: what came of a message stands in for the branches that it took (libFuzzer's extra counters).
__attribute__((section("__libfuzzer_extra_counters"), used)) volatile uint8_t stunOutcomes[4096];

static void note(unsigned what, int outcome) { stunOutcomes[(what * 64 + (unsigned)(outcome & 63)) & 4095] = 1; }

static const uint16_t known[] = {
    STUN_ATTRIBUTE_MAPPED_ADDRESS, STUN_ATTRIBUTE_USERNAME, STUN_ATTRIBUTE_MESSAGE_INTEGRITY, STUN_ATTRIBUTE_ERROR_CODE,
    STUN_ATTRIBUTE_UNKNOWN_ATTRIBUTES, STUN_ATTRIBUTE_REALM, STUN_ATTRIBUTE_NONCE, STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS,
    STUN_ATTRIBUTE_PRIORITY, STUN_ATTRIBUTE_USE_CANDIDATE, STUN_ATTRIBUTE_SOFTWARE, STUN_ATTRIBUTE_FINGERPRINT,
    STUN_ATTRIBUTE_ICE_CONTROLLED, STUN_ATTRIBUTE_ICE_CONTROLLING, 0};

static void readAddresses(const StunMessage *message) {
    struct sockaddr_storage address, other;
    socklen_t length = sizeof address, otherLength = sizeof other;
    note(1, (int)stun_message_find_addr(message, STUN_ATTRIBUTE_MAPPED_ADDRESS, &address, &length));
    length = sizeof address;
    note(2, (int)stun_message_find_xor_addr(message, STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS, &address, &length));
    uint32_t bandwidth = 0, lifetime = 0;
    length = sizeof address;
    StunMessage copy = *message;
    note(3, (int)stun_usage_turn_process(&copy, &address, &length, &other, &otherLength, &other, &otherLength, &bandwidth, &lifetime,
                                         STUN_USAGE_TURN_COMPATIBILITY_RFC5766));
    length = sizeof address;
    otherLength = sizeof other;
    note(4, (int)stun_usage_bind_process(&copy, &address, &length, &other, &otherLength));
    length = sizeof address;
    note(5, (int)stun_usage_ice_conncheck_process(&copy, &address, &length, STUN_USAGE_ICE_COMPATIBILITY_RFC5245));
}

static void readTexts(const StunMessage *message) {
    char text[256];
    int code = 0;
    uint32_t priority = 0;
    uint64_t tie = 0;
    note(6, (int)stun_message_find_error(message, &code));
    note(7, code / 100);
    note(8, (int)stun_message_find_string(message, STUN_ATTRIBUTE_SOFTWARE, text, sizeof text));
    note(9, (int)stun_message_find_string(message, STUN_ATTRIBUTE_REALM, text, sizeof text));
    note(10, (int)stun_message_find32(message, STUN_ATTRIBUTE_PRIORITY, &priority));
    note(11, (int)stun_message_find64(message, STUN_ATTRIBUTE_ICE_CONTROLLING, &tie));
    note(12, (int)stun_message_find_flag(message, STUN_ATTRIBUTE_USE_CANDIDATE));
    note(13, stun_usage_ice_conncheck_priority(message) != 0);
    note(14, stun_usage_ice_conncheck_use_candidate(message));
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
    note(15, (int)stun_usage_ice_conncheck_create_reply(agent, request, &message, bytes, &length, &source, sizeof from, &controls, 7,
                                                        STUN_USAGE_ICE_COMPATIBILITY_RFC5245));
}

/// A message made of the input, as long as it reaches: a kind, then attributes that each are a type, a length and so many bytes.
static size_t assemble(StunAgent *agent, uint8_t *to, size_t room, const uint8_t *bytes, size_t count, const char *password) {
    StunMessage message;
    if (count < 1) return 0;
    bool isRequest = (bytes[0] & 1) == 0;
    bool begun = isRequest ? stun_agent_init_request(agent, &message, to, room, (bytes[0] >> 1 & 3) == 0 ? STUN_BINDING : STUN_ALLOCATE)
                           : stun_agent_init_indication(agent, &message, to, room, STUN_IND_DATA);
    if (!begun) return 0;
    if (password) stun_message_append_bytes(&message, STUN_ATTRIBUTE_USERNAME, "abcd:efgh", 9);
    for (size_t index = 1; index + 2 <= count;) {
        size_t kinds = sizeof known / sizeof *known - 1;
        StunAttribute type = bytes[index] < 0xF0 ? (StunAttribute)known[bytes[index] % kinds] : (StunAttribute)(bytes[index] * 0x89u & 0xFFFF);
        size_t length = bytes[index + 1] % 64;
        index += 2;
        if (length > count - index) length = count - index;
        if (stun_message_append_bytes(&message, type, bytes + index, length) != STUN_MESSAGE_RETURN_SUCCESS) break;
        index += length;
    }
    return stun_agent_finish_message(agent, &message, (const uint8_t *)password, password ? strlen(password) : 0);
}

void readSTUN(const uint8_t *bytes, size_t count) {
    if (count < 3) return;
    static const char password[] = "0123456789012345678901";
    // Chosen by the input: whether a message counts without what proves it, which chance never gets right; whether it is made of the input or is
    // it; where one of its bytes is changed afterwards.
    bool believes = bytes[0] & 1, isMade = bytes[0] & 2, isChanged = bytes[0] & 4;
    unsigned flags = believes ? STUN_AGENT_USAGE_IGNORE_CREDENTIALS : STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT;
    StunAgent agent, sender;
    stun_agent_init(&agent, known, STUN_COMPATIBILITY_RFC5389, (StunAgentUsageFlags)flags);
    stun_agent_init(&sender, known, STUN_COMPATIBILITY_RFC5389, (StunAgentUsageFlags)flags);
    StunDefaultValidaterData people[] = {{(uint8_t *)"abcd:efgh", 9, (uint8_t *)password, sizeof password - 1}, {NULL, 0, NULL, 0}};
    uint8_t copy[2048];
    size_t place = bytes[1], length = isMade ? 0 : count - 3;
    if (isMade) length = assemble(&sender, copy, 1400, bytes + 3, count - 3, believes ? NULL : password);
    else memcpy(copy, bytes + 3, length = length > sizeof copy ? sizeof copy : length);
    if (isChanged && length > 0) copy[place % length] = bytes[2];
    // An answer counts only where its question was asked.
    if (believes && length >= 20) {
        memcpy(agent.sent_ids[0].id, copy + 4, sizeof agent.sent_ids[0].id);
        agent.sent_ids[0].method = (StunMethod)((copy[0] & 0x3E) << 2 | (copy[1] & 0xE0) >> 1 | (copy[1] & 0x0F));
        agent.sent_ids[0].valid = true;
    }
    note(16, stun_message_validate_buffer_length(copy, length, true) > 0);
    StunMessage message;
    StunValidationStatus status = stun_agent_validate(&agent, &message, copy, length, stun_agent_default_validater, people);
    note(17 + (unsigned)believes, (int)status);
    if (status == STUN_VALIDATION_NOT_STUN || status == STUN_VALIDATION_INCOMPLETE_STUN || (status != STUN_VALIDATION_SUCCESS && !believes)) return;
    readAddresses(&message);
    readTexts(&message);
    note(20, (int)stun_message_get_class(&message) * 8 + (int)(stun_message_get_method(&message) & 7));
    if (stun_message_get_class(&message) == STUN_REQUEST && stun_message_get_method(&message) == STUN_BINDING) answer(&agent, &message);
}
