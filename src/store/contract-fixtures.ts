/** What the tests of stores share: blobs and images made of text, and expectations. */
import { expect } from 'vitest';
import { collect, sha256, streamOf } from '../base/bytes.ts';
import { isDobosError } from '../base/errors.ts';
import type { Descriptor } from '../oci/types.ts';
import type { LocalStore } from './contract.ts';

export const BLOB = 'application/octet-stream';
export const CONFIG = 'application/vnd.oci.image.config.v1+json';
export const LAYER = 'application/vnd.oci.image.layer.v1.tar';
export const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const INDEX = 'application/vnd.oci.image.index.v1+json';

/** A descriptor of these bytes. */
export function describeBytes(bytes: string | Buffer, mediaType: string = BLOB): Descriptor {
  return { mediaType, digest: sha256(bytes), size: Buffer.byteLength(bytes) };
}

/** Stores a text. */
export async function putText(
  store: Pick<LocalStore, 'put'>,
  text: string,
  mediaType?: string,
): Promise<Descriptor> {
  const blob = describeBytes(text, mediaType);
  await store.put(blob, streamOf(Buffer.from(text)));
  return blob;
}

/** Stores a document. */
export async function putJson(
  store: Pick<LocalStore, 'put'>,
  mediaType: string,
  value: object,
): Promise<Descriptor> {
  return putText(store, JSON.stringify(value), mediaType);
}

/** Stores an image of one layer whose bytes are `text`. */
export async function putImage(
  store: Pick<LocalStore, 'put'>,
  text: string,
): Promise<{
  readonly manifest: Descriptor;
  readonly layer: Descriptor;
  readonly all: readonly Descriptor[];
}> {
  const layer = await putText(store, text, LAYER);
  const config = await putJson(store, CONFIG, { os: 'linux', architecture: 'amd64', author: text });
  const manifest = await putJson(store, MANIFEST, {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config,
    layers: [layer],
  });
  return { manifest, layer, all: [manifest, config, layer] };
}

export async function readText(store: LocalStore, blob: Descriptor): Promise<string> {
  return (await collect(store.open(blob), 1_000_000)).toString();
}

export async function listNames(store: LocalStore): Promise<string[]> {
  return (await toArray(store.list())).map(([name]) => name);
}

export async function expectClean(store: LocalStore): Promise<void> {
  expect(await toArray(store.check())).toEqual([]);
}

export async function expectCode(work: Promise<unknown>, code: string): Promise<void> {
  const error = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(isDobosError(error, code), `want ${code}, got ${error}`).toBe(true);
}

/** All items. */
export async function toArray<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
