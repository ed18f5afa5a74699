import LiveStore
import Testing

@Suite("Resource names")
struct ResourceNameTests {
    private static let renditions: [Rendition.ID?] = [
        nil, Rendition.ID(.muxed, index: 1), Rendition.ID(.video), Rendition.ID(.audio, index: 255),
    ]

    @Test("a name can be read again, whatever it names", arguments: renditions)
    func roundTrip(rendition: Rendition.ID?) {
        for item in [ResourceName.Item.initialization(0), .segment(12), .part(12, index: 0), .part(987_654, index: 31)]
        {
            let name = ResourceName(item, of: rendition)
            #expect(ResourceName(name.text(tag: "x-Y_z"), tag: "x-Y_z") == name)
        }
    }

    @Test(
        "only the one spelling is a name",
        arguments: [
            "", "t", "t-", "t-1", "t-01.m4s", "t-1.mp4", "t-init-1.m4s", "t--1.m4s", "t-+1.m4s", "t-1.01.m4s",
            "t-1.2.3.m4s",
            "t-1..m4s", "t-v-1.m4s", "t-v256-1.m4s", "t-v01-1.m4s", "t-x1-1.m4s", "t-init-1.2.mp4", "t-1.m4s.m4s",
            "u-1.m4s",
            "t-v1-init-1-2.mp4", "t-99999999999999999999.m4s", "t-1.m4s\0", " t-1.m4s", "t-１.m4s", "tt-1.m4s",
        ]
    )
    func otherSpellings(text: String) {
        #expect(ResourceName(text, tag: "t") == nil)
    }
}
