import NIOCore
import NIOHPACK
import NIOHTTP1

/// The heads of HTTP/2 messages (RFC 9113 §8.3) in terms of those of HTTP/1.1, which the router speaks.
enum HTTP2Head {
    /// Why a request's header fields are no request.
    enum Fault: Error, Hashable {
        /// A pseudo-header field is missing, stands twice, or is none of a request (§8.3.1).
        case malformed
    }

    /// A request in the form of HTTP/1.1.
    ///
    /// `:authority` becomes Host; where the client has sent that too, they must be the same (§8.3.1).
    static func request(_ fields: HPACKHeaders) throws(Fault) -> HTTPRequestHead {
        var (method, path, scheme, authority): (String?, String?, String?, String?)
        var headers = HTTPHeaders()
        headers.reserveCapacity(fields.count)
        for (name, value, _) in fields {
            guard name.utf8.first == UInt8(ascii: ":") else {
                headers.add(name: name, value: value)
                continue
            }
            switch name {
            case ":method": try take(value, as: &method)
            case ":path": try take(value, as: &path)
            case ":scheme": try take(value, as: &scheme)
            case ":authority": try take(value, as: &authority)
            default: throw .malformed
            }
        }
        guard let method, let path, scheme != nil, !path.isEmpty else { throw .malformed }
        if let authority {
            let hosts = headers["host"]
            guard hosts.allSatisfy({ $0 == authority }) else { throw .malformed }
            if hosts.isEmpty { headers.add(name: "host", value: authority) }
        }
        return HTTPRequestHead(version: .http1_1, method: HTTPMethod(rawValue: method), uri: path, headers: headers)
    }

    private static func take(_ value: String, as field: inout String?) throws(Fault) {
        guard field == nil else { throw .malformed }
        field = value
    }

    /// The header fields of a response.
    ///
    /// - Parameters:
    ///   - response: the response, its fields in the form of HTTP/1.1.
    ///   - date: the value of Date.
    /// - Returns: the fields, with `:status` first and names in small letters (§8.2).
    static func fields(of response: Response, date: String) -> HPACKHeaders {
        var fields = HPACKHeaders()
        fields.reserveCapacity(12)
        fields.add(name: ":status", value: String(response.status.code))
        fields.add(name: "date", value: date)
        for line in response.fields.readableBytesView.split(separator: UInt8(ascii: "\n")) {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
            // Behind the colon stands a space, and a carriage return at the end.
            let value = line[colon...].dropFirst(2).dropLast()
            fields.add(
                name: String(decoding: line[..<colon], as: UTF8.self).lowercased(),
                value: String(decoding: value, as: UTF8.self)
            )
        }
        return fields
    }
}
