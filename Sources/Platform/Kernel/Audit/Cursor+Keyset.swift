internal import Postgres

extension Cursor? {
    /// The condition and the order of a list that is sorted by `id`, the newest first, after other conditions.
    var keyset: SQL {
        guard let self else { return " ORDER BY id DESC" }
        return switch self.direction {
        case .next: " AND id < \(self.id) ORDER BY id DESC"
        case .previous: " AND id > \(self.id) ORDER BY id"
        }
    }
}
