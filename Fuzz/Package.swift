// swift-tools-version: 6.2

import PackageDescription

// A package of its own: it is built with sanitizers and coverage, the product without. scripts/fuzz builds and runs it.
let package = Package(
    name: "lyceum-fuzz",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "lyceum", path: ".."),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", exact: "2.13.0"),
    ],
    targets: [
        // The same files that IngestTests runs over the corpus and over every input that ever failed.
        .target(
            name: "FuzzTargets",
            dependencies: [
                .product(name: "Ingest", package: "lyceum"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "CoreMetrics", package: "swift-metrics"),
            ]
        ),
        // libFuzzer brings `main`.
        .executableTarget(
            name: "Fuzz",
            dependencies: ["FuzzTargets"],
            swiftSettings: [.unsafeFlags(["-parse-as-library"])]
        ),
    ]
)
