import { mkdirSync } from 'node:fs';
import type { CallOptions } from '../base/options.ts';
import type { Layer } from '../layer/types.ts';
import { AT_FDCWD, chmodAt, timesAt } from '../linux/at.ts';
import type { Digest } from '../oci/types.ts';
import { createRoot } from './create-root.ts';
import { withPlace } from './system-errors.ts';
import type { Rootfs } from './types.ts';
import { runInWorker, type UnpackTools } from './unpack.ts';

/** A root that is a full copy of what the layers show: where there is no overlayfs. Nothing is mounted. */
export async function createCopiedRoot(
  tools: UnpackTools,
  layers: readonly Layer[],
  chains: readonly Digest[],
  release: () => void,
  o: CallOptions,
): Promise<Rootfs> {
  const { snapshots, session } = tools;
  const folder = session.makeFolder();
  const merged = `${folder}/m`;
  const top = chains.at(-1);
  const below = top === undefined ? undefined : snapshots.folderOf(top);
  withPlace('making', merged, () => {
    mkdirSync(merged, { mode: 0o755 });
    chmodAt(AT_FDCWD, merged, 0o755);
    timesAt(AT_FDCWD, merged, 0);
  });
  if (below !== undefined) await runInWorker({ kind: 'copy', from: below, to: merged }, o);
  return createRoot({
    ...tools,
    folder,
    plan: { kind: 'plain', merged },
    layers,
    changed: merged,
    marks: undefined,
    mount: () => undefined,
    unmount: () => undefined,
    openBelow: () => (below === undefined ? undefined : { path: below, close: () => undefined }),
    release,
  });
}
