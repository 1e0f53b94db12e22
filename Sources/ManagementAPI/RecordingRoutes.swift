import BoxDatabase
import AsyncAlgorithms
import Cameras
import Core
import Devices
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// Footage on the devices' own disks and cards.
struct RecordingRoutes {
    private static let longestRange = 31.0 * 86_400
    let services: BoxServices

    func add(to routes: RouterGroup<APIContext>) {
        routes.get("channels/:id/recordings") { request, context in
            let target = try await services.channelOnDevice(context)
            let query = try Query(request)
            let found = try await target.driver.recordings(
                of: target.channel, from: query.from, to: query.to, kinds: query.kinds, limit: query.limit)
            return try answer(ListAnswer(items: found.map { RecordingAnswer($0, channel: target.record.id) }))
        }
        routes.get("channels/:id/recordings/days") { request, context in try await days(request, context) }
        routes.get("channels/:id/recordings/download") { request, context in try await download(request, context) }
    }

    private struct Days: Encodable {
        let month: String
        let days: [Int]
    }

    private func days(_ request: Request, _ context: APIContext) async throws -> Response {
        let target = try await services.channelOnDevice(context)
        let text = request.uri.queryParameters["month"].map(String.init) ?? ""
        let parts = text.split(separator: "-").compactMap { Int($0) }
        guard parts.count == 2, (2000...2100).contains(parts[0]), (1...12).contains(parts[1]) else {
            throw Problem.invalid([.init(field: "/month", detail: "month must be a month such as 2026-11.")])
        }
        let zone = TimeZone(identifier: try await services.catalogue.site(target.record.siteId).timeZone) ?? .gmt
        let days = try await target.driver.daysWithRecordings(of: target.channel, year: parts[0], month: parts[1], zone: zone)
        return try answer(Days(month: text, days: days.sorted()))
    }

    /// The bytes go through as they come; the device's pace is the client's.
    private func download(_ request: Request, _ context: APIContext) async throws -> Response {
        let target = try await services.channelOnDevice(context)
        let query = try Query(request)
        // Times are whole seconds on the device; the piece is found again by where it begins.
        let found = try await target.driver.recordings(
            of: target.channel, from: query.from.addingTimeInterval(-1), to: query.to.addingTimeInterval(1), kinds: [], limit: 50)
        guard
            let recording = found.first(where: {
                abs($0.from.timeIntervalSince(query.from)) < 1.5 && abs($0.to.timeIntervalSince(query.to)) < 1.5
            })
                ?? found.first(where: { $0.from <= query.from && $0.to >= query.to })
        else { throw Problem.notFound("recording on the device") }
        // A slow client makes the device wait, instead of filling the memory; one that left ends it by the device's silence.
        let chunks = AsyncThrowingChannel<ByteBuffer, any Error>()
        Task {
            do throws(DeviceFailure) {
                try await target.driver.download(recording) { bytes in await chunks.send(ByteBuffer(bytes: bytes)) }
                chunks.finish()
            } catch {
                chunks.fail(error)
            }
        }
        // What the device refuses is a problem, not a broken file.
        var rest = chunks.makeAsyncIterator()
        guard let first = try await rest.next() else { throw DeviceFailure.unsupported("sending this recording: it is empty") }
        let name = "\(target.record.name) \(GatehouseJSON.text(recording.from)).mp4".filter {
            $0.isASCII && ($0.isLetter || $0.isNumber || " -.".contains($0))
        }
        return Response(
            status: .ok,
            headers: [
                .contentType: "application/octet-stream", .cacheControl: "no-store",
                .contentDisposition: "attachment; filename=\"\(name)\"",
            ],
            body: ResponseBody { writer in
                try await writer.write(first)
                for try await chunk in chunks { try await writer.write(chunk) }
                try await writer.finish(nil)
            })
    }

    private struct Query {
        var from = Date.distantPast
        var to = Date.distantFuture
        var kinds: Set<DeviceRecording.Kind> = []
        var limit = 100

        init(_ request: Request) throws {
            var errors: [Problem.FieldError] = []
            var seen: Set<String> = []
            for (key, value) in request.uri.queryParameters {
                let (name, text) = (String(key), String(value))
                seen.insert(name)
                var understood = false
                switch name {
                case "from", "to":
                    guard let date = GatehouseJSON.date(text) else { break }
                    if name == "from" { from = date } else { to = date }
                    understood = true
                case "type":
                    let words = text.split(separator: ",").map { DeviceRecording.Kind(rawValue: String($0)) }
                    kinds = Set(words.compactMap(\.self))
                    understood = words.allSatisfy { $0 != nil }
                case "limit":
                    limit = Int(text).flatMap { (1...1000).contains($0) ? $0 : nil } ?? 0
                    understood = limit > 0
                default: break
                }
                if !understood { errors.append(.init(field: "/\(name)", detail: "The query's \(name) is not right.")) }
            }
            for name in ["from", "to"] where !seen.contains(name) { errors.append(.init(field: "/\(name)", detail: "\(name) is missing.")) }
            if errors.isEmpty, from >= to { errors.append(.init(field: "/to", detail: "to must be later than from.")) }
            if errors.isEmpty, to.timeIntervalSince(from) > RecordingRoutes.longestRange {
                errors.append(.init(field: "/to", detail: "At most 31 days can be searched at once."))
            }
            if !errors.isEmpty { throw Problem.invalid(errors) }
        }
    }
}
