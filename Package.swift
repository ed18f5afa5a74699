// swift-tools-version: 6.2

import PackageDescription

/// The one list of settings: every target of this package is built with it, tests included.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioTLS = Target.Dependency.product(name: "NIOTLS", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let nioHTTP2 = Target.Dependency.product(name: "NIOHTTP2", package: "swift-nio-http2")
let nioHPACK = Target.Dependency.product(name: "NIOHPACK", package: "swift-nio-http2")
let asyncHTTPClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let metrics = Target.Dependency.product(name: "CoreMetrics", package: "swift-metrics")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let mustache = Target.Dependency.product(name: "Mustache", package: "swift-mustache")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let systemPackage = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let serviceLifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")

let package = Package(
    name: "lyceum",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "lyceum", targets: ["lyceum"]),
        // For the package in Fuzz.
        .library(name: "Ingest", targets: ["Ingest"]),
    ],
    dependencies: [
        // Exact versions: Package.resolved is not committed, and a build must not change under anyone's feet.
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        .package(url: "https://github.com/apple/swift-nio-http2", exact: "1.46.0"),
        .package(url: "https://github.com/apple/swift-metrics", exact: "2.13.0"),
        .package(url: "https://github.com/swift-server/async-http-client", exact: "1.37.0"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-configuration", exact: "1.4.0", traits: ["YAML"]),
        .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", exact: "1.0.2"),
        .package(url: "https://github.com/apple/swift-http-types", exact: "1.8.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1", traits: []),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", exact: "2.1.1"),
    ],
    targets: [
        // Media, in the order a frame meets it. docs/architecture.md draws the arrows.
        .target(name: "MediaCore", dependencies: [nioCore]),
        .target(
            name: "Ingest",
            dependencies: ["MediaCore", "Cryptography", "TLS", nioCore, nioPosix, nioSSL, nioTLS, metrics, logging]
        ),
        .target(
            name: "Packager",
            dependencies: ["MediaCore", "LiveStore", "Recordings", "Storage", nioCore, nioPosix, logging]
        ),
        .target(name: "LiveStore", dependencies: ["MediaCore", "Storage", nioCore]),
        .target(name: "Storage", dependencies: [nioCore, nioPosix, logging]),
        .target(name: "Recordings", dependencies: ["MediaCore", "LiveStore", "Storage", nioCore, nioPosix, logging]),
        .target(
            name: "Origin",
            dependencies: [
                "MediaCore", "LiveStore", "Recordings", "Storage", "Cryptography", "TLS", "CZlib", nioCore, nioPosix,
                nioHTTP1, nioHTTP2, nioHPACK, nioSSL, nioTLS, metrics, logging,
            ],
            resources: [.embedInCode("Assets")]
        ),

        .target(
            name: "ObjectStorage",
            dependencies: ["Storage", "MediaCore", "Cryptography", nioCore, nioHTTP1, asyncHTTPClient, logging]
        ),

        .target(name: "Observability", dependencies: [metrics]),
        .target(name: "TLS", dependencies: [nioCore, nioSSL]),

        // Files that are not ours: opened, decoded and encoded.
        .target(
            name: "Transcode",
            dependencies: [
                "CLibAV", "MediaCore", "LiveStore", "Packager", "Recordings", "Storage", nioCore, nioPosix, logging,
            ]
        ),

        // Long work, on threads that give way to all others.
        .target(name: "Jobs", dependencies: ["CLinux", "MediaCore", nioCore, nioPosix, logging]),

        // The platform, from the database up.
        .target(
            name: "Postgres",
            dependencies: ["CLibPQ", "Cryptography", nioCore, logging],
            path: "Sources/Platform/Postgres"
        ),
        .target(
            name: "EmbeddedPostgres",
            dependencies: [subprocess, systemPackage, logging],
            path: "Sources/Platform/EmbeddedPostgres"
        ),
        .target(
            name: "Kernel",
            dependencies: ["Postgres", "Cryptography", hummingbird, httpTypes, asyncHTTPClient, nioCore, logging],
            path: "Sources/Platform/Kernel",
            resources: [.embedInCode("Migrations")]
        ),
        .target(
            name: "Mail",
            dependencies: ["Kernel", "TLS", nioCore, nioPosix, nioSSL, logging],
            path: "Sources/Platform/Mail"
        ),
        .target(
            name: "Web",
            dependencies: ["Kernel", "Cryptography", hummingbird, httpTypes, mustache, nioCore, logging],
            path: "Sources/Platform/Web",
            resources: [.embedInCode("Templates"), .embedInCode("Assets")]
        ),
        .target(
            name: "Accounts",
            dependencies: [
                "Kernel", "Postgres", "Web", "Cryptography", hummingbird, httpTypes, nioCore, nioPosix, logging,
            ],
            path: "Sources/Platform/Accounts",
            resources: [.embedInCode("Migrations"), .embedInCode("Templates")]
        ),
        .target(
            name: "Administration",
            dependencies: ["Kernel", "Postgres", "Web", hummingbird, httpTypes, nioCore, logging],
            path: "Sources/Platform/Administration",
            resources: [.embedInCode("Templates")]
        ),

        // System libraries, each imported by exactly one target.
        .systemLibrary(name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .target(name: "Cryptography", dependencies: ["COpenSSL"]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(
            name: "CLibAV",
            pkgConfig: "libavformat",
            providers: [
                .apt(["libavformat-dev", "libavcodec-dev", "libavutil-dev", "libswscale-dev", "libswresample-dev"])
            ]
        ),
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

        // The composition root.
        .executableTarget(
            name: "lyceum",
            dependencies: [
                "MediaCore", "Ingest", "Packager", "LiveStore", "Recordings", "Storage", "ObjectStorage", "Origin",
                "Transcode", "Jobs", "Cryptography", "TLS", "Observability", "Postgres", "EmbeddedPostgres", "Kernel",
                "Mail",
                "Web", "Accounts", "Administration", nioCore, nioPosix, nioHTTP1, httpTypes, hummingbird,
                asyncHTTPClient,
                metrics, logging,
                serviceLifecycle,
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            path: "Sources/Server"
        ),

        // Readers written independently of the writers, and what drives real clients.
        .target(name: "TestSupport", dependencies: ["MediaCore", nioCore, nioPosix], path: "Tests/TestSupport"),
        .testTarget(name: "TestSupportTests", dependencies: ["TestSupport"]),
        .testTarget(name: "MediaCoreTests", dependencies: ["MediaCore", "TestSupport", nioCore]),
        .testTarget(name: "ObservabilityTests", dependencies: ["Observability", "TestSupport", metrics]),
        .testTarget(name: "JobsTests", dependencies: ["Jobs", "MediaCore", "TestSupport", logging]),
        .testTarget(name: "CryptographyTests", dependencies: ["Cryptography"]),
        .testTarget(
            name: "LiveStoreTests",
            dependencies: ["LiveStore", "Storage", "MediaCore", "TestSupport", nioCore, nioEmbedded, logging]
        ),
        .testTarget(
            name: "RecordingsTests",
            dependencies: ["Recordings", "LiveStore", "Storage", "MediaCore", "TestSupport", nioCore, logging]
        ),
        .testTarget(name: "StorageTests", dependencies: ["Storage", "TestSupport", nioCore, nioPosix, logging]),
        .testTarget(
            name: "ObjectStorageTests",
            dependencies: [
                "ObjectStorage", "Recordings", "LiveStore", "Storage", "MediaCore", "Cryptography", "TestSupport",
                nioCore,
                nioPosix, nioHTTP1, logging,
            ]
        ),
        .testTarget(
            name: "IngestTests",
            dependencies: [
                "Ingest", "MediaCore", "Cryptography", "TLS", "TestSupport", nioCore, nioEmbedded, nioPosix, metrics,
                logging,
            ]
        ),
        .testTarget(
            name: "PackagerTests",
            dependencies: [
                "Packager", "LiveStore", "Recordings", "Storage", "MediaCore", "TestSupport", nioCore, nioPosix,
                logging,
            ]
        ),
        .testTarget(
            name: "OriginTests",
            dependencies: [
                "Origin", "LiveStore", "Recordings", "Storage", "MediaCore", "Cryptography", "TestSupport", nioCore,
                nioEmbedded,
                nioPosix, nioHTTP1, nioHTTP2, nioHPACK, logging,
            ]
        ),
        .testTarget(
            name: "TranscodeTests",
            dependencies: [
                "Transcode", "CLibAV", "Recordings", "Packager", "LiveStore", "Storage", "MediaCore", "TestSupport",
                nioCore, logging,
            ]
        ),
        .testTarget(
            name: "ServerTests",
            dependencies: [
                "lyceum", "Ingest", "Recordings", "Storage", "ObjectStorage", "MediaCore", "Origin", "Accounts",
                "Kernel",
                "Postgres", "TestSupport", "PlatformTestSupport", nioCore, nioPosix, nioHTTP1, httpTypes, metrics,
                logging,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "SystemPackage", package: "swift-system"),
            ]
        ),
        .target(
            name: "PlatformTestSupport",
            dependencies: ["Postgres", "TestSupport", logging],
            path: "Tests/PlatformTestSupport"
        ),
        .testTarget(
            name: "PostgresTests",
            dependencies: ["Postgres", "PlatformTestSupport", "TestSupport", nioCore, logging]
        ),
        .testTarget(
            name: "EmbeddedPostgresTests",
            dependencies: ["EmbeddedPostgres", "TestSupport", systemPackage, logging]
        ),
        .testTarget(
            name: "KernelTests",
            dependencies: [
                "Kernel", "Postgres", "Cryptography", "PlatformTestSupport", "TestSupport", hummingbird, httpTypes,
                nioCore,
                logging,
            ]
        ),
        .testTarget(
            name: "MailTests",
            dependencies: ["Mail", "Kernel", "TLS", "TestSupport", nioCore, nioPosix, logging]
        ),
        .testTarget(
            name: "WebTests",
            dependencies: [
                "Web", "Accounts", "Administration", "Kernel", "TestSupport", hummingbird, httpTypes, nioCore, logging,
            ]
        ),
        .testTarget(
            name: "AccountsTests",
            dependencies: [
                "Accounts", "Kernel", "Postgres", "Web", "Cryptography", "PlatformTestSupport", "TestSupport",
                hummingbird,
                httpTypes, nioCore, logging,
            ]
        ),
        .testTarget(
            name: "AdministrationTests",
            dependencies: [
                "Administration", "Kernel", "Postgres", "Web", "PlatformTestSupport", "TestSupport", hummingbird,
                httpTypes,
                nioCore, logging,
            ]
        ),
        .testTarget(
            name: "EndToEndTests",
            dependencies: ["TestSupport", "PlatformTestSupport", "Postgres", "lyceum"]
        ),
    ]
)

for target in package.targets where target.type != .system {
    target.swiftSettings = settings
}

// scripts/budgets counts allocations and instructions of an optimised build. What speaks TLS is left out of that one, which
// counts nothing of it: BoringSSL alone takes more than two minutes to compile.
if Context.environment["LYCEUM_BUDGETS"] != nil {
    func leaveOut(_ files: [String], of name: String) {
        guard let target = package.targets.first(where: { $0.name == name }) else { return }
        target.exclude = files
        target.dependencies.removeAll { dependency in
            switch dependency {
            case .byNameItem(name: "TLS", _), .productItem(name: "NIOSSL", _, _, _),
                .productItem(name: "NIOTLS", _, _, _),
                .productItem(name: "NIOHTTP2", _, _, _):
                true
            default: false
            }
        }
    }
    leaveOut(
        [
            "Connection/PublishSession.swift", "Connection/RTMPConnectionHandler.swift",
            "Connection/RTMPConnectionHandler+Play.swift", "Connection/RTMPConnectionHandler+Publish.swift",
            "Push/Restreamer.swift", "Push/RestreamPush.swift", "Push/RTMPPushHandler.swift", "RTMPServer.swift", "TLS",
        ],
        of: "Ingest"
    )
    leaveOut(["HTTP2/HTTP2RequestHandler.swift", "HTTP2/SecureConnection.swift", "OriginServer.swift"], of: "Origin")
    package.targets.append(
        .executableTarget(
            name: "Budgets",
            dependencies: ["MediaCore", "Ingest", "Packager", "LiveStore", "Origin", nioCore, nioEmbedded, logging],
            path: "Benchmarks/Budgets",
            exclude: ["counters.c"]
        )
    )
    package.products.append(.executable(name: "budgets", targets: ["Budgets"]))
    // The steps are measured one by one: their names are internal.
    for target in package.targets where target.type != .system {
        target.swiftSettings = settings + [.unsafeFlags(["-enable-testing"])]
    }
}
