import Storage

/// What an S3 server says is wrong, in words for an operator.
struct S3Problem: Hashable {
    /// The status of its answer.
    var status: Int
    /// Its word for it, such as `NoSuchBucket`; empty where it has none.
    var code = ""
    /// What it says.
    var message = ""
    /// The region where it says that the bucket is.
    var region: String?
    /// What time it has, in seconds since 1970.
    var serverTime: Int64?

    /// Longer ones are cut: they come from elsewhere, and go into a log.
    private static let longestMessage = 300

    /// Reads an answer.
    ///
    /// - Parameters:
    ///   - status: its status.
    ///   - body: its content.
    ///   - region: what its field `x-amz-bucket-region` says.
    ///   - serverTime: what its field Date says.
    init(status: Int, body: [UInt8], region: String? = nil, serverTime: Int64? = nil) {
        let root = XMLReader.root(of: body)
        let error = root?.name == "Error" ? root : nil
        self.init(error: error ?? XMLElement(name: ""), status: status, region: region, serverTime: serverTime)
    }

    /// Reads the element of an error.
    init(error: XMLElement, status: Int, region: String? = nil, serverTime: Int64? = nil) {
        self.status = status
        self.serverTime = serverTime
        code = Self.printable(error.text(of: "Code") ?? "", 60)
        message = Self.printable(error.text(of: "Message") ?? "", Self.longestMessage)
        self.region = error.text(of: "Region").map { Self.printable($0, 60) } ?? region
    }

    /// What it means for who asked.
    ///
    /// - Parameters:
    ///   - key: what was asked for.
    ///   - configuration: how it was asked for.
    ///   - now: the time here, in seconds since 1970.
    /// - Returns: the failure.
    func failure(_ key: ObjectKey?, configuration: S3Configuration, now: Int64) -> ObjectStoreFailure {
        if let key, code == "NoSuchKey" || (status == 404 && !["NoSuchBucket", "NoSuchUpload"].contains(code)) {
            return .notFound(key)
        }
        if RetryPolicy.isWorthRepeating(.status(status, code: code)) { return .unavailable(answer) }
        return .refused(words(configuration, now: now))
    }

    private func words(_ configuration: S3Configuration, now: Int64) -> String {
        switch code {
        case "RequestTimeTooSkewed", "RequestExpired":
            let seconds = serverTime.map { now - $0 }
            let difference = seconds.map { " by \(abs($0)) seconds" } ?? ""
            let direction = seconds.map { $0 < 0 ? "behind" : "ahead of" } ?? "unlike"
            return "the clock of this machine is \(direction) the store's\(difference): set it, for example by NTP"
        case "InvalidAccessKeyId":
            return "it does not know the access key \(configuration.credentials.accessKey): check LYCEUM_S3_ACCESS_KEY"
        case "SignatureDoesNotMatch":
            return "the signature is wrong: check LYCEUM_S3_SECRET_KEY, and the region \(configuration.region)"
        case "ExpiredToken", "InvalidToken", "TokenRefreshRequired":
            return "the session token does not hold any more: renew LYCEUM_S3_SESSION_TOKEN and its keys"
        case "AccessDenied", "AllAccessDisabled", "AccountProblem":
            return "the access key may not do that in the bucket \(configuration.bucket) (\(answer))"
        case "NoSuchBucket":
            return
                "there is no bucket \(configuration.bucket) at \(configuration.endpoint): make it, or check LYCEUM_S3_BUCKET"
        case "PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed",
            "IllegalLocationConstraintException":
            let place = region.map { "the region \($0)" } ?? "another region"
            return
                "the bucket \(configuration.bucket) is in \(place), not in \(configuration.region): check LYCEUM_S3_REGION"
        case "" where (300...399).contains(status):
            let place = region.map { "the region \($0)" } ?? "another place"
            return "the bucket \(configuration.bucket) is in \(place): check LYCEUM_S3_REGION and LYCEUM_S3_ENDPOINT"
        case "" where status == 403:
            return
                "the access key may not do that in the bucket \(configuration.bucket), or the signature is wrong (status 403)"
        case "EntityTooLarge", "QuotaExceeded", "XMinioStorageFull", "InsufficientCapacity":
            return "it has no room (\(answer))"
        default: return answer
        }
    }

    /// The answer as it came.
    private var answer: String {
        let parts = ["status \(status)", code, message].filter { !$0.isEmpty }
        return parts.joined(separator: ", ")
    }

    private static func printable(_ text: String, _ longest: Int) -> String {
        String(text.unicodeScalars.prefix(longest).map { $0.value < 0x20 || $0.value == 0x7F ? " " : Character($0) })
    }
}
