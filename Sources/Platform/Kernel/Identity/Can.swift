internal import Hummingbird
internal import Logging

/// The outcome of ``can(_:_:_:)``.
public enum Decision: Sendable, Hashable {
    /// It may be done.
    case allow
    /// It may not, but who asks may know of the object: 403.
    case deny
    /// Who asks may not even know of the object: 404, as if there were none.
    case hide
}

/// Something that not everybody may do everything with.
///
/// The rules stand with the type, as a table.
///
/// ```swift
/// extension Course: ProtectedObject {
///     enum Action { case view, edit, delete }
///     static let kind = "course"
///     static let viewing = Action.view
///     static let rules: [AccessRule<Course>] = [
///         .allow([.view], to: .everyone, when: { _, course in course.isPublished }),
///         .allow([.view, .edit], to: .role(.instructor)),   // of this course, or of all
///         .allow([.view, .edit, .delete], to: .owner),
///         .allow([.view, .delete], to: .role(.admin)),
///     ]
/// }
/// ```
public protocol ProtectedObject: Sendable {
    /// What can be done with it.
    associatedtype Action: Hashable, Sendable
    /// What such objects are called in the rows of roles.
    static var kind: String { get }
    /// The action that means knowing of the object at all.
    static var viewing: Action { get }
    /// Who may do what; what no rule allows is forbidden.
    static var rules: [AccessRule<Self>] { get }
    /// Its `id` in the database.
    var objectID: Int64 { get }
    /// The `id` of the account it belongs to.
    var ownerID: Int64? { get }
}

/// Lets some do something.
public struct AccessRule<Object: ProtectedObject>: Sendable {
    /// Whom a rule is for.
    public enum Who: Sendable, Hashable {
        /// Everybody, visitors too.
        case everyone
        /// Everybody with an account.
        case signedIn
        /// Whose it is.
        case owner
        /// Who has this role for this object or for the whole site.
        case role(Role)
    }

    let actions: Set<Object.Action>
    let who: Who
    let condition: @Sendable (Actor, Object) -> Bool

    /// Lets some do something, as long as a condition holds.
    public static func allow(
        _ actions: Set<Object.Action>,
        to who: Who,
        when condition: @escaping @Sendable (Actor, Object) -> Bool = { _, _ in true }
    ) -> AccessRule {
        AccessRule(actions: actions, who: who, condition: condition)
    }

    func allows(_ actor: Actor, _ action: Object.Action, _ object: Object) -> Bool {
        guard actions.contains(action) else { return false }
        let isMeant =
            switch who {
            case .everyone: true
            case .signedIn: !actor.isVisitor
            case .owner: actor.account != nil && actor.account?.id == object.ownerID
            case .role(let role): actor.has(role, forObject: Object.kind, id: object.objectID)
            }
        return isMeant && condition(actor, object)
    }
}

/// Whether somebody may do something with an object: yes if a rule says so, otherwise no.
///
/// - Parameters:
///   - actor: who asks.
///   - action: what is to be done.
///   - object: what with.
/// - Returns: the decision; to who may not view the object it does not exist.
public func can<Object: ProtectedObject>(_ actor: Actor, _ action: Object.Action, _ object: Object) -> Decision {
    func isAllowed(_ action: Object.Action) -> Bool {
        Object.rules.contains { $0.allows(actor, action, object) }
    }
    if isAllowed(action) { return .allow }
    return action != Object.viewing && isAllowed(Object.viewing) ? .deny : .hide
}

extension PlatformContext {
    /// Refuses what who asks may not do, and writes down that it was tried.
    ///
    /// - Throws: ``Problem`` 403 or 404.
    public func require<Object: ProtectedObject>(_ action: Object.Action, _ object: Object) throws {
        let decision = can(actor, action, object)
        guard decision != .allow else { return }
        logger.info(
            "access denied",
            metadata: [
                "account.id": "\(actor.account?.publicID ?? "-")", "object.kind": "\(Object.kind)",
                "object.id": "\(object.objectID)", "action": "\(action)",
            ]
        )
        throw decision == .deny ? Problem.forbidden : Problem.notFound
    }
}
