import ArgumentParser
import Cameras
import Core
import Foundation
import Outbound
import Synchronization

/// Lists the devices of the LAN.
struct DiscoverCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "discover",
        abstract:
            "Lists cameras, recorders and door controllers of the LAN: by WS-Discovery and SADP, and with --sweep by knocking at cameras' ports."
    )

    @Option(help: "Seconds to listen, 1 to 60.")
    var seconds = 4

    @Flag(help: "Also knock politely at the camera ports of the attached private networks.")
    var sweep = false

    @Option(name: .customLong("address"), help: "Ask this address besides; may be given several times.")
    var addresses: [String] = []

    @Flag(help: "Look for devices on this machine too.")
    var allowLocal = false

    @Flag(help: "Print one JSON object a line.")
    var json = false

    func validate() throws {
        guard (1...60).contains(seconds) else { throw ValidationError("The seconds must be 1 to 60.") }
    }

    private struct Line: Encodable {
        let address: String
        let httpPort: Int?
        let make: String?
        let model: String?
        let kind: String
        let serialNumber: String?
        let macAddress: String?
        let firmware: String?
        let activated: Bool?
        let ways: [String]

        init(_ device: DiscoveredDevice) {
            address = device.address
            httpPort = device.httpPort
            make = device.identity.make
            model = device.identity.model
            kind = device.identity.kind.rawValue
            serialNumber = device.identity.serialNumber
            macAddress = device.identity.macAddress
            firmware = device.identity.firmware
            activated = device.activated
            ways = device.ways.map(\.rawValue).sorted()
        }
    }

    func run() async throws {
        let policy = AddressPolicy(allowsLocal: allowLocal)
        let found = Mutex<[DiscoveredDevice]>([])
        let take: @Sendable (DiscoveredDevice) -> Void = { device in
            found.withLock { list in
                if let index = list.firstIndex(where: { $0.isSame(as: device) }) { list[index].merge(device) } else { list.append(device) }
            }
        }
        await DeviceFinder(policy: policy, time: .system).probe(for: .seconds(seconds), unicast: addresses, found: take)
        if sweep {
            let sweeper = PortSweep(time: .system)
            let known = Set(found.withLock { $0.map(\.address) })
            await sweeper.run(hosts: sweeper.hosts().filter { !known.contains($0) }, found: take) { _ in }
        }
        let devices = found.withLock { $0 }.sorted { $0.address.compare($1.address, options: .numeric) == .orderedAscending }
        for device in devices { print(json ? try Self.json(device) : Self.text(device)) }
        if devices.isEmpty, !json { print("No device answered. Try --sweep, or --address with an address you know.") }
    }

    private static func json(_ device: DiscoveredDevice) throws -> String {
        String(decoding: try GatehouseJSON.encoder.encode(Line(device)), as: UTF8.self)
    }

    private static func text(_ device: DiscoveredDevice) -> String {
        let name = [device.identity.make, device.identity.model].compactMap { $0 }.joined(separator: " ")
        let port = device.httpPort.map { $0 == 80 ? "" : ":\($0)" } ?? ""
        let notes = [
            device.identity.firmware, device.identity.macAddress, device.activated == false ? "no password yet: activate it" : nil,
            "seen by " + device.ways.map(\.rawValue).sorted().joined(separator: ", "),
        ]
        return
            "\(device.address)\(port)  \(name.isEmpty ? device.identity.kind.rawValue : name)  (\(notes.compactMap { $0 }.joined(separator: "; ")))"
    }
}
