/// The file with the stream keys: `publish-keys` in the data folder.
typealias PublishKeyFile = ListFile<PublishKeyList>

extension PublishKeyFile {
    init(dataDirectory: String) {
        self.init(path: dataDirectory + "/publish-keys")
    }

    /// Reads the keys, and hashes those that a person has written in plain text.
    ///
    /// - Returns: the list; `nil` when there is no file.
    /// - Throws: ``ListFileFailure`` when the file cannot be read or has a line that is wrong.
    func load() throws(ListFileFailure) -> PublishKeyList? {
        guard let list = try read() else { return nil }
        guard list.newlyHashed > 0 else { return list }
        do {
            // Under the lock the file is read again: somebody may have changed it meanwhile.
            return try change { _ in }
        } catch let failure as ListFileFailure {
            throw failure
        } catch {
            throw .inaccessible(path: path, reason: "\(error)")
        }
    }
}
