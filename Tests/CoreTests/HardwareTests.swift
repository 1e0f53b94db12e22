import Foundation
import Testing

@testable import Core

/// What the kernel says of the machine.
@Suite struct HardwareTests {
    private let root = FileManager.default.temporaryDirectory.appending(path: "gatehouse-hardware-\(UUID().uuidString)")

    private func write(_ text: String, _ path: String) throws {
        let place = root.appending(path: path)
        try FileManager.default.createDirectory(at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: place)
    }

    @Test func aBoardWithTwoSocketsAndABridge() throws {
        defer { try? FileManager.default.removeItem(at: root) }
        try write("Raspberry Pi Compute Module 4 Rev 1.1\0", "proc/device-tree/model")
        try write("a virtual machine\n", "sys/class/dmi/id/product_name")
        for (name, address) in [("eth1", "d8:3a:dd:00:11:23"), ("eth0", "d8:3a:dd:00:11:22")] {
            try write("\(address)\n", "sys/class/net/\(name)/address")
            try write("", "sys/class/net/\(name)/device/vendor")
        }
        try write("02:42:00:00:00:01\n", "sys/class/net/docker0/address")
        #expect(
            Hardware.read(root: root)
                == Hardware(board: "Raspberry Pi Compute Module 4 Rev 1.1", macAddresses: ["d8:3a:dd:00:11:22", "d8:3a:dd:00:11:23"]))
    }

    @Test func aMachineThatSaysNothing() throws {
        #expect(Hardware.read(root: root) == Hardware(board: nil, macAddresses: []))
        defer { try? FileManager.default.removeItem(at: root) }
        try write("\n", "proc/device-tree/model")
        try write("a virtual machine\n", "sys/class/dmi/id/product_name")
        #expect(Hardware.read(root: root).board == "a virtual machine")
    }
}
