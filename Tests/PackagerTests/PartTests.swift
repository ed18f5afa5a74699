import MediaCore
import NIOCore
import TestSupport
import Testing

@testable import Packager

@Suite("Parts")
struct PartTests {
    /// A segmenter with its tracks, as a publish begins.
    private func segmenter(_ tracks: [Track], nominal: Int64 = 500) -> Segmenter {
        var segmenter = Segmenter(
            nominal: .milliseconds(2000),
            position: .milliseconds(10_000),
            nominalPart: .milliseconds(nominal)
        )
        for track in tracks { segmenter.configure(track) }
        return segmenter
    }

    /// Feeds units and collects what is cut, checking what holds for every input.
    private func cut(
        _ units: [AccessUnit],
        _ tracks: [Track],
        nominal: Int64 = 500,
        sourceLocation: SourceLocation = #_sourceLocation
    ) -> (parts: [PartDraft], target: MediaTime?) {
        var segmenter = segmenter(tracks, nominal: nominal)
        var parts: [PartDraft] = []
        for unit in units { parts += segmenter.receive(unit) }
        parts += segmenter.finish()
        expectInvariants(parts, segmenter.partTarget, sourceLocation)
        return (parts, segmenter.partTarget)
    }

    private func expectInvariants(_ parts: [PartDraft], _ target: MediaTime?, _ location: SourceLocation) {
        var sum = MediaTime.zero
        var ends: [TrackID: (time: Int64, timescale: Int64)] = [:]
        for (index, part) in parts.enumerated() {
            let last = index > 0 ? parts[index - 1] : nil
            #expect(part.isFirst == (last?.ending != nil || last == nil), sourceLocation: location)
            if part.isFirst {
                #expect(part.start == part.parent.start, sourceLocation: location)
                sum = .zero
                if part.parent.startsEpoch { ends = [:] }
            }
            if let last, !(part.isFirst && part.parent.startsEpoch) {
                #expect(part.start == last.start + last.duration, "hole before part \(index)", sourceLocation: location)
            }
            sum += part.duration
            if let target {
                #expect(part.duration <= target, "part \(index)", sourceLocation: location)
                let isLongEnough = part.duration.seconds >= 0.85 * target.seconds - 0.000_001
                let isExempt = part.ending != nil || part.isIndependent
                #expect(isLongEnough || isExempt, "part \(index): \(part.duration.seconds) s", sourceLocation: location)
            }
            if let ending = part.ending { #expect(sum == ending.duration, sourceLocation: location) }
            for run in part.runs {
                for sample in run.samples {
                    #expect(sample.duration > 0, sourceLocation: location)
                    if let end = ends[run.track.id], end.timescale == run.timescale {
                        #expect(sample.decodeTime >= end.time, "overlap in part \(index)", sourceLocation: location)
                    }
                    ends[run.track.id] = (sample.decodeTime + 1, run.timescale)
                }
            }
        }
        #expect(
            parts.isEmpty || parts.last?.ending != nil,
            "a part was promised and never came",
            sourceLocation: location
        )
    }

    private func samples(_ id: TrackID, in parts: [PartDraft]) -> [Sample] {
        parts.flatMap { $0.runs.first { $0.track.id == id }?.samples ?? [] }
    }

    @Test(
        "whatever the frame rate, parts are at most PART-TARGET and at least 85 % of it, and that is near what was asked",
        arguments: [1, 2, 5, 10, 12.5, 15, 23.976, 24, 25, 29.97, 30, 50, 59.94, 60, 120] as [Double]
    )
    func frameRates(rate: Double) throws {
        let group = max(1, Int((2 * rate).rounded()))
        let units = Media.interleaved(
            Media.pictures(count: 10 * group, rate: rate, group: group),
            Media.sounds(count: 940)
        )
        let (parts, target) = cut(units, [try Media.avc(), try Media.aac()])
        let seconds = try #require(target).seconds
        #expect(seconds <= max(0.5, 1 / rate + 0.025))
        #expect(seconds > 0.3)
        #expect(samples(Media.video, in: parts).count == 10 * group)
        #expect(samples(Media.audio, in: parts).count >= 930)
        // Each part but the last of a segment holds the same number of pictures.
        let counts = Set(parts.filter { $0.ending == nil }.map { $0.runs[0].samples.count })
        #expect(counts.count == 1, "\(counts)")
    }

