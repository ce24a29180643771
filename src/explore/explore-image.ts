/**
 * The explore room: what is in an image, what it hides, and which layer is to blame. It reads indexes, never unpacks, and changes nothing but the
 * store's notes. Its answers are plain data (types.ts); showing them is the doors' business.
 * @module
 */
import type { CallOptions } from '../base/options.ts';
import type { Image } from '../image/types.ts';
import { emptyTree } from '../layer/apply-layer.ts';
import { diffTrees } from '../layer/diff-trees.ts';
import { readLayerIndexes } from '../layer/read-index.ts';
import type { FileTree, LayerIndex, TreeChange } from '../layer/types.ts';
import type { LocalStore } from '../store/contract.ts';
import { historyRows } from './history-rows.ts';
import { type StackStudy, studyLayers } from './study-layers.ts';
import type { Exploration } from './types.ts';

/** An explored image with what is too much for a report. */
export interface OpenExploration {
  readonly report: Exploration;
  readonly indexes: readonly LayerIndex[];
  /** The tree after each layer, base first. */
  readonly trees: readonly FileTree[];
  /** What a layer adds, changes and removes, listed as it is asked for; rewritten files without a difference included. */
  changes(layer: number): Iterable<TreeChange>;
}

/** The report on an image. @throws as `readLayerIndex` and `placeEntries` */
export async function exploreImage(
  store: LocalStore,
  image: Image,
  o: CallOptions = {},
): Promise<Exploration> {
  return (await openExploration(store, image, o)).report;
}

/** The report with the trees behind it. Layers seen before cost a note each; others are read once, in parallel. @throws as `exploreImage` */
export async function openExploration(
  store: LocalStore,
  image: Image,
  o: CallOptions = {},
): Promise<OpenExploration> {
  const indexes = await readLayerIndexes(store, image.layers, o);
  const study = studyLayers(indexes);
  return {
    report: reportOf(image, indexes, study),
    indexes,
    trees: study.trees,
    changes(layer) {
      const after = study.trees[layer];
      if (after === undefined) throw new RangeError(`layer ${layer} of ${study.trees.length}`);
      return diffTrees(study.trees[layer - 1] ?? emptyTree(), after, { rewrites: true });
    },
  };
}

function reportOf(image: Image, indexes: readonly LayerIndex[], study: StackStudy): Exploration {
  const { total, hidden } = study;
  const { rows, warnings } = historyRows(image.config);
  const { os, architecture, variant } = image.config;
  return {
    version: 1,
    image: {
      digest: image.descriptor.digest,
      id: image.manifest.config.digest,
      ...(os === undefined ? {} : { os }),
      ...(architecture === undefined ? {} : { architecture }),
      ...(variant === undefined ? {} : { variant }),
    },
    total,
    visible: total - hidden,
    hidden,
    efficiency: total === 0 ? 1 : (total - hidden) / total,
    storedBytes: image.layers.reduce((sum, layer) => sum + layer.blob.size, 0),
    layers: image.layers.map(({ blob, diffId }, number) => {
      const history = rows.findIndex((row) => row.layer === number);
      const createdBy = rows[history]?.createdBy;
      return {
        number,
        diffId,
        digest: blob.digest,
        mediaType: blob.mediaType,
        storedBytes: blob.size,
        tarBytes: indexes[number]!.tarSize,
        entries: indexes[number]!.count,
        fileBytes: indexes[number]!.fileBytes,
        ...study.layers[number]!,
        ...(history < 0 ? {} : { history }),
        ...(createdBy === undefined ? {} : { createdBy }),
      };
    }),
    hiddenFiles: study.hiddenFiles,
    history: rows,
    warnings: [...warnings, ...study.warnings],
  };
}
