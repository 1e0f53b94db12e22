public import BoxDatabase
public import Core
import Crypto
import Foundation

/// All that decides who may do what, and remembers who did it.
public struct AccessServices: Sendable {
    public let signIns: SignIns
    public let account: OwnAccount
    public let forgotten: ForgottenPasswords
    public let people: People
    public let roles: Roles
    public let control: AccessControl
    public let sites: Sites
    public let handovers: Handovers
    public let permissions: SitePermissions
    public let shares: SiteShares
    public let moves: DeviceMoves
    public let unbindings: Unbindings
    public let siteApplications: SiteApplications
    public let notices: Notices
    public let log: OperationLog
    public let resetPermit: ResetPermit

    public init(
        database: BoxDatabase, sealer: SecretSealer, setupCode: SetupCode, resetPermit: ResetPermit, time: TimeSource,
        rounds: Int = PasswordHash.usualRounds, clock: @escaping @Sendable () -> String,
        tell: @escaping @Sendable (_ number: Int, _ digest: String) -> Void
    ) {
        self.resetPermit = resetPermit
        signIns = SignIns(database: database, sealer: sealer, setupCode: setupCode, time: time, rounds: rounds)
        account = OwnAccount(signIns)
        forgotten = ForgottenPasswords(signIns)
        people = People(signIns)
        roles = Roles(database: database, time: time)
        control = AccessControl(database: database, time: time)
        sites = Sites(database: database, time: time)
        handovers = Handovers(signIns)
        notices = Notices(database: database, time: time)
        permissions = SitePermissions(database: database, control: control, notices: notices, time: time)
        shares = SiteShares(signIns, control: control)
        moves = DeviceMoves(database: database, time: time)
        unbindings = Unbindings(database: database, notices: notices, time: time)
        siteApplications = SiteApplications(database: database, time: time)
        log = OperationLog(database: database, time: time, clock: clock, tell: tell)
    }

    /// Whether a sign-in or a key is good still and lets its person do something at a channel.
    public func holds(token: String, _ action: Action, _ channel: ChannelID) async -> Bool {
        do {
            let caller = try await signIns.authenticate(token: token)
            guard let place = try await control.place(of: channel) else { return false }
            return try await control.rights(of: caller.id, limitedTo: caller.actions).allow(action, at: place)
        } catch is AccessDenied {
            return false
        } catch {
            // A database that fails for a moment takes nothing away.
            return true
        }
    }

    /// Compares secrets in a time that does not tell how much of them is the same.
    public static func isSame(_ one: String, _ other: String) -> Bool {
        SHA256.hash(data: Data(one.utf8)) == SHA256.hash(data: Data(other.utf8))
    }
}
