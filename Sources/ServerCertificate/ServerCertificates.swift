public import Core
import Crypto
public import Foundation
public import Logging
import NIOCore
public import NIOSSL
import Synchronization
import X509

/// The certificate that the box shows: the one that the configuration names, or one that was installed, or its own.
///
/// Whatever changes is shown from the next connection on; nothing is started anew. Files of the configuration are looked at every few seconds, so
/// that an ACME client need only write them.
public final class ServerCertificates: Sendable {
    /// Where a certificate comes from.
    public enum Source: String, Sendable, CaseIterable {
        /// Made by the box, by its own authority.
        case own
        /// Installed through the API.
        case installed
        /// The files that the configuration names.
        case files
    }

    /// Files of somebody else, for instance of an ACME client.
    public struct Files: Sendable {
        let certificate: String
        let key: String

        /// Paths of a chain in PEM, the server's certificate first, and of its key.
        public init(certificate: String, key: String) {
            self.certificate = certificate
            self.key = key
        }
    }

    /// What is shown, and what is wrong with it.
    public struct Shown: Sendable {
        public let source: Source
        public let names: [String]
        public let subject: String
        public let issuer: String
        public let validFrom: Date
        public let validUntil: Date
        /// SHA-256, as browsers show it.
        public let fingerprint: String
        /// The box's own authority, in PEM, for those who want to trust it.
        public let authority: String
        /// A request of ours that waits for its certificate.
        public let isRequested: Bool
        /// Why the certificate that should be shown is not, or will not be for long.
        public let trouble: String?
    }

    private struct State {
        var source = Source.own
        var pair: CertificatePair
        var authority: OwnAuthority
        /// What the files were when they were read last, whether or not they could be used.
        var seen: [String] = []
        var refusal: CertificateRefusal?
    }

    private static let day: TimeInterval = 86_400
    /// An own one is made anew so long before it expires; of another's it is said.
    private static let early = 30 * day, warning = 14 * day
    private static let looksEvery = Duration.seconds(5)

    private let folder: CertificateFolder
    private let files: Files?
    private let name: String
    private let host: String
    private let addresses: @Sendable () -> [String]
    private let time: TimeSource
    private let logger: Logger
    private let queue = BlockingQueue(name: "certificates", background: true)
    private let state: Mutex<State>

    /// Reads what there is, and makes what there is not.
    /// - Parameters:
    ///   - folder: where the box keeps certificates and keys; it alone reads it.
    ///   - name: the box's.
    ///   - host: the machine's name.
    ///   - addresses: of the box in its networks, for its own certificate.
    /// - Throws: what the file system throws.
    public init(
        folder: String, files: Files?, name: String, host: String, addresses: @escaping @Sendable () -> [String], time: TimeSource,
        logger: Logger
    ) throws {
        self.folder = try CertificateFolder(folder)
        self.files = files
        (self.name, self.host) = (name, host.isEmpty ? "gatehouse" : host)
        self.addresses = addresses
        self.time = time
        self.logger = logger
        let (authority, pair) = try Self.own(
            self.folder, name: name, host: self.host, names: Self.ownNames(self.host, addresses()), at: time.now())
        state = Mutex(State(pair: pair, authority: authority))
        look()
    }

