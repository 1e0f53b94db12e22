import CSRTP
import NIOCore

/// Why packets cannot be protected; libsrtp's number.
struct SRTPFailure: Error, Sendable, CustomStringConvertible {
    let status: UInt32
    var description: String { "SRTP failed (\(status))" }
}

/// The protection of all packets of one direction (SRTP; RFC 3711, RFC 7714).
struct SRTPSession: ~Copyable, @unchecked Sendable {
    // @unchecked because libsrtp keeps nothing in threads; whoever owns this uses it from one at a time.
    private let session: srtp_t

    /// What protection adds at most (SRTCP's index included), and libsrtp may write behind a packet.
    private static let trailer = Int(SRTP_MAX_TAG_LEN) + Int(SRTP_MAX_MKI_LEN) + 4
    private static let isReady = srtp_init() == srtp_err_status_ok

    init(key: [UInt8], isGCM: Bool, isInbound: Bool) throws(SRTPFailure) {
        guard Self.isReady else { throw SRTPFailure(status: srtp_err_status_init_fail.rawValue) }
        var key = key
        var made: srtp_t?
        let status = gatehouse_srtp_create(&made, isGCM ? 1 : 0, isInbound ? 1 : 0, &key)
        guard status == srtp_err_status_ok, let made else { throw SRTPFailure(status: status.rawValue) }
        session = made
    }

    deinit { srtp_dealloc(session) }

    /// Protects a packet where it lies.
    mutating func protect(_ packet: inout ByteBuffer, isReport: Bool) -> Bool {
        var count = Int32(packet.readableBytes)
        packet.writeRepeatingByte(0, count: Self.trailer)
        let status = packet.withUnsafeMutableReadableBytes { bytes in
            isReport ? srtp_protect_rtcp(session, bytes.baseAddress, &count) : srtp_protect(session, bytes.baseAddress, &count)
        }
        guard status == srtp_err_status_ok else { return false }
        packet.moveWriterIndex(to: packet.readerIndex + Int(count))
        return true
    }

    /// The packet within; nil for one that was made up, changed or came before.
    mutating func unprotect(_ bytes: UnsafeRawBufferPointer, isReport: Bool) -> [UInt8]? {
        var copy = Array(bytes)
        var count = Int32(copy.count)
        let status = copy.withUnsafeMutableBytes { bytes in
            isReport ? srtp_unprotect_rtcp(session, bytes.baseAddress, &count) : srtp_unprotect(session, bytes.baseAddress, &count)
        }
        guard status == srtp_err_status_ok, count >= 0 else { return nil }
        return Array(copy.prefix(Int(count)))
    }
}
