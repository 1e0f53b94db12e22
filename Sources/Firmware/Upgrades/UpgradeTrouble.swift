import Core
import Foundation

/// What went wrong with a fetching or an upgrade, for people.
public enum UpgradeTrouble {
    /// A sentence, whatever it was.
    public static func sentence(_ error: any Error) -> String {
        switch error {
        case let refusal as ReleaseRefusal: refusal.description
        case let failure as SourceFailure: failure.description
        case let error as FileError where error.isFull: full
        case CocoaError.fileWriteOutOfSpace, POSIXError.ENOSPC: full
        default: "It failed inside the box. Its log says why."
        }
    }

    private static let full = "The box's disk is full."
}
