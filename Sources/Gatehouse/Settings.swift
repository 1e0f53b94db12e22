import CloudStorage
import Configuration
import Core
import Firmware
import Foundation
import Recording
import SystemPackage
import Yams

/// Something is wrong with the configuration; the sentence says what.
struct SettingsError: Error, CustomStringConvertible {
    let description: String
}

/// One key of the configuration.
struct SettingKey: Sendable {
    let key: String
    let help: String

    /// `http.port` -> `--http-port`.
    var flag: String { "--" + key.replacing(".", with: "-") }

    static let all: [SettingKey] = [
        .init(key: "state", help: "Folder of everything the box keeps."),
        .init(key: "profiles", help: "Folder of the profiles (definitions, camera paths)."),
        .init(key: "http.address", help: "Address that API and page are served on."),
        .init(key: "http.port", help: "Port; 0 is any free one."),
        .init(key: "http.tls", help: "TLS with the box's own certificate; false only behind a proxy or in tests."),
        .init(
            key: "http.certificate", help: "Certificate chain in PEM of somebody else, such as an ACME client; followed while the box runs."
        ),
        .init(key: "http.certificate-key", help: "Its key in PEM."),
        .init(key: "http.requests-per-second", help: "Requests that one signed-in person or one address may make; 0 is no limit."),
        .init(key: "http.hosts", help: "Names by which the box is opened, besides its machine's; behind a proxy or a name of your own."),
        .init(key: "box.name", help: "Name of the box until it is renamed."),
        .init(
            key: "box.key-credential",
            help: "A file with a secret of 32 bytes or more that seals the box's keys, such as a systemd credential that a TPM opens."),
        .init(key: "box.setup-code", help: "Set-up code; made at first start where it is not given."),
        .init(key: "devices.allow-local", help: "Allow device addresses on this machine; for demonstrations."),
        .init(
            key: "devices.clock-is-right",
            help: "Give devices the box's time even where no network time service sets it, as on a box whose own clock is kept right."),
        .init(key: "devices.allow-public", help: "Allow devices at addresses of the internet."),
        .init(
            key: "servers.allow-local", help: "Allow storages and other servers that are entered to be on this machine; for demonstrations."
        ),
        .init(key: "storage.folder", help: "Embedded object store: the first target where none was ever set."),
        .init(key: "devices.profiles", help: "A folder of your own camera profiles, which win over the box's."),
        .init(key: "devices.capture-seconds", help: "How long a camera's stream is watched when it is added."),
        .init(key: "devices.offline-after-seconds", help: "A device away for this long is an event."),
        .init(key: "storage.checkpoint-seconds", help: "How often the store is told what footage there is, signed."),
        .init(key: "storage.allow-http", help: "Allow S3 endpoints without TLS."),
        .init(
            key: "plans.issuers",
            help: "Ed25519 public keys (base64) of those whose vouchers for plans are believed; none: no plans needed."),
        .init(key: "spool.limit-megabytes", help: "Most that waiting footage may occupy."),
        .init(key: "spool.free-megabytes", help: "What must stay free on the disk."),
        .init(key: "recording.seconds-before", help: "Footage before an event."),
        .init(key: "recording.seconds", help: "Length of a clip with one event."),
        .init(key: "recording.longest-seconds", help: "Most that further events extend a clip to."),
        .init(key: "worker.processes", help: "Worker processes at a time; the number of cores where not given."),
        .init(key: "worker.patience-seconds", help: "A silent worker is killed after this."),
        .init(key: "upload.longest-wait-seconds", help: "Longest wait between attempts to reach the store."),
        .init(key: "session.timeout-seconds", help: "A camera that sends nothing for this long is lost."),
        .init(key: "session.longest-wait-seconds", help: "Longest wait between attempts to reach a camera."),
        .init(key: "reach.allow-http", help: "Allow servers for names (DDNS) and checkers without TLS; for tests."),
        .init(key: "firmware.source", help: "Address of the server of releases, of which the box takes its upgrades."),
        .init(key: "firmware.root", help: "The root.json that is trusted first, where the box has none yet."),
        .init(key: "firmware.proxy", help: "A proxy on the way to it: proxy.example.com:3128."),
        .init(
            key: "firmware.reports",
            help: "Address below which the vendor is told by PUT what became of each upgrade; nobody is where it is not given."),
        .init(key: "firmware.model", help: "The kind of box, for which releases are made."),
        .init(
            key: "mail.program",
            help: "A program that takes e-mails as sendmail does, such as /usr/bin/msmtp; without it no e-mail is sent."),
        .init(key: "mail.from", help: "Who e-mails are from."),
        .init(key: "sms.url", help: "A gateway for text messages: takes {to, text} by POST."),
        .init(key: "sms.token", help: "Bearer token for the gateway."),
        .init(key: "metrics.token", help: "Bearer token for /metrics."),
        .init(key: "operation-log.days", help: "How long the lines of the operation log are kept."),
        .init(key: "log.level", help: "trace, debug, info, notice, warning or error."),
    ]
}

