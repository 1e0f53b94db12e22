import BoxDatabase
import CloudStorage
import Cameras
import Core
import Devices
import Foundation
import Media
import Recording

/// The box's figures in Prometheus' text format (version 0.0.4).
struct Metrics {
    private var lines: [String] = []

    /// Collects everything now.
    init(_ maker: AnswerMaker, _ checks: AccessChecks) async throws {
        let services = maker.services
        gauge("gatehouse_start_time_seconds", "When the box's program started.", services.startedAt.timeIntervalSince1970)
        gauge(
            "gatehouse_memory_resident_bytes", "Resident memory of the box's program, workers apart.", Double(ProcessMemory.residentBytes))
        let storage = try await maker.storage()
        gauge("gatehouse_spool_bytes", "Bytes in the spool.", Double(storage.spool.bytes))
        gauge("gatehouse_spool_limit_bytes", "Bytes that the spool may hold.", Double(storage.spool.limitBytes))
        gauge("gatehouse_spool_paused", "1 while recording is paused for want of room.", storage.spool.paused ? 1 : 0)
        gauge("gatehouse_backlog_clips", "Clips that are not in the store yet.", Double(storage.backlog.clips))
        gauge("gatehouse_backlog_bytes", "Bytes that are not in the store yet.", Double(storage.backlog.bytes))
        gauge(
            "gatehouse_backlog_oldest_seconds", "Age of the oldest clip that is not in the store yet.",
            Double(storage.backlog.oldestSeconds.value ?? 0))
        gauge("gatehouse_upload_bytes_per_second", "Rate of the latest uploads.", Double(storage.line.bytesPerSecond.value ?? 0))
        gauge("gatehouse_stored_clips", "Clips in the store whose retention runs.", Double(storage.stored.clips))
        gauge("gatehouse_gaps", "Stretches of footage that were lost.", Double(storage.gaps))
        gauge(
            "gatehouse_storage_ok", "1 while uploads work, or are paused on purpose.",
            ["ok", "paused"].contains(storage.state.code) ? 1 : 0)
        if let second = storage.second.value {
            gauge("gatehouse_second_storage_ok", "1 while the second storage works.", ["ok", "paused"].contains(second.state.code) ? 1 : 0)
            gauge("gatehouse_second_storage_in_use", "1 while clips go there in place of the first.", second.inUse ? 1 : 0)
            gauge("gatehouse_second_storage_waiting_clips", "Clips that wait for their copy.", Double(second.waiting))
        }
        let (seconds, count) = checks.total
        head("gatehouse_access_check_seconds", "Time to decide whether a caller may do what is asked.", "summary")
        lines.append("gatehouse_access_check_seconds_sum \(Self.text(seconds))")
        lines.append("gatehouse_access_check_seconds_count \(count)")
        let workers = services.transcodes.workers
        head("gatehouse_workers_started_total", "Worker processes started for clips.", "counter")
        lines.append("gatehouse_workers_started_total \(workers.started)")
        head("gatehouse_workers_failed_total", "Worker processes that crashed, hung or gave up.", "counter")
        lines.append("gatehouse_workers_failed_total \(workers.failed)")
        gauge("gatehouse_workers_running", "Clips in the hands of workers.", Double(workers.running))
        channels(services.channels.channels)
        devices(services.devices.devices)
    }

    /// The whole page.
    var text: String { lines.joined(separator: "\n") + "\n" }

    private mutating func channels(_ channels: [ChannelAtWork]) {
        let views = channels.map { ($0.configuration.id, $0.view) }
        let figures: [(String, String, (ChannelView) -> Double)] = [
            ("gatehouse_channel_ok", "1 while the channel's picture is well.", { $0.condition.severity == .ok ? 1 : 0 }),
            ("gatehouse_channel_recording", "1 while a clip of the channel is recorded.", { $0.recording ? 1 : 0 }),
            ("gatehouse_channel_buffered_bytes", "Bytes of recent packets held.", { Double($0.bufferedBytes) }),
            ("gatehouse_channel_frame_rate", "Frames a second of the main stream.", { $0.streams.first?.frameRate ?? 0 }),
            ("gatehouse_channel_bit_rate", "Bits a second of the main stream.", { Double($0.streams.first?.bitRate ?? 0) }),
        ]
        for (name, help, figure) in figures {
            head(name, help, "gauge")
            for (id, view) in views { lines.append("\(name){channel=\"\(id)\"} \(Self.text(figure(view)))") }
        }
    }

    private mutating func devices(_ devices: [DeviceAtWork]) {
        let views = devices.map { ($0.record.id, $0.view) }
        let figures: [(String, String, String, (DeviceView) -> Double)] = [
            ("gatehouse_device_ok", "1 while the device answers.", "gauge", { $0.condition.severity == .ok ? 1 : 0 }),
            (
                "gatehouse_device_notifications_total", "Messages of events that the device sent, repetitions included.", "counter",
                { Double($0.notifications) }
            ),
            ("gatehouse_device_clock_offset_seconds", "Device time minus box time.", "gauge", { $0.clock?.offset ?? 0 }),
        ]
        for (name, help, kind, figure) in figures {
            head(name, help, kind)
            for (id, view) in views { lines.append("\(name){device=\"\(id)\"} \(Self.text(figure(view)))") }
        }
    }

    private mutating func gauge(_ name: String, _ help: String, _ value: Double) {
        head(name, help, "gauge")
        lines.append("\(name) \(Self.text(value))")
    }

    private mutating func head(_ name: String, _ help: String, _ kind: String) {
        lines.append("# HELP \(name) \(help)")
        lines.append("# TYPE \(name) \(kind)")
    }

    private static func text(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : String(value)
    }
}
