import CameraProtocols
import Core
import Foundation
import Logging
import Media
import NIOCore
import RTP

// What a reader asks for (RFC 2326, section 10).
extension RTSPServerConnection {
    struct Answer {
        var message: RTSPMessage
        /// Nothing more is wanted of the reader.
        var isLast = false
        /// Packets follow.
        var plays = false
    }

    private struct SignInNeeded: Error {
        let isStale: Bool
    }

    private static let methods = "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, GET_PARAMETER, SET_PARAMETER, TEARDOWN"
    private static let longestPath = 256

    func answer(to request: RTSPRequest) async -> Answer {
        var answer = Answer(message: RTSPMessage(status: 200, reason: "OK", headers: [("Server", RTSPServer.name)]))
        guard let number = request["CSeq"], number.utf8.count <= 10, Int(number) != nil else {
            answer.message.status = 400
            answer.message.reason = "Bad Request"
            answer.isLast = true
            return answer
        }
        answer.message.headers.insert(("CSeq", number), at: 0)
        ear.hear(now: time.uptime())
        do {
            if let feature = request["Require"] ?? request["Proxy-Require"] {
                answer.message.headers.append(("Unsupported", String(feature.prefix(200))))
                throw RTSPServerRefusal(status: 551, reason: "Option not supported")
            }
            try await respond(to: request, &answer)
        } catch let refusal as RTSPServerRefusal {
            answer.message.status = refusal.status
            answer.message.reason = refusal.reason
        } catch let needed as SignInNeeded {
            answer.message.status = 401
            answer.message.reason = "Unauthorized"
            answer.message.headers += sign.challenges(now: time.uptime(), isStale: needed.isStale).map { ("WWW-Authenticate", $0) }
        } catch {
            logger.warning("an RTSP request failed", metadata: ["method": "\(request.method)", "reason": "\(error)"])
            answer.message.status = 500
            answer.message.reason = "Internal Server Error"
        }
        return answer
    }

    private func respond(to request: RTSPRequest, _ answer: inout Answer) async throws {
        switch request.method {
        case "OPTIONS": answer.message.headers.append(("Public", Self.methods))
        case "DESCRIBE": try await describe(request, &answer)
        case "SETUP": try await setUp(request, &answer)
        case "PLAY": try await play(request, &answer)
        case "PAUSE":
            try checkSession(request)
            if isPlaying { await pause() }
            answer.message.headers.append(("Session", session ?? ""))
        case "TEARDOWN":
            try checkSession(request)
            await pause()
            answer.isLast = true
        case "GET_PARAMETER", "SET_PARAMETER":
            if session == nil || request["Session"] != nil { try checkSession(request) }
            guard request.body.isEmpty else { throw RTSPServerRefusal(status: 451, reason: "Parameter Not Understood") }
            if let session { answer.message.headers.append(("Session", session)) }
        default: throw RTSPServerRefusal(status: 501, reason: "Not Implemented")
        }
    }

    // MARK: Permission

    /// Nothing is told to anybody who has not signed in, not even what there is.
    private func signIn(_ request: RTSPRequest) throws {
        let now = time.uptime()
        guard !throttle.isBlocked(address, now: now) else { throw RTSPServerRefusal(status: 403, reason: "Too Many Attempts") }
        switch sign.judge(request["Authorization"], method: request.method, now: now) {
        case .right:
            throttle.succeeded(address)
            isSignedIn = true
        case .missing: throw SignInNeeded(isStale: false)
        case .stale: throw SignInNeeded(isStale: true)
        case .wrong:
            throttle.failed(address, now: now)
            logger.notice("an RTSP sign-in was refused", metadata: ["address": "\(address)"])
            throw SignInNeeded(isStale: false)
        }
    }

    /// The session was made by someone who had signed in, and belongs to this connection: who names it need not sign in again.
    private func checkSession(_ request: RTSPRequest) throws {
        guard let session else {
            try signIn(request)
            throw RTSPServerRefusal(status: 454, reason: "Session Not Found")
        }
        guard request["Session"]?.prefix(while: { $0 != ";" }).trimmingCharacters(in: .whitespaces) == session else {
            throw RTSPServerRefusal(status: 454, reason: "Session Not Found")
        }
    }

    // MARK: Streams

    /// The path of an address without its track, and the track.
    static func path(of address: String) -> (path: String, track: Int?)? {
        guard address.lowercased().hasPrefix("rtsp://") else { return nil }
        let rest = address.dropFirst(7)
        guard let slash = rest.firstIndex(of: "/") else { return nil }
        var parts = rest[rest.index(after: slash)...].prefix { $0 != "?" }.split(separator: "/")
        var track: Int?
        // A stream's own name may begin like that of a track.
        if parts.count > 1, let last = parts.last, last.hasPrefix("track"), let number = UInt16(last.dropFirst(5)) {
            track = Int(number)
            parts.removeLast()
        }
        let path = parts.joined(separator: "/")
        return path.utf8.count <= longestPath ? (path, track) : nil
    }

