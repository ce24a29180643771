/**
 * The explore room: what is in an image, what it hides, and which layer is to blame. It reads indexes, never unpacks, and changes nothing but the
 * store's notes. Its answers are plain data (types.ts); showing them is the doors' business.
 * @module
 */
import type { CallOptions } from '../base/options.ts';
import type { Image } from '../image/types.ts';
import { emptyTree } from '../layer/apply-layer.ts';
import { ContentsWanted } from '../layer/contents-wanted.ts';
import { diffTrees } from '../layer/diff-trees.ts';
import { readLayerIndexes } from '../layer/read-index.ts';
import type { FileTree, Layer, LayerIndex, TreeChange } from '../layer/types.ts';
import { BASE_DIGEST, BASE_NAME } from '../oci/annotations.ts';
import type { LocalStore } from '../store/contract.ts';
import { findDuplicates } from './find-duplicates.ts';
import { historyRows } from './history-rows.ts';
import { type BaseAnnotations, imageLevels, type KnownImage, levelOf } from './image-levels.ts';
import { type InstructionSource, originOf, placeRows } from './instruction.ts';
import { type StackStudy, studyLayers } from './study-layers.ts';
import type { Exploration } from './types.ts';

/** What is known beside the image itself. */
export interface ExploreOptions extends CallOptions {
  /** Images that may be its bases. */
  readonly known?: readonly KnownImage[] | undefined;
  /** The instructions it was built from. */
  readonly source?: InstructionSource | undefined;
  /** Looks for equal files too. */
  readonly duplicates?: boolean | undefined;
  /** As `ReadIndexOptions`: then no more of an archive is read than the answer needs. */
  readonly unproven?: boolean | undefined;
}

/** An explored image with what is too much for a report. */
export interface OpenExploration {
  readonly report: Exploration;
  readonly image: Image;
  readonly study: StackStudy;
  readonly indexes: readonly LayerIndex[];
  /** The tree after each layer, base first. */
  readonly trees: readonly FileTree[];
  /** What a layer, or the layers up to `last` together, add, change and remove, listed as it is asked for; rewritten files without a difference included. */
  changes(layer: number, last?: number): Iterable<TreeChange>;
}

/** The report on an image. @throws as `readLayerIndex` and `placeEntries` */
export async function exploreImage(
  store: LocalStore,
  image: Image,
  o: ExploreOptions = {},
): Promise<Exploration> {
  return (await openExploration(store, image, o)).report;
}

/** The report with the trees behind it. Layers seen before cost a note each; others are read once, in parallel. @throws as `exploreImage` */
export async function openExploration(
  store: LocalStore,
  image: Image,
  o: ExploreOptions = {},
): Promise<OpenExploration> {
  const { indexes, study } = await studyImage(store, image, o);
  const packed = await Promise.all(image.layers.map((layer) => compressedSize(store, layer)));
  return {
    report: reportOf(image, study, packed, o),
    image,
    study,
    indexes,
    trees: study.trees,
    changes(layer, last = layer) {
      const after = study.trees[last];
      if (after === undefined || layer > last)
        throw new RangeError(`layer ${layer} to ${last} of ${study.trees.length}`);
      return diffTrees(study.trees[layer - 1] ?? emptyTree(), after, { rewrites: true });
    },
  };
}

async function studyImage(
  store: LocalStore,
  image: Image,
  o: ExploreOptions,
): Promise<{ readonly indexes: readonly LayerIndex[]; readonly study: StackStudy }> {
  const indexes = await readLayerIndexes(store, image.layers, o);
  try {
    return { indexes, study: studyLayers(indexes) };
  } catch (error) {
    if (!(error instanceof ContentsWanted)) throw error;
    return studyImage(store, image, { ...o, unproven: false });
  }
}

/** Bytes of the layer as it is, or was last, compressed. */
async function compressedSize(store: LocalStore, layer: Layer): Promise<number | undefined> {
  if (layer.blob.digest !== layer.diffId) return layer.blob.size;
  const { packedBlob } = await import('../image/compress-layers.ts');
  for (const how of ['gzip', 'zstd'] as const) {
    const packed = await packedBlob(store, layer, how);
    if (packed !== undefined) return packed.size;
  }
  return undefined;
}

function reportOf(
  image: Image,
  study: StackStudy,
  packed: readonly (number | undefined)[],
  o: ExploreOptions,
): Exploration {
  const { total, hidden, indexes } = study;
  const { rows: bareRows, warnings } = historyRows(image.config);
  const places = o.source === undefined ? undefined : placeRows(bareRows, o.source);
  const rows = bareRows.map((row, i) => ({ ...row, ...optional('place', places?.get(i)) }));
  const { os, architecture, variant } = image.config;
  const id = image.manifest.config.digest;
  const base = baseOf(image);
  const layerBytes = indexes.map(({ fileBytes }) => fileBytes);
  const levels = imageLevels({ id, config: image.config, base }, o.known ?? [], layerBytes);
  const sum = (sizes: readonly number[]): number => sizes.reduce((bytes, each) => bytes + each, 0);
  const known = packed.filter((size) => size !== undefined);
  const packedUpTo = sumsUpTo(packed);
  return {
    version: 1,
    image: {
      digest: image.descriptor.digest,
      id,
      ...optional('os', os),
      ...optional('architecture', architecture),
      ...optional('variant', variant),
    },
    total,
    visible: total - hidden,
    hidden,
    efficiency: total === 0 ? 1 : (total - hidden) / total,
    storedBytes: sum(image.layers.map(({ blob }) => blob.size)),
    ...(known.length === packed.length ? { compressedBytes: sum(known) } : {}),
    ...(base.name === undefined && base.digest === undefined ? {} : { base }),
    levels,
    ...(o.source === undefined || places?.size === 0
      ? {}
      : { dockerfile: { file: o.source.file, from: o.source.from } }),
    layers: image.layers.map(({ blob, diffId }, number) => {
      const history = rows.findIndex((row) => row.layer === number);
      const row = rows[history];
      return {
        number,
        diffId,
        digest: blob.digest,
        mediaType: blob.mediaType,
        storedBytes: blob.size,
        ...optional('compressedBytes', packed[number]),
        ...optional('cumulativeCompressedBytes', packedUpTo[number]),
        tarBytes: indexes[number]!.tarSize,
        entries: indexes[number]!.count,
        fileBytes: indexes[number]!.fileBytes,
        level: levelOf(levels, number),
        origin: originOf(row),
        ...study.layers[number]!,
        ...(history < 0 ? {} : { history }),
        ...optional('createdBy', row?.createdBy),
        ...optional('place', row?.place),
      };
    }),
    hiddenFiles: study.hiddenFiles,
    ...(o.duplicates === true ? { duplicates: findDuplicates(study) } : {}),
    history: rows,
    warnings: [...warnings, ...study.warnings],
  };
}

/** Of each and all before it; undefined from the first on that is. */
function sumsUpTo(sizes: readonly (number | undefined)[]): readonly (number | undefined)[] {
  let sum: number | undefined = 0;
  return sizes.map((size) => {
    sum = sum === undefined || size === undefined ? undefined : sum + size;
    return sum;
  });
}

function baseOf({ manifest }: Image): BaseAnnotations {
  const annotations = manifest.annotations ?? {};
  return { ...optional('name', annotations[BASE_NAME]), ...optional('digest', annotations[BASE_DIGEST]) };
}

function optional<K extends string, T>(key: K, value: T | undefined): { readonly [P in K]?: T } {
  return (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: T };
}
