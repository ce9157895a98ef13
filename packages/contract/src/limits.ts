/**
 * Every bound of the contract, with its unit and its reason. Where an option can change a bound,
 * the bound names the option. Units are the last word of each name.
 */

/** The version of the contract that this code speaks (`DescribeRequest.contract_versions`). */
export const contractVersion = 1;

/**
 * A chunk of body: 64 KiB, four DATA frames of Node's HTTP/2. It is large enough that a message
 * costs little beside its bytes, and small enough that a chunk in every buffer takes little memory.
 * The host option `chunkBytes` lowers it.
 */
export const bodyChunkBytesMax = 65_536;

/**
 * A header or trailer section on the wire: 128 KiB, far more than the 16 KiB that Node accepts from
 * a client by default.
 */
export const fieldSectionBytesMax = 131_072;

/** Header fields in one section: 1,000; Node's own `maxHeadersCount` is 2,000 strings. */
export const fieldCountMax = 1_000;

/** A header field's name: 256 bytes. */
export const fieldNameBytesMax = 256;

/**
 * Interim responses in one exchange: 16, so that a plugin can't keep a client busy without
 * answering.
 */
export const informationalCountMax = 16;

/** One message of ServeHTTP: a chunk and two header sections. A longer one is refused unread. */
export const messageBytesMax = bodyChunkBytesMax + 2 * fieldSectionBytesMax;

/** The credit that each direction of an exchange on mux starts with, in bytes of body: 256 KiB. */
export const muxWindowBytes = 262_144;

/**
 * How much the window of an exchange on mux grows when its consumer keeps up: by 768 KiB, to 1 MiB.
 * Then the sender of bulk need not wait for the round trip.
 */
export const muxWindowGrowthBytes = 786_432;

/**
 * What a consumer must have taken before its window grows: 16 MiB. The kernel takes less than that
 * for a client that does not read (on Linux up to 4 MiB to be sent and 6 MiB to be read). So a
 * client that stalls from the start never holds more than the first window.
 */
export const muxGrowthAfterBytes = 16_777_216;

/** What all windows of one direction of a mux RPC may grow by together: 16 MiB. */
export const muxGrowthBytesMax = 16_777_216;

/**
 * The credit that may be open in one direction of an exchange on mux: 16 MiB, so that the sum can't
 * overflow.
 */
export const muxCreditBytesMax = 16_777_216;

/**
 * The most that the sender puts into one mux message: 256 KiB, so that no batch delays the next for
 * long.
 */
export const muxBatchBytesMax = 262_144;

/**
 * The same where one exchange alone has body to send: 384 KiB, all that may wait of it. Each message
 * costs its sender a few calls more than a longer one would, and there is nobody else to wait for it.
 */
export const muxLoneBatchBytesMax = 393_216;

/**
 * How much of one exchange may wait at its sender on mux before the sender is told to wait: 128
 * KiB, so that one chunk is ready while the next is made. The sender goes on when half of that has
 * gone.
 */
export const muxWaitingBytesMax = 131_072;

/**
 * How much more may wait of an exchange of which 16 MiB (`muxGrowthAfterBytes`) have gone: 256 KiB.
 * While the connection's socket is full, its sender goes on reading, and what it has read then goes
 * out together. All exchanges of one RPC and direction get no more of it than `muxGrowthBytesMax`.
 */
export const muxWaitingGrowthBytes = 262_144;

/** A mux message longer than this is refused unread: 1 MiB. */
export const muxMessageBytesMax = 1_048_576;

/**
 * How much of a request's body is read and dropped before the client's connection is closed: 256
 * KiB, as Go does.
 */
export const discardBytesMax = 262_144;

/** `RequestInit.base_path`: 1 KiB, eight times the longest id of a plugin. */
export const basePathBytesMax = 1_024;

/** Entries of `RequestInit.context`: 64. */
export const contextEntriesMax = 64;

/** Names and values of `RequestInit.context` together: 16 KiB. */
export const contextBytesMax = 16_384;

/** The reason phrase of a response: 256 bytes. The longest registered one has 31. */
export const reasonPhraseBytesMax = 256;

/** The message of a reset or a gRPC status, for the log of the other end: 1 KiB. */
export const reasonBytesMax = 1_024;
