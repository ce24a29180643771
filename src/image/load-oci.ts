import { isDobosError } from '../base/errors.ts';
import { DOCKER_REFERENCE_TYPE, IMAGE_NAME, REF_NAME } from '../oci/annotations.ts';
import { parseConfig } from '../oci/config.ts';
import { LAYOUT_VERSION, layoutVersion } from '../oci/layout-version.ts';
import { MAX_CONFIG_BYTES, MAX_INDEX_DEPTH, MAX_MANIFEST_BYTES } from '../oci/limits.ts';
import { parseIndex, parseManifestOrIndex } from '../oci/manifest.ts';
import { isConfigType, isIndexType, isManifestType } from '../oci/media-types.ts';
import { choosePlatform } from '../oci/platform.ts';
import { formatReference, parseReference, withDefaultTag } from '../oci/reference.ts';
import type { Descriptor, Digest, Index, Platform } from '../oci/types.ts';
import { imageError } from './errors.ts';
import {
  blobMember,
  type PlannedBlob,
  type PlannedDocument,
  type PlannedImage,
  readBlobDocument,
  readDocument,
  requireMember,
} from './load-plan.ts';
import type { OpenArchive } from './open-archive.ts';

/** Manifests and indexes of one archive: the bound ends an index that multiplies. */
const MAX_DOCUMENTS = 10_000;

/**
 * The images of an OCI layout: everything byte for byte, so digests are kept. An index is kept whole if the archive has all of it, else its image for the platform is taken alone.
 * Artifacts and attestations that stand beside images are left out.
 * @throws ARCHIVE_MEMBER_MISSING if blobs are missing, ARCHIVE_NOT_IMAGES if there is no image, other ARCHIVE_ and OCI_ errors
 */
export function planOci(archive: OpenArchive, platform: Platform): PlannedImage[] {
  checkVersion(archive);
  const index = parseIndex(readDocument(archive, 'index.json', 'an OCI layout', MAX_MANIFEST_BYTES));
  const roots = new Map<Digest, Root>();
  for (const entry of index.manifests) {
    if (!isManifestType(entry.mediaType) && !isIndexType(entry.mediaType)) continue;
    const { mediaType, digest, size } = entry;
    const root = roots.get(digest) ?? { target: { mediaType, digest, size }, names: [], tags: [] };
    roots.set(digest, root);
    const name = nameOf(entry);
    if (name !== undefined && !root.names.includes(name)) root.names.push(name);
    const tag = entry.annotations?.[REF_NAME];
    if (tag !== undefined && !root.tags.includes(tag)) root.tags.push(tag);
  }
  const images = [...roots.values()].flatMap((root) => planRoot(archive, root, platform) ?? []);
  if (images.length > 0) return images;
  const why =
    roots.size === 0
      ? 'index.json lists no image'
      : 'index.json lists artifacts, and none of them is an image';
  throw imageError('ARCHIVE_NOT_IMAGES', { path: archive.shown, why });
}

interface Root {
  readonly target: Descriptor;
  readonly names: string[];
  readonly tags: string[];
}

function checkVersion(archive: OpenArchive): void {
  const text = readDocument(archive, 'oci-layout', 'an OCI layout', 4096).toString('utf8');
  const version = layoutVersion(text);
  if (version !== LAYOUT_VERSION) {
    throw imageError('ARCHIVE_DOCUMENT', {
      path: archive.shown,
      member: 'oci-layout',
      where: 'imageLayoutVersion',
      got: version?.slice(0, 40) ?? 'nothing',
      want: LAYOUT_VERSION,
    });
  }
}

/** The full name that an entry carries. A bare tag names no repository, so it is none. */
function nameOf({ annotations = {} }: Descriptor): string | undefined {
  const full = annotations[IMAGE_NAME];
  const short = annotations[REF_NAME];
  const text = full ?? (short !== undefined && /[:/]/.test(short) ? short : undefined);
  return text === undefined || text === ''
    ? undefined
    : formatReference(withDefaultTag(parseReference(text)));
}

interface Gathered {
  readonly documents: Map<Digest, PlannedDocument>;
  readonly blobs: Map<string, PlannedBlob>;
  /** Ids of the images, in order. */
  readonly ids: Map<Digest, Digest>;
}

