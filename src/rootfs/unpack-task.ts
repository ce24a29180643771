import { copyTree } from './copy-tree.ts';
import type { RootfsEvent } from './errors.ts';
import { type ExtractTask, extractLayer } from './extract-layer.ts';
import { type PlaceTask, placeStack } from './place-stack.ts';
import { stageFiles } from './stage-files.ts';
import { withPlace } from './system-errors.ts';
import type { StagedFile } from './types.ts';

export interface CopyTask {
  readonly kind: 'copy';
  readonly from: string;
  readonly to: string;
  /** As in `copyTree`. */
  readonly moving?: boolean | undefined;
}

export interface StageTask {
  readonly kind: 'stage';
  readonly files: readonly StagedFile[];
  readonly to: string;
}

export type UnpackTask = ExtractTask | PlaceTask | CopyTask | StageTask;
/** An index or nothing from `extract`, bytes per layer from `place`, bytes copied from `copy`, nothing from `stage`. */
export type UnpackResult = Uint8Array | undefined | readonly number[] | number;

/** Runs one task in this thread. */
export async function runUnpackTask(
  task: UnpackTask,
  warn: (event: RootfsEvent) => void,
): Promise<UnpackResult> {
  if (task.kind === 'extract') return extractLayer(task, warn);
  if (task.kind === 'place') return placeStack(task, warn);
  if (task.kind === 'stage') {
    withPlace('copying into', task.to, () => stageFiles(task.files, task.to));
    return undefined;
  }
  return withPlace('copying into', task.to, () => copyTree(task.from, task.to, { moving: task.moving }));
}
