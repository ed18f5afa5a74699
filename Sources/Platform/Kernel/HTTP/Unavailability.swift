internal import Postgres

/// Tells a database that is down, slow or full from a fault of ours.
struct Unavailability {
    /// What is the matter, for operators.
    let reason: String

    init?(_ error: any Error) {
        switch error {
        case is CancellationError: reason = "cancelled"
        case let error as DatabaseError where error.isUnavailable || Self.isTemporary(error):
            // Of what the server said, the code only: its message may quote values.
            reason = error.sqlState.map { "SQLSTATE \($0)" } ?? error.description
        default: return nil
        }
    }

    /// What was given up because it took too long, or met too many others.
    private static func isTemporary(_ error: DatabaseError) -> Bool {
        if case .cancelled = error { return true }
        let states: [SQLState?] = [.queryCanceled, .lockNotAvailable, .serializationFailure, .deadlockDetected]
        return error.sqlState != nil && states.contains(error.sqlState)
    }

    /// What may be written down of an error.
    static func harmlessText(of error: any Error) -> String {
        if let error = error as? DatabaseError {
            guard let found = error.serverError else { return error.description }
            return "SQLSTATE \(found.sqlState), table \(found.table ?? "-"), constraint \(found.constraint ?? "-")"
        }
        guard let error = error as? DecodingError else { return "" }
        switch error {
        case .keyNotFound(let key, _): return "key not found: \(key.stringValue)"
        case .typeMismatch(let type, let context): return "not \(type): \(path(context))"
        case .valueNotFound(let type, let context): return "no \(type): \(path(context))"
        case .dataCorrupted(let context): return "not decodable: \(path(context))"
        @unknown default: return ""
        }
    }

    private static func path(_ context: DecodingError.Context) -> String {
        context.codingPath.map(\.stringValue).joined(separator: ".")
    }
}