function planRoot(
  archive: OpenArchive,
  { target, names, tags }: Root,
  platform: Platform,
): PlannedImage | undefined {
  const whole = (root: Descriptor): PlannedImage | undefined => {
    const gathered: Gathered = { documents: new Map(), blobs: new Map(), ids: new Map() };
    gather(archive, root, gathered, 0);
    const [first] = gathered.ids.values();
    // Artifacts and attestations on their own are no images.
    if (first === undefined) return undefined;
    const chosen = gathered.ids.size === 1 ? undefined : pick(archive, root, platform);
    const id = chosen === undefined ? first : (gathered.ids.get(chosen.digest) ?? first);
    return {
      names,
      tags,
      id,
      blobs: [...gathered.blobs.values()],
      documents: () => [...gathered.documents.values()],
    };
  };
  try {
    return whole(target);
  } catch (error) {
    if (!isIndexType(target.mediaType) || !isDobosError(error, 'ARCHIVE_MEMBER_MISSING')) throw error;
    return whole(choose(archive, target, platform));
  }
}

function pick(archive: OpenArchive, root: Descriptor, platform: Platform): Descriptor | undefined {
  try {
    return choose(archive, root, platform);
  } catch (error) {
    if (isDobosError(error, 'OCI_PLATFORM_MISSING')) return undefined;
    throw error;
  }
}

function choose(archive: OpenArchive, root: Descriptor, platform: Platform): Descriptor {
  let at = root;
  for (let depth = 0; isIndexType(at.mediaType); depth++) {
    if (depth > MAX_INDEX_DEPTH)
      throw imageError('IMAGE_INDEX_DEPTH', { name: root.digest, limit: MAX_INDEX_DEPTH });
    const index: Index = parseIndex(
      readBlobDocument(archive, at, 'index.json', MAX_MANIFEST_BYTES),
      at.mediaType,
    );
    const { mediaType, digest, size } = choosePlatform(index.manifests, platform);
    at = { mediaType, digest, size };
  }
  return at;
}

/** Adds the document and all below it, children first. */
function gather(archive: OpenArchive, at: Descriptor, into: Gathered, depth: number): void {
  if (into.documents.has(at.digest)) return;
  if (depth > MAX_INDEX_DEPTH)
    throw imageError('IMAGE_INDEX_DEPTH', { name: at.digest, limit: MAX_INDEX_DEPTH });
  if (into.documents.size > MAX_DOCUMENTS)
    throw imageError('ARCHIVE_TOO_MANY_MEMBERS', { path: archive.shown, limit: MAX_DOCUMENTS });
  const bytes = readBlobDocument(archive, at, 'index.json', MAX_MANIFEST_BYTES);
  const document = parseManifestOrIndex(bytes, at.mediaType);
  if (document.kind === 'index') {
    for (const entry of document.index.manifests) {
      if (isManifestType(entry.mediaType) || isIndexType(entry.mediaType))
        gather(archive, entry, into, depth + 1);
      else addBlob(archive, entry, at, into, undefined);
    }
  } else {
    const { config, layers } = document.manifest;
    let diffIds: readonly Digest[] | undefined;
    if (isConfigType(config.mediaType) && !isAttestation(at)) {
      const configBytes = readBlobDocument(archive, config, `manifest ${at.digest}`, MAX_CONFIG_BYTES);
      into.documents.set(config.digest, { descriptor: config, bytes: configBytes });
      diffIds = parseConfig(configBytes).rootfs.diff_ids;
      if (diffIds.length !== layers.length) {
        throw imageError('ARCHIVE_LAYER_COUNT', {
          path: archive.shown,
          image: at.digest,
          layers: layers.length,
          diffIds: diffIds.length,
        });
      }
      into.ids.set(at.digest, config.digest);
    } else addBlob(archive, config, at, into, undefined);
    for (const [i, layer] of layers.entries()) addBlob(archive, layer, at, into, diffIds?.[i]);
  }
  const { mediaType, digest, size } = at;
  into.documents.set(digest, { descriptor: { mediaType, digest, size }, bytes });
}

/** BuildKit's attestations carry a config of an image's type, with layers that are no changesets. */
function isAttestation(at: Descriptor): boolean {
  return at.platform?.os === 'unknown' || at.annotations?.[DOCKER_REFERENCE_TYPE] !== undefined;
}

function addBlob(
  archive: OpenArchive,
  blob: Descriptor,
  by: Descriptor,
  into: Gathered,
  diffId: Digest | undefined,
): void {
  const member = blobMember(blob.digest);
  const region = requireMember(archive, member, `manifest ${by.digest}`);
  if (region.size !== blob.size) {
    const why = `it is ${region.size} bytes, manifest ${by.digest} says ${blob.size}`;
    throw imageError('ARCHIVE_MEMBER_TYPE', { path: archive.shown, member, why });
  }
  into.blobs.set(`${blob.digest} ${diffId}`, { member, region, blob, diffId });
}
