import Cameras
import CloudStorage
import Core
import ManagementAPI
import MediaWorker
import Outbound
import Recording
import Refill
import SystemPackage

extension Box {
    /// What takes absences down, and what refills them.
    static func refilling(_ settings: Settings, _ state: BoxState, _ services: BoxServices) -> (AbsenceWatch, RefillQueue) {
        let list = AbsenceList(database: services.database, time: services.time)
        let policy = AddressPolicy(allowsLocal: settings.allowLocalDevices, allowsPublic: settings.allowPublicDevices)
        let executable = WorkerExecutable(
            path: FilePath(ExecutablePath.current), patience: .seconds(settings.workerPatience), time: services.time)
        let spool = services.spool
        let watch = AbsenceWatch(
            list: list, channels: services.channels, devices: services.devices, catalogue: services.catalogue,
            patience: .seconds(settings.sessionTimeout), time: services.time, logger: services.logger)
        let queue = RefillQueue(
            list: list,
            environment: RefillEnvironment(
                box: services.identity.serialNumber, spool: spool, worker: TranscodeWorker(executable: executable),
                transcodes: services.transcodes, channels: services.channels, devices: services.devices, catalogue: services.catalogue,
                folder: state.refillPath,
                // Half of the spool stays for what happens now; on the disk, a downloaded recording and its clip have room.
                hasRoom: { spool.bytes < spool.limits.bytes / 2 && spool.freeBytes > spool.limits.freeBytes + 600_000_000 },
                admits: { try await Box.check($0, policy) }, changed: { spool.index.changes.send(.gap) }, time: services.time,
                logger: services.logger))
        return (watch, queue)
    }
}
