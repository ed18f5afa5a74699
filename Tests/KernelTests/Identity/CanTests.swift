import Testing

@testable import Kernel

@Suite("What one may do with an object")
struct CanTests {
    struct Course: ProtectedObject {
        enum Action: CaseIterable { case view, edit, delete, grade }
        static let kind = "course"
        static let viewing = Action.view
        static let rules: [AccessRule<Course>] = [
            .allow([.view], to: .everyone, when: { _, course in course.isPublished }),
            .allow([.view, .edit], to: .role(.instructor)),
            .allow([.view, .edit, .delete], to: .owner),
            .allow([.view, .delete], to: .role(.admin)),
        ]
        var objectID: Int64 = 7
        var ownerID: Int64? = 1
        var isPublished: Bool
    }

    enum Who: CaseIterable {
        case visitor, member, owner, instructorHere, instructorElsewhere, instructor, admin

        var actor: Actor {
            func actor(_ id: Int64, _ grants: Set<RoleGrant> = []) -> Actor {
                Actor(account: AccountReference(id: id, publicID: "acc_\(id)", handle: "h\(id)"), grants: grants)
            }
            return switch self {
            case .visitor: .visitor
            case .member: actor(2)
            case .owner: actor(1)
            case .instructorHere: actor(2, [RoleGrant(.instructor, scope: .object(kind: "course", id: 7))])
            case .instructorElsewhere:
                actor(
                    2,
                    [
                        RoleGrant(.instructor, scope: .object(kind: "course", id: 8)),
                        RoleGrant(.admin, scope: .object(kind: "post", id: 7)),
                    ]
                )
            case .instructor: actor(2, [RoleGrant(.instructor)])
            case .admin: actor(2, [RoleGrant(.admin)])
            }
        }
    }

    /// Decisions in the order view, edit, delete, grade: a allow, d deny, h hide.
    static let table: [(Who, String, String)] = [
        (.visitor, "addd", "hhhh"), (.member, "addd", "hhhh"), (.owner, "aaad", "aaad"),
        (.instructorHere, "aadd", "aadd"),
        (.instructorElsewhere, "addd", "hhhh"), (.instructor, "aadd", "aadd"), (.admin, "adad", "adad"),
    ]

    @Test("who may do what with a published and with a hidden course", arguments: table)
    func decisions(who: Who, published: String, hidden: String) {
        for (isPublished, expected) in [(true, published), (false, hidden)] {
            let decisions = Course.Action.allCases.map { action in
                switch can(who.actor, action, Course(isPublished: isPublished)) {
                case .allow: "a"
                case .deny: "d"
                case .hide: "h"
                }
            }
            #expect(decisions.joined() == expected, "\(who)")
        }
    }

    @Test("what belongs to nobody has no owner")
    func unowned() {
        #expect(can(.visitor, .edit, Course(ownerID: nil, isPublished: true)) == .deny)
    }
}
