public import CameraProtocols
import Foundation
import Synchronization

/// The stream of events: one answer that goes on for as long as the device lets it.
extension ISAPIDriver {
    public func listen(
        ready: @escaping @Sendable () async -> Void, take: @escaping @Sendable (DeviceNotification) async -> Void
    ) async throws(DeviceFailure) {
        let reader = AlertReader()
        try await client.stream(
            "GET", "/ISAPI/Event/notification/alertStream", silence: .seconds(profile.eventSilenceSeconds)
        ) { head in
            guard head.status == 200 else {
                _ = try ISAPIDriver.document(head, of: "alertStream")
                throw DeviceFailure.nonsense("alertStream: status \(head.status)")
            }
            reader.begin(contentType: head.contentType)
            await ready()
        } take: { bytes in
            for notification in try reader.feed(bytes) { await take(notification) }
        }
        for notification in reader.finish() { await take(notification) }
    }

    public func picture(at url: String) async throws(DeviceFailure) -> [UInt8] {
        // Only from the device itself, whatever host the URL names.
        guard let parts = URLComponents(string: url), parts.percentEncodedPath.hasPrefix("/") else { throw .nonsense("picture URL") }
        let path = parts.percentEncodedPath + (parts.percentEncodedQuery.map { "?" + $0 } ?? "")
        let answer = try await client.request("GET", path, limit: 8 << 20)
        guard answer.status == 200, answer.body.starts(with: [0xFF, 0xD8]) else { throw .nonsense("picture") }
        return answer.body
    }
}

/// Takes the parts of an event stream for what they are: alerts, the pictures that follow them, heartbeats.
final class AlertReader: Sendable {
    private struct State {
        var stream = MultipartStream(contentType: nil)
        /// Waits for its picture, which comes in the next part.
        var waiting: [DeviceNotification] = []
    }
    private let state = Mutex(State())

    func begin(contentType: String?) {
        state.withLock { $0.stream = MultipartStream(contentType: contentType) }
    }

    func feed(_ bytes: [UInt8]) throws(DeviceFailure) -> [DeviceNotification] {
        let result: Result<[DeviceNotification], MultipartRefusal> = state.withLock { state in
            do throws(MultipartRefusal) {
                let parts = try state.stream.feed(bytes)
                return .success(parts.flatMap { Self.take($0, &state) })
            } catch {
                return .failure(error)
            }
        }
        switch result {
        case .success(let notifications): return notifications
        case .failure(let refusal): throw .nonsense("alertStream: \(refusal)")
        }
    }

    func finish() -> [DeviceNotification] {
        state.withLock { state in
            let parts = state.stream.finish()
            return parts.flatMap { Self.take($0, &state) }
        }
    }

    /// An alert is told at once, without its picture; the picture makes it told again, which de-duplication takes for the same event.
    private static func take(_ part: MultipartStream.Part, _ state: inout State) -> [DeviceNotification] {
        if part.contentType?.hasPrefix("image/") == true || part.body.starts(with: [0xFF, 0xD8, 0xFF]) {
            defer { state.waiting = [] }
            return state.waiting.prefix(1).map { notification in
                var notification = notification
                notification.picture = part.body
                return notification
            }
        }
        guard let alert = try? ISAPIAlert(parsing: part.body) else { return [] }
        if alert.isHeartbeat { return [.heartbeat] }
        state.waiting = alert.notifications.filter { $0.phase != .inactive }
        return alert.notifications
    }
}
