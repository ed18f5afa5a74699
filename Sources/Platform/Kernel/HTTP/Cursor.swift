internal import HTTPTypes
public import Hummingbird
internal import Cryptography

/// A place in a list: the sort key and the id of one row, and which way from there (keyset paging).
public struct Cursor: Sendable, Hashable {
    /// Which way a list goes on.
    public enum Direction: String, Sendable, Hashable {
        /// To the rows after.
        case next = "n"
        /// To the rows before.
        case previous = "p"
    }

    /// What the list is sorted by, as text; empty when by id alone.
    public let sortKey: String
    /// The row's `id`.
    public let id: Int64
    /// Which way.
    public let direction: Direction

    /// A place in a list.
    public init(sortKey: String = "", id: Int64, direction: Direction = .next) {
        self.sortKey = sortKey
        self.id = id
        self.direction = direction
    }
}

/// Makes cursors into text that says nothing and that nobody else can make.
struct CursorSigner: Sendable {
    private let key: [UInt8]

    init(key: [UInt8]) { self.key = key }

    /// The text of a cursor of one list; no other list takes it.
    func text(of cursor: Cursor, list: String) -> String {
        let content = Array("\(cursor.direction.rawValue)\(cursor.id),\(cursor.sortKey)".utf8)
        return Base64URL.text(code(content, list) + content)
    }

    /// The cursor of a text; `nil` when it was not made here for this list.
    func cursor(_ text: String, list: String) -> Cursor? {
        guard let bytes = Base64URL.bytes(text), bytes.count > Self.codeSize else { return nil }
        let content = Array(bytes[Self.codeSize...])
        guard ConstantTime.isEqual(Array(bytes[..<Self.codeSize]), code(content, list)) else { return nil }
        guard let read = String(validating: content, as: UTF8.self),
            let direction = read.first.flatMap({ Cursor.Direction(rawValue: String($0)) }),
            let comma = read.firstIndex(of: ","),
            let id = Int64(read[..<comma].dropFirst())
        else { return nil }
        return Cursor(sortKey: String(read[comma...].dropFirst()), id: id, direction: direction)
    }

    private static let codeSize = 16

    private func code(_ content: [UInt8], _ list: String) -> [UInt8] {
        Array(HMACSHA256.authenticationCode(for: Array("\(list)\n".utf8) + content, key: key).prefix(Self.codeSize))
    }
}

/// What part of a list is asked for.
public struct PageRequest: Sendable, Hashable {
    /// How many at most, 1 to 100.
    ///
    /// Ask the database for one more: it tells whether there is a next page.
    public let limit: Int
    /// Where to go on; `nil` at the start.
    public let cursor: Cursor?
}

/// A part of a list, as the API gives it: `{"data": […], "next": "…"}`.
public struct Page<Element: Encodable & Sendable>: Encodable, Sendable {
    /// The elements, in order.
    public let data: [Element]
    /// The cursor of the page after; `null` at the end.
    public let next: String?
    /// The cursor of the page before; `nil` at the start.
    ///
    /// Told in Link only.
    public let previous: String?

    private enum CodingKeys: String, CodingKey {
        case data
        case next
    }

    /// `next` is written even when it is null.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(data, forKey: .data)
        try container.encode(next, forKey: .next)
    }
}

extension PlatformContext {
    /// The part of the list that is asked for, of an endpoint with ``Parameter/paging``.
    ///
    /// - Throws: ``Problem`` 400 for a cursor that was not made here for this list.
    public func pageRequest(defaultLimit: Int = 20) throws -> PageRequest {
        let limit = min(max(query["limit"]?.int ?? defaultLimit, 1), 100)
        guard let text = query["cursor"]?.text, !text.isEmpty else { return PageRequest(limit: limit, cursor: nil) }
        guard let cursor = cursors.cursor(text, list: endpoint?.operationID ?? "") else {
            throw Problem(
                .badRequest,
                code: "cursor_invalid",
                detail: "This cursor does not belong to this list: start again without one.",
                errors: [
                    FieldError(parameter: "cursor", code: "cursor_invalid", detail: "does not belong to this list")
                ]
            )
        }
        return PageRequest(limit: limit, cursor: cursor)
    }

    /// A page of the rows that the database gave.
    ///
    /// - Parameters:
    ///   - rows: up to `limit + 1` rows, in the order they were read in: for ``Cursor/Direction/previous`` backwards.
    ///   - request: what was asked for.
    ///   - place: sort key and id of a row.
    /// - Returns: the page, its rows in the order of the list.
    public func page<Element>(
        of rows: [Element],
        _ request: PageRequest,
        place: (Element) -> (sortKey: String, id: Int64)
    ) -> Page<Element> {
        let isBackwards = request.cursor?.direction == .previous
        let hasMore = rows.count > request.limit
        let taken = rows.prefix(request.limit)
        let data = isBackwards ? Array(taken.reversed()) : Array(taken)
        func text(_ element: Element?, _ direction: Cursor.Direction) -> String? {
            element.map { element in
                let (sortKey, id) = place(element)
                let cursor = Cursor(sortKey: sortKey, id: id, direction: direction)
                return cursors.text(of: cursor, list: endpoint?.operationID ?? "")
            }
        }
        let hasNext = isBackwards || hasMore
        let hasPrevious = isBackwards ? hasMore : request.cursor != nil
        return Page(
            data: data,
            next: hasNext ? text(data.last, .next) : nil,
            previous: hasPrevious ? text(data.first, .previous) : nil
        )
    }
}

extension Response {
    /// A page of a list, with Link (RFC 8288) to those after and before.
    public static func page<Element>(_ page: Page<Element>, of request: Request) throws -> Response {
        var links: [String] = []
        let kept =
            (try? FormFields(encoded: (request.uri.query ?? "").utf8))?.fields.filter { $0.name != "cursor" } ?? []
        for (relation, cursor) in [("next", page.next), ("prev", page.previous)] {
            guard let cursor else { continue }
            let query = (kept + [FormFields.Field("cursor", cursor)]).map {
                "\(PercentCoding.encoded($0.name))=\(PercentCoding.encoded($0.value))"
            }
            let path = request.head.path.map { $0.prefix { $0 != "?" } } ?? "/"
            links.append("<\(path)?\(query.joined(separator: "&"))>; rel=\"\(relation)\"")
        }
        var response = try Response.json(page)
        if !links.isEmpty, let name = HTTPField.Name("Link") { response.headers[name] = links.joined(separator: ", ") }
        return response
    }
}