/// The configuration in force: flags over environment (`GATEHOUSE_…`) over file.
struct Settings: Sendable {
    var state = "/var/lib/gatehouse"
    var profiles: String?
    var address = "0.0.0.0"
    var port = 8443
    var tls = true
    /// Files of a certificate that somebody else renews.
    var certificate: (chain: String, key: String)?
    var hostNames: [String] = []
    var requestsPerSecond = 300
    var boxName = "Gatehouse"
    var setupCode: String?
    /// Seals the box's keys.
    var keyCredential: String?
    var allowLocalDevices = false
    var allowPublicDevices = false
    var clockIsRight = false
    /// Two years.
    var operationLogDays = 732
    var cameraProfiles: String?
    var captureSeconds = 10
    var deviceOfflineAfter = 300
    var storageFolder: String?
    var checkpointSeconds = 300
    var allowHTTPStorage = false
    var allowLocalServers = false
    var planIssuers: [String] = []
    var spoolLimitMegabytes = 8192
    var spoolFreeMegabytes = 512
    var secondsBefore = 5
    var seconds = 30
    var longestSeconds = 300
    var workerProcesses = max(1, ProcessInfo.processInfo.activeProcessorCount)
    var workerPatience = 20
    var uploadLongestWait = 300
    var sessionTimeout = 10
    var sessionLongestWait = 60
    var allowHTTPReach = false
    var firmwareSource: HTTPSource.Place?
    var firmwareReports: HTTPSource.Place?
    /// A file.
    var firmwareRoot: String?
    var firmwareModel = "gatehouse"
    var mailProgram: String?
    var mailFrom: String?
    var smsURL: String?
    var smsToken: String?
    var metricsToken: String?
    var logLevel = "info"

    /// Reads the settings.
    /// - Throws: `SettingsError` for keys that are not known and values that are not right.
    init(file: String?, flags: [String], environment: [String: String]) async throws {
        try Self.checkFlags(flags)
        var own: [String: String] = [:]
        for (name, value) in environment where name.hasPrefix("GATEHOUSE_") { own[String(name.dropFirst("GATEHOUSE_".count))] = value }
        var providers: [any ConfigProvider] = [
            CommandLineArgumentsProvider(arguments: ["serve"] + flags), EnvironmentVariablesProvider(environmentVariables: own),
        ]
        if let file {
            try Self.checkFile(file)
            providers.append(try await FileProvider<YAMLSnapshot>(filePath: FilePath(file)))
        }
        try read(ConfigReader(providers: providers))
    }

