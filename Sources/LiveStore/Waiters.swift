internal import NIOCore

/// Readers that wait for what is not there yet, by the event loop that each of them runs on.
///
/// One hop wakes all of a loop, however many there are.
struct Waiters {
    /// Called on the reader's event loop.
    typealias Resume = @Sendable () -> Void

    private struct Waiter {
        let awaited: LiveStream.Awaited
        let eventLoop: any EventLoop
        let resume: Resume
    }

    private var waiters: [UInt64: Waiter] = [:]
    private var count: UInt64 = 0

    /// Adds a reader, and returns what to remove it by.
    mutating func add(
        _ awaited: LiveStream.Awaited,
        on eventLoop: any EventLoop,
        _ resume: @escaping Resume
    ) -> UInt64 {
        count += 1
        waiters[count] = Waiter(awaited: awaited, eventLoop: eventLoop, resume: resume)
        return count
    }

    /// Removes a reader that waits no longer.
    mutating func remove(_ id: UInt64) { waiters[id] = nil }

    /// Takes out the readers that have waited long enough.
    mutating func take(where isThere: (LiveStream.Awaited) -> Bool) -> Woken {
        var woken = Woken()
        guard !waiters.isEmpty else { return woken }
        // Most wait for the same, so few are left: those are put together anew, and the many are not removed one by one.
        var left: [UInt64: Waiter] = [:]
        for (id, waiter) in waiters {
            if isThere(waiter.awaited) {
                woken.add(waiter.resume, on: waiter.eventLoop)
            } else {
                left[id] = waiter
            }
        }
        waiters = left
        return woken
    }

    /// How many readers wait.
    var waitingCount: Int { waiters.count }

    /// Readers to be woken once the lock is free.
    struct Woken {
        private var loops: [ObjectIdentifier: (eventLoop: any EventLoop, resumes: [Resume])] = [:]

        fileprivate mutating func add(_ resume: @escaping Resume, on eventLoop: any EventLoop) {
            loops[ObjectIdentifier(eventLoop), default: (eventLoop, [])].resumes.append(resume)
        }

        /// Wakes them, each on its loop.
        func wake() {
            for (eventLoop, resumes) in loops.values {
                eventLoop.execute {
                    for resume in resumes { resume() }
                }
            }
        }
    }
}
