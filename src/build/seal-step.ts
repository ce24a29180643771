import { never } from '../base/errors.ts';
import { appendLayer, editConfig } from '../image/edit-config.ts';
import { scratchImage } from '../image/scratch-image.ts';
import type { Image } from '../image/types.ts';
import type { ContainerConfig, HistoryEntry, ImageConfig, Platform } from '../oci/types.ts';
import type { Step } from './graph.ts';
import type { StepRecord } from './step-cache.ts';

/** Who made the history's rows. */
const COMMENT = 'dobos';

/** The image after a step: a pure function of the image before it and of what running it gave. */
export function sealStep(step: Step, parent: Image, record: StepRecord): Image {
  const { op } = step;
  const created = new Date(record.createdAt).toISOString();
  const row: HistoryEntry | undefined =
    step.createdBy === undefined ? undefined : { created, created_by: step.createdBy, comment: COMMENT };
  const dated = (config: ImageConfig): ImageConfig => (row === undefined ? config : { ...config, created });
  switch (op.kind) {
    case 'scratch':
    case 'base':
      return parent;
    case 'note':
      return row === undefined ? parent : editConfig(parent, dated, row);
    case 'config':
      return editConfig(
        parent,
        (config) => ({
          ...dated(config),
          ...(op.author !== undefined && { author: op.author }),
          config: mergeConfig(config.config, op.config),
        }),
        row,
      );
    case 'workdir': {
      const change = (config: ImageConfig): ImageConfig => ({
        ...dated(config),
        config: mergeConfig(config.config, { WorkingDir: op.path }),
      });
      if (record.layer === undefined) return editConfig(parent, change, row);
      return appendLayer(editConfig(parent, change), record.layer, row ?? { created });
    }
    case 'run':
    case 'copy':
      if (record.layer === undefined) return editConfig(parent, dated, row);
      return appendLayer(editConfig(parent, dated), record.layer, row ?? { created });
    default:
      return never(op);
  }
}

/** The image of what a failed RUN left: a shell starts in it as the step did, with its variables (ARGs too), folder and user. */
export function sealFailed(step: Step, parent: Image, record: StepRecord): Image {
  const { op } = step;
  if (op.kind !== 'run') throw new TypeError('only a RUN leaves something');
  const shell = parent.config.config?.Shell?.[0] ?? '/bin/sh';
  const start = { Env: op.env, WorkingDir: op.cwd, User: op.user, Entrypoint: undefined, Cmd: [shell] };
  return editConfig(sealStep(step, parent, record), (config) => ({
    ...config,
    config: mergeConfig(config.config, start),
  }));
}

/** The image that a stage `FROM scratch` starts with. */
export function startImage(step: Step, platform: Platform): Image {
  return scratchImage(step.op.kind === 'scratch' ? (step.op.platform ?? platform) : platform);
}

/** The keys given are replaced, those given as undefined removed. */
function mergeConfig(config: ContainerConfig | undefined, change: ContainerConfig): ContainerConfig {
  return Object.fromEntries(
    Object.entries({ ...config, ...change }).filter(([, value]) => value !== undefined),
  );
}