    private func open(_ path: String) async throws -> Opened {
        if let opened, opened.path == path { return opened }
        guard session == nil else { throw RTSPServerRefusal(status: 459, reason: "Aggregate Operation Not Allowed") }
        opened = nil
        let stream = try await source.open(path, user: user, address: address)
        let tracks = MediaDescription.tracks(stream.formats)
        guard !tracks.isEmpty else { throw RTSPServerRefusal.noPicture }
        let opened = Opened(path: path, stream: stream, tracks: tracks)
        self.opened = opened
        return opened
    }

    private func describe(_ request: RTSPRequest, _ answer: inout Answer) async throws {
        try signIn(request)
        guard let path = Self.path(of: request.address), path.track == nil else { throw RTSPServerRefusal.notFound }
        let opened = try await open(path.path)
        answer.message.headers += [("Content-Base", Self.base(request.address)), ("Content-Type", "application/sdp")]
        answer.message.body = Array(
            MediaDescription.session(opened.tracks, name: RTSPServer.name, id: .random(in: 1...UInt32.max)).utf8)
    }

    /// The address that a track's name is put behind.
    private static func base(_ address: String) -> String {
        let plain = address.prefix { $0 != "?" }
        return plain.hasSuffix("/") ? String(plain) : plain + "/"
    }

    private func setUp(_ request: RTSPRequest, _ answer: inout Answer) async throws {
        try signIn(request)
        if session != nil { try checkSession(request) }
        guard !isPlaying else { throw RTSPServerRefusal(status: 455, reason: "Method Not Valid in This State") }
        guard let path = Self.path(of: request.address) else { throw RTSPServerRefusal.notFound }
        let opened = try await open(path.path)
        let index = path.track ?? 0
        guard opened.tracks.indices.contains(index), path.track != nil || opened.tracks.count == 1 else {
            throw RTSPServerRefusal.notFound
        }
        guard let transport = RTSPTransport(request["Transport"] ?? "") else {
            throw RTSPServerRefusal(status: 461, reason: "Unsupported Transport")
        }
        let track = opened.tracks[index]
        let before = outgoing.first { $0.number == index }?.rtp
        guard
            let rtp = before
                ?? RTPTrack(
                    format: track.format, payloadType: track.payloadType, source: .random(in: 1...UInt32.max),
                    sequence: .random(in: 0...UInt16.max), timestampOffset: .random(in: 0...UInt32.max))
        else { throw RTSPServerRefusal.notFound }
        let (carrier, text) = try await carrier(transport, of: index)
        outgoing.removeAll { $0.number == index }
        outgoing.append(Outgoing(number: index, kind: track.format.kind, rtp: rtp, carrier: carrier))
        outgoing.sort { $0.number < $1.number }
        let session = session ?? RTSPServer.random()
        self.session = session
        answer.message.headers += [
            ("Transport", text + ";ssrc=" + Self.hexadecimal(rtp.source)),
            ("Session", "\(session);timeout=\(Self.sessionTimeout.components.seconds)"),
        ]
    }

    private func carrier(_ transport: RTSPTransport, of index: Int) async throws -> (Outgoing.Carrier, String) {
        switch transport {
        case .interleaved(let rtp, let rtcp):
            let first = rtp ?? UInt8(index * 2)
            let second = rtcp ?? first + 1
            let used = outgoing.filter { $0.number != index }.flatMap { track -> [UInt8] in
                if case .interleaved(let rtp, let rtcp) = track.carrier { [rtp, rtcp] } else { [] }
            }
            guard !used.contains(first), !used.contains(second) else { throw RTSPServerRefusal(status: 461, reason: "Channel In Use") }
            return (.interleaved(rtp: first, rtcp: second), "RTP/AVP/TCP;unicast;interleaved=\(first)-\(second)")
        case .datagrams(let rtp, let rtcp):
            let datagrams = try await RTSPDatagrams.open(local: local, reader: remote, ports: (rtp, rtcp)) { [ear, time] in
                ear.hear($0, now: time.uptime())
            }
            let ports = "client_port=\(rtp)-\(rtcp);server_port=\(datagrams.rtpPort)-\(datagrams.rtcpPort)"
            return (.datagrams(datagrams), "RTP/AVP;unicast;\(ports)")
        }
    }

    private func play(_ request: RTSPRequest, _ answer: inout Answer) async throws {
        try checkSession(request)
        guard let opened, !outgoing.isEmpty else { throw RTSPServerRefusal(status: 455, reason: "Method Not Valid in This State") }
        let isFirst = watching == nil
        if watching == nil { watching = try await opened.stream.watch() }
        answer.message.headers += [("Session", session ?? ""), ("Range", "npt=now-")]
        if !isPlaying {
            let base = Self.base(request.address)
            let tracks = outgoing.map { track in
                "url=\(base)track\(track.number);seq=\(track.rtp.sequence)" + (isFirst ? ";rtptime=\(track.rtp.timestamp(of: .zero))" : "")
            }
            answer.message.headers.append(("RTP-Info", tracks.joined(separator: ",")))
        }
        answer.plays = !isPlaying
    }

    private static func hexadecimal(_ number: UInt32) -> String {
        let digits = String(number, radix: 16, uppercase: true)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}
