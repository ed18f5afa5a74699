import MediaCore
import NIOCore
import TestSupport
import Testing

@testable import Packager

/// Parts that are given away with their own last picture, and what happens when the next one is not where it was foretold.
@Suite("Foretold parts")
struct ForetoldPartTests {
    private static let origin: Int64 = 10_000

    private func segmenter(_ tracks: [Track], resuming target: Int64? = nil) -> Segmenter {
        var segmenter = Segmenter(
            nominal: .milliseconds(2000),
            position: .milliseconds(Self.origin),
            targetDuration: target == nil ? nil : 2,
            nominalPart: .milliseconds(500),
            partTarget: target.map { .milliseconds($0) }
        )
        for track in tracks { segmenter.configure(track) }
        return segmenter
    }

    /// Each part, and the number of the access unit that gave it away; `nil` for those of the end.
    private func cut(_ units: [AccessUnit], with segmenter: inout Segmenter) -> [(part: PartDraft, unit: Int?)] {
        var given: [(part: PartDraft, unit: Int?)] = []
        for (index, unit) in units.enumerated() {
            given += segmenter.receive(unit).map { ($0, index) }
        }
        return given + segmenter.finish().map { ($0, nil) }
    }

    /// The parts that need not wait: all but the last ones of segments, from the second segment on.
    private func early(_ given: [(part: PartDraft, unit: Int?)]) -> [(part: PartDraft, unit: Int)] {
        guard let first = given.firstIndex(where: { $0.part.ending != nil }) else { return [] }
        return given[(first + 1)...].compactMap { part, unit in
            guard part.ending == nil, let unit else { return nil }
            return (part, unit)
        }
    }

    private func pictures(in given: [(part: PartDraft, unit: Int?)]) -> [Sample] {
        given.flatMap { $0.part.runs.first { $0.track.id == Media.video }?.samples ?? [] }
    }

    /// Nothing moves for viewers, samples follow each other without a hole, and parts make up their segments.
    private func expectFaithful(
        _ given: [(part: PartDraft, unit: Int?)],
        _ sent: [AccessUnit],
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let placed = pictures(in: given)
        let sent = sent.filter { $0.trackID == Media.video }
        let origin = MediaTime.milliseconds(Self.origin) - (sent.first?.decodeTime ?? .zero)
        #expect(placed.count == sent.count, sourceLocation: sourceLocation)
        let moved = zip(placed, sent).filter { sample, unit in
            let shown = (unit.decodeTime + unit.compositionOffset + origin).ticks(timescale: 90_000)
            return abs(sample.decodeTime + sample.compositionOffset - shown) > 1
        }
        #expect(moved.isEmpty, sourceLocation: sourceLocation)
        let holes = zip(placed, placed.dropFirst()).filter { sample, next in
            sample.duration <= 0 || sample.decodeTime + sample.duration != next.decodeTime
        }
        #expect(holes.isEmpty, sourceLocation: sourceLocation)
        let parts = given.map(\.part)
        for (part, next) in zip(parts, parts.dropFirst()) {
            #expect(part.start + part.duration == next.start, sourceLocation: sourceLocation)
            #expect(next.isFirst == (part.ending != nil), sourceLocation: sourceLocation)
        }
        #expect(parts.last?.ending != nil, sourceLocation: sourceLocation)
    }

