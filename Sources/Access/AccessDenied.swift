/// Why access is not given.
public enum AccessDenied: Error, Sendable, Equatable {
    case notClaimed
    case alreadyClaimed
    case wrongSetupCode
    /// The name or the password is wrong, or the account is disabled: which of them is not told.
    case wrongPassword
    /// The password is right, and the one-time password is missing or wrong.
    case oneTimePasswordNeeded
    case wrongOneTimePassword
    /// Too many failures; try again after so many seconds.
    case tooManyAttempts(retryAfter: Int)
    case notSignedIn
    /// Nobody has pressed the button, or it was too long ago.
    case noResetPermit
    /// No such code was sent for this account, or it is too old, or was tried too often.
    case wrongResetCode
}

/// Why something about people is not done; a sentence.
public struct PeopleRefusal: Error, Sendable, Equatable {
    public enum Kind: String, Sendable {
        /// One's own account, or the installer admin's.
        case notThisAccount = "not-this-account"
        case predefinedRole = "predefined-role"
        case roleInUse = "role-in-use"
        case nameTaken = "name-taken"
        case tooMany = "too-many"
        case notFound = "not-found"
        case weakPassword = "weak-password"
        case notPossible = "conflict"
        /// What one may not do oneself one cannot let others do.
        case beyondOwnRights = "beyond-own-rights"
    }

    public let kind: Kind
    public let sentence: String
    /// The field that is to be changed, where it is one.
    public let field: String?

    init(_ kind: Kind, _ sentence: String, field: String? = nil) {
        self.kind = kind
        self.sentence = sentence
        self.field = field
    }
}
