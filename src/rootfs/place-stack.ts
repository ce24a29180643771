import { applyLayer, emptyTree } from '../layer/apply-layer.ts';
import { loadLayerIndex } from '../layer/load-layer-index.ts';
import { AT_FDCWD, closeFd, O_DIRECTORY, O_NOFOLLOW, O_RDONLY, openAt } from '../linux/at.ts';
import { createAttributeSetter } from './attributes.ts';
import type { RootfsEvent } from './errors.ts';
import { placeOnDisk } from './place-layer.ts';
import type { SnapshotFormat } from './snapshot-names.ts';
import { createStaging } from './staging.ts';
import { withPlace } from './system-errors.ts';

export interface StackLayer {
  readonly index: Uint8Array;
  /** The layer's directory: its own snapshot, or (format `whole`) the one directory of the whole stack. */
  readonly folder: string;
  /** The folder with the extracted contents, if this layer is to be placed; otherwise its snapshot is there. */
  readonly staging?: string | undefined;
}

export interface PlaceTask {
  readonly kind: 'place';
  readonly format: SnapshotFormat;
  readonly rootless: boolean;
  /** Base first. */
  readonly layers: readonly StackLayer[];
}

/** Places the layers that have contents waiting, one after the other, each over the tree of those below; the bytes of files of each layer (0 for those that were there). */
export function placeStack(task: PlaceTask, warn: (event: RootfsEvent) => void): number[] {
  const { format, rootless } = task;
  const attributes = createAttributeSetter({ format, rootless, warn });
  const sizes: number[] = [];
  const below: number[] = [];
  let tree = emptyTree();
  const top = task.layers.findLastIndex(({ staging }) => staging !== undefined);
  try {
    for (const [i, layer] of task.layers.slice(0, top + 1).entries()) {
      const index = loadLayerIndex(layer.index);
      const rootFd = openFolder(layer.folder);
      below.push(rootFd);
      const { staging } = layer;
      if (staging === undefined) sizes.push(0);
      else {
        const lowerFds = below.slice(0, -1).reverse();
        const place = (): number => {
          const stagingFd = openFolder(staging);
          try {
            const o = { overlay: format !== 'whole', warn };
            const staged = createStaging(stagingFd, attributes, o);
            return placeOnDisk({ format, lower: tree, index, rootFd, lowerFds, staging: staged, attributes });
          } finally {
            closeFd(stagingFd);
          }
        };
        sizes.push(withPlace('unpacking into', layer.folder, place));
      }
      tree = applyLayer(tree, index, i);
    }
  } finally {
    for (const fd of below) closeFd(fd);
  }
  return sizes;
}

function openFolder(path: string): number {
  return openAt(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}
