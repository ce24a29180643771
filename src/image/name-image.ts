import { isDobosError } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import { digestHex } from '../oci/digest.ts';
import type { Descriptor } from '../oci/types.ts';
import type { LocalStore } from '../store/contract.ts';

/** Kind of the roots that keep images without a name; their id is the hex of the manifest's digest. */
export const UNTAGGED = 'untagged';

/** Points the full name at the image. An image that thereby loses its last name stays as `<none>` until it is pruned, as with docker. */
export async function nameImage(
  store: LocalStore,
  name: string,
  target: Descriptor,
  o: CallOptions = {},
): Promise<void> {
  const before = await store.resolve(name, o).catch((error: unknown) => {
    if (isDobosError(error, 'STORE_NAME_UNKNOWN')) return undefined;
    throw error;
  });
  await store.tag(name, target, o);
  await store.roots.remove(UNTAGGED, digestHex(target.digest));
  if (before !== undefined && before.digest !== target.digest) await keepUntagged(store, before, o);
}

/** Keeps the image as `<none>` unless a name points at it. */
export async function keepUntagged(
  store: LocalStore,
  target: Descriptor,
  o: CallOptions = {},
): Promise<void> {
  for await (const [, other] of store.list(o)) if (other.digest === target.digest) return;
  const { mediaType, digest, size } = target;
  const id = digestHex(digest);
  // Once kept is kept: a build that finds everything writes nothing.
  if ((await store.roots.get(UNTAGGED, id, o)) !== undefined && (await store.has(target, o))) return;
  await store.roots.put({ kind: UNTAGGED, id, targets: [{ mediaType, digest, size }] }, o);
}
