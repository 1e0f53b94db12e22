import CameraProtocols
import Core
import Foundation

/// Disks, restart, name, password, firmware, doors.
extension ISAPIDriver {
    public func disks() async throws(DeviceFailure) -> [DeviceDisk] {
        let document = try await get("ContentMgmt/Storage")
        var disks: [DeviceDisk] = []
        for hdd in document.descendants("hdd").prefix(32) {
            guard let id = hdd["id"]?.word else { continue }
            let type = hdd["hddType"]?.text.uppercased() ?? ""
            var disk = DeviceDisk(
                id: id, name: hdd["hddName"]?.word ?? "Disk \(id)", kind: type.contains("SD") || type == "LOCAL" ? "SD" : "HDD",
                state: Self.state(hdd["status"]?.text ?? ""), capacityBytes: Self.bytes(hdd["capacity"]),
                freeBytes: Self.bytes(hdd["freeSpace"]))
            if let number = Int(id), disk.state == .ok || disk.state == .error,
                let smart = try await find("ContentMgmt/Storage/hdd/\(number)/SMARTTest/status")
            {
                disk.health = smart.first("allEvaluatingStatus")?.word ?? smart.first("selfEvaluatingStatus")?.word
                disk.celsius = smart.first("temperature")?.integer
            }
            disks.append(disk)
        }
        for nas in document.descendants("nas").prefix(16) {
            guard let id = nas["id"]?.word else { continue }
            disks.append(
                DeviceDisk(
                    id: id, name: nas["ipAddress"]?.word ?? "Network disk \(id)", kind: "NAS", state: Self.state(nas["status"]?.text ?? ""),
                    capacityBytes: Self.bytes(nas["capacity"]), freeBytes: Self.bytes(nas["freeSpace"])))
        }
        return disks
    }

    /// Devices count in MB.
    private static func bytes(_ element: XMLTree?) -> Int? {
        element?.integer.flatMap { (0...1_000_000_000).contains($0) ? $0 << 20 : nil }
    }

    static func state(_ word: String) -> DeviceDisk.State {
        switch word.lowercased() {
        case "ok", "normal", "idle", "sleeping", "standby": .ok
        case "full": .full
        case "unformatted", "uninitialized": .unformatted
        case "formating", "formatting", "initing": .formatting
        case "error", "mismatch", "smartfailed", "abnormal", "bad": .error
        case "offline": .offline
        case "notexist", "absent": .absent
        default: .unknown
        }
    }

    public func reboot() async throws(DeviceFailure) {
        try await put("System/reboot", nil)
    }

    public func rename(_ name: String) async throws(DeviceFailure) {
        var document = try await get("System/deviceInfo")
        document.set("deviceName", to: name)
        try await put("System/deviceInfo", document)
    }

    public func changePassword(to password: String) async throws(DeviceFailure) {
        guard let credentials = client.credentials else { throw .wrongPassword() }
        let users = try await get("Security/users")
        guard var user = users.all("User").first(where: { $0["userName"]?.text == credentials.userName }), let id = user["id"]?.integer
        else {
            throw .unsupported("changing the password of \(credentials.userName)")
        }
        user.set("password", to: password)
        // Newer firmware wants the old one too.
        user.set("loginPassword", to: credentials.password)
        try await put("Security/users/\(id)", user)
    }

    public func upgrade(
        file: String, bytes: Int, progress: @escaping @Sendable (UpgradeProgress) -> Void
    ) async throws(DeviceFailure) {
        progress(UpgradeProgress(stage: .sending, share: 0))
        let answer = try await client.upload("PUT", "/ISAPI/System/updateFirmware", file: file, bytes: bytes, within: .seconds(1800)) {
            sent in
            progress(UpgradeProgress(stage: .sending, share: Double(sent) / Double(max(bytes, 1))))
        }
        if !answer.body.isEmpty { _ = try Self.document(answer, of: "System/updateFirmware") }
        // It installs, tells how far it is as long as it can, and restarts by itself or on request.
        for _ in 0..<300 {
            do {
                let status = try await get("System/upgradeStatus", within: .seconds(5))
                let percent = status.first("percent")?.number ?? 0
                progress(UpgradeProgress(stage: .installing, share: percent / 100))
                if status.first("upgrading")?.flag == false || percent >= 100 { break }
            } catch {
                guard [.unreachable, .refused, .silent].contains(error.code) else { throw error }
                break
            }
            do { try await client.time.sleep(.seconds(2)) } catch { throw DeviceFailure(.silent, "Interrupted.") }
        }
        progress(UpgradeProgress(stage: .restarting, share: 0))
        try? await reboot()
        try await awaitReturn()
        progress(UpgradeProgress(stage: .done, share: 1))
    }

    /// Waits until the device answers again, ten minutes at most.
    private func awaitReturn() async throws(DeviceFailure) {
        for _ in 0..<120 {
            do { try await client.time.sleep(.seconds(5)) } catch { throw DeviceFailure(.silent, "Interrupted.") }
            if (try? await get("System/deviceInfo", within: .seconds(5))) != nil { return }
        }
        throw DeviceFailure(.silent, "The device has not come back after the upgrade. Check its power, and look whether its lights blink.")
    }

    public func command(_ command: DoorCommand, door: Int) async throws(DeviceFailure) {
        guard (1...256).contains(door) else { throw .unsupported("door \(door)") }
        var document = XMLTree("RemoteControlDoor")
        let word =
            switch command {
            case .open: "open"
            case .close: "close"
            case .remainOpen: "alwaysOpen"
            case .remainClosed: "alwaysClose"
            }
        document.set("cmd", to: word)
        try await put("AccessControl/RemoteControl/door/\(door)", document)
    }
}
