import Ingest
import NIOCore

// The settings that hold encoders to limits. Their defaults are those of IngestLimits, which has the reason for each.
extension ConfigurationKey {
    /// Every limit, in the order in which `lyceum config` prints them.
    static let ingestLimits = [
        maximumConnections, maximumConnectionsPerAddress, maximumBytesPerSecond, maximumMessageBytes,
        maximumPartialBytes, maximumChunkStreams, handshakeSeconds, publishSeconds, idleSeconds, mediaSeconds,
        maximumAMFDepth, maximumAMFValues,
    ]

    static let maximumConnections = ConfigurationKey(
        path: ["rtmp", "max_connections"],
        defaultValue: "1000",
        expected: "a number from 1 to 100000",
        summary: "how many RTMP connections may be open at once",
        meaning: """
            how many RTMP connections may be open at once; from 1 to 100000
            """
    )
    static let maximumConnectionsPerAddress = ConfigurationKey(
        path: ["rtmp", "max_connections_per_address"],
        defaultValue: "100",
        expected: "a number from 1 to 100000",
        summary: "how many of them may come from one address",
        meaning: """
            how many of them may come from one address; from 1 to 100000
            """
    )
    static let maximumBytesPerSecond = ConfigurationKey(
        path: ["rtmp", "max_bytes_per_second"],
        defaultValue: "25000000",
        expected: "a number of bytes from 10000 to 1000000000",
        summary: "what one publisher may send a second; beyond that it is slowed down",
        meaning: """
            what one publisher may send a second; beyond that it is slowed down; from 10000 to 1000000000
            """
    )
    static let maximumMessageBytes = ConfigurationKey(
        path: ["rtmp", "max_message_bytes"],
        defaultValue: "10485760",
        expected: "a number of bytes from 65536 to 16777215",
        summary: "the longest message of a publisher: a picture and its header",
        meaning: """
            the longest message of a publisher: a picture and its header; from 65536 to 16777215
            """
    )
    static let maximumPartialBytes = ConfigurationKey(
        path: ["rtmp", "max_partial_bytes"],
        defaultValue: "16777216",
        expected: "a number of bytes from 65536 to 1073741824",
        summary: "what unfinished messages of one connection may hold",
        meaning: """
            what unfinished messages of one connection may hold; from 65536 to 1073741824
            """
    )
    static let maximumChunkStreams = ConfigurationKey(
        path: ["rtmp", "max_chunk_streams"],
        defaultValue: "128",
        expected: "a number from 8 to 65536",
        summary: "how many chunk streams one connection may use",
        meaning: """
            how many chunk streams one connection may use; from 8 to 65536
            """
    )
    static let handshakeSeconds = ConfigurationKey(
        path: ["rtmp", "handshake_seconds"],
        defaultValue: "10",
        expected: "a number from 1 to 300",
        summary: "how long a handshake may take",
        meaning: """
            how long a handshake may take; from 1 to 300
            """
    )
    static let publishSeconds = ConfigurationKey(
        path: ["rtmp", "publish_seconds"],
        defaultValue: "30",
        expected: "a number from 1 to 300",
        summary: "how long a connection may take from the handshake to a publish",
        meaning: """
            how long a connection may take from the handshake to a publish; from 1 to 300
            """
    )
    static let idleSeconds = ConfigurationKey(
        path: ["rtmp", "idle_seconds"],
        defaultValue: "30",
        expected: "a number from 1 to 3600",
        summary: "how long a publisher may send nothing",
        meaning: """
            how long a publisher may send nothing; from 1 to 3600
            """
    )
    static let mediaSeconds = ConfigurationKey(
        path: ["rtmp", "media_seconds"],
        defaultValue: "90",
        expected: "a number from 1 to 3600",
        summary: "how long a publisher may send no picture and no sound",
        meaning: """
            how long a publisher may send no picture and no sound; from 1 to 3600
            """
    )
    static let maximumAMFDepth = ConfigurationKey(
        path: ["rtmp", "max_amf_depth"],
        defaultValue: "16",
        expected: "a number from 4 to 64",
        summary: "how deep values of commands and metadata may lie in each other",
        meaning: """
            how deep values of commands and metadata may lie in each other; from 4 to 64
            """
    )
    static let maximumAMFValues = ConfigurationKey(
        path: ["rtmp", "max_amf_values"],
        defaultValue: "16384",
        expected: "a number from 64 to 1000000",
        summary: "how many values one command or metadata may have",
        meaning: """
            how many values one command or metadata may have; from 64 to 1000000
            """
    )
}

extension IngestLimits {
    /// The limits that the settings give.
    ///
    /// - Parameter number: reads a setting as a whole number in a range.
    /// - Throws: what `number` throws.
    init(_ number: (ConfigurationKey, ClosedRange<Int>) throws -> Int) throws {
        self.init()
        maximumConnections = try number(.maximumConnections, 1...100_000)
        maximumConnectionsPerAddress = try number(.maximumConnectionsPerAddress, 1...100_000)
        maximumBytesPerSecond = try number(.maximumBytesPerSecond, 10_000...1_000_000_000)
        maximumMessageLength = try number(.maximumMessageBytes, 65_536...16_777_215)
        maximumPartialBytes = try number(.maximumPartialBytes, 65_536...1_073_741_824)
        maximumChunkStreams = try number(.maximumChunkStreams, 8...65_536)
        handshakeTimeout = .seconds(Int64(try number(.handshakeSeconds, 1...300)))
        publishTimeout = .seconds(Int64(try number(.publishSeconds, 1...300)))
        publisherIdleTimeout = .seconds(Int64(try number(.idleSeconds, 1...3600)))
        mediaTimeout = .seconds(Int64(try number(.mediaSeconds, 1...3600)))
        amf.depth = try number(.maximumAMFDepth, 4...64)
        amf.values = try number(.maximumAMFValues, 64...1_000_000)
    }
}
