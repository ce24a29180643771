import type { CallOptions } from '../base/options.ts';
import type { Descriptor, Digest } from '../oci/types.ts';
import type { Root } from './contract.ts';
import { isForeignLayer, isManifest, linksOf } from './manifest-links.ts';

/** Manifests read between two turns of the event loop. */
const READS_PER_TURN = 64;

export interface Marked {
  /** Every blob that is reached, stored or not. */
  readonly live: ReadonlySet<Digest>;
  /** Roots whose `onlyWith` nothing else reaches: they count for nothing. */
  readonly deadRoots: readonly Root[];
  /** References to blobs that are not stored, with the blob that refers to them. */
  readonly missing: readonly { readonly blob: Descriptor; readonly from: Descriptor | undefined }[];
}

export interface MarkSource {
  /** Bytes of a manifest, undefined if it is missing or too large. */
  read(digest: Digest): Uint8Array | undefined;
  has(blob: Descriptor): boolean;
}

/** What names, leases and roots reach: manifests are followed to configs and layers, indexes to manifests. Broken manifests reach nothing. */
export async function markLive(
  starts: readonly Descriptor[],
  roots: readonly Root[],
  source: MarkSource,
  o: CallOptions = {},
): Promise<Marked> {
  const live = new Set<Digest>();
  const followed = new Set<Digest>();
  const missing: Marked['missing'][number][] = [];

  const follow = async (from: readonly Descriptor[]): Promise<void> => {
    const queue: { blob: Descriptor; from: Descriptor | undefined }[] = [];
    for (const blob of from) queue.push({ blob, from: undefined });
    let reads = 0;
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      const { blob } = next;
      const known = live.has(blob.digest);
      live.add(blob.digest);
      if (!known && !source.has(blob)) missing.push(next);
      if (!isManifest(blob) || followed.has(blob.digest)) continue;
      followed.add(blob.digest);
      const bytes = source.read(blob.digest);
      for (const link of bytes === undefined ? [] : linksOf(bytes).links) {
        queue.push({ blob: link, from: blob });
      }
      if (++reads % READS_PER_TURN === 0) {
        o.signal?.throwIfAborted();
        await new Promise((resume) => setImmediate(resume));
      }
    }
  };

  await follow(starts);
  let waiting: readonly Root[] = roots;
  for (;;) {
    const counting: Root[] = [];
    const rest: Root[] = [];
    for (const root of waiting) {
      (root.onlyWith === undefined || live.has(root.onlyWith) ? counting : rest).push(root);
    }
    if (counting.length === 0) return { live, deadRoots: waiting, missing };
    waiting = rest;
    await follow(counting.flatMap(({ targets }) => targets));
  }
}

/** Of what is missing that which should be there: not foreign layers, and not images of an index of which another one is there, since a pull brings one platform's only. */
export function missingByDamage(missing: Marked['missing'], source: MarkSource): Marked['missing'] {
  const partly = new Map<Digest, boolean>();
  const isPartlyHere = (index: Descriptor): boolean => {
    const known = partly.get(index.digest);
    if (known !== undefined) return known;
    const bytes = source.read(index.digest);
    const links = bytes === undefined ? [] : linksOf(bytes).links;
    const found = links.some((link) => isManifest(link) && source.has(link));
    partly.set(index.digest, found);
    return found;
  };
  return missing.filter(
    ({ blob, from }) =>
      !isForeignLayer(blob) && !(isManifest(blob) && from !== undefined && isPartlyHere(from)),
  );
}
