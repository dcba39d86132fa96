// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Registry of append-only log heads
/// @notice For each log it keeps one head, (size, root), and replaces it only when an RFC 9162 consistency
/// proof shows that the new tree extends the old one. Nobody, its operator included, can make it forget or
/// alter a leaf that was provable under an anchored root.
/// @dev Trees are those of RFC 9162 section 2.1: SHA-256, leaf prefix 0x00, node prefix 0x01. What the
/// registry cannot do is said in contracts/README.md.
interface IAnchorRegistry {
    /// @notice A log was opened with size 0.
    /// @param logId SHA-256 of the 84 bytes originHash (32) || operator (20) || predecessor (32).
    /// @param originHash SHA-256 of the log's checkpoint origin line, without its line feed.
    /// @param predecessor The log id that this log continues, or zero. A claim of the opener, looked up nowhere.
    /// @param operator Who opened the log and may anchor it.
    event Opened(bytes32 indexed logId, bytes32 indexed originHash, bytes32 indexed predecessor, address operator);

    /// @notice The log's head moved forward.
    /// @param logId The log.
    /// @param size Number of leaves, larger than before.
    /// @param root Root hash of these leaves.
    event Anchored(bytes32 indexed logId, uint64 indexed size, bytes32 root);

    /// @notice The operator named a successor, who must still accept.
    /// @param logId The log.
    /// @param operator The address that may accept; zero withdraws the offer.
    event OperatorProposed(bytes32 indexed logId, address indexed operator);

    /// @notice The successor accepted: from now on only `current` anchors this log.
    /// @param logId The log.
    /// @param previous The operator until now.
    /// @param current The operator from now on.
    event OperatorChanged(bytes32 indexed logId, address indexed previous, address indexed current);

    /// @notice The log is closed for ever at this head.
    /// @param logId The log.
    /// @param size The last size.
    /// @param root The last root.
    event Frozen(bytes32 indexed logId, uint64 size, bytes32 root);

    /// @notice The sender opened this very log before.
    error LogAlreadyOpen(bytes32 logId);

    /// @notice Nobody opened a log of this id.
    error UnknownLog(bytes32 logId);

    /// @notice Only the log's operator may do this.
    error NotOperator(bytes32 logId, address caller);

    /// @notice Only the address that the operator proposed may accept.
    error NotProposedOperator(bytes32 logId, address caller);

    /// @notice The log was frozen; nothing about it changes any more.
    error LogFrozen(bytes32 logId);

    /// @notice A head never shrinks.
    error SizeShrinks(uint64 storedSize, uint64 newSize);

    /// @notice Another root is stored for this very size.
    error RootDiffers(uint64 size, bytes32 storedRoot, bytes32 newRoot);

    /// @notice The proof does not show that the new head extends the stored one.
    error InconsistentHeads(uint64 storedSize, uint64 newSize);

    /// @notice This chain has no SHA-256 precompile at address 2; the registry cannot be deployed here.
    error HashUnavailable();

    /// @notice Open a log; anybody may, and the sender becomes its operator.
    /// @dev The id holds the sender, so it cannot be squatted. The predecessor is not looked up: it may live in
    /// another registry or on another chain, and naming one gives no power over it.
    /// @param originHash SHA-256 of the log's checkpoint origin line, without its line feed.
    /// @param predecessor The log id that this log continues after a recovery, or zero.
    /// @return logId SHA-256 of the 84 bytes originHash (32) || sender (20) || predecessor (32).
    function open(bytes32 originHash, bytes32 predecessor) external returns (bytes32 logId);

    /// @notice Replace the head of a log by one that extends it; only its operator may.
    /// @dev From size 0 any head is accepted, with an empty proof. The head that is already stored is accepted
    /// again whatever the proof, and changes nothing and emits nothing, so that a retry is safe.
    /// @param logId The log.
    /// @param newSize Number of leaves of the new tree.
    /// @param newRoot Root hash of the new tree.
    /// @param proof Consistency proof from the stored size to `newSize`, in the order of RFC 9162 section 2.1.4.1.
    function anchor(bytes32 logId, uint64 newSize, bytes32 newRoot, bytes32[] calldata proof) external;

    /// @notice Offer the log to another operator, who must accept; only the operator may. A later offer
    /// replaces this one, zero withdraws it.
    /// @param logId The log.
    /// @param newOperator Who may accept, or zero.
    function proposeOperator(bytes32 logId, address newOperator) external;

    /// @notice Become the operator of a log that was offered to the sender.
    /// @param logId The log.
    function acceptOperator(bytes32 logId) external;

    /// @notice Close the log for ever at its head; only the operator may. There is no way back.
    /// @param logId The log.
    function freeze(bytes32 logId) external;

    /// @notice The whole public state of a log; reverts with UnknownLog if nobody opened it.
    /// @param logId The log.
    /// @return size Number of leaves; 0 before the first anchor.
    /// @return root Root hash; SHA-256 of nothing before the first anchor.
    /// @return operator Who may anchor.
    /// @return isFrozen True once the log is closed for ever.
    function head(bytes32 logId) external view returns (uint64 size, bytes32 root, address operator, bool isFrozen);

    /// @notice Who may anchor this log; zero if nobody opened it.
    /// @param logId The log.
    /// @return The operator.
    function operatorOf(bytes32 logId) external view returns (address);

    /// @notice To whom the log was offered; zero if to nobody.
    /// @param logId The log.
    /// @return The address that may accept.
    function proposedOperatorOf(bytes32 logId) external view returns (address);

    /// @notice Is this the leaf at this index, under the head that is stored now? Reverts with UnknownLog.
    /// @dev It takes the leaf's bytes, not its hash, so that no inner node can pass for a leaf. A proof for an
    /// older head is refused: prove against the size that `head` answers.
    /// @param logId The log.
    /// @param index Zero-based leaf index.
    /// @param leaf The leaf's bytes, hashed here with prefix 0x00.
    /// @param proof Sibling hashes from leaf to root, RFC 9162 section 2.1.3.1.
    /// @return True if the proof leads from the leaf to the stored root.
    function verifyLeaf(bytes32 logId, uint64 index, bytes calldata leaf, bytes32[] calldata proof)
        external
        view
        returns (bool);
}
