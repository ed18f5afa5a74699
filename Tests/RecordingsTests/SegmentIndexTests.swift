import LiveStore
import MediaCore
import NIOCore
import Testing

@testable import Recordings

@Suite("Segment index")
struct SegmentIndexTests {
    @Test("a record of every field is read as it was written, and half of one is none")
    func roundTrip() throws {
        let location = SegmentLocation(
            file: 3,
            initialization: 7,
            offset: 1 << 33,
            length: .max,
            keyframeLength: 12,
            duration: MediaTime(nanoseconds: 2_002_000_001),
            start: MediaTime(nanoseconds: 1 << 50),
            isDiscontinuous: true,
            isIndependent: false
        )
        var buffer = ByteBuffer()
        SegmentIndex.write(location, to: &buffer)
        #expect(buffer.readableBytes == SegmentIndex.recordSize)
        buffer.writeBytes(buffer.getBytes(at: 0, length: 47) ?? [])
        #expect(SegmentIndex.read(from: &buffer) == location)
        #expect(SegmentIndex.read(from: &buffer) == nil)
    }

    @Test("a record whose times cannot be is none")
    func impossible() {
        for (start, duration) in [(-1, 1), (1, -1), (.max, 1), (1, .max)] as [(Int64, Int64)] {
            var buffer = ByteBuffer(repeating: 0, count: 24)
            buffer.writeMultipleIntegers(duration, start, UInt64(0))
            #expect(SegmentIndex.read(from: &buffer) == nil)
        }
    }

    @Test(
        "identifiers have one alphabet and one length",
        arguments: ["", "a", "abcdefghijkmnpqrstu1", "../../../../../../etc"]
    )
    func identifiers(text: String) {
        #expect(RecordingID(text) == nil)
        let id = RecordingID { Array(repeating: 255, count: $0) }
        #expect(RecordingID(id.text) == id)
    }
}
