import MediaCore
import Testing

@testable import Packager

@Suite("The endings of names that make variants")
struct LadderEndingsTests {
    @Test(
        "the longest ending that fits tells the live and the place",
        arguments: [
            ("main_1080", "main", 0), ("main_720", "main", 1), ("main_720.low", "main", 2), ("main", "main", 3),
            ("main_1080_720", "main_1080", 1), ("_1080", "_1080", 3), ("main1080", "main1080", 3),
        ]
    )
    func membership(name: String, live: String, place: Int) throws {
        let endings = try #require(LadderEndings("_1080, _720,_720.low"))
        let membership = endings.membership(of: try #require(StreamID(name)))
        #expect(membership.live.name == live && membership.place == place)
    }

    @Test(
        "endings that could be taken for a part of a name, for none, or for another are refused",
        arguments: [
            "", ",", "_1080,", "1080", "_", "_1080,_1080", "_10 80", "_ä", "_\(String(repeating: "a", count: 63))",
            "_1,_2,_3,_4,_5,_6,_7,_8,_9,_10",
        ]
    )
    func refused(list: String) { #expect(LadderEndings(list) == nil) }

    @Test("no two tracks of a live have one number, whatever the members send", arguments: [true, false])
    func numbers(isLedByOwnName: Bool) {
        let numbering = GroupNumbering(endingCount: 3, isLedByOwnName: isLedByOwnName)
        var numbers: Set<TrackID> = []
        var refused = 0
        for place in 0...3 {
            for index in UInt8.min...UInt8.max {
                guard let number = numbering.number(of: TrackID(.video, index: index), from: place) else {
                    refused += 1
                    continue
                }
                #expect(numbers.insert(number).inserted)
            }
        }
        #expect(numbers.count == 256 && refused == 3 * 256)
        let first = numbering.number(of: TrackID(.video), from: isLedByOwnName ? 3 : 0)
        #expect(first == TrackID(.video))
    }
}
