import ArgumentParser
import Firmware
import Foundation

/// `gatehouse release`: the vendor's side of upgrades. None of it runs on a box.
struct ReleaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release", abstract: "Make, sign, publish and verify releases of the box's program.",
        discussion: """
            A repository is a folder that any web server or bucket serves as it is; docs/firmware.md tells how one is begun.
            Keys of root and targets stay where releases are signed; those of snapshot and timestamp are wherever is published.
            """,
        subcommands: [
            KeyGen.self, Root.self, Build.self, Offer.self, Pause.self, Device.self, WithdrawDevice.self, Sign.self, Publish.self,
            Verify.self,
            Export.self, Install.self,
        ])

    struct Repository: ParsableArguments {
        @Argument(help: "The folder of releases.", completion: .directory)
        var repository: String

        var opened: ReleaseRepository { ReleaseRepository(URL(filePath: repository, directoryHint: .isDirectory)) }
    }

    struct KeyGen: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "keygen", abstract: "Make a key that signs (Ed25519).",
            discussion: "Writes FILE, which is secret, and FILE.pub, which goes into a root. OpenSSL reads the secret one, too.")

        @Argument(help: "Where the key goes; nothing is replaced.", completion: .file())
        var file: String

        func run() throws {
            let key = SigningKey()
            try NewFile.write(key.publicKey.text, to: "\(file).pub", permissions: 0o644)
            do {
                try NewFile.write(key.pem, to: file, permissions: 0o600)
            } catch {
                unlink("\(file).pub")
                throw error
            }
            print(key.publicKey.identifier)
            NewFile.note("\(file) is secret and stays where it signs; \(file).pub goes into a root, which calls it as above.")
        }
    }

    struct Root: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say whose keys count: the first root, or the next.",
            discussion:
                "What is not named stays; of a first root every role has one signature, if not said otherwise. The next root is signed by enough keys of the one before, and of itself."
        )

        @OptionGroup var repository: Repository

        @Option(name: .customLong("root"), help: ArgumentHelp("A key that signs roots; several times.", valueName: "file.pub"))
        var rootKeys: [String] = []

        @Option(name: .customLong("targets"), help: ArgumentHelp("A key that signs releases; several times.", valueName: "file.pub"))
        var targetsKeys: [String] = []

        @Option(name: .customLong("snapshot"), help: ArgumentHelp("A key that signs snapshots; several times.", valueName: "file.pub"))
        var snapshotKeys: [String] = []

        @Option(name: .customLong("timestamp"), help: ArgumentHelp("A key that signs timestamps; several times.", valueName: "file.pub"))
        var timestampKeys: [String] = []

        @Option(help: "So many keys must sign a root.")
        var rootThreshold: Int?

        @Option(help: "So many keys must sign a release.")
        var targetsThreshold: Int?

        @Option(help: "Days that it is good for.")
        var days = 365

        func run() throws {
            let named = [
                (MetadataRole.root, rootKeys, rootThreshold), (.targets, targetsKeys, targetsThreshold), (.snapshot, snapshotKeys, nil),
                (.timestamp, timestampKeys, nil),
            ]
            var roles: [MetadataRole: ReleaseRepository.RoleKeys] = [:]
            for (role, files, threshold) in named where !files.isEmpty || threshold != nil {
                let keys = try files.map { try MetadataKey(text: ReleaseCommand.text($0), name: $0) }
                roles[role] = .init(keys.isEmpty ? nil : keys, threshold: threshold)
            }
            try repository.opened.stageRoot(roles, expires: ReleaseCommand.day(days))
            try ReleaseCommand.sayPending(repository.opened.pending())
        }
    }

    struct Build: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a release, made of a folder of files.",
            discussion:
                "The same folder gives the same release, wherever and whenever. bin/gatehouse in it is what is started, and must be executable. What is published is never replaced: a change is another version."
        )

        @OptionGroup var repository: Repository

        @Argument(help: "The folder with the release's files.", completion: .directory)
        var folder: String

        @Option(help: "1.4.0, or 1.5.0-rc.2.")
        var version: String

        @Option(help: "As Debian calls it.")
        var architecture = "arm64"

        @Option(help: "The kind of box.")
        var model = "gatehouse"

        @Option(help: "Goes up where an older release must not come back, because it is not safe.")
        var epoch = 0

        @Option(help: "What is new, for people: a file.", completion: .file())
        var notes: String?

        @OptionGroup var reach: Reach

        @Option(help: "Days that the list of releases is good for.")
        var days = 365

        func validate() throws {
            guard ["amd64", "arm64"].contains(architecture) else {
                throw ValidationError("--architecture is amd64 or arm64; boxes have no other.")
            }
        }

        func run() throws {
            guard let version = ReleaseVersion(version) else { throw ValidationError("\(version) is no version. Write it as 1.4.0.") }
            try checkProgram()
            var offer = ReleaseOffer(version: version, architecture: architecture, model: model, epoch: epoch)
            reach.set(&offer)
            let description = ReleaseBuilder.Description(offer: offer, notes: try notes.map(ReleaseCommand.text) ?? "")
            let path = try repository.opened.add(
                URL(filePath: folder, directoryHint: .isDirectory), description, expires: ReleaseCommand.day(days))
            print(path)
            try ReleaseCommand.sayPending(repository.opened.pending())
        }

        /// What is published cannot be taken back: a program for other boxes is told of before (ELF, e_machine). Anything but an ELF file is let be.
        private func checkProgram() throws {
            guard let file = FileHandle(forReadingAtPath: folder + "/bin/gatehouse"),
                let head = try file.read(upToCount: 20).map(Array.init),
                head.count == 20, head.starts(with: [0x7F, 0x45, 0x4C, 0x46])
            else { return }
            let machines: [UInt16: String] = [62: "amd64", 183: "arm64"]
            let found = machines[UInt16(head[18]) | UInt16(head[19]) << 8] ?? "another machine"
            guard found == architecture else {
                throw ValidationError("bin/gatehouse in \(folder) is a program for \(found), and the release is to be for \(architecture).")
            }
        }
    }

    /// How a release is to reach the boxes.
    struct Reach: ParsableArguments {
        @Option(
            help: "stable, if not said otherwise, or candidate for who may take part in what is not certain yet.", transform: Self.channel)
        var channel: ReleaseOffer.Channel?

        @Option(help: "Percent of the boxes that may take it; all, if not said otherwise. 0 withdraws it.")
        var rollout: Int?

        @Flag(inversion: .prefixedNo, help: "Older boxes take this one first, before any newer.")
        var passThrough: Bool?

        func validate() throws {
            guard (0...100).contains(rollout ?? 100) else { throw ValidationError("--rollout is 0 to 100.") }
        }

        private static func channel(_ text: String) throws -> ReleaseOffer.Channel {
            guard let channel = ReleaseOffer.Channel(rawValue: text) else { throw ValidationError("--channel is stable or candidate.") }
            return channel
        }

        func set(_ offer: inout ReleaseOffer) {
            if let channel { offer.channel = channel }
            if let rollout { offer.rollout = rollout }
            if let passThrough { offer.mustPassThrough = passThrough }
        }
    }

    struct Offer: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Offer a release to more boxes, or to others.", discussion: "With --rollout 0 no box takes it any more.")

        @OptionGroup var repository: Repository

        @Argument(help: "As `gatehouse release build` printed it.")
        var release: String

        @OptionGroup var reach: Reach

        @Option(help: "Days that the list of releases is good for.")
        var days = 365

        func run() throws {
            try repository.opened.change(release, expires: ReleaseCommand.day(days)) { reach.set(&$0) }
            try ReleaseCommand.sayPending(repository.opened.pending())
        }
    }

    struct Sign: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sign what waits, with the keys that are here.",
            discussion: "Where several must sign, each signs in turn; the folder is carried from one to the next.")

        @OptionGroup var repository: Repository

        @Option(help: "A secret key; several times.", completion: .file())
        var key: [String]

        func run() throws {
            try ReleaseCommand.sayPending(try repository.opened.sign(with: try ReleaseCommand.keys(key)))
        }
    }

    struct Publish: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Publish what is signed; where nothing is, renew the timestamp.",
            discussion: "Run it every day, by a timer: boxes believe no timestamp that is older than --timestamp-days.")

        @OptionGroup var repository: Repository

        @Option(help: "The secret key of timestamps, and that of snapshots where something changed.", completion: .file())
        var key: [String]

        @Option(help: "Days that a snapshot is good for.")
        var snapshotDays = 90

        @Option(help: "Days that a timestamp is good for.")
        var timestampDays = 7

        func run() throws {
            let end = ReleaseCommand.day(timestampDays)
            try repository.opened.publish(
                with: try ReleaseCommand.keys(key), .init(snapshot: ReleaseCommand.day(snapshotDays), timestamp: end))
            NewFile.note("It is published, and good until \(end.formatted(.iso8601)): publish again before.")
        }
    }

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Verify a repository as a box does, and every piece of every release.")

        @OptionGroup var repository: Repository

        @Option(help: "The root that is trusted: 1.root.json of the first release, or a newer one.", completion: .file())
        var root: String

        func run() async throws {
            let folder = URL(filePath: repository.repository, directoryHint: .isDirectory)
            let report = try await ReleaseVerification(of: folder, root: ReleaseCommand.bytes(root)).run(at: Date())
            for line in report { print("\(line.path)  \(line.files) files, \(line.bytes) bytes") }
        }
    }

    static func text(_ file: String) throws -> String {
        guard let text = try? String(contentsOfFile: file, encoding: .utf8) else { throw ValidationError("\(file) cannot be read.") }
        return text
    }

    static func bytes(_ file: String) throws -> [UInt8] {
        guard let data = FileManager.default.contents(atPath: file) else { throw ValidationError("\(file) cannot be read.") }
        return Array(data)
    }

    private static func keys(_ files: [String]) throws -> [SigningKey] {
        try files.map { try SigningKey(pem: text($0), name: $0) }
    }

    static func day(_ days: Int) -> Date { Date().addingTimeInterval(Double(max(1, days)) * 86_400) }

    static func sayPending(_ pending: [ReleaseRepository.Pending]) throws {
        for one in pending {
            let words = one.missing == 1 ? "one more signature" : "\(one.missing) more signatures"
            NewFile.note(one.missing == 0 ? "\(one.file) is signed and can be published." : "\(one.file) waits for \(words).")
        }
    }
}
