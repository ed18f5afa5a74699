import MediaCore
import NIOCore
import Testing

@testable import Packager

@Suite("The inbox of a member of a group")
struct GroupInboxTests {
    private func units(_ delivery: GroupInbox.Delivery) -> [AccessUnit] {
        delivery.items.compactMap { item in
            guard case .unit(let unit) = item else { return nil }
            return unit
        }
    }

    @Test("everything comes out once and in order, and the loop is told once for all that has gathered")
    func order() throws {
        let inbox = GroupInbox()
        let pictures = Media.pictures(count: 20, group: 20)
        #expect(inbox.append(.configure(try Media.avc())))
        for picture in pictures { #expect(!inbox.append(.unit(picture))) }
        #expect(!inbox.end(.clean))
        let delivery = inbox.take()
        #expect(units(delivery).map(\.decodeTime) == pictures.map(\.decodeTime))
        #expect(delivery.items.count == 21 && delivery.end == .clean && delivery.droppedUnits == 0)
        #expect(inbox.append(.unit(pictures[0])))
        #expect(inbox.take().items.count == 1)
        #expect(inbox.take().items.isEmpty)
    }

    @Test(
        "what is more than a slow loop may leave is dropped, and pictures go on with a keyframe",
        arguments: [20_000, 10]
    )
    func overflow(size: Int) throws {
        let inbox = GroupInbox()
        var taken = 0
        _ = inbox.append(.configure(try Media.avc()))
        for index in 0..<5000 {
            _ = inbox.append(.unit(Media.picture(Int64(index) * 40, sync: index % 50 == 0, size: size)))
        }
        _ = inbox.end(.interrupted)
        let delivery = inbox.take()
        let units = units(delivery)
        taken += units.count
        #expect(units.first?.isSync == true)
        #expect(taken + delivery.droppedUnits == 5000 && delivery.droppedUnits > 0)
        #expect(units.reduce(0) { $0 + $1.payload.readableBytes } <= GroupInbox.maximumBytes)
        #expect(delivery.items.count <= GroupInbox.maximumItems)
        guard case .configure(let track)? = delivery.items.first else {
            Issue.record("the configuration is lost")
            return
        }
        #expect(track == (try Media.avc()) && delivery.end == .interrupted)
    }
}
