public import CameraProtocols
import Core
import Foundation
import XML

/// Events: a subscription at the device, from which they are fetched.
///
/// The device keeps the messages until they are fetched, so that none is lost between two questions; each question waits at the device
/// until there is something to tell.
extension ONVIFDriver {
    /// For how long a subscription is asked; if the box vanishes, it must not take up a place at the device for long.
    private static let lifetime = Duration.seconds(90)
    /// How long a question waits at the device.
    private static let wait = Duration.seconds(20)
    private static let messagesAtATime = 100

    public func listen(
        ready: @escaping @Sendable () async -> Void, take: @escaping @Sendable (DeviceNotification) async -> Void
    ) async throws(DeviceFailure) {
        let subscription = try await subscribe()
        let failure: DeviceFailure?
        do throws(DeviceFailure) {
            // What goes on already; devices without it tell it when it changes.
            do throws(DeviceFailure) {
                try await call(.setSynchronizationPoint, endpoint: subscription.endpoint)
            } catch {
                guard Self.isOptional(error) else { throw error }
            }
            await ready()
            try await pull(subscription, take: take)
            failure = nil
        } catch {
            failure = error
        }
        if Task.isCancelled || failure.map({ ![.unreachable, .refused, .silent].contains($0.code) }) ?? true {
            await unsubscribe(subscription)
        }
        if let failure { throw failure }
    }

    private func subscribe() async throws(DeviceFailure) -> ONVIFSubscription {
        var request = ONVIFRequest.createPullPointSubscription(lasting: Self.lifetime)
        let answer: XMLTree
        do {
            answer = try await call(request)
        } catch {
            // Some devices take no time but their own.
            guard error.code == .deviceError, error.detail?.contains("TerminationTime") == true else { throw error }
            request.body.children = []
            return try Self.subscription(try await call(request))
        }
        return try Self.subscription(answer)
    }

    private static func subscription(_ answer: XMLTree) throws(DeviceFailure) -> ONVIFSubscription {
        do {
            return try ONVIFSubscription(answer)
        } catch {
            throw .nonsense("CreatePullPointSubscription: \(error)")
        }
    }

    /// Fetches until the subscription is lost, which ends it without a failure: the caller makes a new one.
    private func pull(
        _ subscription: ONVIFSubscription, take: @escaping @Sendable (DeviceNotification) async -> Void
    ) async throws(DeviceFailure) {
        let given = subscription.lifetime.flatMap { (2...86_400).contains($0) ? $0 : nil }
        let life = given.map { Duration.seconds($0) } ?? Self.lifetime
        var ends = client.time.uptime() + life
        var canRenew = true
        var isFirst = true
        while !Task.isCancelled {
            let began = client.time.uptime()
            let events: ONVIFEvents
            do throws(DeviceFailure) {
                events = try await question(subscription, waiting: min(Self.wait, life / 3))
            } catch {
                // It ran out, or the device restarted; where not even the first question is understood, there is more wrong.
                guard !isFirst, [.deviceError, .unsupported].contains(error.code) else { throw error }
                return
            }
            isFirst = false
            await take(.heartbeat)
            for notification in events.notifications where Self.isNews(notification) { await take(notification) }
            let now = client.time.uptime()
            // Most devices let a subscription live on while it is asked, and say until when.
            if let told = events.terminationTime?.date, let at = events.currentTime?.date {
                let left = told.timeIntervalSince(at)
                if (1...86_400).contains(left) { ends = now + .seconds(left) }
            }
            if canRenew, ends - now <= life / 2 {
                canRenew = try await renew(subscription)
                ends = client.time.uptime() + life
            }
            // A device that does not wait must not be asked without a pause.
            if events.notifications.isEmpty, now - began < .seconds(1) {
                do { try await client.time.sleep(.seconds(1)) } catch { return }
            }
        }
    }

    private func question(_ subscription: ONVIFSubscription, waiting: Duration) async throws(DeviceFailure) -> ONVIFEvents {
        let answer = try await call(
            .pullMessages(timeout: waiting, limit: Self.messagesAtATime), endpoint: subscription.endpoint, within: waiting + .seconds(15))
        do {
            return try ONVIFEvents(answer)
        } catch {
            throw .nonsense("PullMessages: \(error)")
        }
    }

    /// A new subscription hears of everything that is not going on; that tells only that the device is there.
    private static func isNews(_ notification: DeviceNotification) -> Bool {
        notification.details["operation"] != "initialized" || notification.phase != .inactive
    }

    /// Makes the subscription live longer; false where the device cannot, which lets it live for as long as it is asked.
    private func renew(_ subscription: ONVIFSubscription) async throws(DeviceFailure) -> Bool {
        do throws(DeviceFailure) {
            try await call(.renew(lasting: Self.lifetime), endpoint: subscription.endpoint)
            return true
        } catch {
            guard Self.isOptional(error) else { throw error }
            return false
        }
    }

    /// Gives the place at the device back, also when listening was cancelled: devices have few.
    private func unsubscribe(_ subscription: ONVIFSubscription) async {
        // A task of its own is not cancelled with this one.
        await Task {
            _ = try? await call(.unsubscribe, endpoint: subscription.endpoint, within: .seconds(3))
        }.value
    }
}
