import BoxDatabase
import Core
import Crypto
import Foundation
import Outbound
import WebRTC

/// Who helps viewers from afar to reach the box (STUN, TURN), as it lies in the database.
struct ICESettings: Codable, Sendable, Equatable {
    /// What the credential is.
    enum CredentialKind: String, Codable, CaseIterable, Sendable {
        /// The user's password; it stays in the box.
        case password
        /// The server's secret, of which names and passwords for a while are made (draft-uberti-behave-turn-rest); viewers get those.
        case secret
    }

    static let key = "relay.ice"
    /// How long names and passwords that are made of a secret hold.
    private static let validity = Duration.seconds(6 * 3600)
    private static let lookLimit = Duration.seconds(3)

    var stunURL: String?
    var turnURL: String?
    var userName: String?
    var credentialKind = CredentialKind.password
    /// Sealed.
    var credential: Data?
    var firstPort: Int?
    var lastPort: Int?

    var ports: ClosedRange<UInt16>? {
        guard let first = firstPort.flatMap(UInt16.init(exactly:)), let last = lastPort.flatMap(UInt16.init(exactly:)), first <= last else {
            return nil
        }
        return first...last
    }

    /// The user and the password for the TURN server now; nil where there are none.
    func account(_ sealer: SecretSealer, now: Date) throws -> (userName: String, password: String)? {
        guard let sealed = credential else { return nil }
        let credential = try sealer.unseal(sealed, context: Self.key)
        switch credentialKind {
        case .password: return (userName ?? "", credential)
        case .secret:
            let name = "\(Int(now.timeIntervalSince1970 + Self.validity.seconds)):\(userName ?? "gatehouse")"
            // SHA-1 is what the scheme has.
            let code = HMAC<Insecure.SHA1>.authenticationCode(for: Data(name.utf8), using: SymmetricKey(data: Data(credential.utf8)))
            return (name, Data(code).base64EncodedString())
        }
    }

    /// The servers with their addresses in numbers; those that cannot be looked up are left out.
    func servers(_ sealer: SecretSealer, _ policy: AddressPolicy, time: TimeSource) async throws -> (
        stun: ICEServers.Place?, relay: ICEServers.Relay?
    ) {
        let stun = stunURL.flatMap { ICEServerAddress($0) }
        let turn = turnURL.flatMap { ICEServerAddress($0) }
        let (seen, relayed) = await concurrently {
            await Self.look(stun, policy, time)
        } _: {
            await Self.look(turn, policy, time)
        }
        guard let turn, let relayed, let account = try account(sealer, now: time.now()) else { return (seen, nil) }
        return (
            seen, ICEServers.Relay(place: relayed, transport: turn.transport, userName: account.userName, credential: account.password)
        )
    }

    private static func look(_ address: ICEServerAddress?, _ policy: AddressPolicy, _ time: TimeSource) async -> ICEServers.Place? {
        guard let address else { return nil }
        return await withTaskGroup(of: ICEServers.Place?.self) { group in
            group.addTask { await address.look(policy) }
            group.addTask {
                try? await time.sleep(Self.lookLimit)
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
    }

    /// What viewers are told (draft-ietf-wish-whep, section 4.4): a user's password is not for them.
    func links(_ sealer: SecretSealer, now: Date) throws -> [String] {
        var links = (stunURL.flatMap { ICEServerAddress($0) }).map { ["<\($0.text)>; rel=\"ice-server\""] } ?? []
        if credentialKind == .secret, let turn = turnURL.flatMap({ ICEServerAddress($0) }), let account = try account(sealer, now: now) {
            links.append(
                "<\(turn.text)>; rel=\"ice-server\"; username=\"\(account.userName)\"; credential=\"\(account.password)\"; credential-type=\"password\""
            )
        }
        return links
    }
}
