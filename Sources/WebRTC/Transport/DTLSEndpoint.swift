import COpenSSL

/// One side of a DTLS connection (RFC 6347) that has no socket: datagrams go in and come out.
///
/// The other side's certificate must be one of those that its description told, or nothing comes of it.
struct DTLSEndpoint: ~Copyable, @unchecked Sendable {
    // @unchecked because an SSL may move between threads; whoever owns this uses it from one at a time.
    private let ssl: OpaquePointer
    private let isServer: Bool
    private let expected: [CertificateFingerprint]
    private(set) var state: State

    enum State: Equatable {
        case handshaking
        /// SRTP may begin.
        case connected
        /// The other side said goodbye.
        case closed
        case failed(String)
    }

    /// What fits into the datagrams of every usual network.
    private static let mtu = 1200
    private static let largestDatagram = 1 << 16
    private static let recordHeader = 13

    init(_ identity: DTLSIdentity, isServer: Bool, expecting expected: [CertificateFingerprint]) throws(DTLSFailure) {
        guard let ssl = gatehouse_ssl_make(identity.context, isServer ? 1 : 0, Self.mtu) else { throw .now("no connection") }
        self.ssl = ssl
        self.isServer = isServer
        self.expected = expected
        // Not before what throws: Swift 6.2 would give it back twice.
        self.state = .handshaking
    }

    deinit { SSL_free(ssl) }

    /// Begins the handshake (client), or goes on with it.
    mutating func start() { advance() }

    /// Takes in a datagram.
    mutating func receive(_ datagram: UnsafeRawBufferPointer) {
        guard state == .handshaking || state == .connected, datagram.count <= Self.largestDatagram, let base = datagram.baseAddress else {
            return
        }
        guard gatehouse_ssl_feed(ssl, base, Int32(datagram.count)) == Int32(datagram.count) else { return }
        advance()
    }

    private mutating func advance() {
        ERR_clear_error()
        if state == .handshaking {
            let result = SSL_do_handshake(ssl)
            guard result == 1 else { return judge(result) }
            let certificate = SSL_get1_peer_certificate(ssl)
            defer { X509_free(certificate) }
            guard let certificate, expected.contains(where: { $0 == DTLSIdentity.fingerprint(of: certificate, by: $0.algorithm) }) else {
                return state = .failed("the viewer's certificate is not the one that its offer told")
            }
            guard SSL_get_selected_srtp_profile(ssl) != nil else { return state = .failed("no SRTP profile in common") }
            state = .connected
        }
        guard state == .connected else { return }
        // Nothing but alerts is of interest.
        var room = [UInt8](repeating: 0, count: 2048)
        while true {
            let count = SSL_read(ssl, &room, Int32(room.count))
            guard count <= 0 else { continue }
            return judge(count)
        }
    }

    private mutating func judge(_ result: Int32) {
        switch SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: break
        case SSL_ERROR_ZERO_RETURN: state = .closed
        default: state = .failed(DTLSFailure.now("DTLS failed").description)
        }
    }

    /// Sends again what is due; answers in how many milliseconds to ask again, nil for never.
    mutating func handleTimeout() -> Int? {
        guard state == .handshaking else { return nil }
        if gatehouse_ssl_timeout(ssl) == 0, gatehouse_ssl_handle_timeout(ssl) < 0 {
            state = .failed("the handshake got no answer")
            return nil
        }
        let left = gatehouse_ssl_timeout(ssl)
        return left >= 0 ? left : nil
    }

    /// Says goodbye.
    mutating func close() {
        guard state == .connected else { return }
        ERR_clear_error()
        SSL_shutdown(ssl)
        state = .closed
    }

    /// The datagrams that are to be sent now: records, as many as fit into one.
    mutating func takeDatagrams() -> [[UInt8]] {
        var bytes: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = gatehouse_ssl_drain(ssl, &room, Int32(room.count))
            guard count > 0 else { break }
            bytes += room.prefix(Int(count))
        }
        // A memory BIO joins what was written piece by piece.
        var datagrams: [[UInt8]] = []
        var index = 0
        while bytes.count - index >= Self.recordHeader {
            let end = index + Self.recordHeader + (Int(bytes[index + 11]) << 8 | Int(bytes[index + 12]))
            guard end <= bytes.count else { break }
            if let last = datagrams.last, last.count + end - index <= Self.mtu {
                datagrams[datagrams.count - 1] += bytes[index..<end]
            } else {
                datagrams.append(Array(bytes[index..<end]))
            }
            index = end
        }
        return datagrams
    }

    /// The keys of SRTP (RFC 5764, section 4.2); nil before the handshake is done.
    func keys() -> SRTPKeys? {
        guard state == .connected, let profile = SSL_get_selected_srtp_profile(ssl) else { return nil }
        let isGCM = profile.pointee.id == UInt(SRTP_AEAD_AES_128_GCM)
        let (key, salt) = (16, isGCM ? 12 : 14)
        var material = [UInt8](repeating: 0, count: 2 * (key + salt))
        let label = "EXTRACTOR-dtls_srtp"
        guard SSL_export_keying_material(ssl, &material, material.count, label, label.utf8.count, nil, 0, 0) == 1 else { return nil }
        let client = Array(material[..<key] + material[(2 * key)..<(2 * key + salt)])
        let server = Array(material[key..<(2 * key)] + material[(2 * key + salt)...])
        return SRTPKeys(isGCM: isGCM, outbound: isServer ? server : client, inbound: isServer ? client : server)
    }
}
