/**
 * Every bound of the contract, with its unit and its reason. A bound that an option can move names the
 * option. Units are the last word of each name.
 */

/** The version of the contract that this code speaks (`DescribeRequest.contract_versions`). */
export const contractVersion = 1;

/**
 * A chunk of body: 64 KiB. Four HTTP/2 DATA frames of Node's; large enough that the cost of a message is small
 * beside its bytes, small enough that one chunk in each buffer on the way is no memory to speak of. The host
 * option `chunkBytes` lowers it.
 */
export const bodyChunkBytesMax = 65_536;

/** A header or trailer section on the wire: 128 KiB. Twice what Node accepts from a client by default is ample. */
export const fieldSectionBytesMax = 131_072;

/** Header fields in one section: 1,000; Node's own `maxHeadersCount` is 2,000 strings. */
export const fieldCountMax = 1_000;

/** A header field's name: 256 bytes. */
export const fieldNameBytesMax = 256;

/** Interim responses in one exchange: 16, so that a plugin can't keep a client busy without answering. */
export const informationalCountMax = 16;

/** One message of ServeHTTP: a chunk and a head, with room for tags. What is longer is refused unread. */
export const messageBytesMax = bodyChunkBytesMax + 2 * fieldSectionBytesMax;

/** Credit that each direction of an exchange on mux starts with, in bytes of body: 256 KiB. */
export const muxWindowBytes = 262_144;

/**
 * What the window of an exchange on mux grows by whose consumer keeps up: 768 KiB, to 1 MiB, so that the sender of bulk need not
 * wait for the round trip.
 */
export const muxWindowGrowthBytes = 786_432;

/**
 * What a consumer must have taken before its window grows: 16 MiB, more than the kernel's buffers take for a client that does not read
 * (on Linux up to 4 MiB to be sent and 6 MiB to be read), so that one who stalls from the start never holds more than it began with.
 */
export const muxGrowthAfterBytes = 16_777_216;

/** What all windows of one direction of a mux RPC grow by together: 16 MiB. */
export const muxGrowthBytesMax = 16_777_216;

/** Credit that may be open in one direction of an exchange on mux: 16 MiB, the sum that must not overflow. */
export const muxCreditBytesMax = 16_777_216;

/** What one mux message holds at the most of its sender's choosing: 256 KiB, so that no batch delays the next for long. */
export const muxBatchBytesMax = 262_144;

/**
 * What of one exchange waits at its sender on mux before that one is told to wait: 128 KiB, so that one chunk is ready
 * while the next is made. It may go on when half of it has gone.
 */
export const muxWaitingBytesMax = 131_072;

/** A mux message longer than this is refused unread: 1 MiB. */
export const muxMessageBytesMax = 1_048_576;

/** Body of a request that nobody reads, discarded before the client's connection is closed: 256 KiB, as Go does. */
export const discardBytesMax = 262_144;

/** Entries of `RequestInit.context`: 64. */
export const contextEntriesMax = 64;

/** Names and values of `RequestInit.context` together: 16 KiB. */
export const contextBytesMax = 16_384;

/** The reason phrase of a response: 256 bytes. The longest registered one has 31. */
export const reasonPhraseBytesMax = 256;

/** The message of a reset or a status, for the other side's log: 1 KiB. */
export const reasonBytesMax = 1_024;
