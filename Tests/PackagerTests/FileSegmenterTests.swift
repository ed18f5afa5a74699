import MediaCore
import NIOCore
import Testing

@testable import Packager

/// How files are cut, each test named after the invariant of `FileSegmenter` that it holds.
@Suite("Segments of files")
struct FileSegmenterTests {
    private func segments(
        _ tracks: [Track],
        _ units: [AccessUnit],
        nominal: MediaTime = .milliseconds(2000)
    ) -> (sets: [PartSet], segmenter: FileSegmenter) {
        var segmenter = FileSegmenter(nominal: nominal, position: .milliseconds(10_000))
        for track in tracks { segmenter.configure(track) }
        var sets: [PartSet] = []
        for unit in units { sets += segmenter.receive(unit) }
        return (sets + segmenter.finish(), segmenter)
    }

    private func durations(_ sets: [PartSet]) -> [Double] {
        sets.map { ($0.primary.duration.seconds * 1000).rounded() / 1000 }
    }

    @Test("1: segments follow each other from time 0 on, and the last one ends when the last picture or sound does")
    func timeline() throws {
        let units = Media.interleaved(
            Media.pictures(count: 150, group: 60),
            Media.sounds(from: -21, count: 240)
        )
        let (sets, _) = segments([try Media.avc(), try Media.aac()], units)
        #expect(durations(sets) == [2, 2, 1.099])
        #expect(sets[0].primary.start == .milliseconds(10_000))
        for (left, right) in zip(sets, sets.dropFirst()) {
            #expect(left.primary.start + left.primary.duration == right.primary.start)
        }
        // Nothing is lost or doubled.
        let counts = sets.map { $0.primary.runs.map(\.samples.count) }
        #expect(counts.reduce(0) { $0 + $1[0] } == 150 && counts.reduce(0) { $0 + $1[1] } == 240)
    }

    @Test("1: a gap of minutes stays one, in one segment")
    func gap() throws {
        let units = Media.pictures(count: 60, group: 60) + Media.pictures(from: 300_000, count: 60, group: 60)
        let (sets, _) = segments([try Media.avc()], units)
        #expect(durations(sets) == [300, 2.001])
        #expect(sets.allSatisfy { $0.primary.parent.isIndependent })
        let last = try #require(sets[0].primary.runs[0].samples.last)
        #expect(last.duration == Int64(298_033 * 90))
    }

    @Test("1: what a source says of the last picture's length holds")
    func lastPicture() throws {
        var units = Media.pictures(count: 30, group: 60)
        let last = units.removeLast()
        units.append(
            AccessUnit(
                trackID: last.trackID,
                decodeTime: last.decodeTime,
                isSync: false,
                payload: last.payload,
                duration: .milliseconds(5033)
            )
        )
        #expect(durations(segments([try Media.avc()], units).sets) == [6])
    }

    @Test("2: a segment waits for its keyframe, but not for ever")
    func longGroups() throws {
        let (sets, segmenter) = segments([try Media.avc()], Media.pictures(count: 2100, rate: 30, group: 450))
        #expect(durations(sets) == [15, 15, 15, 15, 10.001])
        #expect(segmenter.targetDuration == 15)
        let (forced, _) = segments([try Media.avc()], Media.pictures(count: 2100, rate: 30, group: 10_000))
        #expect(forced.count == 2 && forced[0].primary.isForcedCut && !forced[1].primary.parent.isIndependent)
        #expect(abs(durations(forced).reduce(0, +) - 70) < 0.05)
    }

    @Test("2: a segment too large for memory is cut, and nothing is dropped")
    func largePictures() throws {
        let units = (0..<200).map { Media.picture(Int64($0) * 40, sync: $0 == 0, size: 1 << 20) }
        let (sets, segmenter) = segments([try Media.avc()], units)
        #expect(sets.count > 2)
        #expect(sets.reduce(0) { $0 + $1.primary.runs[0].samples.count } == 200)
        #expect(segmenter.droppedAccessUnits == 0)
        let sizes = sets.map { $0.primary.runs[0].payloadSize }
        #expect(sizes.allSatisfy { $0 <= FileSegmenter.maximumSegmentBytes + 2 << 20 })
    }

    @Test("3: sound that is muxed seconds behind the pictures goes into the segment in which it is heard")
    func interleaving() throws {
        let pictures = Media.pictures(count: 300, group: 60)
        let sounds = Media.sounds(count: 468)
        var units: [AccessUnit] = []
        for second in 0..<16 {
            let range = { (time: MediaTime, from: Int) in
                time.seconds >= Double(from) && time.seconds < Double(from + 1)
            }
            units += pictures.filter { range($0.decodeTime, second) }
            units += sounds.filter { range($0.decodeTime, second - 6) }
        }
        let (sets, _) = segments([try Media.avc(), try Media.aac()], units)
        #expect(durations(sets).dropLast() == [2, 2, 2, 2])
        for set in sets {
            let first = try #require(set.primary.run(.audio)?.samples.first)
            #expect(
                abs(MediaTime(ticks: first.decodeTime, timescale: 48_000).seconds - set.primary.start.seconds) < 0.03
            )
        }
    }

    @Test("4: sound that is missing for a while is silence, also at the beginning")
    func silence() throws {
        let units = Media.interleaved(
            Media.pictures(count: 240, group: 60),
            Media.sounds(from: 1000, count: 47) + Media.sounds(from: 5000, count: 140)
        )
        let (sets, segmenter) = segments([try Media.avc(), try Media.aac()], units)
        let sounds = sets.flatMap { $0.primary.run(.audio)?.samples ?? [] }
        #expect(abs(segmenter.silentFrames - (47 + 140)) <= 2)
        #expect(zip(sounds, sounds.dropFirst()).allSatisfy { $1.decodeTime - $0.decodeTime <= 2048 })
        #expect(sets.count == 4)
    }

    @Test("4: a changed configuration starts an epoch with all that came before it handed out")
    func epochs() throws {
        var segmenter = FileSegmenter(nominal: .milliseconds(2000), position: .zero)
        segmenter.configure(try Media.avc())
        var sets = Media.pictures(count: 45, group: 60).flatMap { segmenter.receive($0) }
        segmenter.configure(try Media.avc(Media.avcC240))
        sets += Media.pictures(from: 1500, count: 45, group: 60).flatMap { segmenter.receive($0) }
        sets += segmenter.finish()
        #expect(durations(sets) == [1.5, 1.501])
        #expect(sets.map(\.startsEpoch) == [true, true])
        #expect(sets.map { $0.primary.runs[0].samples.count } == [45, 45])
        #expect(sets[1].primary.runs[0].track == (try Media.avc(Media.avcC240)))
    }

    @Test("5: sound without pictures is bounded too")
    func soundAlone() throws {
        let (sets, segmenter) = segments([try Media.aac()], Media.sounds(count: 470))
        #expect(sets.count == 5)
        #expect(abs(durations(sets).reduce(0, +) - 10.027) < 0.001)
        #expect(segmenter.targetDuration == 2)
        // Pictures that were announced and do not come keep nothing.
        let (late, _) = segments([try Media.avc(), try Media.aac()], Media.sounds(count: 10_000))
        #expect(late.count >= 3 && abs(durations(late).reduce(0, +) - 213.333) < 0.01)
    }
}
