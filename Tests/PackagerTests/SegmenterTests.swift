import MediaCore
import NIOCore
import TestSupport
import Testing

@testable import Packager

@Suite("The segmenter")
struct SegmenterTests {
    /// Feeds units and collects what is cut, checking the invariants that hold for every input.
    private func cut(
        _ units: [AccessUnit],
        with segmenter: inout Segmenter,
        finishing: Bool = true,
        sourceLocation: SourceLocation = #_sourceLocation
    ) -> [PartDraft] {
        var drafts: [PartDraft] = []
        for unit in units {
            drafts += segmenter.receive(unit)
        }
        if finishing { drafts += segmenter.finish() }
        expectInvariants(drafts, targetDuration: segmenter.policy.targetDuration, sourceLocation)
        return drafts
    }

    private func expectInvariants(_ drafts: [PartDraft], targetDuration: Int?, _ location: SourceLocation) {
        var lastDecodeTimes: [TrackID: MediaTime] = [:]
        for (index, draft) in drafts.enumerated() {
            #expect(draft.duration > .zero, sourceLocation: location)
            if let targetDuration {
                // RFC 8216 §4.3.3.1: EXTINF rounds to at most the target duration.
                #expect(draft.duration.seconds < Double(targetDuration) + 0.5, sourceLocation: location)
            }
            if index > 0 {
                let last = drafts[index - 1]
                #expect(draft.start >= last.start + last.duration, sourceLocation: location)
                if !draft.startsEpoch {
                    #expect(draft.start == last.start + last.duration, sourceLocation: location)
                }
            }
            for run in draft.runs {
                #expect(!run.samples.isEmpty, sourceLocation: location)
                for sample in run.samples {
                    let time = MediaTime(ticks: sample.decodeTime, timescale: run.timescale)
                    if let last = lastDecodeTimes[run.track.id] { #expect(time > last, sourceLocation: location) }
                    lastDecodeTimes[run.track.id] = time
                    #expect(sample.duration > 0, sourceLocation: location)
                }
            }
        }
    }

    private func segmenter(nominal: Int64 = 2000, _ tracks: Track...) -> Segmenter {
        var segmenter = Segmenter(nominal: .milliseconds(nominal), position: .milliseconds(10_000))
        for track in tracks { segmenter.configure(track) }
        return segmenter
    }

    @Test("segments end at the IDR picture two seconds after the last one")
    func cutsAtKeyframes() throws {
        var segmenter = segmenter(try Media.avc(), try Media.aac())
        let units = Media.interleaved(Media.pictures(count: 300, group: 60), Media.sounds(count: 468))
        let drafts = cut(units, with: &segmenter)
        #expect(drafts.count == 5)
        #expect(drafts.prefix(4).allSatisfy { $0.duration == .milliseconds(2000) })
        #expect(drafts.allSatisfy { $0.parent.isIndependent })
        #expect(drafts.map(\.startsEpoch) == [true, false, false, false, false])
        #expect(drafts.allSatisfy { $0.runs.map(\.track.id) == [Media.video, Media.audio] })
        #expect(segmenter.policy.targetDuration == 2)
    }

    @Test("short groups of pictures are gathered up to the nominal duration", arguments: [15, 30, 60])
    func gathersGroups(group: Int) throws {
        var segmenter = segmenter(try Media.avc())
        let drafts = cut(Media.pictures(count: 360, group: group), with: &segmenter)
        #expect(drafts.count == 6)
        #expect(drafts.dropLast().allSatisfy { $0.duration == .milliseconds(2000) })
    }

    @Test("a frame rate that is not a whole number of milliseconds still gives segments of one group each")
    func acceptsUnevenFrameRates() throws {
        var segmenter = segmenter(try Media.avc())
        let drafts = cut(Media.pictures(count: 600, rate: 30_000 / 1001, group: 60), with: &segmenter)
        #expect(drafts.count == 10)
        #expect(drafts.dropLast().allSatisfy { abs($0.duration.seconds - 2.002) < 0.0011 })
    }

    @Test("keyframes at scene changes end segments before waiting would make them too long")
    func foreseesLongGroups() throws {
        var segmenter = segmenter(try Media.avc())
        // Groups of 2 s, each reset by a scene change 1.4 s in: waiting from 1.4 s would end at 3.4 s.
        var units: [AccessUnit] = []
        for scene in 0..<6 {
            units += Media.pictures(from: Int64(scene) * 3400, count: 60, group: 60)
            units += Media.pictures(from: Int64(scene) * 3400 + 2000, count: 42, group: 42)
        }
        let drafts = cut(units, with: &segmenter)
        #expect(segmenter.policy.targetDuration == 2)
        #expect(drafts.allSatisfy { !$0.isForcedCut && $0.parent.isIndependent })
    }

    @Test("the target duration is learnt from a first group longer than the nominal duration (OBS's 250 pictures)")
    func learnsLongGroup() throws {
        var segmenter = segmenter(try Media.avc(), try Media.aac())
        let units = Media.interleaved(Media.pictures(count: 1000, group: 250), Media.sounds(count: 1562))
        let drafts = cut(units, with: &segmenter)
        #expect(segmenter.policy.targetDuration == 8)
        #expect(drafts.count == 4)
        #expect(drafts.allSatisfy { abs($0.duration.seconds - 8.333) < 0.04 && $0.parent.isIndependent })
    }

    @Test("a group longer than the fixed target duration is cut before it breaks the playlist's promise")
    func forcesCut() throws {
        var segmenter = segmenter(try Media.avc(), try Media.aac())
        let pictures =
            Media.pictures(count: 60, group: 60) + Media.pictures(from: 2000, count: 300, group: 300)
            + Media.pictures(from: 12_000, count: 60, group: 60)
        let drafts = cut(Media.interleaved(pictures, Media.sounds(count: 656)), with: &segmenter)
        #expect(segmenter.policy.targetDuration == 2)
        #expect(drafts.contains { $0.isForcedCut })
        #expect(drafts.contains { !$0.parent.isIndependent })
        let pictureCount = drafts.reduce(0) { count, draft in
            count + draft.runs.filter { $0.track.id == Media.video }.reduce(0) { $0 + $1.samples.count }
        }
        #expect(pictureCount == 420)
    }

    @Test("a stream that has no keyframe for long begins to be cut after ten seconds")
    func boundsFirstSegment() throws {
        var segmenter = segmenter(try Media.avc())
        let drafts = cut(Media.pictures(count: 900, group: 900), with: &segmenter)
        #expect(segmenter.policy.targetDuration == 10)
        #expect(drafts.count == 3)
    }

    @Test("pictures before the first keyframe are not shown, and sound waits for it")
    func waitsForKeyframe() throws {
        var segmenter = segmenter(try Media.avc(), try Media.aac())
        let pictures =
            Media.pictures(count: 45, group: 100, firstIsSync: false)
            + Media.pictures(from: 1500, count: 120, group: 60)
        let drafts = cut(Media.interleaved(pictures, Media.sounds(count: 257)), with: &segmenter)
        let first = try #require(drafts.first)
        #expect(first.parent.isIndependent)
        #expect(first.runs[0].samples.count == 60)
        let firstSound = MediaTime(ticks: first.runs[1].samples[0].decodeTime, timescale: 48_000)
        #expect(firstSound >= first.start)
        #expect(firstSound - first.start < .milliseconds(22))
    }

    @Test("sound alone is cut by its own clock and lists no picture")
    func audioOnly() throws {
        var segmenter = segmenter(try Media.aac())
        let drafts = cut(Media.sounds(count: 470), with: &segmenter)
        #expect(drafts.count == 5)
        #expect(drafts.allSatisfy { $0.runs.map(\.track.id) == [Media.audio] && $0.parent.isIndependent })
        #expect(drafts.dropLast().allSatisfy { abs($0.duration.seconds - 2) < 0.022 })
        #expect(segmenter.policy.targetDuration == 2)
    }

    @Test("an announced video track that sends nothing does not hold the sound back for ever")
    func ghostVideo() throws {
        var segmenter = segmenter(try Media.avc(), try Media.aac())
        let drafts = cut(Media.sounds(count: 700), with: &segmenter)
        #expect(!drafts.isEmpty)
        #expect(drafts.allSatisfy { $0.runs.map(\.track.id) == [Media.audio] })
    }

    @Test("an announced audio track that sends nothing is not listed")
    func ghostAudio() throws {
        var segmenter = segmenter(try Media.avc(), try Media.aac())
        let drafts = cut(Media.pictures(count: 180, group: 60), with: &segmenter)
        #expect(drafts.count == 3)
        #expect(drafts.allSatisfy { $0.runs.map(\.track.id) == [Media.video] })
    }

    @Test("pictures that begin a moment after the sound begin the stream together with it")
    func picturesALittleLate() throws {
        var segmenter = segmenter(try Media.aac())
        var drafts = cut(Media.sounds(count: 10), with: &segmenter, finishing: false)
        segmenter.configure(try Media.avc())
        let units = Media.interleaved(
            Media.pictures(from: 220, count: 120, group: 60),
            Media.sounds(from: 213, count: 190)
        )
        drafts += cut(units, with: &segmenter)
        #expect(drafts.count == 2)
        #expect(drafts.allSatisfy { $0.runs.count == 2 })
        #expect(drafts.map(\.startsEpoch) == [true, false])
    }

    @Test("a track that appears later starts an epoch at the next keyframe")
    func lateAudio() throws {
        var segmenter = segmenter(try Media.avc())
        var drafts = cut(Media.pictures(count: 150, group: 60), with: &segmenter, finishing: false)
        segmenter.configure(try Media.aac())
        let units = Media.interleaved(
            Media.pictures(from: 5000, count: 210, group: 30),
            Media.sounds(from: 5000, count: 320)
        )
        drafts += cut(units, with: &segmenter)
        let epochs = drafts.filter(\.startsEpoch)
        #expect(epochs.map { $0.runs.map(\.track.id) } == [[Media.video], [Media.video, Media.audio]])
    }

    @Test(
        "sound that is missing is silence, until it comes back where it belongs",
        arguments: [4500, 12_000] as [Int64]
    )
    func lostAudio(back: Int64) throws {
        var segmenter = segmenter(try Media.avc(), try Media.aac())
        let count = Int(17_950 - back) * 48 / 1024
        let sounds = Media.sounds(count: 190) + Media.sounds(from: back, count: count)
        let drafts = cut(Media.interleaved(Media.pictures(count: 539, group: 60), sounds), with: &segmenter)
        #expect(drafts.map(\.startsEpoch) == [true] + Array(repeating: false, count: drafts.count - 1))
        let samples = drafts.flatMap { $0.runs.last?.track.id == Media.audio ? $0.runs[1].samples : [] }
        // No hole, and nothing at another time than it was sent for.
        for (sample, next) in zip(samples, samples.dropFirst()) {
            #expect(sample.decodeTime + sample.duration == next.decodeTime)
        }
        let returned = try #require(samples.lastIndex { $0.payload.readableBytes != 20 }) + 1
        // Within half a frame: frames last 1024 samples, and silence is made of whole ones.
        #expect(abs(samples[returned].decodeTime - (10_000 + back) * 48) <= 512)
        #expect(segmenter.silentFrames == samples.count - 190 - count)
        #expect(samples.count { $0.payload.readableBytes == 20 } == 190 + count)
    }

    @Test("sound of a layout that is not known leaves with a new epoch when it is missing")
    func lostUnknownAudio() throws {
        // AAC-LC of 48 kHz with channel configuration 0: a program config element has the layout.
        let sound = Track(id: Media.audio, configuration: .aac(try AudioSpecificConfig([0x11, 0x80])))
        var segmenter = segmenter(try Media.avc(), sound)
        let units = Media.interleaved(Media.pictures(count: 359, group: 60), Media.sounds(count: 190))
        let epochs = cut(units, with: &segmenter).filter(\.startsEpoch)
        #expect(epochs.map { $0.runs.map(\.track.id) } == [[Media.video, Media.audio], [Media.video]])
    }

    @Test("pictures that stop while the sound goes on are held, segment by segment, until a keyframe comes")
    func lostVideo() throws {
        var segmenter = segmenter(try Media.avc(), try Media.aac())
        let pictures =
            Media.pictures(count: 130, group: 60)
            // Pictures that refer to lost ones come first.
            + Media.pictures(from: 19_000, count: 30, group: 60, firstIsSync: false)
            + Media.pictures(from: 20_000, count: 119, group: 60)
        let drafts = cut(Media.interleaved(pictures, Media.sounds(count: 1125)), with: &segmenter)
        #expect(drafts.map(\.startsEpoch) == [true] + Array(repeating: false, count: drafts.count - 1))
        #expect(drafts.allSatisfy { $0.runs.count == 2 && $0.parent.isIndependent && !$0.isForcedCut })
        let held = drafts.filter(\.holdsPicture)
        #expect((6...8).contains(held.count))
        #expect(held.allSatisfy { $0.runs[0].samples.first?.payload == pictures[120].payload })
        #expect(held.dropLast().allSatisfy { $0.runs[0].samples.count == 1 })
        // Sound and picture are where the encoder put them.
        let returned = drafts.flatMap { $0.runs[0].samples }.first { $0.payload == pictures[160].payload && $0.isSync }
        #expect(abs((try #require(returned)).decodeTime - (10_000 + 20_000) * 90) <= 90)
        let total = drafts.reduce(0) { $0 + $1.duration.seconds }
        #expect(abs(total - 24) < 0.1)
    }

    @Test("a changed sequence parameter set ends the segment at the next IDR picture and starts an epoch")
    func changedConfiguration() throws {
        var segmenter = segmenter(try Media.avc())
        var drafts = cut(Media.pictures(count: 80, group: 60), with: &segmenter, finishing: false)
        segmenter.configure(try Media.avc(Media.avcC240))
        drafts += cut(Media.pictures(from: 2667, count: 100, group: 60), with: &segmenter)
        #expect(drafts.map(\.startsEpoch) == [true, false, true, false])
        let codecs = drafts.map { $0.runs[0].track.configuration.codecString }
        #expect(codecs == ["avc1.64001f", "avc1.64001f", "avc1.42c00d", "avc1.42c00d"])
    }

    @Test("a repeated, equal configuration changes nothing")
    func repeatedConfiguration() throws {
        var segmenter = segmenter(try Media.avc())
        var drafts: [PartDraft] = []
        for unit in Media.pictures(count: 300, group: 60) {
            segmenter.configure(try Media.avc())
            drafts += segmenter.receive(unit)
        }
        #expect(drafts.map(\.startsEpoch) == [true, false, false, false])
    }

    @Test("a changed sampling frequency starts an epoch counted in the new one")
    func changedSamplingFrequency() throws {
        var segmenter = segmenter(try Media.aac())
        var drafts = cut(Media.sounds(count: 100), with: &segmenter, finishing: false)
        segmenter.configure(try Media.aac(frequencyIndex: 4))
        drafts += cut(Media.sounds(from: 2133, count: 200, rate: 44_100), with: &segmenter)
        let epochs = drafts.filter(\.startsEpoch)
        #expect(epochs.map { $0.runs[0].timescale } == [48_000, 44_100])
    }

    @Test(
        "a clock that jumps starts one epoch at the next keyframe and leaves no hole",
        arguments: [3_600_000, -5000, 4_000_000_000] as [Int64]
    )
    func clockJump(jump: Int64) throws {
        var segmenter = segmenter(try Media.avc(), try Media.aac())
        let before = Media.interleaved(Media.pictures(count: 150, group: 60), Media.sounds(count: 234))
        let start = 5000 + jump
        let after = Media.interleaved(
            Media.pictures(from: start, count: 300, group: 60),
            Media.sounds(from: start, count: 468)
        )
        let drafts = cut(before + after, with: &segmenter)
        #expect(drafts.filter(\.startsEpoch).count == 2)
        let total = drafts.reduce(0) { $0 + $1.duration.seconds }
        #expect(abs(total - 15) < 0.1)
        // Sound and picture are as far apart after the jump as before it.
        let last = try #require(drafts.last)
        let firstPicture = MediaTime(ticks: last.runs[0].samples[0].decodeTime, timescale: last.runs[0].timescale)
        let firstSound = MediaTime(ticks: last.runs[1].samples[0].decodeTime, timescale: last.runs[1].timescale)
        #expect(abs((firstSound - firstPicture).seconds) < 0.05)
    }

    @Test("a clock that jumps to and fro gives no more epochs than keyframes and no absurd duration")
    func alternatingClock() throws {
        var segmenter = segmenter(try Media.avc(), try Media.aac())
        let units = Media.interleaved(Media.pictures(count: 600, group: 60), Media.sounds(count: 937))
        let jumping = units.enumerated().map { index, unit in
            let shift: MediaTime = index / 25 % 2 == 0 ? .zero : .milliseconds(86_400_000)
            return AccessUnit(
                trackID: unit.trackID,
                decodeTime: unit.decodeTime + shift,
                isSync: unit.isSync,
                payload: unit.payload
            )
        }
        let drafts = cut(jumping, with: &segmenter)
        #expect(drafts.filter(\.startsEpoch).count <= 10)
        let total = drafts.reduce(0) { $0 + $1.duration.seconds }
        #expect((15...25).contains(total))
    }

    @Test("tracks on different clocks are brought together")
    func differentClocks() throws {
        var segmenter = segmenter(try Media.avc(), try Media.aac())
        let pictures = Media.pictures(from: 1_000_000, count: 300, group: 60)
        let sounds = Media.sounds(count: 468)
        // In the order of arrival: the encoder's own clocks say nothing about it.
        let units =
            zip(pictures.indices, pictures).map { (Double($0) / 30, $1) }
            + sounds.indices.map {
                (Double($0) * 1024 / 48_000, sounds[$0])
            }
        let drafts = cut(units.sorted { $0.0 < $1.0 }.map(\.1), with: &segmenter)
        #expect(drafts.allSatisfy { $0.runs.count == 2 })
        for draft in drafts {
            let sound = MediaTime(ticks: draft.runs[1].samples[0].decodeTime, timescale: 48_000)
            #expect(abs((sound - draft.start).seconds) < 0.1)
        }
    }

    @Test("AAC frames stamped in whole milliseconds last 1024 samples each, for an hour")
    func countsSamples() throws {
        var segmenter = segmenter(try Media.aac())
        let drafts = cut(Media.sounds(count: 168_750), with: &segmenter)
        let samples = drafts.flatMap { $0.runs[0].samples }
        #expect(samples.count == 168_750)
        #expect(samples.allSatisfy { abs($0.duration - 1024) <= 1 })
        let end = try #require(samples.last).decodeTime + 1024 - 480_000
        #expect(abs(end - 172_800_000) < 1024)
    }

    @Test("lost AAC frames leave a hole as long as they were, not a shift for ever")
    func lostFrames() throws {
        var segmenter = segmenter(try Media.aac())
        var units = Media.sounds(count: 300)
        units.removeSubrange(50..<60)
        let drafts = cut(units, with: &segmenter)
        let samples = drafts.flatMap { $0.runs[0].samples }
        let last = try #require(samples.last)
        #expect(abs(last.decodeTime - 480_000 - 299 * 1024) < 100)
    }

    @Test("composition offsets are kept, negative ones too", arguments: [0, 67, -33] as [Int64])
    func compositionOffsets(offset: Int64) throws {
        var segmenter = segmenter(try Media.avc())
        let units = (0..<60).map { Media.picture(Int64($0) * 33, sync: $0 == 0, offset: offset) }
        let drafts = cut(units, with: &segmenter)
        #expect(drafts.first?.runs[0].samples.allSatisfy { $0.compositionOffset == offset * 90 } == true)
    }

    @Test("a clock that stands still holds a bounded amount of media")
    func standingClock() throws {
        var segmenter = segmenter(try Media.avc())
        for index in 0..<200 {
            _ = segmenter.receive(Media.picture(0, sync: index == 0, size: 1 << 20))
        }
        #expect(segmenter.droppedAccessUnits == 200 - Segmenter.maximumSegmentBytes >> 20)
    }

    @Test("random units never trap and never break the invariants", arguments: 0..<100 as Range<UInt64>)
    func randomInput(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var segmenter = segmenter(try Media.avc(), try Media.aac())
        let configurations = [
            try Media.avc(), try Media.avc(Media.avcC240), try Media.aac(), try Media.aac(frequencyIndex: 4),
        ]
        var clock: Int64 = 0
        var drafts: [PartDraft] = []
        for _ in 0..<4000 {
            switch Int.random(in: 0..<200, using: &random) {
            case 0: segmenter.configure(configurations[Int.random(in: 0..<4, using: &random)])
            case 1: clock = Int64.random(in: -(1 << 40)...(1 << 40), using: &random)
            default: clock += Int64.random(in: -5...40, using: &random)
            }
            let isVideo = Bool.random(using: &random)
            let unit =
                isVideo
                ? Media.picture(clock, sync: Int.random(in: 0..<40, using: &random) == 0) : Media.sound(clock)
            drafts += segmenter.receive(unit)
        }
        drafts += segmenter.finish()
        expectInvariants(drafts, targetDuration: segmenter.policy.targetDuration, #_sourceLocation)
    }
}
