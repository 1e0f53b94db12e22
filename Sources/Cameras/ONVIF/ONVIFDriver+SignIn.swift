import CameraProtocols
import Core
import Foundation
import XML

/// Who asks: the token in the message with the device's own time, and HTTP's digest where the device wants that.
///
/// Devices lock accounts after a few wrong passwords, so another way is only tried where there is reason to.
extension ONVIFDriver {
    /// Sends a call, in whatever way the device lets the box in.
    func signedIn(_ call: Call, at path: String) async throws(DeviceFailure) -> XMLTree {
        var way = memory.with { $0.way }
        var skew = await skew()
        var result = try await exchange(call, at: path, way: way, offset: skew.offset)
        if case .refused(_, let hint) = result, way != .http, client.credentials != nil {
            // The clock may have been set since; a token of another time is refused like a wrong password.
            for offset in await otherOffsets(than: skew, hint: hint) {
                skew.offset = offset
                result = try await exchange(call, at: path, way: way, offset: offset)
                guard case .refused = result else { break }
            }
        }
        if case .refused(byHTTP: true, _) = result, way == .token, client.credentials != nil {
            way = .http
            do throws(DeviceFailure) {
                result = try await exchange(call, at: path, way: way, offset: skew.offset)
            } catch {
                throw error.code == .wrongPassword ? refusal(of: call, error) : error
            }
        }
        if case .refused = result, way == .http {
            way = .both
            result = try await exchange(call, at: path, way: way, offset: skew.offset)
        }
        guard case .answer(let tree) = result else { throw refusal(of: call, .wrongPassword()) }
        let (found, right) = (way, skew)
        memory.with { values in
            values.way = found
            values.skew = right
            if client.credentials != nil, !Self.openOperations.contains(call.name) { values.allowed.insert(call.name) }
        }
        return tree
    }

    /// Operations that devices answer to anybody, so that an answer says nothing about the password.
    private static let openOperations: Set = [
        "GetSystemDateAndTime", "GetServices", "GetCapabilities", "GetDeviceInformation", "GetScopes", "GetNetworkInterfaces",
    ]

    /// Where other things were allowed, the password is right and the user may not do this.
    private func refusal(of call: Call, _ failure: DeviceFailure) -> DeviceFailure {
        memory.with { !$0.allowed.isEmpty && !$0.allowed.contains(call.name) } ? .forbidden : failure
    }

    private func exchange(
        _ call: Call, at path: String, way: ONVIFMemory.Way, offset: Double
    ) async throws(DeviceFailure) -> Exchange {
        var token: UsernameToken?
        if way != .http, let credentials = client.credentials {
            token = UsernameToken(
                credentials: DigestCredentials(username: credentials.userName, password: credentials.password),
                nonce: (0..<20).map { _ in UInt8.random(in: .min ... .max) }, created: client.time.now().addingTimeInterval(offset))
        }
        let message = SOAPEnvelope.write(
            call.request, token: token, endpoint: call.endpoint, messageID: call.endpoint == nil ? nil : UUID())
        let answer = try await client.request(
            "POST", path, body: DeviceClient.Body(SOAPEnvelope.contentType(of: call.request), message), limit: call.limit,
            within: call.within, signsIn: way != .token)
        return try Self.read(answer, of: call)
    }

    // MARK: The device's clock

    /// How far the device's clock is off, read once.
    func skew() async -> ONVIFSkew {
        if let known = memory.with({ $0.skew }) { return known }
        // A device that does not tell may still take the box's time, or HTTP's digest, which needs none.
        guard let skew = await readSkew() else { return .none }
        memory.with { $0.skew = skew }
        return skew
    }

    private func readSkew() async -> ONVIFSkew? {
        let before = client.time.now()
        let body = DeviceClient.Body(
            SOAPEnvelope.contentType(of: .systemDateAndTime), SOAPEnvelope.write(.systemDateAndTime))
        let call = Call(request: .systemDateAndTime)
        guard
            let answer = try? await client.request("POST", ONVIFPlace.device, body: body, limit: 256 << 10, signsIn: false),
            let exchange = try? Self.read(answer, of: call)
        else { return nil }
        // The answer was made half a round trip ago.
        let now = before.addingTimeInterval(answer.date.timeIntervalSince(before) / 2)
        switch exchange {
        case .answer(let tree):
            return ONVIFSkew(ONVIFClock(tree), now: now) ?? Self.neverSet(tree).map { ONVIFSkew(offset: $0.timeIntervalSince(now)) }
        case .refused(_, let hint): return hint.map { ONVIFSkew(offset: $0.timeIntervalSince(now)) }
        }
    }

    /// The time of a clock that lost its power: before 2000 it counts for nothing else, but tokens must have it.
    private static func neverSet(_ tree: XMLTree) -> Date? {
        guard let told = tree["SystemDateAndTime", "UTCDateTime"], let year = told["Date", "Year"]?.integer,
            (1970..<2000).contains(year)
        else { return nil }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        return calendar.date(
            from: DateComponents(
                year: year, month: told["Date", "Month"]?.integer, day: told["Date", "Day"]?.integer, hour: told["Time", "Hour"]?.integer,
                minute: told["Time", "Minute"]?.integer, second: told["Time", "Second"]?.integer))
    }

    /// Offsets that are worth another try: what the clock says now if that is something else, and what it may mean by it.
    private func otherOffsets(than used: ONVIFSkew, hint: Date?) async -> [Double] {
        let fresh = await readSkew() ?? hint.map { ONVIFSkew(offset: $0.timeIntervalSince(client.time.now())) }
        var found: [Double] = []
        for offset in [fresh?.offset, fresh?.other, used.other].compactMap({ $0 })
        where abs(offset - used.offset) > 3 && !found.contains(where: { abs($0 - offset) <= 3 }) { found.append(offset) }
        return Array(found.prefix(2))
    }
}
