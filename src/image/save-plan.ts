import { closeSync, openSync, writeSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { FileRegion } from '../base/bytes.ts';
import { mapLimited } from '../base/concurrency.ts';
import { fsPath } from '../base/names.ts';
import type { CallOptions } from '../base/options.ts';
import type { Layer } from '../layer/types.ts';
import { compressionOfType, OCI_LAYER_TAR } from '../oci/media-types.ts';
import type { Digest } from '../oci/types.ts';
import type { LocalStore, StagedFile } from '../store/contract.ts';
import { type ArchiveImage, type ArchivePlan, type MemberContent, planArchive } from './archive-plan.ts';
import { copyInPool } from './copy-in-pool.ts';
import { algorithmOf } from './copy-region.ts';
import { imageError } from './errors.ts';
import { keepUnpacked, plainSize } from './plain-size.ts';
import { toOciImage, withLayers } from './seal-image.ts';
import type { Image } from './types.ts';

/** Everything needed to write an archive; compressed layers of unknown plain size lie unpacked in temporary files until `close`. */
export interface SavePlan {
  readonly plan: ArchivePlan;
  close(): Promise<void>;
}

/** What is to be written for these images. @throws IMAGE_LAYER_ABSENT, IMAGE_LAYER_CONTENT */
export async function openSavePlan(
  store: LocalStore,
  selections: readonly { readonly image: Image; readonly name?: string | undefined }[],
  o: CallOptions & { readonly layers?: 'plain' | 'stored' | undefined },
): Promise<SavePlan> {
  const staged: StagedFile[] = [];
  const close = async (): Promise<void> => {
    for (const file of staged) await file.abort();
  };
  try {
    const images = group(selections.map(({ image, name }) => ({ image: toOciImage(image), name })));
    const layers = new Map(
      images.flatMap(({ image }) => image.layers.map((layer) => [layer.blob.digest, layer])),
    );
    const contents = new Map<Digest, MemberContent>();
    const plain = new Map<Digest, Layer>();
    await mapLimited(layers.values(), availableParallelism(), async (layer) => {
      const { blob, diffId } = layer;
      if (!(await store.has(blob, o)))
        throw imageError('IMAGE_LAYER_ABSENT', { digest: blob.digest, diffId });
      const region = await store.locate(blob, o);
      if (o.layers === 'stored' || blob.digest === diffId) {
        const open = () => store.open(blob, o);
        contents.set(
          blob.digest,
          region === undefined
            ? { kind: 'stream', open }
            : { kind: 'file', region, digest: blob.digest, unpack: false },
        );
        // A plain tar under the type of a compressed one: some readers believe the type.
        if (o.layers !== 'stored' && compressionOfType(blob.mediaType) !== 'none') {
          plain.set(blob.digest, { ...layer, blob: { ...blob, mediaType: OCI_LAYER_TAR } });
        }
        return;
      }
      const size = region === undefined ? undefined : await plainSize(store, layer);
      const packed = region !== undefined && size !== undefined;
      const from = packed ? region : await unpack(store, layer, region, staged, o);
      contents.set(diffId, { kind: 'file', region: from, digest: diffId, unpack: packed });
      plain.set(blob.digest, {
        ...layer,
        blob: { mediaType: OCI_LAYER_TAR, digest: diffId, size: size ?? from.size },
      });
    });
    const ready = images.map(({ image, names }): ArchiveImage => {
      if (!image.layers.some(({ blob }) => plain.has(blob.digest))) return { image, names };
      return {
        image: withLayers(
          image,
          image.layers.map((layer) => plain.get(layer.blob.digest) ?? layer),
        ),
        names,
      };
    });
    return { plan: planArchive(group(ready.flatMap(unfold)), (blob) => contents.get(blob.digest)!), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Each manifest once, with all its names sorted. */
function group(
  selections: readonly { readonly image: Image; readonly name?: string | undefined }[],
): ArchiveImage[] {
  const images = new Map<Digest, { readonly image: Image; readonly names: Set<string> }>();
  for (const { image, name } of selections) {
    const known = images.get(image.descriptor.digest) ?? { image, names: new Set<string>() };
    images.set(image.descriptor.digest, known);
    if (name !== undefined) known.names.add(name);
  }
  return [...images.values()].map(({ image, names }) => ({ image, names: [...names].sort() }));
}

function unfold({ image, names }: ArchiveImage): { readonly image: Image; readonly name?: string }[] {
  return names.length === 0 ? [{ image }] : names.map((name) => ({ image, name }));
}

/** The layer's tar in a temporary file; the diff id is checked here, once. */
async function unpack(
  store: LocalStore,
  layer: Layer,
  region: FileRegion | undefined,
  staged: StagedFile[],
  o: CallOptions,
): Promise<FileRegion> {
  const file = await store.stage();
  staged.push(file);
  if (region === undefined) return { path: file.path, offset: 0, size: await writeTar(layer, file.path, o) };
  const by = algorithmOf(layer.diffId);
  const task = {
    from: region,
    to: { path: file.path, offset: 0 },
    write: 'plain',
    wantDiffId: true,
    digestBy: by,
    diffIdBy: by,
  } as const;
  const { digest, size } = await copyInPool(task, o);
  if (digest !== layer.diffId) {
    throw imageError('IMAGE_LAYER_CONTENT', { digest: layer.blob.digest, got: digest, want: layer.diffId });
  }
  await keepUnpacked(store, layer.blob.digest, { diffId: layer.diffId, size });
  return { path: file.path, offset: 0, size };
}

async function writeTar(layer: Layer, path: string, o: CallOptions): Promise<number> {
  const fd = openSync(fsPath(path), 'r+');
  let size = 0;
  try {
    for await (const chunk of layer.openTar(o)) {
      for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at, chunk.length - at, size + at);
      size += chunk.length;
    }
  } finally {
    closeSync(fd);
  }
  return size;
}