    @Test(
        "sound alone is cut at whole frames of any length",
        arguments: [(3 as UInt8, 48_000.0), (4, 44_100), (11, 8000), (8, 16_000)]
    )
    func soundAlone(frequencyIndex: UInt8, rate: Double) throws {
        let units = Media.sounds(count: Int(rate * 20 / 1024), rate: rate)
        let (parts, target) = cut(units, [try Media.aac(frequencyIndex: frequencyIndex)])
        #expect(try #require(target).seconds <= 0.5)
        // The last part may have been promised by the last frame.
        #expect(parts.allSatisfy { $0.isIndependent || $0.duration == .milliseconds(1) })
        #expect(samples(Media.audio, in: parts).count == units.count)
        #expect(Set(parts.filter { $0.ending == nil }.map { $0.runs[0].samples.count }).count == 1)
    }

    @Test("parts divide the segment evenly, and the one with the IDR picture is independent")
    func evenly() throws {
        let units = Media.interleaved(Media.pictures(count: 300, group: 60), Media.sounds(count: 468))
        let (parts, target) = cut(units, [try Media.avc(), try Media.aac()])
        #expect(target == .milliseconds(425))
        let segments = parts.split(whereSeparator: \.isFirst).count
        #expect(segments == 5)
        #expect(parts.count == 25)
        #expect(parts.allSatisfy { $0.runs[0].samples.count == 12 })
        #expect(parts.map(\.isIndependent) == parts.map(\.isFirst))
    }

    @Test("pictures that an encoder left out make parts of sound alone, in time, and no part too long")
    func droppedPictures() throws {
        let pictures = Media.pictures(count: 300, group: 60).filter { unit in
            !(.milliseconds(2500)..<MediaTime.milliseconds(3700)).contains(unit.decodeTime)
        }
        let units = Media.interleaved(pictures, Media.sounds(count: 468))
        let (parts, _) = cut(units, [try Media.avc(), try Media.aac()])
        #expect(parts.contains { $0.runs[0].samples.isEmpty && !$0.runs[1].samples.isEmpty })
        let shown = samples(Media.video, in: parts)
        #expect(shown.count == pictures.count)
        // The last picture before the gap lasts until the next one.
        #expect(zip(shown, shown.dropFirst()).allSatisfy { $0.decodeTime + $0.duration == $1.decodeTime })
    }

