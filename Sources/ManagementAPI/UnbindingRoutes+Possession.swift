import Access
import BoxDatabase
import Cameras
import Core
import Devices
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import MediaWorker
import Synchronization

/// Codes that devices are to show to the box, each for a while.
final class PossessionChallenges: Sendable {
    struct Key: Hashable {
        let job: String
        let index: Int
        let person: PersonID
    }

    private struct Challenge {
        let text: String
        let until: Duration
    }

    static let lasts = Duration.seconds(600)
    private static let most = 100

    private let known = Mutex<[Key: Challenge]>([:])

    /// A new one, which takes the place of a former.
    func make(_ key: Key, at now: Duration) -> String {
        let text = "gatehouse:proof:" + AccessToken.make()
        known.withLock { known in
            known = known.filter { $0.value.until > now }
            if known.count >= Self.most, let oldest = known.min(by: { $0.value.until < $1.value.until }) { known[oldest.key] = nil }
            known[key] = Challenge(text: text, until: now + Self.lasts)
        }
        return text
    }

    /// The text that is to be shown; nil when there is none, or no longer.
    func text(_ key: Key, at now: Duration) -> String? {
        known.withLock { known in known[key].flatMap { $0.until > now ? $0.text : nil } }
    }

    func forget(_ key: Key) { known.withLock { $0[key] = nil } }
}

// Unbinding by possession: who holds a code of the box before the camera, knows its password and is in its network has it in their hands.
extension UnbindingRoutes {
    /// A recorder has many channels, of which one shows the code.
    private static let mostChannels = 16
    private static let looking = Turns(2)

    func addPossession(to routes: RouterGroup<APIContext>) {
        routes.post("onboardings/:id/devices/:index/challenge") { request, context in
            let (job, item, bound) = try self.bound(context)
            let former = try await services.catalogue.device(bound.device).0.siteId
            try await check(job, item, bound, request, context)
            context.notes.note(subject: job.site.text, name: bound.model)
            for site in [former, job.site] { context.notes.note(site: site) }
            let text = challenges.make(try key(job, item, context), at: services.time.uptime())
            return try CodeRoutes.drawing(text, status: .created)
        }
        routes.post("onboardings/:id/devices/:index/challenge/check") { request, context in
            let (job, item, bound) = try self.bound(context)
            try await check(job, item, bound, request, context)
            context.notes.note(subject: job.site.text, name: bound.model)
            return try answer(try await look(job, item, bound, context))
        }
    }

    private func key(_ job: Onboarding.Job, _ item: Onboarding.Item, _ context: APIContext) throws -> PossessionChallenges.Key {
        .init(job: job.id, index: item.index, person: try caller(context).id)
    }

    private func check(
        _ job: Onboarding.Job, _ item: Onboarding.Item, _ bound: Unbindings.Bound, _ request: Request, _ context: APIContext
    ) async throws {
        guard isOnSite(item, request, context) else {
            throw Problem.conflict("Only who is in the same network as the box and the device can prove that they have it.")
        }
        try await unbindings.checkPossession(of: bound, for: job.site, by: try caller(context))
        // The device let them in with it; that it is this very device, and not one that says so, is known by the password that the box has.
        let (device, _) = try await services.catalogue.device(bound.device)
        let given = item.request.entry.credentials
        var isRight = false
        do {
            try await services.access.signIns.guess(from: context.remoteAddress) {
                let known = try services.catalogue.password(of: device) ?? ""
                isRight = !known.isEmpty && AccessServices.isSame(known, given?.password ?? "") && device.userName == given?.userName
                return isRight
            }
        } catch AccessDenied.tooManyAttempts(let seconds) {
            throw Problem.tooManyAttempts("Too many passwords were wrong.", retryAfter: seconds)
        } catch is AccessDenied {}
        guard isRight else {
            throw Problem.conflict(
                "The box knows this device with another password. Ask for it to be unbound with a photograph of its label.")
        }
    }

    private func look(
        _ job: Onboarding.Job, _ item: Onboarding.Item, _ bound: Unbindings.Bound, _ context: APIContext
    ) async throws -> PossessionAnswer {
        let (key, caller, rights) = (try key(job, item, context), try caller(context), context.rights)
        guard let text = challenges.text(key, at: services.time.uptime()) else {
            throw Problem.conflict("There is no code, or it is too old. Begin again.")
        }
        guard let atWork = services.devices[bound.device], try await Self.looking.run({ await Self.isShown(text, by: atWork, services) })
        else {
            return PossessionAnswer(
                isSeen: false, sentence: "The device does not see the code yet. Hold it still, nearer, and in good light.")
        }
        challenges.forget(key)
        let device = atWork.record
        do {
            try await takeOff(bound.device) { [unbindings] database in
                _ = try unbindings.prove(bound, for: job.site, by: caller, rights, database)
            }
        } catch CatalogueError.noSuchDevice {
            throw Problem.conflict("The device is not bound to any account. Try again to add it.")
        }
        services.logger.notice("a device was unbound by possession", metadata: ["device": "\(device.name)", "by": "\(caller.name)"])
        let values = ["person": caller.name, "what": device.name]
        try await services.access.notices.tell(.unbound, about: device.siteId, to: .owner, values)
        try await services.access.notices.tell(.unbound, about: device.siteId, to: .managers, values)
        return PossessionAnswer(isSeen: true, sentence: "The device is unbound. Add it now.")
    }

    /// Whether the device shows this text, seen by the box's own connection to it: what answers elsewhere may only say that it is this device.
    private static func isShown(_ text: String, by device: DeviceAtWork, _ services: BoxServices) async -> Bool {
        for channel in device.description?.channels.filter({ $0.online != false }).prefix(mostChannels) ?? [] {
            guard let picture = try? await device.driver.snapshot(of: channel), let texts = try? await services.texts(in: picture) else {
                continue
            }
            if texts.contains(where: { AccessServices.isSame($0, text) }) { return true }
        }
        return false
    }
}

private struct PossessionAnswer: Encodable {
    let isSeen: Bool
    let sentence: String
}
