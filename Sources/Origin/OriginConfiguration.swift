public import MediaCore
public import NIOCore
public import Recordings

/// What an origin needs to know before it starts.
///
/// The defaults run.
public struct OriginConfiguration: Sendable {
    /// The address to listen on: an IP address or a name that resolves to one.
    public var host = "0.0.0.0"
    /// The port to listen on; 0 lets the system choose.
    public var port = 8080
    /// What connections may cost.
    public var limits = OriginLimits()
    /// Where the pages get hls.js for browsers that do not play HLS themselves.
    public var hlsJavaScript = HLSJavaScriptSource()
    /// The RTMP port to tell a streamer on the empty home page; `nil` to tell none.
    public var rtmpPort: Int? = 1935

    /// Who may watch; `nil` for everybody.
    public var access: ViewerAccess?
    /// Decides whether there is room for a new viewer.
    public var admission: any Admission = OpenAdmission()
    /// How media is encrypted; `nil` when it is not.
    public var encryption: SegmentEncryption?
    /// Makes other forms of stored media; `nil` for the stored one alone.
    public var remuxer: (any MediaRemuxer)?
    /// Makes pictures of lives; `nil` for none.
    public var pictureMaker: (any PictureMaker)?
    /// What was recorded; `nil` for nothing.
    public var recordings: RecordingCatalog?
    /// Finds recordings of other servers in a store; `nil` when there is none.
    public var recordingArchive: RecordingArchive?
    /// Makes files and clips of recordings; `nil` for none.
    public var exporter: (any RecordingExporter)?
    /// Where what viewers are sent is counted, besides with each live.
    public var meters: OriginMetrics?
    /// What operators may see and do; `nil` for nothing.
    public var operators: OperatorAPI?
    /// What answers requests that are not for media; `nil` for nothing.
    public var application: (any WebApplication)?
    /// Makes this origin the operators' port: it serves this text at `/metrics`, and the health checks.
    public var metrics: (@Sendable () -> String)?

    /// The default configuration.
    public init() {}
}

/// Where the pages get hls.js.
///
/// Both may be given: the file comes first, the address is the fallback.
public struct HLSJavaScriptSource: Sendable {
    /// Why a source cannot be used.
    public enum Fault: Error, Hashable, Sendable, CustomStringConvertible {
        /// The address is not an https URL of plain characters.
        case badAddress(String)
        /// The file cannot be read; `reason` is the system's message.
        case unreadable(path: String, reason: String)
        /// The file is larger than ``HLSJavaScriptSource/maximumFileSize``.
        case tooLarge(path: String, size: Int)

        /// What is wrong, for an operator.
        public var description: String {
            switch self {
            case .badAddress(let address): "hls.js address \(address): expected an https URL without spaces or quotes"
            case .unreadable(let path, let reason): "hls.js file \(path): \(reason)"
            case .tooLarge(let path, let size):
                "hls.js file \(path): \(size) bytes, expected at most \(HLSJavaScriptSource.maximumFileSize)"
            }
        }
    }

    /// The largest file taken, in bytes: eight times the full build of hls.js 1.6.
    public static let maximumFileSize = 4 << 20

    /// A local file that holds hls.js as an ES module; served at `/assets/hls.mjs`.
    public let file: String?
    /// The https address of such a module elsewhere.
    public let address: String?

    /// No hls.js: only browsers with native HLS play.
    public init() {
        file = nil
        address = nil
    }

    /// A source of hls.js.
    ///
    /// - Parameters:
    ///   - file: the path of a local ES module, read when the server starts.
    ///   - address: an https URL; it goes into the pages' Content-Security-Policy, so only the characters of a plain
    ///     URL are taken.
    /// - Throws: ``Fault/badAddress(_:)`` for an address that is no such URL.
    public init(file: String?, address: String?) throws(Fault) {
        if let address, !Self.isPlainHTTPS(address) { throw .badAddress(address) }
        self.file = file
        self.address = address
    }

    private static func isPlainHTTPS(_ address: String) -> Bool {
        address.utf8.starts(with: "https://".utf8) && address.utf8.count > 8
            && address.unicodeScalars.allSatisfy { scalar in
                (scalar.isASCII && scalar.properties.isAlphabetic)
                    || "0123456789-._~:/@+%".unicodeScalars.contains(scalar)
            }
    }
}

/// What connections may cost, each number with its source.
public struct OriginLimits: Sendable {
    /// Open connections in all.
    ///
    /// 8192 browsers with their usual two connections are some 4000 viewers; each costs about 10 KiB here and up to
    /// ``sendBufferSize`` in the kernel. Must be below the process's limit of open files.
    public var connections = 8192
    /// Open connections of one address.
    ///
    /// Browsers open six to a host (HTTP/1.1); this leaves room for a school or an office behind one address. Loopback
    /// is exempt: behind a reverse proxy every viewer comes from there.
    public var connectionsPerAddress = 512
    /// From a request's first byte to the end of its head, as nginx's client_header_timeout guards against clients that
    /// drip (there 60 s; a head fits one packet, so 10 s are a dozen retransmissions).
    public var requestHeadTime = TimeAmount.seconds(10)
    /// A connection without a request.
    ///
    /// nginx's keepalive_timeout: 75 s.
    public var idleTime = TimeAmount.seconds(75)
    /// A response of which the client takes no byte for so long.
    ///
    /// Longer than any segment that a player still waits for.
    public var stalledWriteTime = TimeAmount.seconds(20)
    /// A closed connection's last chance to read what was sent, before the system drops it (RFC 9112 §9.6).
    public var lingerTime = TimeAmount.seconds(2)
    /// The longest request target, in bytes.
    ///
    /// The longest path here has under 200; the rest is room for a query.
    public var requestTargetLength = 2048
    /// One header field, in bytes, and all of a request together: nginx's large_client_header_buffers is 4 of 8 KiB.
    public var headerFieldSize = 8 << 10
    /// All header fields of a request together, in bytes.
    public var headerListSize = 32 << 10
    /// Header fields of a request.
    ///
    /// Browsers send about 20.
    public var headerFieldCount = 100
    /// SO_SNDBUF in bytes, or `nil` to leave it to the system.
    ///
    /// 256 KiB made large segments 1.4 times as fast on loopback as the system's choice; it also bounds what one viewer
    /// holds in the kernel, and with it the throughput on long paths (256 KiB per round trip: 20 Mbit/s at 100 ms).
    public var sendBufferSize: Int32? = 256 << 10
    /// How long no connection may have been open before a drain is over: a player that was told to close opens its next
    /// connection within this time.
    public var drainQuietTime = TimeAmount.seconds(2)
    /// How long ago a connection may have closed whose viewer may still come for the end of a live: the longest target
    /// duration.
    public var drainVisitTime = TimeAmount.seconds(10)

    /// The default limits.
    public init() {}
}
