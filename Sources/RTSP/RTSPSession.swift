import CameraProtocols
import Core

/// A session with a device: what it describes, the tracks that were set up within the connection, and the word that keeps it alive.
final class RTSPSession: Sendable {
    /// One track that was set up.
    struct Track: Sendable {
        /// The place in the description.
        let index: Int
        /// The interleaved channel of its RTP; its RTCP has the next.
        let channel: UInt8
    }

    private static let mostTracks = 8

    let description: SessionDescription
    let descriptionBytes: [UInt8]
    let tracks: [Track]
    private let connection: RTSPConnection
    private let address: String
    private let session: RTSPMessage.Session?
    /// What the device must know how to do (`Require`; RFC 2326, section 12.32).
    private let feature: String?
    private let patience: Duration
    private let time: TimeSource

    private init(
        _ connection: RTSPConnection, address: String, description: SessionDescription, bytes: [UInt8], tracks: [Track],
        session: RTSPMessage.Session?, feature: String?, patience: Duration, time: TimeSource
    ) {
        self.connection = connection
        self.address = address
        self.description = description
        descriptionBytes = bytes
        self.tracks = tracks
        self.session = session
        self.feature = feature
        self.patience = patience
        self.time = time
    }

    /// Has what is at `address` (without credentials) described, and sets up the tracks that `choose` wants, by their places, in their order.
    /// - Throws: `RTSPFailure`, and what `choose` throws.
    static func open(
        _ address: String, over connection: RTSPConnection, feature: String? = nil, patience: Duration = RTSPConnection.patience,
        time: TimeSource, choose: (SessionDescription) throws -> [Int]
    ) async throws -> RTSPSession {
        let (description, base, body) = try await describe(address, over: connection, feature: feature, patience: patience)
        let wholeAddress = SessionDescription.address(control: description.control, base: base, requested: address)
        let wanted = try choose(description).prefix(mostTracks)
        var session: RTSPMessage.Session?
        do {
            let tracks = try await setUp(wanted, of: description, in: &session, over: connection, feature: feature, patience: patience) {
                SessionDescription.address(control: $0, base: base, requested: address)
            }
            return RTSPSession(
                connection, address: wholeAddress, description: description, bytes: body, tracks: tracks, session: session,
                feature: feature, patience: patience, time: time)
        } catch {
            // A track was given, and another was not: the device would hold the session for a minute.
            if let begun = session {
                // Also where the task was cancelled.
                await Task { await tearDown(begun, wholeAddress, over: connection) }.value
            }
            throw error
        }
    }

    /// Sets up tracks one after the other, the first of which begins the `session`.
    private static func setUp(
        _ wanted: ArraySlice<Int>, of description: SessionDescription, in session: inout RTSPMessage.Session?,
        over connection: RTSPConnection, feature: String?, patience: Duration, address: (String?) -> String
    ) async throws -> [Track] {
        var tracks: [Track] = []
        var refusal: RTSPFailure?
        for index in wanted {
            let media = description.media[index]
            let wish = UInt8(tracks.count * 2)
            var headers = [(name: "Transport", value: "RTP/AVP/TCP;unicast;interleaved=\(wish)-\(wish + 1)")] + required(feature)
            if let session { headers.append(("Session", session.id)) }
            let answer: RTSPMessage
            do {
                answer = try await connection.ask(RTSPRequest("SETUP", address(media.control), headers: headers), within: patience)
            } catch let failure as RTSPFailure where media.kind != "video" && isOfTheTrack(failure) {
                refusal = failure
                continue
            }
            session = session ?? answer.session
            // Some devices give other channels than they were asked for.
            let given = answer.transport["interleaved"].flatMap { UInt8($0.prefix { $0 != "-" }) } ?? wish
            guard !tracks.contains(where: { $0.channel == given }), given < 255 else { throw RTSPFailure.sorted(RTSPRefusal.notAnAnswer) }
            tracks.append(Track(index: index, channel: given))
        }
        guard !tracks.isEmpty else { throw refusal ?? RTSPFailure(.nonsense, SDPRefusal.noMedia.description) }
        return tracks
    }

    /// What is at `address`, the address that its tracks' addresses are relative to, and the bytes that say it.
    /// - Throws: `RTSPFailure`.
    static func describe(
        _ address: String, over connection: RTSPConnection, feature: String?, patience: Duration
    ) async throws -> (description: SessionDescription, base: String?, bytes: [UInt8]) {
        let answer = try await connection.ask(
            RTSPRequest("DESCRIBE", address, headers: [("Accept", "application/sdp")] + required(feature)), within: patience)
        do {
            return (try SessionDescription(parsing: answer.body), answer["Content-Base"] ?? answer["Content-Location"], answer.body)
        } catch {
            throw RTSPFailure(.nonsense, error.description)
        }
    }

    private static func required(_ feature: String?) -> [(name: String, value: String)] {
        feature.map { [(name: "Require", value: $0)] } ?? []
    }

    /// The device lists sound that it does not play: its pictures are wanted all the same.
    private static func isOfTheTrack(_ failure: RTSPFailure) -> Bool { [.nothingThere, .unsupported, .deviceError].contains(failure.code) }

    /// Asks something of the session as a whole.
    ///
    /// - Parameter heard: Called with a success before anything is taken that came after it.
    /// - Throws: `RTSPFailure`.
    func ask(
        _ method: String, headers: [(name: String, value: String)] = [], heard: @escaping @Sendable (RTSPMessage) -> Void = { _ in }
    ) async throws {
        _ = try await connection.ask(
            RTSPRequest(method, address, headers: sessionHeaders + Self.required(feature) + headers), within: patience, heard: heard)
    }

    private var sessionHeaders: [(name: String, value: String)] { Self.headers(session) }
    private static func headers(_ session: RTSPMessage.Session?) -> [(name: String, value: String)] {
        session.map { [("Session", $0.id)] } ?? []
    }

    /// Tells the device from time to time that somebody is there, until cancelled.
    ///
    /// - Parameter endsInSilence: Nothing else comes from the device: where it does not answer, it is not there any more.
    /// - Throws: `RTSPFailure` in silence, and `CancellationError`.
    func keepAlive(endsInSilence: Bool) async throws {
        var method = "GET_PARAMETER"
        while true {
            try await time.sleep(.seconds(min(max(Double(session?.timeout ?? 60) / 2, 1), 300)))
            do {
                _ = try await connection.ask(RTSPRequest(method, address, headers: sessionHeaders), within: patience)
            } catch let failure as RTSPFailure {
                if endsInSilence, failure.code == .silent { throw failure }
                // Every device knows this one; also a refusal is a sign of life.
                method = "OPTIONS"
            }
        }
    }

    /// Lets go of the session, of which devices have few; packets are let fall from now on.
    func tearDown() async {
        connection.deliver(to: nil)
        await Self.tearDown(session, address, over: connection)
    }

    private static func tearDown(_ session: RTSPMessage.Session?, _ address: String, over connection: RTSPConnection) async {
        _ = try? await connection.ask(RTSPRequest("TEARDOWN", address, headers: headers(session)), within: .seconds(2))
    }
}