    private mutating func read(_ reader: ConfigReader) throws {
        let values = Values(reader: reader)
        state = values.text("state") ?? state
        profiles = values.text("profiles")
        address = values.text("http.address") ?? address
        port = try values.number("http.port", 0...65535) ?? port
        tls = try values.flag("http.tls") ?? tls
        switch (values.text("http.certificate"), values.text("http.certificate-key")) {
        case (let chain?, let key?): certificate = (chain, key)
        case (nil, nil): break
        default: throw SettingsError(description: "http.certificate and http.certificate-key go together.")
        }
        requestsPerSecond = try values.number("http.requests-per-second", 0...100_000) ?? requestsPerSecond
        hostNames = values.texts("http.hosts")
        boxName = values.text("box.name") ?? boxName
        setupCode = values.text("box.setup-code")
        keyCredential = values.text("box.key-credential")
        allowLocalDevices = try values.flag("devices.allow-local") ?? false
        clockIsRight = try values.flag("devices.clock-is-right") ?? false
        allowPublicDevices = try values.flag("devices.allow-public") ?? false
        cameraProfiles = values.text("devices.profiles")
        captureSeconds = try values.number("devices.capture-seconds", 1...60) ?? captureSeconds
        deviceOfflineAfter = try values.number("devices.offline-after-seconds", 5...7200) ?? deviceOfflineAfter
        storageFolder = values.text("storage.folder")
        checkpointSeconds = try values.number("storage.checkpoint-seconds", 1...3600) ?? checkpointSeconds
        allowLocalServers = try values.flag("servers.allow-local") ?? false
        allowHTTPStorage = try values.flag("storage.allow-http") ?? false
        planIssuers = values.texts("plans.issuers")
        for issuer in planIssuers where !IssuerKey.isPublic(issuer) {
            throw SettingsError(description: "plans.issuers must be public keys as `gatehouse plan issuer-key` prints them, not \(issuer).")
        }
        spoolLimitMegabytes = try values.number("spool.limit-megabytes", 1...100_000_000) ?? spoolLimitMegabytes
        spoolFreeMegabytes = try values.number("spool.free-megabytes", 0...100_000_000) ?? spoolFreeMegabytes
        secondsBefore = try values.number("recording.seconds-before", 0...60) ?? secondsBefore
        seconds = try values.number("recording.seconds", 1...600) ?? seconds
        longestSeconds = try values.number("recording.longest-seconds", 1...3600) ?? longestSeconds
        guard secondsBefore < seconds, seconds <= longestSeconds else {
            throw SettingsError(
                description: "recording.seconds must be more than recording.seconds-before and at most recording.longest-seconds.")
        }
        workerProcesses = try values.number("worker.processes", 1...64) ?? workerProcesses
        workerPatience = try values.number("worker.patience-seconds", 1...600) ?? workerPatience
        uploadLongestWait = try values.number("upload.longest-wait-seconds", 1...3600) ?? uploadLongestWait
        sessionTimeout = try values.number("session.timeout-seconds", 1...120) ?? sessionTimeout
        sessionLongestWait = try values.number("session.longest-wait-seconds", 1...3600) ?? sessionLongestWait
        allowHTTPReach = try values.flag("reach.allow-http") ?? false
        firmwareSource = try Self.firmwarePlace("firmware.source", values)
        firmwareReports = try Self.firmwarePlace("firmware.reports", values)
        firmwareRoot = values.text("firmware.root")
        firmwareModel = values.text("firmware.model") ?? firmwareModel
        mailProgram = values.text("mail.program")
        mailFrom = values.text("mail.from")
        guard mailProgram == nil || mailFrom?.contains("@") ?? false else {
            throw SettingsError(description: "mail.program needs mail.from, the address that e-mails are from.")
        }
        smsURL = values.text("sms.url")
        smsToken = values.text("sms.token")
        guard smsURL.map({ $0.hasPrefix("https://") || $0.hasPrefix("http://127.0.0.1:") }) ?? true else {
            throw SettingsError(description: "sms.url must begin with https://.")
        }
        operationLogDays = try values.number("operation-log.days", 30...36_600) ?? operationLogDays
        metricsToken = values.text("metrics.token")
        logLevel = values.text("log.level") ?? logLevel
        guard ["trace", "debug", "info", "notice", "warning", "error"].contains(logLevel) else {
            throw SettingsError(description: "log.level must be trace, debug, info, notice, warning or error.")
        }
    }

