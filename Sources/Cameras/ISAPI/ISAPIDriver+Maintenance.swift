import CameraProtocols
import Core
import Foundation
import XML

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
        let before = try Self.identity(try await get("System/deviceInfo")).firmware
        progress(UpgradeProgress(stage: .sending, share: 0))
        let answer = try await client.upload("PUT", "/ISAPI/System/updateFirmware", file: file, bytes: bytes, within: .seconds(1800)) {
            sent in
            progress(UpgradeProgress(stage: .sending, share: Double(sent) / Double(max(bytes, 1))))
        }
        if answer.status != 200 || !answer.body.isEmpty { _ = try Self.document(answer, of: "System/updateFirmware") }
        // It is restarted only when it says that it is done: one that is silent may be writing its flash.
        if try await awaitInstallation(progress) { try? await reboot() }
        progress(UpgradeProgress(stage: .restarting, share: 0))
        let after = try await awaitReturn(with: before)
        guard after != before else { throw .deviceError("the firmware is still \(after ?? "the same")") }
        progress(UpgradeProgress(stage: .done, share: 1))
    }

    /// Follows the installation; true where the device says that it is done, false where it went away by itself.
    private func awaitInstallation(_ progress: @Sendable (UpgradeProgress) -> Void) async throws(DeviceFailure) -> Bool {
        for _ in 0..<300 {
            do throws(DeviceFailure) {
                let status = try await get("System/upgradeStatus", within: .seconds(5))
                let percent = min(max(status.first("percent")?.number ?? 0, 0), 100)
                progress(UpgradeProgress(stage: .installing, share: percent / 100))
                if status.first("upgrading")?.flag == false || percent >= 100 { return true }
            } catch {
                guard [.unreachable, .refused, .silent].contains(error.code) else { throw error }
                return false
            }
            try await pause(.seconds(2))
        }
        throw DeviceFailure(.silent, "The device says for ten minutes that it installs. Leave it under power for an hour, then restart it.")
    }

    private func pause(_ duration: Duration) async throws(DeviceFailure) {
        do { try await client.time.sleep(duration) } catch { throw DeviceFailure(.silent, "Interrupted.") }
    }

    /// Waits until the device answers with other firmware, or for ten minutes; answers what it has then.
    private func awaitReturn(with before: String?) async throws(DeviceFailure) -> String? {
        var answered = false
        for _ in 0..<120 {
            try await pause(.seconds(5))
            guard let info = try? await get("System/deviceInfo", within: .seconds(5)) else { continue }
            answered = true
            let firmware = (try? Self.identity(info))?.firmware
            if firmware != before { return firmware }
        }
        if answered { return before }
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
