import MediaCore
import Recordings
import Testing

@testable import Transcode

@Suite("The plan of a storyboard")
struct StoryboardPlanTests {
    /// Segments one behind the other.
    private func locations(_ count: Int, seconds: Double) -> [SegmentLocation] {
        (0..<count).map { number in
            SegmentLocation(
                file: 1,
                initialization: 0,
                offset: 0,
                length: 1,
                keyframeLength: 1,
                duration: .seconds(seconds),
                start: .seconds(Double(number) * seconds),
                isDiscontinuous: false,
                isIndependent: true
            )
        }
    }

    @Test(
        "pictures are as close as a few megabytes allow",
        arguments: [
            (30, 2.0, 15), (30, 6.0, 30), (600, 2.0, 600), (601, 2.0, 201), (10_800, 4.0, 540), (43_200, 1.0, 360),
        ]
    )
    func distance(_ count: Int, _ seconds: Double, _ tiles: Int) {
        let plan = StoryboardPlan(locations(count, seconds: seconds))
        #expect(plan.segments.count <= StoryboardPlan.maximumTiles)
        #expect(plan.span.upperBound == .seconds(Double(count) * seconds))
        for (first, second) in zip(plan.segments, plan.segments.dropFirst()) {
            #expect(second.start - first.start >= plan.interval)
        }
        #expect(plan.segments.count >= tiles / 2)
    }

    @Test("segments that are lost, or begin in the middle of a group of pictures, give none")
    func unusable() {
        var locations = locations(6, seconds: 2)
        locations[0].isIndependent = false
        locations[2].file = 0
        #expect(StoryboardPlan(locations).segments.map(\.start) == [2, 6, 8, 10].map(MediaTime.seconds))
        #expect(StoryboardPlan([]).segments.isEmpty)
        #expect(StoryboardPlan.posterCandidates([]).isEmpty)
        #expect(StoryboardPlan.posterCandidates(self.locations(1, seconds: 2)).count == 1)
    }

    @Test("posters are looked for some time into a recording")
    func poster() {
        let candidates = StoryboardPlan.posterCandidates(locations(100, seconds: 2))
        #expect(candidates.map(\.start) == [20, 30, 40, 50, 60].map(MediaTime.seconds))
    }

    @Test("a sprite has a hundred pictures")
    func sprites() {
        var text = StoryboardText(tile: PictureSize(width: 160, height: 90))
        for number in 0..<101 { text.append(at: .seconds(Double(number) * 10)) }
        let lines = text.text(until: .seconds(1010)).split(separator: "\n")
        #expect(lines[100 * 2].hasSuffix("storyboard-1.jpg#xywh=1440,810,160,90"))
        #expect(lines[101 * 2 - 1] == "00:16:40.000 --> 00:16:50.000")
        #expect(lines[101 * 2] == "storyboard-2.jpg#xywh=0,0,160,90")
        #expect(StoryboardText.timestamp(.seconds(43_199.9996)) == "11:59:59.999")
        #expect(text.spriteCount == 2)
    }

    @Test(
        "a picture keeps its shape",
        arguments: [
            (1920, 1080, 1.0, 160, 90), (1080, 1920, 1.0, 90, 160), (720, 576, 64.0 / 45.0, 160, 90),
            (100, 50, 1.0, 100, 50), (33, 21, 1.0, 34, 22), (8192, 16, 1.0, 160, 2), (640, 480, 0.0, 160, 120),
        ]
    )
    func size(_ width: Int, _ height: Int, _ ratio: Double, _ shownWidth: Int, _ shownHeight: Int) {
        let size = PictureSize.fitting(
            PictureSize(width: width, height: height),
            pixelAspectRatio: ratio,
            in: PictureSize(width: 160, height: 160)
        )
        #expect(size == PictureSize(width: shownWidth, height: shownHeight))
    }
}
