internal import Glibc

/// The user that PostgreSQL runs as and that its files belong to.
struct ClusterOwner: Hashable, Sendable {
    /// Its name.
    let name: String
    /// Its number.
    let userID: UInt32
    /// The number of its first group.
    let groupID: UInt32
    /// Whether this process has to become that user first.
    let isOther: Bool

    /// The candidates when the server runs as root: the one of Debian's package, then the one that is always there.
    static let candidates = ["postgres", "nobody"]

    /// Finds out whom to run as.
    ///
    /// PostgreSQL refuses to run as root. A cluster that is there already is run as whom it belongs to.
    ///
    /// - Parameters:
    ///   - existing: the user that an existing cluster belongs to.
    ///   - folder: the cluster's folder, for messages.
    /// - Returns: the user.
    /// - Throws: ``EmbeddedPostgresError``.
    static func find(existing: UInt32?, folder: String) throws(EmbeddedPostgresError) -> ClusterOwner {
        let own = geteuid()
        guard own == 0 else {
            if let existing, existing != own { throw .foreignOwner(folder: folder, user: existing) }
            guard let owner = ClusterOwner(user: own, isOther: false) else { throw .namelessUser(own) }
            return owner
        }
        if let existing, existing != 0 {
            guard let owner = ClusterOwner(user: existing, isOther: true) else { throw .namelessUser(existing) }
            return owner
        }
        for name in candidates {
            if let owner = ClusterOwner(name: name, isOther: true), owner.userID != 0 { return owner }
        }
        throw .noUnprivilegedUser
    }

    private init?(user: UInt32, isOther: Bool) {
        self.init(isOther: isOther) { entry, buffer, size, result in getpwuid_r(user, entry, buffer, size, result) }
    }

    private init?(name: String, isOther: Bool) {
        self.init(isOther: isOther) { entry, buffer, size, result in getpwnam_r(name, entry, buffer, size, result) }
    }

    private typealias LookUp = (
        UnsafeMutablePointer<passwd>, UnsafeMutablePointer<CChar>, Int,
        UnsafeMutablePointer<UnsafeMutablePointer<passwd>?>
    ) -> Int32

    /// Reads an entry of /etc/passwd.
    private init?(isOther: Bool, _ lookUp: LookUp) {
        var entry = passwd()
        var result: UnsafeMutablePointer<passwd>?
        let found = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 16_384) {
            buffer -> (String, UInt32, UInt32)? in
            guard let base = buffer.baseAddress, lookUp(&entry, base, buffer.count, &result) == 0, result != nil,
                let name = entry.pw_name
            else { return nil }
            return (String(cString: name), entry.pw_uid, entry.pw_gid)
        }
        guard let found else { return nil }
        (name, userID, groupID) = found
        self.isOther = isOther
    }
}
