import { collect, sha256 } from '../base/bytes.ts';
import { isDobosError } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import { formatIndex } from '../oci/format.ts';
import { MAX_INDEX_DEPTH, MAX_MANIFEST_BYTES } from '../oci/limits.ts';
import { parseIndex } from '../oci/manifest.ts';
import { isIndexType, OCI_INDEX } from '../oci/media-types.ts';
import { formatPlatform, imageEntries } from '../oci/platform.ts';
import type { Descriptor, Digest, Index, Platform } from '../oci/types.ts';
import type { LocalStore } from '../store/contract.ts';
import { imageError } from './errors.ts';
import { readImage } from './read-image.ts';
import type { Image } from './types.ts';

/** What a push sends: one image, or an index with all below it; artifacts beside images as they are. */
export type PushNode =
  | { readonly kind: 'image'; readonly descriptor: Descriptor; readonly image: Image }
  | {
      readonly kind: 'index';
      readonly descriptor: Descriptor;
      readonly index: Index;
      readonly nodes: readonly PushNode[];
    }
  | { readonly kind: 'other'; readonly descriptor: Descriptor };

export interface PushPlan {
  readonly root: PushNode;
  /** The platform of the only image of an index that is in the store, and is pushed alone as nobody asked for another. */
  readonly alone?: string | undefined;
}

/**
 * What of a name's target is pushed: all of an index if it is there, the image of `platform` if one is wanted. Of an index that was pulled for one platform that image, as
 * docker does.
 * @throws PUSH_INCOMPLETE, and as `readImage`
 */
export async function planPush(
  store: LocalStore,
  target: Descriptor,
  name: string,
  o: CallOptions & { readonly platform?: Platform | undefined },
): Promise<PushPlan> {
  const { signal } = o;
  const whole = async (descriptor: Descriptor): Promise<PushNode> => {
    const image = await readImage({ ...store, resolve: async () => descriptor }, name, o);
    return { kind: 'image', descriptor: image.descriptor, image };
  };
  if (o.platform !== undefined || !isIndexType(target.mediaType)) return { root: await whole(target) };
  const absent: Descriptor[] = [];
  const root = await readNode(store, target, absent, { signal });
  if (absent.length === 0) return { root };
  const present = [...imagesIn(root)];
  const [only] = present;
  if (only === undefined || present.length > 1)
    throw imageError('PUSH_INCOMPLETE', {
      name,
      present: present.map(platformOf),
      absent: absent.map(platformName),
    });
  return { root: only, alone: platformOf(only) };
}

/** The images of a node, in their order. */
export function* imagesIn(node: PushNode): Iterable<PushNode & { readonly kind: 'image' }> {
  if (node.kind === 'image') yield node;
  else if (node.kind === 'index') for (const each of node.nodes) yield* imagesIn(each);
}

/** The node's descriptor when its images are others: indexes over them are made anew, and their bytes kept in `documents`. */
export function sealNode(
  node: PushNode,
  imageOf: (image: Image) => Image,
  documents: Map<Digest, Uint8Array>,
): Descriptor {
  switch (node.kind) {
    case 'other':
      return node.descriptor;
    case 'image': {
      const image = imageOf(node.image);
      if (image === node.image) return node.descriptor;
      documents.set(image.descriptor.digest, image.manifestBytes);
      return image.descriptor;
    }
    case 'index': {
      const below = node.nodes.map((each) => sealNode(each, imageOf, documents));
      if (below.every(({ digest }, at) => digest === node.nodes[at]!.descriptor.digest))
        return node.descriptor;
      const manifests = node.index.manifests.map((entry, at): Descriptor => {
        const { mediaType, digest, size } = below[at]!;
        return { ...entry, mediaType, digest, size };
      });
      const bytes = formatIndex({ ...node.index, mediaType: OCI_INDEX, manifests });
      const descriptor = { mediaType: OCI_INDEX, digest: sha256(bytes), size: bytes.length };
      documents.set(descriptor.digest, bytes);
      return descriptor;
    }
  }
}

async function readNode(
  store: LocalStore,
  descriptor: Descriptor,
  absent: Descriptor[],
  o: CallOptions,
  depth = 0,
): Promise<PushNode> {
  if (!(await store.has(descriptor, o))) {
    absent.push(descriptor);
    return { kind: 'other', descriptor };
  }
  if (!isIndexType(descriptor.mediaType) || depth > MAX_INDEX_DEPTH)
    return readLeaf(store, descriptor, absent, o);
  const index = parseIndex(
    await collect(store.open(descriptor, o), MAX_MANIFEST_BYTES),
    descriptor.mediaType,
  );
  const nodes: PushNode[] = [];
  for (const entry of index.manifests) nodes.push(await readNode(store, entry, absent, o, depth + 1));
  return { kind: 'index', descriptor, index, nodes };
}

/** An image, or what is none: a signature, an attestation. */
async function readLeaf(
  store: LocalStore,
  descriptor: Descriptor,
  absent: Descriptor[],
  o: CallOptions,
): Promise<PushNode> {
  if (imageEntries([descriptor]).length === 0) return { kind: 'other', descriptor };
  try {
    const image = await readImage({ ...store, resolve: async () => descriptor }, descriptor, o);
    for (const { blob } of image.layers) {
      if (await store.has(blob, o)) continue;
      absent.push(descriptor);
      return { kind: 'other', descriptor };
    }
    return { kind: 'image', descriptor, image };
  } catch (error) {
    if (isDobosError(error, 'IMAGE_NOT_AN_IMAGE')) return { kind: 'other', descriptor };
    throw error;
  }
}

const platformOf = ({ descriptor, image }: PushNode & { readonly kind: 'image' }): string => {
  const { os, architecture, variant } = image.config;
  const own: Platform = { os, architecture, ...(variant !== undefined && { variant }) };
  return formatPlatform(descriptor.platform ?? own);
};

const platformName = ({ platform, digest }: Descriptor): string =>
  platform === undefined ? digest : formatPlatform(platform);