    /// For a server: the certificate is chosen at each connection.
    public func configuration() -> TLSConfiguration {
        let pair = state.withLock { $0.pair }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: pair.chainSource, privateKey: pair.keySource)
        configuration.minimumTLSVersion = .tlsv12
        configuration.cipherSuites =
            "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:"
            + "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-CHACHA20-POLY1305"
        configuration.sslContextCallback = { [self] _, promise in promise.succeed(state.withLock { $0.pair.sources }) }
        return configuration
    }

    /// Follows the files and renews what is the box's own, until cancelled.
    public func run() async {
        while (try? await time.sleep(Self.looksEvery)) != nil { await queue.run { [self] in look() } }
    }

    // MARK: Which one

    /// Takes up what has changed.
    func look() {
        let now = time.now()
        do {
            if let files {
                try follow(files.certificate, files.key, as: .files)
            } else if folder.has(.installed) {
                try follow(folder.path(.installed), folder.path(.installedKey), as: .installed)
            } else {
                state.withLock { ($0.refusal, $0.seen) = (nil, []) }
                try showOwn(at: now)
            }
            if state.withLock({ $0.source == .own }) { try renewOwn(at: now) }
        } catch {
            logger.error("a certificate cannot be read or written", metadata: ["error": "\(error)"])
        }
    }

    /// Reads two files where they have changed. What cannot be used is not shown; what was shown before still is.
    private func follow(_ certificate: String, _ key: String, as source: Source) throws {
        let present = [certificate, key].map(CertificateFolder.mark)
        guard state.withLock({ $0.seen != present || $0.refusal != nil }) else { return }
        let found = Result<CertificatePair, CertificateRefusal> { () throws(CertificateRefusal) in
            let pair = try CertificatePair(certificate: try Self.text(certificate, .certificate), key: try Self.text(key, .key))
            try pair.check(at: time.now())
            return pair
        }
        let isNews = state.withLock { state in
            defer { state.seen = present }
            switch found {
            case .success(let pair):
                (state.source, state.pair, state.refusal) = (source, pair, nil)
                return true
            case .failure(let refusal):
                defer { state.refusal = refusal }
                return state.seen != present || state.refusal == nil
            }
        }
        guard isNews else { return }
        switch found {
        case .success(let pair):
            logger.notice(
                "another certificate is shown",
                metadata: ["source": "\(source.rawValue)", "names": "\(pair.leaf.hostNames)", "until": "\(pair.leaf.notValidAfter)"])
        case .failure(let refusal):
            logger.warning("a certificate cannot be used", metadata: ["reason": "\(refusal.sentence)"])
        }
    }

    private static func text(_ path: String, _ part: CertificateRefusal.Part) throws(CertificateRefusal) -> String {
        guard let text = CertificateFolder.text(path) else {
            throw CertificateRefusal(part, "\(path) cannot be read by the box.")
        }
        return text
    }

    // MARK: Its own

    private static func ownNames(_ host: String, _ addresses: [String]) -> [String] {
        var names = ["localhost", host]
        if !host.contains(".") { names.append("\(host).local") }
        for name in ["gatehouse.local", "127.0.0.1", "::1"] + addresses.sorted() where !names.contains(name) { names.append(name) }
        return names
    }

    private static func own(
        _ folder: CertificateFolder, name: String, host: String, names: [String], at now: Date
    ) throws -> (OwnAuthority, CertificatePair) {
        let known = folder.text(.authority).flatMap { certificate in
            folder.text(.authorityKey).flatMap { try? OwnAuthority(certificate: certificate, key: $0) }
        }
        // One that is over by the clock stays: the clock may be wrong, and who trusts it would have to begin anew.
        let isFit = known.map { $0.mayVouch(for: host) } ?? false
        let authority: OwnAuthority
        if isFit, let known {
            authority = known
        } else {
            authority = try OwnAuthority(name: name, host: host, at: now)
            try folder.write(authority.key.pemRepresentation + "\n", as: .authorityKey)
            try folder.write(try authority.certificate.pem, as: .authority)
        }
        if let certificate = folder.text(.own), let key = folder.text(.ownKey),
            let pair = try? CertificatePair(certificate: certificate, key: key), isCurrent(pair, of: authority, names: names, at: now)
        {
            return (authority, pair)
        }
        let made = try authority.issue(for: names, commonName: name, at: now)
        // The key first: a certificate without its key is made anew at the next start.
        try folder.write(made.key, as: .ownKey)
        try folder.write(made.certificate, as: .own)
        do {
            return (authority, try CertificatePair(certificate: made.certificate, key: made.key))
        } catch {
            throw CocoaError(.fileReadCorruptFile)
        }
    }

    private static func isCurrent(_ pair: CertificatePair, of authority: OwnAuthority, names: [String], at now: Date) -> Bool {
        pair.chain.last == authority.certificate && now < pair.leaf.notValidAfter.addingTimeInterval(-early)
            && (now >= pair.leaf.notValidBefore || now < OwnAuthority.earliest)
            && Set(names.filter(authority.mayVouch)).isSubset(of: pair.leaf.hostNames)
    }

    private func showOwn(at now: Date) throws {
        guard state.withLock({ $0.source != .own }) else { return }
        let (authority, pair) = try Self.own(folder, name: name, host: host, names: Self.ownNames(host, addresses()), at: now)
        state.withLock { ($0.source, $0.pair, $0.authority) = (.own, pair, authority) }
        logger.notice("the box's own certificate is shown again")
    }

    private func renewOwn(at now: Date) throws {
        let names = Self.ownNames(host, addresses())
        let isCurrent = state.withLock { Self.isCurrent($0.pair, of: $0.authority, names: names, at: now) }
        guard !isCurrent else { return }
        let (authority, pair) = try Self.own(folder, name: name, host: host, names: names, at: now)
        state.withLock { ($0.pair, $0.authority) = (pair, authority) }
        logger.notice("the box's own certificate was made anew", metadata: ["until": "\(pair.leaf.notValidAfter)"])
    }

    // MARK: Installing

    /// What is shown now.
    public var shown: Shown {
        let (now, state) = (time.now(), state.withLock { $0 })
        let leaf = state.pair.leaf
        return Shown(
            source: state.source, names: leaf.hostNames, subject: "\(leaf.subject)", issuer: "\(leaf.issuer)",
            validFrom: leaf.notValidBefore, validUntil: leaf.notValidAfter, fingerprint: leaf.fingerprint ?? "",
            authority: (try? state.authority.certificate.pem) ?? "", isRequested: folder.has(.requestKey),
            trouble: Self.trouble(state, at: now))
    }

    private static func trouble(_ state: State, at now: Date) -> String? {
        if let refusal = state.refusal {
            let instead = state.source == .own ? "The box's own is shown." : "The one before is shown."
            return "The certificate that should be shown cannot be used: \(refusal.sentence) \(instead)"
        }
        guard state.source != .own else { return nil }
        let left = state.pair.leaf.notValidAfter.timeIntervalSince(now)
        if left <= 0 { return "The certificate has expired: browsers refuse it. Install a new one." }
        return left < warning ? "The certificate expires in \(max(1, Int(left / day))) days and was not renewed." : nil
    }

    /// Whether the configuration says which certificate is shown, so that none can be installed.
    public var isConfigured: Bool { files != nil }

    /// Shows this certificate from now on. Without a key it is the one that was asked for with `request`.
    /// - Throws: `CertificateRefusal`; what the file system throws.
    public func install(certificate: String, key: String?) throws {
        guard let key = key ?? folder.text(.requestKey) else {
            throw CertificateRefusal(.key, "Send the key as well: the box has not asked for a certificate.")
        }
        let pair = try CertificatePair(certificate: certificate, key: key)
        try pair.check(at: time.now())
        try folder.write(pair.keyPEM, as: .installedKey)
        // The certificates alone, whatever else was in the text.
        try folder.write(try pair.chain.pem, as: .installed)
        if key == folder.text(.requestKey) { folder.remove(.requestKey) }
        look()
    }

    /// Shows the box's own again; the installed one and its key are removed.
    public func remove() {
        folder.remove(.installed)
        folder.remove(.installedKey)
        look()
    }

    /// A request for a certificate of these names, for an authority (RFC 2986, in PEM). Its key does not leave the box; the next request replaces it.
    /// - Throws: what the file system throws.
    public func request(for names: [String]) throws -> String {
        let made = try OwnAuthority.request(for: names)
        try folder.write(made.key, as: .requestKey)
        return made.request
    }
}
