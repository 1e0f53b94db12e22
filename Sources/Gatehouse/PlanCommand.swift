public import ArgumentParser
public import CloudStorage
public import Core
import Foundation

/// Issues plans: for whoever sells them, on any machine; a box only believes what was signed here.
struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "Issues service keys and packages for plans, and checks vouchers.",
        subcommands: [NewIssuerKey.self, Issue.self, Verify.self])

    struct NewIssuerKey: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "issuer-key", abstract: "Makes the key pair that signs vouchers.",
            discussion:
                "The private key goes to the file, for its owner alone; the public key goes to the file with .public and is printed.")

        @Option(help: "The file for the private key; it must not exist.")
        var output: String

        func run() throws {
            let key = IssuerKey()
            try NewFile.write(key.privateText + "\n", to: output, permissions: 0o600)
            try NewFile.write(key.publicText + "\n", to: output + ".public", permissions: 0o644)
            print(key.publicText)
            NewFile.note("Enter this public key under plans.issuers on the boxes. Keep \(output) to yourself: who has it can issue plans.")
        }
    }

    struct Issue: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Issues service keys, or with --stock packages for a box's stock, and writes the voucher for them.",
            discussion: "Service keys are printed once, one a line, and stored nowhere: the voucher holds only their SHA-256.")

        @Option(help: "The file with the issuer's private key.")
        var issuerKey: String

        @Option(help: "One of \(PlanPackage.allCases.map(\.rawValue).joined(separator: ", ")).")
        var package: PlanPackage

        @Option(help: "How many: 1 to \(Voucher.mostKeys) keys, or 1 to \(Voucher.mostOfAPackage) packages.")
        var count = 1

        @Option(help: "The serial number of the one box that may use them; needed with --stock.")
        var box: String?

        @Option(help: "The last day on which the keys may be used, such as 2027-03-31.")
        var redeemUntil: CalendarDay?

        @Flag(help: "Packages for the box's stock, in place of service keys.")
        var stock = false

        @Option(help: "The file for the voucher; it must not exist.")
        var output: String

        func validate() throws {
            let most = stock ? Voucher.mostOfAPackage : Voucher.mostKeys
            guard (1...most).contains(count) else { throw ValidationError("The count must be 1 to \(most).") }
            guard box.map(Voucher.isSerialNumber) ?? true else { throw ValidationError("A box's serial number is like GH0A1B2C3D4E.") }
            guard !stock || box != nil else {
                throw ValidationError("Packages in stock are for one box: give its serial number with --box.")
            }
            guard !stock || redeemUntil == nil else { throw ValidationError("Packages in stock do not expire: leave out --redeem-until.") }
        }

        func run() throws {
            guard let text = try? String(contentsOfFile: issuerKey, encoding: .utf8), let issuer = IssuerKey(privateText: text) else {
                throw ValidationError("\(issuerKey) is not an issuer's private key. Make one with gatehouse plan issuer-key.")
            }
            let keys = stock ? [] : (0..<count).map { _ in ServiceKey() }
            let packages = stock ? box.map { [Voucher.Stock(package: package, count: count, box: $0)] } ?? [] : []
            let voucher = try Voucher.issue(
                keys: keys.map { Voucher.Key(sha256: $0.sha256, package: package, redeemUntil: redeemUntil, box: box) },
                packages: packages, by: issuer, at: TimeSource.system.now())
            let encoder = GatehouseJSON.makeEncoder()
            encoder.outputFormatting.insert(.prettyPrinted)
            try NewFile.write(
                String(decoding: try encoder.encode(voucher), as: UTF8.self) + "\n", to: output, permissions: 0o644)
            for key in keys { print(key.text) }
            NewFile.note("The voucher is in \(output). Import it on the box\(box.map { " \($0)" } ?? "") before the keys are used.")
        }
    }

    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Checks a voucher's signature and says what is in it.")

        @Argument(help: "The voucher file.")
        var file: String

        @Option(name: .customLong("issuer"), help: "A public key that is believed; may be given several times. Any where none is given.")
        var issuers: [String] = []

        func run() throws {
            guard let data = FileManager.default.contents(atPath: file) else { throw ValidationError("\(file) cannot be read.") }
            let voucher: Voucher
            do {
                voucher = try Voucher.read(data)
                try voucher.verify(issuers: issuers.isEmpty ? [voucher.issuer] : issuers)
            } catch {
                NewFile.note(error.sentence)
                throw ExitCode(1)
            }
            print("Voucher \(voucher.id), issued \(voucher.issuedAt) by \(voucher.issuer); the signature is good.")
            for key in voucher.keys {
                let limits = [key.redeemUntil.map { "until \($0)" }, key.box.map { "for box \($0)" }].compactMap { $0 }
                print("service key  \(key.package.rawValue)  \(limits.joined(separator: ", "))  \(key.sha256)")
            }
            for stock in voucher.packages { print("packages     \(stock.package.rawValue)  \(stock.count) for box \(stock.box)") }
        }
    }
}

extension PlanPackage: ExpressibleByArgument {}

extension CalendarDay: ExpressibleByArgument {
    public init?(argument: String) {
        self.init(argument)
    }
}
