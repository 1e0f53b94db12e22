// swift-tools-version:6.2
import PackageDescription

// Fuzzing of the parsers of what devices and viewers send: see `tools/fuzz`. It is a package of its own, because everything in it, the parsers included,
// is built with libFuzzer's instrumentation; its sources of the parsers are links to the real ones.

let fuzzing: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]
let entry: [SwiftSetting] = fuzzing + [.unsafeFlags(["-parse-as-library"])]

let package = Package(
    name: "fuzzing",
    dependencies: [.package(url: "https://github.com/apple/swift-crypto.git", from: "4.5.2")],
    targets: [
        .target(name: "FuzzDriver"),
        .target(name: "Core", swiftSettings: fuzzing),
        .target(name: "XML", swiftSettings: fuzzing),
        .target(
            name: "CameraProtocols", dependencies: ["Core", "XML", .product(name: "Crypto", package: "swift-crypto")],
            swiftSettings: fuzzing),
        .target(name: "WebRTC", swiftSettings: fuzzing),
        .systemLibrary(name: "CNice", pkgConfig: "nice", providers: [.apt(["libnice-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .target(name: "STUNReader", dependencies: ["CNice"]),
        .executableTarget(name: "FuzzSTUN", dependencies: ["FuzzDriver", "STUNReader"], swiftSettings: entry),
        .executableTarget(name: "FuzzDTLS", dependencies: ["COpenSSL", "FuzzDriver"], swiftSettings: entry),
        .target(name: "RTP", swiftSettings: fuzzing),
        .executableTarget(name: "FuzzRTP", dependencies: ["CameraProtocols", "FuzzDriver", "RTP"], swiftSettings: entry),
        .executableTarget(name: "FuzzWebRTC", dependencies: ["FuzzDriver", "WebRTC"], swiftSettings: entry),
    ]
        + ["Multipart", "ONVIF", "ISAPI", "Discovery", "Session"].map {
            .executableTarget(name: "Fuzz\($0)", dependencies: ["CameraProtocols", "FuzzDriver", "XML"], swiftSettings: entry)
        },
    swiftLanguageModes: [.v6]
)
