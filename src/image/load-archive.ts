import { availableParallelism } from 'node:os';
import { type ByteStream, streamOf } from '../base/bytes.ts';
import { mapLimited } from '../base/concurrency.ts';
import { isDobosError } from '../base/errors.ts';
import { openLayer } from '../layer/open-layer.ts';
import type { Layer } from '../layer/types.ts';
import { formatReference, parseReference, withDefaultTag } from '../oci/reference.ts';
import type { Digest, Platform } from '../oci/types.ts';
import type { LocalStore, StagedFile } from '../store/contract.ts';
import { imageError } from './errors.ts';
import { planDocker, readDockerRows } from './load-docker.ts';
import { planOci } from './load-oci.ts';
import {
  blobMember,
  type LoadedImage,
  type LoadOptions,
  type PlannedBlob,
  type PlannedImage,
} from './load-plan.ts';
import { keepUntagged, nameImage } from './name-image.ts';
import { type OpenArchive, openArchive } from './open-archive.ts';
import { thisPlatform } from './read-image.ts';
import { stageBlob } from './stage-blob.ts';

/**
 * The images of an archive, stored and named: `docker save` of any age, OCI layouts as tar or folder, the hybrid of both, plain or compressed as a whole; from a path or a stream.
 * Where an archive is both, its OCI side is taken if it is complete, so that manifest digests are kept. Everything is checked (digests, sizes, counts, diff ids) before the first blob, document or name appears in the store.
 * Cost: one reading of each layer that the store lacks, layers in parallel; memory does not grow with them.
 * @throws ARCHIVE_ errors, COMPRESS_ errors of an archive compressed as a whole, and those of the store
 */
export async function loadArchive(
  store: LocalStore,
  source: string | ByteStream,
  o: LoadOptions = {},
): Promise<LoadedImage[]> {
  const lease = await store.lease();
  const staged: StagedFile[] = [];
  try {
    const archive = await openArchive(store, source, o);
    try {
      const images = planLoad(archive, o.platform ?? thisPlatform());
      const blobs = uniqueBlobs(images);
      const ready = await mapLimited(blobs, availableParallelism(), (blob) =>
        stageBlob(store, archive, blob, staged, o),
      );
      const layers = new Map<Digest, Layer>();
      for (const [i, { blob, file }] of ready.entries()) {
        await file?.commit(blob);
        const { diffId } = blobs[i]!;
        if (diffId !== undefined) layers.set(diffId, openLayer(store, blob, diffId));
      }
      const loaded: LoadedImage[] = [];
      for (const image of images) loaded.push(await storeImage(store, image, layers, o));
      return loaded;
    } finally {
      await archive.close();
    }
  } finally {
    for (const file of staged) await file.abort();
    await lease.release();
  }
}

/** What the archive holds, as it would be stored; nothing is stored yet. What is wrong in a document is told with the archive it is in. @throws ARCHIVE_ errors, OCI_PLATFORM_MISSING */
export function planLoad(archive: OpenArchive, platform: Platform): PlannedImage[] {
  try {
    return planImages(archive, platform);
  } catch (error) {
    const isBroken =
      isDobosError(error) && error.code.startsWith('OCI_') && error.code !== 'OCI_PLATFORM_MISSING';
    if (!isBroken) throw error;
    throw imageError(
      'ARCHIVE_BROKEN',
      { path: archive.shown, why: error.message },
      { cause: error, hint: error.hint },
    );
  }
}

function planImages(archive: OpenArchive, platform: Platform): PlannedImage[] {
  const isOci = archive.find('index.json') !== undefined;
  const isDocker = archive.find('manifest.json') !== undefined;
  if (!isOci && !isDocker) {
    const legacy = archive.find('repositories') !== undefined;
    const why = legacy
      ? 'it was saved by a Docker before 1.10'
      : 'it holds neither manifest.json nor index.json';
    throw imageError('ARCHIVE_NOT_IMAGES', { path: archive.shown, why });
  }
  if (!isOci) return planDocker(archive);
  try {
    const images = planOci(archive, platform);
    return isDocker ? nameFromDocker(archive, images) : images;
  } catch (error) {
    if (isDocker && isDobosError(error, 'ARCHIVE_MEMBER_MISSING')) return planDocker(archive);
    throw error;
  }
}

/** Names of manifest.json for images that the OCI side leaves without one. */
function nameFromDocker(archive: OpenArchive, images: readonly PlannedImage[]): PlannedImage[] {
  if (images.every((image) => image.names.length > 0)) return [...images];
  const rows = readDockerRows(archive);
  return images.map((image) => {
    if (image.names.length > 0) return image;
    const row = rows.find(({ config }) => config === blobMember(image.id));
    const names = row?.tags.map((tag) => formatReference(withDefaultTag(parseReference(tag)))) ?? [];
    return { ...image, names };
  });
}

function uniqueBlobs(images: readonly PlannedImage[]): PlannedBlob[] {
  const blobs = new Map<string, PlannedBlob>();
  for (const blob of images.flatMap((image) => image.blobs)) {
    blobs.set(`${blob.blob?.digest} ${blob.diffId} ${blob.region.path} ${blob.region.offset}`, blob);
  }
  return [...blobs.values()];
}

async function storeImage(
  store: LocalStore,
  planned: PlannedImage,
  layers: ReadonlyMap<Digest, Layer>,
  o: LoadOptions,
): Promise<LoadedImage> {
  const documents = planned.documents(layers);
  for (const { descriptor, bytes } of documents) {
    if (!(await store.has(descriptor, o))) await store.put(descriptor, streamOf(bytes), o);
  }
  const target = documents.at(-1)!.descriptor;
  if (o.named !== false) {
    for (const name of planned.names) await nameImage(store, name, target, o);
    if (planned.names.length === 0) await keepUntagged(store, target, o);
  }
  const image: LoadedImage = { names: planned.names, id: planned.id, target };
  o.onEvent?.({ kind: 'image', image });
  return image;
}
