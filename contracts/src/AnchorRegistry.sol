// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAnchorRegistry} from "./IAnchorRegistry.sol";

/// @title Registry of append-only log heads
/// @notice See IAnchorRegistry. No owner, no proxy, no fee, no call to another contract: the code below is all
/// that can ever happen to a log.
/// @dev Reads neither the chain id nor the clock, and proves with SHA-256 only, so that the same bytes run on
/// Ethereum, Besu QBFT and FISCO BCOS.
contract AnchorRegistry is IAnchorRegistry {
    /// @dev Two slots: (size 8 bytes | operator 20 | isFrozen 1), root. A log exists if its operator is not zero.
    struct Log {
        uint64 size;
        address operator;
        bool isFrozen;
        bytes32 root;
    }

    /// @dev RFC 9162 section 2.1.1: the root of the empty tree is SHA-256 of nothing.
    bytes32 private constant EMPTY_ROOT = 0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855;

    mapping(bytes32 logId => Log) private _logs;
    mapping(bytes32 logId => address) private _proposed;

    /// @dev Refuses a chain without the SHA-256 precompile, where a call to it would answer nothing and "succeed".
    constructor() {
        if (sha256("") != EMPTY_ROOT) revert HashUnavailable();
    }

    /// @inheritdoc IAnchorRegistry
    function open(bytes32 originHash, bytes32 predecessor) external returns (bytes32 logId) {
        logId = sha256(abi.encodePacked(originHash, msg.sender, predecessor));
        if (_logs[logId].operator != address(0)) revert LogAlreadyOpen(logId);
        _logs[logId] = Log({size: 0, operator: msg.sender, isFrozen: false, root: EMPTY_ROOT});
        emit Opened(logId, originHash, predecessor, msg.sender);
    }

    /// @inheritdoc IAnchorRegistry
    function anchor(bytes32 logId, uint64 newSize, bytes32 newRoot, bytes32[] calldata proof) external {
        Log storage log = _logs[logId];
        (uint64 size, bytes32 root) = (log.size, log.root);
        _requireWritable(logId, log.operator, log.isFrozen);
        if (newSize < size) revert SizeShrinks(size, newSize);
        if (newSize == size) {
            if (newRoot != root) revert RootDiffers(size, root, newRoot);
            return;
        }
        if (size == 0 ? proof.length != 0 : !_isConsistent(size, newSize, root, newRoot, proof)) {
            revert InconsistentHeads(size, newSize);
        }
        log.size = newSize;
        log.root = newRoot;
        emit Anchored(logId, newSize, newRoot);
    }

    /// @inheritdoc IAnchorRegistry
    function proposeOperator(bytes32 logId, address newOperator) external {
        _writable(logId);
        _proposed[logId] = newOperator;
        emit OperatorProposed(logId, newOperator);
    }

    /// @inheritdoc IAnchorRegistry
    function acceptOperator(bytes32 logId) external {
        Log storage log = _existing(logId);
        if (msg.sender != _proposed[logId]) revert NotProposedOperator(logId, msg.sender);
        if (log.isFrozen) revert LogFrozen(logId);
        emit OperatorChanged(logId, log.operator, msg.sender);
        log.operator = msg.sender;
        delete _proposed[logId];
    }

    /// @inheritdoc IAnchorRegistry
    function freeze(bytes32 logId) external {
        Log storage log = _writable(logId);
        log.isFrozen = true;
        emit Frozen(logId, log.size, log.root);
    }

    /// @inheritdoc IAnchorRegistry
    function head(bytes32 logId) external view returns (uint64 size, bytes32 root, address operator, bool isFrozen) {
        Log storage log = _existing(logId);
        return (log.size, log.root, log.operator, log.isFrozen);
    }

    /// @inheritdoc IAnchorRegistry
    function operatorOf(bytes32 logId) external view returns (address) {
        return _logs[logId].operator;
    }

    /// @inheritdoc IAnchorRegistry
    function proposedOperatorOf(bytes32 logId) external view returns (address) {
        return _proposed[logId];
    }

    /// @inheritdoc IAnchorRegistry
    function verifyLeaf(bytes32 logId, uint64 index, bytes calldata leaf, bytes32[] calldata proof)
        external
        view
        returns (bool)
    {
        Log storage log = _existing(logId);
        return _isIncluded(index, log.size, sha256(abi.encodePacked(bytes1(0x00), leaf)), log.root, proof);
    }

    /// @dev The log, which somebody must have opened.
    function _existing(bytes32 logId) private view returns (Log storage log) {
        log = _logs[logId];
        if (log.operator == address(0)) revert UnknownLog(logId);
    }

    /// @dev The log, which the sender must be allowed to change.
    function _writable(bytes32 logId) private view returns (Log storage log) {
        log = _logs[logId];
        _requireWritable(logId, log.operator, log.isFrozen);
    }

    /// @dev On values, not on the log, so that `anchor` reads its first slot once.
    function _requireWritable(bytes32 logId, address operator, bool isFrozen) private view {
        if (operator == address(0)) revert UnknownLog(logId);
        if (msg.sender != operator) revert NotOperator(logId, msg.sender);
        if (isFrozen) revert LogFrozen(logId);
    }

    /// @dev RFC 9162 section 2.1.4.2, names as there (fn, sn, fr, sr). Requires 0 < oldSize < newSize.
    function _isConsistent(
        uint64 oldSize,
        uint64 newSize,
        bytes32 oldRoot,
        bytes32 newRoot,
        bytes32[] calldata proof
    ) internal view returns (bool) {
        if (proof.length == 0) return false;
        uint256 fn = oldSize - 1;
        uint256 sn = newSize - 1;
        while (fn & 1 == 1) (fn, sn) = (fn >> 1, sn >> 1);
        // A power of two is a complete subtree: its root is left out of the proof.
        bool isComplete = fn == 0;
        bytes32 fr = isComplete ? oldRoot : proof[0];
        bytes32 sr = fr;
        for (uint256 i = isComplete ? 0 : 1; i < proof.length; ++i) {
            if (sn == 0) return false;
            bytes32 c = proof[i];
            if (fn & 1 == 1 || fn == sn) {
                // Both chains are equal until the first hash from the right: hash once.
                bytes32 next = _node(c, fr);
                sr = sr == fr ? next : _node(c, sr);
                fr = next;
                while (fn & 1 == 0 && fn != 0) (fn, sn) = (fn >> 1, sn >> 1);
            } else {
                sr = _node(sr, c);
            }
            (fn, sn) = (fn >> 1, sn >> 1);
        }
        return sn == 0 && fr == oldRoot && sr == newRoot;
    }

    /// @dev RFC 9162 section 2.1.3.2, names as there (fn, sn, r).
    function _isIncluded(uint64 index, uint64 size, bytes32 leafHash, bytes32 root, bytes32[] calldata proof)
        internal
        view
        returns (bool)
    {
        if (index >= size) return false;
        uint256 fn = index;
        uint256 sn = size - 1;
        bytes32 r = leafHash;
        for (uint256 i = 0; i < proof.length; ++i) {
            if (sn == 0) return false;
            if (fn & 1 == 1 || fn == sn) {
                r = _node(proof[i], r);
                while (fn & 1 == 0 && fn != 0) (fn, sn) = (fn >> 1, sn >> 1);
            } else {
                r = _node(r, proof[i]);
            }
            (fn, sn) = (fn >> 1, sn >> 1);
        }
        return sn == 0 && r == root;
    }

    /// @dev SHA-256(0x01 || left || right) through the precompile at address 2, in memory that nothing else uses.
    /// That call can only run out of gas. Virtual only so that a symbolic prover, which cannot run the precompile,
    /// may put another hash in its place.
    function _node(bytes32 left, bytes32 right) internal view virtual returns (bytes32 hash) {
        assembly ("memory-safe") {
            let buffer := mload(0x40)
            mstore8(buffer, 1)
            mstore(add(buffer, 1), left)
            mstore(add(buffer, 33), right)
            if iszero(staticcall(gas(), 2, buffer, 65, 0, 32)) { revert(0, 0) }
            hash := mload(0)
        }
    }
}
