/// A step that a database has, as its table says.
struct AppliedMigration: Hashable, Sendable {
    let module: String
    let number: Int
    let name: String
    let checksum: String

    var label: String { Migration.label(module, number, name) }
}

/// Where the way down ends.
public enum MigrationTarget: Sendable, Hashable {
    /// No step is left.
    case empty
    /// This many of the applied steps are undone, the last ones first.
    case steps(Int)
    /// Of one module, the steps with higher numbers are undone.
    case version(module: String, number: Int)
}

/// A step and whether the database has it.
public struct MigrationStatus: Sendable, Hashable {
    /// What is known of it.
    public enum State: String, Sendable {
        /// Applied as it is here.
        case applied
        /// Not applied.
        case pending
        /// Applied from other files.
        case changed
        /// Applied, and not known here.
        case unknown
    }

    /// Its name, such as `kernel/0003_outbox`.
    public let label: String
    /// What is known of it.
    public let state: State
}

/// What has to be done to a schema; decided without one.
struct MigrationPlan {
    /// All steps, in the order in which they are applied.
    let known: [Migration]
    let applied: [AppliedMigration]

    private struct Key: Hashable {
        let module: String
        let number: Int
    }

    var status: [MigrationStatus] {
        let states = known.map { MigrationStatus(label: $0.label, state: state(of: $0)) }
        return states + unknown.map { MigrationStatus(label: $0.label, state: .unknown) }
    }

    /// The steps that are to be applied.
    ///
    /// - Throws: ``MigrationError/newerSchema(_:)`` or ``MigrationError/changed(_:)``.
    func up() throws(MigrationError) -> [Migration] {
        try check()
        return known.filter { state(of: $0) == .pending }
    }

    /// The steps that are to be undone, in this order.
    func down(to target: MigrationTarget) throws(MigrationError) -> [Migration] {
        try check()
        let present = known.filter { state(of: $0) == .applied }.reversed()
        switch target {
        case .empty: return Array(present)
        case .steps(let count): return Array(present.prefix(max(0, count)))
        case .version(let module, let number):
            guard number == 0 || known.contains(where: { $0.module == module && $0.number == number }) else {
                throw .unknown(module: module, number: number)
            }
            return present.filter { $0.module == module && $0.number > number }
        }
    }

    /// - Throws: ``MigrationError`` unless the database has exactly the known steps.
    func verify() throws(MigrationError) {
        try check()
        let pending = known.filter { state(of: $0) == .pending }
        guard pending.isEmpty else { throw .pending(pending.map(\.label)) }
    }

    /// - Throws: ``MigrationError`` when this program must not touch the schema.
    private func check() throws(MigrationError) {
        guard unknown.isEmpty else { throw .newerSchema(unknown.map(\.label)) }
        let changed = known.filter { state(of: $0) == .changed }
        guard changed.isEmpty else { throw .changed(changed.map(\.label)) }
    }

    private var unknown: [AppliedMigration] {
        let keys = Set(known.map { Key(module: $0.module, number: $0.number) })
        return applied.filter { !keys.contains(Key(module: $0.module, number: $0.number)) }
    }

    private func state(of migration: Migration) -> MigrationStatus.State {
        guard let found = applied.first(where: { $0.module == migration.module && $0.number == migration.number })
        else {
            return .pending
        }
        return found.checksum == migration.checksum ? .applied : .changed
    }
}
