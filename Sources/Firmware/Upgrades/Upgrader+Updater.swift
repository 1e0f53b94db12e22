import Core
import Foundation
import Logging
import Synchronization

extension Upgrader {
    /// Tells the updater how this box is upgraded where it cannot do it itself any more, and that it still can, until cancelled.
    func tellUpdater(_ place: UpgradePlace) async {
        guard let server = environment.server(), let process = ProcessIdentity(getpid()) else {
            return await Self.disk.run { UpdaterBrief.remove(place.folder) }
        }
        var brief = UpdaterBrief(
            server: server, serialNumber: environment.serialNumber, model: environment.model, channel: await channel ?? .stable,
            process: process, lived: .now)
        brief.begin(after: await Self.disk.run { UpdaterBrief.read(place.folder) })
        await tell(brief, place)
        while true {
            await provedItself.wait(atMost: UpdaterBrief.every, time: time)
            if Task.isCancelled { break }
            brief.channel = await channel ?? brief.channel
            brief.server = environment.server() ?? brief.server
            if goesOn { brief.lived = .now }
            await tell(brief, place)
        }
        brief.end(at: .now)
        await tell(brief, place)
    }

    /// Whether the upgrades go on: something of them did a step a while ago.
    private var goesOn: Bool { time.uptime() - lastStep.withLock { $0 } < UpdaterBrief.every }

    private var channel: ReleaseOffer.Channel? {
        get async { (try? await environment.policy())?.0.channel }
    }

    private func tell(_ brief: UpdaterBrief, _ place: UpgradePlace) async {
        do {
            try await Self.disk.run { try brief.write(to: place.folder) }
        } catch {
            environment.logger.warning("the updater could not be told", metadata: ["reason": "\(error)"])
        }
    }
}
