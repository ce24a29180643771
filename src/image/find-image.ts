import { isDobosError } from '../base/errors.ts';
import { isDigest } from '../oci/digest.ts';
import {
  familiarName,
  formatReference,
  parseReference,
  type Reference,
  withDefaultTag,
} from '../oci/reference.ts';
import type { Descriptor, Digest } from '../oci/types.ts';
import type { LocalStore } from '../store/contract.ts';
import { cutLayers } from './edit-config.ts';
import { imageError } from './errors.ts';
import { candidates } from './list-images.ts';
import { type ReadImageOptions, readImage } from './read-image.ts';
import type { Image } from './types.ts';

/** Ids listed in an error about an ambiguous one. */
const MAX_LISTED = 10;

/** What a person's word for an image stands for. */
export interface FoundImage {
  readonly image: Image;
  /** The full name in the store, if it was found by one. */
  readonly name?: string | undefined;
  /** What the name or id points at: an index where the image was chosen from one. */
  readonly target: Descriptor;
}

/**
 * The image that a person means: a name (`debian`, `debian:12`, `name@sha256:…`), a whole id or the start of one, or any of these with `~N` for the image N layers before its top.
 * Names come before ids, as with docker. An id is a config's digest or a manifest's. Images without a name are found among the store's roots `step` and `untagged`.
 * @throws IMAGE_UNKNOWN, IMAGE_AMBIGUOUS, IMAGE_CUT, OCI_REFERENCE_INVALID, and as `readImage`
 */
export async function findImage(store: LocalStore, text: string, o: ReadImageOptions = {}): Promise<Image> {
  return (await lookUpImage(store, text, o)).image;
}

/** As `findImage`, with how it was found. */
export async function lookUpImage(
  store: LocalStore,
  text: string,
  o: ReadImageOptions = {},
): Promise<FoundImage> {
  const [, whole = text, tilde] = /^(.+)~(\d{1,4})$/.exec(text) ?? [];
  const found = (await findByName(store, whole, o)) ?? (await findById(store, whole, o));
  if (found === undefined) throw await unknown(store, whole);
  const image = await readImage(store, found.target, o);
  if (tilde === undefined) return { ...found, image };
  const count = Number(tilde);
  if (count > image.layers.length) {
    throw imageError('IMAGE_CUT', { name: whole, wanted: count, layers: image.layers.length });
  }
  return { target: found.target, image: cutLayers(image, count) };
}

type Found = Omit<FoundImage, 'image'>;

async function findByName(store: LocalStore, text: string, o: ReadImageOptions): Promise<Found | undefined> {
  const reference = tryReference(text);
  // The exact text too: layouts of other tools hold bare tags as names.
  const names = reference === undefined ? [text] : [formatReference(withDefaultTag(reference)), text];
  for (const name of names) {
    const target = await tryResolve(store, name, o);
    if (target !== undefined && (reference?.digest === undefined || target.digest === reference.digest)) {
      return { name, target };
    }
  }
  return reference?.digest === undefined ? undefined : findPinned(store, reference, reference.digest, o);
}

/** `name@digest`: some name of that repository points there. */
async function findPinned(
  store: LocalStore,
  wanted: Reference,
  digest: Digest,
  o: ReadImageOptions,
): Promise<Found | undefined> {
  for await (const [name, target] of store.list(o)) {
    if (target.digest !== digest) continue;
    const reference = tryReference(name);
    if (reference?.registry === wanted.registry && reference.repository === wanted.repository) {
      return { name, target };
    }
  }
  return undefined;
}

async function findById(store: LocalStore, text: string, o: ReadImageOptions): Promise<Found | undefined> {
  const hex = text.startsWith('sha256:') ? text.slice('sha256:'.length) : text;
  if (!/^[a-f0-9]{1,64}$/.test(hex)) return undefined;
  const prefix = `sha256:${hex}`;
  const byId = new Map<Digest, Found>();
  for await (const { target, name, id } of candidates(store, o)) {
    const key = id?.startsWith(prefix) ? id : target.digest.startsWith(prefix) ? target.digest : undefined;
    if (key !== undefined && !byId.has(key)) byId.set(key, { target, ...(name !== undefined && { name }) });
  }
  // An image whose id and manifest digest both match is one match.
  const targets = new Set([...byId.values()].map((found) => found.target.digest));
  if (targets.size > 1) {
    const matches = [...byId.keys()]
      .slice(0, MAX_LISTED)
      .map((id) => id.slice('sha256:'.length, 'sha256:'.length + Math.max(12, hex.length + 4)));
    throw imageError('IMAGE_AMBIGUOUS', { name: text, matches });
  }
  return byId.values().next().value;
}

async function unknown(store: LocalStore, text: string): Promise<Error> {
  const reference = tryReference(text);
  if (reference === undefined && !isDigest(text) && !/^[a-f0-9]+$/.test(text)) parseReference(text);
  const near: string[] = [];
  for await (const [name] of store.list()) {
    const other = tryReference(name);
    const last = (each: Reference) => each.repository.slice(each.repository.lastIndexOf('/') + 1);
    if (
      other !== undefined &&
      reference !== undefined &&
      last(other) === last(reference) &&
      near.length < 5
    ) {
      near.push(familiarName(other));
    }
  }
  return imageError('IMAGE_UNKNOWN', { name: text, near });
}

function tryReference(text: string): Reference | undefined {
  try {
    return parseReference(text);
  } catch {
    return undefined;
  }
}

async function tryResolve(
  store: LocalStore,
  name: string,
  o: ReadImageOptions,
): Promise<Descriptor | undefined> {
  try {
    return await store.resolve(name, o);
  } catch (error) {
    if (isDobosError(error, 'STORE_NAME_UNKNOWN')) return undefined;
    throw error;
  }
}
