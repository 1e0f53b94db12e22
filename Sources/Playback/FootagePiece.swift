// Playback owns what was recorded of a channel, wherever it lies: the box's clips in the cloud or its spool, and the devices' own
// recordings, as one time line that can be read from any moment on. It decodes nothing; HTTP and people's passwords do not belong here.

public import CloudStorage
public import Core
public import Foundation
public import Media
public import Refill

/// Why something was recorded.
public enum FootageKind: String, Sendable, Codable, CaseIterable {
    /// All the time.
    case time
    /// Because something happened.
    case event
}

/// Where footage lies.
public enum FootagePlace: String, Sendable, Codable, CaseIterable {
    case cloud, box, device
}

/// Some footage that runs without a break, and where it comes from.
public struct FootagePiece: Sendable, Equatable {
    public let place: FootagePlace
    public let kind: FootageKind
    /// The box's clip; nil for what a device has.
    public let clip: ClipID?
    /// By the box's clock.
    public let span: Span

    public init(place: FootagePlace, kind: FootageKind, clip: ClipID?, span: Span) {
        self.place = place
        self.kind = kind
        self.clip = clip
        self.span = span
    }
}

/// What is asked for of a channel's footage.
public struct FootageRequest: Sendable {
    /// Which footage counts.
    public enum Selection: String, Sendable, Codable, CaseIterable {
        /// The box's clips, and the device's recordings where there is none.
        case any
        /// The box's clips alone.
        case box
        /// The device's recordings alone.
        case device
    }

    public var channel: ChannelID
    public var from: Date
    /// Nil goes on as long as there is footage.
    public var to: Date?
    public var selection: Selection
    /// Only pictures that need no other, without sound.
    public var keyFramesOnly: Bool
    /// For encrypted clips.
    public var code: VerificationCode?
    /// What the device should have and does not give is told as a step, and all else is given; otherwise it is an error where nothing else is left.
    public var goesOnWithout: Bool

    public init(
        channel: ChannelID, from: Date, to: Date? = nil, selection: Selection = .any, keyFramesOnly: Bool = false,
        code: VerificationCode? = nil, goesOnWithout: Bool = false
    ) {
        self.channel = channel
        self.from = from
        self.to = to
        self.selection = selection
        self.keyFramesOnly = keyFramesOnly
        self.code = code
        self.goesOnWithout = goesOnWithout
    }
}

/// What comes next of a channel's footage.
public enum FootageStep: Sendable {
    /// From here on samples are of this piece, which has this sound, or none.
    case begins(FootagePiece, audio: StreamFormat?)
    /// In the order of decoding; their times count from the moment that was asked for and rise over all pieces.
    ///
    /// A piece begins with the key frame before its first picture that is wanted; what a decoder needs from before the moment that was
    /// asked for has times below zero.
    case samples([Sample])
    /// The device should have this and does not give it, which the sentence explains. Only where the request goes on without.
    case missing(Span, String)
}

/// Why footage is not given; a sentence.
public struct PlaybackFailure: Error, Sendable, Equatable {
    public enum Code: String, Sendable {
        /// There is nothing from this time on.
        case nothing = "nothing-recorded"
        /// The clip is encrypted, and no code was given.
        case locked = "footage-locked"
        /// What should be there does not come.
        case away = "footage-away"
    }

    public let code: Code
    public let sentence: String

    public init(_ code: Code, _ sentence: String) {
        self.code = code
        self.sentence = sentence
    }
}
