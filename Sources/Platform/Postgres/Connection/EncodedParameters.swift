/// Parameters in the form that libpq takes.
struct EncodedParameters {
    let types: [UInt32]
    private let values: [[UInt8]?]
    private let formats: [Int32]

    /// As many as the protocol can count (PostgreSQL 15, 55.7, Bind).
    static let maximumCount = 65535
    /// What a value may have of bytes: a field cannot be larger than 1 GB.
    static let maximumBytes = 1 << 30

    /// - Throws: ``DatabaseError/invalidParameter(_:)``.
    init(_ parameters: [PostgresParameter]) throws(DatabaseError) {
        guard parameters.count <= Self.maximumCount else {
            throw .invalidParameter("\(parameters.count) parameters, where \(Self.maximumCount) are allowed")
        }
        var values: [[UInt8]?] = []
        var formats: [Int32] = []
        for (index, parameter) in parameters.enumerated() {
            let value: [UInt8]?
            switch parameter.content {
            case .null: value = nil
            case .bytes(let bytes): value = bytes
            case .invalid(let why): throw .invalidParameter("$\(index + 1): \(why)")
            case .text(let text):
                // libpq finds the end of a text by its NUL: the rest would be cut off without a word.
                guard !text.utf8.contains(0) else { throw .invalidParameter("$\(index + 1): text with a NUL byte") }
                value = Array(text.utf8) + [0]
            }
            guard value?.count ?? 0 <= Self.maximumBytes else {
                throw .invalidParameter(
                    "$\(index + 1): \(value?.count ?? 0) bytes, where \(Self.maximumBytes) are allowed"
                )
            }
            values.append(value)
            if case .bytes = parameter.content { formats.append(1) } else { formats.append(0) }
        }
        types = parameters.map(\.type.oid)
        self.values = values
        self.formats = formats
    }

    var count: Int { values.count }

    /// Calls with the values, their lengths (which count for binary ones only) and their formats.
    func withPointers<R>(_ body: ([UnsafePointer<CChar>?], [Int32], [Int32]) -> R) -> R {
        let lengths = values.map { Int32($0?.count ?? 0) }
        // One copy of all values next to each other, so that all have an address at the same time. One byte more: an empty value
        // has one too, which tells it from NULL.
        let total = values.reduce(1) { $0 + ($1?.count ?? 0) }
        return withUnsafeTemporaryAllocation(byteCount: total, alignment: 1) { buffer in
            var pointers: [UnsafePointer<CChar>?] = []
            var offset = 0
            for value in values {
                guard let value, let base = buffer.baseAddress else {
                    pointers.append(nil)
                    continue
                }
                let place = base + offset
                value.withUnsafeBytes { bytes in
                    if let source = bytes.baseAddress { place.copyMemory(from: source, byteCount: bytes.count) }
                }
                pointers.append(UnsafePointer(place.assumingMemoryBound(to: CChar.self)))
                offset += value.count
            }
            return body(pointers, lengths, formats)
        }
    }
}
