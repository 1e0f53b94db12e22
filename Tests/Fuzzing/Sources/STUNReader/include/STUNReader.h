#pragma once
#include <stddef.h>
#include <stdint.h>

/// Reads a datagram as libnice reads a viewer's check, a STUN server's answer or a TURN server's, and answers it where it is a check.
/// The first three bytes choose how.
void readSTUN(const uint8_t *bytes, size_t count);
