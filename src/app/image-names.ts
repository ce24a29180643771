import { isDobosError } from '../base/errors.ts';
import { isIndexType } from '../oci/media-types.ts';
import { formatReference, parseReference, withDefaultTag } from '../oci/reference.ts';
import type { Descriptor, Digest } from '../oci/types.ts';
import type { LocalStore } from '../store/contract.ts';

/** The full name with its tag: `app` gives `docker.io/library/app:latest`. @throws OCI_REFERENCE_INVALID */
export const fullName = (text: string): string => formatReference(withDefaultTag(parseReference(text)));

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

/** `docker://debian` is `debian`: the transport of registries, as skopeo has it. */
export const withoutTransport = (text: string): string => text.replace(/^docker:\/\//, '');

/** The index that the text names, with all its platforms; undefined for what is no name, or names one image. */
export async function indexOf(store: LocalStore, text: string): Promise<Descriptor | undefined> {
  let name: string;
  try {
    name = fullName(withoutTransport(text));
  } catch {
    return undefined;
  }
  const target = await resolveOrNone(store, name);
  return target !== undefined && isIndexType(target.mediaType) ? target : undefined;
}
