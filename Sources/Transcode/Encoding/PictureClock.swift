internal import MediaCore

/// The times of pictures on their way through an encoder that counts them instead.
///
/// The encoder is given the numbers 0, 1, 2 ... and gives each access unit a number for when it is shown and one for when it is
/// decoded. The times that belong to these numbers are those of the source, whatever its rate does: shown at the
/// picture's own time, decoded at the time of the picture that far up in the order of showing. So decode times grow as the
/// numbers do, and none is behind the time of showing.
struct PictureClock {
    /// How long a picture lasts, nominally.
    let nominalDuration: MediaTime
    /// The times of the pictures from ``first`` on.
    private var times: [MediaTime] = []
    private var first = 0

    /// A clock that has no picture yet.
    init(nominalDuration: MediaTime) { self.nominalDuration = nominalDuration }

    /// The time of the last picture.
    var last: MediaTime? { times.last }

    /// When the next picture would be shown, if the rate stayed; `nil` before there is one.
    var next: MediaTime? { times.last.map { $0 + nominalDuration } }

    /// Notes a picture, behind the last one.
    ///
    /// - Returns: its number.
    mutating func append(_ time: MediaTime) -> Int {
        times.append(time)
        return first + times.count - 1
    }

    /// The times of an access unit; `nil` for numbers that were never given.
    ///
    /// - Parameters:
    ///   - shown: the number that it is shown by.
    ///   - decoded: the number that it is decoded by; below 0 for the first ones, when pictures are put in another order.
    /// - Returns: when it is shown and when it is decoded.
    mutating func times(shown: Int, decoded: Int) -> (presentation: MediaTime, decode: MediaTime)? {
        guard let presentation = time(of: shown), let decode = time(of: min(decoded, shown)) else { return nil }
        // Access units come in decoding order: nothing before this one is asked for again.
        let done = min(max(0, decoded - first), times.count - 1)
        if done > 64 {
            times.removeFirst(done)
            first += done
        }
        return (presentation, decode)
    }

    private func time(of number: Int) -> MediaTime? {
        if number < 0, first == 0, let start = times.first {
            return MediaTime(nanoseconds: start.nanoseconds + Int64(number) * nominalDuration.nanoseconds)
        }
        guard number >= first, number - first < times.count else { return nil }
        return times[number - first]
    }
}
