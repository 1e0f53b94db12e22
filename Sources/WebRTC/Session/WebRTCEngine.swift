public import Core
public import Media

/// What all viewers by WebRTC share: the box's certificate and the thread of ICE.
public final class WebRTCEngine: Sendable {
    private let identity: DTLSIdentity
    private let loop = ICELoop()
    private let time: TimeSource

    /// - Throws: `DTLSFailure`.
    public init(time: TimeSource) throws {
        identity = try DTLSIdentity()
        self.time = time
    }

    /// A session for an offer that was agreed on, and the answer; nil where no socket opens.
    /// - Throws: `DTLSFailure`.
    public func session(
        _ agreement: Agreement, _ servers: ICEServers, formats: [StreamFormat], source: any ViewerSource
    ) async throws -> ViewerSession? {
        let connection = try PeerConnection(loop: loop, identity: identity, expecting: agreement.fingerprints, time: time)
        guard let (credentials, candidates) = await connection.open(servers, remote: agreement) else {
            connection.close()
            return nil
        }
        let local = LocalDescription(
            credentials: credentials, fingerprint: identity.fingerprint, candidates: candidates,
            videoSource: .random(in: 1...UInt32.max / 2), audioSource: .random(in: UInt32.max / 2 + 1...UInt32.max),
            id: .random(in: 1...UInt64(Int64.max)))
        return ViewerSession(agreement, local, formats: formats, connection: connection, source: source, time: time)
    }
}
