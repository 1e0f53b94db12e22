// swift-tools-version:6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

extension Target.Dependency {
    static let argumentParser: Self = .product(name: "ArgumentParser", package: "swift-argument-parser")
    static let asyncAlgorithms: Self = .product(name: "AsyncAlgorithms", package: "swift-async-algorithms")
    static let asyncHTTPClient: Self = .product(name: "AsyncHTTPClient", package: "async-http-client")
    static let configuration: Self = .product(name: "Configuration", package: "swift-configuration")
    static let crypto: Self = .product(name: "Crypto", package: "swift-crypto")
    static let cryptoExtras: Self = .product(name: "CryptoExtras", package: "swift-crypto")
    static let deque: Self = .product(name: "DequeModule", package: "swift-collections")
    static let grdb: Self = .product(name: "GRDB", package: "GRDB.swift")
    static let sqlite: Self = .product(name: "GRDBSQLite", package: "GRDB.swift")
    static let httpTypes: Self = .product(name: "HTTPTypes", package: "swift-http-types")
    static let hummingbird: Self = .product(name: "Hummingbird", package: "hummingbird")
    static let hummingbirdCore: Self = .product(name: "HummingbirdCore", package: "hummingbird")
    static let hummingbirdHTTP2: Self = .product(name: "HummingbirdHTTP2", package: "hummingbird")
    static let hummingbirdTLS: Self = .product(name: "HummingbirdTLS", package: "hummingbird")
    static let logging: Self = .product(name: "Logging", package: "swift-log")
    static let nioCore: Self = .product(name: "NIOCore", package: "swift-nio")
    static let nioPosix: Self = .product(name: "NIOPosix", package: "swift-nio")
    static let nioFoundationCompat: Self = .product(name: "NIOFoundationCompat", package: "swift-nio")
    static let nioHTTP1: Self = .product(name: "NIOHTTP1", package: "swift-nio")
    static let nioSSL: Self = .product(name: "NIOSSL", package: "swift-nio-ssl")
    static let serviceLifecycle: Self = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
    static let unixSignals: Self = .product(name: "UnixSignals", package: "swift-service-lifecycle")
    static let subprocess: Self = .product(name: "Subprocess", package: "swift-subprocess")
    static let system: Self = .product(name: "SystemPackage", package: "swift-system")
    static let x509: Self = .product(name: "X509", package: "swift-certificates")
    static let asn1: Self = .product(name: "SwiftASN1", package: "swift-asn1")
    static let yams: Self = .product(name: "Yams", package: "Yams")
}

