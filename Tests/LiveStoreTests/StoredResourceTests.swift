import LiveStore
import NIOCore
import Synchronization
import TestSupport
import Testing

@Suite("Stored resource")
struct StoredResourceTests {
    private struct Refused: Error {}

    @Test("a derived form is made once and then shared")
    func once() {
        let original = stored("a")
        let made = Counter()
        for _ in 0..<3 {
            let form = original.derived(StoredResource.DerivedForm("gzip")) { original in
                _ = made.next()
                return ByteBuffer(string: "\(original.name) smaller")
            }
            #expect(form == ByteBuffer(string: "a smaller"))
        }
        #expect(made.next() == 2)
    }

    @Test("forms do not mix, and one that could not be made is tried again")
    func forms() {
        let original = stored("a")
        #expect(throws: Refused.self) {
            try original.derived(StoredResource.DerivedForm("head")) { _ in throw Refused() }
        }
        let head = original.derived(StoredResource.DerivedForm("head")) { _ in ByteBuffer(string: "head") }
        let gzip = original.derived(StoredResource.DerivedForm("gzip")) { _ in ByteBuffer(string: "gzip") }
        #expect(head != gzip)
    }

    @Test("readers that derive at the same moment all get the same bytes")
    func together() async {
        for _ in 0..<200 {
            let original = stored("a")
            let number = Counter()
            let derive: @Sendable () -> ByteBuffer = {
                original.derived(StoredResource.DerivedForm("gzip")) { _ in ByteBuffer(integer: number.next()) }
            }
            let forms = await overlapping([derive, derive])
            #expect(forms.count == 2 && forms[0] == forms[1])
        }
    }

    private final class Counter: Sendable {
        private let value = Atomic(0)

        func next() -> Int { value.add(1, ordering: .relaxed).newValue }
    }
}
