import type { WireReader } from "./wire-reader.js";
import type { WireWriter } from "./wire-writer.js";

/*
 * The messages of `Describe` and `grpc.health.v1`, as far as a plugin reads and writes them. Like
 * those of exchanges they are read and written by hand, so that a plugin can answer its host before
 * any RPC stack is loaded.
 */

/** The carriers that a plugin offers (enum Carrier of `plugin.proto`). */
export const carrierNumbers = { stream: 1, mux: 2 } as const;

/** What a plugin's health service says (`grpc.health.v1`, HealthCheckResponse.ServingStatus). */
export const servingStatus = { serving: 1, notServing: 2, serviceUnknown: 3 } as const;

/** What a plugin says about itself (message DescribeResponse of `plugin.proto`). */
export interface Description {
  readonly contractVersion: number;
  readonly servesHttp: boolean;
  /** Numbers of `carrierNumbers`. */
  readonly carriers: readonly number[];
  readonly software: string;
}

/**
 * Reads a DescribeRequest: the versions of the contract that the host speaks.
 *
 * @throws ServeHTTPError `protocol-violation` for a malformed message
 */
export function readDescribeRequest(reader: WireReader): readonly number[] {
  const versions: number[] = [];
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === versionsPackedTag) {
      const packed = reader.nested();
      while (!packed.done) {
        versions.push(packed.varint());
      }
    } else if (tag === versionsTag) {
      versions.push(reader.varint());
    } else {
      reader.skip(tag);
    }
  }
  return versions;
}

/** Writes a DescribeResponse. Returns its buffers, to be written in this order. */
export function writeDescribeResponse(writer: WireWriter, description: Description): Buffer[] {
  writer.beginMessage();
  writer.varint(contractVersionTag);
  writer.varint(description.contractVersion);
  if (description.servesHttp) {
    writer.varint(servesHttpTag);
    writer.varint(1);
  }
  // Each is a byte of its own, as all numbers below 128.
  writer.bytes(carriersTag, Uint8Array.from(description.carriers));
  writer.utf8(softwareTag, description.software);
  return writer.endMessage();
}

/**
 * Reads a HealthCheckRequest: the service that is asked after, empty for the whole server.
 *
 * @throws ServeHTTPError `protocol-violation` for a malformed message
 */
export function readHealthCheckRequest(reader: WireReader): string {
  let service = "";
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === serviceTag) {
      service = reader.utf8();
    } else {
      reader.skip(tag);
    }
  }
  return service;
}

/** Writes a HealthCheckResponse with a status of `servingStatus`. Returns its buffers. */
export function writeHealthCheckResponse(writer: WireWriter, status: number): Buffer[] {
  writer.beginMessage();
  writer.varint(statusTag);
  writer.varint(status);
  return writer.endMessage();
}

// A tag is the field's number times eight, and its wire type: 0 for a number, 2 for bytes.
const versionsTag = 8;
const versionsPackedTag = 10;
const contractVersionTag = 8;
const servesHttpTag = 16;
const carriersTag = 26;
const softwareTag = 34;
const serviceTag = 10;
const statusTag = 8;