let package = Package(
    name: "gatehouse",
    products: [
        .executable(name: "gatehouse", targets: ["Gatehouse"]),
        .executable(name: "gatehouse-launcher", targets: ["Launcher"]),
        .executable(name: "gatehouse-updater", targets: ["Updater"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-asn1.git", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-async-algorithms.git", from: "1.1.4"),
        .package(url: "https://github.com/apple/swift-certificates.git", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-collections.git", from: "1.6.0"),
        .package(
            url: "https://github.com/apple/swift-configuration.git", from: "1.4.0", traits: [.defaults, "YAML", "CommandLineArguments"]),
        .package(url: "https://github.com/apple/swift-crypto.git", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types.git", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-system.git", from: "1.8.1"),
        .package(url: "https://github.com/groue/GRDB.swift.git", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams.git", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client.git", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess.git", from: "1.0.2"),
    ],
    targets: [
        .systemLibrary(
            name: "CFFmpeg", pkgConfig: "libavformat libavcodec libavutil libswscale libswresample",
            providers: [.apt(["libavformat-dev", "libavcodec-dev", "libswscale-dev", "libswresample-dev"])]
        ),
        .systemLibrary(name: "CSeccomp", pkgConfig: "libseccomp", providers: [.apt(["libseccomp-dev"])]),
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CArchive", pkgConfig: "libarchive", providers: [.apt(["libarchive-dev"])]),
        .systemLibrary(name: "CNice", pkgConfig: "nice", providers: [.apt(["libnice-dev"])]),
        .systemLibrary(name: "CMiniUPnP", pkgConfig: "miniupnpc", providers: [.apt(["libminiupnpc-dev"])]),
        .systemLibrary(name: "CQRCode", pkgConfig: "libqrencode", providers: [.apt(["libqrencode-dev"])]),
        .systemLibrary(name: "CZBar"),
        .systemLibrary(name: "CSRTP", pkgConfig: "libsrtp2", providers: [.apt(["libsrtp2-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .target(name: "Core", dependencies: ["CLinux"], swiftSettings: strict),
        .target(name: "Outbound", dependencies: ["Core", .nioCore], swiftSettings: strict),
        .target(name: "Media", dependencies: ["CFFmpeg", .crypto, .cryptoExtras], swiftSettings: strict),
        .target(
            name: "MediaWorker",
            dependencies: ["CLinux", "CSeccomp", "CZBar", "Core", "Media", .deque, .logging, .subprocess, .system],
            swiftSettings: strict
        ),
        .target(name: "BoxDatabase", dependencies: ["Core", .crypto, .grdb, .sqlite], swiftSettings: strict),
        .target(name: "Tar", dependencies: ["CArchive"], swiftSettings: strict),
        .target(
            name: "Backup", dependencies: ["BoxDatabase", "Core", "Tar", .crypto, .cryptoExtras], swiftSettings: strict),
        .target(name: "Access", dependencies: ["BoxDatabase", "Core", .crypto, .cryptoExtras, .grdb, .logging], swiftSettings: strict),
        .target(
            name: "CloudStorage",
            dependencies: [
                "BoxDatabase", "CLinux", "Core", "Outbound", "XML", .asyncHTTPClient, .crypto, .cryptoExtras, .grdb, .logging, .nioCore,
                .nioHTTP1, .nioSSL, .nioFoundationCompat, .yams,
            ],
            swiftSettings: strict
        ),
        .target(name: "XML", swiftSettings: strict),
        .target(name: "RTP", dependencies: ["Media", .nioCore], swiftSettings: strict),
        .target(name: "CameraProtocols", dependencies: ["Core", "XML", .crypto], swiftSettings: strict),
        .target(
            name: "RTSP", dependencies: ["CameraProtocols", "Core", "Media", "RTP", .logging, .nioCore, .nioPosix],
            swiftSettings: strict),
        .target(
            name: "WebRTC", dependencies: ["CNice", "COpenSSL", "CSRTP", "Core", "Media", "RTP", .deque, .nioCore],
            swiftSettings: strict),
        .target(
            name: "Cameras",
            dependencies: [
                "CLinux", "CameraProtocols", "Core", "Media", "Outbound", "RTSP", "XML", .asyncHTTPClient, .crypto, .cryptoExtras, .logging,
                .nioCore, .nioHTTP1, .nioPosix, .nioSSL, .nioFoundationCompat, .yams,
            ],
            swiftSettings: strict),
        .target(
            name: "Recording",
            dependencies: ["Core", "Media", "MediaWorker", "Outbound", "RTSP", .deque, .logging, .yams],
            swiftSettings: strict
        ),
        .target(
            name: "Devices",
            dependencies: ["BoxDatabase", "CameraProtocols", "Cameras", "Core", "Media", "Outbound", "Recording", .grdb, .logging],
            swiftSettings: strict
        ),
        .target(
            name: "Refill",
            dependencies: [
                "BoxDatabase", "CameraProtocols", "Cameras", "Core", "Devices", "Media", "MediaWorker", "RTSP", "Recording", .grdb,
                .logging,
            ],
            swiftSettings: strict
        ),
        .target(
            name: "Relay", dependencies: ["Core", "Media", "Recording", .crypto, .deque, .logging, .nioCore], swiftSettings: strict),
        .target(
            name: "Messaging",
            dependencies: ["Core", .asyncHTTPClient, .logging, .nioCore, .nioHTTP1, .subprocess, .system, .yams],
            swiftSettings: strict),
        .target(
            name: "Reach",
            dependencies: [
                "BoxDatabase", "CLinux", "CMiniUPnP", "Core", "Outbound", .asyncHTTPClient, .crypto, .grdb, .logging, .nioCore, .nioHTTP1,
                .nioPosix, .nioSSL, .subprocess, .system,
            ],
            swiftSettings: strict),
        .target(
            name: "Playback",
            dependencies: [
                "BoxDatabase", "CameraProtocols", "Cameras", "CloudStorage", "Core", "Devices", "Media", "RTSP", "Recording", "Refill",
                .asyncAlgorithms, .grdb, .logging, .nioCore,
            ],
            swiftSettings: strict
        ),
        .target(
            name: "Exports",
            dependencies: [
                "BoxDatabase", "CArchive", "CloudStorage", "Core", "Media", "MediaWorker", "Playback", "Refill", .crypto, .grdb, .logging,
            ],
            swiftSettings: strict),
        .target(
            name: "ServerCertificate", dependencies: ["Core", .asn1, .crypto, .logging, .nioCore, .nioSSL, .x509], swiftSettings: strict),
        // The launcher must start whatever else is broken: no Foundation, no package.
        .target(name: "Slots", dependencies: ["CLinux"], swiftSettings: strict),
        .executableTarget(name: "Launcher", dependencies: ["Slots"], swiftSettings: strict),
        .target(
            name: "Firmware",
            dependencies: ["Core", "Outbound", "Slots", "Tar", .asyncHTTPClient, .crypto, .logging, .nioCore, .nioHTTP1, .nioSSL],
            swiftSettings: strict),
        // Apart from what it upgrades, and small.
        .executableTarget(name: "Updater", dependencies: ["Core", "Firmware", .nioCore], swiftSettings: strict),
        .target(name: "DeviceFirmware", dependencies: ["Cameras", "Core", "Firmware", .logging], swiftSettings: strict),
        .target(name: "Codes", dependencies: ["CQRCode", "Core", .crypto, .cryptoExtras], swiftSettings: strict),
        .target(
            name: "ManagementAPI",
            dependencies: [
                "Access", "Backup", "BoxDatabase", "CameraProtocols", "Cameras", "CloudStorage", "Codes", "Core", "DeviceFirmware",
                "Devices", "Exports",
                "Firmware",
                "Media",
                "MediaWorker",
                "Messaging", "Outbound", "Playback", "RTSP", "Reach",
                "Recording",
                "Refill", "Relay", "ServerCertificate", "WebRTC",
                .asyncAlgorithms, .crypto, .grdb,
                .httpTypes, .hummingbird, .hummingbirdCore, .hummingbirdHTTP2, .hummingbirdTLS, .logging, .nioCore, .nioFoundationCompat,
                .nioSSL, .serviceLifecycle,
            ],
            resources: [.copy("Web"), .copy("openapi.json")],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "Gatehouse",
            dependencies: [
                "Access", "Backup", "BoxDatabase", "CLinux", "CameraProtocols", "Cameras", "CloudStorage", "Core", "DeviceFirmware",
                "Devices", "Exports",
                "Firmware", "ManagementAPI", "Media", "MediaWorker", "Messaging", "Outbound", "Playback", "RTSP", "Reach", "Recording",
                "Refill",
                "Relay",
                "ServerCertificate", .argumentParser, .asyncHTTPClient, .configuration, .crypto, .logging, .nioCore, .nioFoundationCompat,
                .nioHTTP1, .nioPosix, .nioSSL,
                .serviceLifecycle, .system, .unixSignals, .yams,
            ],
            swiftSettings: strict
        ),
        .target(name: "TestSupport", dependencies: ["Core", "Media"], path: "Tests/TestSupport", swiftSettings: strict),
        .testTarget(name: "MessagingTests", dependencies: ["Core", "Messaging", "TestSupport", .logging, .system], swiftSettings: strict),
        .testTarget(name: "CoreTests", dependencies: ["Core"], swiftSettings: strict),
        .testTarget(name: "OutboundTests", dependencies: ["Outbound"], swiftSettings: strict),
        .testTarget(name: "MediaTests", dependencies: ["Media", "TestSupport"], swiftSettings: strict),
        // Its workers are real processes of the executable.
        .testTarget(
            name: "MediaWorkerTests", dependencies: ["Core", "Gatehouse", "Media", "MediaWorker", "TestSupport", .system],
            swiftSettings: strict),
        .testTarget(name: "BoxDatabaseTests", dependencies: ["BoxDatabase", "Core", "TestSupport", .grdb], swiftSettings: strict),
        .testTarget(name: "AccessTests", dependencies: ["Access", "BoxDatabase", "Core", "TestSupport", .grdb], swiftSettings: strict),
        .testTarget(name: "CameraProtocolsTests", dependencies: ["CameraProtocols", "Core", "XML"], swiftSettings: strict),
        .testTarget(
            name: "CamerasTests", dependencies: ["CameraProtocols", "Cameras", "Core", "Outbound", "TestSupport", "XML"],
            swiftSettings: strict),
        .testTarget(name: "RTPTests", dependencies: ["Media", "RTP", "TestSupport", .nioCore], swiftSettings: strict),
        .testTarget(
            name: "RTSPTests", dependencies: ["CameraProtocols", "Core", "Media", "RTSP", "TestSupport", .logging, .nioCore, .nioPosix],
            swiftSettings: strict),
        .testTarget(name: "WebRTCTests", dependencies: ["Core", "Media", "RTP", "TestSupport", "WebRTC", .nioCore], swiftSettings: strict),
        .testTarget(
            name: "DevicesTests",
            dependencies: ["BoxDatabase", "CameraProtocols", "Cameras", "Core", "Devices", "TestSupport"], swiftSettings: strict),
        .testTarget(
            name: "RecordingTests", dependencies: ["Core", "Media", "MediaWorker", "Recording", "TestSupport", .logging],
            swiftSettings: strict),
        .testTarget(
            name: "RelayTests", dependencies: ["Core", "Media", "Recording", "Relay", "TestSupport", .logging, .nioCore],
            swiftSettings: strict),
        .testTarget(
            name: "ReachTests",
            dependencies: ["BoxDatabase", "Core", "Outbound", "Reach", "TestSupport", .logging, .nioCore, .nioPosix, .system],
            swiftSettings: strict),
        .testTarget(
            name: "PlaybackTests",
            dependencies: ["Cameras", "Core", "Media", "MediaWorker", "Playback", "Recording", "Refill", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "RefillTests", dependencies: ["BoxDatabase", "Cameras", "Core", "Refill", "TestSupport", .grdb], swiftSettings: strict),
        .testTarget(
            name: "CloudStorageTests",
            dependencies: [
                "BoxDatabase", "CloudStorage", "Core", "Outbound", "TestSupport", .crypto, .grdb, .logging, .nioCore, .nioHTTP1,
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "ExportsTests",
            dependencies: ["BoxDatabase", "Core", "Exports", "Media", "MediaWorker", "Playback", "Refill", "TestSupport", .system],
            swiftSettings: strict),
        .testTarget(name: "BackupTests", dependencies: ["Backup", "BoxDatabase", "Core", "Tar", .grdb], swiftSettings: strict),
        .testTarget(
            name: "ServerCertificateTests",
            dependencies: ["Core", "ServerCertificate", "TestSupport", .asn1, .crypto, .logging, .nioSSL, .x509],
            swiftSettings: strict),
        .testTarget(name: "SlotsTests", dependencies: ["Launcher", "Slots"], swiftSettings: strict),
        .testTarget(
            name: "FirmwareTests", dependencies: ["Core", "Firmware", "Slots", "TestSupport", "Updater", .crypto, .logging],
            swiftSettings: strict),
        .testTarget(
            name: "DeviceFirmwareTests", dependencies: ["Cameras", "Core", "DeviceFirmware", "Firmware", "TestSupport", .logging],
            swiftSettings: strict),
        .testTarget(name: "CodesTests", dependencies: ["Codes", "TestSupport"], swiftSettings: strict),
        .testTarget(
            name: "ManagementAPITests",
            dependencies: ["Access", "BoxDatabase", "Core", "ManagementAPI", "Messaging", "TestSupport", .httpTypes, .nioCore],
            swiftSettings: strict),
        .testTarget(name: "GatehouseTests", dependencies: ["Gatehouse", "TestSupport", .argumentParser], swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