    private static func firmwarePlace(_ key: String, _ values: Values) throws -> HTTPSource.Place? {
        var proxy: HTTPSource.Place.Proxy?
        if let text = values.text("firmware.proxy") {
            guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]), (1...65_535).contains(port),
                !text[..<colon].isEmpty
            else { throw SettingsError(description: "firmware.proxy must look like proxy.example.com:3128.") }
            proxy = .init(host: String(text[..<colon]), port: port)
        }
        guard let text = values.text(key) else { return nil }
        // Whoever signs is believed, not whoever serves: TLS is not needed for what is in it.
        guard let url = URL(string: text), ["http", "https"].contains(url.scheme), url.host != nil, url.query == nil else {
            throw SettingsError(description: "\(key) must look like https://releases.example.com/gatehouse.")
        }
        return HTTPSource.Place(url: text, proxy: proxy)
    }

    /// Whether the machine's time is to be believed, now.
    var isTimeKnown: @Sendable () -> Bool {
        { [clockIsRight] in clockIsRight || ClockState.isSynchronized }
    }

    var lengths: ClipLengths {
        ClipLengths(before: .seconds(secondsBefore), whole: .seconds(seconds), longest: .seconds(longestSeconds))
    }

    var sessionTiming: SessionTiming {
        var timing = SessionTiming()
        timing.timeout = .seconds(sessionTimeout)
        timing.videoSilence = .seconds(sessionTimeout)
        timing.longestWait = .seconds(sessionLongestWait)
        return timing
    }

    // MARK: Unknown keys

    private static func checkFlags(_ flags: [String]) throws {
        let known = Dictionary(uniqueKeysWithValues: SettingKey.all.map { ($0.flag, $0.key) })
        var index = 0
        while index < flags.count {
            let name = flags[index].split(separator: "=", maxSplits: 1).first.map(String.init) ?? flags[index]
            guard known[name] != nil else {
                throw SettingsError(
                    description: "There is no flag \(name). The flags are: \(SettingKey.all.map(\.flag).joined(separator: ", ")).")
            }
            guard flags[index].contains("=") || index + 1 < flags.count else { throw SettingsError(description: "\(name) has no value.") }
            index += flags[index].contains("=") ? 1 : 2
        }
    }

    private static func checkFile(_ path: String) throws {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw SettingsError(description: "The configuration file \(path) cannot be read.")
        }
        let known = Set(SettingKey.all.map(\.key))
        let loaded: Any?
        do { loaded = try Yams.load(yaml: text) } catch { throw SettingsError(description: "\(path) is not YAML: \(error)") }
        for key in keys(of: loaded, path: "") where !known.contains(key) && !known.contains(where: { $0.hasPrefix(key + ".") }) {
            throw SettingsError(
                description: "\(path): there is no setting \(key). The settings are: \(known.sorted().joined(separator: ", ")).")
        }
    }

    private static func keys(of value: Any?, path: String) -> [String] {
        guard let map = value as? [String: Any] else { return path.isEmpty ? [] : [path] }
        return map.flatMap { keys(of: $0.value, path: path.isEmpty ? $0.key : "\(path).\($0.key)") }
    }
}

/// Values with their ranges checked, whatever provider they come from.
private struct Values {
    let reader: ConfigReader

    func text(_ key: String) -> String? {
        let text = reader.string(forKey: ConfigKey(key), isSecret: ["box.setup-code", "metrics.token"].contains(key))
        return text.flatMap { $0.isEmpty ? nil : $0 } ?? reader.int(forKey: ConfigKey(key)).map { String($0) }
    }

    /// A list, or one text with commas.
    func texts(_ key: String) -> [String] {
        let texts = reader.stringArray(forKey: ConfigKey(key)) ?? reader.string(forKey: ConfigKey(key)).map { [$0] } ?? []
        return texts.flatMap { $0.split(separator: ",") }.map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }

    func number(_ key: String, _ range: ClosedRange<Int>) throws -> Int? {
        guard let number = reader.int(forKey: ConfigKey(key)) else {
            if let text = reader.string(forKey: ConfigKey(key)) {
                throw SettingsError(description: "\(key) must be a whole number, not \(text).")
            }
            return nil
        }
        guard range.contains(number) else {
            throw SettingsError(description: "\(key) must be \(range.lowerBound) to \(range.upperBound), not \(number).")
        }
        return number
    }

    func flag(_ key: String) throws -> Bool? {
        guard let flag = reader.bool(forKey: ConfigKey(key)) else {
            if let text = reader.string(forKey: ConfigKey(key)) {
                throw SettingsError(description: "\(key) must be true or false, not \(text).")
            }
            return nil
        }
        return flag
    }
}
