// What the fuzzers run, and what the ordinary tests run over the kept inputs. Each target takes any bytes and holds the
// code to properties that must hold for all of them, beyond not crashing.

/// A part of ingest that takes hostile bytes.
public enum FuzzTarget: String, CaseIterable, Sendable {
    /// C0, C1 and C2 in pieces of any size.
    case handshake
    /// Chunks: whole and in pieces they give the same messages and the same error.
    case chunks
    /// AMF 0 and AMF 3: what was read can be written and read again.
    case amf
    /// The bodies of audio and video messages through the demultiplexer.
    case mediaTags = "media-tags"
    /// Decoder configuration records and parameter sets.
    case configurations
    /// A whole connection, from its first byte to its end.
    case connection
    /// What a server may say that a live is pushed to.
    case push

    /// Runs the code on an input.
    ///
    /// - Throws: ``FuzzViolation`` when a property does not hold.
    public func run(_ input: [UInt8]) throws {
        switch self {
        case .handshake: try HandshakeFuzz.run(input)
        case .chunks: try ChunkFuzz.run(input)
        case .amf: try AMFFuzz.run(input)
        case .mediaTags: try MediaTagFuzz.run(input)
        case .configurations: try ConfigurationFuzz.run(input)
        case .connection: try ConnectionFuzz.run(input)
        case .push: try PushFuzz.run(input)
        }
    }

    /// Inputs for a start, from the bytes that a real encoder sent.
    public func seeds(fromRecording recording: [UInt8]) -> [[UInt8]] {
        let messages = RecordedMessages(recording)
        return switch self {
        case .handshake: [Array(recording.prefix(RecordedMessages.handshakeLength))]
        case .chunks: [[0] + messages.chunks.prefix(20_000), [7] + messages.chunks.prefix(6000)]
        case .amf: messages.amf
        case .mediaTags: [MediaTagFuzz.input(messages.media.prefix(24))]
        case .configurations: messages.media.prefix(12).compactMap(ConfigurationFuzz.input)
        // The end of a recording is its goodbye, which belongs to the shorter ones.
        case .connection: [[1] + recording.prefix(24_000), [0] + messages.chunks.prefix(12_000)]
        // Nobody has recorded a server: what an encoder sends is the next best.
        case .push: [PushFuzz.seed, [2] + messages.chunks.prefix(6000)]
        }
    }
}

/// A property that an input broke.
public struct FuzzViolation: Error, CustomStringConvertible {
    /// Which, with what was seen.
    public let description: String

    init(_ description: String) { self.description = description }

    /// Throws unless the property holds.
    static func unless(_ holds: Bool, _ property: @autoclosure () -> String) throws {
        if !holds { throw FuzzViolation(property()) }
    }
}
