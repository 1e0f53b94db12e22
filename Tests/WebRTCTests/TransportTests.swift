import NIOCore
import Testing
@testable import WebRTC

@Suite struct TransportTests {
    /// Carries datagrams between both until nothing comes any more.
    private static func talk(_ server: inout DTLSEndpoint, _ client: inout DTLSEndpoint) {
        client.start()
        while true {
            let (there, back) = (client.takeDatagrams(), server.takeDatagrams())
            if there.isEmpty, back.isEmpty { return }
            for datagram in there { datagram.withUnsafeBytes { server.receive($0) } }
            for datagram in back { datagram.withUnsafeBytes { client.receive($0) } }
            #expect((there + back).allSatisfy { $0.count <= 1200 })
        }
    }

    private static func unprotect(_ bytes: [UInt8], _ session: inout SRTPSession, isReport: Bool = false) -> [UInt8]? {
        bytes.withUnsafeBytes { session.unprotect($0, isReport: isReport) }
    }

    @Test func bothEndsGetTheSameKeysAndCarrySRTP() throws {
        let (box, viewer) = (try DTLSIdentity(), try DTLSIdentity())
        var server = try DTLSEndpoint(box, isServer: true, expecting: [viewer.fingerprint])
        var client = try DTLSEndpoint(viewer, isServer: false, expecting: [box.fingerprint])
        Self.talk(&server, &client)
        let states = [server.state, client.state]
        #expect(states == [.connected, .connected])
        let (made, told) = (server.keys(), client.keys())
        let keys = try #require(made)
        let others = try #require(told)
        #expect(keys.outbound == others.inbound)
        #expect(keys.inbound == others.outbound)
        #expect(keys.isGCM)
        var out = try SRTPSession(key: keys.outbound, isGCM: keys.isGCM, isInbound: false)
        var into = try SRTPSession(key: others.inbound, isGCM: others.isGCM, isInbound: true)
        let plain: [UInt8] = [0x80, 96, 0, 1, 0, 0, 0, 5, 0, 0, 0, 9] + Array(0..<100)
        var packet = ByteBuffer(bytes: plain)
        let isDone = out.protect(&packet, isReport: false)
        #expect(isDone)
        #expect(packet.readableBytes == plain.count + 16)
        let carried = Array(packet.readableBytesView)
        // Once, and unchanged.
        let (first, second) = (Self.unprotect(carried, &into), Self.unprotect(carried, &into))
        #expect(first == plain)
        #expect(second == nil)
        var report = ByteBuffer(bytes: [0x80, 201, 0, 1, 0, 0, 0, 9] as [UInt8])
        let isReported = out.protect(&report, isReport: true)
        #expect(isReported)
        var changed = Array(report.readableBytesView)
        let right = Self.unprotect(changed, &into, isReport: true)
        #expect(right == [0x80, 201, 0, 1, 0, 0, 0, 9])
        changed[9] ^= 1
        let wrong = Self.unprotect(changed, &into, isReport: true)
        #expect(wrong == nil)
    }

    @Test func theOlderProfileWorksToo() throws {
        let key = (0..<30).map { UInt8($0) }
        var out = try SRTPSession(key: key, isGCM: false, isInbound: false)
        var into = try SRTPSession(key: key, isGCM: false, isInbound: true)
        let plain: [UInt8] = [0x80, 96, 0, 1, 0, 0, 0, 5, 0, 0, 0, 9, 1, 2, 3]
        var packet = ByteBuffer(bytes: plain)
        let isDone = out.protect(&packet, isReport: false)
        #expect(isDone)
        #expect(packet.readableBytes == plain.count + 10)
        let carried = Self.unprotect(Array(packet.readableBytesView), &into)
        #expect(carried == plain)
    }

    @Test func aStrangersCertificateIsRefused() throws {
        let (box, viewer, other) = (try DTLSIdentity(), try DTLSIdentity(), try DTLSIdentity())
        var server = try DTLSEndpoint(box, isServer: true, expecting: [other.fingerprint])
        var client = try DTLSEndpoint(viewer, isServer: false, expecting: [box.fingerprint])
        Self.talk(&server, &client)
        guard case .failed = server.state else { return #expect(Bool(false), "the stranger was let in") }
        let keys = server.keys()
        #expect(keys == nil)
    }

    @Test func goodbyeIsHeard() throws {
        let (box, viewer) = (try DTLSIdentity(), try DTLSIdentity())
        var server = try DTLSEndpoint(box, isServer: true, expecting: [viewer.fingerprint])
        var client = try DTLSEndpoint(viewer, isServer: false, expecting: [box.fingerprint])
        Self.talk(&server, &client)
        client.close()
        for datagram in client.takeDatagrams() { datagram.withUnsafeBytes { server.receive($0) } }
        let state = server.state
        #expect(state == .closed)
    }

    @Test func junkIsNoHarm() throws {
        let (box, viewer) = (try DTLSIdentity(), try DTLSIdentity())
        var server = try DTLSEndpoint(box, isServer: true, expecting: [viewer.fingerprint])
        for length in [1, 12, 13, 14, 100, 1400, 60_000] {
            var junk = (0..<length).map { _ in UInt8.random(in: .min ... .max) }
            junk[0] = 22
            junk.withUnsafeBytes { server.receive($0) }
            _ = server.takeDatagrams()
        }
        var client = try DTLSEndpoint(viewer, isServer: false, expecting: [box.fingerprint])
        Self.talk(&server, &client)
        let state = server.state
        #expect(state == .connected)
    }
}
