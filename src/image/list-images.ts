import type { CallOptions } from '../base/options.ts';
import { isDigest } from '../oci/digest.ts';
import type { Descriptor, Digest } from '../oci/types.ts';
import type { LocalStore, Root } from '../store/contract.ts';
import { imageId } from './image-id.ts';
import { type ReadImageOptions, readImage } from './read-image.ts';
import type { Image } from './types.ts';

/** Root kinds whose first target is an image's manifest: a build's steps, and images that lost their last name. */
export const IMAGE_ROOT_KINDS = ['untagged', 'step'] as const;

/** Kind of the roots that keep what failed steps of builds left: found by id, never listed. */
export const FAILED_STEP = 'failed-step';

export interface ListedImage {
  readonly kind: 'named' | 'untagged' | 'step';
  /** Full names, sorted; none for `untagged` and `step`. */
  readonly names: readonly string[];
  /** What the names point at; an index where the image was chosen from one. */
  readonly target: Descriptor;
  readonly id: Digest;
  readonly image: Image;
}

export interface ListImagesOptions extends ReadImageOptions {
  /** Steps of builds too. */
  readonly all?: boolean | undefined;
  /** Those with a name alone: the others are not read. */
  readonly named?: boolean | undefined;
  /** Told of images that cannot be read, which are left out. */
  readonly onBroken?:
    | ((broken: {
        readonly names: readonly string[];
        readonly target: Descriptor;
        readonly error: unknown;
      }) => void)
    | undefined;
}

/** Every image of the store once per manifest: named ones first, then those without a name. Reads manifests and configs only. */
export async function* listImages(store: LocalStore, o: ListImagesOptions = {}): AsyncIterable<ListedImage> {
  const named = new Map<Digest, { target: Descriptor; names: string[] }>();
  for await (const [name, target] of store.list(o)) {
    const entry = named.get(target.digest);
    if (entry === undefined) named.set(target.digest, { target, names: [name] });
    else entry.names.push(name);
  }
  const seen = new Set<Digest>();
  const read = async (kind: ListedImage['kind'], names: readonly string[], target: Descriptor) => {
    try {
      const image = await readImage(store, target, o);
      seen.add(target.digest).add(image.descriptor.digest);
      return [{ kind, names, target, id: imageId(image), image }];
    } catch (error) {
      o.signal?.throwIfAborted();
      o.onBroken?.({ names, target, error });
      return [];
    }
  };
  for (const { target, names } of named.values()) yield* await read('named', names, target);
  if (o.named === true) return;
  for (const kind of IMAGE_ROOT_KINDS) {
    if (kind === 'step' && o.all !== true) continue;
    for await (const root of store.roots.list(kind, o)) {
      const target = root.targets[0];
      if (target !== undefined && !seen.has(target.digest)) yield* await read(kind, [], target);
    }
  }
}

/** Everything that an id may mean, with the image's id where it can be told. */
export async function* candidates(
  store: LocalStore,
  o: CallOptions,
): AsyncIterable<{ readonly target: Descriptor; readonly name?: string; readonly id?: Digest }> {
  const ids = new Map<Digest, Digest | undefined>();
  const idOf = async (target: Descriptor): Promise<{ id?: Digest }> => {
    if (!ids.has(target.digest)) {
      const image = await readImage(store, target, { ...o, orPresent: true }).catch(() => undefined);
      ids.set(target.digest, image && imageId(image));
    }
    const id = ids.get(target.digest);
    return id === undefined ? {} : { id };
  };
  for await (const [name, target] of store.list(o)) yield { target, name, ...(await idOf(target)) };
  for (const kind of [...IMAGE_ROOT_KINDS, FAILED_STEP]) {
    for await (const root of store.roots.list(kind, o)) {
      const target = root.targets[0];
      if (target === undefined) continue;
      const known = rootImageId(root);
      yield { target, ...(known === undefined ? await idOf(target) : { id: known }) };
    }
  }
}

function rootImageId(root: Root): Digest | undefined {
  const { imageId: id } = (root.data ?? {}) as { imageId?: unknown };
  return isDigest(id) ? id : undefined;
}
