import Core
import Foundation
import Logging

extension Upgrader {
    private static let reportsAgainAfter = Duration.seconds(3600)

    /// Tells the vendor what became of each upgrade, until cancelled; what nobody took is told again.
    func reportUpgrades(_ place: UpgradePlace) async {
        guard let report = environment.report else { return }
        while !Task.isCancelled {
            for upgrade in memory.upgrades.reversed() where !(upgrade.isReported ?? false) {
                guard
                    let told = UpgradeReport(
                        upgrade, serialNumber: environment.serialNumber, model: environment.model, architecture: place.architecture)
                else { continue }
                do {
                    try await report(told)
                    try await remember { $0.reported(upgrade) }
                } catch {
                    environment.logger.info("the vendor was not told of an upgrade", metadata: ["reason": "\(error)"])
                    break
                }
            }
            await ended.wait(atMost: Self.reportsAgainAfter, time: time)
        }
    }
}
