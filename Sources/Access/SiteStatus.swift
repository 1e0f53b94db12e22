public import BoxDatabase

/// How far a site is on its way to its owner.
public enum SiteStatus: String, Sendable, Codable, CaseIterable {
    case notHandedOver = "not-handed-over"
    /// A handover was sent, and its recipient has not decided yet, or has no account yet.
    case toBeAccepted = "to-be-accepted"
    /// It has an owner, who lets nobody look after it.
    case notAuthorized = "not-authorized"
    /// Its owner lets the provider look after it, with the permissions that they gave.
    case authorized

    /// What a provider may do with a site, whatever their role and permissions.
    public enum Operation: String, Sendable, CaseIterable {
        case search, handOver, manageDevices, edit, delete, apply, share
    }

    /// The table of domain.md ("Site status and what the provider may do in it"). Before the handover a site is shared with an installation partner alone.
    public func allows(_ operation: Operation) -> Bool {
        switch operation {
        case .search: true
        case .handOver, .delete: self == .notHandedOver || self == .toBeAccepted
        case .manageDevices, .edit: self != .notAuthorized
        case .apply: self == .notAuthorized
        case .share: self == .authorized || self == .notHandedOver
        }
    }

    public init(_ site: SiteRecord, hasPendingHandover: Bool) {
        self =
            if site.ownerId != nil {
                site.authorizedAt == nil ? .notAuthorized : .authorized
            } else {
                hasPendingHandover ? .toBeAccepted : .notHandedOver
            }
    }
}
