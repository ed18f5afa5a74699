extension Connection {
    /// Fills a table with many rows, faster than by statements (PostgreSQL 15, COPY).
    ///
    /// All rows are stored, or none.
    ///
    /// - Parameters:
    ///   - target: the table and the columns, such as `"view (video, seconds)"`.
    ///   - rows: the values of each row, in the order of the columns; may be made one after the other.
    /// - Returns: how many rows were stored.
    /// - Throws: ``DatabaseError``.
    @discardableResult
    public func copyIn(_ target: StaticString, rows: some Sequence<[any PostgresValue]>) throws(DatabaseError) -> Int {
        let text = "COPY \(target) FROM STDIN"
        try willSend(text)
        return try withCancellation { () throws(DatabaseError) in
            _ = try session.executeOnce(text)
            do throws(DatabaseError) {
                try send(rows)
            } catch {
                // The server answers with an error of its own, which says less than the one that was found here.
                if !session.isBroken { _ = try? session.endCopy(failure: "the rows ended with an error") }
                throw error
            }
            return try session.endCopy(failure: nil).affectedRows
        }
    }

    private func send(_ rows: some Sequence<[any PostgresValue]>) throws(DatabaseError) {
        let pieceSize = 64 * 1024
        var piece: [UInt8] = []
        piece.reserveCapacity(2 * pieceSize)
        for row in rows {
            try CopyText.append(row, to: &piece)
            guard piece.count >= pieceSize else { continue }
            if isCancelled { throw .cancelled }
            try session.putCopyData(piece)
            piece.removeAll(keepingCapacity: true)
        }
        if !piece.isEmpty { try session.putCopyData(piece) }
    }
}

/// The text format of COPY (PostgreSQL 15, COPY, "Text Format").
enum CopyText {
    /// Adds a line.
    static func append(_ row: [any PostgresValue], to bytes: inout [UInt8]) throws(DatabaseError) {
        for (index, value) in row.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: "\t")) }
            switch value.postgresParameter.content {
            case .null: bytes += [0x5C, UInt8(ascii: "N")]
            case .invalid(let why): throw .invalidParameter("column \(index): \(why)")
            case .text(let text): try append(text, column: index, to: &bytes)
            case .bytes(let value): append(value, to: &bytes)
            }
        }
        bytes.append(UInt8(ascii: "\n"))
    }

    private static func append(_ text: String, column: Int, to bytes: inout [UInt8]) throws(DatabaseError) {
        for byte in text.utf8 {
            switch byte {
            case 0: throw .invalidParameter("column \(column): text with a NUL byte")
            case UInt8(ascii: "\n"): bytes += [0x5C, UInt8(ascii: "n")]
            case UInt8(ascii: "\r"): bytes += [0x5C, UInt8(ascii: "r")]
            case UInt8(ascii: "\t"): bytes += [0x5C, UInt8(ascii: "t")]
            case 0x5C: bytes += [0x5C, 0x5C]
            default: bytes.append(byte)
            }
        }
    }

    /// A `bytea` in its hexadecimal form, whose backslash is escaped.
    private static func append(_ value: [UInt8], to bytes: inout [UInt8]) {
        let digits = Array("0123456789abcdef".utf8)
        bytes += [0x5C, 0x5C, UInt8(ascii: "x")]
        for byte in value {
            bytes.append(digits[Int(byte >> 4)])
            bytes.append(digits[Int(byte & 15)])
        }
    }
}
