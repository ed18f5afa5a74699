internal import Synchronization

/// Counts the statements that a task sends, so that tests and logs see when a page asks once for each of its rows.
///
/// ```swift
/// let counter = StatementCounter()
/// try await StatementCounter.$current.withValue(counter) { ... }
/// ```
public final class StatementCounter: Sendable {
    /// How many texts are remembered.
    public static let rememberedTexts = 200

    /// The counter of the task, if it has one.
    @TaskLocal public static var current: StatementCounter?

    private let state = Mutex((count: 0, texts: [String]()))

    /// A counter that has seen nothing.
    public init() {}

    /// How many statements there were.
    ///
    /// BEGIN and COMMIT are not among them.
    public var count: Int { state.withLock { $0.count } }

    /// The texts of the first of them, without parameters.
    public var texts: [String] { state.withLock { $0.texts } }

    func record(_ text: String) {
        state.withLock { state in
            state.count += 1
            if state.texts.count < Self.rememberedTexts { state.texts.append(text) }
        }
    }
}
