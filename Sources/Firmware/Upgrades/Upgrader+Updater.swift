import Core
import Foundation
import Logging

extension Upgrader {
    /// Tells the updater how this box is upgraded where it cannot do it itself any more, and that it still can, until cancelled.
    func tellUpdater(_ place: UpgradePlace) async {
        guard let server = environment.server, let process = ProcessIdentity(getpid()) else {
            return await Self.disk.run { UpdaterBrief.remove(place.folder) }
        }
        var brief = UpdaterBrief(
            server: server, serialNumber: environment.serialNumber, model: environment.model, channel: await channel ?? .stable,
            process: process, lived: .now)
        brief.begin(after: await Self.disk.run { UpdaterBrief.read(place.folder) })
        await tell(brief, place)
        var hasLived = false
        while true {
            await provedItself.wait(atMost: UpdaterBrief.every, time: time)
            if Task.isCancelled { break }
            hasLived = true
            brief.channel = await channel ?? brief.channel
            brief.lived = .now
            await tell(brief, place)
        }
        // A box that ends whenever it was started may be told to by what is wrong with it.
        guard hasLived else { return }
        brief.lived = .now
        brief.endedInOrder = true
        await tell(brief, place)
    }

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
