import { copyTree } from './copy-tree.ts';
import type { RootfsEvent } from './errors.ts';
import { type ExtractTask, extractLayer } from './extract-layer.ts';
import { type PlaceTask, placeStack } from './place-stack.ts';
import { withPlace } from './system-errors.ts';

export interface CopyTask {
  readonly kind: 'copy';
  readonly from: string;
  readonly to: string;
}

export type UnpackTask = ExtractTask | PlaceTask | CopyTask;
/** An index or nothing from `extract`, bytes per layer from `place`, bytes copied from `copy`. */
export type UnpackResult = Uint8Array | undefined | readonly number[] | number;

/** Runs one task in this thread. */
export async function runUnpackTask(
  task: UnpackTask,
  warn: (event: RootfsEvent) => void,
): Promise<UnpackResult> {
  if (task.kind === 'extract') return extractLayer(task);
  if (task.kind === 'place') return placeStack(task, warn);
  return withPlace('copying into', task.to, () => copyTree(task.from, task.to));
}
