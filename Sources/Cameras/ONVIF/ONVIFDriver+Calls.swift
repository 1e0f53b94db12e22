import CameraProtocols
import Foundation
import XML

/// One request and its answer: where it goes, who asks, and what a refusal means.
extension ONVIFDriver {
    /// What a call is about, besides its message.
    struct Call: Sendable {
        var request: ONVIFRequest
        /// Where a subscription is, if the call is for one.
        var endpoint: SOAPEndpoint?
        var limit = 4 << 20
        var within = Duration.seconds(10)

        /// The operation's name, without its prefix.
        var name: String { request.body.name.split(separator: ":").last.map(String.init) ?? request.body.name }
    }

    /// Asks a service; the answer is the element in the answer's body.
    @discardableResult
    func call(
        _ request: ONVIFRequest, endpoint: SOAPEndpoint? = nil, limit: Int = 4 << 20, within: Duration = .seconds(10)
    ) async throws(DeviceFailure) -> XMLTree {
        let call = Call(request: request, endpoint: endpoint, limit: limit, within: within)
        let service = try await path(of: request.service)
        let path = endpoint.flatMap { ONVIFPlace.path(of: $0.address) } ?? service
        do {
            return try await signedIn(call, at: path)
        } catch {
            guard error.code == .unsupported, error.detail == Self.noSuchPath, path != ONVIFPlace.device else { throw error }
        }
        // The path itself was not there. Many devices take any message at the one path that all devices have.
        let answer = try await signedIn(call, at: endpoint == nil ? ONVIFPlace.device : service)
        if endpoint == nil { memory.with { $0.services?[request.service] = ONVIFPlace.device } }
        return answer
    }

    /// Asks for what a device may not have.
    func find(_ request: ONVIFRequest) async throws(DeviceFailure) -> XMLTree? {
        do {
            return try await call(request)
        } catch {
            guard Self.isOptional(error) else { throw error }
            return nil
        }
    }

    /// Whether a failure is of one request alone, so that the rest can go on.
    static func isOptional(_ failure: DeviceFailure) -> Bool {
        [.unsupported, .forbidden, .deviceError, .nonsense, .busy].contains(failure.code)
    }

    // MARK: Services

    /// Where a service is.
    /// - Throws: `unsupported` where the device does not list it.
    func path(of service: ONVIFService) async throws(DeviceFailure) -> String {
        if service == .device { return memory.with { $0.services?[.device] } ?? ONVIFPlace.device }
        guard let path = try await services()[service] else { throw .unsupported(Self.words(service)) }
        return path
    }

    /// The services of the device, with their paths.
    func services() async throws(DeviceFailure) -> [ONVIFService: String] {
        if let known = memory.with({ $0.services }) { return known }
        var addresses: [ONVIFService: String] = [:]
        for request in [ONVIFRequest.services(), .capabilities] where addresses.isEmpty {
            do {
                addresses = ONVIFServices(try await signedIn(Call(request: request), at: ONVIFPlace.device)).addresses
            } catch {
                guard Self.isOptional(error) else { throw error }
            }
        }
        guard !addresses.isEmpty else {
            throw DeviceFailure(
                .nonsense, "The device does not say what it can do by ONVIF. Switch ONVIF on in the device, and update its firmware.",
                detail: "no services")
        }
        let services = addresses.mapValues { ONVIFPlace.path(of: $0) ?? ONVIFPlace.device }
        memory.with { $0.services = services }
        return services
    }

    func has(_ service: ONVIFService) async throws(DeviceFailure) -> Bool { try await services()[service] != nil }

    private static func words(_ service: ONVIFService) -> String {
        switch service {
        case .device: "telling about itself by ONVIF"
        case .media, .media2: "video by ONVIF"
        case .events: "events"
        case .ptz: "moving"
        case .imaging: "focusing"
        case .recording, .search: "searching recordings"
        case .replay: "playing recordings"
        case .deviceIO: "inputs and outputs"
        case .analytics: "analytics"
        }
    }

    // MARK: Answers

    /// The detail of a failure that says that nothing is at a path.
    static let noSuchPath = "no such path"

    /// What an answer says, or why it does not.
    enum Exchange: Sendable {
        case answer(XMLTree)
        /// The device does not let the box in; `byHTTP`: it can be asked by HTTP's own means.
        case refused(byHTTP: Bool, hint: Date?)
    }

    static func read(_ answer: DeviceClient.Answer, of call: Call) throws(DeviceFailure) -> Exchange {
        do throws(SOAPRefusal) {
            let tree = try SOAPEnvelope.body(of: answer.body, expecting: call.name + "Response")
            if answer.status != 401 { return .answer(tree) }
        } catch {
            if case .fault(let fault) = error, fault.kind == .notAuthorized || answer.status == 401 {
                return .refused(byHTTP: answer.status == 401, hint: timeHint(answer.body))
            }
            if answer.status != 401 { throw failure(error, status: answer.status, of: call) }
        }
        if let failure = SignInRefusal(body: answer.body).failure(certain: true) { throw failure }
        return .refused(byHTTP: true, hint: nil)
    }

    /// The device's time, where its refusal has a time stamp.
    private static func timeHint(_ body: [UInt8]) -> Date? {
        (try? XMLTree(parsing: body))?["Header"]?.first("Created")?.word.flatMap { DeviceTime($0) }?.date
    }

    private static func failure(_ refusal: SOAPRefusal, status: Int, of call: Call) -> DeviceFailure {
        if case .fault(let fault) = refusal { return failure(fault, of: call) }
        switch status {
        case 200...299: return .nonsense("\(call.name): \(refusal)")
        case 404, 405:
            var failure = DeviceFailure.unsupported(call.name)
            failure.detail = noSuchPath
            return failure
        case 501: return .unsupported(call.name)
        case 403: return .forbidden
        case 503: return DeviceFailure(.busy, "The device is busy. Try again in a moment.", detail: call.name)
        default: return .deviceError("\(call.name): status \(status)")
        }
    }

    private static func failure(_ fault: SOAPFault, of call: Call) -> DeviceFailure {
        let words = fault.codes.joined(separator: " ").lowercased()
        if words.contains("unabletocreatepullpoint") || words.contains("maxsubscri") || words.contains("maxpullpoint") {
            return .tooManySessions
        }
        if words.contains("operationprohibited"), call.name != "SetUser" { return .forbidden }
        switch fault.kind {
        case .notSupported:
            var failure = DeviceFailure.unsupported(call.name)
            failure.detail = fault.description
            return failure
        case .invalidArgument, .notAuthorized, .other: return .deviceError("\(call.name): \(fault.description)")
        }
    }
}