    @Test(
        "where an encoder sent nothing at all, parts have silence, and without sound they are empty",
        arguments: [true, false]
    )
    func pause(hasSound: Bool) throws {
        let pause = MediaTime.milliseconds(2500)..<MediaTime.milliseconds(4100)
        let sounds = hasSound ? Media.sounds(count: 468) : []
        // Pictures come first where the times are the same.
        let units = Media.interleaved(Media.pictures(count: 300, group: 60), sounds).filter {
            !pause.contains($0.decodeTime)
        }
        let (parts, _) = cut(units, [try Media.avc()] + (hasSound ? [try Media.aac()] : []))
        #expect(parts.contains { $0.runs.allSatisfy(\.samples.isEmpty) } == !hasSound)
        #expect(samples(Media.video, in: parts).count == 252)
        if hasSound { #expect((460...470).contains(samples(Media.audio, in: parts).count)) }
    }

    @Test("a group that is longer than allowed is cut, and the part that was promised is there")
    func forcedCut() throws {
        let pictures =
            Media.pictures(count: 60, group: 60) + Media.pictures(from: 2000, count: 300, group: 300)
            + Media.pictures(from: 12_000, count: 60, group: 60)
        let units = Media.interleaved(pictures, Media.sounds(count: 656))
        let (parts, _) = cut(units, [try Media.avc(), try Media.aac()])
        let endings = parts.compactMap(\.ending)
        #expect(endings.contains { $0.isForcedCut })
        #expect(endings.allSatisfy { $0.duration.seconds < 2.5 })
        #expect(samples(Media.video, in: parts).count == 420)
    }

    @Test("sound that begins a little after the pictures is in the first part, without a discontinuity")
    func lateSound() throws {
        var segmenter = Segmenter(
            nominal: .milliseconds(2000),
            position: .milliseconds(10_000),
            targetDuration: 2,
            nominalPart: .milliseconds(500),
            partTarget: .milliseconds(424)
        )
        for track in [try Media.avc(), try Media.aac()] { segmenter.configure(track) }
        let units = Media.interleaved(Media.pictures(count: 240, group: 60), Media.sounds(from: 1300, count: 300))
        let parts = units.flatMap { segmenter.receive($0) } + segmenter.finish()
        expectInvariants(parts, .milliseconds(424), #_sourceLocation)
        #expect(parts.filter { $0.isFirst && $0.parent.startsEpoch }.count == 1)
        #expect(parts[0].runs.count == 2)
    }

    @Test("a live without parts has segments of one part")
    func none() throws {
        var segmenter = Segmenter(nominal: .milliseconds(2000), position: .milliseconds(10_000))
        segmenter.configure(try Media.avc())
        let parts = Media.pictures(count: 300, group: 60).flatMap { segmenter.receive($0) } + segmenter.finish()
        #expect(parts.count == 5 && parts.allSatisfy { $0.isFirst && $0.ending != nil })
        #expect(segmenter.partTarget == nil)
    }

    @Test("no input breaks the rules of parts", arguments: 0..<120)
    func random(seed: Int) throws {
        var random = SplitMix64(seed: UInt64(seed) &+ 0x7061_7274)
        let rates: [Double] = [10, 24, 25, 30, 50, 59.94]
        let rate = rates.randomElement(using: &random) ?? 30
        let group = Int.random(in: 5...400, using: &random)
        var pictures = Media.pictures(count: Int(rate * 40), rate: rate, group: group)
        var sounds = Media.sounds(count: 1875)
        // Holes, jumps, jitter and units that come late.
        for _ in 0..<Int.random(in: 0...4, using: &random) {
            let from = Int64.random(in: 0...40_000, using: &random)
            let hole =
                MediaTime.milliseconds(from)...MediaTime.milliseconds(from + .random(in: 50...6000, using: &random))
            if Bool.random(using: &random) { pictures.removeAll { hole.contains($0.decodeTime) } }
            if Bool.random(using: &random) { sounds.removeAll { hole.contains($0.decodeTime) } }
        }
        let jitter: Int64 = [0, 0, 1, 2, 5, 20].randomElement(using: &random) ?? 0
        let isCutAtScenes = Bool.random(using: &random)
        pictures = pictures.map { unit in
            let shift = jitter == 0 ? 0 : Int64.random(in: 0...jitter, using: &random)
            return Media.picture(
                unit.decodeTime.nanoseconds / 1_000_000 + shift,
                sync: unit.isSync || isCutAtScenes && Int.random(in: 0..<70, using: &random) == 0,
                size: 1 + Int(unit.decodeTime.nanoseconds % 97)
            )
        }
        var units = Media.interleaved(pictures, sounds)
        for _ in 0..<Int.random(in: 0...2, using: &random) {
            let at = Int.random(in: 0..<units.count, using: &random)
            let jump = MediaTime.milliseconds(.random(in: -30_000...3_000_000, using: &random))
            units = units.enumerated().map { index, unit in
                guard index >= at else { return unit }
                return AccessUnit(
                    trackID: unit.trackID,
                    decodeTime: unit.decodeTime + jump,
                    isSync: unit.isSync,
                    payload: unit.payload
                )
            }
        }
        let tracks = Bool.random(using: &random) ? [try Media.avc(), try Media.aac()] : [try Media.avc()]
        let nominals: [Int64] = [100, 200, 500, 1000]
        let (parts, _) = cut(units, tracks, nominal: nominals.randomElement(using: &random) ?? 500)
        let durations = parts.compactMap(\.ending?.duration)
        #expect(durations.allSatisfy { $0 <= .milliseconds(10_499) })
    }
}
