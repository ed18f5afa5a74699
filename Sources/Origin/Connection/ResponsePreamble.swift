internal import Glibc
import NIOCore
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

/// Makes the first lines of responses: the status line, Date and Connection.
///
/// The lines of the common answer, 200 on a connection that stays, are made once per second and event loop and shared.
/// Belongs to one event loop.
final class ResponsePreamble {
    private let secondsSinceEpoch: () -> Int
    private var second = Int.min
    private var currentDate = ""
    private var okay = ByteBuffer()

    /// Preambles dated by a clock.
    ///
    /// - Parameter secondsSinceEpoch: seconds since 1970-01-01T00:00:00Z.
    init(secondsSinceEpoch: @escaping () -> Int = { time(nil) }) {
        self.secondsSinceEpoch = secondsSinceEpoch
    }

    /// The value of Date in a response of this moment.
    var date: String {
        tick()
        return currentDate
    }

    /// The first lines of a response of this moment.
    func lines(_ status: HTTPResponseStatus, _ persistence: Persistence) -> ByteBuffer {
        tick()
        return status == .ok && persistence == .keepAlive ? okay : make(status, persistence)
    }

    private func tick() {
        let now = secondsSinceEpoch()
        guard now != second else { return }
        second = now
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
