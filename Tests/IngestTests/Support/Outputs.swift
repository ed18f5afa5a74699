import MediaCore

@testable import Ingest

extension FLVDemuxer.Outputs {
    /// The one output; `nil` when there is none, or more than one.
    var only: FLVDemuxer.Output? {
        let all = Array(self)
        return all.count == 1 ? all[0] : nil
    }
}

extension Sequence<FLVDemuxer.Output> {
    /// The access units.
    var units: [AccessUnit] {
        compactMap { if case .unit(let unit) = $0 { unit } else { nil } }
    }

    /// The tracks announced.
    var tracks: [Track] {
        compactMap { if case .configure(let track) = $0 { track } else { nil } }
    }

    /// Why something was left out.
    var drops: [FLVDemuxer.DropReason] {
        compactMap { if case .dropped(let reason) = $0 { reason } else { nil } }
    }
}
