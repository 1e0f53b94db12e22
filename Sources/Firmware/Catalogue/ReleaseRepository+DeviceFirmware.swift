public import Foundation

extension ReleaseRepository {
    /// Adds a device's firmware to what is staged; its pieces and its manifest are written.
    ///
    /// - Returns: The path of its manifest.
    /// - Throws: `ReleaseRefusal` for an offer or a file that no box would take.
    @discardableResult
    public func add(deviceFirmware file: URL, _ offer: DeviceFirmwareOffer, notes: String, expires: Date) throws -> String {
        guard offer.isPlain else {
            throw ReleaseRefusal.unsafe("Firmware of a device needs a maker, models, and a version with numbers in it.")
        }
        let entry = try ReleaseBuilder(repository: folder).file(file.lastPathComponent, in: file.deletingLastPathComponent())
        let bytes = try DeviceFirmwareManifest(notes: notes, file: entry.asData).bytes
        let path = ["devices", offer.make, offer.models.first ?? "", "\(offer.version).json"].map(Self.name).joined(separator: "/")
        let target = try TargetsMetadata.Target(bytes, custom: offer)
        try write(bytes, to: try ListedDeviceFirmware(path, target).file.place)
        try stageTargets(expires: expires) { targets in
            // Whoever has it in the line must not get another file, or one that is for others.
            if let known = targets.targets[path], known != target {
                throw ReleaseRefusal.unsafe("\(path) is there already, and is otherwise. Withdraw it first.")
            }
            targets.targets[path] = target
        }
        return path
    }

    /// Firmware that turned out to be bad is offered no longer.
    public func withdraw(deviceFirmware path: String, expires: Date) throws {
        try stageTargets(expires: expires) { targets in
            guard targets.targets[path]?.deviceFirmware != nil else { throw ReleaseRefusal.notThere(path) }
            targets.targets[path] = nil
        }
    }

    /// A part of a path, out of what a maker writes.
    private static func name(_ text: String) -> String {
        String(
            text.lowercased().unicodeScalars.map {
                $0.isASCII && ($0.properties.isAlphabetic || $0 == "." || $0.properties.numericType != nil) ? Character($0) : "-"
            })
    }
}

extension ReleaseManifest.File {
    /// Not a program, whatever mode the vendor's file has.
    fileprivate var asData: Self { Self(path: path, executable: false, size: size, sha256: sha256, chunks: chunks) }
}
