import type { RunOptions } from '../app/run-container.ts';
import { containerLimits, containerSettings } from './container-settings.ts';
import { networkOptions } from './network-options.ts';
import { flagOption, listOption, type OptionValues, textOption } from './spec.ts';

/** What `run` and `create` are told about the container: the image, what runs in it, and how. */
export function containerOptions(
  [image = '', ...command]: readonly string[],
  options: OptionValues,
): Omit<RunOptions, 'pull' | 'onPulled' | 'signal' | 'onStart'> {
  return {
    image,
    command,
    name: textOption(options, 'name'),
    remove: flagOption(options, 'rm'),
    restart: textOption(options, 'restart'),
    labels: listOption(options, 'label'),
    entrypoint: textOption(options, 'entrypoint'),
    env: listOption(options, 'env'),
    workdir: textOption(options, 'workdir'),
    user: textOption(options, 'user'),
    volumes: listOption(options, 'volume'),
    ...networkOptions(options),
    settings: containerSettings(options),
    limits: containerLimits(options),
    cidFile: textOption(options, 'cidfile'),
    mounts: listOption(options, 'mount'),
    tmpfs: listOption(options, 'tmpfs'),
    hostname: textOption(options, 'hostname'),
    interactive: flagOption(options, 'interactive'),
    tty: flagOption(options, 'tty'),
    runtime: textOption(options, 'runtime'),
  };
}
