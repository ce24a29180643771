import { realpathSync, statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { errorMaker } from '../base/errors.ts';
import type { BindMount } from '../runtime/types.ts';

type VolumeErrors = {
  RUN_VOLUME: { volume: string; problem: string };
};
const runError = errorMaker<VolumeErrors>({
  RUN_VOLUME: ({ volume, problem }) => ({
    message: `volume "${volume}": ${problem}`,
    hint: 'a host folder and a container path, both absolute: -v /host/folder:/inside[:ro]',
  }),
});

/** `/host:/inside[:ro|rw]`. @throws RUN_VOLUME */
export function parseVolume(volume: string): BindMount {
  const [source, target, mode = 'rw', ...rest] = volume.split(':');
  const problem =
    source === undefined || target === undefined || rest.length > 0
      ? 'want HOST:CONTAINER[:ro|rw]'
      : !isAbsolute(source)
        ? `"${source}" is not an absolute path (a build has no volumes with names)`
        : !target.startsWith('/')
          ? `"${target}" is not an absolute path`
          : target === '/'
            ? 'the container path is the root itself'
            : mode !== 'ro' && mode !== 'rw'
              ? `unknown mode "${mode}"`
              : undefined;
  if (problem !== undefined) throw runError('RUN_VOLUME', { volume, problem });
  try {
    statSync(source!);
  } catch {
    throw runError('RUN_VOLUME', { volume, problem: `${source} does not exist` });
  }
  return { source: realpathSync(source!), target: target!, readOnly: mode === 'ro' };
}
