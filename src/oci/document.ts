/**
 * Reading a JSON document with errors that name the place: small checks by hand, since a schema library costs start time.
 * `null` in an optional place reads as absent.
 * @module
 */
import { isDigest } from './digest.ts';
import { ociError } from './errors.ts';
import type { Annotations, Descriptor, Digest, Platform } from './types.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** Checks of one kind of document; every check takes the value and its path. */
export interface DocumentReader {
  readonly fail: (path: string, got: unknown, want: string) => Error;
  object(value: unknown, path: string): JsonObject;
  string(value: unknown, path: string): string;
  integer(value: unknown, path: string): number;
  digest(value: unknown, path: string): Digest;
  array<T>(value: unknown, path: string, item: (value: unknown, path: string) => T): T[];
  strings(value: unknown, path: string): string[];
  stringMap(value: unknown, path: string): Readonly<Record<string, string>>;
  /** The object with known optional keys checked; a key that is `null` or absent is left out, unknown keys stay. */
  fields(
    raw: JsonObject,
    path: string,
    checks: Readonly<Record<string, (value: unknown, path: string) => unknown>>,
  ): JsonObject;
  descriptor(value: unknown, path: string): Descriptor;
  platform(value: unknown, path: string): Platform;
}

/** The document's JSON value. @throws OCI_DOCUMENT_TOO_LARGE, OCI_DOCUMENT_INVALID */
export function parseJson(document: string, bytes: Uint8Array, limit: number): unknown {
  if (bytes.length > limit) throw ociError('OCI_DOCUMENT_TOO_LARGE', { document, size: bytes.length, limit });
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    const got = bytes.length === 0 ? 'nothing' : 'something else';
    throw ociError('OCI_DOCUMENT_INVALID', { document, path: '', got, want: 'JSON in UTF-8' }, { cause });
  }
}

const MEDIA_TYPE = /^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}$/;

/** A reader whose errors name the document. */
export function createReader(document: string): DocumentReader {
  const fail = (path: string, got: unknown, want: string) =>
    ociError('OCI_DOCUMENT_INVALID', { document, path, got: show(got), want });
  const object = (value: unknown, path: string): JsonObject => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw fail(path, value, 'an object');
    return value as JsonObject;
  };
  const string = (value: unknown, path: string): string => {
    if (typeof value !== 'string') throw fail(path, value, 'a string');
    return value;
  };
  const integer = (value: unknown, path: string): number => {
    if (!Number.isSafeInteger(value)) throw fail(path, value, 'a whole number');
    return value as number;
  };
  const size = (value: unknown, path: string): number => {
    if (!Number.isSafeInteger(value) || (value as number) < 0)
      throw fail(path, value, 'a size in bytes, 0 or more');
    return value as number;
  };
  const digest = (value: unknown, path: string): Digest => {
    if (!isDigest(value)) throw fail(path, value, 'a sha256 or sha512 digest in lower-case hex');
    return value;
  };
  const mediaType = (value: unknown, path: string): string => {
    if (typeof value !== 'string' || !MEDIA_TYPE.test(value)) throw fail(path, value, 'a media type');
    return value;
  };
  const array = <T>(value: unknown, path: string, item: (value: unknown, path: string) => T): T[] => {
    if (!Array.isArray(value)) throw fail(path, value, 'a list');
    return value.map((each, i) => item(each, `${path}[${i}]`));
  };
  const strings = (value: unknown, path: string): string[] => array(value, path, string);
  const stringMap = (value: unknown, path: string): Annotations => {
    const map = object(value, path);
    for (const [key, each] of Object.entries(map)) string(each, `${path}.${key}`);
    return map as Annotations;
  };
  const fields: DocumentReader['fields'] = (raw, path, checks) =>
    Object.fromEntries(
      Object.entries(raw).flatMap(([key, value]) => {
        if (!Object.hasOwn(checks, key)) return [[key, value]];
        if (value === null) return [];
        return [[key, checks[key]!(value, path === '' ? key : `${path}.${key}`)]];
      }),
    );
  const platform = (value: unknown, path: string): Platform => {
    const raw = fields(object(value, path), path, {
      os: string,
      architecture: string,
      variant: string,
      'os.version': string,
      'os.features': strings,
    });
    string(raw.os, `${path}.os`);
    string(raw.architecture, `${path}.architecture`);
    return raw as unknown as Platform;
  };
  const descriptor = (value: unknown, path: string): Descriptor => {
    const raw = object(value, path);
    mediaType(raw.mediaType, `${path}.mediaType`);
    digest(raw.digest, `${path}.digest`);
    size(raw.size, `${path}.size`);
    const checks = { platform, annotations: stringMap, artifactType: string, urls: strings, data: string };
    return fields(raw, path, checks) as unknown as Descriptor;
  };
  return { fail, object, string, integer, digest, array, strings, stringMap, fields, descriptor, platform };
}

function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = JSON.stringify(value);
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