    @Test(
        "a part is given away by the picture that completes it, at every steady rate",
        arguments: [10, 15, 23.976, 24, 25, 29.97, 30, 50, 59.94, 60, 120] as [Double]
    )
    func inTime(rate: Double) throws {
        let group = Int((2 * rate).rounded())
        let units = Media.interleaved(
            Media.pictures(count: 10 * group, rate: rate, group: group),
            Media.sounds(count: 940)
        )
        var segmenter = segmenter([try Media.avc(), try Media.aac()])
        let given = cut(units, with: &segmenter)
        expectFaithful(given, units)
        let partTarget = segmenter.partTarget
        let target = try #require(partTarget)
        #expect(early(given).count >= 9 * 3)
        for (part, unit) in early(given) {
            let last = try #require(part.runs[0].samples.last)
            let sent = (units[unit].decodeTime + .milliseconds(Self.origin)).ticks(timescale: 90_000)
            // The first picture behind a foretold end decodes there, within the jitter of the clock.
            #expect(units[unit].trackID == Media.video && abs(last.decodeTime - sent) <= 180)
            #expect(abs(Double(last.duration) / 90_000 - 1 / rate) < 0.0031)
            #expect(part.duration <= target && part.duration.seconds >= 0.85 * target.seconds)
            #expect(
                part.age == .zero - (part.start + part.duration) + MediaTime(ticks: last.decodeTime, timescale: 90_000)
            )
        }
        // The last part of a segment is known with the keyframe behind it.
        for (part, unit) in given where part.ending != nil && unit != nil {
            #expect(units[unit ?? 0].isSync && units[unit ?? 0].trackID == Media.video)
        }
    }

    @Test(
        "the parts of sound alone are given away by their own last frames",
        arguments: [(3 as UInt8, 48_000.0), (4, 44_100)]
    )
    func soundAlone(frequencyIndex: UInt8, rate: Double) throws {
        let units = Media.sounds(count: Int(rate * 20 / 1024), rate: rate)
        var segmenter = segmenter([try Media.aac(frequencyIndex: frequencyIndex)])
        let given = cut(units, with: &segmenter)
        var count = 0
        for (part, unit) in given {
            count += part.runs[0].samples.count
            if let unit, part.ending == nil, part.start >= given[0].part.start + .milliseconds(2100) {
                #expect(count == unit + 1)
            }
        }
        #expect(count == units.count)
        #expect(early(given).count >= 9 * 3)
    }

    @Test("the parts of a live that resumes need no first segment, and its date is that of the encoder")
    func resumed() throws {
        let units = Media.pictures(count: 120, group: 60)
        var segmenter = segmenter([try Media.avc()], resuming: 424)
        let given = cut(units, with: &segmenter)
        #expect(given.prefix(3).map(\.unit) == [11, 23, 35])
        // 11 distances of a picture have passed since it began.
        let first = given[0].part
        #expect(abs((first.duration + first.age).seconds - 11.0 / 30) < 0.001)
    }

    @Test(
        "pictures in another order than they are shown, and with jitter of a millisecond, are shown when they should be"
    )
    func reordered() throws {
        var random = SplitMix64(seed: 1)
        let units = Media.pictures(count: 3000, rate: 59.94, group: 120).enumerated().map { index, unit in
            Media.picture(
                unit.decodeTime.nanoseconds / 1_000_000 + .random(in: 0...1, using: &random),
                sync: unit.isSync,
                offset: [34, 84, 17, 0][index % 4]
            )
        }
        var segmenter = segmenter([try Media.avc()])
        let given = cut(units, with: &segmenter)
        expectFaithful(given, units)
        #expect(early(given).count { $0.unit % 120 != 0 } > 50)
    }

    @Test(
        "a picture that comes later than foretold, or earlier, leaves no hole and is shown when it should be",
        arguments: [-30, -10, 40, 150, 700, 1400, 1900] as [Int64],
        [1, 2, 3, 4]
    )
    func wrong(shift: Int64, part: Int) throws {
        let boundary = 300 + part * 12
        let units = Media.pictures(count: 600, group: 60).enumerated().map { index, unit in
            guard index >= boundary else { return unit }
            return Media.picture(unit.decodeTime.nanoseconds / 1_000_000 + shift, sync: unit.isSync)
        }
        var segmenter = segmenter([try Media.avc()])
        let given = cut(units, with: &segmenter)
        if part < 4 || shift < 700 { #expect(given.contains { $0.unit == boundary - 1 }) }
        expectFaithful(given, units)
        let partTarget = segmenter.partTarget
        let target = try #require(partTarget)
        #expect(given.allSatisfy { $0.part.duration <= target })
        #expect(given.compactMap(\.part.ending).allSatisfy { $0.duration.seconds < 2.5 })
    }

    @Test("pictures that are not regular are waited for")
    func irregular() throws {
        var random = SplitMix64(seed: 7)
        let units = Media.pictures(count: 600, group: 60).map { unit in
            Media.picture(
                unit.decodeTime.nanoseconds / 1_000_000 + .random(in: 0...12, using: &random),
                sync: unit.isSync
            )
        }
        var segmenter = segmenter([try Media.avc()])
        let given = cut(units, with: &segmenter)
        expectFaithful(given, units)
        let behind = early(given).count { part, unit in
            part.start + part.duration <= units[unit].decodeTime + .milliseconds(Self.origin)
        }
        #expect(behind >= early(given).count - 1)
    }

    @Test("a keyframe that nobody expected ends its segment, and the part that was promised is there")
    func unexpectedKeyframe() throws {
        let pictures = Media.pictures(count: 600, group: 60)
        let units = pictures.enumerated().map { index, unit in
            index == 336 ? Media.picture(unit.decodeTime.nanoseconds / 1_000_000, sync: true) : unit
        }
        var segmenter = segmenter([try Media.avc()])
        let given = cut(units, with: &segmenter)
        expectFaithful(given, units)
        let index = try #require(given.firstIndex { $0.unit == 335 })
        #expect(given[index].part.ending == nil)
        #expect(given[index + 1].part.ending != nil && given[index + 1].part.duration == .milliseconds(1))
        #expect(given[index + 2].part.isFirst && given[index + 2].part.parent.isIndependent)
        // From now on keyframes may come at any time.
        #expect(given.contains { $0.unit == 408 } && !given.contains { $0.unit == 407 })
    }

    @Test("the sound behind an early part goes to the next segment, when the promised part is too short for it")
    func soundBehindEarlyPart() throws {
        let pictures = Media.pictures(count: 600, group: 60).enumerated().map { index, unit in
            index == 336 ? Media.picture(unit.decodeTime.nanoseconds / 1_000_000, sync: true) : unit
        }
        // Sound comes a tenth of a second behind the pictures, as encoders interleave it.
        let late = Media.sounds(count: 937).map { ($0.decodeTime + .milliseconds(100), $0) }
        let units = (pictures.map { ($0.decodeTime, $0) } + late).sorted { $0.0 < $1.0 }.map(\.1)
        var segmenter = segmenter([try Media.avc(), try Media.aac()])
        let given = cut(units, with: &segmenter)
        expectFaithful(given, units)
        let short = try #require(given.firstIndex { $0.part.duration == .milliseconds(1) })
        #expect(given[short].part.ending != nil && given[short].part.runs.allSatisfy(\.samples.isEmpty))
        #expect(given[short].part.runs.count == 2, "its tracks are those of the segment")
        let sound = given.flatMap { $0.part.runs.first { $0.track.id == Media.audio }?.samples ?? [] }
        #expect(sound.count == 937, "none is lost")
        #expect(zip(sound, sound.dropFirst()).allSatisfy { $0.decodeTime + $0.duration == $1.decodeTime })
        let next = try #require(given[short + 1].part.runs.first { $0.track.id == Media.audio }?.samples.first)
        #expect(MediaTime(ticks: next.decodeTime, timescale: 48_000) < given[short + 1].part.start)
    }

    @Test("a publish that ends with a part still has the one that was promised")
    func endsWithPart() throws {
        let units = Media.pictures(count: 324, group: 60)
        var segmenter = segmenter([try Media.avc()])
        let given = cut(units, with: &segmenter)
        expectFaithful(given, units)
        #expect(given.dropLast().last?.unit == 323)
        #expect(given.last?.part.duration == .milliseconds(1))
    }

    @Test("keyframes that are seldom delay no part but those that they end")
    func longGroups() throws {
        let units = Media.pictures(count: 1250, rate: 30, group: 250)
        var segmenter = segmenter([try Media.avc()])
        let given = cut(units, with: &segmenter)
        expectFaithful(given, units)
        var count = 0
        for (part, unit) in given {
            count += part.runs[0].samples.count
            if let unit, unit > 250, part.ending == nil { #expect(count == unit + 1, "part with unit \(unit)") }
        }
    }

    @Test(
        "whatever a steady encoder does between, nothing moves, nothing is lost, and no part breaks a rule",
        arguments: 0..<120
    )
    func random(seed: Int) throws {
        var random = SplitMix64(seed: UInt64(seed) &+ 0x666F_7265)
        let rates: [Double] = [12, 24, 25, 29.97, 30, 50, 59.94, 60]
        let rate = rates.randomElement(using: &random) ?? 30
        let group = Int.random(in: 10...200, using: &random)
        let distance = Int64(1000 / rate)
        var shift: Int64 = 0
        var pictures: [AccessUnit] = []
        for (index, unit) in Media.pictures(count: Int(rate * 40), rate: rate, group: group).enumerated() {
            switch Int.random(in: 0..<120, using: &random) {
            case 0: continue  // dropped
            case 1: shift += .random(in: 0...500, using: &random)
            case 2 where distance > 20: shift -= .random(in: 0...distance / 2, using: &random)
            default: break
            }
            let isSync = unit.isSync || pictures.isEmpty || Int.random(in: 0..<300, using: &random) == 0
            // Its size tells which one it is.
            pictures.append(
                Media.picture(
                    unit.decodeTime.nanoseconds / 1_000_000 + shift + .random(in: 0...1, using: &random),
                    sync: isSync,
                    offset: [2, 4, 1, 0][index % 4] * distance,
                    size: 1 + pictures.count
                )
            )
        }
        let hasSound = Bool.random(using: &random)
        let last = try #require(pictures.last).decodeTime.nanoseconds / 1_000_000
        let lag = Int64.random(in: -300...300, using: &random)
        let sounds = hasSound ? Media.sounds(count: Int(last * 48 / 1024)) : []
        // Sound that comes earlier or later than the pictures of its time.
        let units = (pictures.map { ($0.decodeTime, $0) } + sounds.map { ($0.decodeTime + .milliseconds(lag), $0) })
            .enumerated().sorted { ($0.element.0, $0.offset) < ($1.element.0, $1.offset) }.map(\.element.1)
        let tracks = [try Media.avc()] + (hasSound ? [try Media.aac()] : [])
        var segmenter = segmenter(tracks, resuming: Bool.random(using: &random) ? 424 : nil)
        let given = cut(units, with: &segmenter)
        expectFaithful(given, pictures)
        let placed = self.pictures(in: given)
        #expect(placed.map(\.payload.readableBytes) == Array(1...pictures.count))
        let partTarget = segmenter.partTarget
        expectRules(given.map(\.part), try #require(partTarget))
    }

    @Test(
        "with further video tracks a part waits for their pictures behind it, and for no others",
        arguments: [29.97, 59.94]
    )
    func ladder(rate: Double) throws {
        let group = Int((2 * rate).rounded())
        let pictures = Media.pictures(count: 10 * group, rate: rate, group: group)
        let units = Media.interleaved(Media.units(pictures, as: 0), Media.units(pictures, as: 1))
        var segmenter = RenditionSegmenter(segmenter([]))
        for track in [try Media.avc(), try Media.video(1, Media.avcC240)] { segmenter.configure(track) }
        var count = 0
        var shown = 0
        for unit in units {
            for set in segmenter.receive(unit) {
                let further = try #require(set.further.first)
                shown += further.samples.count
                guard set.primary.ending == nil, set.primary.start > .milliseconds(Self.origin + 2500) else { continue }
                count += 1
                let end = set.primary.start + set.primary.duration - .milliseconds(Self.origin)
                #expect(unit.trackID.index == 1 && abs((end - unit.decodeTime).nanoseconds) <= 3_000_000)
                #expect(further.samples.count == set.primary.runs[0].samples.count)
            }
        }
        shown += segmenter.finish().reduce(0) { $0 + $1.further.reduce(0) { $0 + $1.samples.count } }
        #expect(count > 20)
        #expect(shown == pictures.count && segmenter.droppedAccessUnits == 0)
    }

    private func expectRules(_ parts: [PartDraft], _ target: MediaTime) {
        for part in parts {
            #expect(part.duration <= target)
            let isExempt = part.ending != nil || part.isIndependent
            #expect(isExempt || part.duration.seconds >= 0.85 * target.seconds - 0.000_001)
            #expect(part.ending.map { $0.duration.seconds < 10.5 } ?? true)
        }
    }

    @Test(
        "in an hour nothing drifts: parts add up to the media, and every picture is shown to the millisecond",
        arguments: [29.97, 59.94, 30_000.0 / 1001]
    )
    func hour(rate: Double) throws {
        let count = Int(3600 * rate)
        let group = Int((2 * rate).rounded())
        var segmenter = segmenter([try Media.avc()])
        var sum = MediaTime.zero
        var sent = 0
        var worst: Int64 = 0
        var largestCorrection: Int64 = 0
        for index in 0..<count {
            let time = Int64((Double(index) * 1000 / rate).rounded(.down))
            for part in segmenter.receive(Media.picture(time, sync: index % group == 0, size: 1)) {
                for sample in part.runs[0].samples {
                    let wanted = (Int64((Double(sent) * 1000 / rate).rounded(.down)) + Self.origin) * 90
                    worst = max(worst, abs(sample.decodeTime + sample.compositionOffset - wanted))
                    largestCorrection = max(largestCorrection, abs(sample.compositionOffset))
                    sent += 1
                }
                sum += part.duration
            }
        }
        #expect(count - sent <= group)
        #expect(worst <= 1 && largestCorrection <= 180)
        #expect(abs(sum.seconds - Double(sent) / rate) < 0.002)
    }
}
