import MediaCore
import NIOCore
import TestSupport
import Testing

@testable import Packager

@Suite("The segments of all renditions")
struct RenditionSegmenterTests {
    private let second = TrackID(.video, index: 1)
    private let secondSound = TrackID(.audio, index: 1)

    private func segmenter(_ tracks: Track...) -> RenditionSegmenter {
        var segmenter = RenditionSegmenter(Segmenter(nominal: .milliseconds(2000), position: .milliseconds(10_000)))
        for track in tracks { segmenter.configure(track) }
        return segmenter
    }

    /// Feeds units and collects what is cut, checking the invariants that hold for every input.
    private func cut(
        _ units: [AccessUnit],
        with segmenter: inout RenditionSegmenter,
        finishing: Bool = true,
        sourceLocation: SourceLocation = #_sourceLocation
    ) -> [PartSet] {
        var sets: [PartSet] = []
        for unit in units { sets += segmenter.receive(unit) }
        if finishing { sets += segmenter.finish() }
        expectInvariants(sets, sourceLocation)
        return sets
    }

    private func expectInvariants(_ sets: [PartSet], _ location: SourceLocation) {
        var lastDecodeTimes: [TrackID: MediaTime] = [:]
        var lastTracks: [Track] = []
        for (index, set) in sets.enumerated() {
            for run in set.primary.runs + set.further {
                #expect(!run.samples.isEmpty, sourceLocation: location)
                for sample in run.samples {
                    let time = MediaTime(ticks: sample.decodeTime, timescale: run.timescale)
                    if let last = lastDecodeTimes[run.track.id] {
                        #expect(time > last, "\(run.track.id) in segment \(index)", sourceLocation: location)
                    }
                    lastDecodeTimes[run.track.id] = time
                    #expect(sample.duration > 0, sourceLocation: location)
                }
            }
            let tracks = set.further.map(\.track)
            #expect(Set(tracks.map(\.id)).count == tracks.count, sourceLocation: location)
            if set.startsEpoch {
                #expect(set.further.allSatisfy { $0.samples.first?.isSync == true }, sourceLocation: location)
            } else if index > 0 {
                #expect(
                    tracks == lastTracks,
                    "a change without a discontinuity in segment \(index)",
                    sourceLocation: location
                )
            }
            lastTracks = tracks
        }
    }

    private func run(_ id: TrackID, in set: PartSet) -> TrackRun? { set.further.first { $0.track.id == id } }

    private func payloads(_ id: TrackID, in sets: [PartSet]) -> [ByteBuffer] {
        sets.flatMap { run(id, in: $0)?.samples.map(\.payload) ?? [] }
    }

    private func start(_ run: TrackRun) -> MediaTime {
        MediaTime(ticks: run.samples[0].decodeTime + run.samples[0].compositionOffset, timescale: run.timescale)
    }

    private func length(_ run: TrackRun) -> Double {
        let last = run.samples[run.samples.count - 1]
        return Double(last.decodeTime + last.duration - run.samples[0].decodeTime) / Double(run.timescale)
    }

    // MARK: - The usual

    @Test("a publish with one track of each kind gives the segmenter's own segments, at the moment it ends them")
    func singleTrack() throws {
        let units = Media.interleaved(Media.pictures(count: 300, group: 60), Media.sounds(count: 468))
        var alone = Segmenter(nominal: .milliseconds(2000), position: .milliseconds(10_000))
        var segmenter = segmenter(try Media.avc(), try Media.aac())
        for track in [try Media.avc(), try Media.aac()] { alone.configure(track) }
        for unit in units {
            let draft = alone.receive(unit).first
            let sets = segmenter.receive(unit)
            #expect(sets.map(\.primary.start) == [draft].compactMap { $0?.start })
            #expect(
                sets.first?.primary.runs.map { $0.samples.map(\.payload) }
                    == draft?.runs.map { $0.samples.map(\.payload) }
            )
            #expect(sets.allSatisfy { $0.further.isEmpty && $0.startsEpoch == $0.primary.startsEpoch })
        }
    }

    @Test(
        "a further video track is cut at its own IDR picture of the same moment, whatever its B-pictures delay",
        arguments: [0, -67, 80, 7] as [Int64]
    )
    func alignedPictures(lead: Int64) throws {
        let base = Media.pictures(count: 300, group: 60).map { unit in
            Media.picture(unit.decodeTime.nanoseconds / 1_000_000, sync: unit.isSync, offset: 80)
        }
        // The same pictures, shown at the same time, decoded earlier or later.
        let other = Media.units(base, as: 1, later: lead, offset: -lead)
        var segmenter = segmenter(try Media.avc(), try Media.aac(), try Media.video(1, Media.avcC240))
        let sets = cut(Media.interleaved(base, other, Media.sounds(count: 468)), with: &segmenter)
        #expect(sets.count == 5)
        #expect(sets.map(\.startsEpoch) == [true, false, false, false, false])
        for set in sets {
            let run = try #require(self.run(second, in: set))
            #expect(run.samples.count == 60 && run.samples[0].isSync)
            #expect(start(run) == start(set.primary.runs[0]))
            #expect(abs(length(run) - set.primary.duration.seconds) < 0.002)
        }
        #expect(payloads(second, in: sets) == other.map(\.payload))
        #expect(segmenter.droppedAccessUnits == 0)
    }

    @Test("further sound is cut at the frame at the boundary, and none is lost or doubled")
    func furtherSound() throws {
        let sounds = Media.sounds(count: 468)
        let other = Media.units(sounds, as: 1)
        var segmenter = segmenter(try Media.avc(), try Media.aac(), try Media.audio(1))
        let sets = cut(Media.interleaved(Media.pictures(count: 300, group: 60), sounds, other), with: &segmenter)
        #expect(sets.count == 5)
        for set in sets {
            let run = try #require(self.run(secondSound, in: set))
            let start = MediaTime(ticks: run.samples[0].decodeTime, timescale: 48_000)
            #expect(abs((start - set.primary.start).seconds) < 0.022)
        }
        #expect(payloads(secondSound, in: sets).count == other.count)
        #expect(segmenter.droppedAccessUnits == 0)
    }

    @Test("keyframes of other groups than the primary's are cut without one, in step all the same")
    func strayKeyframes() throws {
        let base = Media.pictures(count: 360, group: 60)
        let other = Media.units(Media.pictures(count: 360, group: 77), as: 1)
        var segmenter = segmenter(try Media.avc(), try Media.video(1, Media.avcC240))
        let sets = cut(Media.interleaved(base, other), with: &segmenter)
        #expect(sets.count == 6)
        #expect(sets.map(\.startsEpoch) == [true, false, false, false, false, false])
        for set in sets {
            let run = try #require(self.run(second, in: set))
            #expect(abs(length(run) - set.primary.duration.seconds) < 0.002)
        }
        #expect(payloads(second, in: sets) == other.map(\.payload))
    }

    // MARK: - Tracks that fail

    @Test("what a late track has not sent within half a second its last picture covers, and its next IDR goes on")
    func lateTrack() throws {
        let base = Media.pictures(count: 360, group: 60)
        let other = Media.units(base, as: 1)
        var segmenter = segmenter(try Media.avc(), try Media.video(1, Media.avcC240))
        // Pictures 100 to 139 of the further track come all at once 650 ms after the segment of the first 20 has ended.
        var units = Media.interleaved(base, Array(other[..<100]) + Array(other[140...]))
        let late = try #require(units.firstIndex { $0.decodeTime >= .milliseconds(4650) })
        units.insert(contentsOf: other[100..<140], at: late)
        let sets = cut(units, with: &segmenter)
        #expect(sets.count == 6)
        #expect(sets.dropFirst().allSatisfy { !$0.startsEpoch })
        let held = try #require(self.run(second, in: sets[1]))
        #expect(held.samples.count == 40 && abs(length(held) - 2) < 0.002)
        #expect(sets.allSatisfy { run(second, in: $0)?.samples.first?.isSync == true })
        #expect(payloads(second, in: sets) == (other[..<100] + other[120...]).map(\.payload))
        #expect(segmenter.droppedAccessUnits == 20)
    }

    @Test("a draft waits for a further track no longer than half a second of the primary's media (invariant 5)")
    func boundedWait() throws {
        let base = Media.pictures(count: 120, group: 60)
        let other = Media.units(Media.pictures(count: 50, group: 60), as: 1)
        var segmenter = segmenter(try Media.avc(), try Media.video(1, Media.avcC240))
        var published: [MediaTime] = []
        for unit in Media.interleaved(base, other) {
            for set in segmenter.receive(unit) { published.append(unit.decodeTime - set.primary.duration) }
        }
        let moment = try #require(published.first)
        #expect(moment >= .milliseconds(400) && moment <= .milliseconds(540))
    }

    @Test("a track that ends leaves with a discontinuity in all renditions, once")
    func goneTrack() throws {
        let base = Media.pictures(count: 600, group: 60)
        let other = Media.units(Array(base.prefix(150)), as: 1)
        var segmenter = segmenter(try Media.avc(), try Media.video(1, Media.avcC240))
        let sets = cut(Media.interleaved(base, other), with: &segmenter)
        #expect(sets.map { $0.further.count } == [1, 1, 1, 0, 0, 0, 0, 0, 0, 0])
        #expect(sets.map(\.startsEpoch) == [true, false, false, true] + Array(repeating: false, count: 6))
        #expect(payloads(second, in: sets) == other.map(\.payload))
    }

    @Test("a track that appears takes part from its first keyframe at a boundary, with a discontinuity")
    func lateComer() throws {
        let base = Media.pictures(count: 600, group: 60)
        var segmenter = segmenter(try Media.avc())
        var sets = cut(Array(base[..<200]), with: &segmenter, finishing: false)
        segmenter.configure(try Media.video(1, Media.avcC240))
        let other = Media.units(Array(base[200...]), as: 1)
        sets += cut(Media.interleaved(Array(base[200...]), other), with: &segmenter)
        #expect(sets.map { $0.further.count } == [0, 0, 0, 0, 1, 1, 1, 1, 1, 1])
        #expect(sets.map(\.startsEpoch) == [true, false, false, false, true] + Array(repeating: false, count: 5))
        #expect(payloads(second, in: sets) == base[240...].map(\.payload))
    }

    @Test("a track that begins within a segment, away from the primary's keyframes, shows its first picture early")
    func startsWithin() throws {
        let base = Media.pictures(count: 360, group: 60)
        let other = Media.units(Array(Media.pictures(from: 2500, count: 285, group: 60)), as: 1)
        var segmenter = segmenter(try Media.avc(), try Media.video(1, Media.avcC240))
        let sets = cut(Media.interleaved(base, other), with: &segmenter)
        let run = try #require(self.run(second, in: sets[1]))
        #expect(start(run) == sets[1].primary.start && abs(length(run) - 2) < 0.002)
        #expect(run.samples[0].duration > 45_000 && run.samples[0].isSync)
    }

    @Test("a changed configuration of a further track is a discontinuity in all renditions at the same place")
    func changedConfiguration() throws {
        let base = Media.pictures(count: 480, group: 60)
        var segmenter = segmenter(try Media.avc(), try Media.video(1, Media.avcC240))
        let before = Media.interleaved(Array(base[..<240]), Media.units(Array(base[..<240]), as: 1))
        let after = Media.interleaved(Array(base[240...]), Media.units(Array(base[240...]), as: 1))
        var sets = cut(before, with: &segmenter, finishing: false)
        segmenter.configure(try Media.video(1))
        sets += cut(after, with: &segmenter)
        #expect(sets.map(\.startsEpoch) == [true, false, false, false, true, false, false, false])
        let codecs = sets.map { $0.further.map(\.track.configuration.codecString) }
        #expect(codecs == Array(repeating: ["avc1.42c00d"], count: 4) + Array(repeating: ["avc1.64001f"], count: 4))
        #expect(payloads(second, in: sets).count == 480)
    }

    @Test("a track that never sends a keyframe holds nothing and delays nothing")
    func neverSync() throws {
        var segmenter = segmenter(try Media.avc(), try Media.video(1, Media.avcC240))
        let base = Media.pictures(count: 600, group: 60)
        var sets = 0
        for unit in base {
            sets += segmenter.receive(unit).count
            let dependent = AccessUnit(
                trackID: second,
                decodeTime: unit.decodeTime,
                isSync: false,
                payload: ByteBuffer(repeating: 0, count: 1 << 20)
            )
            sets += segmenter.receive(dependent).count
        }
        #expect(sets == 9)
        #expect(segmenter.droppedAccessUnits == 0)
    }

    @Test("what further tracks hold is bounded when the primary one stands still")
    func boundedMemory() throws {
        var assembler = RenditionAssembler()
        let track = try Media.video(1)
        for index in 0..<200 {
            let payload = ByteBuffer(repeating: 0, count: 1 << 20)
            let sample = Sample(
                decodeTime: Int64(index),
                duration: 1,
                compositionOffset: 0,
                isSync: true,
                payload: payload
            )
            assembler.append(sample, of: track, timescale: 90_000, missing: 0)
        }
        #expect(assembler.lostSamples >= 200 - RenditionAssembler.maximumHeldBytes >> 20)
    }

    // MARK: - Clocks

    @Test(
        "a jump of all clocks at once is one discontinuity, and the tracks stay together",
        arguments: [3_600_000, -5000, 4_000_000_000] as [Int64]
    )
    func clockJump(jump: Int64) throws {
        func all(from start: Int64, count: Int) -> [AccessUnit] {
            let pictures = Media.pictures(from: start, count: count, group: 60)
            let sounds = Media.sounds(from: start, count: count * 1600 / 1024)
            return Media.interleaved(pictures, Media.units(pictures, as: 1), sounds, Media.units(sounds, as: 1))
        }
        var segmenter = segmenter(
            try Media.avc(),
            try Media.aac(),
            try Media.video(1, Media.avcC240),
            try Media.audio(1)
        )
        let sets = cut(all(from: 0, count: 180) + all(from: 6000 + jump, count: 360), with: &segmenter)
        #expect(sets.filter(\.startsEpoch).count == 2)
        #expect(sets.allSatisfy { $0.further.count == 2 })
        for set in sets {
            for run in set.further {
                let start = MediaTime(ticks: run.samples[0].decodeTime, timescale: run.timescale)
                #expect(abs((start - set.primary.start).seconds) < 0.05, "\(run.track.id)")
            }
        }
        #expect(payloads(second, in: sets).count == 540)
    }

    @Test("clocks on different bases are brought together, each on its own")
    func differentClocks() throws {
        let pictures = Media.pictures(from: 1_000_000, count: 300, group: 60)
        let other = Media.units(pictures, as: 1, later: 77_000_000)
        let sounds = Media.sounds(count: 468)
        var timed: [(Double, AccessUnit)] = []
        for index in pictures.indices {
            timed += [(Double(index) / 30, pictures[index]), (Double(index) / 30 + 0.001, other[index])]
        }
        for index in sounds.indices { timed.append((Double(index) * 1024 / 48_000, sounds[index])) }
        var segmenter = segmenter(try Media.avc(), try Media.aac(), try Media.video(1, Media.avcC240))
        let sets = cut(timed.sorted { $0.0 < $1.0 }.map(\.1), with: &segmenter)
        #expect(sets.filter(\.startsEpoch).count == 1)
        for set in sets {
            let run = try #require(self.run(second, in: set))
            #expect(abs((start(run) - set.primary.start).seconds) < 0.1)
        }
    }

    @Test("a further track whose clock alone jumps to and fro costs no discontinuity")
    func furtherJumps() throws {
        let base = Media.pictures(count: 600, group: 60)
        let other = Media.units(base, as: 1).enumerated().map { index, unit in
            AccessUnit(
                trackID: unit.trackID,
                decodeTime: unit.decodeTime + (index / 25 % 2 == 0 ? .zero : .milliseconds(86_400_000)),
                isSync: unit.isSync,
                payload: unit.payload
            )
        }
        var segmenter = segmenter(try Media.avc(), try Media.video(1, Media.avcC240))
        let units = zip(base, other).flatMap { [$0, $1] }
        let sets = cut(units, with: &segmenter)
        #expect(sets.filter(\.startsEpoch).count == 1)
        #expect(payloads(second, in: sets).count == 600)
    }

    // MARK: - Which track is the primary one

    @Test(
        "the tracks of other numbers alone are the primary ones",
        arguments: [(1, 0), (0, 3), (2, 1)] as [(UInt8, UInt8)]
    )
    func otherNumbers(video: UInt8, audio: UInt8) throws {
        let pictures = Media.units(Media.pictures(count: 300, group: 60), as: video)
        let sounds = Media.units(Media.sounds(count: 468), as: audio)
        var segmenter = segmenter(try Media.video(video), try Media.audio(audio))
        let sets = cut(Media.interleaved(pictures, sounds), with: &segmenter)
        #expect(sets.allSatisfy { $0.further.isEmpty })
        #expect(sets.map(\.startsEpoch) == [true, false, false, false, false])
        #expect(sets.allSatisfy { $0.primary.runs.map(\.track.id) == [Media.video, Media.audio] })
        #expect(sets.flatMap { $0.primary.runs[0].samples }.count == 300)
    }

    @Test("an announced track that sends nothing is passed over for the next one")
    func ghostPrimary() throws {
        let pictures = Media.units(Media.pictures(count: 300, group: 60), as: 1)
        var segmenter = segmenter(try Media.video(0), try Media.video(1, Media.avcC240), try Media.aac())
        let sets = cut(Media.interleaved(pictures, Media.sounds(count: 468)), with: &segmenter)
        #expect(sets.allSatisfy { $0.primary.runs[0].track.configuration.codecString == "avc1.42c00d" })
        #expect(sets.flatMap { $0.primary.runs[0].samples }.count == 300)
    }

    @Test("when the primary track fails for three seconds the next one takes its place, and the old one may come back")
    func primaryFails() throws {
        let base = Media.pictures(count: 900, group: 60)
        let first = base.enumerated().filter { !(150..<600).contains($0.offset) }.map(\.element)
        let other = Media.units(base, as: 1)
        var segmenter = segmenter(try Media.video(0), try Media.video(1, Media.avcC240), try Media.aac())
        let sets = cut(Media.interleaved(first, other, Media.sounds(count: 1400)), with: &segmenter)
        let codecs = sets.map { $0.primary.runs[0].track.configuration.codecString }
        #expect(codecs.first == "avc1.64001f" && codecs.last == "avc1.42c00d")
        #expect(zip(codecs, codecs.dropFirst()).filter { $0 != $1 }.count == 1, "one change")
        // The old one has the number that the new one had.
        #expect(sets.last?.further.map(\.track) == [try Media.video(1)])
        let total = sets.reduce(0) { $0 + $1.primary.duration.seconds }
        #expect(abs(total - 30) < 1)
    }

    @Test("tracks beyond the most that a live may have are left out")
    func tooManyTracks() throws {
        var segmenter = segmenter()
        for index in 0..<40 { segmenter.configure(try Media.audio(UInt8(index))) }
        #expect(segmenter.refusedTracks.count == 40 - RenditionSegmenter.maximumTracks)
    }

    // MARK: - Anything

    @Test("random interleavings within what encoders do lose and double nothing", arguments: 0..<60 as Range<UInt64>)
    func randomInterleaving(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let base = Media.pictures(count: 420, group: 60)
        let sounds = Media.sounds(count: 656)
        let delay = Int64.random(in: -90...90, using: &random)
        let tracks = [base, Media.units(base, as: 1, later: delay, offset: -delay), sounds, Media.units(sounds, as: 1)]
        // Each track keeps its order; a unit is sent up to 200 ms after its time.
        let units = tracks.flatMap { track in
            var last = 0.0
            return track.map { unit in
                last = max(last, unit.decodeTime.seconds + Double.random(in: 0...0.2, using: &random))
                return (last, unit)
            }
        }
        var segmenter = segmenter(
            try Media.avc(),
            try Media.aac(),
            try Media.video(1, Media.avcC240),
            try Media.audio(1)
        )
        let sets = cut(units.sorted { $0.0 < $1.0 }.map(\.1), with: &segmenter)
        #expect(sets.filter(\.startsEpoch).count == 1)
        #expect(sets.allSatisfy { $0.further.count == 2 })
        #expect(payloads(second, in: sets) == base.map(\.payload))
        #expect(payloads(secondSound, in: sets).count { $0.readableBytes == 20 } == 656)
        #expect(segmenter.droppedAccessUnits == 0)
    }

    @Test(
        "random units of random tracks never trap and never break the invariants",
        arguments: 0..<100 as Range<UInt64>
    )
    func randomInput(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var segmenter = segmenter(try Media.avc(), try Media.aac())
        var clocks: [TrackID: Int64] = [:]
        var units: [PartSet] = []
        var clock: Int64 = 0
        for _ in 0..<6000 {
            let index = UInt8.random(in: 0..<3, using: &random)
            let isVideo = Bool.random(using: &random)
            let id = TrackID(isVideo ? .video : .audio, index: index)
            switch Int.random(in: 0..<300, using: &random) {
            case 0: segmenter.configure(try isVideo ? Media.video(index) : Media.audio(index))
            case 1:
                segmenter.configure(
                    try isVideo ? Media.video(index, Media.avcC240) : Media.audio(index, frequencyIndex: 4)
                )
            case 2: clocks[id] = Int64.random(in: -(1 << 40)...(1 << 40), using: &random)
            case 3: clock = Int64.random(in: -(1 << 40)...(1 << 40), using: &random)
            default: clock += Int64.random(in: -3...12, using: &random)
            }
            let unit =
                isVideo
                ? Media.picture(clock, sync: Int.random(in: 0..<30, using: &random) == 0, offset: 40)
                : Media.sound(clock)
            units += segmenter.receive(Media.units([unit], as: index, later: clocks[id] ?? 0)[0])
        }
        units += segmenter.finish()
        expectInvariants(units, #_sourceLocation)
        #expect(units.contains { !$0.further.isEmpty })
    }

    @Test("a further track that is known to have gone is waited for no longer")
    func gone() throws {
        var segmenter = segmenter(try Media.avc(), try Media.video(1, Media.avcC240))
        let base = Media.pictures(count: 480, group: 60)
        let other = Media.units(Array(base[..<210]), as: 1)
        var sets: [PartSet] = []
        for unit in Media.interleaved(Array(base[..<210]), other) { sets += segmenter.receive(unit) }
        segmenter.leave(second)
        for unit in base[210...] { sets += segmenter.receive(unit) }
        #expect(sets.count == 7)
        #expect(sets.allSatisfy { $0.age < .milliseconds(100) }, "\(sets.map(\.age))")
        #expect(sets.map { $0.further.count } == [1, 1, 1, 1, 0, 0, 0])
    }

    @Test("when the primary track is known to have gone, another one takes its place with its next sync sample")
    func primaryGone() throws {
        var segmenter = segmenter(try Media.avc(), try Media.video(1, Media.avcC240))
        let base = Media.pictures(count: 480, group: 60)
        let other = Media.units(base, as: 1)
        var sets: [PartSet] = []
        for unit in Media.interleaved(Array(base[..<210]), Array(other[..<210])) { sets += segmenter.receive(unit) }
        segmenter.leave(TrackID(.video))
        for unit in other[210...] { sets += segmenter.receive(unit) }
        sets += segmenter.finish()
        let first = try #require(sets.firstIndex { $0.primary.runs[0].track.configuration == otherConfiguration })
        #expect(sets[first].startsEpoch && sets[first].primary.runs[0].samples[0].payload == base[240].payload)
        #expect(sets[first...].reduce(0) { $0 + $1.primary.runs[0].samples.count } == 240)
    }

    private var otherConfiguration: CodecConfiguration? { try? Media.video(1, Media.avcC240).configuration }
}
