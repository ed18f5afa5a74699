internal import Glibc
import NIOCore
import NIOHPACK
import NIOHTTP1

/// What a connection does after a response, as the Connection field says it (RFC 9112 §9.3).
enum Persistence: Hashable, Sendable {
    /// It stays, as is the rule in HTTP/1.1.
    case keepAlive
    /// It stays, which an HTTP/1.0 client must be told.
    case keepAliveExplicitly
    /// It ends.
    case close
}

/// Makes the first lines of responses: the status line, Date and Connection; and for HTTP/2 all header fields.
///
/// The lines of the common answer, 200 on a connection that stays, are made once per second and event loop and shared, and so
/// are the fields of what many ask for over HTTP/2.
/// Belongs to one event loop.
final class ResponsePreamble {
    /// Header fields in the form of HTTP/2, and what they were made of in this second.
    private struct KnownFields {
        let status: HTTPResponseStatus
        let lines: ByteBuffer
        let fields: HPACKHeaders
    }

    /// How many fields are kept: the playlists, parts and segments that the viewers of a few lives ask for in one second.
    private static let knownLimit = 16

    private let secondsSinceEpoch: () -> Int
    private var knownFields: [KnownFields] = []
    private var second = Int.min
    private var currentDate = ""
    private var okay = ByteBuffer()

    /// Preambles dated by a clock.
    ///
    /// - Parameter secondsSinceEpoch: seconds since 1970-01-01T00:00:00Z.
    init(secondsSinceEpoch: @escaping () -> Int = { time(nil) }) {
        self.secondsSinceEpoch = secondsSinceEpoch
    }

    /// The first lines of a response of this moment.
    func lines(_ status: HTTPResponseStatus, _ persistence: Persistence) -> ByteBuffer {
        tick()
        return status == .ok && persistence == .keepAlive ? okay : make(status, persistence)
    }

    /// The header fields of a response of this moment, in the form of HTTP/2.
    func fields(of response: Response) -> HPACKHeaders {
        tick()
        // What is kept beside a resource is the same buffer each time, which takes no look at its bytes.
        let known = knownFields.first { $0.lines == response.fields && $0.status == response.status }
        if let known { return known.fields }
        let fields = HTTP2Head.fields(of: response, date: currentDate)
        if knownFields.count == Self.knownLimit { knownFields.removeFirst() }
        knownFields.append(KnownFields(status: response.status, lines: response.fields, fields: fields))
        return fields
    }

    private func tick() {
        let now = secondsSinceEpoch()
        guard now != second else { return }
        second = now
        knownFields.removeAll(keepingCapacity: true)
        currentDate = HTTPDate.string(secondsSinceEpoch: now)
        okay = make(.ok, .keepAlive)
    }

    private func make(_ status: HTTPResponseStatus, _ persistence: Persistence) -> ByteBuffer {
        var lines = ByteBuffer()
        lines.writeString("HTTP/1.1 \(status.code) \(status.reasonPhrase)\r\nDate: \(currentDate)\r\n")
        switch persistence {
        case .keepAlive: break
        case .keepAliveExplicitly: lines.writeStaticString("Connection: keep-alive\r\n")
        case .close: lines.writeStaticString("Connection: close\r\n")
        }
        return lines
    }
}

@available(*, unavailable)
extension ResponsePreamble: Sendable {}

/// The Date field's form (IMF-fixdate, RFC 9110 §5.6.7).
enum HTTPDate {
    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// A moment such as `Sun, 06 Nov 1994 08:49:37 GMT`.
    static func string(secondsSinceEpoch: Int) -> String {
        var seconds = time_t(secondsSinceEpoch)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        let weekday = weekdays[Int(parts.tm_wday)]
        let month = months[Int(parts.tm_mon)]
        let clock = [parts.tm_hour, parts.tm_min, parts.tm_sec].map(twoDigits).joined(separator: ":")
        return "\(weekday), \(twoDigits(parts.tm_mday)) \(month) \(Int(parts.tm_year) + 1900) \(clock) GMT"
    }

    private static func twoDigits(_ number: Int32) -> String { number < 10 ? "0\(number)" : String(number) }
}
