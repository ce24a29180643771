import { isDobosError } from '../base/errors.ts';
import { formatReference, parseReference, withDefaultTag } from '../oci/reference.ts';
import type { Descriptor, Digest } from '../oci/types.ts';
import type { LocalStore } from '../store/contract.ts';

/** Kind of the roots that keep images without a name: `<none>` in `images` until they are pruned. Id: hex of the manifest digest. */
export const UNTAGGED = 'untagged';

/** The full name with its tag: `app` gives `docker.io/library/app:latest`. @throws OCI_REFERENCE_… */
export const fullName = (text: string): string => formatReference(withDefaultTag(parseReference(text)));

/** Gives the image a name. Who had that name before and has no other stays as `<none>`. */
export async function nameImage(store: LocalStore, name: string, image: Descriptor): Promise<void> {
  const before = await resolveOrNone(store, name);
  await store.tag(name, image);
  await store.roots.remove(UNTAGGED, rootId(image.digest));
  if (before !== undefined && before.digest !== image.digest) await keepUnnamed(store, before);
}

/** Keeps an image as `<none>` if no name points at it. */
export async function keepUnnamed(store: LocalStore, image: Descriptor): Promise<void> {
  if ((await namesOf(store, image.digest)).length > 0) return;
  const { mediaType, digest, size } = image;
  await store.roots.put({ kind: UNTAGGED, id: rootId(digest), targets: [{ mediaType, digest, size }] });
}

/** All names that point at this manifest, sorted. */
export async function namesOf(store: LocalStore, manifest: Digest): Promise<string[]> {
  const names: string[] = [];
  for await (const [name, target] of store.list()) if (target.digest === manifest) names.push(name);
  return names;
}

/** The target of a name, or undefined where there is none. */
export async function resolveOrNone(store: LocalStore, name: string): Promise<Descriptor | undefined> {
  try {
    return await store.resolve(name);
  } catch (error) {
    if (isDobosError(error, 'STORE_NAME_UNKNOWN')) return undefined;
    throw error;
  }
}

/** The id under which a root for this manifest is kept. */
export const rootId = (digest: Digest): string => digest.slice(digest.indexOf(':') + 1);
