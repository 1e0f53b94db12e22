public import Foundation

/// The machine that the box is, as its label and its page have it.
public struct Hardware: Sendable, Equatable, Encodable {
    /// What its maker calls it; nil where it does not say.
    public let board: String?
    /// Of its sockets and radios, in the order of their names.
    public let macAddresses: [String]

    public init(board: String?, macAddresses: [String]) {
        self.board = board
        self.macAddresses = macAddresses
    }

    /// Reads it from the kernel; blocks for a moment.
    /// - Parameter root: Where `/proc` and `/sys` are.
    public static func read(root: URL = URL(filePath: "/")) -> Hardware {
        // A device tree where there is one, else what the firmware says.
        let board = ["proc/device-tree/model", "sys/class/dmi/id/product_name"].lazy.compactMap { text(root.appending(path: $0)) }.first
        let interfaces = root.appending(path: "sys/class/net")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: interfaces.path)) ?? []
        // Bridges and tunnels are no devices.
        let real = names.sorted().filter { FileManager.default.fileExists(atPath: interfaces.appending(path: "\($0)/device").path) }
        return Hardware(board: board, macAddresses: real.compactMap { text(interfaces.appending(path: "\($0)/address")) })
    }

    private static func text(_ place: URL) -> String? {
        guard let text = try? String(contentsOf: place, encoding: .utf8) else { return nil }
        let plain = text.prefix(200).filter { !$0.isNewline && $0 != "\0" }.trimmingCharacters(in: .whitespaces)
        return plain.isEmpty ? nil : plain
    }
}
