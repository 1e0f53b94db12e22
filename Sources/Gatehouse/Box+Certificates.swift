import Cameras
import Core
import Foundation
import Logging
import Outbound
import ServerCertificate

extension Box {
    /// The certificates that the box shows; nil where it does not speak TLS itself.
    static func certificates(_ settings: Settings, _ state: BoxState, time: TimeSource, logger: Logger) throws -> ServerCertificates? {
        guard settings.tls else { return nil }
        return try ServerCertificates(
            folder: state.tlsPath, files: settings.certificate.map { .init(certificate: $0.chain, key: $0.key) }, name: settings.boxName,
            host: ProcessInfo.processInfo.hostName, addresses: { LocalAddresses.ofPrivateNetworks }, time: time, logger: logger)
    }
}
