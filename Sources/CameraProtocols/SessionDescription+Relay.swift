extension SessionDescription {
    /// The name of a track's control in `relayed`.
    public static func relayedName(of track: Int) -> String { "track\(track)" }

    /// A device's description as another reader gets it: only some of its media, each with a control of ours (`track0`, `track1`).
    ///
    /// - Parameter places: The places in `media` of those that stay, in the order of their names.
    public static func relayed(_ bytes: [UInt8], keeping places: [Int]) -> [UInt8] {
        var lines: [String] = []
        var place = -1
        var isKept = true
        for raw in bytes.prefix(largest).split(whereSeparator: { $0 == 0x0A || $0 == 0x0D || $0 == 0 }) {
            let line = String(decoding: raw, as: UTF8.self).trimmingASCIISpaces()
            guard line.utf8.dropFirst().first == UInt8(ascii: "=") else { continue }
            if line.hasPrefix("m="), media(String(line.dropFirst(2)).trimmingASCIISpaces()) != nil {
                place += 1
                let name = places.firstIndex(of: place)
                isKept = name != nil
                if let name { lines += [line, "a=control:\(relayedName(of: name))"] }
                continue
            }
            // The range is in units of the device, and the addresses are its own.
            let lower = line.prefix(16).lowercased()
            guard isKept, !["a=control:", "a=range:", "c="].contains(where: { lower.hasPrefix($0) }) else { continue }
            lines.append(line)
        }
        return Array((lines.joined(separator: "\r\n") + "\r\n").utf8)
    }
}
