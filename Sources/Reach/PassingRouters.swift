import Core
import Foundation

/// The addresses in the box's own network from which requests may come that a router passed on for somebody outside: some put their own address in
/// place of the visitor's.
public struct PassingRouters: Sendable, Equatable {
    private static let mappedPrefix = "::ffff:"
    private static let defaultRoute = "00000000"

    private var addresses: Set<String>

    public init(_ addresses: some Sequence<String> = []) {
        self.addresses = Set(addresses)
    }

    /// Whether a request from `address` may be somebody's outside.
    public func contains(_ address: String) -> Bool {
        let bare = address.lowercased().hasPrefix(Self.mappedPrefix) ? String(address.dropFirst(Self.mappedPrefix.count)) : address
        return addresses.contains(bare)
    }

    mutating func add(_ address: String) { addresses.insert(address) }

    /// The routers of the kernel's default routes, as /proc/net/route tells them: hexadecimal, in the byte order of the machine.
    static func ofDefaultRoutes(_ table: String) -> [String] {
        table.split(separator: "\n").prefix(1000).compactMap { line in
            let parts = line.split(whereSeparator: \.isWhitespace)
            guard parts.count > 2, parts[1] == defaultRoute, let number = UInt32(parts[2], radix: 16), number != 0 else { return nil }
            return withUnsafeBytes(of: number) { $0.map { String($0) }.joined(separator: ".") }
        }
    }

    static func ofThisMachine() -> [String] {
        ofDefaultRoutes(KernelFile.text("/proc/net/route") ?? "")
    }
}
